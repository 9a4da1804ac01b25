"""Shapes and orders: functions that move elements and compute nothing.

Those marked `view` share the memory of their input wherever the array library can; a write to either is seen in both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral
from operator import index
from typing import Any

import numpy as np

from gpugrad._op import op
from gpugrad._ops.statistical import Axis, axes_of
from gpugrad.backends import Array, backend_of
from gpugrad.errors import ShapeError

__all__ = [
    "broadcast_arrays",
    "broadcast_shapes",
    "broadcast_to",
    "expand_dims",
    "flip",
    "matrix_transpose",
    "moveaxis",
    "permute_dims",
    "reshape",
    "roll",
    "squeeze",
]


def sizes_of(shape: int | Sequence[int]) -> tuple[int, ...]:
    """Return a shape, or the size of a single axis, as a tuple of Python integers; a float is never rounded to one."""
    return (int(shape),) if isinstance(shape, Integral) else tuple(map(index, shape))  # type: ignore[arg-type]


def full_shape(shape: int | Sequence[int], size: int) -> tuple[int, ...]:
    """Return `shape` with the one -1 in it, if any, worked out."""
    sizes = sizes_of(shape)
    known = math.prod(n for n in sizes if n != -1)
    if sizes.count(-1) == 1 and known and size % known == 0:
        sizes = tuple(size // known if n == -1 else n for n in sizes)
    if any(n < 0 for n in sizes) or math.prod(sizes) != size:
        raise ShapeError(f"reshape: {size} elements do not fit the shape {shape}")
    return sizes


@op(x=lambda g, x_shape, xp: xp.reshape(g, x_shape), view=True)
def reshape(x: Array, /, shape: int | Sequence[int], *, copy: bool | None = None) -> Array:
    """Return the same elements in row-major order in another shape; one size may be -1.

    With ``copy=False`` it raises ShapeError where the memory cannot be shared; with ``copy=True`` it never shares.

    >>> import gpugrad
    >>> gpugrad.reshape(gpugrad.arange(6), (2, -1))
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    backend = backend_of(x)
    z = backend.namespace.reshape(x, full_shape(shape, math.prod(x.shape)))
    if copy is False and z.shape and math.prod(z.shape) and not backend.shares_memory(z, x):
        raise ShapeError(f"reshape: {x.shape} cannot become {shape} without a copy; leave copy out")
    return backend.copy(z) if copy and backend.shares_memory(z, x) else z


def _unpermuted(g: Array, axes: Sequence[int], xp: Any) -> Array:
    """`g` with its axes in the order that they had."""
    positive = [a % len(axes) for a in axes]
    return xp.permute_dims(g, tuple(positive.index(i) for i in range(len(axes))))


@op(x=lambda g, axes, xp: _unpermuted(g, axes, xp), view=True)
def permute_dims(x: Array, /, axes: Sequence[int]) -> Array:
    """Return `x` with its axes in the order `axes`.

    >>> import gpugrad
    >>> gpugrad.permute_dims(gpugrad.ones((2, 3, 5)), (2, 0, 1)).shape
    (5, 2, 3)
    """
    axes = tuple(axes)
    if sorted(a % x.ndim if -x.ndim <= a < x.ndim else -1 for a in axes) != list(range(x.ndim)):
        raise ShapeError(f"permute_dims: axes {axes} are not an order of the {x.ndim} axes of shape {x.shape}")
    return backend_of(x).namespace.permute_dims(x, tuple(a % x.ndim for a in axes))


@op(x=lambda g, xp: xp.matrix_transpose(g), view=True)
def matrix_transpose(x: Array, /) -> Array:
    """Return `x` with its last two axes exchanged.

    >>> import gpugrad
    >>> gpugrad.matrix_transpose(gpugrad.ones((7, 2, 3))).shape
    (7, 3, 2)
    """
    if x.ndim < 2:
        raise ShapeError(f"matrix_transpose: shape {x.shape} has fewer than two axes")
    return backend_of(x).namespace.matrix_transpose(x)


@op(x=lambda g, source, destination, xp: xp.moveaxis(g, destination, source), view=True)
def moveaxis(x: Array, source: int | tuple[int, ...], destination: int | tuple[int, ...], /) -> Array:
    """Return `x` with the axes `source` moved to the places `destination`; the others keep their order.

    >>> import gpugrad
    >>> gpugrad.moveaxis(gpugrad.ones((2, 3, 5)), 0, -1).shape
    (3, 5, 2)
    """
    return backend_of(x).namespace.moveaxis(x, source, destination)


@op(x=lambda g: g, view=True)
def broadcast_to(x: Array, /, shape: Sequence[int]) -> Array:
    """Return `x` repeated, without a copy, to `shape`. The result cannot be written to.

    >>> import gpugrad
    >>> gpugrad.broadcast_to(gpugrad.tensor([1., 2.]), (2, 2))
    tensor([[1., 2.],
            [1., 2.]])
    """
    try:
        return backend_of(x).namespace.broadcast_to(x, tuple(shape))
    except ValueError:
        raise ShapeError(f"broadcast_to: shape {x.shape} does not broadcast to {tuple(shape)}") from None


def broadcast_shapes(*shapes: int | tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that arrays of these shapes broadcast to.

    >>> import gpugrad
    >>> gpugrad.broadcast_shapes((2, 1), (3,))
    (2, 3)
    """
    try:
        return np.broadcast_shapes(*map(sizes_of, shapes))
    except ValueError:
        raise ShapeError(f"broadcast_shapes: shapes {' and '.join(map(str, shapes))} do not broadcast") from None


def broadcast_arrays(*arrays: Array) -> tuple[Array, ...]:
    """Return the arrays repeated, without a copy, to the one shape they broadcast to. They cannot be written to.

    >>> import gpugrad
    >>> [x.shape for x in gpugrad.broadcast_arrays(gpugrad.ones((2, 1)), gpugrad.ones(3))]
    [(2, 3), (2, 3)]
    """
    shape = broadcast_shapes(*(getattr(x, "shape", ()) for x in arrays))
    return tuple(broadcast_to(x, shape) for x in arrays)


@op(x=lambda g, x_shape, xp: xp.reshape(g, x_shape), view=True)
def squeeze(x: Array, /, axis: int | tuple[int, ...]) -> Array:
    """Return `x` without the axes `axis`, which have size 1.

    >>> import gpugrad
    >>> gpugrad.squeeze(gpugrad.ones((1, 3, 1)), axis=(0, 2)).shape
    (3,)
    """
    axes = axes_of(axis, x.ndim)
    if any(x.shape[a] != 1 for a in axes):
        raise ShapeError(f"squeeze: axis {axis} of shape {x.shape} has not size 1")
    return backend_of(x).namespace.squeeze(x, axis=axes)


@op(x=lambda g, x_shape, xp: xp.reshape(g, x_shape), view=True)
def expand_dims(x: Array, /, axis: int | tuple[int, ...]) -> Array:
    """Return `x` with new axes of size 1 at the places `axis` of the result.

    >>> import gpugrad
    >>> gpugrad.expand_dims(gpugrad.ones(3), axis=(0, -1)).shape
    (1, 3, 1)
    """
    count = x.ndim + (len(axis) if isinstance(axis, tuple) else 1)
    places = axes_of(axis, count)
    sizes = iter(x.shape)
    return backend_of(x).namespace.reshape(x, tuple(1 if i in places else next(sizes) for i in range(count)))


@op(x=lambda g, axis, xp: xp.flip(g, axis=axis), view=True)
def flip(x: Array, /, *, axis: Axis = None) -> Array:
    """Return `x` with the order of elements reversed along `axis`.

    >>> import gpugrad
    >>> gpugrad.flip(gpugrad.tensor([1, 2, 3]))
    tensor([3, 2, 1])
    """
    return backend_of(x).namespace.flip(x, axis=axis)


def _shifts(shift: int | Sequence[int], axis: Axis) -> int | tuple[int, ...]:
    """Return the shift as Python integers, one for each axis where there are several."""
    if isinstance(shift, Integral):
        return int(shift)
    shifts = sizes_of(shift)
    if len(shifts) != (len(axis) if isinstance(axis, tuple) else 1):
        raise ShapeError(f"roll: shifts {shift} and axes {axis} are not in pairs")
    return shifts if isinstance(axis, tuple) else shifts[0]


def _rolled_back(g: Array, shift: int | Sequence[int], axis: Axis, xp: Any) -> Array:
    """`roll(g, -shift)`."""
    shift = _shifts(shift, axis)
    return xp.roll(g, tuple(-n for n in shift) if isinstance(shift, tuple) else -shift, axis=axis)


@op(x=_rolled_back)
def roll(x: Array, /, shift: int | tuple[int, ...], *, axis: Axis = None) -> Array:
    """Return `x` with its elements moved by `shift` places along `axis`; the last ones come first.

    Several axes have a shift each, or one for all. Without an axis `x` is rolled as if it were flat.

    >>> import gpugrad
    >>> gpugrad.roll(gpugrad.tensor([1, 2, 3, 4]), 1)
    tensor([4, 1, 2, 3])
    """
    axes = axis if axis is None else axes_of(axis, x.ndim, repeated=True)
    shifts = _shifts(shift, axis)
    if axes is not None and not isinstance(shifts, tuple):
        shifts = (shifts,) * len(axes)
    return backend_of(x).namespace.roll(x, shifts, axis=axes)
