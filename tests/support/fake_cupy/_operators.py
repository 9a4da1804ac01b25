"""Python's operators on arrays: each is a universal function, unless the other operand wants the say."""

from __future__ import annotations

from fake_cupy._array import ndarray

__all__ = ["operators"]

_arithmetic = (
    "add add, sub subtract, mul multiply, truediv true_divide, floordiv floor_divide, mod remainder, pow power, "
    "matmul matmul, and bitwise_and, or bitwise_or, xor bitwise_xor, lshift left_shift, rshift right_shift"
)
_comparisons = "lt less, le less_equal, gt greater, ge greater_equal, eq equal, ne not_equal"
_unary = "neg negative, pos positive, abs absolute, invert invert"


def operators(functions):
    """Yield every special method of arrays with its name, made of the universal functions."""
    for operator, function in _pairs(_arithmetic, functions):
        yield f"__{operator}__", _binary(function)
        yield f"__r{operator}__", _reflected(function)
        if operator != "matmul":  # CuPy has no @=
            yield f"__i{operator}__", _inplace(function)
    for operator, function in _pairs(_comparisons, functions):
        yield f"__{operator}__", _binary(function)
    for operator, function in _pairs(_unary, functions):
        yield f"__{operator}__", lambda self, function=function: function(self)


def _pairs(table, functions):
    for pair in table.split(", "):
        operator, name = pair.split()
        yield operator, functions[name]


def _defers(y):
    """Return whether an operator is left to the other operand (NEP 13, and array priorities)."""
    if hasattr(type(y), "__array_ufunc__"):
        return y.__array_ufunc__ is None
    return getattr(y, "__array_priority__", 0) > ndarray.__array_priority__


def _binary(function):
    return lambda self, other: NotImplemented if _defers(other) else function(self, other)


def _reflected(function):
    return lambda self, other: NotImplemented if _defers(other) else function(other, self)


def _inplace(function):
    return lambda self, other: NotImplemented if _defers(other) else function(self, other, self)
