"""Activations as modules."""
# ruff: noqa: A002 - PyTorch calls the argument of forward `input`

from __future__ import annotations

from typing import Any

from gpugrad.nn import functional
from gpugrad.nn.module import Module

__all__ = [
    "GELU",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "ReLU",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
]


class Sigmoid(Module):
    """1 / (1 + exp(-x)).

    >>> import gpugrad
    >>> gpugrad.nn.Sigmoid()(gpugrad.tensor([0.]))
    tensor([0.5000])
    """

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.sigmoid(input)


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.tanh(input)


class ReLU(Module):
    """max(x, 0), with derivative 0 at 0."""

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.relu(input)


class LeakyReLU(Module):
    """x where it is positive, and negative_slope * x elsewhere."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.leaky_relu(input, self.negative_slope)

    def extra_repr(self) -> str:
        """Return the slope."""
        return f"negative_slope={self.negative_slope}"


class GELU(Module):
    """x times the normal distribution function of x (Hendrycks and Gimpel, 2016); approximate is "none" or "tanh"."""

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        """Return the approximation."""
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """x * sigmoid(x) (Elfwing et al., 2017)."""

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.silu(input)


class Softplus(Module):
    """log(1 + exp(beta * x)) / beta, for x of any size."""

    def __init__(self, beta: float = 1.0) -> None:
        self.beta = beta

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.softplus(input, self.beta)

    def extra_repr(self) -> str:
        """Return beta."""
        return f"beta={self.beta}"


class LogSigmoid(Module):
    """log(sigmoid(x)), without underflow."""

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.logsigmoid(input)


class Softmax(Module):
    """exp(x) over its sum along the axis `dim`, the last one if none is given."""

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """Return the probabilities along the axis."""
        return functional.softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Return the axis."""
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """The logarithm of softmax along the axis `dim`, the last one if none is given."""

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """Return the log-probabilities along the axis."""
        return functional.log_softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Return the axis."""
        return f"dim={self.dim}"
