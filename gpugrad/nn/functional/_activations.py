"""Activations as functions, with PyTorch's arguments; ``inplace=True`` writes the result into the input.

Such a write is recorded like any other, and harmless to the graph. It saves no memory where a graph needs the input.
"""
# ruff: noqa: A002 - PyTorch calls the first argument `input`

from __future__ import annotations

from typing import Any

from gpugrad import _ops as ops
from gpugrad._op import TENSORS
from gpugrad._tensor.writing import overwrite
from gpugrad.backends import Generator
from gpugrad.errors import AxisError, OptionError, ShapeError
from gpugrad.nn.functional._dropout import uniform_like

__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "log_softmax",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "rrelu",
    "selu",
    "silu",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "threshold",
]


def into(input: Any, z: Any, inplace: bool) -> Any:
    """Return a result, or, if `inplace`, the input with the result written into it."""
    if not inplace:
        return z
    if type(input) not in TENSORS:
        raise TypeError(f"inplace=True needs a tensor to write into, not {type(input).__name__}")
    return overwrite(input, z)


def relu(input: Any, inplace: bool = False) -> Any:
    """Return max(input, 0); its derivative at 0 is 0.

    >>> import gpugrad
    >>> relu(gpugrad.tensor([-1., 2.]))
    tensor([0., 2.])
    """
    return into(input, ops.relu(input), inplace)


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """Return input where it is positive and negative_slope * input elsewhere.

    >>> import gpugrad
    >>> leaky_relu(gpugrad.tensor([-1., 2.]), 0.5)
    tensor([-0.5000,  2.0000])
    """
    return into(input, ops.leaky_relu(input, slope=negative_slope), inplace)


def relu6(input: Any, inplace: bool = False) -> Any:
    """Return input clipped to the range from 0 to 6; the derivative at both ends is 0.

    >>> import gpugrad
    >>> relu6(gpugrad.tensor([-1., 3., 7.]))
    tensor([0., 3., 6.])
    """
    return into(input, ops.clip(input, 0.0, 6.0), inplace)


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    """Return input clipped to the range from min_val to max_val; the derivative at both ends is 0.

    >>> import gpugrad
    >>> hardtanh(gpugrad.tensor([-2., 0.5]))
    tensor([-1.0000,  0.5000])
    """
    if not min_val <= max_val:
        raise OptionError(f"hardtanh: min_val is {min_val!r} and max_val {max_val!r}; min_val must not be the larger")
    return into(input, ops.clip(input, float(min_val), float(max_val)), inplace)


def hardsigmoid(input: Any, inplace: bool = False) -> Any:
    """Return clip(input / 6 + 1 / 2, 0, 1).

    >>> import gpugrad
    >>> hardsigmoid(gpugrad.tensor([-4., 0.]))
    tensor([0.0000, 0.5000])
    """
    return into(input, ops.hardsigmoid(input), inplace)


def hardswish(input: Any, inplace: bool = False) -> Any:
    """Return input * clip(input / 6 + 1 / 2, 0, 1) (Howard et al., 2019).

    >>> import gpugrad
    >>> hardswish(gpugrad.tensor([-4., 1.]))
    tensor([0.0000, 0.6667])
    """
    return into(input, ops.hardswish(input), inplace)


def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Any:
    """Return input where it is above `threshold`, and `value` elsewhere.

    >>> import gpugrad
    >>> threshold(gpugrad.tensor([-1., 2.]), 0.5, 9.0)
    tensor([9., 2.])
    """
    return into(input, ops.threshold(input, threshold=float(threshold), value=float(value)), inplace)


def hardshrink(input: Any, lambd: float = 0.5) -> Any:
    """Return input where its size is above `lambd`, and 0 elsewhere.

    >>> import gpugrad
    >>> hardshrink(gpugrad.tensor([0.4, 2.]))
    tensor([0., 2.])
    """
    return ops.hardshrink(input, lambd=float(lambd))


def softshrink(input: Any, lambd: float = 0.5) -> Any:
    """Return input moved by `lambd` towards 0, where it stays.

    >>> import gpugrad
    >>> softshrink(gpugrad.tensor([0.4, 2.]))
    tensor([0.0000, 1.5000])
    """
    if not lambd >= 0:
        raise OptionError(f"softshrink: lambd must be at least 0, not {lambd!r}")
    return ops.softshrink(input, lambd=float(lambd))


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """Return input where it is positive and alpha * (exp(input) - 1) elsewhere (Clevert et al., 2016).

    >>> import gpugrad
    >>> elu(gpugrad.tensor([-1., 1.]))
    tensor([-0.6321,  1.0000])
    """
    return into(input, ops.elu(input, alpha=float(alpha)), inplace)


_selu_alpha, _selu_scale = 1.6732632423543772, 1.0507009873554805


def selu(input: Any, inplace: bool = False) -> Any:
    """Return 1.0507 * elu(input, 1.6733), which keeps mean 0 and variance 1 (Klambauer et al., 2017).

    >>> import gpugrad
    >>> selu(gpugrad.tensor([-1., 1.]))
    tensor([-1.1113,  1.0507])
    """
    return into(input, ops.elu(input, alpha=_selu_alpha) * _selu_scale, inplace)


def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """Return input where it is positive and alpha * (exp(input / alpha) - 1) elsewhere (Barron, 2017).

    >>> import gpugrad
    >>> celu(gpugrad.tensor([-1., 1.]), alpha=2.0)
    tensor([-0.7869,  1.0000])
    """
    if not alpha > 0:
        raise OptionError(f"celu: alpha must be above 0, not {alpha!r}")
    return into(input, ops.celu(input, alpha=float(alpha)), inplace)


def prelu(input: Any, weight: Any) -> Any:
    """Return input where it is positive and weight * input elsewhere (He et al., 2015).

    weight: one slope, or one for each channel, the axis 1 of input.

    >>> import gpugrad
    >>> prelu(gpugrad.tensor([[-1., -1.]]), gpugrad.tensor([0.5, 0.25]))
    tensor([[-0.5000, -0.2500]])
    """
    if weight.ndim > 1:
        raise ShapeError(f"prelu: weight has shape {weight.shape}; it is one slope or one for each channel")
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.size != 1 and weight.size != channels:
        raise ShapeError(
            f"prelu: {weight.size} slopes for an input of shape {input.shape}, which has {channels} channels"
        )
    if weight.size == 1:
        return ops.prelu(input, ops.reshape(weight, ()))
    return ops.prelu(input, ops.reshape(weight, (channels, *(1,) * (input.ndim - 2))))


def rrelu(
    input: Any,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
    *,
    generator: Generator | None = None,
) -> Any:
    """Return input where it is positive, and elsewhere input times a slope drawn evenly from lower to upper.

    Each element has a slope of its own, the same on every backend; not in training it is (lower + upper) / 2 (Xu et
    al., 2015).

    >>> import gpugrad
    >>> rrelu(gpugrad.tensor([-1., 1.]), lower=0.25, upper=0.75)
    tensor([-0.5000,  1.0000])
    """
    if not lower <= upper:
        raise OptionError(f"rrelu: lower is {lower!r} and upper {upper!r}; lower must not be the larger")
    if not training:
        return into(input, ops.leaky_relu(input, slope=(lower + upper) / 2), inplace)
    return into(input, ops.prelu(input, uniform_like(input, lower, upper, generator)), inplace)


def glu(input: Any, dim: int = -1) -> Any:
    """Return the first half of input along an axis times the sigmoid of the second half (Dauphin et al., 2017).

    >>> import gpugrad
    >>> glu(gpugrad.tensor([2., 0.]))
    tensor([1.])
    """
    if not -input.ndim <= dim < input.ndim:
        raise AxisError(f"glu: axis {dim} is out of range for an input of shape {input.shape}; it needs one to halve")
    size = input.shape[dim]
    if size % 2:
        raise ShapeError(f"glu: axis {dim} of an input of shape {input.shape} is odd; it is halved")
    axis = dim % input.ndim
    head = (slice(None),) * axis
    return input[(*head, slice(0, size // 2))] * ops.sigmoid(input[(*head, slice(size // 2, size))])


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
    return ops.gelu_tanh(input)


def silu(input: Any, inplace: bool = False) -> Any:
    """Return input * sigmoid(input) (Elfwing et al., 2017).

    >>> import gpugrad
    >>> silu(gpugrad.tensor([-1., 1.]))
    tensor([-0.2689,  0.7311])
    """
    return into(input, ops.silu(input), inplace)


def mish(input: Any, inplace: bool = False) -> Any:
    """Return input * tanh(log(1 + exp(input))) (Misra, 2019).

    >>> import gpugrad
    >>> mish(gpugrad.tensor([-1., 1.]))
    tensor([-0.3034,  0.8651])
    """
    return into(input, ops.mish(input), inplace)


def softplus(input: Any, beta: float = 1.0) -> Any:
    """Return log(1 + exp(beta * input)) / beta, without overflow and without PyTorch's threshold.

    >>> import gpugrad
    >>> softplus(gpugrad.tensor([-1e4, 0., 1e4])).tolist()
    [0.0, 0.6931471824645996, 10000.0]
    """
    return ops.softplus(input) if beta == 1 else ops.softplus(input * beta) * (1 / beta)


def softmax(input: Any, dim: int = -1) -> Any:
    """Return exp(input) over its sum along an axis.

    >>> import gpugrad
    >>> softmax(gpugrad.tensor([1e4, 1e4]))
    tensor([0.5000, 0.5000])
    """
    return ops.softmax(input, axis=dim)


def softmin(input: Any, dim: int = -1) -> Any:
    """Return exp(-input) over its sum along an axis.

    >>> import gpugrad
    >>> softmin(gpugrad.tensor([0., 1e4]))
    tensor([1., 0.])
    """
    return ops.softmax(-input, axis=dim)


def log_softmax(input: Any, dim: int = -1) -> Any:
    """Return the logarithm of softmax, computed without it.

    >>> import gpugrad
    >>> log_softmax(gpugrad.tensor([0., 1e4])).tolist()
    [-10000.0, 0.0]
    """
    return ops.log_softmax(input, axis=dim)
