"""The training loop: batches forward and back, one line for each epoch."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from gpugrad import nn, optim
from gpugrad._tensor import Tensor
from gpugrad.autograd import no_grad
from gpugrad.cli.options import TrainOptions
from gpugrad.data import Batches
from gpugrad.random import randn

__all__ = ["Epoch", "accuracy", "fit", "optimizer_of"]


_nothing = nullcontext()


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one pass over the training part has come to."""

    epoch: int
    loss: float
    train_accuracy: float
    test_accuracy: float
    learning_rate: float
    seconds: float


def optimizer_of(module: nn.Module, options: TrainOptions) -> optim.Optimizer:
    """Return the optimizer that the options name, over the parameters of a module."""
    parameters, lr, decay = module.parameters(), options.learning_rate, options.weight_decay
    if options.optimizer == "sgd":
        return optim.SGD(parameters, lr=lr, momentum=0.9, weight_decay=decay)
    kind = optim.AdamW if options.optimizer == "adamw" else optim.Adam
    return kind(parameters, lr=lr, weight_decay=decay)


def fit(
    module: nn.Module,
    train: Batches,
    test: Batches,
    options: TrainOptions,
    on_epoch: Callable[[Epoch], None],
    stop: Callable[[], bool],
    around_step: AbstractContextManager[Any] = _nothing,
) -> list[Epoch]:
    """Train a module in place and return its epochs; the learning rate falls to 0 along a cosine.

    It ends early, between two steps, once `stop` answers True or the loss is no longer finite. Each step is taken in
    the block `around_step`.
    """
    optimizer = optimizer_of(module, options)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, options.epochs * len(train))
    history: list[Epoch] = []
    for number in range(1, options.epochs + 1):
        start, rate = time.perf_counter(), float(optimizer.param_groups[0]["lr"])
        totals = _epoch(module, train, optimizer, schedule, options, stop, around_step)
        if totals is None:
            break
        loss, train_accuracy = totals
        epoch = Epoch(number, loss, train_accuracy, accuracy(module, test), rate, time.perf_counter() - start)
        history.append(epoch)
        on_epoch(epoch)
        if not abs(loss) < float("inf"):
            break
    return history


def _epoch(
    module: nn.Module,
    train: Batches,
    optimizer: Any,
    schedule: Any,
    options: TrainOptions,
    stop: Callable[[], bool],
    around_step: AbstractContextManager[Any],
) -> tuple[float, float] | None:
    """Return the mean loss and the accuracy over one pass, None if it was stopped; they are read once, at its end."""
    module.train()
    loss_sum: Any = 0
    correct: Any = 0
    for x, y in train:
        if stop():
            return None
        with around_step:
            loss, logits = step(module, x, y, optimizer, options)
        schedule.step()
        loss_sum = loss.detach() * len(y) + loss_sum
        correct = (logits.detach().argmax(1) == y).sum() + correct
    return float(loss_sum) / train.rows, float(correct) / train.rows


def step(module: nn.Module, x: Tensor, y: Tensor, optimizer: Any, options: TrainOptions) -> tuple[Tensor, Tensor]:
    """Take one step of the optimizer and return the loss and the logits before it."""
    if options.noise:
        x = x + randn(*x.shape, dtype=x.dtype, device=x.device) * options.noise
    optimizer.zero_grad()
    logits = module(x)
    loss = nn.functional.cross_entropy(logits, y, label_smoothing=options.label_smoothing)
    loss.backward()
    if options.clip_norm:
        optimizer.clip_and_step(options.clip_norm)
    else:
        optimizer.step()
    return loss, logits


def accuracy(module: nn.Module, batches: Batches) -> float:
    """Return the part of the rows whose class a module gives the largest output."""
    module.eval()
    correct: Any = 0
    with no_grad():
        for x, y in batches:
            correct = (module(x).argmax(1) == y).sum() + correct
    return float(correct) / batches.rows
