"""RAdam: Adam that goes without its scaling until the mean square can be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from gpugrad._arena import Run, in_blocks, ufuncs_of
from gpugrad.optim._checks import check_adam
from gpugrad.optim.adam import means
from gpugrad.optim.optimizer import Optimizer

__all__ = ["RAdam"]


class RAdam(Optimizer):
    """Steps by r * m / (sqrt(v) + eps), r from the variance of the scaling, or at first by m alone (Liu et al., 2020).

    m and v are the bias-corrected means of g and g * g. With betas[1] of 0.999 the first five steps go by m alone.

    Parameters
    ----------
    params
        Leaf tensors, or dicts that describe groups of them.
    lr
        The learning rate.
    betas
        How much of the running means of g and of g * g is kept at a step.
    eps
        Added to the root of the second mean, before that is corrected.
    weight_decay
        Adds weight_decay * p to the gradient, or is taken from p, see below.
    decoupled_weight_decay
        Have the decay beside the gradient's step, p -= lr * weight_decay * p, as in AdamW.
    maximize
        Step along the gradient instead.

    Examples
    --------
    >>> import gpugrad
    >>> p = gpugrad.tensor([1., -2.], requires_grad=True)
    >>> optimizer = gpugrad.optim.RAdam([p], lr=0.25)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> [round(value, 4) for value in p.tolist()]
    [0.5, -1.0]
    """

    moments = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        options = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def _check(self, options: Mapping[str, Any]) -> None:
        check_adam(options)

    def _update(self, run: Run, options: Mapping[str, Any], factor: Any) -> None:
        u = ufuncs_of(run.parameter)
        betas, step, lr, eps = options["betas"], run.steps + 1, options["lr"], options["eps"]
        rectified = _rectification(betas[1], step)
        rate = lr / (1 - betas[0] ** step) * (1.0 if rectified is None else rectified)
        decay, decoupled = options["weight_decay"], options["decoupled_weight_decay"]
        arrays = [run.parameter, run.gradient, run.moment("exp_avg"), run.moment("exp_avg_sq")]
        for p, g, m, v, s, d in in_blocks(arrays, run.scratch(2)):
            means(u, p, g, m, v, s, d, factor, lr, betas, decay, decoupled)
            if rectified is None:
                u.multiply(m, rate, out=s)
            else:
                u.sqrt(v, out=s)
                u.add(s, eps, out=s)
                u.divide(m, s, out=s)
                u.multiply(s, rate, out=s)
            u.subtract(p, s, out=p)


def _rectification(beta2: float, step: int) -> float | None:
    """Return the factor of a scaled step, the correction of v in it, or None while the scaling varies too much."""
    corrected = 1 - beta2**step
    longest = 2 / (1 - beta2) - 1
    length = longest - 2 * step * beta2**step / corrected
    if length <= 5:
        return None
    spread = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
    return math.sqrt(spread * corrected)
