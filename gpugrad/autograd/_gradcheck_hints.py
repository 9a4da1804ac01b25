"""What the wrong derivatives have in common: a factor, a conjugate, a value outside the graph, a kink of a part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gpugrad._op import node_of
from gpugrad.autograd._gradcheck_derivatives import Settings, jacobian, of_all
from gpugrad.autograd._gradcheck_function import Fault, RealFunction, Vector
from gpugrad.autograd._gradcheck_report import Derivative
from gpugrad.errors import GpugradError

__all__ = ["hints_of"]


def hints_of(
    fn: RealFunction,
    wrong: Sequence[Derivative],
    slopes: Vector | None,
    settings: Settings,
    random: np.random.Generator,
) -> list[str]:
    """Return sentences about the wrong derivatives."""
    hints = [f"{name} does not require grad: func took it out of the graph" for name in _outside(fn, wrong)]
    hints += [] if hints else _common_factor(wrong)
    if slopes is not None:
        hints += _nearby(fn, settings, wrong, random)
    if fn.stray is not None and any(d.kind != "smooth" for d in wrong):
        hints.append(f"beside the inputs func raised {type(fn.stray).__name__}: {fn.stray}")
    return hints


def _outside(fn: RealFunction, wrong: Sequence[Derivative]) -> list[str]:
    named = [d.output for d in wrong]
    return [n for n, z in fn.results.items() if node_of(z) is None and any(o.startswith(n + " ") for o in named)]


def _common_factor(wrong: Sequence[Derivative]) -> list[str]:
    smooth = [d for d in wrong if d.kind == "smooth" and abs(d.numeric) > 100 * d.error]
    factors = np.asarray([d.analytic / d.numeric for d in smooth])
    if len(factors) < 2 or not np.isfinite(factors).all() or np.ptp(factors) > 1e-3 * np.abs(factors).max(initial=0.0):
        return []
    factor = float(np.mean(factors))
    if factor == 0:
        return ["the gradient is 0 wherever it is wrong"]
    if abs(factor + 1) < 1e-3:
        if all(d.input.endswith("imag") != d.output.endswith("imag") for d in smooth):
            return ["the imaginary parts have the other sign: a conjugate is missing, or one too many"]
        return ["the gradient has the other sign wherever it is wrong"]
    return [f"the gradient is {factor:.4g} times the slope wherever it is wrong"]


def _nearby(
    fn: RealFunction, settings: Settings, wrong: Sequence[Derivative], random: np.random.Generator
) -> list[str]:
    """Return whether the derivatives that are wrong are right at a point nearby."""
    names = {d.input for d in wrong}
    columns = [k for b in fn.into for k in range(b.start, b.stop) if b.label(k) in names][:6]
    rows = {d.output for d in wrong}
    chosen = [k for b in fn.out for k in range(b.start, b.stop) if b.label(k) in rows][:20]
    try:
        with fn.moved_to(fn.beside(random)) as there:
            if there.out != fn.out:
                return []
            judged = of_all(there, jacobian(there, chosen), settings, columns)
    except (Fault, GpugradError, ArithmeticError, ValueError):  # it cannot be evaluated there
        return []
    verdicts = np.asarray([[j.fits[chosen], j.kind[chosen] == "smooth"] for j in judged.values()])
    if verdicts.size and verdicts.all():
        return [
            "at a point nearby the same derivatives are right: here is a kink or a singular point of a part of func"
        ]
    return ["at a point nearby they are wrong, too"] if verdicts.size and not verdicts[:, 0].all() else []
