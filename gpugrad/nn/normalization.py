"""Normalisation of values within a sample."""
# ruff: noqa: A002 - PyTorch calls the argument of forward `input`

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gpugrad.nn import functional, init
from gpugrad.nn.module import Module
from gpugrad.nn.parameter import Parameter, new_parameter

__all__ = ["LayerNorm"]


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
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape, self.eps, self.elementwise_affine = shape, eps, elementwise_affine
        self.weight: Parameter | None = new_parameter(shape, dtype, device) if elementwise_affine else None
        self.bias: Parameter | None = new_parameter(shape, dtype, device) if elementwise_affine and bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the scale to 1 and the shift to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Any) -> Any:
        """Return the input normalised."""
        return functional.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return shape and options."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
