"""Products of vectors and matrices; leading axes are batches and broadcast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gpugrad._op import op
from gpugrad.backends import Array, backend_of, together
from gpugrad.errors import ShapeError

__all__ = ["cross", "matmul", "outer", "tensordot", "vecdot"]


def _together(x1: Array, x2: Array, name: str) -> list[Array]:
    """Return two operands, neither of them a Python number, in one dtype."""
    if not hasattr(x1, "shape") or not hasattr(x2, "shape"):
        raise ShapeError(f"{name}: an operand is a number and has no axes; multiply by it with *")
    return together(backend_of(x1), (x1, x2))


def _matmul_x1(g: Array, x2: Array, x1_shape: Any, x2_shape: Any, xp: Any) -> Array:
    """`g @ x2ᵀ`, vectors as matrices of one row or column."""
    if len(x2_shape) == 1:  # z has lost the last axis: put it back
        return xp.expand_dims(g, axis=-1) * x2
    if len(x1_shape) == 1:
        return xp.squeeze(xp.matmul(xp.expand_dims(g, axis=-2), xp.matrix_transpose(x2)), axis=-2)
    return xp.matmul(g, xp.matrix_transpose(x2))


def _matmul_x2(g: Array, x1: Array, x1_shape: Any, x2_shape: Any, xp: Any) -> Array:
    """`x1ᵀ @ g`, vectors as matrices of one row or column."""
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
    x1, x2 = _together(x1, x2, "matmul")
    if x1.ndim == 0 or x2.ndim == 0:
        raise ShapeError("matmul: an operand has no axes; multiply by a scalar with *")
    inner = x2.shape[-2] if x2.ndim > 1 else x2.shape[0]
    if x1.shape[-1] != inner:
        raise ShapeError(f"matmul: shapes {x1.shape} and {x2.shape} do not fit: {x1.shape[-1]} is not {inner}")
    return backend_of(x1).namespace.matmul(x1, x2)


def _vecdot_x1(g: Array, x2: Array, axis: int, xp: Any) -> Array:
    """`conj(g * x2)`, the axis put back."""
    product = xp.expand_dims(g, axis=axis) * x2
    return xp.conj(product) if xp.isdtype(product.dtype, "complex floating") else product


def _vecdot_x2(g: Array, x1: Array, axis: int, xp: Any) -> Array:
    """`g * conj(x1)`, the axis put back."""
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
    x1, x2 = _together(x1, x2, "vecdot")
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
    x1, x2 = _together(x1, x2, "tensordot")
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
    x1, x2 = _together(x1, x2, "outer")
    if x1.ndim != 1 or x2.ndim != 1:
        raise ShapeError(f"outer: takes two vectors, not shapes {x1.shape} and {x2.shape}")
    xp = backend_of(x1).namespace
    return xp.expand_dims(x1, axis=1) * xp.expand_dims(x2, axis=0)


def _cross(x1: Array, x2: Array, axis: int, xp: Any) -> Array:
    """Multiply each element by the next but one of the other vector, in both turns, and subtract."""
    next1, next2 = xp.roll(x1, -1, axis=axis), xp.roll(x2, -1, axis=axis)
    return next1 * xp.roll(next2, -1, axis=axis) - xp.roll(next1, -1, axis=axis) * next2


@op(
    x1=lambda g, x2, axis, xp: _cross(x2, g, axis, xp),
    x2=lambda g, x1, axis, xp: _cross(g, x1, axis, xp),
)
def cross(x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
    """Return the cross products of vectors of three elements along `axis`, which counts from the end.

    >>> import gpugrad
    >>> gpugrad.linalg.cross(gpugrad.tensor([1., 0., 0.]), gpugrad.tensor([0., 1., 0.]))
    tensor([0., 0., 1.])
    """
    x1, x2 = _together(x1, x2, "cross")
    if not -min(x1.ndim, x2.ndim) <= axis < 0 or not x1.shape[axis] == x2.shape[axis] == 3:
        raise ShapeError(f"cross: shapes {x1.shape} and {x2.shape} must both have size 3 along axis {axis} < 0")
    return _cross(x1, x2, axis, backend_of(x1).namespace)
