"""The batching rules of reading and writing parts: keys for one example become keys for all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gpugrad import _ops as ops
from gpugrad._op import Op
from gpugrad.backends import backend_of
from gpugrad.func._levels import Level
from gpugrad.func._operands import aligned, every, is_of, rank, separated

__all__ = ["PARTS"]


def _without_mask(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a key of one mask for all axes as one of the integers that it stands for."""
    if len(key) == 1 and hasattr(key[0], "dtype"):
        backend = backend_of(key[0])
        if backend.dtype_of(key[0]).kind == "b":
            with backend.on(backend.device_of(key[0])):
                return tuple(backend.namespace.nonzero(key[0]))
    return key


def _arrays_rank(key: tuple[Any, ...]) -> int:
    return max((len(k.shape) for k in key if hasattr(k, "shape")), default=0)


def _read(op: Op, level: Level, inputs: dict[str, Any], attributes: dict[str, Any]) -> Any:
    """Read all of the first axis; where the axes of arrays come first in the result, put the examples before them."""
    key = _without_mask(attributes["key"])
    z = op.apply({"x": inputs["x"].value}, {"key": (slice(None), *key)})
    return ops.moveaxis(z, _arrays_rank(key), 0) if separated(key) else z


def _put(op: Op, level: Level, inputs: dict[str, Any], attributes: dict[str, Any]) -> Any:
    """Do the opposite of `_read`."""
    key = _without_mask(attributes["key"])
    x = inputs["x"].value
    x = ops.moveaxis(x, 0, _arrays_rank(key)) if separated(key) else x
    return op.apply({"x": x}, {"shape": (level.size, *attributes["shape"]), "key": (slice(None), *key)})


def _assign(op: Op, level: Level, inputs: dict[str, Any], attributes: dict[str, Any]) -> Any:
    """Write into a copy of the base for each example; through views, one example after the other."""
    key = _without_mask(attributes["key"])
    if attributes["path"] or separated(key):
        return None
    x, value = every(inputs["x"], level), inputs["value"]
    if is_of(value, level):
        array = ops.getitem(x.detach() if hasattr(x, "detach") else x, key=(slice(None), *key))
        value = aligned(value, level, len(array.shape) - 1)
    return op.apply({"x": x, "value": value}, {"path": (), "key": (slice(None), *key)})


def _view_of(op: Op, level: Level, inputs: dict[str, Any], attributes: dict[str, Any]) -> Any:
    """Take the steps of the path one by one."""
    x = inputs["x"]
    for step, values, _ in attributes["path"]:
        x = step.apply({"x": x}, values)
    return ops.clone(x.value)


def _take(op: Op, level: Level, inputs: dict[str, Any], attributes: dict[str, Any]) -> Any:
    x, axis = inputs["x"], attributes["axis"]
    if is_of(inputs["indices"], level) or x.ndim == 0 or (axis is None and x.ndim != 1):
        return None
    return op.apply({**inputs, "x": x.value}, {"axis": (axis or 0) % x.ndim + 1})


def _take_along_axis(op: Op, level: Level, inputs: dict[str, Any], attributes: dict[str, Any]) -> Any:
    """Take along an axis of all examples; what they share is one of size 1, which goes with any other."""
    count, axis = rank(inputs["x"]), attributes["axis"]
    if count == 0 or rank(inputs["indices"]) != count or not -count <= axis < count:
        return None
    parts = {name: x.value if is_of(x, level) else ops.expand_dims(x, axis=0) for name, x in inputs.items()}
    return op.apply(parts, {"axis": axis % count + 1})


def _searchsorted(op: Op, level: Level, inputs: dict[str, Any], attributes: dict[str, Any]) -> Any:
    """Look through what all examples share, for the values of all of them."""
    if is_of(inputs["x1"], level) or is_of(inputs.get("sorter"), level):
        return None
    return op.apply({**inputs, "x2": inputs["x2"].value}, attributes)


def _isin(op: Op, level: Level, inputs: dict[str, Any], attributes: dict[str, Any]) -> Any:
    return None if is_of(inputs["x2"], level) else op.apply({**inputs, "x1": inputs["x1"].value}, attributes)


PARTS: dict[str, Callable[[Op, Level, dict[str, Any], dict[str, Any]], Any]] = {
    "assign": _assign,
    "getitem": _read,
    "isin": _isin,
    "overwrite": _put,
    "read_once": _read,
    "read_winners": _read,
    "scatter": _put,
    "searchsorted": _searchsorted,
    "take": _take,
    "take_along_axis": _take_along_axis,
    "view_of": _view_of,
}
