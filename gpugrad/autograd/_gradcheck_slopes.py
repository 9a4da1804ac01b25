"""Slopes of a function along a line, each with an estimate of its own error, and what they say about the point.

Differences at h and 2h give a central slope of fourth order (Richardson), what it was corrected by, and a slope to
either side of second order. One step is enough where a smooth function meets its gradient. Elsewhere the step runs
through all magnitudes that the numbers allow, and how the slopes change with it tells a smooth point from a kink, a
jump, the edge of a domain, and an infinite derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpugrad.autograd._gradcheck_function import Vector

__all__ = ["Judged", "Line", "Tolerance", "judge"]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a gradient may be off, `absolute` + `relative` |slope|, and how unsure a slope may be of itself."""

    absolute: Vector
    relative: Vector
    unsure: Vector

    def __call__(self, slope: Vector) -> Vector:
        return np.asarray(self.absolute + self.relative * np.abs(slope))

    def limit(self, slope: Vector) -> Vector:
        """Return the largest error with which a slope still says something."""
        return np.asarray(np.maximum(self.unsure**1.6 + self.unsure * np.abs(slope), self(slope)))


@dataclass(frozen=True, slots=True)
class Line:
    """A way through the point: `values(t)` are the values at distance `t` and the sizes of what they were added from.

    `size` is the size of the coordinate that moves, `unit` the distance from 1 to the next number of its dtype, and
    `first` the first step in units of max(1, size). `start` is the coordinate itself, where only one moves.
    """

    values: Callable[[float], tuple[Vector, Vector]]
    size: float
    unit: float
    first: float
    start: np.floating[Any] | None = None

    def inexact(self, h: float) -> float:
        """Return how far a step of `h` may be off, relatively, because the point it leads to is rounded."""
        if self.start is not None:
            number = type(self.start)
            if all(float(self.start + number(t)) - float(self.start) == t for t in (h, -h, 2 * h, -2 * h)):
                return 0.0
        return 4 * self.unit * self.size / h

    def steps(self) -> list[float]:
        """Return steps of all magnitudes, the smallest first, as powers of two, which are exact."""
        scale = max(1.0, self.size)
        floor = 16 * self.unit * self.size  # at 0 itself, numbers are close together
        decades = [self.first * scale * 10.0**k for k in range(-10, 8)]
        decades += [] if self.size else [1e-20, 1e-25, 1e-30] if self.unit > 1e-10 else [1e-25, 1e-50, 1e-100]
        relative = [self.size * 10.0**k for k in (-1, -2, -4, -6)]
        absolute = [10.0**k for k in range(-6, 0)]
        return sorted({_power_of_two(h) for h in (*decades, *relative, *absolute) if floor <= h <= 1e4 * scale and h})


def _power_of_two(h: float) -> float:
    return float(2.0 ** np.round(np.log2(h)))


@dataclass(slots=True)
class Judged:
    """What was found for each value: which kind of point, its slopes, and whether the gradient is right.

    `kind` is smooth, kink, jump, edge, infinite, undefined (the value is NaN) or unclear.
    """

    kind: np.ndarray[Any, Any]
    numeric: Vector
    error: Vector
    left: Vector
    right: Vector
    fits: np.ndarray[Any, Any]


class _Steps:
    """The differences of one or more steps: arrays of (steps, values)."""

    def __init__(self, line: Line, steps: list[float], value: Vector, size: Vector, units: Vector) -> None:
        h = self.h = np.asarray(steps)[:, None]
        self.small = h <= max(1e-2, 4 * line.first) * max(1.0, line.size)
        drawn = [[line.values(t) for t in (s, -s, 2 * s, -2 * s)] for s in steps]
        ahead, behind, far, back = (np.stack([row[k][0] for row in drawn]) for k in range(4))
        sizes = [np.max([size, *(np.where(np.isfinite(m), m, 0.0) for _, m in row)], axis=0) for row in drawn]
        self.spread = 4 * units * np.stack(sizes)  # what rounding alone may change a value by
        noise = self.spread / h
        near, wide = (ahead - behind) / (2 * h), (far - back) / (4 * h)
        self.central = (4 * near - wide) / 3
        rounded = np.asarray([line.inexact(s) for s in steps])[:, None]
        self.error = np.abs(near - wide) + noise + rounded * np.abs(self.central)
        self.right_first, self.left_first = (ahead - value) / h, (value - behind) / h
        self.right = 2 * self.right_first - (far - value) / (2 * h)
        self.left = 2 * self.left_first - (value - back) / (2 * h)
        self.right_error = np.abs(self.right - self.right_first) + 3 * noise
        self.left_error = np.abs(self.left - self.left_first) + 3 * noise
        self.right_piece, self.left_piece = (far - ahead) / h, (behind - back) / h
        self.rise, self.fall = np.abs(ahead - value), np.abs(value - behind)
        self.constant = (ahead == value) & (behind == value) & (far == value) & (back == value)

    def bent(self, within: Tolerance) -> np.ndarray[Any, Any]:
        """Return where the slopes to the two sides differ by more than they are unsure of."""
        gap = np.abs(self.right - self.left)
        return np.asarray(gap > self.right_error + self.left_error + within(self.central))


def judge(line: Line, slopes: Vector, value: Vector, size: Vector, units: Vector, within: Tolerance) -> Judged:
    """Return what differences along a line say about `slopes`, those that the gradient has."""
    with np.errstate(all="ignore"):
        first = _Steps(line, [_power_of_two(line.first * max(1.0, line.size))], value, size, units)
        judged = _smooth(first, slopes, within)
        enough = np.maximum(4 * within(judged.numeric), 1e-3 * within.limit(judged.numeric))
        sure = judged.fits & (judged.error <= enough) & ~first.bent(within)[0]
        if not sure.all():
            thorough = _of_all_steps(_Steps(line, line.steps(), value, size, units), slopes, value, within)
            for name in Judged.__slots__:
                np.copyto(getattr(judged, name), getattr(thorough, name), where=~sure)
    return judged


def _smooth(steps: _Steps, slopes: Vector, within: Tolerance) -> Judged:
    """Return the verdicts for smooth points, `kind` empty where the point is not seen to be one."""
    good = np.isfinite(steps.central) & (steps.error <= within.limit(steps.central)) & ~steps.bent(within)
    good &= ~_beyond_a_kink(steps, within)
    numeric, error = _chosen(_informed(good, steps), steps.central, _compared(good, steps), within)
    found = np.isfinite(numeric)
    fits = found & (np.abs(slopes - numeric) <= within(numeric) + error)
    return Judged(np.where(found, np.array("smooth", object), ""), numeric, error, numeric.copy(), numeric.copy(), fits)


def _beyond_a_kink(steps: _Steps, within: Tolerance) -> Any:
    """Return the steps than which a smaller one sees a kink for sure, or that see across a jump."""
    gap = np.abs(steps.right - steps.left)
    clear = steps.bent(within) & (steps.right_error + steps.left_error <= gap / 10)
    again = clear[1:] & clear[:-1] & (np.abs(np.diff(gap, axis=0)) <= gap[1:] / 10)
    kinks = np.concatenate([again, np.zeros_like(clear[:1])])
    jumps = _stays(steps.rise, steps.spread) | _stays(steps.fall, steps.spread)
    return np.logical_or.accumulate(kinks, axis=0) | (jumps & (len(steps.h) > 1))


def _informed(good: Any, steps: _Steps) -> Any:
    """Return the good steps but for those in which nothing changes where another small one sees a change.

    Such a change may be lost to rounding on the way to the value.
    """
    seen = good & ~steps.constant & steps.small
    return np.where(seen.any(axis=0), good & ~steps.constant, good)


def _compared(good: Any, steps: _Steps) -> Vector:
    """Return the errors, with the rounding that only the disagreement of neighbours shows.

    What a step differs by from a larger one that is surer, it owes to rounding on the way to the value. The same
    rounding is in every smaller step, and counts the more there.
    """
    denied = np.abs(np.diff(steps.central, axis=0)) - steps.error[1:]
    hidden = np.where(good[1:] & good[:-1] & (denied > steps.error[:-1]), denied * steps.h[:-1], 0.0)
    error, spread = steps.error.copy(), np.zeros_like(steps.error[0])
    for k in reversed(range(len(hidden))):
        spread = np.where(good[k], np.maximum(spread, hidden[k]), 0.0)  # what is no slope parts small steps from large
        error[k] = np.maximum(error[k], spread / steps.h[k])
    return np.asarray(error)


def _chosen(good: Any, slope: Vector, error: Vector, within: Tolerance) -> list[Vector]:
    """Return slope and error of the best of the steps that agree with the smallest one that is as exact as is asked.

    A slope is a limit for small steps: large ones may be exact, and about something else.
    """
    exact = good & (error <= within(slope))
    first, its = _best(exact, np.broadcast_to(np.arange(len(good), dtype=float)[:, None], error.shape), slope, error)
    alike = good & (np.abs(slope - first) <= its + within(first))
    return _best(np.where(exact.any(axis=0), alike, good), error, slope, error)


def _best(good: Any, score: Vector, *columns: Vector) -> list[Vector]:
    """Return, of each column, the row with the lowest score among the good ones; NaN where there is none."""
    k = np.argmin(np.where(good, score, np.inf), axis=0)
    chosen = [np.take_along_axis(np.broadcast_to(c, score.shape), k[None], axis=0)[0] for c in columns]
    return [np.where(good.any(axis=0), c, np.nan) for c in chosen]


def _of_all_steps(steps: _Steps, slopes: Vector, value: Vector, within: Tolerance) -> Judged:
    """Return the verdicts; each question is put where those before it found no answer."""
    judged = _smooth(steps, slopes, within)
    for ask in (_constant, _kink, _undefined, _jump, _infinite, _edge):
        ask(judged, steps, slopes, value, within)
    guess, error = _best(np.isfinite(steps.central), steps.error, steps.central, steps.error)
    for kind, where in (("undefined", ~np.isfinite(value)), ("unclear", np.ones(value.shape, bool))):
        _settle(judged, where, kind, guess, guess, error, np.zeros(value.shape, bool))
    return judged


def _settle(judged: Judged, where: Any, kind: str, left: Vector, right: Vector, error: Vector, fits: Any) -> None:
    where = where & (judged.kind == "")
    judged.kind[where] = kind
    for column, values in ((judged.left, left), (judged.right, right), (judged.error, error)):
        np.copyto(column, values, where=where)
    np.copyto(judged.numeric, (left + right) / 2, where=where)
    judged.fits[where] = np.asarray(fits)[where]


def _ranked(error: Vector, wanted: Vector) -> Vector:
    """Return errors such that of those as small as is wanted the first has the lowest."""
    return np.asarray(np.maximum(error, wanted) + np.arange(len(error))[:, None] * 1e-6 * wanted)


def _between(slopes: Vector, left: Vector, right: Vector, slack: Vector) -> Any:
    lowest, highest = np.minimum(left, right), np.maximum(left, right)
    slack = np.where(np.isfinite(slack), slack, 0.0)
    return (slopes >= lowest - slack) & (slopes <= highest + slack)


def _constant(judged: Judged, steps: _Steps, slopes: Vector, value: Vector, within: Tolerance) -> None:
    """Settle values that do not change at all, however large: their slope is 0."""
    zero = np.zeros_like(slopes)
    _settle(judged, steps.constant.all(axis=0) & (slopes == 0), "smooth", zero, zero, zero, np.ones(len(zero), bool))


def _kink(judged: Judged, steps: _Steps, slopes: Vector, value: Vector, within: Tolerance) -> None:
    """Settle kinks: there is a slope to either side, and every gradient between the two is one."""
    sure = (steps.right_error <= within.limit(steps.right)) & (steps.left_error <= within.limit(steps.left))
    error = np.maximum(steps.left_error, steps.right_error)
    good = sure & np.isfinite(steps.right) & np.isfinite(steps.left) & steps.small
    left, right, its = _best(good, _ranked(error, within(steps.right)), steps.left, steps.right, error)
    slack = its + within(np.maximum(np.abs(left), np.abs(right)))
    fits = _between(slopes, left, right, slack)
    _settle(judged, good.any(axis=0) & (np.abs(left - right) <= slack), "smooth", left, right, its, fits)
    _settle(judged, good.any(axis=0), "kink", left, right, its, fits)


def _undefined(judged: Judged, steps: _Steps, slopes: Vector, value: Vector, within: Tolerance) -> None:
    """Settle values of NaN: they have no slope."""
    nan = np.full_like(slopes, np.nan)
    _settle(judged, np.isnan(value), "undefined", nan, nan, nan, np.zeros(len(nan), bool))


def _small_and_middle(change: Vector, spread: Vector) -> tuple[Any, Any, Any]:
    """Return the first step at which a change is no rounding, one halfway from there, and whether there is a first."""
    clear = change > 10 * spread
    first = np.argmax(clear, axis=0)
    return first[None], (first + (len(change) - first) // 2)[None], clear.any(axis=0)


def _stays(change: Vector, spread: Vector) -> Any:
    """Return where a change is as large at the smallest step as at any up to one that is much larger."""
    small, middle, clear = _small_and_middle(change, spread)
    most = np.take_along_axis(np.maximum.accumulate(change, axis=0), middle, axis=0)[0]
    return clear & (small[0] == 0) & (change[0] > 0.9 * most)


def _jump(judged: Judged, steps: _Steps, slopes: Vector, value: Vector, within: Tolerance) -> None:
    """Settle jumps: the slopes are those of the two pieces, measured beside it."""
    finite = np.isfinite(value) & np.isfinite(steps.rise).all(axis=0) & np.isfinite(steps.fall).all(axis=0)
    jumps = finite & (_stays(steps.rise, steps.spread) | _stays(steps.fall, steps.spread))
    sides = []
    for piece in (steps.left_piece, steps.right_piece):
        e = np.abs(piece[1:] - piece[:-1]) + 2 * steps.spread[:-1] / steps.h[:-1]
        sides.append(_best(np.isfinite(piece[:-1]) & steps.small[:-1], e, piece[:-1], e))
    (left, left_error), (right, right_error) = sides
    error = np.maximum(left_error, right_error)
    slack = error + within(np.maximum(np.abs(left), np.abs(right)))
    sure = error <= within.limit(np.maximum(np.abs(left), np.abs(right)))
    _settle(judged, jumps & sure, "jump", left, right, error, _between(slopes, left, right, slack))


def _limit(slope: Vector, change: Vector, spread: Vector) -> tuple[Vector, Any]:
    """Return what a slope becomes as the step shrinks, and where it grows without bound."""
    small, middle, clear = _small_and_middle(change, spread)
    at = [np.take_along_axis(slope, k, axis=0)[0] for k in (small, middle)]
    grows = np.isinf(slope[0]) | (np.isfinite(at[0]) & clear & (np.abs(at[0]) > 1.2 * np.abs(at[1])))
    return np.where(grows, np.copysign(np.inf, at[0]), at[0]), grows


def _infinite(judged: Judged, steps: _Steps, slopes: Vector, value: Vector, within: Tolerance) -> None:
    """Settle slopes that grow without bound: they are infinite. The other side may be outside the domain."""
    left, falls = _limit(steps.left_first, steps.fall, steps.spread)
    right, rises = _limit(steps.right_first, steps.rise, steps.spread)
    left, right = np.where(np.isnan(left), right, left), np.where(np.isnan(right), left, right)
    zero = np.zeros_like(slopes)
    _settle(judged, falls | rises, "infinite", left, right, zero, _between(slopes, left, right, zero))


def _edge(judged: Judged, steps: _Steps, slopes: Vector, value: Vector, within: Tolerance) -> None:
    """Settle edges of the domain: the slope is that of the one side."""
    for its, error, other in (
        (steps.right, steps.right_error, steps.left),
        (steps.left, steps.left_error, steps.right),
    ):
        good = np.isfinite(its) & ~np.isfinite(other[0]) & (error <= within.limit(its)) & steps.small
        slope, sure = _best(good, _ranked(error, within(its)), its, error)
        fits = np.abs(slopes - slope) <= within(slope) + sure
        _settle(judged, good.any(axis=0), "edge", slope, slope, sure, fits)
