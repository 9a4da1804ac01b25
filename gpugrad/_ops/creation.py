"""Arrays made of others: coordinates on a grid, and the triangles of matrices."""

from __future__ import annotations

from typing import Literal

from gpugrad._op import op
from gpugrad._ops.manipulation import broadcast_to, reshape
from gpugrad.backends import Array, backend_of
from gpugrad.errors import OptionError, ShapeError

__all__ = ["meshgrid", "tril", "triu"]


def meshgrid(*arrays: Array, indexing: Literal["xy", "ij"] = "xy") -> tuple[Array, ...]:
    """Return the coordinates of every point of a grid, one tensor for each of the given ones, which are 1-d.

    In the results the first array runs along axis 0 and the second along axis 1 for indexing "ij", the other way round
    for "xy". They repeat their array without a copy, and cannot be written to.

    >>> import gpugrad
    >>> x, y = gpugrad.meshgrid(gpugrad.tensor([1, 2, 3]), gpugrad.tensor([10, 20]))
    >>> x
    tensor([[1, 2, 3],
            [1, 2, 3]])
    >>> y
    tensor([[10, 10, 10],
            [20, 20, 20]])
    """
    if indexing not in ("xy", "ij"):
        raise OptionError(f"meshgrid: indexing is 'xy' or 'ij', not {indexing!r}")
    sizes = []
    for x in arrays:
        shape = getattr(x, "shape", ())
        if len(shape) > 1:
            raise ShapeError(f"meshgrid: takes 1-d arrays, not shape {shape}")
        sizes.append(shape[0] if shape else 1)
    places = list(range(len(arrays)))
    if indexing == "xy":
        places[:2] = reversed(places[:2])
    full = tuple(sizes[place] for place in places)
    alone = [tuple(n if place == i else 1 for place in places) for i, n in enumerate(sizes)]
    return tuple(broadcast_to(reshape(x, shape), full) for x, shape in zip(arrays, alone, strict=True))


@op(x=lambda g, k, xp: xp.tril(g, k=k))
def tril(x: Array, /, *, k: int = 0) -> Array:
    """Return `x` with zeros above the k-th diagonal of its matrices (the last two axes).

    >>> import gpugrad
    >>> gpugrad.tril(gpugrad.ones((2, 3)))
    tensor([[1., 0., 0.],
            [1., 1., 0.]])
    """
    return backend_of(x).namespace.tril(_matrices(x, "tril"), k=k)


@op(x=lambda g, k, xp: xp.triu(g, k=k))
def triu(x: Array, /, *, k: int = 0) -> Array:
    """Return `x` with zeros below the k-th diagonal of its matrices (the last two axes).

    >>> import gpugrad
    >>> gpugrad.triu(gpugrad.ones((2, 3)), k=1)
    tensor([[0., 1., 1.],
            [0., 0., 1.]])
    """
    return backend_of(x).namespace.triu(_matrices(x, "triu"), k=k)


def _matrices(x: Array, name: str) -> Array:
    if x.ndim < 2:
        raise ShapeError(f"{name}: shape {x.shape} has fewer than two axes")
    return x
