"""Losses of numbers against numbers."""
# ruff: noqa: A002 - PyTorch calls the first argument `input`

from __future__ import annotations

from typing import Any

from gpugrad import _ops as ops
from gpugrad.errors import OptionError
from gpugrad.nn.functional._reduction import check_shapes, reduced

__all__ = ["half_squared_error", "huber_loss", "l1_loss", "mse_loss", "smooth_l1_loss"]


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


def smooth_l1_loss(input: Any, target: Any, reduction: str = "mean", beta: float = 1.0) -> Any:
    """Return the mean of d**2 / (2 * beta) where d = abs(input - target) is below beta, and of d - beta / 2 beyond.

    With ``beta=0`` it is `l1_loss` (Girshick, 2015).

    >>> import gpugrad
    >>> smooth_l1_loss(gpugrad.tensor([1., 2.]), gpugrad.tensor([0.5, 4.]), reduction="none")
    tensor([0.1250, 1.5000])
    """
    check_shapes("smooth_l1_loss", input, target, reduction)
    if not beta >= 0:
        raise OptionError(f"smooth_l1_loss: beta must be at least 0, not {beta!r}")
    if beta == 0:
        return l1_loss(input, target, reduction)
    return reduced(_huber(input, target, beta) / beta, reduction)


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Any:
    """Return the mean of d**2 / 2 where d = abs(input - target) is below delta, and of delta * (d - delta / 2) beyond.

    Huber (1964).

    >>> import gpugrad
    >>> huber_loss(gpugrad.tensor([1., 2.]), gpugrad.tensor([0.5, 4.]), reduction="none")
    tensor([0.1250, 1.5000])
    """
    check_shapes("huber_loss", input, target, reduction)
    if not delta > 0:
        raise OptionError(f"huber_loss: delta must be above 0, not {delta!r}")
    return reduced(_huber(input, target, delta), reduction)


def _huber(input: Any, target: Any, delta: float) -> Any:
    """Return c * (d - c / 2) with c = d, but at most delta: its slope in d is c."""
    d = ops.abs(ops.subtract(input, target))
    c = ops.minimum(d, delta)
    return c * (d - 0.5 * c)
