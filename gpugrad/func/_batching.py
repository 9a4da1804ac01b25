"""The table of batching rules: how one call of an op does the work of one for each example.

A rule takes the op, the level of the vmap, and the inputs and attributes of the call by name; it returns the results
for all examples on the first axis, or None where there is no better way than one example after the other.
"""

from __future__ import annotations

import math
from typing import Any

from gpugrad import _ops as ops
from gpugrad._op import Op
from gpugrad.func._batching_layers import LAYERS
from gpugrad.func._batching_parts import PARTS
from gpugrad.func._batching_products import PRODUCTS
from gpugrad.func._batching_shapes import SHAPES
from gpugrad.func._levels import Level
from gpugrad.func._operands import Inputs, Rule, aligned, behind, is_of, rank

__all__ = ["rule_for"]


def _elementwise(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    """Bring the axes of all operands side by side, counted from the last."""
    count = max(rank(x) for x in inputs.values())
    return op.apply({name: aligned(x, level, count) for name, x in inputs.items()}, attributes)


def _stacks(least: int) -> Rule:
    """Return the rule of a function of vectors (1) or matrices (2) on the last axes, and stacks of them."""

    def rule(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
        (x, *others) = inputs.values()
        if rank(x) < least or any(is_of(other, level) for other in others):
            return None
        return op.apply({**inputs, op.inputs[0]: x.value}, attributes)

    return rule


def _reduction(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    """Reduce the axes of each example; those without axes have one of size 1."""
    x = inputs["x"]
    if x.ndim == 0:
        if attributes["axis"] not in (None, ()):
            return None
        return op.apply({"x": ops.reshape(x.value, (level.size, 1))}, {**attributes, "axis": 1, "keepdims": False})
    return op.apply({"x": x.value}, {**attributes, "axis": behind(attributes["axis"], x.ndim)})


def _position(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    """Look along an axis, or through each example as if it were flat."""
    x, axis, keepdims = inputs["x"], attributes["axis"], attributes["keepdims"]
    if axis is not None:
        return op.apply({"x": x.value}, {**attributes, "axis": behind(axis, x.ndim)})
    flat = ops.reshape(x.value, (level.size, math.prod(x.shape)))
    z = op.apply({"x": flat}, {**attributes, "axis": 1, "keepdims": False})
    return ops.reshape(z, (level.size, *(1,) * x.ndim)) if keepdims else z


def _along(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    """Work along one axis, which a vector need not name."""
    x, axis = inputs["x"], attributes["axis"]
    if x.ndim == 0 or (axis is None and x.ndim != 1):
        return None
    return op.apply({"x": x.value}, {**attributes, "axis": behind(0 if axis is None else axis, x.ndim)})


def _along_some(name: str) -> Rule:
    """Return the rule of a function along the axes that the attribute `name` says, all of them if it says None."""

    def rule(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
        x, axes = inputs["x"], attributes[name]
        if x.ndim == 0:
            return None
        if axes is None and attributes.get("s") is not None:
            axes = tuple(range(x.ndim - len(attributes["s"]), x.ndim))
        return op.apply({"x": x.value}, {**attributes, name: behind(axes, x.ndim)})

    return rule


def _weighted_logsumexp(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    count = max(map(rank, inputs.values()))
    if count == 0:
        return None
    values = {name: aligned(x, level, count) for name, x in inputs.items()}
    return op.apply(values, {**attributes, "axis": behind(attributes["axis"], count)})


def _counted_from_the_end(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    """Work along an axis counted from the end, which each operand has."""
    least = min(map(rank, inputs.values()))
    return _elementwise(op, level, inputs, attributes) if -least <= attributes["axis"] < 0 else None


_RULES: dict[str, Rule] = {
    **dict.fromkeys("once to_device".split(), _elementwise),
    **dict.fromkeys(
        "all any count_nonzero logsumexp max mean min prod std sum var vector_norm".split(), _reduction
    ),
    **dict.fromkeys(
        "cholesky cofactors det diagonal eig eigh eigvals eigvalsh half_lower inv matrix_norm matrix_power matrix_rank "
        "matrix_transpose pinv qr slogdet svd svdvals trace tril triu".split(),
        _stacks(2),
    ),
    **dict.fromkeys(
        "argsort cumulative_prod cumulative_sum fft hfft ifft ihfft irfft log_softmax rfft softmax unstack".split(),
        _along,
    ),
    **dict.fromkeys("fftn fftshift ifftn ifftshift irfftn rfftn".split(), _along_some("axes")),
    **dict.fromkeys("argmax argmin".split(), _position),
    **dict.fromkeys("cross vecdot".split(), _counted_from_the_end),
    "embed_diagonal": _stacks(1),
    "weighted_logsumexp": _weighted_logsumexp,
    **LAYERS,
    **PARTS,
    **PRODUCTS,
    **SHAPES,
}  # fmt: skip


def rule_for(op: Op) -> Rule | None:
    """Return the batching rule of an op, None where there is none."""
    return _RULES.get(op.name, _elementwise if op.elementwise else None)
