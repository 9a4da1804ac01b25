"""Layers and losses as functions, under PyTorch's names and with PyTorch's argument order."""

from __future__ import annotations

from gpugrad._ops import linear, sigmoid, softsign, tanh, tanhshrink
from gpugrad._ops import log_sigmoid as logsigmoid
from gpugrad.nn._explained import explained as _explained
from gpugrad.nn.functional._activations import (
    celu,
    elu,
    gelu,
    glu,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    log_softmax,
    mish,
    prelu,
    relu,
    relu6,
    rrelu,
    selu,
    silu,
    softmax,
    softmin,
    softplus,
    softshrink,
    threshold,
)
from gpugrad.nn.functional._binary import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    multilabel_soft_margin_loss,
    sigmoid_focal_loss,
    soft_margin_loss,
)
from gpugrad.nn.functional._classification import cross_entropy, focal_loss, nll_loss
from gpugrad.nn.functional._distances import (
    cosine_embedding_loss,
    cosine_similarity,
    pairwise_distance,
    triplet_margin_loss,
    triplet_margin_with_distance_loss,
)
from gpugrad.nn.functional._distributions import gaussian_nll_loss, kl_div, poisson_nll_loss
from gpugrad.nn.functional._dropout import alpha_dropout, dropout, dropout1d, feature_alpha_dropout
from gpugrad.nn.functional._embedding import bilinear, embedding
from gpugrad.nn.functional._margins import (
    hinge_embedding_loss,
    margin_ranking_loss,
    multi_margin_loss,
    multilabel_margin_loss,
)
from gpugrad.nn.functional._normalization import batch_norm, group_norm, layer_norm, rms_norm
from gpugrad.nn.functional._regression import half_squared_error, huber_loss, l1_loss, mse_loss, smooth_l1_loss

__all__ = [
    "alpha_dropout",
    "batch_norm",
    "bilinear",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "celu",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "dropout",
    "dropout1d",
    "elu",
    "embedding",
    "feature_alpha_dropout",
    "focal_loss",
    "gaussian_nll_loss",
    "gelu",
    "glu",
    "group_norm",
    "half_squared_error",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hinge_embedding_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "margin_ranking_loss",
    "mish",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "pairwise_distance",
    "poisson_nll_loss",
    "prelu",
    "relu",
    "relu6",
    "rms_norm",
    "rrelu",
    "selu",
    "sigmoid",
    "sigmoid_focal_loss",
    "silu",
    "smooth_l1_loss",
    "soft_margin_loss",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]

for _name in __all__:
    globals()[_name] = _explained(globals()[_name])
