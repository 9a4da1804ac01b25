"""What functions of matrices share: checks of their operands, transposes, diagonals and triangles."""

from __future__ import annotations

from typing import Any

from gpugrad._op import op
from gpugrad._ops.statistical import floats, sum
from gpugrad.backends import Array, as_dtype, backend_of
from gpugrad.errors import DtypeError, ShapeError

__all__ = ["diagonal", "embed_diagonal", "half_lower", "trace"]

_epsilon = {"float32": 2.0**-23, "complex64": 2.0**-23, "float64": 2.0**-52, "complex128": 2.0**-52}


def epsilon(x: Array) -> float:
    """Return the distance from 1 to the next number, in the precision of `x`."""
    return _epsilon[as_dtype(x.dtype).name]


def matrices(x: Array, name: str) -> Array:
    """Return the operand of the function `name` as matrices of a dtype that LAPACK knows."""
    if not hasattr(x, "shape") or x.ndim < 2:
        shape = getattr(x, "shape", ())
        raise ShapeError(f"{name}: takes a matrix or a stack of them, of two axes at least, not shape {shape}")
    x = floats(x)
    if backend_of(x).dtype_of(x).name not in _epsilon:
        raise DtypeError(f"{name}: LAPACK has no float16; take gpugrad.astype(x, gpugrad.float32) first")
    return x


def square_matrices(x: Array, name: str) -> Array:
    """Return the operand of the function `name` as square matrices of a dtype that LAPACK knows."""
    x = matrices(x, name)
    if x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"{name}: takes square matrices, not shape {x.shape}")
    return x


def conjugate(x: Array, xp: Any) -> Array:
    """Return the complex conjugate; real values as they are."""
    return xp.conj(x) if xp.isdtype(x.dtype, "complex floating") else x


def adjoint(x: Array, xp: Any) -> Array:
    """Return the conjugate transposes of matrices."""
    return conjugate(xp.matrix_transpose(x), xp)


def hermitian_part(x: Array, xp: Any) -> Array:
    """Return (x + its adjoint) / 2: the gradient of an input of which only Hermitian values are meant."""
    return (x + adjoint(x, xp)) / 2


def as_columns(x: Array, xp: Any) -> Array:
    """Return (..., n) as (..., n, 1)."""
    return xp.expand_dims(x, axis=-1)


def as_rows(x: Array, xp: Any) -> Array:
    """Return (..., n) as (..., 1, n)."""
    return xp.expand_dims(x, axis=-2)


def per_matrix(x: Array, xp: Any) -> Array:
    """Return one number for each matrix, (...), as (..., 1, 1)."""
    return xp.reshape(x, (*x.shape, 1, 1))


def quotient(x1: Array, x2: Array, xp: Any) -> Array:
    """Return x1 / x2 with 0 / 0 = 0: what has no gradient to hand on meets an infinite slope."""
    nothing = (x1 == 0) & (x2 == 0)
    return x1 / xp.where(nothing, xp.ones_like(x2), x2)


def _length(shape: tuple[int, ...], offset: int) -> int:
    """Return how many elements a diagonal has."""
    m, n = shape[-2:]
    return max(0, min(m, n - offset) if offset >= 0 else min(m + offset, n))


@op(x=lambda g, offset: diagonal(g, offset=offset))
def embed_diagonal(x: Array, /, *, shape: tuple[int, int], offset: int = 0) -> Array:
    """Return matrices of a shape with the rows of `x` on a diagonal and zeros elsewhere."""
    xp = backend_of(x).namespace
    m, n = shape
    z = xp.zeros((*x.shape[:-1], m * n), dtype=x.dtype, device=x.device)
    if 0 not in x.shape:
        first = offset if offset >= 0 else -offset * n
        z[..., first : first + (x.shape[-1] - 1) * (n + 1) + 1 : n + 1] = x
    return xp.reshape(z, (*x.shape[:-1], m, n))


@op(x=lambda g, x_shape, offset: embed_diagonal(g, shape=x_shape[-2:], offset=offset), view=True)
def diagonal(x: Array, /, *, offset: int = 0) -> Array:
    """Return the diagonals of matrices: the main one, or `offset` places above it, below it if negative.

    >>> import gpugrad
    >>> gpugrad.linalg.diagonal(gpugrad.tensor([[1., 2.], [3., 4.]]))
    tensor([1., 4.])
    """
    if x.ndim < 2:
        raise ShapeError(f"diagonal: takes a matrix or a stack of them, of two axes at least, not shape {x.shape}")
    return backend_of(x).diagonal(x, offset)


@op(x=lambda g: half_lower(g))
def half_lower(x: Array, /) -> Array:
    """Return the lower triangles of matrices with their diagonals halved."""
    xp = backend_of(x).namespace
    return (xp.tril(x) + xp.tril(x, k=-1)) / 2


def _trace_x(g: Array, x_shape: Any, offset: int, xp: Any) -> Array:
    """`g` on the diagonal of a matrix of zeros."""
    size = _length(x_shape, offset)
    return embed_diagonal(xp.broadcast_to(as_columns(g, xp), (*g.shape, size)), shape=x_shape[-2:], offset=offset)


@op(x=_trace_x)
def trace(x: Array, /, *, offset: int = 0, dtype: Any = None) -> Array:
    """Return the sums of the diagonals of matrices; small integers are summed as the default integer.

    >>> import gpugrad
    >>> gpugrad.linalg.trace(gpugrad.tensor([[1., 2.], [3., 4.]]))
    tensor(5.)
    """
    return sum(diagonal(x, offset=offset), axis=-1, dtype=dtype)
