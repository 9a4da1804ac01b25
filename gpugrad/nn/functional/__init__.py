"""Layers and losses as functions, under PyTorch's names and with PyTorch's argument order."""

from __future__ import annotations

from gpugrad._ops import linear, relu, sigmoid, silu, tanh
from gpugrad._ops import log_sigmoid as logsigmoid
from gpugrad.nn.functional._activations import gelu, leaky_relu, log_softmax, softmax, softplus
from gpugrad.nn.functional._classification import binary_cross_entropy_with_logits, cross_entropy, nll_loss
from gpugrad.nn.functional._dropout import dropout
from gpugrad.nn.functional._normalization import layer_norm
from gpugrad.nn.functional._regression import half_squared_error, l1_loss, mse_loss

__all__ = [
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "dropout",
    "gelu",
    "half_squared_error",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "mse_loss",
    "nll_loss",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]
