"""Optimizers and learning-rate schedules, under PyTorch's names."""

from __future__ import annotations

from gpugrad.optim import lr_scheduler
from gpugrad.optim.adam import Adam, AdamW
from gpugrad.optim.optimizer import Optimizer
from gpugrad.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "lr_scheduler"]
