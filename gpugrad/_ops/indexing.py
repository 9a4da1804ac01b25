"""Reading and writing parts: x[key], and the functional forms of x[key] = v that writes are recorded as.

A key is complete (see Backend): `complete_key` makes it so. Reading and adding back are each other's adjoint, and so are
writing, where the last of several values for one place wins, and reading those winners.
"""

from __future__ import annotations

import math
from operator import index
from typing import Any, TypeAlias

from gpugrad._op import SCALARS, TENSORS, GeneralOp, op
from gpugrad._ops.statistical import axes_of
from gpugrad.backends import Array, backend_of, is_array_type
from gpugrad.errors import DtypeError, ShapeError

__all__ = [
    "assign",
    "complete_key",
    "getitem",
    "overwrite",
    "read_once",
    "read_winners",
    "scatter",
    "take",
    "take_along_axis",
    "view_of",
]

Key: TypeAlias = "tuple[Any, ...]"
Path: TypeAlias = "tuple[tuple[GeneralOp, dict[str, Any], tuple[int, ...]], ...]"


def complete_key(key: Any, x: Array) -> Key:
    """Return an index expression on the plain array `x` as a key with an entry for every axis."""
    given = [k._array if type(k) in TENSORS else k for k in (key if isinstance(key, tuple) else (key,))]
    entries = [_entry(k, x) for k in given]
    for i, k in enumerate(given):
        if _is_of_host(k, x):
            _check_range(_host_index(k), x, _axis_of(i, entries, x))
    backend = backend_of(x)
    if len(entries) == 1 and _is_mask(entries[0]):
        if entries[0].shape == x.shape:
            return (entries[0],)
        if entries[0].ndim == 0:
            with backend.on(backend.device_of(x)):
                entries = [_all_or_nothing(bool(entries[0]), x)]
    expanded: list[Any] = []
    for i, k in enumerate(entries):
        if _is_mask(k):
            _check_mask(k, x, _axis_of(i, entries, x))
            with backend.on(backend.device_of(x)):
                expanded.extend(backend.namespace.nonzero(k))
        else:
            expanded.append(k)
    used = sum(k is not None and k is not Ellipsis for k in expanded)
    dots = [i for i, k in enumerate(expanded) if k is Ellipsis]
    if used > x.ndim or len(dots) > 1:
        what = "two ellipses" if len(dots) > 1 else f"{used} indices"
        raise IndexError(f"a tensor of shape {x.shape} cannot be indexed with {what}")
    fill = [slice(None)] * (x.ndim - used)
    at = dots[0] if dots else len(expanded)
    return _checked([*expanded[:at], *fill, *expanded[at + 1 :]], x)


def _entry(k: Any, x: Array) -> Any:
    """Return one entry of a key: lists and NumPy's integers as plain arrays and Python integers."""
    if k is None or k is Ellipsis or type(k) in (int, slice):
        return k if type(k) is not slice else slice(*map(_bound, (k.start, k.stop, k.step)))
    backend = backend_of(x)
    if _is_of_host(k, x):
        k = backend.from_host(_host_index(k), backend.device_of(x))
    elif not is_array_type(type(k)):
        try:
            return k.__index__()
        except AttributeError:
            raise IndexError(
                f"a tensor is indexed with integers, slices, ..., None, masks and tensors of integers, not {k!r}"
            ) from None
    else:
        k = backend.copy(k)  # nodes keep keys, and the user may write into theirs
    kind = backend.dtype_of(k).kind
    if kind not in "iub":
        raise IndexError(f"a tensor used as an index must hold integers or truth values, not {backend.dtype_of(k)}")
    return k if kind == "b" or k.ndim else int(k)


def _bound(p: Any) -> int | None:
    """Return a part of a slice as a Python integer; a float is an error, and never rounded."""
    try:
        return None if p is None else index(p)
    except TypeError:
        raise IndexError(f"a slice is made of integers or None, not {p!r}") from None


def _is_of_host(k: Any, x: Array) -> bool:
    """Return whether an entry of a key comes from Python or from another library than `x`, and is to be moved."""
    if k is None or k is Ellipsis or type(k) in (int, slice):
        return False
    return isinstance(k, list | bool | tuple | range) or (is_array_type(type(k)) and backend_of(k) is not backend_of(x))


def _check_range(k: Any, x: Array, axis: int) -> None:
    """Check integers while they are on the host: on a GPU, those out of range would silently wrap around."""
    if k.dtype.kind not in "iu" or k.size == 0 or not 0 <= axis < x.ndim:
        return
    size, least, largest = x.shape[axis], int(k.min()), int(k.max())
    if not -size <= least <= largest < size:
        wrong = largest if largest >= size else least
        raise IndexError(f"index {wrong} is out of range for axis {axis} of a tensor of shape {x.shape}")


def _host_index(k: Any) -> Any:
    import numpy as np

    array = np.asarray(backend_of(k).to_host(k) if is_array_type(type(k)) else k)
    return array.astype(np.int64) if array.size == 0 and array.dtype.kind == "f" else array


def _is_mask(k: Any) -> bool:
    return is_array_type(type(k)) and backend_of(k).dtype_of(k).kind == "b"


def _axis_of(i: int, entries: list[Any], x: Array) -> int:
    """Return the axis at which entry `i` begins."""
    axes = [0 if k is None or k is Ellipsis else k.ndim if _is_mask(k) else 1 for k in entries]
    return x.ndim - sum(axes[i:]) if any(k is Ellipsis for k in entries[:i]) else sum(axes[:i])


def _check_mask(mask: Array, x: Array, before: int) -> None:
    if mask.ndim == 0:
        raise IndexError(
            f"a single truth value indexes a tensor alone, and not beside other indices (shape {x.shape}); None gives it "
            "a new axis"
        )
    if mask.shape != x.shape[before : before + mask.ndim]:
        raise IndexError(f"a mask of shape {mask.shape} does not fit a tensor of shape {x.shape} at axis {before}")


def _all_or_nothing(truth: bool, x: Array) -> Array:
    """Return the indices that a 0-d mask stands for: one row of all those of the first axis, or no row."""
    xp = backend_of(x).namespace
    places = xp.reshape(xp.arange(x.shape[0], dtype=xp.int64, device=x.device), (1, x.shape[0]))
    return places if truth else places[:0, :]


def _checked(key: list[Any], x: Array) -> Key:
    """Return a key whose integers are within their axes, and whose slices end where these do."""
    axis = 0
    for i, k in enumerate(key):
        if k is None:
            continue
        size = x.shape[axis]
        if type(k) is int and not -size <= k < size:
            raise IndexError(f"index {k} is out of range for axis {axis} of a tensor of shape {x.shape}")
        if type(k) is slice and not (k.start is None and k.stop is None):
            key[i] = _within(k, size)
        axis += 1
    return tuple(key)


def _within(k: slice, size: int) -> slice:
    """Return the slice that picks the same elements of an axis, with both ends within it, as the standard asks."""
    start, stop, step = k.indices(size)
    if len(range(start, stop, step)) == 0:
        return slice(0, 0, 1)
    return slice(start, None if stop < 0 else stop, step)


def _repeats(key: Key) -> bool:
    """Return whether a key may name one place twice: it holds integer arrays."""
    return any(is_array_type(type(k)) and not _is_mask(k) for k in key)


@op(x=lambda g, x_shape, key: scatter(g, shape=x_shape, key=key), view=True)
def getitem(x: Array, /, *, key: Key) -> Array:
    """Return ``x[key]``, for a complete key."""
    simple = all(type(k) is int for k in key)
    return backend_of(x).read(x, (*key, ...) if simple else key)


@op(x=lambda g, key: getitem(g, key=key))
def scatter(x: Array, /, *, shape: tuple[int, ...], key: Key) -> Array:
    """Return zeros of `shape` with `x` added at `key`; where the key repeats, every value counts."""
    backend = backend_of(x)
    z = backend.namespace.zeros(shape, dtype=x.dtype, device=x.device)
    if _repeats(key):
        backend.scatter_add(z, key, x)
    else:
        backend.write(z, key, x)
    return z


@op(x=lambda g, key: read_winners(g, key=key))
def overwrite(x: Array, /, *, shape: tuple[int, ...], key: Key) -> Array:
    """Return zeros of `shape` with `x` written at `key`; where the key repeats, the last value wins."""
    backend = backend_of(x)
    z = backend.namespace.zeros(shape, dtype=x.dtype, device=x.device)
    backend.write(z, key, x)
    return z


@op(x=lambda g, x_shape, key: overwrite(g, shape=x_shape, key=key))
def read_winners(x: Array, /, *, key: Key) -> Array:
    """Return ``x[key]`` with 0 in place of all but the last of several reads of one place."""
    backend = backend_of(x)
    xp = backend.namespace
    z = backend.read(x, key)
    if not _repeats(key):
        return backend.copy(z)
    count = math.prod(z.shape)
    numbers = xp.reshape(xp.arange(count, dtype=xp.int64, device=x.device), z.shape)
    places = xp.zeros(x.shape, dtype=xp.int64, device=x.device)
    backend.write(places, key, numbers)
    return xp.where(backend.read(places, key) == numbers, z, xp.zeros_like(z))


def _along(x: Any, path: Path) -> Any:
    for step, values, _ in path:
        x = step.along(x, values)
    return x


def _value_of(g: Array, path: Path, key: Key) -> Array:
    return read_winners(_along(g, path), key=key)


@op(
    x=lambda g, path, key: assign(g, 0.0, path=path, key=key),
    value=lambda g, path, key: _value_of(g, path, key),
)
def assign(x: Array, value: Array, /, *, path: Path, key: Key) -> Array:
    """Return a copy of `x` with `value` written at `key` of the view that `path` leads to."""
    backend = backend_of(x)
    z = backend.copy(x)
    part = _along(z, path)
    if not path or backend.shares_memory(part, z):
        backend.write(part, key, value)
    else:  # a reshape on the path, a view in the memory order of old, copies in that of z
        xp = backend.namespace
        places = xp.reshape(xp.arange(math.prod(x.shape), dtype=xp.int64, device=x.device), x.shape)
        backend.write(xp.reshape(z, (-1,)), (backend.read(_along(places, path), key),), value)
    return z


def _view_of_x(g: Array, path: Path) -> Array:
    """Return the gradient of each step of the path, backwards."""
    for step, values, shape in reversed(path):
        g = step.back_along(g, values, shape)
    return g


@op(x=_view_of_x)
def view_of(x: Array, /, *, path: Path) -> Array:
    """Return a copy of the view of `x` that `path` leads to."""
    return backend_of(x).copy(_along(x, path))


def axis_key(indices: Any, axis: int, ndim: int) -> Key:
    """Return the complete key that picks `indices` along `axis`."""
    array = _kept(indices)
    (along,) = axes_of(axis, ndim)
    return tuple(array if i == along else slice(None) for i in range(ndim))


def along_key(indices: Any, axis: int, shape: tuple[int, ...]) -> Key:
    """Return the complete key that picks, in each row along `axis` of an array of this shape, its own indices."""
    array = _kept(indices)
    (along,) = axes_of(axis, len(shape))
    backend = backend_of(array)
    xp = backend.namespace

    def counted(i: int) -> Array:
        sizes = tuple(-1 if k == i else 1 for k in range(len(shape)))
        return xp.reshape(xp.arange(shape[i], dtype=xp.int64, device=array.device), sizes)

    with backend.on(backend.device_of(array)):
        return tuple(array if i == along else counted(i) for i in range(len(shape)))


def _kept(indices: Any) -> Array:
    """Return indices as an array; those of a Tensor as a copy, for a node may keep them while the user writes."""
    return backend_of(indices._array).copy(indices._array) if type(indices) in TENSORS else indices


@op(x=lambda g, x_shape, indices, axis: scatter(g, shape=x_shape, key=axis_key(indices, axis or 0, len(x_shape))))
def take(x: Array, indices: Array, /, *, axis: int | None = None) -> Array:
    """Return the elements at `indices`, a 1-d tensor of integers, along `axis`; repeated ones add their gradients.

    The axis may be left out where there is one alone.

    >>> import gpugrad
    >>> gpugrad.take(gpugrad.tensor([1., 2., 3.]), gpugrad.tensor([2, 0]))
    tensor([3., 1.])
    """
    _check_integers("take", x, indices)
    if axis is None and x.ndim != 1:
        raise ShapeError(f"take: shape {x.shape} has {x.ndim} axes; say along which one with axis=")
    return backend_of(x).read(x, axis_key(indices, axis or 0, x.ndim))


@op(x=lambda g, x_shape, indices, axis: scatter(g, shape=x_shape, key=along_key(indices, axis, x_shape)))
def take_along_axis(x: Array, indices: Array, /, *, axis: int = -1) -> Array:
    """Return, for each row along `axis`, the elements at its own `indices`; other axes broadcast.

    >>> import gpugrad
    >>> x = gpugrad.tensor([[1., 2., 3.], [4., 5., 6.]])
    >>> gpugrad.take_along_axis(x, gpugrad.tensor([[2], [0]]))
    tensor([[3.],
            [4.]])
    """
    _check_integers("take_along_axis", x, indices)
    if x.ndim != indices.ndim:
        raise ShapeError(f"take_along_axis: shapes {x.shape} and {indices.shape} differ in their number of axes")
    return backend_of(x).read(x, along_key(indices, axis, x.shape))


def _check_integers(name: str, x: Array, indices: Array) -> None:
    if type(x) in SCALARS or type(indices) in SCALARS:
        what = "what it takes from" if type(x) in SCALARS else "the indices"
        raise ShapeError(f"{name}: {what} must be a tensor, not the number {x if type(x) in SCALARS else indices}")
    dtype = backend_of(indices).dtype_of(indices)
    if dtype.kind not in "iu":
        raise DtypeError(f"{name}: indices are integers, not {dtype}")


@op(x=lambda g, x_shape, key: overwrite(g, shape=x_shape, key=key))
def read_once(x: Array, /, *, key: Key) -> Array:
    """Return ``x[key]`` for a key that names no place twice, so that its gradient is written and not added."""
    return backend_of(x).read(x, key)
