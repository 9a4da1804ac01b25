"""Differences of neighbours."""

from __future__ import annotations

from operator import index
from typing import Any

from gpugrad._op import SCALARS, new_tensor
from gpugrad._ops.data_types import clone
from gpugrad._ops.elementwise import subtract
from gpugrad._ops.indexing import complete_key, getitem
from gpugrad._ops.joining import concat
from gpugrad._ops.statistical import axes_of
from gpugrad.backends import Array, backend_of, common_dtype
from gpugrad.errors import OptionError, ShapeError

__all__ = ["diff"]


def diff(x: Array, /, n: int = 1, *, axis: int = -1, prepend: Any = None, append: Any = None) -> Array:
    """Return the differences of neighbours along `axis`, `n` times over; it ends up shorter by `n`.

    Before that `prepend` and `append`, arrays or numbers, are put at its ends.

    >>> import gpugrad
    >>> gpugrad.diff(gpugrad.tensor([1., 4., 9.]), prepend=0)
    tensor([1., 3., 5.])
    """
    if index(n) < 0:
        raise OptionError(f"diff: n is how often, not {n}")
    if not getattr(x, "shape", ()):
        raise ShapeError("diff: takes an array of one axis or more")
    (along,) = axes_of(axis, len(x.shape))
    parts = [_end(part, x, along) for part in (prepend, x, append) if part is not None]
    z = concat(parts, axis=along) if len(parts) > 1 else x
    for _ in range(min(n, z.shape[along])):  # after so many nothing is left
        z = subtract(_slice(z, along, slice(1, None)), _slice(z, along, slice(None, -1)))
    return clone(z) if z is x else z


def _slice(x: Array, axis: int, part: slice) -> Array:
    key = (slice(None),) * axis + (part,)
    return x[key] if hasattr(x, "_node") else getitem(x, key=complete_key(key, x))


def _end(part: Any, x: Array, axis: int) -> Array:
    """Return what is put at an end: a number as an array of size 1 along the axis."""
    if type(part) not in SCALARS:
        return part
    array = x._array if hasattr(x, "_node") else x
    backend = backend_of(array)
    dtype = backend.native_dtype(common_dtype([backend.dtype_of(array)], [part], False))
    shape = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    with backend.on(backend.device_of(array)):
        made = backend.namespace.full(shape, part, dtype=dtype, device=array.device)
    return made if array is x else new_tensor(made)
