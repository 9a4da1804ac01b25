"""Values brought to a common scale: over the features of a sample, over groups of them, or over a batch."""
# ruff: noqa: A002 - PyTorch calls the first argument `input`

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gpugrad import _ops as ops
from gpugrad._graph import no_grad
from gpugrad.backends import as_dtype
from gpugrad.errors import OptionError, ShapeError

__all__ = ["batch_norm", "group_norm", "layer_norm", "rms_norm"]


def _last_axes(name: str, input: Any, normalized_shape: int | Sequence[int], **scales: Any) -> tuple[int, ...]:
    """Return the axes that normalized_shape names, after checking that they, weight and bias fit."""
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not shape or tuple(input.shape[-len(shape) :]) != shape:
        raise ShapeError(f"{name}: expected an input of shape (..., {', '.join(map(str, shape))}), got {input.shape}")
    for what, value in scales.items():
        if value is not None and tuple(value.shape) != shape:
            raise ShapeError(f"{name}: expected a {what} of shape {shape}, got {value.shape}")
    return tuple(range(-len(shape), 0))


def layer_norm(
    input: Any, normalized_shape: int | Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """Return input with mean 0 and variance 1 over its last axes, times weight, plus bias (Ba et al., 2016).

    input: (..., *normalized_shape); weight and bias: normalized_shape.

    >>> import gpugrad
    >>> layer_norm(gpugrad.tensor([[1., 3.]]), 2, eps=0.0)
    tensor([[-1.,  1.]])
    """
    axes = _last_axes("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    return ops.layer_norm(input, weight, bias, axes=axes, eps=eps)


def rms_norm(input: Any, normalized_shape: int | Sequence[int], weight: Any = None, eps: float | None = None) -> Any:
    """Return input over the root of the mean of its squares along its last axes, times weight (Zhang, Sennrich, 2019).

    input: (..., *normalized_shape); weight: normalized_shape. `eps`, which is added to the mean, is the machine epsilon
    of the dtype if None.

    >>> import gpugrad
    >>> rms_norm(gpugrad.tensor([[3., -3.]]), 2)
    tensor([[ 1., -1.]])
    """
    axes = _last_axes("rms_norm", input, normalized_shape, weight=weight)
    least = _machine_epsilon(input) if eps is None else eps
    return ops.rms_norm(input, weight, axes=axes, eps=least)


def _machine_epsilon(input: Any) -> float:
    return float({2: 2.0**-10, 4: 2.0**-23, 8: 2.0**-52}[as_dtype(input.dtype).itemsize])


def _over_channels(name: str, value: Any, what: str, channels: int, ndim: int) -> Any:
    """Return a value for each channel in a shape that broadcasts with (n, channels, ...)."""
    if value is None:
        return None
    if tuple(value.shape) != (channels,):
        raise ShapeError(f"{name}: expected a {what} of shape ({channels},), got {value.shape}")
    return ops.reshape(value, (channels, *(1,) * (ndim - 2)))


def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Return input with mean 0 and variance 1 over each group of channels of each sample (Wu and He, 2018).

    input: (n, channels, ...); the channels are parted into num_groups groups in order; weight and bias: (channels,).

    >>> import gpugrad
    >>> group_norm(gpugrad.tensor([[1., 3., 10., 30.]]), num_groups=2, eps=0.0)
    tensor([[-1.,  1., -1.,  1.]])
    """
    if input.ndim < 2:
        raise ShapeError(f"group_norm: expected an input of shape (n, channels, ...), got {input.shape}")
    n, channels = input.shape[:2]
    if num_groups < 1 or channels % num_groups:
        raise OptionError(f"group_norm: {channels} channels cannot be parted into {num_groups!r} groups")
    weight = _over_channels("group_norm", weight, "weight", channels, input.ndim)
    bias = _over_channels("group_norm", bias, "bias", channels, input.ndim)
    each = math.prod(input.shape[1:]) // num_groups
    z = ops.reshape(ops.layer_norm(ops.reshape(input, (n, num_groups, each)), axes=(-1,), eps=eps), input.shape)
    z = z if weight is None else z * weight
    return z if bias is None else z + bias


def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: Any = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Return input with mean 0 and variance 1 in each channel over the batch, times weight, plus bias.

    input: (n, channels) or (n, channels, length); all else: (channels,). In training (or without running values) mean
    and variance are those of the batch, and the running values go towards them by the fraction `momentum`, the variance
    as that of a sample (over n - 1). Else the running values count (Ioffe and Szegedy, 2015).

    >>> import gpugrad
    >>> batch_norm(gpugrad.tensor([[1.], [3.]]), None, None, training=True, eps=0.0)
    tensor([[-1.],
            [ 1.]])
    """
    if input.ndim < 2:
        raise ShapeError(f"batch_norm: expected an input of shape (n, channels, ...), got {input.shape}")
    channels = input.shape[1]
    axes = (0, *range(2, input.ndim))
    weight = _over_channels("batch_norm", weight, "weight", channels, input.ndim)
    bias = _over_channels("batch_norm", bias, "bias", channels, input.ndim)
    mean = _over_channels("batch_norm", running_mean, "running_mean", channels, input.ndim)
    var = _over_channels("batch_norm", running_var, "running_var", channels, input.ndim)
    if not training and mean is not None:
        scale = 1 / ops.sqrt(var + eps)
        z = (input - mean) * (scale if weight is None else scale * weight)
        return z if bias is None else z + bias
    values = math.prod(input.shape[i] for i in axes)
    if training and values < 2:
        raise ShapeError(
            f"batch_norm: in training more than one value per channel is needed, and an input of shape {input.shape} "
            f"has {values}; take a larger batch (drop_last=True leaves out a last one of a single sample), or eval()"
        )
    if training and running_mean is not None:
        _follow(input, running_mean, running_var, momentum, axes)
    return ops.layer_norm(input, weight, bias, axes=axes, eps=eps)


def _follow(input: Any, running_mean: Any, running_var: Any, momentum: Any, axes: tuple[int, ...]) -> None:
    """Let running values go a part of the way to those of a batch."""
    with no_grad():
        running_mean += (ops.mean(input, axis=axes) - running_mean) * momentum
        running_var += (ops.var(input, axis=axes, correction=1) - running_var) * momentum
