"""The operators of a Tensor: each is the op itself, its reflection, and the write of its result in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from gpugrad import _ops as ops
from gpugrad._tensor.writing import overwrite

__all__ = ["Operators"]

Binary: TypeAlias = Callable[[Any, Any], Any]


def _three(function: Binary) -> tuple[Binary, Binary, Binary]:
    """Return what x1 + x2, x2.__radd__(x1) and x1 += x2 call."""

    def reflected(self: Any, other: Any) -> Any:
        return function(other, self)

    def in_place(self: Any, other: Any) -> Any:
        return overwrite(self, function(self, other))

    return function, reflected, in_place


class Operators:
    """The part of a Tensor that is Python's operators."""

    __slots__ = ()

    __add__, __radd__, __iadd__ = _three(ops.add)
    __sub__, __rsub__, __isub__ = _three(ops.subtract)
    __mul__, __rmul__, __imul__ = _three(ops.multiply)
    __truediv__, __rtruediv__, __itruediv__ = _three(ops.divide)
    __floordiv__, __rfloordiv__, __ifloordiv__ = _three(ops.floor_divide)
    __mod__, __rmod__, __imod__ = _three(ops.remainder)
    __matmul__, __rmatmul__, __imatmul__ = _three(ops.matmul)
    __and__, __rand__, __iand__ = _three(ops.bitwise_and)
    __or__, __ror__, __ior__ = _three(ops.bitwise_or)
    __xor__, __rxor__, __ixor__ = _three(ops.bitwise_xor)
    __lshift__, __rlshift__, __ilshift__ = _three(ops.bitwise_left_shift)
    __rshift__, __rrshift__, __irshift__ = _three(ops.bitwise_right_shift)
    _pow, __rpow__, __ipow__ = _three(ops.pow)

    __neg__ = ops.negative
    __pos__ = ops.positive
    __abs__ = ops.abs
    __invert__ = ops.bitwise_invert
    __lt__ = ops.less
    __le__ = ops.less_equal
    __gt__ = ops.greater
    __ge__ = ops.greater_equal
    __hash__ = object.__hash__

    def __pow__(self, exponent: Any) -> Any:
        return ops.square(self) if type(exponent) is int and exponent == 2 else ops.pow(self, exponent)

    def __eq__(self, other: object) -> Any:
        return NotImplemented if other is None or isinstance(other, str) else ops.equal(self, other)

    def __ne__(self, other: object) -> Any:
        return NotImplemented if other is None or isinstance(other, str) else ops.not_equal(self, other)
