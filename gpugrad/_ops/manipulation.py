"""Shapes, orders, dtypes and devices: functions that move elements and compute nothing.

Those marked `view` share the memory of their input wherever the array library can; a write to either is seen in both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from numbers import Integral
from operator import index
from typing import Any

from gpugrad._op import SCALARS, op
from gpugrad._ops.statistical import Axis, axes_of
from gpugrad.backends import Array, Device, as_dtype, backend_of, backend_of_device, together
from gpugrad.errors import DtypeError, ShapeError

__all__ = [
    "astype",
    "broadcast_to",
    "concat",
    "expand_dims",
    "flip",
    "matrix_transpose",
    "moveaxis",
    "permute_dims",
    "reshape",
    "squeeze",
    "stack",
    "to_device",
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
def expand_dims(x: Array, /, *, axis: int | tuple[int, ...] = 0) -> Array:
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


def _together(arrays: Sequence[Array]) -> list[Array]:
    """Return the arrays in the one dtype they promote to."""
    if not arrays:
        raise ShapeError("concat and stack need at least one array")
    for x in arrays:
        if type(x) in SCALARS:
            raise TypeError(f"concat and stack take tensors and arrays, not the number {x!r}")
    return together(backend_of(arrays[0]), arrays)


def _split(g: Array, arrays_shape: Sequence[tuple[int, ...]], axis: int | None, xp: Any) -> list[Array]:
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


@op(x=lambda g: g)
def astype(x: Array, dtype: Any, /, *, copy: bool = True) -> Array:
    """Return `x` in another dtype; the gradient comes back in the dtype of `x`.

    >>> import gpugrad
    >>> gpugrad.astype(gpugrad.tensor([1.7, -1.7]), gpugrad.int64)
    tensor([ 1, -1])
    """
    backend = backend_of(x)
    wanted = as_dtype(dtype)
    if backend.dtype_of(x).kind == "c" and wanted.kind != "c":
        raise DtypeError(f"astype: {backend.dtype_of(x)} does not become {wanted}; take gpugrad.real(x) first")
    return backend.namespace.astype(x, backend.native_dtype(wanted), copy=True)


@op(x=lambda g, device, source: to_device(g, device=source, source=device))
def to_device(x: Array, /, *, device: Device, source: Device) -> Array:
    """Return a copy of `x`, which lives on `source`, on `device`; the gradient travels back."""
    target = backend_of_device(device)
    with target.on(device):
        return target.from_host(backend_of(x).to_host(x), device)


@op(x=lambda g: g)
def clone(x: Array, /) -> Array:
    """Return a copy that shares no memory; the gradient passes through.

    >>> import gpugrad
    >>> gpugrad.clone(gpugrad.tensor([1., 2.]))
    tensor([1., 2.])
    """
    return backend_of(x).copy(x)


def _part(x: Array, name: str) -> Array:
    backend = backend_of(x)
    if backend.dtype_of(x).kind != "c":
        return backend.copy(x) if name == "real" else backend.namespace.zeros_like(x)
    return backend.copy(getattr(backend.namespace, name)(x))


@op(x=lambda g: g)
def real(x: Array, /) -> Array:
    """Return the real part, element by element, as a new array."""
    return _part(x, "real")


@op(x=lambda g: g * -1j)
def imag(x: Array, /) -> Array:
    """Return the imaginary part, element by element, as a new array."""
    return _part(x, "imag")
