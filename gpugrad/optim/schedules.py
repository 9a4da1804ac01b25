"""Learning rates as functions of the step: of a number, or of a tensor, which then never leaves its device.

Each function returns another one, from the count of steps (or epochs) done to the rate. The classes of
`gpugrad.optim.lr_scheduler` set what these functions say; a training step that is captured calls them itself.

>>> import gpugrad
>>> rate = cosine_annealing(0.1, T_max=10)
>>> rate(0), rate(5), rate(10)
(0.1, 0.05, 0.0)
>>> rate(gpugrad.tensor(5))
tensor(0.0500)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from gpugrad._graph import namespace_of
from gpugrad._op import TENSORS
from gpugrad.backends import default_float
from gpugrad.errors import OptionError

__all__ = [
    "Schedule",
    "constant",
    "cosine_annealing",
    "cosine_annealing_warm_restarts",
    "cyclic",
    "exponential",
    "linear",
    "multi_step",
    "one_cycle",
    "polynomial",
    "sequential",
    "step_decay",
]

Schedule = Callable[[Any], Any]
"""From steps done to a rate: of a number a float, of a Tensor of any shape a Tensor on its device."""


class _Numbers:
    """What the formulas are made of, for Python numbers."""

    cos, minimum = math.cos, min

    @staticmethod
    def floor(x: float) -> float:
        return float(math.floor(x))

    @staticmethod
    def log(x: float) -> float:
        return math.log(x)

    @staticmethod
    def choose(condition: bool, x: float, y: float) -> float:
        return x if condition else y


class _Tensors:
    """The same for Tensors, element by element."""

    def __init__(self, xp: Any) -> None:
        self.cos, self.minimum, self.floor, self.log, self.choose = xp.cos, xp.minimum, xp.floor, xp.log, xp.where


def _schedule(formula: Callable[[Any, Any], Any]) -> Schedule:
    """Return a formula of the step and of what it is made of as a function of the step alone."""

    def rate(step: Any) -> Any:
        if type(step) not in TENSORS:
            return formula(step, _Numbers)
        xp = namespace_of(step)
        exact = xp.astype(step, xp.float64)  # float32 would lose whole steps beyond 16 million
        return xp.astype(formula(exact, _Tensors(xp)) + 0 * exact, default_float)

    return rate


def _at_least_one(**counts: Any) -> None:
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 1:
            raise OptionError(f"{name} must be at least 1, not {value!r}")


def step_decay(lr: float, step_size: int, gamma: float = 0.1) -> Schedule:
    """Return lr * gamma ** (steps // step_size).

    >>> [step_decay(8.0, step_size=2, gamma=0.5)(n) for n in range(5)]
    [8.0, 8.0, 4.0, 4.0, 2.0]
    """
    _at_least_one(step_size=step_size)
    return _schedule(lambda t, f: lr * gamma ** f.floor(t / step_size))


def multi_step(lr: float, milestones: Sequence[int], gamma: float = 0.1) -> Schedule:
    """Return lr times gamma for each milestone that has been reached; one named twice counts twice.

    >>> [multi_step(8.0, [1, 3], gamma=0.5)(n) for n in range(5)]
    [8.0, 4.0, 4.0, 2.0, 2.0]
    """
    reached = sorted(milestones)

    def formula(t: Any, f: Any) -> Any:
        passed = 0.0
        for milestone in reached:
            passed = passed + f.choose(t >= milestone, 1.0 + 0 * t, 0.0 * t)
        return lr * gamma**passed

    return _schedule(formula)


def constant(lr: float, factor: float = 1.0 / 3, total_iters: int = 5) -> Schedule:
    """Return lr * factor before step `total_iters`, and lr from then on.

    >>> [constant(8.0, factor=0.5, total_iters=2)(n) for n in range(4)]
    [4.0, 4.0, 8.0, 8.0]
    """
    if not 0 <= factor <= 1:
        raise OptionError(f"factor must be from 0 to 1, not {factor!r}")
    return _schedule(lambda t, f: f.choose(t < total_iters, lr * factor + 0 * t, lr + 0.0 * t))


def linear(lr: float, start_factor: float = 1.0 / 3, end_factor: float = 1.0, total_iters: int = 5) -> Schedule:
    """Return what goes evenly from start_factor to end_factor times lr in `total_iters` steps: a warm-up.

    >>> [linear(8.0, start_factor=0.25, total_iters=3)(n) for n in range(5)]
    [2.0, 4.0, 6.0, 8.0, 8.0]
    """
    if not 0 < start_factor <= 1:
        raise OptionError(f"start_factor must be above 0 and at most 1, not {start_factor!r}")
    if not 0 <= end_factor <= 1:
        raise OptionError(f"end_factor must be from 0 to 1, not {end_factor!r}")
    _at_least_one(total_iters=total_iters)
    rise = end_factor - start_factor
    return _schedule(lambda t, f: lr * (start_factor + rise * (f.minimum(t, total_iters) / total_iters)))


def exponential(lr: float, gamma: float) -> Schedule:
    """Return lr * gamma ** steps.

    >>> exponential(8.0, gamma=0.5)(3)
    1.0
    """
    return _schedule(lambda t, f: lr * gamma**t)


def polynomial(lr: float, total_iters: int = 5, power: float = 1.0) -> Schedule:
    """Return lr * (1 - steps / total_iters) ** power, and 0 after `total_iters` steps.

    >>> [polynomial(8.0, total_iters=2, power=2.0)(n) for n in range(4)]
    [8.0, 2.0, 0.0, 0.0]
    """
    _at_least_one(total_iters=total_iters)
    return _schedule(lambda t, f: lr * (1 - f.minimum(t, total_iters) / total_iters) ** power)


def _half_cosine(start: Any, end: Any, way: Any, f: Any) -> Any:
    """Return a value on its way from start to end along half a cosine, exact at both."""
    c = f.cos(math.pi * way)
    return f.choose(way < 0.5, start + (end - start) * ((1 - c) / 2), end + (start - end) * ((1 + c) / 2))


def cosine_annealing(lr: float, T_max: int, eta_min: float = 0.0) -> Schedule:
    """Return what goes from lr to `eta_min` along half a cosine in `T_max` steps, and back (Loshchilov, Hutter, 2017).

    >>> cosine_annealing(4.0, T_max=2, eta_min=2.0)(2)
    2.0
    """
    _at_least_one(T_max=T_max)

    def formula(t: Any, f: Any) -> Any:
        way = t / T_max
        way = way - 2 * f.floor(way / 2)
        return _half_cosine(lr, eta_min, way, f)

    return _schedule(formula)


def cosine_annealing_warm_restarts(lr: float, T_0: int, T_mult: int = 1, eta_min: float = 0.0) -> Schedule:
    """Return half a cosine from lr to `eta_min` again and again, the first T_0 steps long, each T_mult times the last.

    Loshchilov and Hutter (2017). The step may be a fraction: of an epoch, say.

    >>> [round(cosine_annealing_warm_restarts(4.0, T_0=2, T_mult=2)(n), 4) for n in range(7)]
    [4.0, 2.0, 4.0, 3.4142, 2.0, 0.5858, 4.0]
    """
    for name, value in (("T_0", T_0), ("T_mult", T_mult)):
        if type(value) is not int or value < 1:
            raise OptionError(f"{name} must be an integer of at least 1, not {value!r}")

    def formula(t: Any, f: Any) -> Any:
        if T_mult == 1:
            return _half_cosine(lr, eta_min, t / T_0 - f.floor(t / T_0), f)
        # Before cycle n lie T_0 (T_mult**n - 1) / (T_mult - 1) steps; the logarithm may be off by its last digit.
        done = t * ((T_mult - 1) / T_0) + 1
        n = f.floor(f.log(done) / math.log(T_mult) + 0.5)
        n = f.choose(T_mult**n > done, n - 1, n)
        n = f.choose(T_mult ** (n + 1) <= done, n + 1, n)
        length = T_0 * T_mult**n
        start = (length - T_0) / (T_mult - 1)
        return _half_cosine(lr, eta_min, (t - start) / length, f)

    return _schedule(formula)


def cyclic(
    base_lr: float,
    max_lr: float,
    step_size_up: int = 2000,
    step_size_down: int | None = None,
    mode: str = "triangular",
    gamma: float = 1.0,
    scale_fn: Callable[[Any], Any] | None = None,
    scale_mode: str = "cycle",
) -> Schedule:
    """Return what goes up from base_lr to max_lr and down again, cycle after cycle (Smith, 2017).

    The height of a cycle is as it is in mode "triangular", halved with each cycle in "triangular2", and times
    gamma ** steps in "exp_range"; or what `scale_fn` says of the number of the cycle, from 1 on, or, with the
    `scale_mode` "iterations", of the steps.

    >>> [cyclic(1.0, 3.0, step_size_up=2, mode="triangular2")(n) for n in range(7)]
    [1.0, 2.0, 3.0, 2.0, 1.0, 1.5, 2.0]
    """
    down = step_size_up if step_size_down is None else step_size_down
    _at_least_one(step_size_up=step_size_up, step_size_down=down)
    if scale_fn is None and mode not in ("triangular", "triangular2", "exp_range"):
        raise OptionError(f"mode must be 'triangular', 'triangular2' or 'exp_range', not {mode!r}")
    if scale_mode not in ("cycle", "iterations"):
        raise OptionError(f"scale_mode must be 'cycle' or 'iterations', not {scale_mode!r}")
    total = float(step_size_up + down)

    def scale(cycle: Any, t: Any) -> Any:
        if scale_fn is not None:
            return scale_fn(cycle if scale_mode == "cycle" else t)
        return {"triangular": 1.0, "triangular2": 0.5 ** (cycle - 1), "exp_range": gamma**t}[mode]

    def formula(t: Any, f: Any) -> Any:
        cycle = f.floor(1 + t / total)
        at = t - (cycle - 1) * total
        height = f.minimum(at / step_size_up, (total - at) / down)
        return base_lr + (max_lr - base_lr) * height * scale(cycle, t)

    return _schedule(formula)


def one_cycle(
    max_lr: float,
    total_steps: int,
    pct_start: float = 0.3,
    anneal_strategy: str = "cos",
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
    three_phase: bool = False,
) -> Schedule:
    """Return what rises from max_lr / div_factor to max_lr and falls far below where it began (Smith, Topin, 2019).

    The way up takes `pct_start` of the steps; with `three_phase` the way down to the first rate takes as many, and
    the rest goes on from there. The last rate is that of the first step over `final_div_factor`.

    >>> one_cycle(1.0, total_steps=10, anneal_strategy="linear", div_factor=2.0)(0)
    0.5
    """
    first = max_lr / div_factor
    points = one_cycle_points(
        (first, max_lr, first, first / final_div_factor), total_steps, pct_start, anneal_strategy, three_phase
    )
    return through_points(points, anneal_strategy)


def one_cycle_points(
    values: tuple[float, float, float, float],
    total_steps: int,
    pct_start: float,
    anneal_strategy: str,
    three_phase: bool,
) -> list[tuple[float, float]]:
    """Return the steps at which one cycle has its values: at the start, at the top, back, and in the end."""
    if anneal_strategy not in ("cos", "linear"):
        raise OptionError(f"anneal_strategy must be 'cos' or 'linear', not {anneal_strategy!r}")
    if not 0 <= pct_start <= 1:
        raise OptionError(f"pct_start must be from 0 to 1, not {pct_start!r}")
    _at_least_one(total_steps=total_steps)
    start, top, back, end = values
    up = pct_start * total_steps - 1
    if not three_phase:
        return [(0.0, start), (up, top), (total_steps - 1, end)]
    return [(0.0, start), (up, top), (2 * up, back), (total_steps - 1, end)]


def through_points(points: Sequence[tuple[float, float]], anneal_strategy: str) -> Schedule:
    """Return what goes through (step, value) points, along half a cosine or a line between each and the next."""

    def formula(t: Any, f: Any) -> Any:
        legs = list(pairwise(points))
        value = None
        for (begin, x), (end, y) in reversed(legs):
            way = (t - begin) / (end - begin) if end != begin else 1.0 + 0 * t
            here = _half_cosine(x, y, way, f) if anneal_strategy == "cos" else x + (y - x) * way
            value = here if value is None else f.choose(t <= end, here, value)
        return value

    return _schedule(formula)


def sequential(schedules: Sequence[Schedule], milestones: Sequence[int]) -> Schedule:
    """Return one schedule after the other; at each milestone the next begins, with its own step 0.

    >>> warm_up, decay = linear(8.0, start_factor=0.5, total_iters=2), exponential(8.0, gamma=0.5)
    >>> [sequential([warm_up, decay], [2])(n) for n in range(5)]
    [4.0, 6.0, 8.0, 4.0, 2.0]
    """
    if len(milestones) != len(schedules) - 1:
        raise OptionError(f"{len(schedules)} schedules need {len(schedules) - 1} milestones, not {milestones!r}")
    if list(milestones) != sorted(milestones):
        raise OptionError(f"milestones must increase, not {milestones!r}")

    def rate(step: Any) -> Any:
        value = schedules[0](step)
        for schedule, milestone in zip(schedules[1:], milestones, strict=True):
            if type(step) not in TENSORS:
                value = schedule(step - milestone) if step >= milestone else value
            else:
                xp = namespace_of(step)
                own = xp.maximum(step - milestone, 0)
                value = xp.where(step >= milestone, schedule(own), value)
        return value

    return rate
