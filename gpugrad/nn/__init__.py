"""Modules, losses, initial values and clipping, under PyTorch's names."""

from __future__ import annotations

from gpugrad.errors import StateError
from gpugrad.nn import functional, init, utils
from gpugrad.nn.activations import (
    GELU,
    LeakyReLU,
    LogSigmoid,
    LogSoftmax,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from gpugrad.nn.containers import Residual, Sequential
from gpugrad.nn.layers import Dropout, Flatten, Identity, Linear
from gpugrad.nn.losses import BCEWithLogitsLoss, CrossEntropyLoss, HalfSquaredErrorLoss, L1Loss, MSELoss, NLLLoss
from gpugrad.nn.module import Module
from gpugrad.nn.normalization import LayerNorm
from gpugrad.nn.parameter import Parameter

__all__ = [
    "GELU",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "HalfSquaredErrorLoss",
    "Identity",
    "L1Loss",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "Module",
    "NLLLoss",
    "Parameter",
    "ReLU",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "StateError",
    "Tanh",
    "functional",
    "init",
    "utils",
]
