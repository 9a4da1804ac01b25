"""The singular value decomposition x = u s vh, and what is made of it: the pseudo-inverse and the rank."""

from __future__ import annotations

from typing import Any, NamedTuple

from gpugrad._op import SCALARS, op
from gpugrad._ops.equal_values import bound_pairs, differentiable_once, inverse_gaps, shared_alone, shared_beside
from gpugrad._ops.matrices import adjoint, as_columns, as_rows, conjugate, embed_diagonal, epsilon, matrices, quotient
from gpugrad.backends import Array, backend_of, default_integer
from gpugrad.errors import GradientError

__all__ = ["SVDResult", "matrix_rank", "pinv", "svd", "svdvals"]


class SVDResult(NamedTuple):
    """x = U diag(S) Vh."""

    U: Array
    S: Array
    Vh: Array


def _leading(g: Array, x: Array, k: int, what: str, xp: Any) -> tuple[Array, Array]:
    """Return the first k columns of g and of x; the input does not determine the others."""
    if x.shape[-1] > k:
        if bool(xp.any(g[..., k:] != 0)):
            raise GradientError(
                f"svd: a gradient came to {what} beyond the first {k}, which the input does not determine; take "
                "svd(x, full_matrices=False)"
            )
        return g[..., :k], x[..., :k]
    return g, x


def _complement(x: Array, u: Array, xp: Any) -> Array:
    """Return the part of the columns of x outside the space of the columns of conj(u)."""
    return x - xp.matmul(conjugate(u, xp), xp.matmul(xp.matrix_transpose(u), x))


def _svd_x(g: Any, z: Any, x_shape: Any, xp: Any) -> Array:
    """Return conj(u) k v^T and the parts outside.

    With a = u^T gu and b = v^T gv, k is their antihermitian parts, the sum divided by s_j - s_i and the difference by
    s_j + s_i, and gs on the diagonal. So what is symmetric in equal singular values, such as u vh, has its gradient.
    """
    s = z[1]
    k = s.shape[-1]
    gu, u = _leading(g[0], z[0], k, "columns of U", xp)
    gv, v = _leading(adjoint(g[2], xp), adjoint(z[2], xp), k, "rows of Vh", xp)
    a, b = (xp.matmul(xp.matrix_transpose(vectors), gx) for vectors, gx in ((u, gu), (v, gv)))
    uses = xp.abs(a) + xp.abs(b)
    a, b = (a - adjoint(a, xp)) / 2, (b - adjoint(b, xp)) / 2
    bound = bound_pairs(s, a + b, xp.sum(xp.abs(gu), axis=-2) + xp.sum(xp.abs(gv), axis=-2), xp)
    s, u, v = differentiable_once([s, u, v], bound, xp)
    inner = (a + b) * inverse_gaps(s, bound, xp) + quotient(a - b, as_rows(s, xp) + as_columns(s, xp), xp)
    inner = inner + embed_diagonal(shared_beside(g[1], uses, bound, xp), shape=(k, k))
    gx = xp.matmul(xp.matmul(conjugate(u, xp), inner), xp.matrix_transpose(v))
    if x_shape[-2] > k:
        outside = quotient(_complement(gu, u, xp), as_rows(s, xp), xp)
        gx = gx + xp.matmul(outside, xp.matrix_transpose(v))
    if x_shape[-1] > k:
        outside = quotient(_complement(gv, v, xp), as_rows(s, xp), xp)
        gx = gx + xp.matmul(conjugate(u, xp), adjoint(outside, xp))
    return gx


@op(x=_svd_x)
def svd(x: Array, /, *, full_matrices: bool = True) -> SVDResult:
    """Return the singular value decomposition U, S, Vh of matrices (..., m, n), the largest singular values first.

    U is (..., m, k) and Vh (..., k, n) with k = min(m, n), or square with `full_matrices`; then the input does not
    determine the columns beyond k, and a gradient that comes to them raises GradientError. Singular vectors are
    determined up to a sign or phase alone, and those of equal singular values up to a turn: losses must not depend on
    that. The gradient of such a loss is right, at equal singular values too if it asks for the space of their vectors,
    or for U @ Vh; if it depends on their vectors and unequally on the values as well, it is NaN there.

    >>> import gpugrad
    >>> gpugrad.linalg.svd(gpugrad.tensor([[3., 0.], [0., 4.]])).S
    tensor([4., 3.])
    """
    backend = backend_of(x)
    with backend.checked():
        return SVDResult(*backend.namespace.linalg.svd(matrices(x, "svd"), full_matrices=full_matrices))


def _svdvals_x(g: Array, x: Array, xp: Any) -> Array:
    """`U diag(g) Vᴴ`, conjugated; equal values share evenly, and those that are 0 get 0."""
    u, s, vh = svd(x, full_matrices=False)
    g, (s, u, vh) = shared_alone(g, [s, u, vh], xp)
    return conjugate(xp.matmul(u * as_rows(g * xp.sign(s), xp), vh), xp)


@op(x=_svdvals_x)
def svdvals(x: Array, /) -> Array:
    """Return the singular values of matrices, the largest first.

    The gradient of one that is 0 is 0; equal ones share theirs evenly.

    >>> import gpugrad
    >>> gpugrad.linalg.svdvals(gpugrad.tensor([[3., 0.], [0., 4.]]))
    tensor([4., 3.])
    """
    backend = backend_of(x)
    with backend.checked():
        return backend.namespace.linalg.svdvals(matrices(x, "svdvals"))


def _cutoff(x: Array, s: Array, rtol: Any, xp: Any) -> Array:
    """Return the size up to which singular values count as 0, (..., 1)."""
    if rtol is None:
        rtol = max(x.shape[-2:]) * epsilon(x)
    elif type(rtol) not in SCALARS:
        rtol = as_columns(rtol, xp)
    return xp.max(s, axis=-1, keepdims=True) * rtol


def _pinv_x(g: Array, z: Array, x: Array, xp: Any) -> Array:
    """Follow dz = -z dx z + z z^H dx^H (1 - x z) + (1 - z x) dx^H z^H z, which holds while the rank stays."""
    zt, gh = xp.matrix_transpose(z), adjoint(g, xp)
    left = xp.matmul(gh, conjugate(xp.matmul(z, adjoint(z, xp)), xp))
    right = xp.matmul(conjugate(xp.matmul(adjoint(z, xp), z), xp), gh)
    left = left - xp.matmul(conjugate(xp.matmul(x, z), xp), left)
    right = right - xp.matmul(right, conjugate(xp.matmul(z, x), xp))
    return left + right - xp.matmul(xp.matmul(zt, g), zt)


@op(x=_pinv_x, rtol=lambda g, rtol_shape, xp: xp.zeros(rtol_shape, dtype=g.dtype, device=g.device))
def pinv(x: Array, /, *, rtol: Array | float | None = None) -> Array:
    """Return the pseudo-inverses of matrices (..., m, n), of shape (..., n, m).

    Singular values up to `rtol` times the largest count as 0; `rtol` is max(m, n) times the machine epsilon if not
    given. The gradient is that among matrices of the same rank.

    >>> import gpugrad
    >>> gpugrad.linalg.pinv(gpugrad.tensor([[1.], [1.]]))
    tensor([[0.5000, 0.5000]])
    """
    x = matrices(x, "pinv")
    xp = backend_of(x).namespace
    if 0 in x.shape[-2:]:
        return xp.zeros((*x.shape[:-2], x.shape[-1], x.shape[-2]), dtype=x.dtype, device=x.device)
    u, s, vh = svd(x, full_matrices=False)
    large = s > _cutoff(x, s, rtol, xp)
    inverse = xp.where(large, 1 / xp.where(large, s, xp.ones_like(s)), xp.zeros_like(s))
    return xp.matmul(adjoint(vh, xp) * as_rows(inverse, xp), adjoint(u, xp))


@op()
def matrix_rank(x: Array, /, *, rtol: Array | float | None = None) -> Array:
    """Return how many singular values of matrices (..., m, n) are larger than `rtol` times the largest one.

    `rtol` is max(m, n) times the machine epsilon if not given.

    >>> import gpugrad
    >>> gpugrad.linalg.matrix_rank(gpugrad.tensor([[1., 2.], [2., 4.]]))
    tensor(1)
    """
    x = matrices(x, "matrix_rank")
    backend = backend_of(x)
    xp, integer = backend.namespace, backend.native_dtype(default_integer)
    if 0 in x.shape[-2:]:
        return xp.zeros(x.shape[:-2], dtype=integer, device=x.device)
    s = svdvals(x)
    return xp.sum(xp.astype(s > _cutoff(x, s, rtol, xp), integer), axis=-1)
