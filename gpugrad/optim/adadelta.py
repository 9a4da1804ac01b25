"""Adadelta: steps in the units of the parameter, from the sizes of gradients and of steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gpugrad._arena import Run, followed, in_blocks, kept_mean, ufuncs_of
from gpugrad.errors import OptionError
from gpugrad.optim._checks import check_number, check_numbers
from gpugrad.optim.optimizer import Optimizer

__all__ = ["Adadelta"]


class Adadelta(Optimizer):
    """Steps by g * sqrt(w + eps) / sqrt(v + eps), v and w the running means of squared gradients and steps.

    Zeiler (2012); ``lr`` is PyTorch's.

    Parameters
    ----------
    params
        Leaf tensors, or dicts that describe groups of them.
    lr
        Multiplies the step.
    rho
        How much of the running means is kept at a step.
    eps
        Added to both means; it is what the first step comes from.
    weight_decay
        Adds weight_decay * p to the gradient.
    maximize
        Step along the gradient instead.

    Examples
    --------
    >>> import gpugrad
    >>> p = gpugrad.tensor([1., -2.], requires_grad=True)
    >>> optimizer = gpugrad.optim.Adadelta([p], rho=0.75, eps=1.0)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> [round(value, 4) for value in p.tolist()]
    [-0.4142, -0.2111]
    """

    moments = ("square_avg", "acc_delta")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        options = {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, options)

    def _check(self, options: Mapping[str, Any]) -> None:
        check_numbers(options, "lr", "eps", "weight_decay")
        check_number("rho", options["rho"])
        if options["rho"] > 1:
            raise OptionError(f"rho must be from 0 to 1, not {options['rho']!r}")

    def _update(self, run: Run, options: Mapping[str, Any], factor: Any) -> None:
        u = ufuncs_of(run.parameter)
        lr, rho, eps, weight_decay = (options[name] for name in ("lr", "rho", "eps", "weight_decay"))
        arrays = [run.parameter, run.gradient, run.moment("square_avg"), run.moment("acc_delta")]
        for p, g, v, w, s, d in in_blocks(arrays, run.scratch(2)):
            g = followed(u, p, g, s, d, factor, weight_decay)
            u.multiply(g, g, out=s)
            kept_mean(u, v, s, rho, s)
            u.add(v, eps, out=s)
            u.sqrt(s, out=s)
            u.divide(g, s, out=d)
            u.add(w, eps, out=s)
            u.sqrt(s, out=s)
            u.multiply(d, s, out=d)
            u.multiply(d, d, out=s)
            kept_mean(u, w, s, rho, s)
            u.multiply(d, lr, out=d)
            u.subtract(p, d, out=p)
