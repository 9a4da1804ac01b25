"""Eigenvalues and eigenvectors, of Hermitian matrices (eigh) and of general ones (eig)."""

from __future__ import annotations

from typing import Any, NamedTuple

from gpugrad._op import op
from gpugrad._ops.equal_values import (
    bound_pairs,
    differentiable_once,
    equal_pairs,
    inverse_gaps,
    shared_alone,
    shared_beside,
)
from gpugrad._ops.matrices import adjoint, as_rows, conjugate, diagonal, embed_diagonal, hermitian_part, square_matrices
from gpugrad._ops.solving import solve
from gpugrad.backends import Array, as_dtype, backend_of
from gpugrad.errors import GradientError, LinAlgError

__all__ = ["EigResult", "EighResult", "eig", "eigh", "eigvals", "eigvalsh"]


class EighResult(NamedTuple):
    """Real eigenvalues w and unitary eigenvectors v with x = v diag(w) v^H."""

    eigenvalues: Array
    eigenvectors: Array


class EigResult(NamedTuple):
    """Complex eigenvalues w and eigenvectors v of length 1 with x v = v diag(w)."""

    eigenvalues: Array
    eigenvectors: Array


def _diagonal(x: Array) -> Array:
    return embed_diagonal(x, shape=(x.shape[-1], x.shape[-1]))


def _eigh_x(g: Any, z: Any, xp: Any) -> Array:
    """`V (diag(gw) + F * turns) Vᵀ`, made symmetric: F is 1 / (w_j - w_i), the turns are (VᵀgV - its transpose) / 2."""
    (gw, gv), (w, v) = g, z
    uses = xp.matmul(xp.matrix_transpose(v), gv)
    turns = (uses - adjoint(uses, xp)) / 2
    bound = bound_pairs(w, turns, xp.sum(xp.abs(gv), axis=-2), xp)
    w, v = differentiable_once([w, v], bound, xp)
    vt = xp.matrix_transpose(v)
    inner = turns * inverse_gaps(w, bound, xp) + _diagonal(shared_beside(gw, uses, bound, xp))
    return hermitian_part(xp.matmul(xp.matmul(conjugate(v, xp), inner), vt), xp)


@op(x=_eigh_x)
def eigh(x: Array, /) -> EighResult:
    """Return the eigenvalues and eigenvectors of Hermitian (real: symmetric) matrices, the smallest first.

    The lower triangle alone is read; the gradient is Hermitian. Eigenvectors are determined up to a sign or phase
    alone, and those of equal eigenvalues up to a turn: losses must not depend on that. The gradient of such a loss is
    right at equal eigenvalues too if it asks for the space of their vectors; if it depends on their vectors and
    unequally on the values as well, it is NaN there.

    >>> import gpugrad
    >>> gpugrad.linalg.eigh(gpugrad.tensor([[2., 0.], [0., 1.]])).eigenvalues
    tensor([1., 2.])
    """
    backend = backend_of(x)
    with backend.checked():
        return EighResult(*backend.namespace.linalg.eigh(square_matrices(x, "eigh")))


def _eigvalsh_x(g: Array, x: Array, xp: Any) -> Array:
    """`V diag(g) Vᴴ`, conjugated; equal values share evenly."""
    g, (_, v) = shared_alone(g, list(eigh(x)), xp)
    return conjugate(xp.matmul(v * as_rows(g, xp), adjoint(v, xp)), xp)


@op(x=_eigvalsh_x)
def eigvalsh(x: Array, /) -> Array:
    """Return the eigenvalues of Hermitian (real: symmetric) matrices, the smallest first.

    The lower triangle alone is read; the gradient is Hermitian, and equal eigenvalues share theirs evenly.

    >>> import gpugrad
    >>> gpugrad.linalg.eigvalsh(gpugrad.tensor([[2., 0.], [0., 1.]]))
    tensor([1., 2.])
    """
    backend = backend_of(x)
    with backend.checked():
        return backend.namespace.linalg.eigvalsh(square_matrices(x, "eigvalsh"))


def _in_basis(v: Array, inner: Array, xp: Any) -> Array:
    """Return v^-T inner v^T."""
    vt = xp.matrix_transpose(v)
    try:
        return solve(vt, xp.matmul(inner, vt))
    except LinAlgError:
        raise GradientError(
            "eig: a matrix has too few eigenvectors (it is defective), and so its eigenvalues have no derivative"
        ) from None


def _eig_x(g: Any, z: Any, xp: Any) -> Array:
    """Eigenvectors keep their length: what a change would add to it is taken off."""
    (gw, gv), (w, v) = g, z
    uses = xp.matmul(xp.matrix_transpose(v), gv)
    turns = uses - conjugate(xp.matmul(adjoint(v, xp), v), xp) * as_rows(xp.real(diagonal(uses)), xp)
    bound = equal_pairs(w, xp)  # whatever the turns: they are all rounding where the vectors are nearly dependent
    w, v = differentiable_once([w, v], bound, xp)
    inner = turns * inverse_gaps(w, bound, xp) + _diagonal(shared_beside(gw, uses, bound, xp))
    return _in_basis(v, inner, xp)


def _complex(x: Array) -> Array:
    """Return x as complex numbers of its precision; NumPy answers with real ones where it can."""
    backend = backend_of(x)
    name = {"float32": "complex64", "float64": "complex128"}.get(backend.dtype_of(x).name)
    return backend.namespace.astype(x, backend.native_dtype(as_dtype(name))) if name else x


@op(x=_eig_x)
def eig(x: Array, /) -> EigResult:
    """Return the complex eigenvalues and eigenvectors of square matrices, in the order the library finds them.

    Eigenvectors have length 1 and are determined up to a phase alone: losses must not depend on that. A gradient of a
    matrix that has too few eigenvectors raises GradientError.

    >>> import gpugrad
    >>> gpugrad.linalg.eig(gpugrad.tensor([[0., 1.], [-1., 0.]])).eigenvalues
    tensor([0.+1.j, 0.-1.j])
    """
    backend = backend_of(x)
    x = square_matrices(x, "eig")
    if 0 in x.shape:
        return EigResult(_complex(diagonal(x)), _complex(x))
    with backend.checked():
        return EigResult(*map(_complex, backend.namespace.linalg.eig(x)))


def _eigvals_x(g: Array, x: Array, xp: Any) -> Array:
    """`V⁻ᵀ diag(g) Vᵀ`; equal values share evenly."""
    g, (_, v) = shared_alone(g, list(eig(x)), xp)
    return _in_basis(v, _diagonal(g), xp)


@op(x=_eigvals_x)
def eigvals(x: Array, /) -> Array:
    """Return the complex eigenvalues of square matrices, in the order the library finds them.

    Equal ones share their gradients evenly: of several, their mean alone has a derivative.

    >>> import gpugrad
    >>> gpugrad.linalg.eigvals(gpugrad.tensor([[0., 1.], [-1., 0.]]))
    tensor([0.+1.j, 0.-1.j])
    """
    return eig(x).eigenvalues  # not the library's eigvals: its order could be another one than that of the rule's eig
