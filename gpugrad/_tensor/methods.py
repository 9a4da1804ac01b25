"""The methods that PyTorch's users look for on a tensor; each is a call of the function of the same meaning.

PyTorch's `dim` and `keepdim` are understood beside the standard's `axis` and `keepdims`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from gpugrad import _ops as ops
from gpugrad._tensor.shaping import axes
from gpugrad._tensor.writing import overwrite, write

if TYPE_CHECKING:
    from gpugrad._tensor.tensor import Tensor

__all__ = ["Methods"]


class Methods:
    """The part of a Tensor that is functions under method names, but for reductions and those of shapes."""

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
    log2: ClassVar[Any] = ops.log2
    log10: ClassVar[Any] = ops.log10
    tan: ClassVar[Any] = ops.tan
    asin: ClassVar[Any] = ops.asin
    acos: ClassVar[Any] = ops.acos
    atan: ClassVar[Any] = ops.atan
    sinh: ClassVar[Any] = ops.sinh
    cosh: ClassVar[Any] = ops.cosh
    asinh: ClassVar[Any] = ops.asinh
    acosh: ClassVar[Any] = ops.acosh
    atanh: ClassVar[Any] = ops.atanh
    atan2: ClassVar[Any] = ops.atan2
    hypot: ClassVar[Any] = ops.hypot
    logaddexp: ClassVar[Any] = ops.logaddexp
    copysign: ClassVar[Any] = ops.copysign
    nextafter: ClassVar[Any] = ops.nextafter
    reciprocal: ClassVar[Any] = ops.reciprocal
    remainder: ClassVar[Any] = ops.remainder
    floor_divide: ClassVar[Any] = ops.floor_divide
    signbit: ClassVar[Any] = ops.signbit
    conj: ClassVar[Any] = ops.conj
    clip: ClassVar[Any] = ops.clip

    # Complex parts

    @property
    def real(self: Any) -> Tensor:
        """The real part, as a new tensor."""
        return ops.real(self)

    @property
    def imag(self: Any) -> Tensor:
        """The imaginary part, as a new tensor."""
        return ops.imag(self)

    # Along an axis

    def cumsum(self: Any, axis: Any = None, *, dim: Any = None, dtype: Any = None) -> Tensor:
        """Return the sums of all elements up to each one along an axis."""
        return ops.cumulative_sum(self, axis=axes(axis, dim), dtype=dtype)

    def cumprod(self: Any, axis: Any = None, *, dim: Any = None, dtype: Any = None) -> Tensor:
        """Return the products of all elements up to each one along an axis."""
        return ops.cumulative_prod(self, axis=axes(axis, dim), dtype=dtype)

    def diff(self: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Tensor:
        """Return the differences of neighbours along an axis."""
        return ops.diff(self, n, axis=dim, prepend=prepend, append=append)

    def argsort(self: Any, dim: int = -1, descending: Any = False, stable: Any = True) -> Tensor:
        """Return the indices that sort the tensor along an axis; equal elements keep their order."""
        return ops.argsort(self, axis=dim, descending=descending, stable=stable)

    def count_nonzero(self: Any, dim: Any = None) -> Tensor:
        """Return how many elements over axes are not zero."""
        return ops.count_nonzero(self, axis=axes(dim))

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
