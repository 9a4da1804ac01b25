"""Norms of vectors and of matrices. At a kink the gradient is the subgradient of smallest norm: at 0 it is 0."""

from __future__ import annotations

import math
from typing import Any

from gpugrad._fused._half import widened
from gpugrad._op import op
from gpugrad._ops.equal_values import rounding
from gpugrad._ops.matrices import as_rows, conjugate, matrices, per_matrix
from gpugrad._ops.singular_values import svd, svdvals
from gpugrad._ops.statistical import Axis, axes_of, floats, kept
from gpugrad.backends import Array, backend_of
from gpugrad.errors import OptionError, ShapeError

__all__ = ["matrix_norm", "vector_norm"]


def _vector_norm_x(
    g: Array, z: Array, x: Array, x_shape: Any, axis: Axis, keepdims: bool, ord: float, xp: Any
) -> Array:
    """`g * sign(x) * (abs(x) / z) ** (ord - 1)`, which does not overflow; 0 where the norm is 0."""
    g, z = kept(g, x_shape, axis, keepdims, xp), kept(z, x_shape, axis, keepdims, xp)
    size = xp.abs(x)
    direction = conjugate(xp.sign(x), xp)
    if ord in (math.inf, -math.inf):
        share = xp.astype(size == z, z.dtype)
        return g * direction * (share / xp.sum(share, axis=axis, keepdims=True))
    if ord == 0:
        return xp.zeros_like(x)
    nothing = z == 0
    safe = xp.where(nothing, xp.ones_like(z), z)
    if ord == 2:  # not by way of the sign, whose derivative at an element that is 0 is not that of x / z
        return g * xp.where(nothing, xp.zeros_like(x), conjugate(x, xp) / safe)
    part = size / safe
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
    if not isinstance(ord, int | float):
        raise OptionError(f"vector_norm: ord is {ord!r}; it is a number, inf or -inf")
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


def _sums_rule(g: Array, z: Array, x: Array, axis: int, xp: Any) -> Array:
    """Columns (or rows) that tie share; one with fewer elements that are not 0 gets more, for the smallest norm."""
    size, direction = xp.abs(x), conjugate(xp.sign(x), xp)
    hit = xp.astype(xp.sum(size, axis=axis, keepdims=True) == z, z.dtype)
    count = xp.sum(xp.astype(size != 0, z.dtype), axis=axis, keepdims=True)
    weight = hit / xp.where(count == 0, xp.ones_like(count), count)
    return g * direction * (weight / xp.sum(weight, axis=(-2, -1), keepdims=True))


def _singular_rule(g: Array, x: Array, ord: float | str, xp: Any) -> Array:
    """Singular values that tie, but for rounding, share evenly; those that are 0, but for rounding, get nothing."""
    u, s, vh = svd(x, full_matrices=False)
    off = rounding(s, xp)
    share = xp.astype(s > off, s.dtype)
    if ord != "nuc":
        extreme = (xp.max if ord == 2 else xp.min)(s, axis=-1, keepdims=True)
        tied = xp.astype(xp.abs(s - extreme) <= off, s.dtype)
        share = share * tied / xp.sum(tied, axis=-1, keepdims=True)
    return g * conjugate(xp.matmul(u * as_rows(share, xp), vh), xp)


def _matrix_norm_x(g: Array, z: Array, x: Array, x_shape: Any, keepdims: bool, ord: Any, xp: Any) -> Array:
    """Return as for the vector norm for fro, of sums of absolute values for 1 and inf, and `U Vᴴ` of the singular vectors that count."""
    if 0 in x_shape:
        return xp.zeros_like(x)
    if not keepdims:
        g, z = per_matrix(g, xp), per_matrix(z, xp)
    if ord in (None, "fro"):
        return _vector_norm_x(g, z, x, x_shape, (-2, -1), True, 2, xp)
    if ord in (1, -1, math.inf, -math.inf):
        return _sums_rule(g, z, x, -2 if ord in (1, -1) else -1, xp)
    return _singular_rule(g, x, ord, xp)


@op(x=_matrix_norm_x)
def matrix_norm(x: Array, /, *, keepdims: bool = False, ord: float | str | None = "fro") -> Array:
    """Return the norms of matrices (..., m, n).

    "fro" is the root of the sum of squares; "nuc" the sum of the singular values, 2 the largest and -2 the smallest
    one; 1 and -1 the largest and smallest sum of absolute values of a column, inf and -inf of a row.

    >>> import gpugrad
    >>> gpugrad.linalg.matrix_norm(gpugrad.tensor([[3., 0.], [0., 4.]]), ord="nuc")
    tensor(7.)
    """
    if ord not in (None, "fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf):
        raise OptionError(f"matrix_norm: ord is {ord!r}; it is 'fro', 'nuc', 1, -1, 2, -2, inf or -inf")
    x = matrices(x, "matrix_norm")
    if ord in (None, "fro"):
        return vector_norm(x, axis=(-2, -1), keepdims=keepdims)
    xp = backend_of(x).namespace
    sums = ord in (1, -1, math.inf, -math.inf)
    values = xp.sum(xp.abs(x), axis=-2 if ord in (1, -1) else -1) if sums else svdvals(x)
    smallest = ord in (-1, -2, -math.inf)
    if smallest and values.shape[-1] == 0:
        raise ShapeError(f"matrix_norm: matrices of shape {x.shape[-2:]} have no smallest sum or singular value")
    if ord == "nuc" or values.shape[-1] == 0:
        z = xp.sum(values, axis=-1)
    else:
        z = (xp.min if smallest else xp.max)(values, axis=-1)
    return per_matrix(z, xp) if keepdims else z
