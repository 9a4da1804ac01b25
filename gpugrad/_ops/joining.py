"""Arrays out of several or out of copies, and into parts: concat, stack, unstack, repeat, tile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from operator import index
from typing import Any

from gpugrad._op import SCALARS, op, table
from gpugrad._ops.indexing import axis_key, scatter
from gpugrad._ops.manipulation import sizes_of
from gpugrad._ops.statistical import axes_of
from gpugrad.backends import Array, backend_of, together
from gpugrad.errors import DtypeError, ShapeError

__all__ = ["concat", "repeat", "stack", "tile", "unstack"]


def _together(arrays: Sequence[Array]) -> list[Array]:
    """Return the arrays in the one dtype they promote to."""
    if not arrays:
        raise ShapeError("concat and stack need at least one array")
    for x in arrays:
        if type(x) in SCALARS:
            raise TypeError(f"concat and stack take tensors and arrays, not the number {x!r}")
    return together(backend_of(arrays[0]), arrays)


def _split(g: Array, arrays_shape: Sequence[tuple[int, ...]], axis: int | None, xp: Any) -> list[Array]:
    """Return the part of g that each array has become."""
    if axis is None:
        sizes = [math.prod(shape) for shape in arrays_shape]
        axis = 0
    else:
        axis %= len(g.shape)
        sizes = [shape[axis] for shape in arrays_shape]
    ends = list(accumulate(sizes))
    before = (slice(None),) * axis
    return [
        xp.reshape(g[(*before, slice(end - size, end), ...)], shape)
        for size, end, shape in zip(sizes, ends, arrays_shape, strict=True)
    ]


@op(arrays=lambda g, arrays_shape, axis, xp: _split(g, arrays_shape, axis, xp))
def concat(arrays: Sequence[Array], /, *, axis: int | None = 0) -> Array:
    """Return the arrays one behind the other along `axis`; with None they are flattened first.

    >>> import gpugrad
    >>> gpugrad.concat([gpugrad.tensor([1., 2.]), gpugrad.tensor([3.])])
    tensor([1., 2., 3.])
    """
    arrays = _together(arrays)
    try:
        return backend_of(arrays[0]).namespace.concat(arrays, axis=axis)
    except ValueError:
        raise ShapeError(f"concat: shapes {', '.join(str(x.shape) for x in arrays)} differ beside axis {axis}") from None


def _unstacked(g: Array, arrays_shape: Sequence[tuple[int, ...]], axis: int) -> list[Array]:
    """Return the part of g that each array has become."""
    before = (slice(None),) * (axis % len(g.shape))
    return [g[(*before, i, ...)] for i in range(len(arrays_shape))]


@op(arrays=lambda g, arrays_shape, axis: _unstacked(g, arrays_shape, axis))
def stack(arrays: Sequence[Array], /, *, axis: int = 0) -> Array:
    """Return arrays of one shape as the elements of a new axis.

    >>> import gpugrad
    >>> gpugrad.stack([gpugrad.tensor([1., 2.]), gpugrad.tensor([3., 4.])])
    tensor([[1., 2.],
            [3., 4.]])
    """
    arrays = _together(arrays)
    if len({x.shape for x in arrays}) > 1:
        raise ShapeError(f"stack: shapes {', '.join(str(x.shape) for x in arrays)} differ; they must be one")
    return backend_of(arrays[0]).namespace.stack(arrays, axis=axis)


def _part_of(x: Array, i: int, axis: int) -> tuple[Any, dict[str, Any]]:
    """Return the read that gives one result of unstack alone."""
    (along,) = axes_of(axis, x.ndim)
    return table["getitem"], {"key": tuple(i if a == along else slice(None) for a in range(x.ndim))}


@op(x=lambda g, axis, xp: xp.stack(g, axis=axis), view=_part_of)
def unstack(x: Array, /, *, axis: int = 0) -> tuple[Array, ...]:
    """Return the parts of `x` along `axis`, one for each index, without that axis. They share its memory.

    >>> import gpugrad
    >>> gpugrad.unstack(gpugrad.tensor([[1., 2.], [3., 4.]]))
    (tensor([1., 2.]), tensor([3., 4.]))
    """
    if x.ndim == 0:
        raise ShapeError("unstack: a 0-d array has no axis to take apart")
    (along,) = axes_of(axis, x.ndim)
    before = (slice(None),) * along
    return tuple(backend_of(x).read(x, (*before, i, ...)) for i in range(x.shape[along]))


def _copies(g: Array, counts: Sequence[tuple[int, int]], inner: bool, shape: tuple[int, ...], xp: Any) -> Array:
    """Return the sum of the copies in `g`, given for each axis its size and how often it is there."""
    sizes = [(n, r) if inner else (r, n) for n, r in counts]
    parts = xp.reshape(g, tuple(m for pair in sizes for m in pair))
    return xp.reshape(xp.sum(parts, axis=tuple(2 * i + inner for i in range(len(sizes)))), shape)


def _places(repeats: Array, size: int, total: int | None = None) -> Array:
    """Return the index that each element of the result comes from; without its `total` the device is asked for it."""
    backend = backend_of(repeats)
    xp = backend.namespace
    with backend.on(backend.device_of(repeats)):
        ends = xp.cumulative_sum(xp.broadcast_to(xp.reshape(repeats, (-1,)), (size,)), dtype=xp.int64)
        if total is None:
            total = int(ends[-1]) if size else 0
        return xp.searchsorted(ends, xp.arange(total, dtype=xp.int64, device=repeats.device), side="right")


def _repeat_x(g: Array, repeats: Any, x_shape: tuple[int, ...], axis: int | None, xp: Any) -> Array:
    """Return the sum over the copies of each element."""
    along = 0 if axis is None else axis % len(x_shape)
    shape = (math.prod(x_shape),) if axis is None else x_shape
    if type(repeats) in SCALARS:
        counts = [(n, int(repeats) if i == along else 1) for i, n in enumerate(shape)]
        return _copies(g, counts, True, x_shape, xp)
    places = _places(getattr(repeats, "_array", repeats), shape[along], g.shape[along])
    return xp.reshape(scatter(g, shape=shape, key=axis_key(places, along, len(shape))), x_shape)


@op(x=_repeat_x)
def repeat(x: Array, repeats: Array, /, *, axis: int | None = None) -> Array:
    """Return `x` with each element repeated along `axis`; without one, the elements of the flattened `x`.

    `repeats` is how often, for all of them or, as a tensor of integers, for each. The size of the result then depends
    on its values, for which a GPU is waited for.

    >>> import gpugrad
    >>> gpugrad.repeat(gpugrad.tensor([1., 2.]), 2)
    tensor([1., 1., 2., 2.])
    >>> gpugrad.repeat(gpugrad.tensor([1., 2.]), gpugrad.tensor([1, 3]))
    tensor([1., 2., 2., 2.])
    """
    backend = backend_of(x)
    if axis is not None:
        (axis,) = axes_of(axis, x.ndim)
    if type(repeats) in SCALARS:
        return backend.namespace.repeat(x, _how_often(repeats), axis=axis)
    if axis is None:
        x, axis = backend.namespace.reshape(x, (-1,)), 0
    size = x.shape[axis]
    if backend.dtype_of(repeats).kind not in "iu":
        raise DtypeError(f"repeat: repeats are integers, not {backend.dtype_of(repeats)}")
    if repeats.ndim > 1 or (repeats.ndim and repeats.shape[0] not in (1, size)):
        raise ShapeError(f"repeat: repeats of shape {repeats.shape} do not broadcast to the {size} elements of the axis")
    if bool(backend.namespace.any(repeats < 0)):
        raise ShapeError("repeat: some of the repeats are negative")
    return backend.read(x, axis_key(_places(repeats, size), axis, x.ndim))


def _how_often(n: Any) -> int:
    """Return a number of copies as an integer that is not negative; a float is never rounded to one."""
    if index(n) < 0:
        raise ShapeError(f"repeat and tile: {n} copies are less than none")
    return index(n)


def _tile_x(g: Array, x_shape: tuple[int, ...], repetitions: Any, xp: Any) -> Array:
    """Return the sum over the copies of each element."""
    tiles = sizes_of(repetitions)
    count = max(len(tiles), len(x_shape))
    sizes = (1,) * (count - len(x_shape)) + x_shape
    tiles = (1,) * (count - len(tiles)) + tiles
    return _copies(g, list(zip(sizes, tiles, strict=True)), False, x_shape, xp)


@op(x=_tile_x)
def tile(x: Array, repetitions: int | tuple[int, ...], /) -> Array:
    """Return copies of `x` side by side, as many along each axis as `repetitions` says; it may have more axes than `x`.

    >>> import gpugrad
    >>> gpugrad.tile(gpugrad.tensor([1., 2.]), (2, 2))
    tensor([[1., 2., 1., 2.],
            [1., 2., 1., 2.]])
    """
    return backend_of(x).namespace.tile(x, tuple(map(_how_often, sizes_of(repetitions))))
