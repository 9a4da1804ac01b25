"""Losses as modules; `reduction` is "mean", "sum" or "none"."""
# ruff: noqa: A002 - PyTorch calls the arguments of forward `input` and `target`

from __future__ import annotations

from typing import Any

from gpugrad._tensor import Tensor
from gpugrad.nn import functional
from gpugrad.nn.module import Module

__all__ = ["BCEWithLogitsLoss", "CrossEntropyLoss", "HalfSquaredErrorLoss", "L1Loss", "MSELoss", "NLLLoss"]


class MSELoss(Module):
    """The mean of (input - target)**2; input and target must have one shape.

    >>> import gpugrad
    >>> gpugrad.nn.MSELoss()(gpugrad.tensor([1., 2.]), gpugrad.tensor([0., 4.]))
    tensor(2.5000)
    """

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss."""
        return functional.mse_loss(input, target, self.reduction)


class HalfSquaredErrorLoss(Module):
    """The sum of (input - target)**2 / 2, whose gradient is input - target."""

    def __init__(self, reduction: str = "sum") -> None:
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss."""
        return functional.half_squared_error(input, target, self.reduction)


class L1Loss(Module):
    """The mean of abs(input - target)."""

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss."""
        return functional.l1_loss(input, target, self.reduction)


class CrossEntropyLoss(Module):
    """The cross-entropy of softmax(input) against classes or probabilities, from the logits.

    input: (classes,), (n, classes) or (n, classes, d1, ...); see `functional.cross_entropy`.

    >>> import gpugrad
    >>> gpugrad.nn.CrossEntropyLoss()(gpugrad.tensor([[0., 0.]]), gpugrad.tensor([1]))
    tensor(0.6931)
    """

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        self.register_buffer("weight", weight)
        self.ignore_index, self.reduction, self.label_smoothing = ignore_index, reduction, label_smoothing

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss."""
        return functional.cross_entropy(
            input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing
        )


class NLLLoss(Module):
    """The negative log-probability of the target classes; input holds log-probabilities, as LogSoftmax gives them."""

    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        self.register_buffer("weight", weight)
        self.ignore_index, self.reduction = ignore_index, reduction

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss."""
        return functional.nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class BCEWithLogitsLoss(Module):
    """The binary cross-entropy of sigmoid(input) against probabilities, accurate for logits of any size."""

    weight: Tensor | None
    pos_weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean", pos_weight: Tensor | None = None) -> None:
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss."""
        return functional.binary_cross_entropy_with_logits(input, target, self.weight, self.reduction, self.pos_weight)
