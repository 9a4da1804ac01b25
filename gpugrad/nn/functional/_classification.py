"""Losses of logits or log-probabilities against classes."""
# ruff: noqa: A002 - PyTorch calls the first argument `input`

from __future__ import annotations

import math
from typing import Any

from gpugrad import _ops as ops
from gpugrad._graph import namespace_of
from gpugrad._ops.losses import class_hits
from gpugrad.errors import OptionError, ShapeError
from gpugrad.nn.functional._reduction import as_float, check_reduction, known_classes

__all__ = ["cross_entropy", "focal_loss", "nll_loss"]


def _in_rows(name: str, input: Any, target: Any) -> tuple[Any, Any, tuple[int, ...]]:
    """Return input (n, classes), target in rows, and the shape of unreduced losses, for any of PyTorch's layouts."""
    shape, wanted = tuple(input.shape), tuple(target.shape)
    axis = 0 if len(shape) == 1 else 1
    rest = shape[:axis] + shape[axis + 1 :]
    if not shape or wanted not in (rest, shape):
        raise ShapeError(
            f"{name}: input of shape {shape} does not fit a target of shape {wanted}; with the classes on axis {axis} "
            f"it is {rest} class indices or {shape} probabilities"
        )
    rows = (math.prod(rest), shape[axis])
    if len(shape) == 2:
        return input, target, rest
    flat, classes_last = ops.reshape, ops.moveaxis
    target = flat(target, rows[:1]) if wanted == rest else flat(classes_last(target, axis, -1), rows)
    return flat(classes_last(input, axis, -1), rows), target, rest


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """Return the cross-entropy of softmax(input) against target, from the logits, as one node.

    input: (classes,), (n, classes) or (n, classes, d1, ...); target: class indices of the shape of input without
    the classes, or probabilities of the shape of input; weight: (classes,). Targets equal to `ignore_index` do not
    count; if none counts the mean is 0, with gradient 0 (PyTorch: NaN).

    >>> import gpugrad
    >>> cross_entropy(gpugrad.tensor([1e4, 0., -1e4]), gpugrad.tensor(2))
    tensor(20000.)
    """
    if not 0 <= label_smoothing <= 1:
        raise OptionError(f"label_smoothing must be from 0 to 1, not {label_smoothing!r}")
    rows, target, rest = _in_rows("cross_entropy", input, target)
    options: dict[str, Any] = {"ignore_index": ignore_index, "label_smoothing": float(label_smoothing)}
    loss = ops.cross_entropy(rows, target, weight, reduction=reduction, **options)
    return loss if reduction != "none" or len(rest) == 1 else ops.reshape(loss, rest)


def nll_loss(input: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> Any:
    """Return the negative of the log-probability that input gives to each target class.

    input: log-probabilities, (classes,), (n, classes) or (n, classes, d1, ...); target: class indices; weight:
    (classes,), by which a mean is weighted too. If no target counts the mean is 0, with gradient 0 (PyTorch: NaN).

    >>> import gpugrad
    >>> nll_loss(gpugrad.log(gpugrad.tensor([[0.75, 0.25]])), gpugrad.tensor([1]))
    tensor(1.3863)
    """
    check_reduction(reduction)
    rows, target, rest = _in_rows("nll_loss", input, target)
    if len(target.shape) != 1:
        raise ShapeError(f"nll_loss: target has the shape {target.shape} of input; it must be class indices")
    xp = namespace_of(rows)
    hit, counted = class_hits(target, rows.shape[1], ignore_index, xp)
    target = xp.astype(target, xp.int64, copy=False)  # 8 bits do not count 300 classes
    known = known_classes("nll_loss", counted & ((target < 0) | (target >= rows.shape[1])), target, rows)
    factors = xp.astype(hit, rows.dtype)
    if weight is not None:
        if tuple(weight.shape) != (rows.shape[1],):
            raise ShapeError(f"nll_loss: weight of shape {weight.shape} is not ({rows.shape[1]},), one for each class")
        factors = factors * as_float(weight, rows)
    losses = -ops.sum(ops.where(factors == 0, xp.zeros_like(factors), rows) * factors, axis=1) * known
    if reduction == "none":
        return ops.reshape(losses, rest)
    total, count = ops.sum(losses), ops.sum(factors)
    return total if reduction == "sum" else total / ops.where(count == 0, 1.0, count)


def focal_loss(
    input: Any,
    target: Any,
    gamma: float = 2.0,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Any:
    """Return the cross-entropy of softmax(input) with the target's class times (1 - its probability)**gamma.

    What is classified well counts little (Lin et al., 2017). Shapes, weight and ignore_index are those of `nll_loss`;
    a mean is over the weights of the targets that count. ``gamma=0`` is `cross_entropy`.

    >>> import gpugrad
    >>> focal_loss(gpugrad.tensor([[0., 0.], [2., 0.]]), gpugrad.tensor([0, 0]), reduction="none")
    tensor([0.1733, 0.0018])
    """
    if not gamma >= 0:
        raise OptionError(f"focal_loss: gamma must be at least 0, not {gamma!r}")
    axis = 0 if input.ndim == 1 else 1
    log_p = ops.log_softmax(input, axis=axis)
    rest = -ops.expm1(log_p)
    # rest**gamma has no slope at rest = 0 where gamma < 1: there the loss is flat, for log_p is 0 too.
    factor = ops.where(rest > 0, rest, 1.0) ** gamma * ops.astype(rest > 0, log_p.dtype) if gamma else 1.0
    return nll_loss(log_p * factor, target, weight, ignore_index, reduction)
