"""Activations as modules: the smooth ones, and those along an axis. Those made of pieces are in `piecewise`."""
# ruff: noqa: A002 - PyTorch calls the argument of forward `input`

from __future__ import annotations

from typing import Any

from gpugrad.nn import functional
from gpugrad.nn.module import Module

__all__ = [
    "GELU",
    "GLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmin",
    "Softplus",
    "Softsign",
    "Tanh",
    "Tanhshrink",
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
    """The hyperbolic tangent.

    >>> import gpugrad
    >>> gpugrad.nn.Tanh()(gpugrad.tensor([0., 20.]))
    tensor([0., 1.])
    """

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.tanh(input)


class GELU(Module):
    """x times the normal distribution function of x (Hendrycks and Gimpel, 2016); approximate is "none" or "tanh".

    >>> import gpugrad
    >>> gpugrad.nn.GELU()(gpugrad.tensor([-1., 1.]))
    tensor([-0.1587,  0.8413])
    """

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        """Return the approximation."""
        return f"approximate={self.approximate!r}"


class Softplus(Module):
    """log(1 + exp(beta * x)) / beta, for x of any size.

    >>> import gpugrad
    >>> gpugrad.nn.Softplus()(gpugrad.tensor([-1e4, 0., 1e4])).tolist()
    [0.0, 0.6931471824645996, 10000.0]
    """

    def __init__(self, beta: float = 1.0) -> None:
        self.beta = beta

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.softplus(input, self.beta)

    def extra_repr(self) -> str:
        """Return beta."""
        return f"beta={self.beta}"


class LogSigmoid(Module):
    """log(sigmoid(x)), without underflow.

    >>> import gpugrad
    >>> gpugrad.nn.LogSigmoid()(gpugrad.tensor([-1e4, 0.])).tolist()
    [-10000.0, -0.6931471824645996]
    """

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.logsigmoid(input)


class Softmax(Module):
    """exp(x) over its sum along the axis `dim`, the last one if none is given.

    >>> import gpugrad
    >>> gpugrad.nn.Softmax()(gpugrad.tensor([1e4, 1e4]))
    tensor([0.5000, 0.5000])
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """Return the probabilities along the axis."""
        return functional.softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Return the axis."""
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """The logarithm of softmax along the axis `dim`, the last one if none is given.

    >>> import gpugrad
    >>> gpugrad.nn.LogSoftmax()(gpugrad.tensor([0., 0.]))
    tensor([-0.6931, -0.6931])
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """Return the log-probabilities along the axis."""
        return functional.log_softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Return the axis."""
        return f"dim={self.dim}"


class SiLU(Module):
    """x * sigmoid(x) (Elfwing et al., 2017).

    >>> import gpugrad
    >>> gpugrad.nn.SiLU()(gpugrad.tensor([-1., 1.]))
    tensor([-0.2689,  0.7311])
    """

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.silu(input, self.inplace)


class Mish(Module):
    """x * tanh(log(1 + exp(x))) (Misra, 2019).

    >>> import gpugrad
    >>> gpugrad.nn.Mish()(gpugrad.tensor([-1., 1.]))
    tensor([-0.3034,  0.8651])
    """

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.mish(input, self.inplace)


class Softsign(Module):
    """x / (1 + abs(x)).

    >>> import gpugrad
    >>> gpugrad.nn.Softsign()(gpugrad.tensor([-1., 3.]))
    tensor([-0.5000,  0.7500])
    """

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.softsign(input)


class Tanhshrink(Module):
    """x - tanh(x).

    >>> import gpugrad
    >>> gpugrad.nn.Tanhshrink()(gpugrad.tensor([2.]))
    tensor([1.0360])
    """

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.tanhshrink(input)


class Softmin(Module):
    """exp(-x) over its sum along the axis `dim`, the last one if none is given.

    >>> import gpugrad
    >>> gpugrad.nn.Softmin()(gpugrad.tensor([0., 1e4]))
    tensor([1., 0.])
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """Return the probabilities along the axis."""
        return functional.softmin(input, self.dim)

    def extra_repr(self) -> str:
        """Return the axis."""
        return f"dim={self.dim}"


class GLU(Module):
    """The first half along the axis `dim` times the sigmoid of the second half (Dauphin et al., 2017).

    >>> import gpugrad
    >>> gpugrad.nn.GLU()(gpugrad.zeros((5, 4))).shape
    (5, 2)
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """Return half as many values along the axis."""
        return functional.glu(input, self.dim)

    def extra_repr(self) -> str:
        """Return the axis."""
        return f"dim={self.dim}"
