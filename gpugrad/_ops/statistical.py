"""Reductions: sums, means, products, extremes, spreads, and truth over axes.

`axis` is None (all axes), an integer or a tuple of integers; `keepdims` leaves reduced axes with size 1.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

from gpugrad._fused._half import widened
from gpugrad._op import op
from gpugrad.backends import Array, backend_of, default_float, default_integer, is_inexact
from gpugrad.errors import ShapeError

__all__ = ["all", "any", "max", "mean", "min", "prod", "std", "sum", "var"]

Axis: TypeAlias = "int | tuple[int, ...] | None"


def axes_of(axis: Axis, ndim: int) -> tuple[int, ...]:
    """Return the axes that `axis` means, none of them negative."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    for a in axes:
        if not -ndim <= a < ndim:
            raise ShapeError(f"axis {a} is out of range for an array of {ndim} axes")
    return tuple(a % ndim for a in axes)


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


def _numbers(x: Array) -> Array:
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
    return backend_of(x).namespace.sum(_numbers(x), axis=axis, dtype=dtype, keepdims=keepdims)


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


def _prod_x(g: Array, x: Array, x_shape: Any, axis: Axis, keepdims: bool, xp: Any) -> Array:
    """Multiply the elements before each one with those behind it."""
    if 0 in x_shape:
        return xp.zeros_like(x)
    axes = axes_of(axis, len(x_shape))
    order = [i for i in range(len(x_shape)) if i not in axes] + list(axes)
    moved = xp.permute_dims(x, tuple(order))
    rows = xp.reshape(moved, (*moved.shape[: len(order) - len(axes)], counted(x_shape, axis)))
    behind = xp.flip(_exclusive_products(xp.flip(rows, axis=-1), xp), axis=-1)
    others = xp.reshape(_exclusive_products(rows, xp) * behind, moved.shape)
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
    return backend_of(x).namespace.prod(_numbers(x), axis=axis, dtype=dtype, keepdims=keepdims)


def _extreme_x(g: Array, x: Array, z: Array, x_shape: Any, axis: Axis, keepdims: bool, xp: Any) -> Array:
    """Ties share evenly; where the result is NaN, the NaN elements share."""
    hit = (x == kept(z, x_shape, axis, keepdims, xp)) | xp.isnan(x)
    share = xp.astype(hit, g.dtype)
    return kept(g, x_shape, axis, keepdims, xp) * (share / xp.sum(share, axis=axis, keepdims=True))


@op(x=_extreme_x)
def max(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the largest element over `axis`; ties share the gradient evenly.

    >>> import gpugrad
    >>> x = gpugrad.tensor([2., 2., 1.], requires_grad=True)
    >>> gpugrad.max(x).backward()
    >>> x.grad
    tensor([0.5000, 0.5000, 0.0000])
    """
    return backend_of(x).namespace.max(_numbers(x), axis=axis, keepdims=keepdims)


@op(x=_extreme_x)
def min(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the smallest element over `axis`; ties share the gradient evenly.

    >>> import gpugrad
    >>> gpugrad.min(gpugrad.tensor([[3., 1.], [2., 4.]]), axis=1)
    tensor([1., 2.])
    """
    return backend_of(x).namespace.min(_numbers(x), axis=axis, keepdims=keepdims)


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
