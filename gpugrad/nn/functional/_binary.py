"""Losses of one logit or probability for each label: yes or no."""
# ruff: noqa: A002 - PyTorch calls the first arguments `input` and `target`

from __future__ import annotations

from typing import Any

from gpugrad import _ops as ops
from gpugrad.backends import as_dtype
from gpugrad.errors import DtypeError, OptionError
from gpugrad.nn.functional._reduction import as_float, check_reduction, check_shapes, reduced

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "multilabel_soft_margin_loss",
    "sigmoid_focal_loss",
    "soft_margin_loss",
]


def binary_cross_entropy(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """Return the mean of -(t * log(x) + (1 - t) * log(1 - x)) for probabilities x, each logarithm at least -100.

    target: probabilities of the shape of input; weight: factors of single losses. From logits, which have more to say
    near 0 and 1, use `binary_cross_entropy_with_logits`. A probability outside of [0, 1] gives NaN.

    >>> import gpugrad
    >>> binary_cross_entropy(gpugrad.tensor([0.5, 0.]), gpugrad.tensor([1., 1.]), reduction="none")
    tensor([  0.6931, 100.0000])
    """
    check_shapes("binary_cross_entropy", input, target, reduction)
    if as_dtype(input.dtype).kind != "f":
        raise DtypeError(f"binary_cross_entropy: input is probabilities, not {as_dtype(input.dtype)}")
    losses = ops.binary_cross_entropy(input, as_float(target, input))
    return reduced(losses if weight is None else losses * weight, reduction)


def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean", pos_weight: Any = None
) -> Any:
    """Return the mean of -(t * log(sigmoid(x)) + (1 - t) * log(1 - sigmoid(x))), accurate for logits of any size.

    target: probabilities of the shape of input; weight: factors of single losses; pos_weight: factors of the
    positive part, one for each class (the last axis).

    >>> import gpugrad
    >>> binary_cross_entropy_with_logits(gpugrad.tensor([0., 1e4]), gpugrad.tensor([1., 1.]), reduction="none")
    tensor([0.6931, 0.0000])
    """
    check_shapes("binary_cross_entropy_with_logits", input, target, reduction)
    t = as_float(target, input)
    positive = t * ops.softplus(-input)
    losses = (positive if pos_weight is None else positive * pos_weight) + (1 - t) * ops.softplus(input)
    return reduced(losses if weight is None else losses * weight, reduction)


def sigmoid_focal_loss(
    input: Any, target: Any, alpha: float = 0.25, gamma: float = 2.0, reduction: str = "none"
) -> Any:
    """Return the binary cross-entropy of sigmoid(input) times (1 - p)**gamma, p the probability of what is true.

    Positive targets count by alpha and negative ones by 1 - alpha; both count alike if alpha is negative (Lin et al.,
    2017). target: 0 and 1, or probabilities, of the shape of input.

    >>> import gpugrad
    >>> sigmoid_focal_loss(gpugrad.tensor([0., 2.]), gpugrad.tensor([1., 1.]))
    tensor([0.0433, 0.0005])
    """
    check_shapes("sigmoid_focal_loss", input, target, reduction)
    if not gamma >= 0:
        raise OptionError(f"sigmoid_focal_loss: gamma must be at least 0, not {gamma!r}")
    t = as_float(target, input)
    wrong = t * ops.sigmoid(-input) + (1 - t) * ops.sigmoid(input)
    losses = binary_cross_entropy_with_logits(input, t, reduction="none") * wrong**gamma
    if alpha >= 0:
        losses = losses * (t * alpha + (1 - t) * (1 - alpha))
    return reduced(losses, reduction)


def soft_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """Return the mean of log(1 + exp(-target * input)); target: 1 and -1, of the shape of input.

    >>> import gpugrad
    >>> soft_margin_loss(gpugrad.tensor([0., 90.]), gpugrad.tensor([1., -1.]), reduction="none")
    tensor([ 0.6931, 90.0000])
    """
    check_shapes("soft_margin_loss", input, target, reduction)
    return reduced(ops.softplus(-as_float(target, input) * input), reduction)


def multilabel_soft_margin_loss(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """Return the binary cross-entropy of sigmoid(input), the mean over the labels of each sample.

    input, target: (..., labels); weight: (labels,).

    >>> import gpugrad
    >>> multilabel_soft_margin_loss(gpugrad.tensor([[0., 0.]]), gpugrad.tensor([[1., 0.]]))
    tensor(0.6931)
    """
    check_reduction(reduction)
    losses = binary_cross_entropy_with_logits(input, target, weight, reduction="none")
    return reduced(ops.mean(losses, axis=-1), reduction)
