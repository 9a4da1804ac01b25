"""The schedule that looks at a metric: less when it gets no better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gpugrad.errors import OptionError
from gpugrad.optim.lr_scheduler._base import LRScheduler, for_each_group
from gpugrad.optim.optimizer import Optimizer
from gpugrad.optim.schedules import Schedule

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau(LRScheduler):
    """Multiplies the rate by `factor` when a metric has not become better for more than `patience` epochs.

    Better is smaller in the `mode` "min", larger in "max", by more than `threshold` of the best so far
    (`threshold_mode` "rel") or by more than `threshold` ("abs"). After a change `cooldown` epochs do not count. The
    rate stays at least `min_lr`, and changes smaller than `eps` are left out. A NaN is never better.

    >>> import gpugrad
    >>> optimizer = gpugrad.optim.SGD([gpugrad.ones(1, requires_grad=True)], lr=1.0)
    >>> schedule = ReduceLROnPlateau(optimizer, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0):
    ...     schedule.step(loss)
    >>> schedule.get_last_lr()
    [0.1]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"a schedule needs an optimizer, not {type(optimizer).__name__}")
        if not 0 <= factor < 1:
            raise OptionError(f"factor must be at least 0 and below 1, not {factor!r}")
        if mode not in ("min", "max"):
            raise OptionError(f"mode must be 'min' or 'max', not {mode!r}")
        if threshold_mode not in ("rel", "abs"):
            raise OptionError(f"threshold_mode must be 'rel' or 'abs', not {threshold_mode!r}")
        self.min_lrs = for_each_group("min_lr", min_lr, optimizer)
        self.optimizer = optimizer
        self.mode, self.factor, self.patience, self.cooldown = mode, factor, patience, cooldown
        self.threshold, self.threshold_mode, self.eps = threshold, threshold_mode, eps
        self.best = math.inf if mode == "min" else -math.inf
        self.cooldown_counter = self.num_bad_epochs = 0
        self.last_epoch = 0
        self._last_lr = [group["lr"] for group in optimizer.param_groups]

    def as_function(self, group: int = 0) -> Schedule:
        """Raise: the rate depends on the metrics, not on the epoch alone."""
        raise OptionError("ReduceLROnPlateau goes by a metric: it is no function of the epoch")

    def _is_better(self, metric: float) -> bool:
        gain = self.best - metric if self.mode == "min" else metric - self.best
        if self.threshold_mode == "abs" or math.isinf(self.best):
            return gain > self.threshold
        # as PyTorch has it: best * (1 - threshold), also where best is negative
        return gain > self.threshold * self.best

    def step(self, metrics: Any, epoch: float | None = None) -> None:  # type: ignore[override]
        """Count one more epoch, which ended with a metric: a number or a tensor of one element."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        metric = float(metrics.detach() if hasattr(metrics, "detach") else metrics)
        if self._is_better(metric):
            self.best, self.num_bad_epochs = metric, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def _reduce(self) -> None:
        for group, least in zip(self.optimizer.param_groups, self.min_lrs, strict=True):
            lr = max(group["lr"] * self.factor, least)
            if group["lr"] - lr > self.eps:
                group["lr"] = lr
