"""Losses of one logit or probability for each label: yes or no; `reduction` is "mean", "sum" or "none"."""
# ruff: noqa: A002 - PyTorch calls the arguments of forward `input` and `target`

from __future__ import annotations

from typing import Any

from gpugrad._tensor import Tensor
from gpugrad.nn import functional
from gpugrad.nn.module import Module

__all__ = ["BCELoss", "BCEWithLogitsLoss", "MultiLabelSoftMarginLoss", "SigmoidFocalLoss", "SoftMarginLoss"]


class BCELoss(Module):
    """The binary cross-entropy of probabilities; from logits, BCEWithLogitsLoss has more to say near 0 and 1.

    >>> import gpugrad
    >>> gpugrad.nn.BCELoss()(gpugrad.tensor([0.5, 0.25]), gpugrad.tensor([1., 0.]))
    tensor(0.4904)
    """

    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean") -> None:
        self.register_buffer("weight", weight)
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss."""
        return functional.binary_cross_entropy(input, target, self.weight, self.reduction)


class BCEWithLogitsLoss(Module):
    """The binary cross-entropy of sigmoid(input) against probabilities, accurate for logits of any size.

    >>> import gpugrad
    >>> gpugrad.nn.BCEWithLogitsLoss()(gpugrad.tensor([0., 1e4]), gpugrad.tensor([1., 1.]))
    tensor(0.3466)
    """

    weight: Tensor | None
    pos_weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean", pos_weight: Tensor | None = None) -> None:
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss."""
        return functional.binary_cross_entropy_with_logits(input, target, self.weight, self.reduction, self.pos_weight)


class SigmoidFocalLoss(Module):
    """The binary cross-entropy of sigmoid(input), times (1 - probability)**gamma, classes weighted by alpha.

    Lin et al. (2017); see `functional.sigmoid_focal_loss`.

    >>> import gpugrad
    >>> gpugrad.nn.SigmoidFocalLoss()(gpugrad.tensor([0.]), gpugrad.tensor([1.]))
    tensor(0.0433)
    """

    def __init__(self, alpha: float = 0.25, gamma: float = 2.0, reduction: str = "mean") -> None:
        self.alpha, self.gamma, self.reduction = alpha, gamma, reduction

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss."""
        return functional.sigmoid_focal_loss(input, target, self.alpha, self.gamma, self.reduction)


class SoftMarginLoss(Module):
    """The mean of log(1 + exp(-target * input)); targets are 1 and -1.

    >>> import gpugrad
    >>> gpugrad.nn.SoftMarginLoss()(gpugrad.tensor([90.]), gpugrad.tensor([-1.]))
    tensor(90.)
    """

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss."""
        return functional.soft_margin_loss(input, target, self.reduction)


class MultiLabelSoftMarginLoss(Module):
    """The binary cross-entropy of sigmoid(input), the mean over the labels of each sample.

    >>> import gpugrad
    >>> gpugrad.nn.MultiLabelSoftMarginLoss()(gpugrad.tensor([[0., 0.]]), gpugrad.tensor([[1., 0.]]))
    tensor(0.6931)
    """

    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean") -> None:
        self.register_buffer("weight", weight)
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss."""
        return functional.multilabel_soft_margin_loss(input, target, self.weight, self.reduction)
