"""Layers and losses as functions, under PyTorch's names and with PyTorch's argument order."""
# ruff: noqa: A002 - PyTorch calls the first argument `input`

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gpugrad import _ops as ops
from gpugrad._graph import namespace_of
from gpugrad._op import TENSORS
from gpugrad._ops import linear, relu, sigmoid, silu, tanh
from gpugrad._ops import log_sigmoid as logsigmoid
from gpugrad._ops.losses import class_hits
from gpugrad.backends import Generator, as_dtype, backend_of, default_generator
from gpugrad.errors import OptionError, ShapeError

__all__ = [
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "dropout",
    "gelu",
    "half_squared_error",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "mse_loss",
    "nll_loss",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]


def leaky_relu(input: Any, negative_slope: float = 0.01) -> Any:
    """Return input where it is positive and negative_slope * input elsewhere."""
    return ops.leaky_relu(input, slope=negative_slope)


def gelu(input: Any, approximate: str = "none") -> Any:
    """Return input times the normal distribution function of it, exactly or by ``approximate="tanh"``.

    >>> import gpugrad
    >>> gelu(gpugrad.tensor([-1., 1.]), approximate="tanh")
    tensor([-0.1588,  0.8412])
    """
    if approximate == "none":
        return ops.gelu(input)
    if approximate != "tanh":
        raise OptionError(f"approximate must be 'none' or 'tanh', not {approximate!r}")
    # (1 + tanh(u)) / 2 is sigmoid(2 u), which does not cancel where u is negative.
    return input * ops.sigmoid((input + 0.044715 * input * input * input) * (2 * math.sqrt(2 / math.pi)))


def softplus(input: Any, beta: float = 1.0) -> Any:
    """Return log(1 + exp(beta * input)) / beta, without overflow and without PyTorch's threshold."""
    return ops.softplus(input) if beta == 1 else ops.softplus(input * beta) * (1 / beta)


def softmax(input: Any, dim: int = -1) -> Any:
    """Return exp(input) over its sum along an axis."""
    return ops.softmax(input, axis=dim)


def log_softmax(input: Any, dim: int = -1) -> Any:
    """Return the logarithm of softmax, computed without it."""
    return ops.log_softmax(input, axis=dim)


def layer_norm(
    input: Any, normalized_shape: int | Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """Return input with mean 0 and variance 1 over its last axes, times weight, plus bias (Ba et al., 2016).

    input: (..., *normalized_shape); weight and bias: normalized_shape.

    >>> import gpugrad
    >>> layer_norm(gpugrad.tensor([[1., 3.]]), 2, eps=0.0)
    tensor([[-1.,  1.]])
    """
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not shape or tuple(input.shape[-len(shape) :]) != shape:
        raise ShapeError(
            f"layer_norm: expected an input of shape (..., {', '.join(map(str, shape))}), got {input.shape}"
        )
    for name, value in (("weight", weight), ("bias", bias)):
        if value is not None and tuple(value.shape) != shape:
            raise ShapeError(f"layer_norm: expected a {name} of shape {shape}, got {value.shape}")
    return ops.layer_norm(input, weight, bias, axes=tuple(range(-len(shape), 0)), eps=eps)


def dropout(input: Any, p: float = 0.5, training: bool = True, *, generator: Generator | None = None) -> Any:
    """Return input with each element set to 0 with probability p and the others divided by 1 - p.

    Srivastava et al. (2014). Not in training it is input itself. The generator's seed and the number of the draw
    decide the mask, so it is the same on every backend.

    >>> import gpugrad
    >>> dropout(gpugrad.ones(3), training=False)
    tensor([1., 1., 1.])
    """
    if not 0 <= p <= 1:
        raise OptionError(f"p must be a probability from 0 to 1, not {p!r}")
    if not training or p == 0:
        return input
    source = generator or default_generator
    return ops.dropout(input, p=float(p), seed=source.seed, offset=source.next_offset())


# Losses


def _reduced(losses: Any, reduction: str) -> Any:
    if reduction == "mean":
        return ops.mean(losses)
    return ops.sum(losses) if reduction == "sum" else losses


def _check(name: str, input: Any, target: Any, reduction: str) -> None:
    if reduction not in ("mean", "sum", "none"):
        raise OptionError(f"reduction must be 'mean', 'sum' or 'none', not {reduction!r}")
    if tuple(input.shape) != tuple(target.shape):
        raise ShapeError(f"{name}: input has shape {input.shape} and target {target.shape}; they must be the same")


def mse_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """Return the mean of (input - target)**2.

    Different shapes raise ShapeError. PyTorch warns and broadcasts: (n, 1) against (n,) then compares every
    prediction with every target, and a network learns nothing but the mean.

    >>> import gpugrad
    >>> mse_loss(gpugrad.tensor([1., 2.]), gpugrad.tensor([0., 4.]))
    tensor(2.5000)
    """
    _check("mse_loss", input, target, reduction)
    return _reduced(ops.square(ops.subtract(input, target)), reduction)


def half_squared_error(input: Any, target: Any, reduction: str = "sum") -> Any:
    """Return the sum of (input - target)**2 / 2, the loss of textbooks: its gradient is input - target.

    >>> import gpugrad
    >>> half_squared_error(gpugrad.tensor([1., 2.]), gpugrad.tensor([0., 4.]))
    tensor(2.5000)
    """
    _check("half_squared_error", input, target, reduction)
    return _reduced(ops.square(ops.subtract(input, target)) * 0.5, reduction)


def l1_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """Return the mean of abs(input - target); its derivative where they are equal is 0.

    >>> import gpugrad
    >>> l1_loss(gpugrad.tensor([1., 2.]), gpugrad.tensor([0., 4.]))
    tensor(1.5000)
    """
    _check("l1_loss", input, target, reduction)
    return _reduced(ops.abs(ops.subtract(input, target)), reduction)


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
    _check("binary_cross_entropy_with_logits", input, target, reduction)
    t = _as_float(target, input)
    positive = t * ops.softplus(-input)
    losses = (positive if pos_weight is None else positive * pos_weight) + (1 - t) * ops.softplus(input)
    return _reduced(losses if weight is None else losses * weight, reduction)


def _as_float(target: Any, input: Any) -> Any:
    """Return the target in the dtype of the input, so that truth values and integers can be subtracted from 1."""
    return target if target.dtype == input.dtype else ops.astype(target, as_dtype(input.dtype))


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
    (classes,), by which a mean is weighted too.

    >>> import gpugrad
    >>> nll_loss(log_softmax(gpugrad.tensor([[0., 0.]])), gpugrad.tensor([1]))
    tensor(0.6931)
    """
    if reduction not in ("mean", "sum", "none"):
        raise OptionError(f"reduction must be 'mean', 'sum' or 'none', not {reduction!r}")
    rows, target, rest = _in_rows("nll_loss", input, target)
    if len(target.shape) != 1:
        raise ShapeError(f"nll_loss: target has the shape {target.shape} of input; it must be class indices")
    xp = namespace_of(rows)
    hit, counted = class_hits(target, rows.shape[1], ignore_index, xp)
    _check_classes(target, counted, rows.shape[1])
    factors = xp.astype(hit, rows.dtype)
    if weight is not None:
        if tuple(weight.shape) != (rows.shape[1],):
            raise ShapeError(f"nll_loss: weight of shape {weight.shape} is not ({rows.shape[1]},), one for each class")
        factors = factors * _as_float(weight, rows)
    losses = -ops.sum(ops.where(factors == 0, xp.zeros_like(factors), rows) * factors, axis=1)
    if reduction == "none":
        return ops.reshape(losses, rest)
    total = ops.sum(losses)
    return total if reduction == "sum" else total / ops.sum(factors)


def _check_classes(target: Any, counted: Any, classes: int) -> None:
    """Raise IndexError for a class out of range where a look does not wait for a device."""
    array, counts = (x._array if type(x) in TENSORS else x for x in (target, counted))
    if backend_of(array).name == "numpy":
        wrong = counts & ((array < 0) | (array >= classes))
        if wrong.any():
            raise IndexError(f"nll_loss: target {array[wrong][0]} is not a class from 0 to {classes - 1}")
