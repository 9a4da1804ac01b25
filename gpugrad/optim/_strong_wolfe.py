"""A line search to the strong Wolfe conditions: far enough down, and the slope much flatter than at the start."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["Point", "strong_wolfe"]

_decrease, _curvature = 1e-4, 0.9


class Point(NamedTuple):
    """A point on the line: how far along, the loss there, its gradient, and its slope along the line."""

    t: float
    loss: float
    gradient: Any
    slope: float


def strong_wolfe(
    evaluate: Callable[[float], Point], start: Point, t: float, longest: float, tolerance: float, most: int
) -> tuple[Point, int]:
    """Return the point that the search ends at, and how many points it has looked at, `most` + 1 at the most.

    `t` is the first step to try, `longest` the largest element of the direction, and `tolerance` how short a bracket
    may become. Nocedal and Wright, Numerical Optimization (2006), algorithms 3.5 and 3.6, with minFunc's cubic steps
    (Schmidt, 2005), in PyTorch's form.
    """
    bracket, taken = _bracketed(evaluate, start, evaluate(t), most)
    if len(bracket) == 1:
        return bracket[0], taken
    low, stuck = _lower(bracket), False
    while taken <= most and abs(bracket[1].t - bracket[0].t) * longest >= tolerance:
        t, stuck = _trial(bracket, stuck)
        new = evaluate(t)
        taken += 1
        if _too_high(new, start) or new.loss >= bracket[low].loss:
            bracket[1 - low] = new
            low = _lower(bracket)
            continue
        if not _flat(new, start) and new.slope * (bracket[1 - low].t - bracket[low].t) >= 0:
            bracket[1 - low] = bracket[low]
        bracket[low] = new
        if _flat(new, start):
            break
    return bracket[low], taken


def _bracketed(evaluate: Callable[[float], Point], start: Point, new: Point, most: int) -> tuple[list[Point], int]:
    """Return two points with one between them that will do, or one that does, and how many were looked at."""
    previous = start
    for taken in range(1, most + 1):
        if _too_high(new, start) or (taken > 2 and new.loss >= previous.loss):
            return [previous, new], taken
        if _flat(new, start):
            return [new], taken
        if new.slope >= 0:
            return [previous, new], taken
        t = _cubic_minimum(previous, new, (new.t + 0.01 * (new.t - previous.t), new.t * 10))
        previous, new = new, evaluate(t)
    return [start, new], most + 1


def _too_high(point: Point, start: Point) -> bool:
    return point.loss > start.loss + _decrease * point.t * start.slope


def _flat(point: Point, start: Point) -> bool:
    return abs(point.slope) <= -_curvature * start.slope


def _lower(bracket: list[Point]) -> int:
    return 0 if bracket[0].loss <= bracket[1].loss else 1


def _trial(bracket: list[Point], stuck: bool) -> tuple[float, bool]:
    """Return where to look next, and whether it is close to an end of the bracket; the second time it is moved away."""
    least, most = sorted(point.t for point in bracket)
    t, margin = _cubic_minimum(bracket[0], bracket[1], (least, most)), 0.1 * (most - least)
    if min(most - t, t - least) >= margin:
        return t, False
    if stuck or t >= most or t <= least:
        return (most - margin if abs(t - most) < abs(t - least) else least + margin), False
    return t, True


def _cubic_minimum(a: Point, b: Point, bounds: tuple[float, float]) -> float:
    """Return where the cubic through two points with their slopes is least, within bounds; their middle without one."""
    if a.t > b.t:
        a, b = b, a
    middle = (bounds[0] + bounds[1]) / 2
    if a.t == b.t:
        return middle
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:
        return middle
    d2 = math.sqrt(square)
    divisor = b.slope - a.slope + 2 * d2
    t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / divisor) if divisor else math.nan
    return min(max(t, bounds[0]), bounds[1]) if math.isfinite(t) else middle
