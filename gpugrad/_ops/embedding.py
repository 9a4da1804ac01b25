"""Rows looked up by their number, whose gradients add up in the table."""

from __future__ import annotations

import math
from typing import Any

from gpugrad._op import op
from gpugrad._ops.activations import zero_one
from gpugrad._ops.indexing import axis_key, scatter, take
from gpugrad.backends import Array, backend_of
from gpugrad.errors import DtypeError, ShapeError

__all__ = ["embedding"]


def _embedding_weight(
    g: Array, weight_shape: Any, indices: Array, padding_idx: int | None, scale_grad_by_freq: bool, xp: Any
) -> Array:
    """`g` added up in the rows that `indices` name, over how often they do if wanted; 0 in the row for padding."""
    if padding_idx is not None:
        g = g * xp.expand_dims(zero_one(indices != padding_idx, g, xp), axis=1)
    if scale_grad_by_freq:
        ones = xp.ones_like(zero_one(indices == indices, g, xp))
        counts = scatter(ones, shape=weight_shape[:1], key=axis_key(indices, 0, 1))
        g = g / xp.expand_dims(take(counts, indices, axis=0), axis=1)
    return scatter(g, shape=weight_shape, key=axis_key(indices, 0, 2))


@op(weight=_embedding_weight)
def embedding(
    weight: Array, indices: Array, /, *, padding_idx: int | None = None, scale_grad_by_freq: bool = False
) -> Array:
    """Return the rows of `weight` (rows, features) that `indices` (n,) name: (n, features).

    The row `padding_idx` gets no gradient. With `scale_grad_by_freq` a row's gradient is the mean over the places that
    name it.

    >>> import gpugrad
    >>> embedding(gpugrad.tensor([[1., 2.], [3., 4.]]), gpugrad.tensor([1, 1])).tolist()
    [[3.0, 4.0], [3.0, 4.0]]
    """
    backend = backend_of(weight)
    dtype = backend_of(indices).dtype_of(indices)
    if dtype.kind not in "iu":
        raise DtypeError(f"embedding: indices are integers, not {dtype}")
    if weight.ndim != 2 or indices.ndim != 1:
        raise ShapeError(f"embedding: weight {weight.shape} is (rows, features) and indices {indices.shape} are (n,)")
    xp = backend.namespace
    wrong = (indices < 0) | (indices >= weight.shape[0])
    if backend.name == "numpy":
        if wrong.any():
            raise IndexError(f"embedding: {indices[wrong][0]} is not the number of one of {weight.shape[0]} rows")
        return backend.read(weight, axis_key(indices, 0, 2))
    # Elsewhere a look would wait for the device, and CuPy takes some other row: a wrong number gives NaN.
    rows = backend.read(weight, axis_key(xp.where(wrong, xp.zeros_like(indices), indices), 0, 2))
    return xp.where(xp.expand_dims(wrong, axis=1), xp.full_like(rows, math.nan), rows)
