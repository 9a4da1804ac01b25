"""Operands of an op under vmap: which of them all examples share, and how their axes are brought side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from gpugrad import _ops as ops
from gpugrad._op import SCALARS, Op
from gpugrad._ops.statistical import axes_of
from gpugrad.backends import is_array_type
from gpugrad.func._batched import Batched
from gpugrad.func._levels import Level

__all__ = ["Inputs", "Rule", "aligned", "behind", "every", "has_arrays", "is_of", "rank", "separated"]


Inputs: TypeAlias = "dict[str, Any]"
Rule: TypeAlias = Callable[[Op, Level, Inputs, Inputs], Any]
"""A batching rule: see `_batching`."""


def is_of(x: Any, level: Level) -> bool:
    """Return whether there is one `x` for each example of this level."""
    return type(x) is Batched and x.level is level


def rank(x: Any) -> int:
    """Return the number of axes of one example; a number has none."""
    return 0 if x is None or type(x) in SCALARS else len(x.shape)


def every(x: Any, level: Level) -> Any:
    """Return the values for all examples, on the first axis."""
    return x.value if is_of(x, level) else ops.broadcast_to(x, (level.size, *x.shape))


def aligned(x: Any, level: Level, count: int) -> Any:
    """Return the values for all examples, with `count` axes behind the first; what they share stays as it is."""
    if not is_of(x, level) or x.ndim >= count:
        return x.value if is_of(x, level) else x
    return ops.reshape(x.value, (level.size, *(1,) * (count - x.ndim), *x.shape))


def has_arrays(key: tuple[Any, ...]) -> bool:
    """Return whether a complete key holds arrays."""
    return any(is_array_type(type(k)) for k in key)


def separated(key: tuple[Any, ...]) -> bool:
    """Return whether a complete key has slices or new axes between its integers and arrays.

    Then the axes of the arrays come first in the result, as in NumPy.
    """
    if not has_arrays(key):
        return False
    places = [i for i, k in enumerate(key) if type(k) is int or is_array_type(type(k))]
    return places[-1] - places[0] >= len(places)


def behind(axis: Any, ndim: int) -> Any:
    """Return axes of one example as those of all examples."""
    places = tuple(a + 1 for a in axes_of(axis, ndim, repeated=True))
    return places if isinstance(axis, tuple | list) or axis is None else places[0]
