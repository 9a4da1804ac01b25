"""Fitting a gradient to its input: un-broadcast, cast to the input's dtype, real part for real inputs.

It happens here, once, and in no rule. Everything goes through the gradient's own namespace, so with create_graph the
fitting is recorded like any other call.
"""

from __future__ import annotations

from typing import Any

from gpugrad.backends import Array, backend_of

__all__ = ["fit", "namespace_of"]


def namespace_of(x: Any) -> Any:
    """Return the namespace for an array (its library) or a Tensor (gpugrad)."""
    if hasattr(x, "_node"):
        return x.__array_namespace__()
    return backend_of(x).namespace


def fit(g: Array, shape: tuple[int, ...], dtype: Any) -> Array:
    """Return `g` summed to `shape`, over the axes that broadcasting had added or stretched, and of `dtype`."""
    xp = namespace_of(g)
    if g.shape != shape:
        g = _unbroadcast(g, shape, xp)
    if g.dtype != dtype:
        if xp.isdtype(g.dtype, "complex floating") and not xp.isdtype(dtype, "complex floating"):
            g = xp.real(g)
        if g.dtype != dtype:
            g = xp.astype(g, dtype)
    return g


def _unbroadcast(g: Array, shape: tuple[int, ...], xp: Any) -> Array:
    added = len(g.shape) - len(shape)
    stretched = (axis + added for axis, size in enumerate(shape) if size == 1 and axis + added >= 0)
    axes = (*range(added), *(axis for axis in stretched if g.shape[axis] != 1))
    if axes:
        g = xp.sum(g, axis=axes, keepdims=True, dtype=g.dtype)
    if added > 0:
        g = xp.reshape(g, g.shape[added:])
    if g.shape != shape:  # a rule may answer with size 1 (or no axis) where all of an axis has one gradient
        g = xp.broadcast_to(g, shape)
    return g
