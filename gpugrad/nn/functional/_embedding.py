"""Rows of a table looked up by their numbers, and products of two inputs."""
# ruff: noqa: A002 - PyTorch calls the first argument `input`

from __future__ import annotations

from typing import Any

from gpugrad import _ops as ops
from gpugrad._graph import no_grad
from gpugrad.backends import as_dtype, default_integer
from gpugrad.errors import DtypeError, OptionError, ShapeError

__all__ = ["bilinear", "embedding"]


def embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    """Return the rows of weight that input names: (...) integers and (rows, features) make (..., features).

    The row `padding_idx`, which may count from the end, gets no gradient. Rows that are named and whose norm is above
    `max_norm` are first scaled down to it, in place. With `scale_grad_by_freq` a row's gradient is divided by how often
    input names it. A number of no row raises IndexError on the CPU, and gives NaN on a GPU, where a look would wait.

    >>> import gpugrad
    >>> embedding(gpugrad.tensor([[1, 0]]), gpugrad.tensor([[1., 2.], [3., 4.]])).shape
    (1, 2, 2)
    """
    if sparse:
        raise OptionError("embedding: sparse gradients are not supported; leave sparse=False")
    if weight.ndim != 2:
        raise ShapeError(f"embedding: expected a weight of shape (rows, features), got {weight.shape}")
    padding_idx = row_for_padding(padding_idx, weight.shape[0])
    if as_dtype(input.dtype).kind not in "iu":
        raise DtypeError(f"embedding: the input is the numbers of rows, integers, not {as_dtype(input.dtype)}")
    numbers = ops.astype(ops.reshape(input, (-1,)), default_integer, copy=False)  # 8 bits do not count 300 rows
    if max_norm is not None:
        _scale_down(weight, numbers, float(max_norm), float(norm_type))
    rows = ops.embedding(weight, numbers, padding_idx=padding_idx, scale_grad_by_freq=scale_grad_by_freq)
    return ops.reshape(rows, (*input.shape, weight.shape[1]))


def row_for_padding(padding_idx: int | None, rows: int) -> int | None:
    """Return the number of the row that gets no gradient, counted from the start."""
    if padding_idx is None or 0 <= padding_idx < rows:
        return padding_idx
    if not -rows <= padding_idx < 0:
        raise OptionError(f"embedding: padding_idx is {padding_idx}, and there are {rows} rows")
    return padding_idx + rows


def _scale_down(weight: Any, numbers: Any, max_norm: float, norm_type: float) -> None:
    """Scale the rows that are named down to a norm, where theirs is larger."""
    with no_grad():
        rows = ops.take(weight, numbers, axis=0)
        norm = ops.vector_norm(rows, axis=1, keepdims=True, ord=norm_type)
        factor = ops.where(norm > max_norm, max_norm / (norm + 1e-7), 1.0)
        weight[numbers] = rows * factor


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """Return x1 W x2 + b: (..., in1) and (..., in2) with a weight (out, in1, in2) make (..., out).

    >>> import gpugrad
    >>> bilinear(gpugrad.ones((5, 2)), gpugrad.ones((5, 3)), gpugrad.ones((4, 2, 3)))[0]
    tensor([6., 6., 6., 6.])
    """
    if weight.ndim != 3:
        raise ShapeError(f"bilinear: expected a weight of shape (out, in1, in2), got {weight.shape}")
    out, first, second = weight.shape
    if input1.shape[:-1] != input2.shape[:-1] or input1.shape[-1:] + input2.shape[-1:] != (first, second):
        raise ShapeError(
            f"bilinear: inputs of shapes {input1.shape} and {input2.shape} do not fit a weight of shape "
            f"{weight.shape}; they are (..., {first}) and (..., {second})"
        )
    if bias is not None and tuple(bias.shape) != (out,):
        raise ShapeError(f"bilinear: expected a bias of shape ({out},), got {bias.shape}")
    z = ops.einsum("...i,oij,...j->...o", input1, weight, input2)
    return z if bias is None else z + bias
