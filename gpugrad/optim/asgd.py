"""Averaged SGD: the mean of the parameters over the steps is kept beside them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from gpugrad._arena import Run, followed, in_blocks, ufuncs_of
from gpugrad.optim._checks import check_number, check_numbers
from gpugrad.optim.optimizer import Optimizer

__all__ = ["ASGD"]


class ASGD(Optimizer):
    """Steps against the gradient at a falling rate, and averages what the steps lead to (Polyak and Juditsky, 1992).

    The rate after t steps is lr / (1 + lambd * lr * t) ** alpha (Bottou, 2012). The mean is ``ax`` in the `state` of
    each parameter; up to step `t0` it is the parameter itself.

    Parameters
    ----------
    params
        Leaf tensors, or dicts that describe groups of them.
    lr
        The learning rate to begin with.
    lambd
        A decay: p -= rate * lambd * p.
    alpha
        The power with which the rate falls.
    t0
        The step at which averaging begins.
    weight_decay
        Adds weight_decay * p to the gradient.
    maximize
        Step along the gradient instead.

    Examples
    --------
    >>> import gpugrad
    >>> p = gpugrad.tensor([1., -2.], requires_grad=True)
    >>> optimizer = gpugrad.optim.ASGD([p], lr=0.25, lambd=0.0, t0=0)
    >>> for _ in range(3):
    ...     optimizer.zero_grad()
    ...     (p * p).sum().backward()
    ...     optimizer.step()
    >>> [round(value, 4) for value in p.tolist()], [round(value, 4) for value in optimizer.state[p]["ax"].tolist()]
    ([0.125, -0.25], [0.1875, -0.375])
    """

    moments = ("ax",)
    numbers = ("eta", "mu")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        options = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def _check(self, options: Mapping[str, Any]) -> None:
        check_numbers(options, "lr", "lambd", "weight_decay")
        for name in ("alpha", "t0"):
            check_number(name, options[name], least=-math.inf)

    def _update(self, run: Run, options: Mapping[str, Any], factor: Any) -> None:
        u = ufuncs_of(run.parameter)
        lr, lambd, weight_decay, step = options["lr"], options["lambd"], options["weight_decay"], run.steps + 1
        rate, part = run.numbers.get("eta", lr), run.numbers.get("mu", 1.0)
        for p, g, mean, s, d in in_blocks([run.parameter, run.gradient, run.moment("ax")], run.scratch(2)):
            g = followed(u, p, g, s, d, factor, weight_decay)
            u.multiply(p, 1 - lambd * rate, out=p)
            u.multiply(g, rate, out=s)
            u.subtract(p, s, out=p)
            if part == 1:
                mean[...] = p
            else:
                u.subtract(p, mean, out=s)
                u.multiply(s, part, out=s)
                u.add(mean, s, out=mean)
        run.numbers["eta"] = lr / (1 + lambd * lr * step) ** options["alpha"]
        run.numbers["mu"] = 1 / max(1, step - options["t0"])
