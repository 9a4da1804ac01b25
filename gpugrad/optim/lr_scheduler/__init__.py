"""Schedules of the learning rate: each says what the rate is after so many epochs, and sets it in every group.

A schedule changes the rate by the ratio of two neighbouring values, as PyTorch's do, so that several schedules, or
a user who changes ``group["lr"]`` in between, act together. LambdaLR, CosineAnnealingWarmRestarts, CyclicLR and
OneCycleLR set it outright. As functions of the step they are in `gpugrad.optim.schedules`.
"""

from __future__ import annotations

from gpugrad.optim.lr_scheduler._base import LRScheduler
from gpugrad.optim.lr_scheduler._composed import ChainedScheduler, SequentialLR
from gpugrad.optim.lr_scheduler._cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from gpugrad.optim.lr_scheduler._cycle import CyclicLR, OneCycleLR
from gpugrad.optim.lr_scheduler._decay import ConstantLR, ExponentialLR, LinearLR, MultiStepLR, PolynomialLR, StepLR
from gpugrad.optim.lr_scheduler._functions import LambdaLR, MultiplicativeLR
from gpugrad.optim.lr_scheduler._plateau import ReduceLROnPlateau
from gpugrad.optim.lr_scheduler._swa import SWALR

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SWALR",
    "SequentialLR",
    "StepLR",
]
