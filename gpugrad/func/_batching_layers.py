"""The batching rules of layers, of cross-entropy, and of noise."""

from __future__ import annotations

from typing import Any

from gpugrad import _ops as ops
from gpugrad._creation import ones_like
from gpugrad._op import Op
from gpugrad.func._levels import Level
from gpugrad.func._operands import Inputs, Rule, every, is_of, rank

__all__ = ["LAYERS"]


def _norm(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    """Standardise along the last axes, and then scale and shift, each example perhaps by a weight of its own."""
    x = inputs["x"]
    last = {**attributes, "axes": tuple(a - rank(x) if a >= 0 else a for a in attributes["axes"])}
    others = {name: value for name, value in inputs.items() if name != "x"}
    if not any(is_of(value, level) for value in others.values()):
        return op.apply({**inputs, "x": x.value}, last)
    z = op.apply({"x": x}, last)
    z = z * others["weight"] if "weight" in others else z
    return every(z + others["bias"] if "bias" in others else z, level)


def _embedding(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    """Look up all examples' rows in a table that they share."""
    weight, indices = inputs["weight"], inputs["indices"]
    if is_of(weight, level) or rank(indices) != 1 or attributes["scale_grad_by_freq"]:
        return None
    flat = ops.reshape(indices.value, (level.size * indices.size,))
    return ops.reshape(
        op.apply({"weight": weight, "indices": flat}, attributes), (level.size, indices.size, weight.shape[1])
    )


def _cross_entropy(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    """Take the rows of all examples as rows of one, and reduce those of each example."""
    x, target, reduction = inputs["x"], inputs["target"], attributes["reduction"]
    weighted = "weight" in inputs and (reduction == "mean" or is_of(inputs["weight"], level))
    if weighted or rank(x) != 2 or target.shape not in ((x.shape[0],), x.shape):
        return None
    n = level.size * x.shape[0]
    rows = {**inputs, "x": ops.reshape(every(x, level), (n, x.shape[1]))}
    rows["target"] = ops.reshape(every(target, level), (n, *target.shape[1:]))
    losses = ops.reshape(op.apply(rows, {**attributes, "reduction": "none"}), (level.size, x.shape[0]))
    if reduction == "none":
        return losses
    total = ops.sum(losses, axis=1)
    if reduction == "sum":
        return total
    if rank(target) == 2:
        return total / max(1, x.shape[0])
    counted = ops.count_nonzero(every(target, level) != attributes["ignore_index"], axis=1)
    return total / ops.astype(ops.maximum(counted, 1), x.dtype)


def _dropout(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    """Drop the same elements of each example, or other ones, as the level says."""
    x = inputs["x"]
    if level.randomness == "different":
        return op.apply({"x": x.value}, attributes)
    return x.value * op.apply({"x": ones_like(x.value[0])}, attributes)


def _uniform_like(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    """Draw the same for each example, or other numbers, as the level says."""
    x = inputs["x"]
    if level.randomness == "different":
        return op.apply({"x": x.value}, attributes)
    return ops.broadcast_to(op.apply({"x": x.value[0]}, attributes), x.value.shape)


LAYERS: dict[str, Rule] = {
    "cross_entropy": _cross_entropy,
    "dropout": _dropout,
    "embedding": _embedding,
    "layer_norm": _norm,
    "rms_norm": _norm,
    "uniform_like": _uniform_like,
}
