"""Samples of reductions."""

from __future__ import annotations

import gpugrad
from gpugrad import _ops as ops
from samples.draws import Draws, Sample, constant, sample

draws = Draws()

SAMPLES: dict[str, list[Sample]] = {
    "sum": [*draws.reductions(ops.sum, draws.normal), sample("dtype", lambda x: ops.sum(x, dtype=gpugrad.float64), draws.normal(3))],
    "mean": draws.reductions(ops.mean, draws.normal) + draws.complex_also(ops.mean),
    "prod": [
        *draws.reductions(ops.prod, draws.normal),
        sample("one zero", lambda x: ops.prod(x * constant([0.0, 1, 1], x)), draws.normal(3)),
        sample("size 0", lambda x: ops.prod(x, axis=0), draws.normal(0, 2)),
    ],
    "max": draws.reductions(ops.max, draws.spread)[:-1],
    "min": draws.reductions(ops.min, draws.spread)[:-1],
    "var": [
        *draws.reductions(ops.var, draws.normal),
        sample("corrected", lambda x: ops.var(x, axis=1, correction=1), draws.normal(2, 4)),
        *draws.complex_also(ops.var),
    ],
    "std": [
        *draws.reductions(ops.std, draws.normal)[:-2],
        sample("corrected", lambda x: ops.std(x, axis=1, correction=1.5), draws.normal(2, 4)),
    ],
}  # fmt: skip
