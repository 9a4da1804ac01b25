"""Systems of linear equations, inverses, and powers of matrices."""

from __future__ import annotations

from typing import Any

from gpugrad._op import op
from gpugrad._ops.manipulation import broadcast_shapes
from gpugrad._ops.matrices import as_columns, diagonal, embed_diagonal, square_matrices
from gpugrad.backends import Array, backend_of, together
from gpugrad.errors import OptionError, ShapeError

__all__ = ["inv", "matrix_power", "solve"]


def _solve_both(g: Array, z: Array, x1: Array, x2_shape: Any, needs: Any, xp: Any) -> tuple[Array, Array | None]:
    """x2: `solve(x1ᵀ, g)`; x1: that times `-zᵀ`."""
    vector = len(x2_shape) == 1
    if vector:
        g, z = as_columns(g, xp), as_columns(z, xp)
    g2 = solve(xp.matrix_transpose(x1), g)
    g1 = -xp.matmul(g2, xp.matrix_transpose(z)) if needs[0] else None
    return g1, xp.squeeze(g2, axis=-1) if vector else g2


@op({("x1", "x2"): _solve_both})
def solve(x1: Array, x2: Array, /) -> Array:
    """Return x1^-1 x2: for x1 (..., n, n), x2 is (n,) or (..., n, k); leading axes broadcast.

    >>> import gpugrad
    >>> gpugrad.linalg.solve(gpugrad.tensor([[2., 0.], [0., 4.]]), gpugrad.tensor([2., 2.]))
    tensor([1.0000, 0.5000])
    """
    if not hasattr(x1, "shape") or not hasattr(x2, "shape") or x2.ndim == 0:
        raise ShapeError("solve: takes square matrices, and vectors or matrices, not a number")
    backend = backend_of(x1)
    xp = backend.namespace
    vector = x2.ndim == 1
    x1, x2 = together(backend, (x1, as_columns(x2, xp) if vector else x2), float_result=True)
    x1 = square_matrices(x1, "solve")
    if x2.shape[-2] != x1.shape[-1]:
        raise ShapeError(f"solve: {x1.shape[-1]} equations (x1 of shape {x1.shape}) and {x2.shape[-2]} right sides")
    batch = broadcast_shapes(x1.shape[:-2], x2.shape[:-2])  # which CuPy does not do itself
    shape = (*batch, *x2.shape[-2:])
    if 0 in shape:
        z = xp.zeros(shape, dtype=x2.dtype, device=x2.device)
    else:
        with backend.checked():
            z = xp.linalg.solve(xp.broadcast_to(x1, (*batch, *x1.shape[-2:])), xp.broadcast_to(x2, shape))
    return xp.squeeze(z, axis=-1) if vector else z


def _inv_x(g: Array, z: Array, xp: Any) -> Array:
    """`-zᵀ @ g @ zᵀ`."""
    zt = xp.matrix_transpose(z)
    return -xp.matmul(xp.matmul(zt, g), zt)


@op(x=_inv_x)
def inv(x: Array, /) -> Array:
    """Return the inverses of square matrices; LinAlgError if there is none.

    >>> import gpugrad
    >>> gpugrad.linalg.inv(gpugrad.tensor([[2., 0.], [0., 4.]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    backend = backend_of(x)
    with backend.checked():
        return backend.namespace.linalg.inv(square_matrices(x, "inv"))


def _matrix_power_x(g: Array, x: Array, n: int, xp: Any) -> Array:
    """Return the sum of the products of n - 1 factors x^T and one g: it stands in the corner of a power of blocks."""
    if n == 0:
        return xp.zeros_like(g)
    if n < 0:
        y = inv(x)
        return _inv_x(_matrix_power_x(g, y, -n, xp), y, xp)
    size = x.shape[-1]
    xt = xp.matrix_transpose(x)
    upper, lower = xp.concat([xt, g], axis=-1), xp.concat([xp.zeros_like(xt), xt], axis=-1)
    return matrix_power(xp.concat([upper, lower], axis=-2), n)[..., :size, size:]


@op(x=_matrix_power_x)
def matrix_power(x: Array, n: int, /) -> Array:
    """Return square matrices multiplied by themselves: the identity for n = 0, powers of the inverse for n < 0.

    >>> import gpugrad
    >>> gpugrad.linalg.matrix_power(gpugrad.tensor([[2., 0.], [0., 3.]]), 3)
    tensor([[ 8.,  0.],
            [ 0., 27.]])
    """
    if not hasattr(n, "__index__"):
        raise OptionError(f"matrix_power: n is {n!r}; it must be an integer")
    x = square_matrices(x, "matrix_power")
    xp = backend_of(x).namespace
    count = abs(n.__index__())
    if count == 0:
        return embed_diagonal(xp.ones_like(diagonal(x)), shape=x.shape[-2:])
    square, z = inv(x) if n < 0 else x, None
    while True:
        if count & 1:
            z = square if z is None else xp.matmul(z, square)
        count >>= 1
        if not count:
            return backend_of(x).copy(z) if n == 1 else z
        square = xp.matmul(square, square)
