"""What all losses share: their reduction, and that input and target fit."""
# ruff: noqa: A002 - PyTorch calls the first argument `input`

from __future__ import annotations

import math
from typing import Any

from gpugrad import _ops as ops
from gpugrad.backends import as_dtype, backend_of
from gpugrad.errors import OptionError, ShapeError

__all__ = ["as_float", "check_reduction", "check_shapes", "known_classes", "reduced"]


def reduced(losses: Any, reduction: str) -> Any:
    """Return the mean of single losses, their sum, or them."""
    if reduction == "mean":
        return ops.mean(losses)
    return ops.sum(losses) if reduction == "sum" else losses


def check_reduction(reduction: str) -> None:
    """Raise OptionError for a reduction that there is not."""
    if reduction not in ("mean", "sum", "none"):
        raise OptionError(f"reduction must be 'mean', 'sum' or 'none', not {reduction!r}")


def check_shapes(name: str, input: Any, target: Any, reduction: str) -> None:
    """Raise unless input and target have one shape, and the reduction is one."""
    check_reduction(reduction)
    if tuple(input.shape) != tuple(target.shape):
        raise ShapeError(f"{name}: input has shape {input.shape} and target {target.shape}; they must be the same")


def as_float(target: Any, input: Any) -> Any:
    """Return the target in the dtype of the input, so that truth values and integers can be subtracted from 1."""
    return target if target.dtype == input.dtype else ops.astype(target, as_dtype(input.dtype))


def known_classes(name: str, wrong: Any, target: Any, scores: Any) -> Any:
    """Return 1 for each sample, and NaN for one with a class that there is not; on the CPU that raises IndexError.

    Elsewhere a look would wait for the device. A wrong label is never another class there, nor a loss of 0. `wrong`
    says which elements of target are no column of scores, (n, classes).
    """
    array, faults = (getattr(x, "_array", x) for x in (target, wrong))
    if backend_of(array).name == "numpy" and faults.any():
        raise IndexError(f"{name}: target {array[faults][0]} is not a class from 0 to {scores.shape[1] - 1}")
    of_sample = ops.any(wrong, axis=1) if wrong.ndim > 1 else wrong
    return ops.where(of_sample, math.nan, ops.astype(of_sample == of_sample, scores.dtype))
