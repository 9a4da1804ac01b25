"""NAdam: Adam that looks ahead, as Nesterov's momentum does."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from gpugrad._arena import Run, in_blocks, ufuncs_of
from gpugrad.optim._checks import check_adam
from gpugrad.optim.adam import means
from gpugrad.optim.optimizer import Optimizer

__all__ = ["NAdam"]


class NAdam(Optimizer):
    """Steps by (a * g + b * m) / (sqrt(v) + eps), a and b from a momentum that grows with the steps (Dozat, 2016).

    At step t the momentum is betas[0] * (1 - 0.5 * 0.96 ** (t * momentum_decay)); its product over the steps is part
    of the state, as ``mu_product``.

    Parameters
    ----------
    params
        Leaf tensors, or dicts that describe groups of them.
    lr
        The learning rate.
    betas
        How much of the running means of g and of g * g is kept at a step.
    eps
        Added to the root of the second mean.
    weight_decay
        Adds weight_decay * p to the gradient, or is taken from p, see below.
    momentum_decay
        How fast the momentum grows from half of betas[0] to all of it.
    decoupled_weight_decay
        Have the decay beside the gradient's step, p -= lr * weight_decay * p, as in AdamW.
    maximize
        Step along the gradient instead.

    Examples
    --------
    >>> import gpugrad
    >>> p = gpugrad.tensor([1., -2.], requires_grad=True)
    >>> optimizer = gpugrad.optim.NAdam([p], lr=0.5)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> [round(value, 4) for value in p.tolist()]
    [0.4718, -1.4718]
    """

    moments = ("exp_avg", "exp_avg_sq")
    numbers = ("mu_product",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        options = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def _check(self, options: Mapping[str, Any]) -> None:
        check_adam(options, "momentum_decay")

    def _update(self, run: Run, options: Mapping[str, Any], factor: Any) -> None:
        u = ufuncs_of(run.parameter)
        betas, step, lr, eps = options["betas"], run.steps + 1, options["lr"], options["eps"]
        of_gradient, of_mean = _weights(run.numbers, options, step)
        root = math.sqrt(1 - betas[1] ** step)
        decay, decoupled = options["weight_decay"], options["decoupled_weight_decay"]
        arrays = [run.parameter, run.gradient, run.moment("exp_avg"), run.moment("exp_avg_sq")]
        for p, g, m, v, s, d in in_blocks(arrays, run.scratch(2)):
            g = means(u, p, g, m, v, s, d, factor, lr, betas, decay, decoupled)
            u.multiply(g, lr * of_gradient * root, out=d)
            u.multiply(m, lr * of_mean * root, out=s)
            u.add(d, s, out=d)
            u.sqrt(v, out=s)
            u.add(s, eps * root, out=s)
            u.divide(d, s, out=s)
            u.subtract(p, s, out=p)


def _weights(numbers: dict[str, float], options: Mapping[str, Any], step: int) -> tuple[float, float]:
    """Return how much the gradient and its mean count in a step; the product of the momenta takes this one in."""
    beta1, decay = options["betas"][0], options["momentum_decay"]
    now, following = (beta1 * (1 - 0.5 * 0.96 ** (t * decay)) for t in (step, step + 1))
    product = numbers["mu_product"] = numbers.get("mu_product", 1.0) * now
    return (1 - now) / (1 - product), following / (1 - product * following)
