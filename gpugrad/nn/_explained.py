"""What a function was given wrongly, said in one line: looked for only when it has failed."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from gpugrad.errors import GpugradError

__all__ = ["explained"]

F = TypeVar("F", bound=Callable[..., Any])

_tensors = frozenset(
    "tensor input target input1 input2 var weight bias x1 x2 anchor positive negative running_mean running_var "
    "pos_weight".split()
)
_numbers = frozenset({"float", "int", "float | None", "int | None"})


def explained(function: F) -> F:
    """Return the function, whose errors of Python's own name the argument that was of a wrong kind."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (AttributeError, TypeError, ValueError) as error:
            fault = None if isinstance(error, GpugradError) else _fault(function, args, kwargs)
            if fault is None:
                raise
            raise TypeError(fault) from error

    return call  # type: ignore[return-value]


def _fault(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    """Return which argument of a call is of a wrong kind, and what it should be; None if they all are right."""
    signature = inspect.signature(function)
    try:
        given = signature.bind(*args, **kwargs).arguments
    except TypeError:
        return None  # Python's own message names the arguments
    for name, value in given.items():
        parameter = signature.parameters[name]
        if value is None and parameter.default is None:
            continue
        what = (
            "None"
            if value is None
            else f"{value!r}, a {type(value).__name__}"
            if _short(value)
            else type(value).__name__
        )
        if name == "var" and isinstance(value, int | float):
            continue
        if name in _tensors and not (hasattr(value, "shape") and hasattr(value, "dtype")):
            return f"{function.__name__}: {name} is {what}; it must be a tensor, see gpugrad.asarray"
        if str(parameter.annotation) in _numbers and not isinstance(value, int | float):
            return f"{function.__name__}: {name} is {what}; it must be a number"
    return None


def _short(value: Any) -> bool:
    return isinstance(value, str | int | float) and len(repr(value)) < 30
