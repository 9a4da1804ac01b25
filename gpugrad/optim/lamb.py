"""LAMB: Adam's step, for each parameter as long as the parameter itself, so that batches may be large."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from gpugrad._arena import Run, in_blocks, kept_mean, ufuncs_of
from gpugrad._fused.clip import global_norm
from gpugrad.backends import Array
from gpugrad.optim._checks import check_adam
from gpugrad.optim.optimizer import Optimizer

__all__ = ["LAMB"]


class LAMB(Optimizer):
    """Steps by lr * norm(p) / norm(u) * u, where u = m / (sqrt(v) + eps) + weight_decay * p (You et al., 2020).

    m and v are the bias-corrected means of g and g * g; the norms are those of one parameter, and their ratio is 1
    where either is 0. This is the paper's algorithm 2 with the identity for its function of norm(p).

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
        Adds weight_decay * p to the step, before its length is taken.
    maximize
        Step along the gradient instead.

    Examples
    --------
    >>> import gpugrad
    >>> p = gpugrad.tensor([3., -4.], requires_grad=True)
    >>> optimizer = gpugrad.optim.LAMB([p], lr=0.5, weight_decay=0.0)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> [round(value, 4) for value in p.tolist()]
    [1.2322, -2.2322]
    """

    moments = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 1e-2,
        *,
        maximize: bool = False,
    ) -> None:
        options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, options)

    def _check(self, options: Mapping[str, Any]) -> None:
        check_adam(options)

    def _update(self, run: Run, options: Mapping[str, Any], factor: Any) -> None:
        u, scratch = ufuncs_of(run.parameter), run.scratch(1)
        for p, g, m, v in run.parts("exp_avg", "exp_avg_sq", flat=True):
            _adam_direction(p, g, m, v, scratch, options, run.steps + 1, factor)
            rate = _ratio(run, p, g)
            for x, direction, _ in in_blocks([p, g], scratch):
                u.multiply(direction, rate, out=direction)
                u.multiply(direction, options["lr"], out=direction)
                u.subtract(x, direction, out=x)


def _adam_direction(
    p: Array, g: Array, m: Array, v: Array, scratch: list[Array], options: Mapping[str, Any], step: int, factor: Any
) -> None:
    """Change the means, and the gradient, which is the arena's copy, into Adam's step with the decay added."""
    u, (beta1, beta2) = ufuncs_of(p), options["betas"]
    root = math.sqrt(1 - beta2**step)
    arrays = [p, g, m, v]
    for p, g, m, v, s in in_blocks(arrays, scratch):
        if factor is not None:
            u.multiply(g, factor, out=g)
        kept_mean(u, m, g, beta1, s)
        u.multiply(g, g, out=s)
        kept_mean(u, v, s, beta2, s)
        u.sqrt(v, out=s)
        u.add(s, options["eps"] * root, out=s)
        u.divide(m, s, out=g)
        u.multiply(g, root / (1 - beta1**step), out=g)
        if options["weight_decay"]:
            u.multiply(p, options["weight_decay"], out=s)
            u.add(g, s, out=g)


def _ratio(run: Run, p: Array, direction: Array) -> Any:
    """Return norm(p) / norm(direction), 1 where either is 0: a number, or on a GPU, where that would wait, an array."""
    backend = run.arena.backend
    of_parameter, of_direction = global_norm([p]), global_norm([direction])
    if backend.name == "numpy":
        return float(of_parameter) / float(of_direction) if of_parameter > 0 and of_direction > 0 else 1.0
    xp = backend.namespace
    both = xp.logical_and(of_parameter > 0, of_direction > 0)
    ratio = xp.where(both, of_parameter / of_direction, xp.ones_like(of_parameter))
    return xp.astype(ratio, backend.native_dtype(run.arena.dtype))
