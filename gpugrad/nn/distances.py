"""Distances and similarities of vectors, and the losses made of them; `reduction` is "mean", "sum" or "none"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gpugrad.nn import functional
from gpugrad.nn.module import Module

__all__ = [
    "CosineEmbeddingLoss",
    "CosineSimilarity",
    "PairwiseDistance",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
]


class CosineSimilarity(Module):
    """The cosine of the angle between two tensors along an axis; norms are taken to be at least eps.

    >>> import gpugrad
    >>> gpugrad.nn.CosineSimilarity()(gpugrad.tensor([[3., 4.]]), gpugrad.tensor([[4., 3.]]))
    tensor([0.9600])
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        self.dim, self.eps = dim, eps

    def forward(self, x1: Any, x2: Any) -> Any:
        """Return the similarities."""
        return functional.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The p-norm of x1 - x2 + eps along the last axis.

    >>> import gpugrad
    >>> gpugrad.nn.PairwiseDistance(eps=0.0)(gpugrad.tensor([[3., 4.]]), gpugrad.zeros((1, 2)))
    tensor([5.])
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        self.p, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Any, x2: Any) -> Any:
        """Return the distances."""
        return functional.pairwise_distance(x1, x2, self.p, self.eps, self.keepdim)


class CosineEmbeddingLoss(Module):
    """The mean of 1 - cos where target is 1, and of max(0, cos - margin) where it is -1.

    >>> import gpugrad
    >>> gpugrad.nn.CosineEmbeddingLoss()(gpugrad.tensor([[3., 4.]]), gpugrad.tensor([[4., 3.]]), gpugrad.tensor([1]))
    tensor(0.0400)
    """

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        self.margin, self.reduction = margin, reduction

    def forward(self, input1: Any, input2: Any, target: Any) -> Any:
        """Return the loss."""
        return functional.cosine_embedding_loss(input1, input2, target, self.margin, self.reduction)


class TripletMarginLoss(Module):
    """The mean of max(0, d(anchor, positive) - d(anchor, negative) + margin), d the p-norm of the difference.

    >>> import gpugrad
    >>> anchor, positive, negative = gpugrad.tensor([0., 0.]), gpugrad.tensor([3., 4.]), gpugrad.tensor([0., 5.5])
    >>> gpugrad.nn.TripletMarginLoss(eps=0.0)(anchor, positive, negative)
    tensor(0.5000)
    """

    def __init__(
        self, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False, reduction: str = "mean"
    ) -> None:
        self.margin, self.p, self.eps, self.swap, self.reduction = margin, p, eps, swap, reduction

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any:
        """Return the loss."""
        return functional.triplet_margin_loss(
            anchor, positive, negative, self.margin, self.p, self.eps, self.swap, self.reduction
        )


class TripletMarginWithDistanceLoss(Module):
    """The mean of max(0, d(anchor, positive) - d(anchor, negative) + margin) for a distance d of the user's.

    >>> import gpugrad
    >>> distance = gpugrad.nn.PairwiseDistance(p=1.0, eps=0.0)
    >>> loss = gpugrad.nn.TripletMarginWithDistanceLoss(distance_function=distance)
    >>> loss(gpugrad.tensor([[0.]]), gpugrad.tensor([[1.]]), gpugrad.tensor([[1.5]]))
    tensor(0.5000)
    """

    def __init__(
        self,
        *,
        distance_function: Callable[[Any, Any], Any] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        self.distance_function, self.margin, self.swap, self.reduction = distance_function, margin, swap, reduction

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any:
        """Return the loss."""
        return functional.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )
