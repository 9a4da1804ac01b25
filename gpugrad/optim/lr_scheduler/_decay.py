"""Schedules that go down, or up to begin with, by a plain formula: in stairs, evenly, by a factor, by a power."""

from __future__ import annotations

from collections.abc import Sequence

from gpugrad.optim import schedules
from gpugrad.optim.lr_scheduler._base import LRScheduler
from gpugrad.optim.optimizer import Optimizer
from gpugrad.optim.schedules import Schedule

__all__ = ["ConstantLR", "ExponentialLR", "LinearLR", "MultiStepLR", "PolynomialLR", "StepLR"]


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
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def as_function(self, group: int = 0) -> Schedule:
        """Return the rate of a group as a function of the epochs done."""
        return schedules.step_decay(self.base_lrs[group], self.step_size, self.gamma)


class MultiStepLR(LRScheduler):
    """Multiplies the rate by `gamma` at each of the epochs in `milestones`.

    >>> import gpugrad
    >>> optimizer = gpugrad.optim.SGD([gpugrad.ones(1, requires_grad=True)], lr=1.0)
    >>> MultiStepLR(optimizer, milestones=[30, 80]).as_function()(40)
    0.1
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        if isinstance(milestones, int):
            raise TypeError(f"MultiStepLR: milestones is {milestones}; it must be a list of epochs")
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def as_function(self, group: int = 0) -> Schedule:
        """Return the rate of a group as a function of the epochs done."""
        return schedules.multi_step(self.base_lrs[group], self.milestones, self.gamma)


class ConstantLR(LRScheduler):
    """Multiplies the rate by `factor` until epoch `total_iters`, when it becomes what it is without.

    >>> import gpugrad
    >>> optimizer = gpugrad.optim.SGD([gpugrad.ones(1, requires_grad=True)], lr=1.0)
    >>> ConstantLR(optimizer, factor=0.5).get_last_lr()
    [0.5]
    """

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def as_function(self, group: int = 0) -> Schedule:
        """Return the rate of a group as a function of the epochs done."""
        return schedules.constant(self.base_lrs[group], self.factor, self.total_iters)


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
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def as_function(self, group: int = 0) -> Schedule:
        """Return the rate of a group as a function of the epochs done."""
        return schedules.linear(self.base_lrs[group], self.start_factor, self.end_factor, self.total_iters)


class ExponentialLR(LRScheduler):
    """Multiplies the rate by `gamma` every epoch.

    >>> import gpugrad
    >>> optimizer = gpugrad.optim.SGD([gpugrad.ones(1, requires_grad=True)], lr=1.0)
    >>> ExponentialLR(optimizer, gamma=0.5).as_function()(3)
    0.125
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def as_function(self, group: int = 0) -> Schedule:
        """Return the rate of a group as a function of the epochs done."""
        return schedules.exponential(self.base_lrs[group], self.gamma)


class PolynomialLR(LRScheduler):
    """Goes to 0 in `total_iters` epochs as (1 - epochs / total_iters) ** power.

    >>> import gpugrad
    >>> optimizer = gpugrad.optim.SGD([gpugrad.ones(1, requires_grad=True)], lr=1.0)
    >>> PolynomialLR(optimizer, total_iters=4, power=2.0).as_function()(2)
    0.25
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def as_function(self, group: int = 0) -> Schedule:
        """Return the rate of a group as a function of the epochs done."""
        return schedules.polynomial(self.base_lrs[group], self.total_iters, self.power)
