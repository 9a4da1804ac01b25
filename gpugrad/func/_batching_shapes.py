"""The batching rules of functions that move elements and compute nothing."""

from __future__ import annotations

import math
from typing import Any

from gpugrad import _ops as ops
from gpugrad._op import Op
from gpugrad._ops.manipulation import full_shape, sizes_of
from gpugrad.func._levels import Level
from gpugrad.func._operands import Inputs, Rule, aligned, behind, every, is_of, rank

__all__ = ["SHAPES"]


def _reshape(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    x = inputs["x"]
    shape = (level.size, *full_shape(attributes["shape"], x.size))
    return op.apply({"x": x.value}, {**attributes, "shape": shape})


def _permute_dims(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    x = inputs["x"]
    return op.apply({"x": x.value}, {"axes": (0, *behind(tuple(attributes["axes"]), x.ndim))})


def _moveaxis(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    x = inputs["x"]
    return op.apply({"x": x.value}, {name: behind(places, x.ndim) for name, places in attributes.items()})


def _broadcast_to(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    shape = tuple(attributes["shape"])
    return op.apply({"x": aligned(inputs["x"], level, len(shape))}, {"shape": (level.size, *shape)})


def _squeeze(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    x = inputs["x"]
    return op.apply({"x": x.value}, {"axis": behind(attributes["axis"], x.ndim)})


def _expand_dims(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    x, axis = inputs["x"], attributes["axis"]
    return op.apply({"x": x.value}, {"axis": behind(axis, x.ndim + (len(axis) if isinstance(axis, tuple) else 1))})


def _flip(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    x = inputs["x"]
    return ops.clone(x.value) if x.ndim == 0 else op.apply({"x": x.value}, {"axis": behind(attributes["axis"], x.ndim)})


def _roll(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    x, axis = inputs["x"], attributes["axis"]
    if axis is not None:
        return op.apply({"x": x.value}, {**attributes, "axis": behind(axis, x.ndim)})
    flat = ops.reshape(x.value, (level.size, x.size))
    return ops.reshape(op.apply({"x": flat}, {**attributes, "axis": 1}), x.value.shape)


def _tile(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    x, tiles = inputs["x"], sizes_of(attributes["repetitions"])
    count = max(x.ndim, len(tiles))
    return op.apply({"x": aligned(x, level, count)}, {"repetitions": (1,) * (1 + count - len(tiles)) + tiles})


def _repeat(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    x, axis = inputs["x"], attributes["axis"]
    if is_of(inputs["repeats"], level):
        return None
    if axis is None:
        return op.apply({**inputs, "x": ops.reshape(x.value, (level.size, x.size))}, {"axis": 1})
    return op.apply({**inputs, "x": x.value}, {"axis": behind(axis, x.ndim)})


def _concat(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    arrays, axis = inputs["arrays"], attributes["axis"]
    parts = [every(x, level) for x in arrays]
    if axis is None:
        return op.apply({"arrays": [ops.reshape(x, (level.size, math.prod(x.shape[1:]))) for x in parts]}, {"axis": 1})
    return op.apply({"arrays": parts}, {"axis": behind(axis, rank(arrays[0]))})


def _stack(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    arrays = inputs["arrays"]
    parts = [every(x, level) for x in arrays]
    return op.apply({"arrays": parts}, {"axis": behind(attributes["axis"], rank(arrays[0]) + 1)})


SHAPES: dict[str, Rule] = {
    "broadcast_to": _broadcast_to,
    "concat": _concat,
    "expand_dims": _expand_dims,
    "flip": _flip,
    "moveaxis": _moveaxis,
    "permute_dims": _permute_dims,
    "repeat": _repeat,
    "reshape": _reshape,
    "roll": _roll,
    "squeeze": _squeeze,
    "stack": _stack,
    "tile": _tile,
}
