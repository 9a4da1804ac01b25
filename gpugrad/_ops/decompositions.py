"""Decompositions into triangular factors: Cholesky and QR."""

from __future__ import annotations

from typing import Any, NamedTuple

from gpugrad._op import op
from gpugrad._ops.matrices import adjoint, conjugate, half_lower, hermitian_part, matrices, square_matrices
from gpugrad._ops.solving import solve
from gpugrad.backends import Array, backend_of
from gpugrad.errors import GradientError, LinAlgError, OptionError

__all__ = ["QRResult", "cholesky", "qr"]


class QRResult(NamedTuple):
    """x = Q R."""

    Q: Array
    R: Array


def _cholesky_x(g: Array, z: Array, upper: bool, xp: Any) -> Array:
    """Return z^-T p conj(z)^-1, where p is the lower triangle of z^T g with its diagonal halved."""
    if upper:
        g, z = adjoint(g, xp), adjoint(z, xp)
    zt = xp.matrix_transpose(z)
    left = solve(zt, half_lower(xp.matmul(zt, g)))
    both = solve(conjugate(zt, xp), xp.matrix_transpose(left))
    return hermitian_part(xp.matrix_transpose(both), xp)


@op(x=_cholesky_x)
def cholesky(x: Array, /, *, upper: bool = False) -> Array:
    """Return lower triangular z with x = z z^H, or upper triangular z with x = z^H z, of positive definite matrices.

    The lower triangle alone is read; the gradient is Hermitian. LinAlgError if a matrix is not positive definite.

    >>> import gpugrad
    >>> gpugrad.linalg.cholesky(gpugrad.tensor([[4., 2.], [2., 2.]]))
    tensor([[2., 0.],
            [1., 1.]])
    """
    x = square_matrices(x, "cholesky")
    backend = backend_of(x)
    with backend.checked():
        z = backend.namespace.linalg.cholesky(x)
    return adjoint(z, backend.namespace) if upper else z


def _reduced(g: Any, z: Any, xp: Any) -> tuple[Array, Array, Array, Array]:
    """Return the gradients and the factors without the columns of Q that the input does not determine."""
    (gq, gr), (q, r) = g, z
    k = min(q.shape[-2], r.shape[-1])
    if q.shape[-1] == k:
        return gq, gr, q, r
    if bool(xp.any(gq[..., k:] != 0)):
        raise GradientError(
            f"qr: a gradient came to columns of Q beyond the first {k}, which the input does not determine; take "
            "qr(x, mode='reduced')"
        )
    return gq[..., :k], gr[..., :k, :], q[..., :k], r[..., :k, :]


def _qr_x(g: Any, z: Any, xp: Any) -> Array:
    """For x = [a, b] with square a = q r the other columns of R are q^H b; what comes back to them changes gq."""
    gq, gr, q, r = _reduced(g, z, xp)
    k = q.shape[-1]
    wide = r.shape[-1] > k
    if wide:
        gr, g_rest = gr[..., :k], gr[..., k:]
        r, rest = r[..., :k], r[..., k:]
        gq = gq + xp.matmul(conjugate(xp.matmul(q, rest), xp), adjoint(g_rest, xp))
    half = conjugate(xp.matmul(r, xp.matrix_transpose(gr)), xp) - xp.matmul(adjoint(gq, xp), conjugate(q, xp))
    half = half_lower(half)
    gx = gq + xp.matmul(conjugate(q, xp), half + adjoint(half, xp))
    try:
        gx = xp.matrix_transpose(solve(r, xp.matrix_transpose(gx)))
    except LinAlgError:
        raise GradientError(
            f"qr: the first {k} columns are linearly dependent, and so the factors have no derivative"
        ) from None
    return xp.concat([gx, xp.matmul(conjugate(q, xp), g_rest)], axis=-1) if wide else gx


@op(x=_qr_x)
def qr(x: Array, /, *, mode: str = "reduced") -> QRResult:
    """Return Q with orthonormal columns and upper triangular R with x = Q R.

    For x (..., m, n) and k = min(m, n), Q is (..., m, k) and R is (..., k, n); with mode "complete" (..., m, m) and
    (..., m, n). Then the input does not determine the columns of Q beyond k, and a gradient that comes to them raises
    GradientError, as one does if the first k columns of x are linearly dependent.

    >>> import gpugrad
    >>> gpugrad.linalg.qr(gpugrad.ones((3, 2))).R.shape
    (2, 2)
    """
    if mode not in ("reduced", "complete"):
        raise OptionError(f"qr: mode is {mode!r}; it is 'reduced' or 'complete'")
    backend = backend_of(x)
    with backend.checked():
        return QRResult(*backend.namespace.linalg.qr(matrices(x, "qr"), mode=mode))
