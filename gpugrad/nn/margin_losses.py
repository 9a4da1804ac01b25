"""Losses that ask for a margin, between pairs or between classes; `reduction` is "mean", "sum" or "none"."""
# ruff: noqa: A002 - PyTorch calls the arguments of forward `input` and `target`

from __future__ import annotations

from typing import Any

from gpugrad._tensor import Tensor
from gpugrad.nn import functional
from gpugrad.nn.module import Module

__all__ = ["HingeEmbeddingLoss", "MarginRankingLoss", "MultiLabelMarginLoss", "MultiMarginLoss"]


class HingeEmbeddingLoss(Module):
    """The mean of input where target is 1, and of max(0, margin - input) where it is -1.

    >>> import gpugrad
    >>> gpugrad.nn.HingeEmbeddingLoss()(gpugrad.tensor([0.25, 0.25]), gpugrad.tensor([1., -1.]))
    tensor(0.5000)
    """

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        self.margin, self.reduction = margin, reduction

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss."""
        return functional.hinge_embedding_loss(input, target, self.margin, self.reduction)


class MarginRankingLoss(Module):
    """The mean of max(0, margin - target * (input1 - input2)); targets are 1 and -1.

    >>> import gpugrad
    >>> gpugrad.nn.MarginRankingLoss(margin=1.0)(gpugrad.tensor([2.]), gpugrad.tensor([1.5]), gpugrad.tensor([1.]))
    tensor(0.5000)
    """

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        self.margin, self.reduction = margin, reduction

    def forward(self, input1: Any, input2: Any, target: Any) -> Any:
        """Return the loss."""
        return functional.margin_ranking_loss(input1, input2, target, self.margin, self.reduction)


class MultiMarginLoss(Module):
    """The mean over all other classes of max(0, margin - what the true class has more)**p.

    Crammer and Singer (2001); see `functional.multi_margin_loss`.

    >>> import gpugrad
    >>> gpugrad.nn.MultiMarginLoss()(gpugrad.tensor([[0.5, 0., 0.25]]), gpugrad.tensor([0]))
    tensor(0.4167)
    """

    weight: Tensor | None

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Tensor | None = None, reduction: str = "mean") -> None:
        self.register_buffer("weight", weight)
        self.p, self.margin, self.reduction = p, margin, reduction

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss."""
        return functional.multi_margin_loss(input, target, self.p, self.margin, self.weight, self.reduction)


class MultiLabelMarginLoss(Module):
    """The mean over pairs of a true and another class of what the true one lacks of 1 more.

    See `functional.multilabel_margin_loss`.

    >>> import gpugrad
    >>> gpugrad.nn.MultiLabelMarginLoss()(gpugrad.tensor([0.1, 0.2, 0.4, 0.8]), gpugrad.tensor([3, 0, -1, 1]))
    tensor(0.8500)
    """

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss."""
        return functional.multilabel_margin_loss(input, target, self.reduction)
