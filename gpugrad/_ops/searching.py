"""Functions that look for elements: where, argmax, argmin, nonzero, count_nonzero, searchsorted."""

from __future__ import annotations

from typing import Any, Literal

from gpugrad._op import SCALARS, op
from gpugrad._ops.statistical import Axis
from gpugrad.backends import Array, backend_of, common_dtype, default_integer, dtypes, together
from gpugrad.errors import OptionError, ShapeError

__all__ = ["argmax", "argmin", "count_nonzero", "nonzero", "searchsorted", "where"]


def _chosen(g: Array, condition: Array, first: bool, xp: Any) -> Array:
    """`where(condition, g, 0)` for x1, `where(condition, 0, g)` for x2."""
    nothing = xp.zeros_like(g)
    if type(condition) in SCALARS:
        return g if bool(condition) is first else nothing
    truth = _truth(condition, xp)
    return xp.where(truth, g, nothing) if first else xp.where(truth, nothing, g)


@op(
    x1=lambda g, condition, xp: _chosen(g, condition, True, xp),
    x2=lambda g, condition, xp: _chosen(g, condition, False, xp),
    elementwise=True,
)
def where(condition: Array | bool, x1: Array | complex, x2: Array | complex, /) -> Array:
    """Return x1 where `condition` holds and x2 elsewhere; the gradient goes where the value came from.

    One of the three at least is a tensor; the others may be numbers.

    >>> import gpugrad
    >>> gpugrad.where(gpugrad.tensor([True, False]), gpugrad.tensor([1., 2.]), 0.)
    tensor([1., 0.])
    """
    arrays = [x for x in (x1, x2) if type(x) not in SCALARS]
    scalars = [x for x in (x1, x2) if type(x) in SCALARS]
    array: Any = condition if type(condition) not in SCALARS else arrays[0]
    backend = backend_of(array)
    xp = backend.namespace
    theirs = [backend.dtype_of(x) for x in arrays] or [dtypes["bool"]]
    dtype = backend.native_dtype(common_dtype(theirs, scalars, False))
    if type(condition) in SCALARS:
        condition = xp.full((), bool(condition), dtype=xp.bool, device=array.device)
    if type(x1) in SCALARS:
        x1 = xp.full((), x1, dtype=dtype, device=array.device)
    if type(x2) in SCALARS:
        x2 = xp.full((), x2, dtype=dtype, device=array.device)
    return xp.where(_truth(condition, xp), _cast(x1, dtype, xp), _cast(x2, dtype, xp))


def _truth(x: Array, xp: Any) -> Array:
    return x if xp.isdtype(x.dtype, "bool") else x != 0


def _cast(x: Array, dtype: Any, xp: Any) -> Array:
    return x if x.dtype == dtype else xp.astype(x, dtype)


@op(reals=True)
def argmax(x: Array, /, *, axis: int | None = None, keepdims: bool = False) -> Array:
    """Return the index of the (first) largest element along `axis`, or in the flattened array.

    >>> import gpugrad
    >>> gpugrad.argmax(gpugrad.tensor([1., 5., 2.]))
    tensor(1)
    """
    return backend_of(x).namespace.argmax(x, axis=axis, keepdims=keepdims)


@op(reals=True)
def argmin(x: Array, /, *, axis: int | None = None, keepdims: bool = False) -> Array:
    """Return the index of the (first) smallest element along `axis`, or in the flattened array.

    >>> import gpugrad
    >>> gpugrad.argmin(gpugrad.tensor([1., 5., 0.]))
    tensor(2)
    """
    return backend_of(x).namespace.argmin(x, axis=axis, keepdims=keepdims)


@op()
def nonzero(x: Array, /) -> tuple[Array, ...]:
    """Return the indices of the elements that are not zero, one tensor of integers for each axis.

    >>> import gpugrad
    >>> gpugrad.nonzero(gpugrad.tensor([0., 3., 4.]))
    (tensor([1, 2]),)
    """
    return tuple(backend_of(x).namespace.nonzero(x))


@op()
def count_nonzero(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return how many elements over `axis` are not zero.

    >>> import gpugrad
    >>> gpugrad.count_nonzero(gpugrad.tensor([[0., 3.], [4., 5.]]), axis=0)
    tensor([1, 2])
    """
    backend = backend_of(x)
    xp = backend.namespace
    truth = xp.astype(_truth(x, xp), xp.uint8)
    return xp.sum(truth, axis=axis, dtype=backend.native_dtype(default_integer), keepdims=keepdims)


@op(reals=True)
def searchsorted(
    x1: Array, x2: Array | float, /, *, side: Literal["left", "right"] = "left", sorter: Array | None = None
) -> Array:
    """Return where in `x1`, which is 1-d and ascending, each element of `x2` would go to keep the order.

    That is in front of equal elements for the side "left", behind them for "right". A `sorter` holds the indices that
    sort an `x1` that is not in order.

    >>> import gpugrad
    >>> gpugrad.searchsorted(gpugrad.tensor([1., 2., 2., 5.]), gpugrad.tensor([2., 9.]), side="right")
    tensor([3, 4])
    """
    if side not in ("left", "right"):
        raise OptionError(f"searchsorted: the side is 'left' or 'right', not {side!r}")
    if type(x1) in SCALARS or x1.ndim != 1:
        raise ShapeError(f"searchsorted: looks through a 1-d array, not one of shape {getattr(x1, 'shape', ())}")
    backend = backend_of(x1)
    xp = backend.namespace
    x1, x2 = together(backend, (x1, x2))
    if type(x2) in SCALARS:
        x2 = xp.full((), x2, dtype=x1.dtype, device=x1.device)
    return xp.searchsorted(x1, x2, side=side, sorter=sorter)
