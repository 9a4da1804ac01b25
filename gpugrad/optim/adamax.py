"""Adamax: Adam with the largest gradient of late in place of the mean square."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gpugrad._arena import Run, followed, in_blocks, kept_mean, ufuncs_of
from gpugrad.optim._checks import check_adam
from gpugrad.optim.optimizer import Optimizer

__all__ = ["Adamax"]


class Adamax(Optimizer):
    """Steps by m / u, m the bias-corrected mean of g and u = max(betas[1] * u, abs(g) + eps).

    Kingma and Ba (2015), section 7.1, with eps where PyTorch has it.

    Parameters
    ----------
    params
        Leaf tensors, or dicts that describe groups of them.
    lr
        The learning rate.
    betas
        How much of the running mean of g, and of the largest abs(g) of late, is kept at a step.
    eps
        Added to abs(g).
    weight_decay
        Adds weight_decay * p to the gradient.
    maximize
        Step along the gradient instead.

    Examples
    --------
    >>> import gpugrad
    >>> p = gpugrad.tensor([1., -2.], requires_grad=True)
    >>> optimizer = gpugrad.optim.Adamax([p], lr=0.5)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> [round(value, 4) for value in p.tolist()]
    [0.5, -1.5]
    """

    moments = ("exp_avg", "exp_inf")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, options)

    def _check(self, options: Mapping[str, Any]) -> None:
        check_adam(options)

    def _update(self, run: Run, options: Mapping[str, Any], factor: Any) -> None:
        u = ufuncs_of(run.parameter)
        (beta1, beta2), eps, weight_decay = options["betas"], options["eps"], options["weight_decay"]
        rate = options["lr"] / (1 - beta1 ** (run.steps + 1))
        arrays = [run.parameter, run.gradient, run.moment("exp_avg"), run.moment("exp_inf")]
        for p, g, m, largest, s, d in in_blocks(arrays, run.scratch(2)):
            g = followed(u, p, g, s, d, factor, weight_decay)
            kept_mean(u, m, g, beta1, s)
            u.abs(g, out=s)
            u.add(s, eps, out=s)
            u.multiply(largest, beta2, out=largest)
            u.maximum(largest, s, out=largest)
            u.divide(m, largest, out=s)
            u.multiply(s, rate, out=s)
            u.subtract(p, s, out=p)
