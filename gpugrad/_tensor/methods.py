"""The methods that PyTorch's users look for on a tensor; each is a call of the function of the same meaning.

PyTorch's `dim` and `keepdim` are understood beside the standard's `axis` and `keepdims`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from gpugrad import _ops as ops
from gpugrad._ops.manipulation import sizes_of
from gpugrad._ops.statistical import axes_of
from gpugrad._tensor.writing import overwrite, write
from gpugrad.errors import ShapeError

if TYPE_CHECKING:
    from gpugrad._tensor.tensor import Tensor

__all__ = ["Methods"]


def _axes(axis: Any, dim: Any) -> Any:
    """Return `axis`, or PyTorch's `dim`; a list is a tuple of axes."""
    axis = dim if axis is None else axis
    return tuple(axis) if isinstance(axis, list) else axis


def _sizes(shape: tuple[Any, ...]) -> tuple[int, ...]:
    """Return a shape given either as one sequence or as several integers."""
    return sizes_of(shape[0] if len(shape) == 1 else shape)


class Methods:
    """The part of a Tensor that is functions under method names."""

    __slots__ = ()

    # Element by element

    exp: ClassVar[Any] = ops.exp
    log: ClassVar[Any] = ops.log
    log1p: ClassVar[Any] = ops.log1p
    expm1: ClassVar[Any] = ops.expm1
    sqrt: ClassVar[Any] = ops.sqrt
    square: ClassVar[Any] = ops.square
    tanh: ClassVar[Any] = ops.tanh
    sin: ClassVar[Any] = ops.sin
    cos: ClassVar[Any] = ops.cos
    abs: ClassVar[Any] = ops.abs
    sign: ClassVar[Any] = ops.sign
    floor: ClassVar[Any] = ops.floor
    ceil: ClassVar[Any] = ops.ceil
    round: ClassVar[Any] = ops.round
    trunc: ClassVar[Any] = ops.trunc
    sigmoid: ClassVar[Any] = ops.sigmoid
    relu: ClassVar[Any] = ops.relu
    erf: ClassVar[Any] = ops.erf
    erfc: ClassVar[Any] = ops.erfc
    isnan: ClassVar[Any] = ops.isnan
    isinf: ClassVar[Any] = ops.isinf
    isfinite: ClassVar[Any] = ops.isfinite
    pow: ClassVar[Any] = ops.pow
    matmul: ClassVar[Any] = ops.matmul
    maximum: ClassVar[Any] = ops.maximum
    minimum: ClassVar[Any] = ops.minimum

    # Complex parts

    @property
    def real(self: Any) -> Tensor:
        """The real part, as a new tensor."""
        return ops.real(self)

    @property
    def imag(self: Any) -> Tensor:
        """The imaginary part, as a new tensor."""
        return ops.imag(self)

    # Shapes

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

    def flatten(self: Any) -> Tensor:
        """Return the elements on one axis."""
        return ops.reshape(self, (-1,))

    def permute(self: Any, *axes: Any) -> Tensor:
        """Return the tensor with its axes in another order."""
        return ops.permute_dims(self, _sizes(axes))

    def transpose(self: Any, dim0: int, dim1: int) -> Tensor:
        """Return the tensor with two axes exchanged, as in PyTorch."""
        axes = list(range(self.ndim))
        first, second = axes_of((dim0, dim1), self.ndim)
        axes[first], axes[second] = second, first
        return ops.permute_dims(self, tuple(axes))

    def squeeze(self: Any, axis: Any = None, *, dim: Any = None) -> Tensor:
        """Return the tensor without the axes of size 1, or without those named."""
        axes = _axes(axis, dim)
        ones = tuple(i for i, n in enumerate(self.shape) if n == 1)
        return ops.squeeze(self, axis=ones if axes is None else axes)

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

    # Reductions

    def sum(
        self: Any, axis: Any = None, *, dim: Any = None, dtype: Any = None, keepdims: Any = False, keepdim: Any = False
    ) -> Tensor:
        """Return the sum over axes."""
        return ops.sum(self, axis=_axes(axis, dim), dtype=dtype, keepdims=keepdims or keepdim)

    def mean(self: Any, axis: Any = None, *, dim: Any = None, keepdims: Any = False, keepdim: Any = False) -> Tensor:
        """Return the mean over axes."""
        return ops.mean(self, axis=_axes(axis, dim), keepdims=keepdims or keepdim)

    def prod(self: Any, axis: Any = None, *, dim: Any = None, keepdims: Any = False, keepdim: Any = False) -> Tensor:
        """Return the product over axes."""
        return ops.prod(self, axis=_axes(axis, dim), keepdims=keepdims or keepdim)

    def max(self: Any, axis: Any = None, *, dim: Any = None, keepdims: Any = False, keepdim: Any = False) -> Tensor:
        """Return the largest element over axes (the values alone)."""
        return ops.max(self, axis=_axes(axis, dim), keepdims=keepdims or keepdim)

    def min(self: Any, axis: Any = None, *, dim: Any = None, keepdims: Any = False, keepdim: Any = False) -> Tensor:
        """Return the smallest element over axes (the values alone)."""
        return ops.min(self, axis=_axes(axis, dim), keepdims=keepdims or keepdim)

    def var(
        self: Any,
        axis: Any = None,
        *,
        dim: Any = None,
        correction: Any = 1,
        keepdims: Any = False,
        keepdim: Any = False,
    ) -> Tensor:
        """Return the variance over axes; as in PyTorch the method corrects by 1 where the function corrects by 0."""
        return ops.var(self, axis=_axes(axis, dim), correction=correction, keepdims=keepdims or keepdim)

    def std(
        self: Any,
        axis: Any = None,
        *,
        dim: Any = None,
        correction: Any = 1,
        keepdims: Any = False,
        keepdim: Any = False,
    ) -> Tensor:
        """Return the standard deviation over axes; as in PyTorch the method corrects by 1."""
        return ops.std(self, axis=_axes(axis, dim), correction=correction, keepdims=keepdims or keepdim)

    def argmax(self: Any, axis: Any = None, *, dim: Any = None, keepdims: Any = False) -> Tensor:
        """Return the index of the largest element."""
        return ops.argmax(self, axis=_axes(axis, dim), keepdims=keepdims)

    def argmin(self: Any, axis: Any = None, *, dim: Any = None, keepdims: Any = False) -> Tensor:
        """Return the index of the smallest element."""
        return ops.argmin(self, axis=_axes(axis, dim), keepdims=keepdims)

    def any(self: Any, axis: Any = None, *, dim: Any = None, keepdims: Any = False) -> Tensor:
        """Return whether any element is true."""
        return ops.any(self, axis=_axes(axis, dim), keepdims=keepdims)

    def all(self: Any, axis: Any = None, *, dim: Any = None, keepdims: Any = False) -> Tensor:
        """Return whether all elements are true."""
        return ops.all(self, axis=_axes(axis, dim), keepdims=keepdims)

    def norm(self: Any) -> Tensor:
        """Return the Euclidean norm of all elements; its gradient at 0 is 0."""
        return ops.vector_norm(self)

    def dot(self: Any, other: Tensor) -> Tensor:
        """Return the matrix product, as NumPy's method of this name does for vectors and matrices."""
        return ops.matmul(self, other)

    def clamp(self: Any, min: Any = None, max: Any = None) -> Tensor:
        """Return the elements limited to [min, max]."""
        return ops.clip(self, min, max)

    def softmax(self: Any, dim: int = -1) -> Tensor:
        """Return the softmax along an axis."""
        return ops.softmax(self, axis=dim)

    # Dtypes

    def type_as(self: Any, other: Tensor) -> Tensor:
        """Return this tensor in the dtype of another."""
        return self.to(other.dtype)

    def float(self: Any) -> Tensor:
        """Return this tensor as float32."""
        return self.to(np.dtype("float32"))

    def double(self: Any) -> Tensor:
        """Return this tensor as float64."""
        return self.to(np.dtype("float64"))

    def half(self: Any) -> Tensor:
        """Return this tensor as float16."""
        return self.to(np.dtype("float16"))

    def long(self: Any) -> Tensor:
        """Return this tensor as int64."""
        return self.to(np.dtype("int64"))

    def bool(self: Any) -> Tensor:
        """Return this tensor as truth values."""
        return self.to(np.dtype("bool"))

    # Writes

    def copy_(self: Any, source: Any) -> Tensor:
        """Write `source`, which broadcasts, into this tensor."""
        write(self, ..., source)
        return self

    def fill_(self: Any, value: Any) -> Tensor:
        """Write one value everywhere."""
        write(self, ..., value)
        return self

    def zero_(self: Any) -> Tensor:
        """Write zeros everywhere."""
        return self.fill_(0)

    def add_(self: Any, other: Any) -> Tensor:
        """Add in place."""
        return overwrite(self, ops.add(self, other))

    def sub_(self: Any, other: Any) -> Tensor:
        """Subtract in place."""
        return overwrite(self, ops.subtract(self, other))

    def mul_(self: Any, other: Any) -> Tensor:
        """Multiply in place."""
        return overwrite(self, ops.multiply(self, other))

    def div_(self: Any, other: Any) -> Tensor:
        """Divide in place."""
        return overwrite(self, ops.divide(self, other))
