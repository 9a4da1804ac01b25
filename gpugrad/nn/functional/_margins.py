"""Losses that ask for a margin: between pairs, between a class and the others."""
# ruff: noqa: A002 - PyTorch calls the first arguments `input` and `target`

from __future__ import annotations

from typing import Any

from gpugrad import _ops as ops
from gpugrad._graph import namespace_of
from gpugrad.errors import DtypeError, OptionError, ShapeError
from gpugrad.nn.functional._reduction import as_float, check_reduction, check_shapes, known_classes, reduced

__all__ = ["hinge_embedding_loss", "margin_ranking_loss", "multi_margin_loss", "multilabel_margin_loss"]


def hinge_embedding_loss(input: Any, target: Any, margin: float = 1.0, reduction: str = "mean") -> Any:
    """Return the mean of input where target is 1, and of max(0, margin - input) where it is -1.

    >>> import gpugrad
    >>> hinge_embedding_loss(gpugrad.tensor([0.3, 0.3]), gpugrad.tensor([1., -1.]), reduction="none")
    tensor([0.3000, 0.7000])
    """
    check_shapes("hinge_embedding_loss", input, target, reduction)
    losses = ops.where(target == 1, input, 0.0) + ops.where(target == -1, ops.relu(margin - input), 0.0)
    return reduced(losses, reduction)


def margin_ranking_loss(input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: str = "mean") -> Any:
    """Return the mean of max(0, margin - target * (input1 - input2)).

    Where target is 1, input1 should be the larger, and where it is -1, input2.

    >>> import gpugrad
    >>> margin_ranking_loss(gpugrad.full(2, 2.0), gpugrad.ones(2), gpugrad.tensor([1., -1.]), reduction="none")
    tensor([0., 1.])
    """
    check_shapes("margin_ranking_loss", input1, input2, reduction)
    check_shapes("margin_ranking_loss", input1, target, reduction)
    return reduced(ops.relu(margin - as_float(target, input1) * (input1 - input2)), reduction)


def _samples(name: str, input: Any, target: Any, targets: int) -> tuple[Any, Any]:
    """Return input (n, classes) and integer targets of `targets` axes, with an axis added to a single sample."""
    if target.dtype.kind not in "iu":
        raise DtypeError(f"{name}: target is class indices, integers, not {target.dtype}")
    single = input.ndim == 1
    x, t = (ops.expand_dims(v, axis=0) if single else v for v in (input, target))
    fits = t.ndim == targets and x.ndim == 2 and t.shape[0] == x.shape[0] and (targets == 1 or t.shape == x.shape)
    if not fits:
        wanted = "(n,)" if targets == 1 else "(n, classes)"
        raise ShapeError(
            f"{name}: input of shape {input.shape} does not fit a target of shape {target.shape}; they are "
            f"(n, classes) and {wanted}, or both without n"
        )
    return x, ops.astype(t, namespace_of(t).int64, copy=False)


def multi_margin_loss(
    input: Any, target: Any, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean"
) -> Any:
    """Return, over all other classes i, the sum of max(0, margin - input[y] + input[i])**p over the number of classes.

    input: (n, classes) or (classes,); target: the classes y, (n,) or (); p: 1 or 2; weight: (classes,), which counts
    by y (Crammer and Singer, 2001).

    >>> import gpugrad
    >>> multi_margin_loss(gpugrad.tensor([[0.5, 0., 0.25]]), gpugrad.tensor([0]))
    tensor(0.4167)
    """
    check_reduction(reduction)
    if p not in (1, 2):
        raise OptionError(f"multi_margin_loss: p must be 1 or 2, not {p!r}")
    x, t = _samples("multi_margin_loss", input, target, 1)
    classes = x.shape[1]
    columns = namespace_of(t).arange(classes, dtype=t.dtype, device=t.device)
    wrong = (t < 0) | (t >= classes)
    known = known_classes("multi_margin_loss", wrong, t, x)
    t = ops.where(wrong, 0, t)
    y = ops.expand_dims(t, axis=1)
    true = ops.take_along_axis(x, y, axis=1)
    losses = ops.where(y == columns, 0.0, ops.relu(margin - true + x))
    losses = ops.square(losses) if p == 2 else losses
    if weight is not None:
        if tuple(weight.shape) != (classes,):
            raise ShapeError(f"multi_margin_loss: weight of shape {weight.shape} is not ({classes},)")
        losses = losses * ops.expand_dims(ops.take(as_float(weight, x), t, axis=0), axis=1)
    losses = ops.sum(losses, axis=1) / classes * known
    return reduced(losses if input.ndim > 1 else ops.reshape(losses, ()), reduction)


def multilabel_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """Return the sum of max(0, 1 - (input[y] - input[i])) over true classes y and others i, divided by all classes.

    input: (n, classes) or (classes,); target: of the same shape, the true classes of each sample, then -1; what follows
    a -1 does not count.

    >>> import gpugrad
    >>> multilabel_margin_loss(gpugrad.tensor([0.1, 0.2, 0.4, 0.8]), gpugrad.tensor([3, 0, -1, 1]))
    tensor(0.8500)
    """
    check_reduction(reduction)
    x, t = _samples("multilabel_margin_loss", input, target, 2)
    xp = namespace_of(t)
    classes = x.shape[1]
    given = ops.cumulative_prod(ops.astype(t >= 0, t.dtype), axis=1) > 0
    wrong = given & (t >= classes)
    known = known_classes("multilabel_margin_loss", wrong, t, x)
    t = ops.where(given & ~wrong, t, 0)
    columns = xp.arange(classes, dtype=t.dtype, device=t.device)
    hits = (ops.expand_dims(t, axis=2) == columns) & ops.expand_dims(given, axis=2)
    others = ~ops.any(hits, axis=1)
    short = ops.relu(1 - ops.expand_dims(ops.take_along_axis(x, t, axis=1), axis=2) + ops.expand_dims(x, axis=1))
    counts = ops.expand_dims(given, axis=2) & ops.expand_dims(others, axis=1)
    losses = ops.sum(ops.where(counts, short, 0.0), axis=(1, 2)) / classes * known
    return reduced(losses if input.ndim > 1 else ops.reshape(losses, ()), reduction)
