"""Normalisation: over the features of a sample, over groups of them, or over a batch."""
# ruff: noqa: A002 - PyTorch calls the argument of forward `input`

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gpugrad._creation import ones, zeros
from gpugrad._graph import no_grad
from gpugrad._tensor import Tensor, asarray
from gpugrad.backends import default_integer
from gpugrad.errors import OptionError, ShapeError
from gpugrad.nn import functional, init
from gpugrad.nn.module import Module
from gpugrad.nn.parameter import Parameter, new_parameter, size

__all__ = ["BatchNorm1d", "GroupNorm", "LayerNorm", "RMSNorm"]


def _shape(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    return (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)


def _reset(weight: Parameter | None, bias: Parameter | None = None) -> None:
    if weight is not None:
        init.ones_(weight)
    if bias is not None:
        init.zeros_(bias)


class LayerNorm(Module):
    """Gives the last axes mean 0 and variance 1, then a learned scale and shift (Ba et al., 2016).

    input: (..., *normalized_shape); weight and bias: normalized_shape.

    >>> import gpugrad
    >>> gpugrad.nn.LayerNorm(2, eps=0.0)(gpugrad.tensor([[1., 3.]])).tolist()
    [[-1.0, 1.0]]
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        shape = _shape(normalized_shape)
        self.normalized_shape, self.eps, self.elementwise_affine = shape, eps, elementwise_affine
        self.weight: Parameter | None = new_parameter(shape, dtype, device) if elementwise_affine else None
        self.bias: Parameter | None = new_parameter(shape, dtype, device) if elementwise_affine and bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the scale to 1 and the shift to 0."""
        _reset(self.weight, self.bias)

    def forward(self, input: Any) -> Any:
        """Return the input normalised."""
        return functional.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return shape and options."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class RMSNorm(Module):
    """Divides the last axes by the root of the mean of their squares, then a learned scale (Zhang and Sennrich, 2019).

    input: (..., *normalized_shape); weight: normalized_shape. `eps` is the machine epsilon of the dtype if None.

    >>> import gpugrad
    >>> gpugrad.nn.RMSNorm(2)(gpugrad.tensor([[3., -3.]])).tolist()
    [[1.0, -1.0]]
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        shape = _shape(normalized_shape)
        self.normalized_shape, self.eps, self.elementwise_affine = shape, eps, elementwise_affine
        self.weight: Parameter | None = new_parameter(shape, dtype, device) if elementwise_affine else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the scale to 1."""
        _reset(self.weight)

    def forward(self, input: Any) -> Any:
        """Return the input normalised."""
        return functional.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Return shape and options."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
    """Gives each group of channels of a sample mean 0 and variance 1, then a learned scale and shift of each channel.

    input: (n, num_channels, ...); weight and bias: (num_channels,) (Wu and He, 2018).

    >>> import gpugrad
    >>> gpugrad.nn.GroupNorm(2, 4, eps=0.0)(gpugrad.tensor([[1., 3., 10., 30.]])).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if size("num_groups", num_groups) < 1 or size("num_channels", num_channels) % num_groups:
            raise OptionError(f"GroupNorm: {num_channels} channels cannot be parted into {num_groups!r} groups")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self.weight: Parameter | None = new_parameter((num_channels,), dtype, device) if affine else None
        self.bias: Parameter | None = new_parameter((num_channels,), dtype, device) if affine else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the scale to 1 and the shift to 0."""
        _reset(self.weight, self.bias)

    def forward(self, input: Any) -> Any:
        """Return the input normalised."""
        return functional.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return sizes and options."""
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}"


class BatchNorm1d(Module):
    """Gives each feature mean 0 and variance 1 over the batch, then a learned scale and shift (Ioffe, Szegedy, 2015).

    input: (n, num_features) or (n, num_features, length); all parameters and buffers: (num_features,).

    In training mean and variance are those of the batch, and running ones follow them by the fraction `momentum`, or,
    if it is None, are the plain means over all batches. In evaluation the running ones count. A batch of one value
    per feature cannot be normalised in training, and raises.

    >>> import gpugrad
    >>> layer = gpugrad.nn.BatchNorm1d(1, eps=0.0)
    >>> layer(gpugrad.tensor([[1.], [3.]])).tolist(), layer.running_mean.tolist()
    ([[-1.0], [1.0]], [0.20000000298023224])
    """

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        self.num_features, self.eps, self.momentum = size("num_features", num_features), eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.weight: Parameter | None = new_parameter((num_features,), dtype, device) if affine else None
        self.bias: Parameter | None = new_parameter((num_features,), dtype, device) if affine else None
        tracks = track_running_stats
        self.register_buffer("running_mean", zeros(num_features, dtype=dtype, device=device) if tracks else None)
        self.register_buffer("running_var", ones(num_features, dtype=dtype, device=device) if tracks else None)
        self.register_buffer(
            "num_batches_tracked", asarray(0, dtype=default_integer, device=device) if tracks else None
        )
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget the batches seen so far."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        with no_grad():
            self.running_mean.zero_()
            self.running_var.fill_(1.0)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Forget the batches seen so far; set the scale to 1 and the shift to 0."""
        self.reset_running_stats()
        _reset(self.weight, self.bias)

    def forward(self, input: Any) -> Any:
        """Return the input normalised."""
        shape = getattr(input, "shape", None)
        if shape is None or len(shape) not in (2, 3) or shape[1] != self.num_features:
            wanted = f"(n, {self.num_features}) or (n, {self.num_features}, length)"
            what = type(input).__name__ if shape is None else shape
            raise ShapeError(f"BatchNorm1d: expected an input of shape {wanted}, got {what}")
        momentum: Any = self.momentum
        if self.training and self.num_batches_tracked is not None:
            with no_grad():
                batches = self.num_batches_tracked + 1
                if momentum is None:
                    momentum = 1 / batches.to(dtype=input.dtype)
        z = functional.batch_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, self.training, momentum, self.eps
        )
        if self.training and self.num_batches_tracked is not None:
            with no_grad():
                self.num_batches_tracked.copy_(batches)
        return z

    def extra_repr(self) -> str:
        """Return sizes and options."""
        options = f"affine={self.affine}, track_running_stats={self.track_running_stats}"
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, {options}"
