"""Samples of activations, layers and losses."""

from __future__ import annotations

import numpy as np

import gpugrad
from gpugrad import _ops as ops
from samples.draws import Draws, Sample, constant, sample

draws = Draws()

_int = np.array([0, 2, 1])

SAMPLES: dict[str, list[Sample]] = {
    **{
        name: draws.one(getattr(ops, name), draws.normal)
        for name in "sigmoid relu softplus log_sigmoid silu gelu leaky_relu".split()
    },
    "sigmoid_backward": [sample("pair", ops.sigmoid_backward, draws.normal(3), draws.positive(3) / 3)],
    "relu_backward": [sample("pair", ops.relu_backward, draws.normal(3), draws.normal(3))],
    "softmax": [sample(f"axis {a}", lambda x, a=a: ops.softmax(x, axis=a), draws.normal(3, 4)) for a in (0, -1)],
    "log_softmax": [sample(f"axis {a}", lambda x, a=a: ops.log_softmax(x, axis=a), draws.normal(3, 4)) for a in (0, -1)],
    "logsumexp": draws.reductions(ops.logsumexp, draws.normal)[:-2],
    "linear": [
        sample("bias", ops.linear, draws.normal(5, 3), draws.normal(2, 3), draws.normal(2)),
        sample("no bias", ops.linear, draws.normal(5, 3), draws.normal(2, 3)),
        sample("vector", ops.linear, draws.normal(3), draws.normal(2, 3), draws.normal(2)),
        sample("batch", ops.linear, draws.normal(4, 5, 3), draws.normal(2, 3), draws.normal(2)),
    ],
    "activated_linear": [
        sample(a, lambda x, w, b, a=a: ops.activated_linear(x, w, b, activation=a), draws.normal(5, 3), draws.normal(2, 3), draws.normal(2))
        for a in ("relu", "sigmoid", "tanh")
    ],
    "layer_norm": [
        sample("affine", ops.layer_norm, draws.normal(5, 3), draws.normal(3), draws.normal(3)),
        sample("plain", ops.layer_norm, draws.normal(5, 3)),
        sample("two axes", lambda x, w: ops.layer_norm(x, w, axes=(-2, -1)), draws.normal(2, 4, 3), draws.normal(4, 3)),
    ],
    "dropout": [sample("half", lambda x: ops.dropout(x, p=0.5, seed=3, offset=1) ** 2, draws.normal(4, 5))],
    "cross_entropy": [
        sample(
            f"{reduction} {smoothing} {weighted}",
            lambda x, r=reduction, s=smoothing, w=weighted: ops.cross_entropy(
                x, gpugrad.asarray(_int.tolist(), device=x.device), constant([0.5, 1.0, 2.0], x) if w else None,
                reduction=r, label_smoothing=s, ignore_index=2 if s else -100,
            ),
            draws.normal(3, 3),
        )
        for reduction in ("mean", "sum", "none") for smoothing in (0.0, 0.1) for weighted in (False, True)
    ] + [
        sample(
            "probabilities",
            lambda x: ops.cross_entropy(x, constant([[0.2, 0.8], [0.5, 0.5]], x), label_smoothing=0.2),
            draws.normal(2, 2),
        )
    ],
}  # fmt: skip
