"""Schedules that take the rate up and down, and the momentum down and up: in cycles, or once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gpugrad.errors import OptionError
from gpugrad.optim import schedules
from gpugrad.optim.lr_scheduler._base import LRScheduler, for_each_group
from gpugrad.optim.optimizer import Optimizer
from gpugrad.optim.schedules import Schedule

__all__ = ["CyclicLR", "OneCycleLR"]


def _momentum_of(optimizer: Any) -> str:
    """Return which option of an optimizer is its momentum."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"a schedule needs an optimizer, not {type(optimizer).__name__}")
    for name in ("betas", "momentum"):
        if name in optimizer.defaults:
            return name
    raise OptionError(f"{type(optimizer).__name__} has neither momentum nor betas to cycle; say cycle_momentum=False")


def _cycle_momentum(schedule: CyclicLR | OneCycleLR) -> None:
    """Set the momentum that belongs to the epoch in every group, if it is cycled."""
    if schedule.momentum is None:
        return
    for i, group in enumerate(schedule.optimizer.param_groups):
        value = float(schedule.momentum_as_function(i)(schedule.last_epoch))
        group[schedule.momentum] = (value, *group["betas"][1:]) if schedule.momentum == "betas" else value


class CyclicLR(LRScheduler):
    """Goes up from base_lr to max_lr and down again, cycle after cycle, the momentum against it (Smith, 2017).

    Call `step` after every batch. The heights of the cycles are those of `schedules.cyclic`. Rates and momenta may be
    given for each group.

    >>> import gpugrad
    >>> optimizer = gpugrad.optim.SGD([gpugrad.ones(1, requires_grad=True)], lr=1.0, momentum=0.9)
    >>> schedule = CyclicLR(optimizer, base_lr=0.25, max_lr=0.75, step_size_up=2)
    >>> optimizer.step()
    >>> schedule.step()
    >>> schedule.get_last_lr(), round(optimizer.param_groups[0]["momentum"], 4)
    ([0.5], 0.85)
    """

    outright = True

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | Sequence[float],
        max_lr: float | Sequence[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[Any], Any] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8,
        max_momentum: float | Sequence[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        self.momentum = _momentum_of(optimizer) if cycle_momentum else None
        self.lows = for_each_group("base_lr", base_lr, optimizer)
        self.max_lrs = for_each_group("max_lr", max_lr, optimizer)
        self.base_momentums = for_each_group("base_momentum", base_momentum, optimizer)
        self.max_momentums = for_each_group("max_momentum", max_momentum, optimizer)
        self.step_size_up, self.step_size_down = step_size_up, step_size_down
        self.mode, self.gamma, self.scale_fn, self.scale_mode = mode, gamma, scale_fn, scale_mode
        if mode == "exp_range" and scale_fn is None:
            self.scale_mode = "iterations"
        super().__init__(optimizer, last_epoch)
        self.base_lrs = self.lows

    def _cycle(self, low: float, high: float) -> Schedule:
        shape = self.step_size_up, self.step_size_down, self.mode, self.gamma, self.scale_fn, self.scale_mode
        return schedules.cyclic(low, high, *shape)

    def as_function(self, group: int = 0) -> Schedule:
        """Return the rate of a group as a function of the steps done."""
        return self._cycle(self.lows[group], self.max_lrs[group])

    def momentum_as_function(self, group: int = 0) -> Schedule:
        """Return the momentum of a group as a function of the steps done: low where the rate is high."""
        return self._cycle(self.max_momentums[group], self.base_momentums[group])

    def _set(self, lrs: Sequence[float]) -> None:
        super()._set(lrs)
        _cycle_momentum(self)

    def state_dict(self) -> dict[str, Any]:
        """Return what the schedule needs to be taken up again; a function of the user's is not part of it."""
        return {k: v for k, v in super().state_dict().items() if k != "scale_fn"}


class OneCycleLR(LRScheduler):
    """Takes the rate up to max_lr and far down, once, the momentum against it (Smith and Topin, 2019).

    Call `step` after every batch, `total_steps` (or epochs times steps_per_epoch) times in all; one more raises. The
    shape is that of `schedules.one_cycle`. Rates and momenta may be given for each group.

    >>> import gpugrad
    >>> optimizer = gpugrad.optim.AdamW([gpugrad.ones(1, requires_grad=True)], lr=1.0)
    >>> OneCycleLR(optimizer, max_lr=0.5, total_steps=100).get_last_lr()
    [0.02]
    """

    outright = True

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise OptionError("OneCycleLR needs total_steps, or both epochs and steps_per_epoch")
            total_steps = epochs * steps_per_epoch
        self.momentum = _momentum_of(optimizer) if cycle_momentum else None
        self.max_lrs = for_each_group("max_lr", max_lr, optimizer)
        self.base_momentums = for_each_group("base_momentum", base_momentum, optimizer)
        self.max_momentums = for_each_group("max_momentum", max_momentum, optimizer)
        self.total_steps, self.pct_start, self.anneal_strategy = total_steps, pct_start, anneal_strategy
        self.div_factor, self.final_div_factor, self.three_phase = div_factor, final_div_factor, three_phase
        super().__init__(optimizer, last_epoch)
        if last_epoch == -1:
            for group, high in zip(optimizer.param_groups, self.max_lrs, strict=True):
                group["initial_lr"] = high / div_factor
        self.base_lrs = [float(group["initial_lr"]) for group in optimizer.param_groups]

    def as_function(self, group: int = 0) -> Schedule:
        """Return the rate of a group as a function of the steps done."""
        shape = self.total_steps, self.pct_start, self.anneal_strategy
        return schedules.one_cycle(
            self.max_lrs[group], *shape, self.div_factor, self.final_div_factor, self.three_phase
        )

    def momentum_as_function(self, group: int = 0) -> Schedule:
        """Return the momentum of a group as a function of the steps done: low where the rate is high."""
        low, high = self.base_momentums[group], self.max_momentums[group]
        points = schedules.one_cycle_points(
            (high, low, high, high), self.total_steps, self.pct_start, self.anneal_strategy, self.three_phase
        )
        return schedules.through_points(points, self.anneal_strategy)

    def _next(self, index: int, lr: float) -> float:
        if self.last_epoch > self.total_steps:
            raise OptionError(f"OneCycleLR was made for {self.total_steps} steps, and is asked for {self.last_epoch}")
        return super()._next(index, lr)

    def _set(self, lrs: Sequence[float]) -> None:
        super()._set(lrs)
        _cycle_momentum(self)
