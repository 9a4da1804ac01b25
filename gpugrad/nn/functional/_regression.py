"""Losses of numbers against numbers."""
# ruff: noqa: A002 - PyTorch calls the first argument `input`

from __future__ import annotations

from typing import Any

from gpugrad import _ops as ops
from gpugrad.nn.functional._reduction import check_shapes, reduced

__all__ = ["half_squared_error", "l1_loss", "mse_loss"]


def mse_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """Return the mean of (input - target)**2.

    Different shapes raise ShapeError. PyTorch warns and broadcasts: (n, 1) against (n,) then compares every
    prediction with every target, and a network learns nothing but the mean.

    >>> import gpugrad
    >>> mse_loss(gpugrad.tensor([1., 2.]), gpugrad.tensor([0., 4.]))
    tensor(2.5000)
    """
    check_shapes("mse_loss", input, target, reduction)
    return reduced(ops.square(ops.subtract(input, target)), reduction)


def half_squared_error(input: Any, target: Any, reduction: str = "sum") -> Any:
    """Return the sum of (input - target)**2 / 2, the loss of textbooks: its gradient is input - target.

    >>> import gpugrad
    >>> half_squared_error(gpugrad.tensor([1., 2.]), gpugrad.tensor([0., 4.]))
    tensor(2.5000)
    """
    check_shapes("half_squared_error", input, target, reduction)
    return reduced(ops.square(ops.subtract(input, target)) * 0.5, reduction)


def l1_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """Return the mean of abs(input - target); its derivative where they are equal is 0.

    >>> import gpugrad
    >>> l1_loss(gpugrad.tensor([1., 2.]), gpugrad.tensor([0., 4.]))
    tensor(1.5000)
    """
    check_shapes("l1_loss", input, target, reduction)
    return reduced(ops.abs(ops.subtract(input, target)), reduction)
