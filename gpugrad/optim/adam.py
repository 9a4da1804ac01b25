"""Adam and AdamW: steps scaled by running means of the gradient and of its square."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from gpugrad._arena import Run, in_blocks, ufuncs_of
from gpugrad.backends import Array
from gpugrad.errors import OptionError
from gpugrad.optim.optimizer import Optimizer, check_number

__all__ = ["Adam", "AdamW"]


def adam_update(
    parameter: Array,
    gradient: Array,
    exp_avg: Array,
    exp_avg_sq: Array,
    max_exp_avg_sq: Array | None,
    scratch: tuple[Array, Array],
    *,
    step: int,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    decoupled: bool,
    factor: Any,
) -> None:
    """Change 1-d arrays in place by step number `step`; the gradient times `factor` (1 if None) counts, unchanged."""
    u = ufuncs_of(parameter)
    beta1, beta2 = betas
    # (m / c1) / (sqrt(v) / root + eps) with the corrections c1, root taken out of the loop
    root = math.sqrt(1 - beta2**step)
    rate = lr * root / (1 - beta1**step)
    arrays = [parameter, gradient, exp_avg, exp_avg_sq]
    for p, g, m, v, *top, s, d in in_blocks([*arrays, *([] if max_exp_avg_sq is None else [max_exp_avg_sq])], scratch):
        if factor is not None:
            u.multiply(g, factor, out=d)
            g = d
        if weight_decay and decoupled:
            u.multiply(p, 1 - lr * weight_decay, out=p)
        elif weight_decay:
            u.multiply(p, weight_decay, out=s)
            u.add(g, s, out=d)
            g = d
        u.multiply(g, 1 - beta1, out=s)  # not m + (1 - beta1) * (g - m), which loses a small g beside a large m
        u.multiply(m, beta1, out=m)
        u.add(m, s, out=m)
        u.multiply(g, g, out=s)
        u.multiply(s, 1 - beta2, out=s)
        u.multiply(v, beta2, out=v)
        u.add(v, s, out=v)
        if top:
            u.maximum(top[0], v, out=top[0])
            v = top[0]
        u.sqrt(v, out=s)
        u.add(s, eps * root, out=s)
        u.divide(m, s, out=s)
        u.multiply(s, rate, out=s)
        u.subtract(p, s, out=p)


def _options(lr: Any, betas: Any, eps: Any, weight_decay: Any, amsgrad: Any, maximize: Any) -> dict[str, Any]:
    return {
        "lr": lr,
        "betas": betas,
        "eps": eps,
        "weight_decay": weight_decay,
        "amsgrad": amsgrad,
        "maximize": maximize,
    }


def _check(options: Mapping[str, Any]) -> None:
    for name in ("lr", "eps", "weight_decay"):
        check_number(name, options[name])
    betas = options["betas"]
    if not isinstance(betas, tuple | list) or len(betas) != 2:
        raise OptionError(f"betas must be two numbers, not {betas!r}")
    for i, beta in enumerate(betas):
        check_number(f"betas[{i}]", beta, below=1.0)


def _update(run: Run, options: Mapping[str, Any], coefficient: Any, decoupled: bool) -> bool:
    if options["maximize"]:
        coefficient = -1.0 if coefficient is None else -coefficient
    adam_update(
        run.parameter,
        run.gradient,
        run.moment("exp_avg"),
        run.moment("exp_avg_sq"),
        run.moment("max_exp_avg_sq") if options["amsgrad"] else None,
        run.arena.scratch,
        step=run.steps + 1,
        decoupled=decoupled,
        factor=coefficient,
        **{k: options[k] for k in ("lr", "betas", "eps", "weight_decay")},
    )
    return True


class Adam(Optimizer):
    """Steps by m / (sqrt(v) + eps), m and v the bias-corrected means of g and g * g (Kingma and Ba, 2015).

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
        Adds weight_decay * p to the gradient; AdamW has the decay that Adam's scaling does not touch.
    amsgrad
        Divide by the largest second mean so far (Reddi et al., 2018).
    maximize
        Step along the gradient instead.

    Examples
    --------
    >>> import gpugrad
    >>> p = gpugrad.tensor([1., -2.], requires_grad=True)
    >>> optimizer = gpugrad.optim.Adam([p], lr=0.5)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> [round(value, 4) for value in p.tolist()]
    [0.5, -1.5]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, _options(lr, betas, eps, weight_decay, amsgrad, maximize))

    def _check(self, options: Mapping[str, Any]) -> None:
        _check(options)

    def _update(self, run: Run, options: Mapping[str, Any], coefficient: Any) -> bool:
        return _update(run, options, coefficient, decoupled=False)


class AdamW(Optimizer):
    """Adam with weight decay beside the gradient's step: p -= lr * weight_decay * p (Loshchilov and Hutter, 2019).

    Its arguments are Adam's; weight_decay is 0.01 where none is given.

    Examples
    --------
    >>> import gpugrad
    >>> p = gpugrad.tensor([1., -2.], requires_grad=True)
    >>> optimizer = gpugrad.optim.AdamW([p], lr=0.5, weight_decay=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> [round(value, 4) for value in p.tolist()]
    [0.45, -1.4]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, _options(lr, betas, eps, weight_decay, amsgrad, maximize))

    def _check(self, options: Mapping[str, Any]) -> None:
        _check(options)

    def _update(self, run: Run, options: Mapping[str, Any], coefficient: Any) -> bool:
        return _update(run, options, coefficient, decoupled=True)
