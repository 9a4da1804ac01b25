"""Products of vectors and matrices; leading axes are batches and broadcast."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gpugrad._fused._half import widened
from gpugrad._op import op
from gpugrad._ops.statistical import Axis, axes_of, floats, kept
from gpugrad.backends import Array, backend_of, together
from gpugrad.errors import ShapeError

__all__ = ["matmul", "outer", "tensordot", "vecdot", "vector_norm"]


def _matmul_x1(g: Array, x2: Array, x1_shape: Any, x2_shape: Any, xp: Any) -> Array:
    if len(x2_shape) == 1:  # z has lost the last axis: put it back
        return xp.expand_dims(g, axis=-1) * x2
    if len(x1_shape) == 1:
        return xp.squeeze(xp.matmul(xp.expand_dims(g, axis=-2), xp.matrix_transpose(x2)), axis=-2)
    return xp.matmul(g, xp.matrix_transpose(x2))


def _matmul_x2(g: Array, x1: Array, x1_shape: Any, x2_shape: Any, xp: Any) -> Array:
    if len(x1_shape) == 1 and len(x2_shape) == 1:
        return g * x1
    if len(x1_shape) == 1:
        return xp.expand_dims(x1, axis=-1) * xp.expand_dims(g, axis=-2)
    if len(x2_shape) == 1:
        return xp.squeeze(xp.matmul(xp.matrix_transpose(x1), xp.expand_dims(g, axis=-1)), axis=-1)
    return xp.matmul(xp.matrix_transpose(x1), g)


@op(x1=_matmul_x1, x2=_matmul_x2)
def matmul(x1: Array, x2: Array, /) -> Array:
    """Return the matrix product: x1 (..., n, k) times x2 (..., k, m) is (..., n, m); 1-d operands are vectors.

    >>> import gpugrad
    >>> gpugrad.matmul(gpugrad.tensor([[1., 2.], [3., 4.]]), gpugrad.tensor([1., 1.]))
    tensor([3., 7.])
    """
    if not hasattr(x1, "shape") or not hasattr(x2, "shape") or x1.ndim == 0 or x2.ndim == 0:
        raise ShapeError("matmul: an operand has no axes; multiply by a scalar with *")
    inner = x2.shape[-2] if x2.ndim > 1 else x2.shape[0]
    if x1.shape[-1] != inner:
        raise ShapeError(f"matmul: shapes {x1.shape} and {x2.shape} do not fit: {x1.shape[-1]} is not {inner}")
    x1, x2 = together(backend_of(x1), (x1, x2))
    return backend_of(x1).namespace.matmul(x1, x2)


def _vecdot_x1(g: Array, x2: Array, axis: int, xp: Any) -> Array:
    product = xp.expand_dims(g, axis=axis) * x2
    return xp.conj(product) if xp.isdtype(product.dtype, "complex floating") else product


def _vecdot_x2(g: Array, x1: Array, axis: int, xp: Any) -> Array:
    if xp.isdtype(x1.dtype, "complex floating"):
        x1 = xp.conj(x1)
    return xp.expand_dims(g, axis=axis) * x1


@op(x1=_vecdot_x1, x2=_vecdot_x2)
def vecdot(x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
    """Return the sum of conj(x1) * x2 along `axis`.

    >>> import gpugrad
    >>> gpugrad.vecdot(gpugrad.tensor([1., 2.]), gpugrad.tensor([3., 4.]))
    tensor(11.)
    """
    x1, x2 = together(backend_of(x1), (x1, x2))
    if not -min(x1.ndim, x2.ndim) <= axis < 0:
        raise ShapeError(f"vecdot: axis {axis} must count from the end, within shapes {x1.shape} and {x2.shape}")
    if x1.shape[axis] != x2.shape[axis]:
        raise ShapeError(f"vecdot: sizes {x1.shape[axis]} and {x2.shape[axis]} along axis {axis} differ")
    return backend_of(x1).namespace.vecdot(x1, x2, axis=axis)


def _contracted(axes: int | tuple[Sequence[int], Sequence[int]], n1: int, n2: int) -> tuple[list[int], list[int]]:
    """Return the axes of x1 and of x2 that are summed over."""
    if isinstance(axes, int):
        return list(range(n1 - axes, n1)), list(range(axes))
    return [a % n1 for a in axes[0]], [a % n2 for a in axes[1]]


def _tensordot_rule(g: Array, other: Array, axes: Any, mine_shape: Any, first: bool, xp: Any) -> Array:
    """Contract g with the other operand over the axes that the other one kept, and put the axes in order."""
    n_mine, n_other = len(mine_shape), len(other.shape)
    a1, a2 = _contracted(axes, *((n_mine, n_other) if first else (n_other, n_mine)))
    summed_mine, summed_other = (a1, a2) if first else (a2, a1)
    kept_mine = [i for i in range(n_mine) if i not in summed_mine]
    kept_other = [i for i in range(n_other) if i not in summed_other]
    places = range(len(kept_mine), len(g.shape)) if first else range(len(kept_other))
    z = xp.tensordot(g, other, axes=(tuple(places), tuple(kept_other)))
    rest = [summed_mine[summed_other.index(i)] for i in sorted(summed_other)]
    order = kept_mine + rest
    return xp.permute_dims(z, tuple(order.index(i) for i in range(n_mine)))


@op(
    x1=lambda g, x2, x1_shape, axes, xp: _tensordot_rule(g, x2, axes, x1_shape, True, xp),
    x2=lambda g, x1, x2_shape, axes, xp: _tensordot_rule(g, x1, axes, x2_shape, False, xp),
)
def tensordot(x1: Array, x2: Array, /, *, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Array:
    """Return the product summed over pairs of axes: the last `axes` of x1 with the first of x2, or two lists.

    >>> import gpugrad
    >>> gpugrad.tensordot(gpugrad.ones((2, 3)), gpugrad.ones((3, 4)), axes=1).shape
    (2, 4)
    """
    x1, x2 = together(backend_of(x1), (x1, x2))
    return backend_of(x1).namespace.tensordot(x1, x2, axes=axes)


@op(
    x1=lambda g, x2, xp: xp.matmul(g, x2),
    x2=lambda g, x1, xp: xp.matmul(x1, g),
)
def outer(x1: Array, x2: Array, /) -> Array:
    """Return the products of all pairs: x1 (n,) and x2 (m,) give (n, m).

    >>> import gpugrad
    >>> gpugrad.outer(gpugrad.tensor([1., 2.]), gpugrad.tensor([3., 4.]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    if x1.ndim != 1 or x2.ndim != 1:
        raise ShapeError(f"outer: takes two vectors, not shapes {x1.shape} and {x2.shape}")
    x1, x2 = together(backend_of(x1), (x1, x2))
    xp = backend_of(x1).namespace
    return xp.expand_dims(x1, axis=1) * xp.expand_dims(x2, axis=0)


def _vector_norm_x(
    g: Array, z: Array, x: Array, x_shape: Any, axis: Axis, keepdims: bool, ord: float, xp: Any
) -> Array:
    """G * sign(x) * (abs(x) / z) ** (ord - 1), which does not overflow; 0 where the norm is 0."""
    g, z = kept(g, x_shape, axis, keepdims, xp), kept(z, x_shape, axis, keepdims, xp)
    size = xp.abs(x)
    direction = xp.conj(xp.sign(x)) if xp.isdtype(x.dtype, "complex floating") else xp.sign(x)
    if ord in (math.inf, -math.inf):
        share = xp.astype(size == z, z.dtype)
        return g * direction * (share / xp.sum(share, axis=axis, keepdims=True))
    if ord == 0:
        return xp.zeros_like(x)
    part = size / xp.where(z == 0, xp.ones_like(z), z)
    if ord == 2:
        return g * direction * part
    part = xp.where(part == 0, xp.ones_like(part), part) ** (ord - 1)
    return g * direction * part


@op(x=_vector_norm_x)
def vector_norm(x: Array, /, *, axis: Axis = None, keepdims: bool = False, ord: float = 2) -> Array:
    """Return the norm over `axis`, the sum of abs(x) ** ord to the power 1 / ord.

    For ord = inf or -inf it is the largest or smallest absolute value, for ord = 0 the number of elements that are not
    0. Its gradient is 0 where the norm is 0.

    >>> import gpugrad
    >>> gpugrad.linalg.vector_norm(gpugrad.tensor([3., 4.]))
    tensor(5.)
    """
    x = floats(x)
    xp = backend_of(x).namespace
    size = xp.abs(x)
    if ord == math.inf:
        return xp.max(size, axis=axis, keepdims=keepdims)
    if ord == -math.inf:
        return xp.min(size, axis=axis, keepdims=keepdims)
    if ord == 0:
        return xp.sum(xp.astype(x != 0, size.dtype), axis=axis, keepdims=keepdims)
    peak = xp.max(size, axis=axis, keepdims=True) if 0 not in x.shape else xp.sum(size, axis=axis, keepdims=True)
    peak = xp.where((peak == 0) | ~xp.isfinite(peak), xp.ones_like(peak), peak)
    root = xp.sum(widened(size / peak) ** ord, axis=axis, keepdims=True) ** (1 / ord)
    z = xp.astype(root * peak, size.dtype)
    return z if keepdims else xp.squeeze(z, axis=axes_of(axis, x.ndim))
