"""Losses of numbers against numbers, and of logits against classes; `reduction` is "mean", "sum" or "none"."""
# ruff: noqa: A002 - PyTorch calls the arguments of forward `input` and `target`

from __future__ import annotations

from typing import Any

from gpugrad._tensor import Tensor
from gpugrad.nn import functional
from gpugrad.nn.module import Module

__all__ = [
    "CrossEntropyLoss",
    "FocalLoss",
    "HalfSquaredErrorLoss",
    "HuberLoss",
    "L1Loss",
    "MSELoss",
    "NLLLoss",
    "SmoothL1Loss",
]


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
    """The sum of (input - target)**2 / 2, whose gradient is input - target.

    >>> import gpugrad
    >>> gpugrad.nn.HalfSquaredErrorLoss()(gpugrad.tensor([1., 2.]), gpugrad.tensor([0., 4.]))
    tensor(2.5000)
    """

    def __init__(self, reduction: str = "sum") -> None:
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss."""
        return functional.half_squared_error(input, target, self.reduction)


class L1Loss(Module):
    """The mean of abs(input - target).

    >>> import gpugrad
    >>> gpugrad.nn.L1Loss()(gpugrad.tensor([1., 2.]), gpugrad.tensor([0., 4.]))
    tensor(1.5000)
    """

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
    """The negative log-probability of the target classes; input holds log-probabilities, as LogSoftmax gives them.

    >>> import gpugrad
    >>> gpugrad.nn.NLLLoss()(gpugrad.log(gpugrad.tensor([[0.75, 0.25]])), gpugrad.tensor([1]))
    tensor(1.3863)
    """

    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        self.register_buffer("weight", weight)
        self.ignore_index, self.reduction = ignore_index, reduction

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss."""
        return functional.nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class SmoothL1Loss(Module):
    """The mean of d**2 / (2 * beta) where d = abs(input - target) is below beta, and of d - beta / 2 beyond.

    >>> import gpugrad
    >>> gpugrad.nn.SmoothL1Loss()(gpugrad.tensor([0.5, 4.]), gpugrad.tensor([0., 2.]))
    tensor(0.8125)
    """

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        self.reduction, self.beta = reduction, beta

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss."""
        return functional.smooth_l1_loss(input, target, self.reduction, self.beta)


class HuberLoss(Module):
    """The mean of d**2 / 2 where d = abs(input - target) is below delta, and of delta * (d - delta / 2) beyond.

    >>> import gpugrad
    >>> gpugrad.nn.HuberLoss(delta=2.0)(gpugrad.tensor([1., 5.]), gpugrad.tensor([0., 0.]))
    tensor(4.2500)
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        self.reduction, self.delta = reduction, delta

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss."""
        return functional.huber_loss(input, target, self.reduction, self.delta)


class FocalLoss(Module):
    """The cross-entropy of softmax(input) with classes, times (1 - probability)**gamma (Lin et al., 2017).

    >>> import gpugrad
    >>> gpugrad.nn.FocalLoss()(gpugrad.tensor([[2., 0.]]), gpugrad.tensor([0]))
    tensor(0.0018)
    """

    weight: Tensor | None

    def __init__(
        self, gamma: float = 2.0, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        self.register_buffer("weight", weight)
        self.gamma, self.ignore_index, self.reduction = gamma, ignore_index, reduction

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss."""
        return functional.focal_loss(input, target, self.gamma, self.weight, self.ignore_index, self.reduction)
