"""What an op is: a function on arrays with its derivative rules, and how a call of it is recorded."""

from __future__ import annotations

from gpugrad._op.core import (
    TENSORS,
    Op,
    interpreter_of,
    interpreters,
    new_tensor,
    register_tensor,
    table,
    tensor_class,
)
from gpugrad._op.elementwise import binary, predicate, unary
from gpugrad._op.general import GeneralOp, op
from gpugrad._op.operands import SCALARS, as_operand, on_one_device
from gpugrad._op.views import node_of

__all__ = [
    "SCALARS",
    "TENSORS",
    "GeneralOp",
    "Op",
    "as_operand",
    "binary",
    "interpreter_of",
    "interpreters",
    "new_tensor",
    "node_of",
    "on_one_device",
    "op",
    "predicate",
    "register_tensor",
    "table",
    "tensor_class",
    "unary",
]
