"""Determinants. The gradient of one is the matrix of cofactors, finite where the matrix is singular too."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from gpugrad._op import op
from gpugrad._ops.matrices import (
    as_columns,
    as_rows,
    conjugate,
    diagonal,
    embed_diagonal,
    epsilon,
    per_matrix,
    square_matrices,
)
from gpugrad._ops.singular_values import svd, svdvals
from gpugrad._ops.solving import inv
from gpugrad._ops.statistical import products_of_others
from gpugrad.backends import Array, backend_of
from gpugrad.errors import GradientError

__all__ = ["SlogdetResult", "cofactors", "cofactors_along", "det", "slogdet"]


class SlogdetResult(NamedTuple):
    """det = sign * exp(logabsdet)."""

    sign: Array
    logabsdet: Array


@op(x=lambda g, x, xp: per_matrix(g, xp) * cofactors(x))
def det(x: Array, /) -> Array:
    """Return the determinants of square matrices; the gradient is finite at singular ones, to second order too.

    >>> import gpugrad
    >>> x = gpugrad.tensor([[1., 2.], [2., 4.]], requires_grad=True)
    >>> gpugrad.linalg.det(x).backward()
    >>> x.grad
    tensor([[ 4., -2.],
            [-2.,  1.]])
    """
    return backend_of(x).namespace.linalg.det(square_matrices(x, "det"))


def _turned(x: Array, xp: Any) -> tuple[Array, Array, Array, Array]:
    """Return conj(u), s, conj(vh) and det(u) det(vh), for x = u diag(s) vh."""
    u, s, vh = svd(x, full_matrices=False)
    return conjugate(u, xp), s, conjugate(vh, xp), per_matrix(det(u) * det(vh), xp)


def _cofactors_x(g: Array, x: Array, xp: Any) -> Array:
    """Return the second derivative of the determinant along g, by the inverse where that is accurate."""
    if 0 in x.shape:
        return xp.zeros_like(g)
    s = svdvals(x)
    if not bool(xp.all(s[..., -1] > epsilon(x) ** 0.25 * s[..., 0])):
        return cofactors_along(g, x)
    y = xp.matrix_transpose(inv(x))
    inner = per_matrix(xp.sum(y * g, axis=(-2, -1)), xp) * y
    return per_matrix(det(x), xp) * (inner - xp.matmul(xp.matmul(y, xp.matrix_transpose(g)), y))


@op(x=_cofactors_x)
def cofactors(x: Array, /) -> Array:
    """Return the matrices of cofactors, det(x) x^-T where that exists; a singular matrix has them too."""
    z = det(x)
    xp = backend_of(x).namespace
    if bool(xp.all((z != 0) & xp.isfinite(z))):
        return per_matrix(z, xp) * xp.matrix_transpose(inv(x))
    finite = xp.all(xp.isfinite(x), axis=(-2, -1), keepdims=True)
    u, s, vh, phase = _turned(xp.where(finite, x, xp.zeros_like(x)), xp)
    z = phase * xp.matmul(u * as_rows(products_of_others(s, xp), xp), vh)
    return xp.where(finite, z, xp.zeros_like(z) + math.nan)


def _third_derivative(g: Array, v: Array, x_shape: Any, xp: Any) -> Array:
    """Return 0 for size 2, and for size 3, where cofactors are of second degree in x, the same of g; else refuse."""
    if x_shape[-1] < 3:
        return xp.zeros_like(g)
    if x_shape[-1] == 3:
        return cofactors_along(v, g)
    raise GradientError(
        f"det: the third derivative at a matrix of shape {tuple(x_shape[-2:])} that is singular, or nearly so, is not "
        "known here; the first and the second are, and up to size 3 all"
    )


@op(v=lambda g, x: cofactors_along(g, x), x=_third_derivative)
def cofactors_along(v: Array, x: Array, /) -> Array:
    """Return the derivative of the cofactors of `x` along `v`, for matrices of any rank.

    In the frame of the singular vectors, with v' = u^H v vh^H and p_ij the product of the singular values without the
    i-th and the j-th, it is the sum over i of p_ij v'_ii at (j, j), and -p_ij v'_ji at (i, j).
    """
    xp = backend_of(x).namespace
    u, s, vh, phase = _turned(x, xp)
    n = s.shape[-1]
    one = embed_diagonal(xp.ones_like(s), shape=(n, n))
    minors = products_of_others(as_rows(s, xp) * (1 - one) + one, xp) * (1 - one)
    turned = xp.matmul(xp.matmul(xp.matrix_transpose(u), v), xp.matrix_transpose(vh))
    inner = xp.sum(minors * as_columns(diagonal(turned), xp), axis=-2)
    inner = embed_diagonal(inner, shape=(n, n)) - minors * xp.matrix_transpose(turned)
    return phase * xp.matmul(xp.matmul(u, inner), vh)


def _slogdet_x(g: Any, z: Any, x: Array, xp: Any) -> Array:
    """With t = tr(x^-1 dx), log(abs(det)) moves by Re(t) and the phase of the sign by Im(t); NaN where det is 0."""
    g_sign, c = g
    sign = z[0]
    if xp.isdtype(sign.dtype, "complex floating"):
        c = c + 1j * xp.imag(g_sign * sign)
    singular = sign == 0
    c = xp.where(singular, xp.zeros_like(c) + math.nan, c)
    one = embed_diagonal(xp.ones_like(diagonal(x)), shape=x.shape[-2:])
    y = inv(xp.where(per_matrix(singular, xp), one, x))
    return per_matrix(c, xp) * xp.matrix_transpose(y)


@op(x=_slogdet_x)
def slogdet(x: Array, /) -> SlogdetResult:
    """Return the signs of determinants and the logarithms of their absolute values, 0 and -inf for a singular matrix.

    >>> import gpugrad
    >>> gpugrad.linalg.slogdet(gpugrad.tensor([[0., 1.], [1., 0.]]))
    SlogdetResult(sign=tensor(-1.), logabsdet=tensor(0.))
    """
    return SlogdetResult(*backend_of(x).namespace.linalg.slogdet(square_matrices(x, "slogdet")))
