"""Reductions: sums, means, products, extremes, spreads, and truth over axes; and running sums and products.

`axis` is None (all axes), an integer or a tuple of integers; `keepdims` leaves reduced axes with size 1.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

from gpugrad._fused._half import widened
from gpugrad._op import op
from gpugrad.backends import Array, backend_of, default_float, default_integer, is_inexact
from gpugrad.errors import AxisError, ShapeError

__all__ = ["all", "any", "cumulative_prod", "cumulative_sum", "max", "mean", "min", "prod", "std", "sum", "var"]

Axis: TypeAlias = "int | tuple[int, ...] | None"


def axes_of(axis: Axis, ndim: int, repeated: bool = False) -> tuple[int, ...]:
    """Return the axes that `axis` means, none of them negative, and none of them twice unless they may be `repeated`."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    for a in axes:
        if not -ndim <= a < ndim:
            raise AxisError(f"axis {a} is out of range for an array of {ndim} axes")
    places = tuple(a % ndim for a in axes)
    if len(set(places)) < len(places) and not repeated:
        raise AxisError(f"axes {axis} of an array of {ndim} axes name one of them twice")
    return places


def kept(g: Array, shape: tuple[int, ...], axis: Axis, keepdims: bool, xp: Any) -> Array:
    """Return `g` with the reduced axes put back as size 1."""
    if keepdims:
        return g
    axes = axes_of(axis, len(shape))
    return xp.reshape(g, tuple(1 if i in axes else n for i, n in enumerate(shape)))


def counted(shape: tuple[int, ...], axis: Axis) -> int:
    """Return how many elements go into one result."""
    return math.prod(shape[a] for a in axes_of(axis, len(shape)))


def _as(x: Array, dtype: Any) -> Array:
    backend = backend_of(x)
    return backend.namespace.astype(x, backend.native_dtype(dtype))


def numbers(x: Array) -> Array:
    """Return truth values as integers, and all else as it is."""
    return _as(x, default_integer) if backend_of(x).dtype_of(x).kind == "b" else x


def floats(x: Array) -> Array:
    """Return integers and truth values as the default float, and all else as it is."""
    return x if is_inexact(backend_of(x).dtype_of(x)) else _as(x, default_float)


@op(x=lambda g, x_shape, axis, keepdims, xp: kept(g, x_shape, axis, keepdims, xp))
def sum(x: Array, /, *, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Array:
    """Return the sum over `axis`; small integers are summed as the default integer.

    >>> import gpugrad
    >>> gpugrad.sum(gpugrad.tensor([[1., 2.], [3., 4.]]), axis=0)
    tensor([4., 6.])
    """
    return backend_of(x).namespace.sum(numbers(x), axis=axis, dtype=dtype, keepdims=keepdims)


@op(x=lambda g, x_shape, axis, keepdims, xp: kept(g, x_shape, axis, keepdims, xp) / counted(x_shape, axis))
def mean(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the arithmetic mean over `axis`.

    >>> import gpugrad
    >>> gpugrad.mean(gpugrad.tensor([1., 2., 6.]))
    tensor(3.)
    """
    x = floats(x)
    if counted(x.shape, axis) == 0:
        return backend_of(x).namespace.sum(x, axis=axis, keepdims=keepdims) / math.nan
    return backend_of(x).namespace.mean(x, axis=axis, keepdims=keepdims)


def _exclusive_products(x: Array, xp: Any) -> Array:
    """Return the product of all elements before each one along the last axis, by doubling; zeros are exact."""
    n = x.shape[-1]
    products = xp.concat([xp.ones_like(x[..., :1]), x[..., : n - 1]], axis=-1)
    step = 1
    while step < n:
        products = products * xp.concat([xp.ones_like(x[..., :step]), products[..., : n - step]], axis=-1)
        step *= 2
    return products


def products_of_others(x: Array, xp: Any) -> Array:
    """Return the product of all elements but each one along the last axis, without a division."""
    return _exclusive_products(x, xp) * xp.flip(_exclusive_products(xp.flip(x, axis=-1), xp), axis=-1)


def _prod_x(g: Array, x: Array, x_shape: Any, axis: Axis, keepdims: bool, xp: Any) -> Array:
    """Multiply the elements before each one with those behind it."""
    if 0 in x_shape:
        return xp.zeros_like(x)
    axes = axes_of(axis, len(x_shape))
    order = [i for i in range(len(x_shape)) if i not in axes] + list(axes)
    moved = xp.permute_dims(x, tuple(order))
    rows = xp.reshape(moved, (*moved.shape[: len(order) - len(axes)], counted(x_shape, axis)))
    others = xp.reshape(products_of_others(rows, xp), moved.shape)
    back = tuple(order.index(i) for i in range(len(order)))
    return kept(g, x_shape, axis, keepdims, xp) * xp.permute_dims(others, back)


@op(x=_prod_x)
def prod(x: Array, /, *, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Array:
    """Return the product over `axis`; its gradient is right where elements are zero.

    >>> import gpugrad
    >>> x = gpugrad.tensor([0., 2., 3.], requires_grad=True)
    >>> gpugrad.prod(x).backward()
    >>> x.grad
    tensor([6., 0., 0.])
    """
    return backend_of(x).namespace.prod(numbers(x), axis=axis, dtype=dtype, keepdims=keepdims)


def _extreme_x(g: Array, x: Array, z: Array, x_shape: Any, axis: Axis, keepdims: bool, xp: Any) -> Array:
    """Ties share evenly; where the result is NaN, the NaN elements share."""
    hit = (x == kept(z, x_shape, axis, keepdims, xp)) | xp.isnan(x)
    share = xp.astype(hit, g.dtype)
    return kept(g, x_shape, axis, keepdims, xp) * (share / xp.sum(share, axis=axis, keepdims=True))


@op(x=_extreme_x, reals=True)
def max(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the largest element over `axis`; ties share the gradient evenly.

    >>> import gpugrad
    >>> x = gpugrad.tensor([2., 2., 1.], requires_grad=True)
    >>> gpugrad.max(x).backward()
    >>> x.grad
    tensor([0.5000, 0.5000, 0.0000])
    """
    return backend_of(x).namespace.max(numbers(x), axis=axis, keepdims=keepdims)


@op(x=_extreme_x, reals=True)
def min(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the smallest element over `axis`; ties share the gradient evenly.

    >>> import gpugrad
    >>> gpugrad.min(gpugrad.tensor([[3., 1.], [2., 4.]]), axis=1)
    tensor([1., 2.])
    """
    return backend_of(x).namespace.min(numbers(x), axis=axis, keepdims=keepdims)


def _degrees(shape: tuple[int, ...], axis: Axis, correction: float) -> float:
    """Return the degrees of freedom, NaN where there are none left."""
    degrees = counted(shape, axis) - correction
    return degrees if degrees > 0 else math.nan


def _spread(given: Array, axis: Axis, correction: float, keepdims: bool, root: bool = False) -> Array:
    """Return the variance, or its root, in two passes, which keeps its accuracy far from zero."""
    given = floats(given)
    x = widened(given)
    xp = backend_of(x).namespace
    deviation = x - xp.sum(x, axis=axis, keepdims=True) / (counted(x.shape, axis) or math.nan)
    squared = xp.real(deviation * xp.conj(deviation)) if xp.isdtype(x.dtype, "complex floating") else deviation**2
    z = xp.sum(squared, axis=axis, keepdims=keepdims) / _degrees(x.shape, axis, correction)
    z = z**0.5 if root else z
    return z if x is given else xp.astype(xp.asarray(z), given.dtype)


def _var_x(g: Array, x: Array, x_shape: Any, axis: Axis, correction: float, keepdims: bool, xp: Any) -> Array:
    """`2 g * conj(x - mean(x)) / (n - correction)`."""
    deviation = x - xp.mean(x, axis=axis, keepdims=True)
    if xp.isdtype(x.dtype, "complex floating"):
        deviation = xp.conj(deviation)
    return kept(g, x_shape, axis, keepdims, xp) * (deviation * (2 / _degrees(x_shape, axis, correction)))


@op(x=_var_x)
def var(x: Array, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Array:
    """Return the variance over `axis`, with `n - correction` degrees of freedom; NaN where none are left.

    >>> import gpugrad
    >>> gpugrad.var(gpugrad.tensor([1., 2., 3.]), correction=1)
    tensor(1.)
    """
    return _spread(x, axis, correction, keepdims)


def _std_x(g: Array, z: Array, x: Array, x_shape: Any, axis: Axis, correction: float, keepdims: bool, xp: Any) -> Array:
    """Divide the rule of var by 2 z; 0 where all elements are equal."""
    flat = z == 0
    part = xp.where(flat, xp.zeros_like(z), 0.5 / xp.where(flat, xp.ones_like(z), z))
    return _var_x(g * part, x, x_shape, axis, correction, keepdims, xp)


@op(x=_std_x)
def std(x: Array, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Array:
    """Return the standard deviation over `axis`; the gradient of equal values is 0.

    >>> import gpugrad
    >>> x = gpugrad.ones(3, requires_grad=True)
    >>> gpugrad.std(x).backward()
    >>> x.grad
    tensor([0., 0., 0.])
    """
    return _spread(x, axis, correction, keepdims, root=True)


@op()
def any(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return whether any element over `axis` is true (not zero).

    >>> import gpugrad
    >>> gpugrad.any(gpugrad.tensor([False, True]))
    tensor(True)
    """
    return backend_of(x).namespace.any(x, axis=axis, keepdims=keepdims)


@op()
def all(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return whether all elements over `axis` are true (not zero).

    >>> import gpugrad
    >>> gpugrad.all(gpugrad.tensor([False, True]))
    tensor(False)
    """
    return backend_of(x).namespace.all(x, axis=axis, keepdims=keepdims)


def _running(x: Array, axis: int | None) -> int:
    """Return the axis that a running sum or product goes along; it may be left out where there is one alone."""
    if x.ndim == 0 or (axis is None and x.ndim != 1):
        raise ShapeError(f"cumulative_sum and cumulative_prod: shape {x.shape} has {x.ndim} axes; say which with axis=")
    return axes_of(axis, x.ndim)[0]


def _piece(x: Array, axis: int, start: int | None, stop: int | None) -> Array:
    return x[(*(slice(None),) * axis, slice(start, stop), ...)]


def _cumulative_sum_x(g: Array, x_shape: Any, axis: int | None, include_initial: bool, xp: Any) -> Array:
    """`flip(cumulative_sum(flip(g)))`, without the initial element."""
    axis = (axis or 0) % len(x_shape)
    if include_initial:
        g = _piece(g, axis, 1, None)
    return xp.flip(xp.cumulative_sum(xp.flip(g, axis=axis), axis=axis), axis=axis)


@op(x=_cumulative_sum_x)
def cumulative_sum(x: Array, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Array:
    """Return the sums of all elements up to each one along `axis`, with a 0 in front if `include_initial`.

    The axis may be left out where there is one alone; small integers are summed as the default integer.

    >>> import gpugrad
    >>> gpugrad.cumulative_sum(gpugrad.tensor([1., 2., 3.]), include_initial=True)
    tensor([0., 1., 3., 6.])
    """
    axis = _running(x, axis)
    return backend_of(x).namespace.cumulative_sum(numbers(x), axis=axis, dtype=dtype, include_initial=include_initial)


def _cumulative_prod_x(
    g: Array, x: Array, z: Array, x_shape: Any, axis: int | None, include_initial: bool, xp: Any
) -> Array:
    """Multiply the product before each element with s[i] = g[i] + x[i + 1] * s[i + 1], what comes from behind it.

    The recurrence is solved by doubling: after each round s reaches twice as far, and `factor` is the product over that
    reach. Nothing is divided, so zeros are exact.
    """
    axis = (axis or 0) % len(x_shape)
    n = x_shape[axis]
    if n == 0:
        return xp.zeros_like(x)
    one = xp.ones_like(_piece(z, axis, 0, 1))
    before = _piece(z, axis, 0, n) if include_initial else xp.concat([one, _piece(z, axis, 0, n - 1)], axis=axis)
    s = _piece(g, axis, 1, None) if include_initial else g
    factor = xp.concat([_piece(xp.astype(x, g.dtype), axis, 1, None), xp.zeros_like(one)], axis=axis)
    step = 1
    while step < n:
        near, far = _piece(factor, axis, 0, n - step), _piece(s, axis, n - step, None)
        s = xp.concat([_piece(s, axis, 0, n - step) + near * _piece(s, axis, step, None), far], axis=axis)
        rest = xp.zeros_like(far)
        factor = xp.concat([near * _piece(factor, axis, step, None), rest], axis=axis)
        step *= 2
    return before * s


@op(x=_cumulative_prod_x)
def cumulative_prod(x: Array, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Array:
    """Return the products of all elements up to each one along `axis`, with a 1 in front if `include_initial`.

    Its gradient is right where elements are zero. The axis may be left out where there is one alone.

    >>> import gpugrad
    >>> x = gpugrad.tensor([2., 0., 3.], requires_grad=True)
    >>> gpugrad.cumulative_prod(x).sum().backward()
    >>> x.grad
    tensor([1., 8., 0.])
    """
    axis = _running(x, axis)
    return backend_of(x).namespace.cumulative_prod(numbers(x), axis=axis, dtype=dtype, include_initial=include_initial)
