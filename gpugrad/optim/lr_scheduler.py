"""Schedules of the learning rate: each says what the rate is after so many epochs, and sets it in every group.

A schedule changes the rate by the ratio of two neighbouring values, as PyTorch's do, so that several schedules, or
a user who changes ``group["lr"]`` in between, act together. Only LambdaLR sets it outright.
"""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gpugrad.errors import OptionError
from gpugrad.optim.optimizer import Optimizer

__all__ = ["CosineAnnealingLR", "LRScheduler", "LambdaLR", "LinearLR", "SequentialLR", "StepLR"]


class LRScheduler(ABC):
    """Sets the learning rates of an optimizer; call `step` once per epoch, after the optimizer's.

    `last_epoch` is -1 for a new run. A run that is taken up again passes the epoch it had reached; then every
    group must have its ``initial_lr``, as it has after the optimizer's state was loaded.
    """

    floor = 0.0
    """What the rate is measured from when it changes by a ratio."""

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"a schedule needs an optimizer, not {type(optimizer).__name__}")
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise OptionError(f"last_epoch is {last_epoch}, but group {i} has no 'initial_lr' to resume from")
        self.optimizer = optimizer
        self.base_lrs = [float(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch + 1
        self._step_count = 1
        self._steps_before = optimizer._step_count
        following = self._first if last_epoch == -1 else self._next
        self._set([following(i, group["lr"]) for i, group in enumerate(optimizer.param_groups)])

    @abstractmethod
    def _at(self, epoch: int, index: int) -> float:
        """Return the rate of a group after so many epochs, from its base alone."""

    def _first(self, index: int, lr: float) -> float:
        """Return the rate to begin with, where another schedule may have begun already."""
        base = self.base_lrs[index]
        return lr * (self._at(0, index) / base) if base else lr

    def _next(self, index: int, lr: float) -> float:
        """Return the rate that follows `lr` now that `last_epoch` has been counted up."""
        if self.last_epoch == 0:
            return self._at(0, index)
        before, now = (self._at(self.last_epoch - back, index) - self.floor for back in (1, 0))
        if before == now:
            return lr
        return self.floor + (now if before == 0 else (lr - self.floor) * (now / before))

    def _set(self, lrs: Sequence[float]) -> None:
        for group, lr in zip(self.optimizer.param_groups, lrs, strict=True):
            group["lr"] = lr
        self._last_lr = list(lrs)

    def step(self) -> None:
        """Count one more epoch and set the learning rates."""
        if self._step_count == 1 and self.optimizer._step_count == self._steps_before:
            warnings.warn(
                "lr_scheduler.step() was called before optimizer.step(); the first value of the schedule is skipped. "
                "Call optimizer.step() first",
                UserWarning,
                stacklevel=2,
            )
        self._step_count += 1
        self.last_epoch += 1
        self._set([self._next(i, group["lr"]) for i, group in enumerate(self.optimizer.param_groups)])

    def get_last_lr(self) -> list[float]:
        """Return the learning rates that were set last, one for each group."""
        return self._last_lr

    def state_dict(self) -> dict[str, Any]:
        """Return what the schedule needs to be taken up again; functions are not part of it."""
        return {k: v for k, v in vars(self).items() if k not in ("optimizer", "lr_lambdas", "_steps_before")}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a `state_dict`."""
        vars(self).update(state_dict)


class StepLR(LRScheduler):
    """Multiplies the rate by `gamma` every `step_size` epochs.

    >>> import gpugrad
    >>> optimizer = gpugrad.optim.SGD([gpugrad.ones(1, requires_grad=True)], lr=1.0)
    >>> schedule = StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for _ in range(4):
    ...     optimizer.step()
    ...     schedule.step()
    >>> schedule.get_last_lr()
    [0.25]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        if step_size < 1:
            raise OptionError(f"step_size must be at least 1, not {step_size!r}")
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def _at(self, epoch: int, index: int) -> float:
        return self.base_lrs[index] * self.gamma ** (epoch // self.step_size)


class LinearLR(LRScheduler):
    """Goes evenly from start_factor to end_factor times the rate in `total_iters` epochs: a warm-up.

    >>> import gpugrad
    >>> optimizer = gpugrad.optim.SGD([gpugrad.ones(1, requires_grad=True)], lr=1.0)
    >>> LinearLR(optimizer, start_factor=0.25, total_iters=3).get_last_lr()
    [0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise OptionError(f"start_factor must be above 0 and at most 1, not {start_factor!r}")
        if not 0 <= end_factor <= 1:
            raise OptionError(f"end_factor must be from 0 to 1, not {end_factor!r}")
        if total_iters < 1:
            raise OptionError(f"total_iters must be at least 1, not {total_iters!r}")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def _at(self, epoch: int, index: int) -> float:
        way = min(epoch, self.total_iters) / self.total_iters
        return self.base_lrs[index] * (self.start_factor + (self.end_factor - self.start_factor) * way)


class CosineAnnealingLR(LRScheduler):
    """Goes from the rate to `eta_min` along half a cosine in `T_max` epochs (Loshchilov and Hutter, 2017).

    >>> import gpugrad
    >>> optimizer = gpugrad.optim.SGD([gpugrad.ones(1, requires_grad=True)], lr=1.0)
    >>> CosineAnnealingLR(optimizer, T_max=10).get_last_lr()
    [1.0]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        if T_max < 1:
            raise OptionError(f"T_max must be at least 1, not {T_max!r}")
        self.T_max, self.eta_min, self.floor = T_max, eta_min, eta_min
        super().__init__(optimizer, last_epoch)

    def _at(self, epoch: int, index: int) -> float:
        if epoch % (2 * self.T_max) == self.T_max:
            return self.eta_min  # the cosine itself misses -1 by a rounding error
        half = (1 + math.cos(math.pi * epoch / self.T_max)) / 2
        return self.eta_min + (self.base_lrs[index] - self.eta_min) * half


class LambdaLR(LRScheduler):
    """Sets the rate to its base times a function of the epoch, one function for all groups or one for each.

    >>> import gpugrad
    >>> optimizer = gpugrad.optim.SGD([gpugrad.ones(1, requires_grad=True)], lr=0.5)
    >>> LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch)).get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        groups = len(optimizer.param_groups)
        self.lr_lambdas = [lr_lambda] * groups if callable(lr_lambda) else list(lr_lambda)
        if len(self.lr_lambdas) != groups:
            raise OptionError(f"lr_lambda has {len(self.lr_lambdas)} functions for {groups} parameter groups")
        super().__init__(optimizer, last_epoch)

    def _at(self, epoch: int, index: int) -> float:
        return self.base_lrs[index] * self.lr_lambdas[index](epoch)

    def _next(self, index: int, lr: float) -> float:
        return self._at(self.last_epoch, index)

    _first = _next


class SequentialLR(LRScheduler):
    """Runs one schedule after the other; `milestones` are the epochs at which the next begins, from its own epoch 0.

    >>> import gpugrad
    >>> optimizer = gpugrad.optim.SGD([gpugrad.ones(1, requires_grad=True)], lr=1.0)
    >>> warm_up = LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> schedule = SequentialLR(optimizer, [warm_up, CosineAnnealingLR(optimizer, T_max=8)], milestones=[2])
    >>> schedule.get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        if len(milestones) != len(schedulers) - 1:
            raise OptionError(f"{len(schedulers)} schedulers need {len(schedulers) - 1} milestones, not {milestones!r}")
        if list(milestones) != sorted(milestones):
            raise OptionError(f"milestones must increase, not {milestones!r}")
        if any(s.optimizer is not optimizer for s in schedulers):
            raise OptionError("the schedulers must all be of the optimizer that SequentialLR is given")
        self.schedulers, self.milestones = list(schedulers), list(milestones)
        super().__init__(optimizer, last_epoch)

    def _turn(self, epoch: int) -> tuple[LRScheduler, int]:
        """Return the schedule in charge at an epoch, and the epoch in its own count."""
        number = bisect_right(self.milestones, epoch)
        return self.schedulers[number], epoch - (self.milestones[number - 1] if number else 0)

    def _at(self, epoch: int, index: int) -> float:
        schedule, own_epoch = self._turn(epoch)
        return schedule._at(own_epoch, index)

    def _next(self, index: int, lr: float) -> float:
        schedule, own_epoch = self._turn(self.last_epoch)
        schedule.last_epoch = own_epoch
        return schedule._next(index, lr)

    _first = _next

    def _set(self, lrs: Sequence[float]) -> None:
        super()._set(lrs)
        self._turn(self.last_epoch)[0]._last_lr = list(lrs)

    def state_dict(self) -> dict[str, Any]:
        """Return what the schedules need to be taken up again."""
        return {**super().state_dict(), "schedulers": [s.state_dict() for s in self.schedulers]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a `state_dict`."""
        for schedule, state in zip(self.schedulers, state_dict["schedulers"], strict=True):
            schedule.load_state_dict(state)
        vars(self).update({k: v for k, v in state_dict.items() if k != "schedulers"})
