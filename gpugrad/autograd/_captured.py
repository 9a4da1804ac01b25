"""What a function reads besides its arguments: the tensors and random generators that can be found through it.

The search goes from the function to what it closes over, its defaults, the globals it names, the object that it is a
method of, and on through containers and attributes, the nearest first. It ends after so many objects; a tensor further
away, or in a slot, is not found.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from gpugrad._op import TENSORS
from gpugrad.backends import Generator

__all__ = ["captured"]

_most = 2000
_nothing_within = (type, ModuleType, BuiltinFunctionType, str, bytes, int, float, complex, type(None))


def captured(roots: Iterable[Any]) -> list[Any]:
    """Return the tensors and generators that can be found through functions and other objects, each once."""
    found: list[Any] = []
    rest = deque(roots)
    seen: set[int] = set()
    while rest and len(seen) < _most:
        value = rest.popleft()
        if id(value) in seen or isinstance(value, _nothing_within):
            continue
        seen.add(id(value))
        if type(value) in TENSORS or isinstance(value, Generator):
            found.append(value)
        else:
            rest.extend(_within(value))
    return found


def _within(value: Any) -> Iterator[Any]:
    """Yield what an object refers to, as far as it may hold tensors."""
    if isinstance(value, FunctionType):
        yield from _of_function(value)
    elif isinstance(value, MethodType):
        yield from (value.__self__, value.__func__)
    elif isinstance(value, partial):
        yield from (value.func, *value.args, *value.keywords.values())
    elif isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list | tuple | set | frozenset | deque):
        yield from value
    else:
        yield from getattr(value, "__dict__", {}).values()


def _of_function(function: FunctionType) -> Iterator[Any]:
    if (function.__module__ or "").partition(".")[0] == "gpugrad":
        return
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # a name that has no value yet
            continue
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    for name in _names(function.__code__):
        if name in function.__globals__:
            yield function.__globals__[name]


def _names(code: CodeType) -> Iterator[str]:
    """Yield the names that code, and the functions defined in it, look up outside."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
