"""The gradients of an elementwise op compared with finite differences, to second order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpugrad._elementwise._op import ElementwiseOp
from gpugrad.errors import GradientError, OptionError

__all__ = ["Comparison", "Report", "checked"]

Host = np.ndarray[Any, Any]

_tolerance = 1e-6


@dataclass(frozen=True, slots=True)
class Comparison:
    """One derivative at all points: how many were compared, and where the error is largest."""

    of: str
    compared: int
    points: int
    error: float
    ours: float
    differences: float
    at: str

    @property
    def passed(self) -> bool:
        """Whether the derivative agrees, and was compared anywhere at all."""
        return self.compared > 0 and self.error <= _tolerance

    def __str__(self) -> str:
        if not self.compared:
            return (
                f"{self.of}: compared at none of {self.points} points; give it points at which it is finite and smooth"
            )
        verdict = f"{self.of}: {self.compared} of {self.points} points, largest error {self.error:.1e}"
        return (
            verdict
            if self.passed
            else f"{verdict}: {self.ours:.6g}, and by differences {self.differences:.6g}, at {self.at}"
        )


@dataclass(frozen=True, slots=True)
class Report:
    """What was compared, a line for each derivative."""

    name: str
    rows: tuple[Comparison, ...]

    @property
    def passed(self) -> bool:
        """Whether every derivative agrees."""
        return all(row.passed for row in self.rows)

    def __str__(self) -> str:
        verdict = "agree" if self.passed else "do not agree"
        return "\n".join(
            [f"{self.name}: the gradients {verdict} with finite differences", *(f"  {r}" for r in self.rows)]
        )


def checked(op: ElementwiseOp, values: Sequence[Any], order: int) -> Report:
    """Return the comparison at these points, raise GradientError with it where a derivative is wrong."""
    if order not in (1, 2):
        raise OptionError(f"{op.short_name}: check takes order 1 or 2, not {order!r}")
    points = _points(op, values)
    rows = []
    for x in op.gradient_terms:

        def first(*given: Host, x: str = x) -> Host:
            return _first(op, x, given)

        rows.append(_compared(f"d/d{x}", op.names, op.program, first(*points), points, x))
        for w in op.gradient_terms if order > 1 else ():
            rows.append(_compared(f"d2/d{x}d{w}", op.names, first, _second(op, x, w, points), points, w))
    report = Report(op.short_name, tuple(rows))
    if not report.passed:
        raise GradientError(str(report))
    return report


def _points(op: ElementwiseOp, values: Sequence[Any]) -> list[Host]:
    """Return points as float64 arrays of one shape: those given, or numbers around 0."""
    if not values:
        generator = np.random.default_rng(0)
        return [generator.normal(0, 1.5, 100) for _ in op.names]
    if len(values) != len(op.names):
        raise TypeError(f"{op.short_name}: check takes points for {', '.join(op.names)}, or none at all")
    try:
        return [np.asarray(x, dtype=np.float64).reshape(-1) for x in np.broadcast_arrays(*values)]
    except (TypeError, ValueError) as error:
        raise TypeError(f"{op.short_name}: the points of check are numbers that broadcast: {error}") from None


def _gradient(op: ElementwiseOp, x: str, given: Sequence[Host], z: Host | None) -> Host:
    """Return dz/dx, by the gradient of a loss whose own is 1."""
    named = dict(zip(op.names, given, strict=True))
    needs = [z if name == "=" else named[name] for name in op.needed(x)]
    found: Host = op.gradient(x).program(np.ones_like(given[0]), *needs)
    return found


def _first(op: ElementwiseOp, x: str, given: Sequence[Host]) -> Host:
    z: Any = op.program(*given) if "=" in op.needed(x) else None
    return _gradient(op, x, given, z)


def _second(op: ElementwiseOp, x: str, w: str, given: Sequence[Host]) -> Host:
    """Return the derivative by w of the gradient of x, through the output as well where that is computed from it."""
    inner = op.gradient(x)
    needed = op.needed(x)
    z = op.program(*given)
    named = dict(zip(op.names, given, strict=True))
    operands = [np.ones_like(z), *(z if name == "=" else named[name] for name in needed)]
    total: Host = np.zeros_like(z)
    for name, called in zip(needed, inner.names[1:], strict=True):
        if name == w:
            total = total + _gradient(inner, called, operands, None)
        elif name == "=":
            total = total + _gradient(inner, called, operands, None) * _first(op, w, given)
    return total


def _compared(
    of: str, names: Sequence[str], f: Callable[..., Any], ours: Host, points: Sequence[Host], by: str
) -> Comparison:
    """Compare a derivative where f is finite and two step lengths give the same."""
    place = list(names).index(by)

    def moved(step: Host) -> Host:
        found: Host = np.asarray(f(*(x + step if i == place else x for i, x in enumerate(points))))
        return found

    def difference(step: Host) -> Host:
        found: Host = (moved(step) - moved(-step)) / (2 * step)
        return found

    with np.errstate(all="ignore"):
        step = 1e-3 * np.maximum(np.abs(points[place]), 0.1)
        wide, half, quarter = difference(step), difference(step / 2), difference(step / 4)
        better, best = (4 * half - wide) / 3, (4 * quarter - half) / 3
        best = best + (best - better) / 15
        scale = np.maximum(1, np.abs(best))
        here = moved(np.zeros_like(step))
        bend = np.abs(moved(step / 4) - 2 * here + moved(-step / 4)) / step  # at a cusp both sides may cancel
        smooth = np.isfinite(best) & (np.abs(best - better) < 1e-7 * scale) & (bend < 0.01 * scale)
        error = np.where(smooth, np.abs(ours - best) / scale, -1)
    error = np.where(smooth & np.isnan(error), np.inf, error)
    if not smooth.any():
        return Comparison(of, 0, smooth.size, 0.0, 0.0, 0.0, "")
    worst = int(np.argmax(error))
    at = ", ".join(f"{name}={x[worst]:.6g}" for name, x in zip(names, points, strict=True))
    return Comparison(
        of, int(smooth.sum()), smooth.size, float(error[worst]), float(ours[worst]), float(best[worst]), at
    )
