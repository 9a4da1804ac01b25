"""Samples of the layers beside Linear."""

from __future__ import annotations

import gpugrad
from gpugrad import _ops as ops
from samples.draws import Draws, Sample, sample

draws = Draws()


def _rows(**options):
    return lambda w: ops.embedding(w, gpugrad.asarray([2, 0, 2, 1, 2], device=w.device), **options)


SAMPLES: dict[str, list[Sample]] = {
    "rms_norm": [
        sample("affine", ops.rms_norm, draws.normal(5, 3), draws.normal(3)),
        sample("plain", ops.rms_norm, draws.normal(5, 3)),
        sample("two axes", lambda x, w: ops.rms_norm(x, w, axes=(-2, -1)), draws.normal(2, 4, 3), draws.normal(4, 3)),
    ],
    "uniform_like": [sample("matrix", lambda x: ops.uniform_like(x, low=-1, high=2, seed=3, offset=1), draws.normal(4, 5))],
    "binary_cross_entropy": [
        sample("matrix", ops.binary_cross_entropy, draws.unit(3, 4), draws.unit(3, 4)),
        sample("broadcast", ops.binary_cross_entropy, draws.unit(3, 4), draws.unit(4)),
        sample("0-d", ops.binary_cross_entropy, draws.unit(), draws.unit()),
        sample("size 0", ops.binary_cross_entropy, draws.unit(0, 4), draws.unit(4)),
    ],
    "embedding": [
        sample("plain", _rows(), draws.normal(4, 3)),
        sample("padding", _rows(padding_idx=3), draws.normal(4, 3)),
        sample("by frequency", lambda w: ops.embedding(w, gpugrad.asarray([2, 0], device=w.device), scale_grad_by_freq=True), draws.normal(4, 3)),
        sample("none", lambda w: ops.embedding(w, gpugrad.zeros(0, dtype=gpugrad.int64, device=w.device)), draws.normal(4, 3)),
    ],
}  # fmt: skip
