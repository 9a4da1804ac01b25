"""Lion: steps of one size, along the sign of a mean of gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gpugrad._arena import Run, followed, in_blocks, kept_mean, ufuncs_of
from gpugrad.optim._checks import check_betas, check_numbers
from gpugrad.optim.optimizer import Optimizer

__all__ = ["Lion"]


class Lion(Optimizer):
    """Steps by lr * sign(betas[0] * m + (1 - betas[0]) * g), m the running mean of g (Chen et al., 2023).

    Parameters
    ----------
    params
        Leaf tensors, or dicts that describe groups of them.
    lr
        The learning rate, a third to a tenth of AdamW's.
    betas
        How much m counts in a step, and how much of it is kept at a step.
    weight_decay
        Beside the gradient's step: p -= lr * weight_decay * p; three to ten times AdamW's.
    maximize
        Step along the gradient instead.

    Examples
    --------
    >>> import gpugrad
    >>> p = gpugrad.tensor([1., -2.], requires_grad=True)
    >>> optimizer = gpugrad.optim.Lion([p], lr=0.25)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.tolist()
    [0.75, -1.75]
    """

    moments = ("exp_avg",)
    shows_steps = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay, "maximize": maximize})

    def _check(self, options: Mapping[str, Any]) -> None:
        check_numbers(options, "lr", "weight_decay")
        check_betas(options["betas"])

    def _update(self, run: Run, options: Mapping[str, Any], factor: Any) -> None:
        u = ufuncs_of(run.parameter)
        (beta1, beta2), lr, weight_decay = options["betas"], options["lr"], options["weight_decay"]
        for p, g, m, s, d, direction in in_blocks([run.parameter, run.gradient, run.moment("exp_avg")], run.scratch(3)):
            g = followed(u, p, g, s, d, factor, 0.0)
            if weight_decay:
                u.multiply(p, 1 - lr * weight_decay, out=p)
            u.multiply(m, beta1, out=direction)
            u.multiply(g, 1 - beta1, out=s)
            u.add(direction, s, out=direction)
            kept_mean(u, m, g, beta2, s)
            u.sign(direction, out=direction)
            u.multiply(direction, lr, out=direction)
            u.subtract(p, direction, out=p)
