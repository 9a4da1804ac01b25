"""Distances and similarities of vectors, and the losses made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gpugrad import _ops as ops
from gpugrad.errors import OptionError, ShapeError
from gpugrad.nn.functional._reduction import check_reduction, reduced

__all__ = [
    "cosine_embedding_loss",
    "cosine_similarity",
    "pairwise_distance",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    """Return the p-norm of x1 - x2 + eps along the last axis.

    >>> import gpugrad
    >>> pairwise_distance(gpugrad.tensor([[3., 4.]]), gpugrad.zeros((1, 2)), eps=0.0)
    tensor([5.])
    """
    return ops.vector_norm(x1 - x2 + eps, axis=-1, keepdims=keepdim, ord=p)


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """Return the cosine of the angle between x1 and x2 along an axis; norms are taken to be at least eps.

    >>> import gpugrad
    >>> cosine_similarity(gpugrad.tensor([[3., 4.]]), gpugrad.tensor([[4., 3.]]))
    tensor([0.9600])
    """
    x1, x2 = ops.broadcast_arrays(x1, x2)
    norms = [ops.maximum(ops.vector_norm(x, axis=dim, keepdims=True), eps) for x in (x1, x2)]
    return ops.sum((x1 / norms[0]) * (x2 / norms[1]), axis=dim)


def cosine_embedding_loss(input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: str = "mean") -> Any:
    """Return the mean of 1 - cos where target is 1, and of max(0, cos - margin) where it is -1.

    input1, input2: (n, features) or (features,); target: (n,) or ().

    >>> import gpugrad
    >>> x = gpugrad.tensor([[1., 0.], [1., 0.]])
    >>> cosine_embedding_loss(x, gpugrad.tensor([[0., 1.], [1., 0.]]), gpugrad.tensor([1, -1]), reduction="none")
    tensor([1., 1.])
    """
    check_reduction(reduction)
    if input1.shape != input2.shape or tuple(target.shape) != tuple(input1.shape[:-1]) or input1.ndim not in (1, 2):
        raise ShapeError(
            f"cosine_embedding_loss: inputs of shapes {input1.shape} and {input2.shape} do not fit a target of shape "
            f"{target.shape}; they are (n, features) and (n,), or (features,) and ()"
        )
    squares = (ops.sum(ops.square(x), axis=-1) + 1e-12 for x in (input1, input2))
    cosine = ops.sum(input1 * input2, axis=-1) / ops.sqrt(next(squares) * next(squares))
    losses = ops.where(target == 1, 1 - cosine, 0.0) + ops.where(target == -1, ops.relu(cosine - margin), 0.0)
    return reduced(losses, reduction)


def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Callable[[Any, Any], Any] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """Return the mean of max(0, d(anchor, positive) - d(anchor, negative) + margin) for a distance of the user's.

    Without one it is `pairwise_distance`. With `swap`, d(positive, negative) counts where it is the smaller (Balntas et
    al., 2016).

    >>> import gpugrad
    >>> a, p, n = gpugrad.tensor([[0.]]), gpugrad.tensor([[1.]]), gpugrad.tensor([[1.5]])
    >>> triplet_margin_with_distance_loss(a, p, n, distance_function=lambda x, y: abs(x - y).sum(axis=-1))
    tensor(0.5000)
    """
    check_reduction(reduction)
    if not margin > 0:
        raise OptionError(f"triplet_margin_loss: margin must be above 0, not {margin!r}")
    if len({len(x.shape) for x in (anchor, positive, negative)}) > 1:
        shapes = f"{anchor.shape}, {positive.shape} and {negative.shape}"
        raise ShapeError(f"triplet_margin_loss: anchor, positive and negative have shapes {shapes}; they must be alike")
    distance = distance_function or pairwise_distance
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = ops.minimum(far, distance(positive, negative))
    return reduced(ops.relu(near - far + margin), reduction)


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """Return the mean of max(0, d(anchor, positive) - d(anchor, negative) + margin), d the p-norm of the difference.

    anchor, positive, negative: (n, features) or (features,). `swap` is that of `triplet_margin_with_distance_loss`.

    >>> import gpugrad
    >>> triplet_margin_loss(gpugrad.tensor([0., 0.]), gpugrad.tensor([3., 4.]), gpugrad.tensor([0., 5.5]), eps=0.0)
    tensor(0.5000)
    """

    def distance(x: Any, y: Any) -> Any:
        return pairwise_distance(x, y, p, eps)

    return triplet_margin_with_distance_loss(
        anchor, positive, negative, distance_function=distance, margin=margin, swap=swap, reduction=reduction
    )
