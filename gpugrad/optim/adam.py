"""Adam and AdamW: steps scaled by running means of the gradient and of its square."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gpugrad._arena import Run, followed, in_blocks, kept_mean, ufuncs_of
from gpugrad.backends import Array
from gpugrad.optim._checks import check_adam
from gpugrad.optim.optimizer import Optimizer

__all__ = ["Adam", "AdamW", "means"]


def means(
    u: Any,
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    s: Array,
    d: Array,
    factor: Any,
    lr: float,
    betas: tuple[float, float],
    weight_decay: float,
    decoupled: bool,
) -> Array:
    """Change the running means of the gradient and of its square in a block, and return the gradient that counts.

    The decay is part of it, or, decoupled, taken from `p` before. `s` and `d` are scratch, and `d` may be the result.
    """
    if weight_decay and decoupled:
        u.multiply(p, 1 - lr * weight_decay, out=p)
    g = followed(u, p, g, s, d, factor, 0.0 if decoupled else weight_decay)
    kept_mean(u, m, g, betas[0], s)
    u.multiply(g, g, out=s)
    kept_mean(u, v, s, betas[1], s)
    return g


def adam_update(
    parameter: Array,
    gradient: Array,
    exp_avg: Array,
    exp_avg_sq: Array,
    max_exp_avg_sq: Array | None,
    scratch: Sequence[Array],
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
        means(u, p, g, m, v, s, d, factor, lr, betas, weight_decay, decoupled)
        if top:
            u.maximum(top[0], v, out=top[0])
            v = top[0]
        u.sqrt(v, out=s)
        u.add(s, eps * root, out=s)
        u.divide(m, s, out=s)
        u.multiply(s, rate, out=s)
        u.subtract(p, s, out=p)


def _options(
    lr: Any, betas: Any, eps: Any, weight_decay: Any, amsgrad: Any, maximize: Any, decoupled: bool
) -> dict[str, Any]:
    return {
        "lr": lr,
        "betas": betas,
        "eps": eps,
        "weight_decay": weight_decay,
        "amsgrad": amsgrad,
        "maximize": maximize,
        "decoupled_weight_decay": decoupled,
    }


def _update(run: Run, options: Mapping[str, Any], factor: Any, decoupled: bool) -> None:
    adam_update(
        run.parameter,
        run.gradient,
        run.moment("exp_avg"),
        run.moment("exp_avg_sq"),
        run.moment("max_exp_avg_sq") if options["amsgrad"] else None,
        run.scratch(2),
        step=run.steps + 1,
        decoupled=decoupled,
        factor=factor,
        **{k: options[k] for k in ("lr", "betas", "eps", "weight_decay")},
    )


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
    decoupled_weight_decay
        Have the decay beside the gradient's step, as in AdamW.

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

    moments = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")

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
        decoupled_weight_decay: bool = False,
    ) -> None:
        options = _options(lr, betas, eps, weight_decay, amsgrad, maximize, decoupled_weight_decay)
        super().__init__(params, options)

    def _check(self, options: Mapping[str, Any]) -> None:
        check_adam(options)

    def _update(self, run: Run, options: Mapping[str, Any], factor: Any) -> None:
        _update(run, options, factor, decoupled=options["decoupled_weight_decay"])


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

    moments = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")

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
        super().__init__(params, _options(lr, betas, eps, weight_decay, amsgrad, maximize, True))

    def _check(self, options: Mapping[str, Any]) -> None:
        check_adam(options)

    def _update(self, run: Run, options: Mapping[str, Any], factor: Any) -> None:
        _update(run, options, factor, decoupled=True)
