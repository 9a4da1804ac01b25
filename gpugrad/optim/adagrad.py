"""Adagrad: steps scaled by the root of the sum of all squared gradients so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gpugrad._arena import Run, followed, in_blocks, ufuncs_of
from gpugrad.optim._checks import check_numbers
from gpugrad.optim.optimizer import Optimizer

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    """Steps by g / (sqrt(sum of g * g) + eps) (Duchi, Hazan and Singer, 2011).

    Parameters
    ----------
    params
        Leaf tensors, or dicts that describe groups of them.
    lr
        The learning rate.
    lr_decay
        Step t, counted from 0, goes at the rate lr / (1 + t * lr_decay).
    weight_decay
        Adds weight_decay * p to the gradient.
    initial_accumulator_value
        What the sum begins with, at the first step of a parameter.
    eps
        Added to the root.
    maximize
        Step along the gradient instead.

    Examples
    --------
    >>> import gpugrad
    >>> p = gpugrad.tensor([1., -2.], requires_grad=True)
    >>> optimizer = gpugrad.optim.Adagrad([p], lr=0.5)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> [round(value, 4) for value in p.tolist()]
    [0.5, -1.5]
    """

    moments = ("sum",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        options = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def _check(self, options: Mapping[str, Any]) -> None:
        check_numbers(options, "lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps")

    def _update(self, run: Run, options: Mapping[str, Any], factor: Any) -> None:
        u = ufuncs_of(run.parameter)
        rate = options["lr"] / (1 + run.steps * options["lr_decay"])
        eps, weight_decay, total = options["eps"], options["weight_decay"], run.moment("sum")
        if run.steps == 0:
            total[...] = options["initial_accumulator_value"]
        for p, g, squares, s, d in in_blocks([run.parameter, run.gradient, total], run.scratch(2)):
            g = followed(u, p, g, s, d, factor, weight_decay)
            u.multiply(g, g, out=s)
            u.add(squares, s, out=squares)
            u.sqrt(squares, out=s)
            u.add(s, eps, out=s)
            u.divide(g, s, out=s)
            u.multiply(s, rate, out=s)
            u.subtract(p, s, out=p)
