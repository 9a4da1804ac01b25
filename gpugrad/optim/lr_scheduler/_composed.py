"""Schedules of schedules: one after the other, or all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from gpugrad.errors import OptionError
from gpugrad.optim.lr_scheduler._base import LRScheduler
from gpugrad.optim.lr_scheduler._plateau import ReduceLROnPlateau
from gpugrad.optim.optimizer import Optimizer
from gpugrad.optim.schedules import Schedule, sequential

__all__ = ["ChainedScheduler", "SequentialLR"]


def _check_alike(name: str, schedulers: Sequence[LRScheduler], optimizer: Any) -> None:
    """Raise unless there are schedules, all of them of the optimizer, that go by the epoch alone."""
    if not schedulers:
        raise OptionError(f"{name} needs at least one schedule")
    for i, schedule in enumerate(schedulers):
        if isinstance(schedule, ReduceLROnPlateau):
            raise OptionError(f"{name}: schedule {i} is ReduceLROnPlateau, which needs a metric at every step")
        if schedule.optimizer is not (optimizer or schedulers[0].optimizer):
            raise OptionError(
                f"{name}: schedule {i} is of another optimizer; all must be of the optimizer that {name} is given"
            )


def _load_all(whole: LRScheduler, schedulers: Sequence[LRScheduler], state_dict: Mapping[str, Any]) -> None:
    for schedule, state in zip(schedulers, state_dict["schedulers"], strict=True):
        schedule.load_state_dict(state)
    vars(whole).update({k: v for k, v in state_dict.items() if k != "schedulers"})


class SequentialLR(LRScheduler):
    """Runs one schedule after the other; `milestones` are the epochs at which the next begins, from its own epoch 0.

    >>> import gpugrad
    >>> optimizer = gpugrad.optim.SGD([gpugrad.ones(1, requires_grad=True)], lr=1.0)
    >>> from gpugrad.optim.lr_scheduler import CosineAnnealingLR, LinearLR
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
        _check_alike("SequentialLR", schedulers, optimizer)
        self.schedulers, self.milestones = list(schedulers), list(milestones)
        super().__init__(optimizer, last_epoch)

    def _turn(self, epoch: float) -> tuple[LRScheduler, float]:
        """Return the schedule in charge at an epoch, and the epoch in its own count."""
        number = bisect_right(self.milestones, epoch)
        return self.schedulers[number], epoch - (self.milestones[number - 1] if number else 0)

    def as_function(self, group: int = 0) -> Schedule:
        """Return the rate of a group as a function of the epochs done."""
        return sequential([schedule.as_function(group) for schedule in self.schedulers], self.milestones)

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
        _load_all(self, self.schedulers, state_dict)


class ChainedScheduler(LRScheduler):
    """Steps several schedules at once: the rate is the base times what each of them makes of it.

    >>> import gpugrad
    >>> optimizer = gpugrad.optim.SGD([gpugrad.ones(1, requires_grad=True)], lr=1.0)
    >>> from gpugrad.optim.lr_scheduler import ConstantLR, ExponentialLR
    >>> schedule = ChainedScheduler([ConstantLR(optimizer, factor=0.5), ExponentialLR(optimizer, gamma=0.5)])
    >>> optimizer.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.25]
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self.schedulers = list(schedulers)
        _check_alike("ChainedScheduler", self.schedulers, optimizer)
        self.optimizer = self.schedulers[0].optimizer
        self.last_epoch = self.schedulers[0].last_epoch
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def as_function(self, group: int = 0) -> Schedule:
        """Return the rate of a group as a function of the epochs done: the base times every schedule's ratio to it."""
        base = self.schedulers[0].base_lrs[group]
        functions = [schedule.as_function(group) for schedule in self.schedulers]

        def rate(epoch: Any) -> Any:
            value = base
            for function in functions:
                value = value * (function(epoch) / base)
            return value

        return rate

    def step(self, epoch: float | None = None) -> None:
        """Step every schedule, in order."""
        if epoch is not None:
            raise OptionError(
                "ChainedScheduler cannot go to an epoch: its schedules act on the rate one after the other"
            )
        for schedule in self.schedulers:
            schedule.step()
        self.last_epoch += 1
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Return what the schedules need to be taken up again."""
        return {**super().state_dict(), "schedulers": [s.state_dict() for s in self.schedulers]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a `state_dict`."""
        _load_all(self, self.schedulers, state_dict)
