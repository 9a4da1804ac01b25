"""Optimizers, learning-rate schedules and averages of weights, under PyTorch's names."""

from __future__ import annotations

from gpugrad.optim import lr_scheduler, swa_utils
from gpugrad.optim.adadelta import Adadelta
from gpugrad.optim.adagrad import Adagrad
from gpugrad.optim.adam import Adam, AdamW
from gpugrad.optim.adamax import Adamax
from gpugrad.optim.asgd import ASGD
from gpugrad.optim.lamb import LAMB
from gpugrad.optim.lbfgs import LBFGS
from gpugrad.optim.lion import Lion
from gpugrad.optim.muon import Muon
from gpugrad.optim.nadam import NAdam
from gpugrad.optim.optimizer import Optimizer
from gpugrad.optim.radam import RAdam
from gpugrad.optim.rmsprop import RMSprop
from gpugrad.optim.rprop import Rprop
from gpugrad.optim.sgd import SGD

__all__ = [
    "ASGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "LAMB",
    "LBFGS",
    "Lion",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SGD",
    "lr_scheduler",
    "swa_utils",
]
