"""Schedules along half a cosine, once or with restarts."""

from __future__ import annotations

from gpugrad.optim import schedules
from gpugrad.optim.lr_scheduler._base import LRScheduler
from gpugrad.optim.optimizer import Optimizer
from gpugrad.optim.schedules import Schedule

__all__ = ["CosineAnnealingLR", "CosineAnnealingWarmRestarts"]


class CosineAnnealingLR(LRScheduler):
    """Goes from the rate to `eta_min` along half a cosine in `T_max` epochs (Loshchilov and Hutter, 2017).

    >>> import gpugrad
    >>> optimizer = gpugrad.optim.SGD([gpugrad.ones(1, requires_grad=True)], lr=1.0)
    >>> CosineAnnealingLR(optimizer, T_max=10).get_last_lr()
    [1.0]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max, self.eta_min, self.floor = T_max, eta_min, eta_min
        super().__init__(optimizer, last_epoch)

    def as_function(self, group: int = 0) -> Schedule:
        """Return the rate of a group as a function of the epochs done."""
        return schedules.cosine_annealing(self.base_lrs[group], self.T_max, self.eta_min)


class CosineAnnealingWarmRestarts(LRScheduler):
    """Goes along half a cosine from the rate to `eta_min`, and begins again, the first time after `T_0` epochs.

    Every cycle is `T_mult` times as long as the one before (Loshchilov and Hutter, 2017). ``step(2.5)`` goes to the
    middle of an epoch. The rate is set outright.

    >>> import gpugrad
    >>> optimizer = gpugrad.optim.SGD([gpugrad.ones(1, requires_grad=True)], lr=1.0)
    >>> schedule = CosineAnnealingWarmRestarts(optimizer, T_0=10, T_mult=2)
    >>> optimizer.step()
    >>> schedule.step(30)
    >>> schedule.get_last_lr()
    [1.0]
    """

    outright = True

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        super().__init__(optimizer, last_epoch)

    def as_function(self, group: int = 0) -> Schedule:
        """Return the rate of a group as a function of the epochs done."""
        return schedules.cosine_annealing_warm_restarts(self.base_lrs[group], self.T_0, self.T_mult, self.eta_min)
