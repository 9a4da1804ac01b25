"""Schedules by functions of the user's: of the base rate, or of the rate before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gpugrad._op import TENSORS
from gpugrad.errors import OptionError
from gpugrad.optim.lr_scheduler._base import LRScheduler
from gpugrad.optim.optimizer import Optimizer
from gpugrad.optim.schedules import Schedule

__all__ = ["LambdaLR", "MultiplicativeLR"]


def _one_for_each_group(lr_lambda: Any, optimizer: Any) -> list[Callable[[Any], Any]]:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"a schedule needs an optimizer, not {type(optimizer).__name__}")
    groups = len(optimizer.param_groups)
    functions = [lr_lambda] * groups if callable(lr_lambda) else list(lr_lambda)
    if len(functions) != groups:
        raise OptionError(f"lr_lambda has {len(functions)} functions for {groups} parameter groups")
    for function in functions:
        if not callable(function):
            raise TypeError(f"lr_lambda must be a function of the epoch, not {type(function).__name__}")
    return functions


class LambdaLR(LRScheduler):
    """Sets the rate to its base times a function of the epoch, one function for all groups or one for each.

    >>> import gpugrad
    >>> optimizer = gpugrad.optim.SGD([gpugrad.ones(1, requires_grad=True)], lr=0.5)
    >>> LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch)).get_last_lr()
    [0.5]
    """

    outright = True

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        self.lr_lambdas = _one_for_each_group(lr_lambda, optimizer)
        super().__init__(optimizer, last_epoch)

    def as_function(self, group: int = 0) -> Schedule:
        """Return the rate of a group as a function of the epochs done; of a Tensor if the user's function takes one."""
        base, factor = self.base_lrs[group], self.lr_lambdas[group]
        return lambda epoch: base * factor(epoch)


class MultiplicativeLR(LRScheduler):
    """Multiplies the rate, every epoch, by a function of the epoch: one function for all groups or one for each.

    >>> import gpugrad
    >>> optimizer = gpugrad.optim.SGD([gpugrad.ones(1, requires_grad=True)], lr=1.0)
    >>> schedule = MultiplicativeLR(optimizer, lambda epoch: 1 / epoch)
    >>> for _ in range(3):
    ...     optimizer.step()
    ...     schedule.step()
    >>> schedule.get_last_lr()
    [0.16666666666666666]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[Any], Any] | Sequence[Callable[[Any], Any]],
        last_epoch: int = -1,
    ) -> None:
        self.lr_lambdas = _one_for_each_group(lr_lambda, optimizer)
        super().__init__(optimizer, last_epoch)

    def as_function(self, group: int = 0) -> Schedule:
        """Return the rate of a group as a function of the epochs done: a number, for it is a product over them."""
        base, factor = self.base_lrs[group], self.lr_lambdas[group]

        def rate(epoch: Any) -> float:
            if type(epoch) in TENSORS:
                raise TypeError("MultiplicativeLR is a function of a Python number; use LambdaLR for a tensor of steps")
            lr = base
            for i in range(1, int(epoch) + 1):
                lr *= factor(i)
            return lr

        return rate

    def _next(self, index: int, lr: float) -> float:
        return lr * self.lr_lambdas[index](self.last_epoch) if self.last_epoch > 0 else lr
