"""Values brought to mean 0 and variance 1."""
# ruff: noqa: A002 - PyTorch calls the first argument `input`

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gpugrad import _ops as ops
from gpugrad.errors import ShapeError

__all__ = ["layer_norm"]


def layer_norm(
    input: Any, normalized_shape: int | Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """Return input with mean 0 and variance 1 over its last axes, times weight, plus bias (Ba et al., 2016).

    input: (..., *normalized_shape); weight and bias: normalized_shape.

    >>> import gpugrad
    >>> layer_norm(gpugrad.tensor([[1., 3.]]), 2, eps=0.0)
    tensor([[-1.,  1.]])
    """
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not shape or tuple(input.shape[-len(shape) :]) != shape:
        raise ShapeError(
            f"layer_norm: expected an input of shape (..., {', '.join(map(str, shape))}), got {input.shape}"
        )
    for name, value in (("weight", weight), ("bias", bias)):
        if value is not None and tuple(value.shape) != shape:
            raise ShapeError(f"layer_norm: expected a {name} of shape {shape}, got {value.shape}")
    return ops.layer_norm(input, weight, bias, axes=tuple(range(-len(shape), 0)), eps=eps)
