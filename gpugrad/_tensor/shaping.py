"""The methods that bring a tensor into another shape or order, under the names that PyTorch's users look for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from gpugrad import _ops as ops
from gpugrad._ops.manipulation import sizes_of
from gpugrad._ops.statistical import axes_of
from gpugrad.errors import ShapeError

if TYPE_CHECKING:
    from gpugrad._tensor.tensor import Tensor

__all__ = ["Shaping", "axes"]


def axes(axis: Any, dim: Any = None) -> Any:
    """Return `axis`, or PyTorch's `dim`; a list is a tuple of axes."""
    axis = dim if axis is None else axis
    return tuple(axis) if isinstance(axis, list) else axis


def _sizes(shape: tuple[Any, ...]) -> tuple[int, ...]:
    """Return a shape given either as one sequence or as several integers."""
    return sizes_of(shape[0] if len(shape) == 1 else shape)


class Shaping:
    """The part of a Tensor that is functions of shapes under method names."""

    __slots__ = ()

    def dim(self: Any) -> int:
        """Return the number of axes."""
        return len(self.shape)

    def numel(self: Any) -> int:
        """Return the number of elements."""
        return int(self.size)

    def t(self: Any) -> Tensor:
        """Return the transpose of a matrix."""
        return self.T

    def reshape(self: Any, *shape: Any) -> Tensor:
        """Return the same elements in another shape; one size may be -1."""
        return ops.reshape(self, _sizes(shape))

    def view(self: Any, *shape: Any) -> Tensor:
        """Return the same memory in another shape, or raise ShapeError."""
        return ops.reshape(self, _sizes(shape), copy=False)

    def flatten(self: Any, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        """Return the tensor with the axes from `start_dim` to `end_dim` made one."""
        shape = self.shape or (1,)
        first, last = axes_of((start_dim, end_dim), len(shape), repeated=True)
        if first > last:
            raise ShapeError(f"flatten: axis {start_dim} comes after axis {end_dim} in shape {self.shape}")
        size = math.prod(shape[first : last + 1])
        return ops.reshape(self, (*shape[:first], size, *shape[last + 1 :]))

    def ravel(self: Any) -> Tensor:
        """Return the elements on one axis."""
        return ops.reshape(self, (-1,))

    def permute(self: Any, *axes: Any) -> Tensor:
        """Return the tensor with its axes in another order."""
        return ops.permute_dims(self, _sizes(axes))

    def transpose(self: Any, dim0: int, dim1: int) -> Tensor:
        """Return the tensor with two axes exchanged, as in PyTorch."""
        order = list(range(self.ndim))
        first, second = axes_of((dim0, dim1), self.ndim, repeated=True)
        order[first], order[second] = second, first
        return ops.permute_dims(self, tuple(order))

    def swapaxes(self: Any, axis0: int, axis1: int) -> Tensor:
        """Return the tensor with two axes exchanged, as NumPy calls it."""
        return self.transpose(axis0, axis1)

    def moveaxis(self: Any, source: Any, destination: Any) -> Tensor:
        """Return the tensor with axes moved to other places."""
        return ops.moveaxis(self, source, destination)

    def flip(self: Any, *dims: Any) -> Tensor:
        """Return the tensor with the order of elements reversed along axes."""
        return ops.flip(self, axis=_sizes(dims))

    def roll(self: Any, shifts: Any, dims: Any = None) -> Tensor:
        """Return the tensor with its elements moved along axes; the last ones come first."""
        return ops.roll(self, shifts, axis=axes(dims))

    def tile(self: Any, *dims: Any) -> Tensor:
        """Return copies of the tensor side by side."""
        return ops.tile(self, _sizes(dims))

    def repeat_interleave(self: Any, repeats: Any, dim: int | None = None) -> Tensor:
        """Return the tensor with each element repeated along an axis, which NumPy calls repeat."""
        return ops.repeat(self, repeats, axis=dim)

    def unbind(self: Any, dim: int = 0) -> tuple[Tensor, ...]:
        """Return the parts along an axis."""
        return ops.unstack(self, axis=dim)

    def tril(self: Any, diagonal: int = 0) -> Tensor:
        """Return the tensor with zeros above a diagonal of its matrices."""
        return ops.tril(self, k=diagonal)

    def triu(self: Any, diagonal: int = 0) -> Tensor:
        """Return the tensor with zeros below a diagonal of its matrices."""
        return ops.triu(self, k=diagonal)

    def squeeze(self: Any, axis: Any = None, *, dim: Any = None) -> Tensor:
        """Return the tensor without the axes of size 1, or without those named."""
        chosen = axes(axis, dim)
        ones = tuple(i for i, n in enumerate(self.shape) if n == 1)
        return ops.squeeze(self, axis=ones if chosen is None else chosen)

    def unsqueeze(self: Any, dim: int) -> Tensor:
        """Return the tensor with a new axis of size 1."""
        return ops.expand_dims(self, axis=dim)

    def expand(self: Any, *shape: Any) -> Tensor:
        """Return the tensor broadcast to a shape, in which -1 keeps a size."""
        sizes = _sizes(shape)
        if len(sizes) < self.ndim:
            raise ShapeError(f"expand: shape {self.shape} does not broadcast to {sizes}")
        mine = (1,) * (len(sizes) - self.ndim) + self.shape
        return ops.broadcast_to(self, tuple(m if n == -1 else n for n, m in zip(sizes, mine, strict=True)))
