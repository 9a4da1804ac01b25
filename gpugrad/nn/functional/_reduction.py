"""What all losses share: their reduction, and that input and target fit."""
# ruff: noqa: A002 - PyTorch calls the first argument `input`

from __future__ import annotations

from typing import Any

from gpugrad import _ops as ops
from gpugrad.backends import as_dtype
from gpugrad.errors import OptionError, ShapeError

__all__ = ["as_float", "check_reduction", "check_shapes", "reduced"]


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
