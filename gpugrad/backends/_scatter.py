"""Adding values into places of a NumPy array that may repeat, in the order of NumPy and faster.

`np.add.at` is fast for arrays of one axis alone. So a key is taken apart into calls of that kind, or its places are
counted in the flattened array.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["add_at"]

NDArray = np.ndarray[Any, Any]

_long = 256
"""From how many elements a call of NumPy is worth a step of a Python loop."""


def add_at(x: NDArray, key: tuple[Any, ...], values: NDArray) -> None:
    """Add `values` into ``x[key]`` in place, for a complete key with integer arrays in it; every value counts."""
    if x.ndim < 2 or not x.flags.c_contiguous or x.size == 0:
        np.add.at(x, key, values)
        return
    axes = [i for i, k in enumerate(key) if not (type(k) is slice and k == slice(None))]
    if len(axes) == 1 and np.ndim(key[axes[0]]) == 1 and _along(x, axes[0], key[axes[0]], values):
        return
    places = _places(x.shape, key)
    np.add.at(x.reshape(-1), places.reshape(-1), np.broadcast_to(values, places.shape).reshape(-1))


def _along(x: NDArray, axis: int, indices: NDArray, values: NDArray) -> bool:
    """Add into the indices of one axis, row by row or index by index; return whether that was done, being faster."""
    values = np.broadcast_to(values, (*x.shape[:axis], len(indices), *x.shape[axis + 1 :]))
    if axis == x.ndim - 1 and len(indices) >= _long:
        for row, addend in zip(x.reshape(-1, x.shape[-1]), values.reshape(-1, len(indices)), strict=True):
            np.add.at(row, indices, addend)
        return True
    if x.size // x.shape[axis] >= _long:
        parts = np.moveaxis(x, axis, 0)
        for i, addend in zip(indices.tolist(), np.moveaxis(values, axis, 0), strict=True):
            parts[i] += addend
        return True
    return False


def _places(shape: tuple[int, ...], key: tuple[Any, ...]) -> NDArray:
    """Return the places that a key names, counted in the flattened array."""
    total, step = np.zeros((), np.intp), 1
    named = all(isinstance(k, np.ndarray) for k in key)
    for axis in reversed(range(len(shape))):
        if named:
            along = key[axis].astype(np.intp, copy=False)
            along = np.where(along < 0, along + shape[axis], along) if (along < 0).any() else along
        else:
            along = np.arange(shape[axis]).reshape([-1 if i == axis else 1 for i in range(len(shape))])
            along = np.broadcast_to(along, shape)[key]
        total = total + (along if step == 1 else step * along)
        step *= shape[axis]
    return total
