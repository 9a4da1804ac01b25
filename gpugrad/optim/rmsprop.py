"""RMSprop: steps scaled by the root of a running mean of the squared gradient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gpugrad._arena import Run, followed, in_blocks, kept_mean, ufuncs_of
from gpugrad.optim._checks import check_numbers
from gpugrad.optim.optimizer import Optimizer

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """Steps by g / (sqrt(v) + eps), v the running mean of g * g (Hinton, 2012); centered (Graves, 2013).

    Parameters
    ----------
    params
        Leaf tensors, or dicts that describe groups of them.
    lr
        The learning rate.
    alpha
        How much of the running means is kept at a step.
    eps
        Added to the root.
    weight_decay
        Adds weight_decay * p to the gradient.
    momentum
        How much of the last step is kept.
    centered
        Divide by the root of the variance: v less the squared mean of g. Where rounding makes it negative it is 0.
    maximize
        Step along the gradient instead.

    Examples
    --------
    >>> import gpugrad
    >>> p = gpugrad.tensor([1., -2.], requires_grad=True)
    >>> optimizer = gpugrad.optim.RMSprop([p], lr=0.25, alpha=0.75)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> [round(value, 4) for value in p.tolist()]
    [0.5, -1.5]
    """

    moments = ("square_avg", "momentum_buffer", "grad_avg")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        options = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def _check(self, options: Mapping[str, Any]) -> None:
        check_numbers(options, "lr", "alpha", "eps", "weight_decay", "momentum")

    def _update(self, run: Run, options: Mapping[str, Any], factor: Any) -> None:
        u = ufuncs_of(run.parameter)
        lr, alpha, eps, momentum = (options[name] for name in ("lr", "alpha", "eps", "momentum"))
        weight_decay, centered = options["weight_decay"], options["centered"]
        names = ["square_avg", *(["momentum_buffer"] if momentum else []), *(["grad_avg"] if centered else [])]
        arrays = [run.parameter, run.gradient, *(run.moment(name) for name in names)]
        for p, g, v, *more, s, d in in_blocks(arrays, run.scratch(2)):
            g = followed(u, p, g, s, d, factor, weight_decay)
            u.multiply(g, g, out=s)
            kept_mean(u, v, s, alpha, s)
            if centered:
                kept_mean(u, more[-1], g, alpha, s)
                u.multiply(more[-1], more[-1], out=s)
                u.subtract(v, s, out=s)
                u.maximum(s, 0.0, out=s)
                u.sqrt(s, out=s)
            else:
                u.sqrt(v, out=s)
            u.add(s, eps, out=s)
            u.divide(g, s, out=s)
            if momentum:
                u.multiply(more[0], momentum, out=more[0])
                u.add(more[0], s, out=more[0])
            u.multiply(more[0] if momentum else s, lr, out=s)
            u.subtract(p, s, out=p)
