"""Stochastic gradient descent, with momentum or without."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gpugrad._arena import Run, followed, in_blocks, ufuncs_of
from gpugrad.backends import Array
from gpugrad.errors import OptionError
from gpugrad.optim._checks import check_number, check_numbers
from gpugrad.optim.optimizer import Optimizer

__all__ = ["SGD"]


def sgd_update(
    parameter: Array,
    gradient: Array,
    momentum_buffer: Array | None,
    scratch: Sequence[Array],
    *,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    factor: Any,
    first: bool,
) -> None:
    """Change 1-d arrays in place by one step; the gradient times `factor` (1 if None) counts. It may be written to."""
    u = ufuncs_of(parameter)
    in_place = momentum_buffer is None and math.isfinite(lr)  # the zeros between parameters stay zeros
    arrays = [parameter, gradient] if momentum_buffer is None else [parameter, gradient, momentum_buffer]
    for p, g, *buffer, s, d in in_blocks(arrays, scratch):
        g = followed(u, p, g, s, d, factor, weight_decay)
        if buffer:
            m = buffer[0]
            u.multiply(m, 0.0 if first else momentum, out=m)
            u.multiply(g, 1.0 if first else 1.0 - dampening, out=s)
            u.add(m, s, out=m)
            if nesterov:
                u.multiply(m, momentum, out=s)
                u.add(g, s, out=d)
            g = d if nesterov else m
        step = g if in_place else s
        u.multiply(g, lr, out=step)
        u.subtract(p, step, out=p)


class SGD(Optimizer):
    """Steps against the gradient: p -= lr * g, or with momentum p -= lr * b, where b = momentum * b + g.

    Parameters
    ----------
    params
        Leaf tensors, or dicts that describe groups of them.
    lr
        The learning rate.
    momentum
        How much of the last step's direction is kept. Sutskever et al. (2013), in PyTorch's form: the learning
        rate stands outside the buffer.
    dampening
        The new gradient is added to the buffer with the factor 1 - dampening, but for the first time.
    weight_decay
        Adds weight_decay * p to the gradient.
    nesterov
        Look ahead: step by g + momentum * b.
    maximize
        Step along the gradient instead.

    Examples
    --------
    >>> import gpugrad
    >>> p = gpugrad.tensor([1., 2.], requires_grad=True)
    >>> optimizer = gpugrad.optim.SGD([p], lr=0.5)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.tolist()
    [0.0, 0.0]
    """

    moments = ("momentum_buffer",)
    shows_steps = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        options = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def _check(self, options: Mapping[str, Any]) -> None:
        check_numbers(options, "lr", "momentum", "weight_decay")
        check_number("dampening", options["dampening"], least=float("-inf"))
        if options["nesterov"] and (options["momentum"] == 0 or options["dampening"] != 0):
            raise OptionError(
                f"nesterov needs momentum above 0 and dampening 0, not momentum {options['momentum']!r} and dampening "
                f"{options['dampening']!r}"
            )

    def _update(self, run: Run, options: Mapping[str, Any], factor: Any) -> bool:
        momentum = options["momentum"]
        sgd_update(
            run.parameter,
            run.gradient,
            run.moment("momentum_buffer") if momentum else None,
            run.scratch(2),
            factor=factor,
            first=run.steps == 0,
            **{k: options[k] for k in ("lr", "momentum", "dampening", "weight_decay", "nesterov")},
        )
        return bool(momentum)
