"""Functions that look for elements: where, argmax, argmin, nonzero."""

from __future__ import annotations

from typing import Any

from gpugrad._op import SCALARS, op
from gpugrad.backends import Array, backend_of, common_dtype

__all__ = ["argmax", "argmin", "nonzero", "where"]


def _chosen(g: Array, condition: Array, first: bool, xp: Any) -> Array:
    nothing = xp.zeros_like(g)
    return xp.where(condition, g, nothing) if first else xp.where(condition, nothing, g)


@op(
    x1=lambda g, condition, xp: _chosen(g, condition, True, xp),
    x2=lambda g, condition, xp: _chosen(g, condition, False, xp),
)
def where(condition: Array, x1: Array, x2: Array, /) -> Array:
    """Return x1 where `condition` holds and x2 elsewhere; the gradient goes where the value came from.

    >>> import gpugrad
    >>> gpugrad.where(gpugrad.tensor([True, False]), gpugrad.tensor([1., 2.]), 0.)
    tensor([1., 0.])
    """
    if not hasattr(condition, "shape"):
        raise TypeError(f"where: the condition must be a tensor of truth values, not {condition!r}")
    backend = backend_of(condition)
    xp = backend.namespace
    arrays = [x for x in (x1, x2) if type(x) not in SCALARS]
    scalars = [x for x in (x1, x2) if type(x) in SCALARS]
    dtypes = [backend.dtype_of(x) for x in arrays] or [backend.dtype_of(condition)]
    dtype = backend.native_dtype(common_dtype(dtypes, scalars, False))
    if type(x1) in SCALARS:
        x1 = xp.full((), x1, dtype=dtype, device=condition.device)
    if type(x2) in SCALARS:
        x2 = xp.full((), x2, dtype=dtype, device=condition.device)
    return xp.where(_truth(condition, xp), _cast(x1, dtype, xp), _cast(x2, dtype, xp))


def _truth(x: Array, xp: Any) -> Array:
    return x if xp.isdtype(x.dtype, "bool") else x != 0


def _cast(x: Array, dtype: Any, xp: Any) -> Array:
    return x if x.dtype == dtype else xp.astype(x, dtype)


@op()
def argmax(x: Array, /, *, axis: int | None = None, keepdims: bool = False) -> Array:
    """Return the index of the (first) largest element along `axis`, or in the flattened array.

    >>> import gpugrad
    >>> gpugrad.argmax(gpugrad.tensor([1., 5., 2.]))
    tensor(1)
    """
    return backend_of(x).namespace.argmax(x, axis=axis, keepdims=keepdims)


@op()
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
