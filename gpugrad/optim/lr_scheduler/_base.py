"""What every schedule has: it counts epochs, and sets the rate in every group of an optimizer."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from gpugrad.errors import OptionError
from gpugrad.optim.optimizer import Optimizer
from gpugrad.optim.schedules import Schedule

__all__ = ["LRScheduler", "for_each_group"]


def for_each_group(name: str, value: Any, optimizer: Optimizer) -> list[float]:
    """Return a value for each group of parameters: the one that is given, or one by one."""
    groups = len(optimizer.param_groups)
    values = list(value) if isinstance(value, Sequence) else [value] * groups
    if len(values) != groups:
        raise OptionError(f"{name} has {len(values)} values for {groups} parameter groups")
    return [float(v) for v in values]


class LRScheduler(ABC):
    """Sets the learning rates of an optimizer; call `step` once per epoch, after the optimizer's.

    `last_epoch` is -1 for a new run. A run that is taken up again passes the epoch it had reached; then every
    group must have its ``initial_lr``, as it has after the optimizer's state was loaded.
    """

    floor = 0.0
    """What the rate is measured from when it changes by a ratio."""

    outright = False
    """Whether the rate is set to what the schedule says, whatever it was, and not changed by a ratio."""

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"a schedule needs an optimizer, not {type(optimizer).__name__}")
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch != -1 and "initial_lr" not in group:
                raise OptionError(f"last_epoch is {last_epoch}, but group {i} has no 'initial_lr' to resume from")
        self.optimizer = optimizer
        self.base_lrs = [float(group.get("initial_lr", group["lr"])) for group in optimizer.param_groups]
        for i in range(len(optimizer.param_groups)):
            self.as_function(i)  # which raises for options that make no sense, before anything is changed
        for group, lr in zip(optimizer.param_groups, self.base_lrs, strict=True):
            group.setdefault("initial_lr", lr)
        self.last_epoch: float = last_epoch + 1
        self._step_count = 1
        self._steps_before = optimizer._step_count
        following = self._first if last_epoch == -1 else self._next
        self._set([following(i, group["lr"]) for i, group in enumerate(optimizer.param_groups)])

    @abstractmethod
    def as_function(self, group: int = 0) -> Schedule:
        """Return the rate of a group as a function of the epochs (or steps) done, a number or a Tensor.

        It knows nothing of other schedules, nor of rates set by hand in between: a captured training step calls it.
        """

    def _at(self, epoch: float, index: int) -> float:
        """Return the rate of a group after so many epochs, from its base alone."""
        return float(self.as_function(index)(epoch))

    def _first(self, index: int, lr: float) -> float:
        """Return the rate to begin with, where another schedule may have begun already."""
        if self.outright:
            return self._at(self.last_epoch, index)
        base = self.base_lrs[index]
        return lr * (self._at(0, index) / base) if base else lr

    def _next(self, index: int, lr: float) -> float:
        """Return the rate that follows `lr` now that `last_epoch` has been counted up."""
        if self.outright or self.last_epoch == 0:
            return self._at(self.last_epoch, index)
        before, now = (self._at(self.last_epoch - back, index) - self.floor for back in (1, 0))
        if before == now:
            return lr
        return self.floor + (now if before == 0 else (lr - self.floor) * (now / before))

    def _set(self, lrs: Sequence[float]) -> None:
        for group, lr in zip(self.optimizer.param_groups, lrs, strict=True):
            group["lr"] = lr
        self._last_lr = list(lrs)

    def step(self, epoch: float | None = None) -> None:
        """Count one more epoch, or go to `epoch`, which may be a fraction, and set the learning rates."""
        if epoch is not None and epoch < 0:
            raise OptionError(f"epoch must be at least 0, not {epoch!r}")
        if self._step_count == 1 and self.optimizer._step_count == self._steps_before:
            warnings.warn(
                "lr_scheduler.step() was called before optimizer.step(); the first value of the schedule is skipped. "
                "Call optimizer.step() first",
                UserWarning,
                stacklevel=2,
            )
        before = self.last_epoch
        self.last_epoch = before + 1 if epoch is None else epoch
        groups = list(enumerate(self.optimizer.param_groups))
        try:
            lrs = [self._next(i, group["lr"]) if epoch is None else self._at(epoch, i) for i, group in groups]
        except BaseException:
            self.last_epoch = before  # an epoch that has no rate is not counted
            raise
        self._step_count += 1
        self._set(lrs)

    def get_last_lr(self) -> list[float]:
        """Return the learning rates that were set last, one for each group."""
        return self._last_lr

    def state_dict(self) -> dict[str, Any]:
        """Return what the schedule needs to be taken up again; functions are not part of it."""
        return {k: v for k, v in vars(self).items() if k not in ("optimizer", "lr_lambdas", "_steps_before")}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a `state_dict`."""
        vars(self).update(state_dict)
