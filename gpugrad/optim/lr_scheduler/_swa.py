"""The schedule that takes the rate to where weights are averaged, and keeps it there."""

from __future__ import annotations

from collections.abc import Sequence

from gpugrad.errors import OptionError
from gpugrad.optim import schedules
from gpugrad.optim.lr_scheduler._base import LRScheduler, for_each_group
from gpugrad.optim.optimizer import Optimizer
from gpugrad.optim.schedules import Schedule

__all__ = ["SWALR"]


class SWALR(LRScheduler):
    """Goes from the rate that it finds to `swa_lr` in `anneal_epochs` epochs, and stays there (Izmailov et al., 2018).

    `swa_lr` may be given for each group. What another schedule does to the rate before the first `step` counts: the
    way begins there.

    >>> import gpugrad
    >>> optimizer = gpugrad.optim.SGD([gpugrad.ones(1, requires_grad=True)], lr=1.0)
    >>> schedule = SWALR(optimizer, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
    >>> optimizer.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.75]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | Sequence[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        if anneal_strategy not in ("cos", "linear"):
            raise OptionError(f"anneal_strategy must be 'cos' or 'linear', not {anneal_strategy!r}")
        if type(anneal_epochs) is not int or anneal_epochs < 0:
            raise OptionError(f"anneal_epochs must be an integer of at least 0, not {anneal_epochs!r}")
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"a schedule needs an optimizer, not {type(optimizer).__name__}")
        self.swa_lrs = for_each_group("swa_lr", swa_lr, optimizer)
        self.anneal_epochs, self.anneal_strategy = anneal_epochs, anneal_strategy
        super().__init__(optimizer, last_epoch)
        for group, rate in zip(optimizer.param_groups, self.swa_lrs, strict=True):
            group["swa_lr"] = rate

    def as_function(self, group: int = 0) -> Schedule:
        """Return the rate of a group as a function of the epochs done."""
        return self._between(self.base_lrs[group], self.swa_lrs[group])

    def _between(self, first: float, last: float) -> Schedule:
        epochs = self.anneal_epochs
        points = [(0.0, first), (float(epochs), last), (epochs + 1.0, last)] if epochs else [(0.0, last), (1.0, last)]
        return schedules.through_points(points, self.anneal_strategy)

    def _first(self, index: int, lr: float) -> float:
        return lr if self.anneal_epochs else self.swa_lrs[index]

    def _next(self, index: int, lr: float) -> float:
        left, end = self._between(1.0, 0.0), self.swa_lrs[index]
        before, now = left(max(0, self.last_epoch - 1)), left(self.last_epoch)
        return end + (lr - end) * (now / before) if before else end
