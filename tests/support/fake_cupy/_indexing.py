"""What an index names: a view, elements by their places, or those under a mask; reads and writes of all three.

An integer array that names a place outside wraps around, as on a GPU, and where it names a place twice the first value
stays: CuPy leaves open which one does.
"""

from __future__ import annotations

import numpy as np

from fake_cupy._array import from_host, ndarray, on_current, read, wrapped, wrapped_view
from fake_cupy._state import counts

__all__ = ["getitem", "setitem"]


def _key(key, shape):
    """Return an index expression as NumPy's, and whether it holds integer arrays, and masks."""
    entries = list(key) if type(key) is tuple else [key]
    arrays, masks, used = 0, 0, 0
    for i, k in enumerate(entries):
        if isinstance(k, np.ndarray):
            raise IndexError("a host array as an index would be a hidden transfer: move it first")
        if type(k) in (list, bool, tuple):
            k = entries[i] = from_host(k, np.int32 if k == [] else None)
        if type(k) is ndarray:
            on_current(k)
            if k._host.dtype.kind not in "iub":
                raise IndexError(
                    f"arrays used as indices must be of integer or boolean type. (actual: {k._host.dtype.type})"
                )
            mask = k._host.dtype.kind == "b"
            masks, arrays, used = masks + mask, arrays + (not mask), used + (k._host.ndim if mask else 1)
        elif k is not None and k is not Ellipsis:
            used += 1
    if masks > 1:
        raise IndexError("CuPy does not support several masks in one index")
    axis = 0
    for i, k in enumerate(entries):
        if k is Ellipsis:
            axis += len(shape) - used
        elif type(k) is ndarray:
            a = entries[i] = k._host
            if a.dtype.kind != "b" and axis < len(shape) and shape[axis]:
                entries[i] = a.astype(np.int64) % shape[axis]
            axis += a.ndim if a.dtype.kind == "b" else 1
        elif k is not None:
            axis += 1
    return tuple(entries), arrays, masks


def getitem(self, key):
    if type(key) is not tuple:
        key = (key,)
    for k in key:
        if type(k) not in (slice, int) and k is not None and k is not Ellipsis and not isinstance(k, np.integer):
            break
    else:
        # With an Ellipsis a single element is a 0-d view.
        return wrapped_view(self._host[key if Ellipsis in key else (*key, ...)], self)
    on_current(self)
    key, _, masks = _key(key, self.shape)
    counts.synchronisations += masks
    return wrapped(self._host[key])


def setitem(self, key, value):
    on_current(self)
    key, arrays, masks = _key(key, self.shape)
    if isinstance(value, np.ndarray) and value.ndim:
        raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
    if type(value) in (list, tuple):
        raise TypeError(f"Unsupported type {type(value)}")
    if (arrays or masks) and type(value) is not ndarray:
        value = from_host(value, self.dtype)
    counts.synchronisations += bool(masks and arrays)
    value = value if isinstance(value, np.ndarray) else read(value)
    if not arrays:
        self._host[key] = value
        return
    places = np.arange(self.size).reshape(self.shape)[key]
    value = np.broadcast_to(value, places.shape).ravel()[::-1]
    self._host[np.unravel_index(places.ravel()[::-1], self.shape)] = value
