"""The batching rules of products: matrices of all examples are stacks of matrices."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from gpugrad import _ops as ops
from gpugrad._op import Op
from gpugrad.func._levels import Level
from gpugrad.func._operands import Inputs, Rule, aligned, every, is_of, rank

__all__ = ["PRODUCTS"]


def _matmul(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    """Multiply matrices in stacks; vectors by a matrix that all examples share are the rows of one matrix."""
    x1, x2 = inputs["x1"], inputs["x2"]
    n1, n2 = rank(x1), rank(x2)
    if n1 == 0 or n2 == 0:
        return None
    if n1 == 1 and n2 == 2 and not is_of(x2, level):
        return op.apply({"x1": x1.value, "x2": x2}, {})
    if n1 == 2 and n2 == 1 and not is_of(x1, level):
        return op.apply({"x1": x2.value, "x2": ops.matrix_transpose(x1)}, {})
    if n2 == 2 and n1 > 1 and not is_of(x2, level):
        rows = ops.reshape(x1.value, (level.size * math.prod(x1.shape[:-1]), x1.shape[-1]))
        return ops.reshape(op.apply({"x1": rows, "x2": x2}, {}), (level.size, *x1.shape[:-1], x2.shape[1]))
    first = ops.expand_dims(x1, axis=0) if n1 == 1 else x1
    second = ops.expand_dims(x2, axis=-1) if n2 == 1 else x2
    count = max(rank(first), rank(second))
    z = op.apply({"x1": aligned(first, level, count), "x2": aligned(second, level, count)}, {})
    ones = tuple(axis for axis, n in ((-2, n1), (-1, n2)) if n == 1)
    return ops.squeeze(z, axis=ones) if ones else z


def _of_examples(compose: Callable[..., Any]) -> Rule:
    """Return the rule of an op that is written, for one example, in other ops."""

    def rule(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
        z = compose(**inputs, **attributes)
        return None if z is None else every(z, level)

    return rule


def _linear(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    """Take all examples as more rows; where each has a weight of its own, multiply in stacks.

    The weight comes first, so that its gradient comes back in the order of its own axes.
    """
    x, weight, bias = inputs["x"], inputs["weight"], inputs.get("bias")
    if not is_of(weight, level) and not is_of(bias, level):
        return op.apply({**inputs, "x": x.value}, attributes)
    if rank(weight) != 2 or rank(x) == 0 or x.shape[-1] != weight.shape[1] or rank(bias) > 1:
        return None  # one example says what is wrong
    columns = x if rank(x) == 1 else ops.matrix_transpose(x)
    z = ops.matmul(weight, columns)
    z = z if rank(x) == 1 else ops.matrix_transpose(z)
    if bias is not None:
        z = z + bias
    activation = attributes.get("activation")
    if activation is not None:
        z = {"relu": ops.relu, "sigmoid": ops.sigmoid, "tanh": ops.tanh}[activation](z)
    return every(z, level)


def _outer(x1: Any, x2: Any) -> Any:
    return ops.expand_dims(x1, axis=1) * ops.expand_dims(x2, axis=0) if rank(x1) == rank(x2) == 1 else None


def _tensordot(x1: Any, x2: Any, *, axes: Any) -> Any:
    """Bring the axes that are summed over together, and multiply matrices."""
    n1, n2 = rank(x1), rank(x2)
    inner1, inner2 = (range(n1 - axes, n1), range(axes)) if isinstance(axes, int) else axes
    inner1, inner2 = [a % n1 for a in inner1], [a % n2 for a in inner2]
    outer1, outer2 = ([i for i in range(n) if i not in inner] for n, inner in ((n1, inner1), (n2, inner2)))
    if [x1.shape[i] for i in inner1] != [x2.shape[i] for i in inner2]:
        return None
    rows, columns = [x1.shape[i] for i in outer1], [x2.shape[i] for i in outer2]
    shared = math.prod(x1.shape[i] for i in inner1)
    first = ops.reshape(ops.permute_dims(x1, (*outer1, *inner1)), (math.prod(rows), shared))
    second = ops.reshape(ops.permute_dims(x2, (*inner2, *outer2)), (shared, math.prod(columns)))
    return ops.reshape(ops.matmul(first, second), (*rows, *columns))


def _solve(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    x1, x2 = inputs["x1"], inputs["x2"]
    if rank(x1) < 2 or rank(x2) == 0:
        return None
    vector = rank(x2) == 1
    second = ops.expand_dims(x2, axis=1) if vector else x2
    count = max(rank(x1), rank(second))
    z = op.apply({"x1": aligned(x1, level, count), "x2": aligned(second, level, count)}, {})
    return ops.squeeze(z, axis=-1) if vector else z


def _cofactors_along(op: Op, level: Level, inputs: Inputs, attributes: Inputs) -> Any:
    count = max(map(rank, inputs.values()))
    return op.apply({name: aligned(x, level, count) for name, x in inputs.items()}, {})


PRODUCTS: dict[str, Rule] = {
    "activated_linear": _linear,
    "cofactors_along": _cofactors_along,
    "linear": _linear,
    "matmul": _matmul,
    "outer": _of_examples(_outer),
    "solve": _solve,
    "tensordot": _of_examples(_tensordot),
}
