"""Losses that are negative log-likelihoods, or distances, of distributions; `reduction` is "mean", "sum" or "none"."""
# ruff: noqa: A002 - PyTorch calls the arguments of forward `input` and `target`

from __future__ import annotations

from typing import Any

from gpugrad.nn import functional
from gpugrad.nn.module import Module

__all__ = ["GaussianNLLLoss", "KLDivLoss", "PoissonNLLLoss"]


class KLDivLoss(Module):
    """The Kullback-Leibler divergence of log-probabilities from probabilities; "batchmean" is the divergence itself.

    >>> import gpugrad
    >>> gpugrad.nn.KLDivLoss("batchmean")(gpugrad.log(gpugrad.tensor([[0.5, 0.5]])), gpugrad.tensor([[1., 0.]]))
    tensor(0.6931)
    """

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        self.reduction, self.log_target = reduction, log_target

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss."""
        return functional.kl_div(input, target, self.reduction, self.log_target)


class PoissonNLLLoss(Module):
    """The negative log-likelihood of counts under a Poisson distribution of rate exp(input), or input.

    >>> import gpugrad
    >>> gpugrad.nn.PoissonNLLLoss()(gpugrad.tensor([1.]), gpugrad.tensor([2.]))
    tensor(0.7183)
    """

    def __init__(self, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean") -> None:
        self.log_input, self.full, self.eps, self.reduction = log_input, full, eps, reduction

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss."""
        return functional.poisson_nll_loss(input, target, self.log_input, self.full, self.eps, self.reduction)


class GaussianNLLLoss(Module):
    """The negative log-likelihood of numbers under a normal distribution of mean input and variance var.

    >>> import gpugrad
    >>> gpugrad.nn.GaussianNLLLoss()(gpugrad.tensor([3.]), gpugrad.tensor([1.]), gpugrad.tensor([4.]))
    tensor(1.1931)
    """

    def __init__(self, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        self.full, self.eps, self.reduction = full, eps, reduction

    def forward(self, input: Any, target: Any, var: Any) -> Any:
        """Return the loss."""
        return functional.gaussian_nll_loss(input, target, var, self.full, self.eps, self.reduction)
