"""Initial values, drawn on the host from gpugrad's seeded generator, so that every backend gets the same numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gpugrad._graph import no_grad
from gpugrad._tensor import Tensor
from gpugrad._tensor.making import from_host
from gpugrad.backends import Generator, default_generator
from gpugrad.errors import OptionError, ShapeError

__all__ = [
    "calculate_gain",
    "constant_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return by how much weights before this nonlinearity are scaled so that the variance of values is kept.

    `param` is the slope of leaky_relu, 0.01 if None.

    >>> calculate_gain("leaky_relu", 0.0) == calculate_gain("relu")
    True
    """
    slope = 0.01 if param is None else param
    gains = {
        "linear": 1.0,
        "sigmoid": 1.0,
        "tanh": 5.0 / 3,
        "relu": math.sqrt(2.0),
        "leaky_relu": math.sqrt(2.0 / (1 + slope**2)),
        "selu": 0.75,
    }
    if nonlinearity not in gains:
        raise OptionError(f"nonlinearity must be one of {', '.join(gains)}, not {nonlinearity!r}")
    return gains[nonlinearity]


def _fans(tensor: Tensor) -> tuple[int, int]:
    """Return how many inputs and outputs a weight (out, in, ...) connects."""
    if tensor.ndim < 2:
        raise ShapeError(f"fan in and fan out need a weight (out, in, ...) of two axes or more, not {tensor.shape}")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _fill(tensor: Tensor, host: np.ndarray[Any, Any]) -> Tensor:
    with no_grad():
        return tensor.copy_(from_host(host, tensor.device))


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill a tensor with numbers drawn evenly from [a, b); return it.

    >>> import gpugrad
    >>> bool((uniform_(gpugrad.empty(100), 2.0, 3.0) >= 2).all())
    True
    """
    host = (generator or default_generator).uniform(tensor.shape, tensor.dtype)
    return _fill(tensor, host * (b - a) + a)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill a tensor with normal numbers of this mean and standard deviation; return it.

    >>> import gpugrad
    >>> normal_(gpugrad.empty(2), mean=7.0, std=0.0)
    tensor([7., 7.])
    """
    host = (generator or default_generator).normal(tensor.shape, tensor.dtype)
    return _fill(tensor, host * std + mean)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill a tensor with one value; return it.

    >>> import gpugrad
    >>> constant_(gpugrad.empty(2), 3.0)
    tensor([3., 3.])
    """
    with no_grad():
        return tensor.fill_(val)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill a tensor with zeros; return it."""
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """Fill a tensor with ones; return it."""
    return constant_(tensor, 1.0)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill a weight evenly from +-gain * sqrt(6 / (fan_in + fan_out)); return it (Glorot and Bengio, 2010).

    >>> import gpugrad
    >>> bool((abs(xavier_uniform_(gpugrad.empty((3, 3)))) <= 1).all())
    True
    """
    bound = gain * math.sqrt(6.0 / sum(_fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill a weight with normal numbers of std gain * sqrt(2 / (fan_in + fan_out)); return it.

    Glorot and Bengio (2010).

    >>> import gpugrad
    >>> xavier_normal_(gpugrad.empty((2, 2)), gain=0.0).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    True
    """
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(_fans(tensor))), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise OptionError(f"mode must be 'fan_in' or 'fan_out', not {mode!r}")
    fan = _fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan) if fan else 0.0


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill a weight evenly from +-gain * sqrt(3 / fan); return it (He et al., 2015). `a` is leaky_relu's slope.

    >>> import gpugrad
    >>> bool((abs(kaiming_uniform_(gpugrad.empty((3, 6)))) <= 1).all())
    True
    """
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill a weight with normal numbers of std gain / sqrt(fan); return it (He et al., 2015).

    >>> import gpugrad
    >>> kaiming_normal_(gpugrad.empty((3, 6))).shape
    (3, 6)
    """
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)
