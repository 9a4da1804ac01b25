"""Softmax and cross-entropy as one node."""

from __future__ import annotations

import math
from typing import Any

from gpugrad._op import SCALARS, op
from gpugrad._ops.activations import softmax, zero_one
from gpugrad.backends import Array, backend_of
from gpugrad.errors import DtypeError, OptionError, ShapeError

__all__ = ["binary_cross_entropy", "class_hits", "cross_entropy"]


def class_hits(target: Array, classes: int, ignore_index: int, xp: Any) -> tuple[Array, Array]:
    """Return which class each target (n,) is, as truth values (n, classes), and which targets count.

    Small integers are widened first: those of uint8 cannot number 300 classes, nor be compared with -100.
    """
    target = xp.astype(target, xp.int64, copy=False)
    columns = xp.arange(classes, dtype=xp.int64, device=target.device)
    counted = target != ignore_index  # what is ignored may be a class
    hit = xp.expand_dims(target, axis=1) == xp.expand_dims(columns, axis=0)
    return hit & xp.expand_dims(counted, axis=1), counted


def _distribution(
    x: Array, target: Array, weight: Any, ignore_index: int, label_smoothing: float, xp: Any
) -> tuple[Array, Array]:
    """Return the weighted target probabilities (n, classes), and the weight that each row has in a mean (n,)."""
    classes = x.shape[1]
    weight = weight if weight is None or weight.dtype == x.dtype else xp.astype(weight, x.dtype)
    if len(target.shape) == 2:
        q = xp.astype(target, x.dtype) * (1 - label_smoothing) + label_smoothing / classes
        return (q if weight is None else q * weight), xp.ones_like(q[:, 0])
    hit, counted = class_hits(target, classes, ignore_index, xp)
    q = zero_one(hit, x, xp)
    counts = zero_one(counted, x, xp)
    known = zero_one(xp.any(hit, axis=1), x, xp)
    row = counts if weight is None else xp.sum(q * weight, axis=1)
    # A target out of range makes its row NaN: a wrong label is never a loss of 0.
    row = row * xp.where((counts > 0) & (known == 0), xp.full_like(counts, math.nan), xp.ones_like(counts))
    smooth = xp.expand_dims(counts, axis=1) * (label_smoothing / classes) + q * (1 - label_smoothing)
    q = smooth if weight is None else smooth * weight
    return xp.where(xp.expand_dims(xp.isnan(row), axis=1), xp.full_like(q, math.nan), q), row


def _divisor(rows: Array, xp: Any) -> Array:
    """Return what the summed loss is divided by: the rows' weight for a mean, 1 where nothing counts."""
    total = xp.sum(rows)
    return xp.where(total == 0, xp.ones_like(total), total)


def _check_cross_entropy(x: Array, target: Array, weight: Array | None, ignore_index: int, reduction: str) -> None:
    if any(type(a) in SCALARS for a in (x, target, weight)):
        raise ShapeError("cross_entropy: input, target and weight must be tensors; one of them is a number")
    backend = backend_of(x)
    if backend.dtype_of(x).kind != "f":
        raise DtypeError(f"cross_entropy: takes real floating-point logits, not {backend.dtype_of(x)}")
    if x.ndim != 2 or target.shape not in ((x.shape[0],), tuple(x.shape)):
        raise ShapeError(
            f"cross_entropy: input of shape {x.shape} (n, classes) does not fit a target of shape {target.shape}; "
            "it is (n,) class indices or (n, classes) probabilities"
        )
    if weight is not None and tuple(weight.shape) != (x.shape[1],):
        raise ShapeError(f"cross_entropy: weight of shape {weight.shape} is not ({x.shape[1]},), one for each class")
    if reduction not in ("mean", "sum", "none"):
        raise OptionError(f"reduction must be 'mean', 'sum' or 'none', not {reduction!r}")
    kind = backend.dtype_of(target).kind
    if (kind not in "iu") if target.ndim == 1 else (kind != "f"):
        raise DtypeError(f"cross_entropy: a target of shape {target.shape} must not be {backend.dtype_of(target)}")
    if target.ndim == 1 and backend.name == "numpy" and target.size:  # elsewhere a look would wait for the device
        wrong = (target != ignore_index) & ((target < 0) | (target >= x.shape[1]))
        if wrong.any():
            raise IndexError(f"cross_entropy: target {target[wrong][0]} is not a class from 0 to {x.shape[1] - 1}")


def _cross_entropy_x(
    g: Array, x: Array, target: Array, weight: Any, ignore_index: int, reduction: str, label_smoothing: float, xp: Any
) -> Array:
    """`(softmax(x) * sum(q) - q) * g`, with the probabilities q that the target stands for."""
    q, rows = _distribution(x, target, weight, ignore_index, label_smoothing, xp)
    if reduction == "mean":
        g = g / _divisor(rows, xp)
    d = softmax(x, axis=1) * xp.sum(q, axis=1, keepdims=True) - q
    return d * (xp.expand_dims(g, axis=1) if reduction == "none" else g)


@op(x=_cross_entropy_x)
def cross_entropy(
    x: Array,
    target: Array,
    weight: Array | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Array:
    """Return the cross-entropy of softmax(x) against `target`, computed from the logits as one node.

    x: (n, classes); target: (n,) class indices, or (n, classes) probabilities; weight: (classes,). If all targets are
    ignored the mean is 0, with gradient 0.

    >>> import gpugrad
    >>> gpugrad.cross_entropy(gpugrad.tensor([[0., 0.]]), gpugrad.tensor([1]))
    tensor(0.6931)
    """
    _check_cross_entropy(x, target, weight, ignore_index, reduction)
    backend = backend_of(x)
    xp = backend.namespace
    q, rows = _distribution(x, target, weight, ignore_index, label_smoothing, xp)
    with backend.quiet():
        shifted = x - xp.max(x, axis=1, keepdims=True)
        surprise = xp.log(xp.sum(xp.exp(shifted), axis=1, keepdims=True)) - shifted
    absent = (q == 0) & ~xp.isnan(surprise)  # 0 * inf is 0 here: an impossible class that is not the target
    losses = xp.sum(q * xp.where(absent, xp.zeros_like(q), surprise), axis=1)
    if reduction == "none":
        return losses
    total = xp.sum(losses)
    return total / _divisor(rows, xp) if reduction == "mean" else total


def _log_of(x: Array, xp: Any) -> Array:
    """Return the logarithm, at least -100."""
    return xp.where(x < math.exp(-100), xp.full_like(x, -100.0), xp.log(xp.where(x < math.exp(-100), xp.ones_like(x), x)))


def _log_rest(x: Array, xp: Any) -> Array:
    """Return the logarithm of 1 - x, at least -100."""
    return xp.where(x >= 1, xp.full_like(x, -100.0), xp.log1p(-xp.where(x >= 1, xp.zeros_like(x), x)))


def _outside(x: Array, xp: Any) -> Array:
    """Return 1, and NaN where x is no probability."""
    return xp.where((x >= 0) & (x <= 1), xp.ones_like(x), xp.full_like(x, math.nan))


@op(
    x=lambda g, x, target, xp: g * ((x - target) / xp.maximum(x * (1 - x), 1e-12)),
    target=lambda g, x, xp: g * (_log_rest(x, xp) - _log_of(x, xp)),
    reals=True,
    elementwise=True,
)
def binary_cross_entropy(x: Array, target: Array, /) -> Array:
    """Return -(target * log(x) + (1 - target) * log(1 - x)) for probabilities x, each logarithm at least -100.

    >>> import gpugrad
    >>> binary_cross_entropy(gpugrad.tensor([0.5, 1.]), gpugrad.tensor([1., 0.]))
    tensor([  0.6931, 100.0000])
    """
    backend = backend_of(x)
    xp = backend.namespace
    with backend.quiet():
        losses = -(target * _log_of(x, xp) + (1 - target) * _log_rest(x, xp))
        return losses * _outside(x, xp)
