"""Losses that are negative log-likelihoods, or distances, of distributions."""
# ruff: noqa: A002 - PyTorch calls the first arguments `input` and `target`

from __future__ import annotations

import math
from typing import Any

from gpugrad import _ops as ops
from gpugrad._creation import full_like
from gpugrad.backends import backend_of
from gpugrad.errors import OptionError, ShapeError
from gpugrad.nn.functional._reduction import as_float, check_shapes, reduced

__all__ = ["gaussian_nll_loss", "kl_div", "poisson_nll_loss"]


def kl_div(input: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Any:
    """Return the mean of t * (log(t) - input): the Kullback-Leibler divergence of log-probabilities from a target.

    target: probabilities, or with `log_target` their logarithms, of the shape of input. The `reduction` "batchmean" is
    the divergence itself: the sum over the number of samples, the first axis. Where t is 0 the loss is 0.

    >>> import gpugrad
    >>> kl_div(gpugrad.log(gpugrad.tensor([[0.5, 0.5]])), gpugrad.tensor([[1., 0.]]), reduction="batchmean")
    tensor(0.6931)
    """
    check_shapes("kl_div", input, target, "sum" if reduction == "batchmean" else reduction)
    if log_target:
        losses = ops.exp(target) * (target - input)
    else:
        t = as_float(target, input)
        losses = ops.xlogy(t, t) - ops.where(t == 0, 0.0, input) * t
    if reduction != "batchmean":
        return reduced(losses, reduction)
    if not input.ndim:
        raise ShapeError("kl_div: reduction 'batchmean' needs a first axis of samples, and the input is 0-d")
    return ops.sum(losses) / max(1, input.shape[0])


def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Any:
    """Return the negative log-likelihood of counts under a Poisson distribution of rate exp(input), or input.

    Without `log_input` it is input - target * log(input + eps). `full` adds what does not depend on the input:
    log(target!), by Stirling's formula where target is above 1.

    >>> import gpugrad
    >>> poisson_nll_loss(gpugrad.tensor([0., 1.]), gpugrad.tensor([1., 2.]), reduction="none")
    tensor([1.0000, 0.7183])
    """
    check_shapes("poisson_nll_loss", input, target, reduction)
    t = as_float(target, input)
    losses = ops.exp(input) - t * input if log_input else input - t * ops.log(input + eps)
    if full:
        many = ops.where(t > 1, t, 1.0)
        stirling = many * ops.log(many) - many + 0.5 * ops.log(2 * math.pi * many)
        losses = losses + ops.where(t > 1, stirling, 0.0)
    return reduced(losses, reduction)


def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    """Return the mean of (log(var) + (input - target)**2 / var) / 2, with var at least eps (Nix and Weigend, 1994).

    var: a number, or of the shape of input, or with 1 for its last axis or without it. Where var is below eps its
    gradient is that at eps, so that it can come back. `full` adds log(2 pi) / 2.

    >>> import gpugrad
    >>> gaussian_nll_loss(gpugrad.tensor([1., 3.]), gpugrad.ones(2), gpugrad.tensor([1., 4.]), reduction="none")
    tensor([0.0000, 1.1931])
    """
    check_shapes("gaussian_nll_loss", input, target, reduction)
    if not eps > 0:
        raise OptionError(f"gaussian_nll_loss: eps must be above 0, not {eps!r}")
    var = _variances(input, var)
    fixed = var.detach()
    var = ops.maximum(fixed, eps) + (var - fixed)  # lifted to eps, with the slope of var itself
    losses = 0.5 * (ops.log(var) + ops.square(input - as_float(target, input)) / var)
    return reduced(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)


def _variances(input: Any, var: Any) -> Any:
    """Return variances in a shape that broadcasts with the input's."""
    if isinstance(var, int | float):
        var = full_like(input.detach(), float(var))
    shape = tuple(input.shape)
    if tuple(var.shape) == shape[:-1] and tuple(var.shape) != shape:
        var = ops.expand_dims(var, axis=-1)
    if tuple(var.shape) not in (shape, (*shape[:-1], 1)):
        raise ShapeError(f"gaussian_nll_loss: var has shape {var.shape}, which does not fit an input of shape {shape}")
    array = getattr(var, "_array", var)
    if backend_of(array).name == "numpy" and (array < 0).any():  # elsewhere a look would wait for the device
        raise OptionError(f"gaussian_nll_loss: a variance is {array.min()}; it must not be negative")
    return var
