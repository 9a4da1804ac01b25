"""Activations as functions, with PyTorch's arguments."""
# ruff: noqa: A002 - PyTorch calls the first argument `input`

from __future__ import annotations

import math
from typing import Any

from gpugrad import _ops as ops
from gpugrad.errors import OptionError

__all__ = ["gelu", "leaky_relu", "log_softmax", "softmax", "softplus"]


def leaky_relu(input: Any, negative_slope: float = 0.01) -> Any:
    """Return input where it is positive and negative_slope * input elsewhere."""
    return ops.leaky_relu(input, slope=negative_slope)


def gelu(input: Any, approximate: str = "none") -> Any:
    """Return input times the normal distribution function of it, exactly or by ``approximate="tanh"``.

    >>> import gpugrad
    >>> gelu(gpugrad.tensor([-1., 1.]), approximate="tanh")
    tensor([-0.1588,  0.8412])
    """
    if approximate == "none":
        return ops.gelu(input)
    if approximate != "tanh":
        raise OptionError(f"approximate must be 'none' or 'tanh', not {approximate!r}")
    # (1 + tanh(u)) / 2 is sigmoid(2 u), which does not cancel where u is negative.
    return input * ops.sigmoid((input + 0.044715 * input * input * input) * (2 * math.sqrt(2 / math.pi)))


def softplus(input: Any, beta: float = 1.0) -> Any:
    """Return log(1 + exp(beta * input)) / beta, without overflow and without PyTorch's threshold."""
    return ops.softplus(input) if beta == 1 else ops.softplus(input * beta) * (1 / beta)


def softmax(input: Any, dim: int = -1) -> Any:
    """Return exp(input) over its sum along an axis."""
    return ops.softmax(input, axis=dim)


def log_softmax(input: Any, dim: int = -1) -> Any:
    """Return the logarithm of softmax, computed without it."""
    return ops.log_softmax(input, axis=dim)
