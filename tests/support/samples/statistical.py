"""Samples of reductions."""

from __future__ import annotations

import gpugrad
from gpugrad import _ops as ops
from samples.draws import Draws, Sample, constant, sample

draws = Draws()


def _running(f):
    return [
        sample("one axis", f, draws.normal(7)),
        sample("axis", lambda x: f(x, axis=1), draws.normal(2, 3, 2)),
        sample("axis -1, initial", lambda x: f(x, axis=-1, include_initial=True), draws.normal(2, 4)),
        sample("axis 0, initial", lambda x: f(x, axis=0, include_initial=True), draws.normal(3, 2)),
        sample("one element", f, draws.normal(1)),
        sample("size 0", lambda x: f(x, axis=0), draws.normal(0, 2)),
        sample("size 0, initial", lambda x: f(x, axis=0, include_initial=True), draws.normal(0, 2)),
        sample("size 0 beside", lambda x: f(x, axis=1), draws.normal(0, 2)),
        sample("dtype", lambda x: f(x, dtype=gpugrad.float64), draws.normal(3)),
        sample("dtype complex", lambda x: f(x, dtype=gpugrad.complex128), draws.normal(3)),
        sample("complex", lambda x: f(x, axis=0), draws.complexes(3, 2)),
    ]


def _with_zeros(x, places):
    w = [0.0 if i in ([places] if isinstance(places, int) else places) else 1.0 for i in range(x.shape[0])]
    return x * constant(w, x)

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
        sample("complex, corrected", lambda x: ops.var(x, axis=0, correction=1, keepdims=True), draws.complexes(3, 2)),
    ],
    "std": [
        *draws.reductions(ops.std, draws.normal)[:-2],
        sample("corrected", lambda x: ops.std(x, axis=1, correction=1.5), draws.normal(2, 4)),
        *draws.complex_also(ops.std),
    ],
    "cumulative_sum": _running(ops.cumulative_sum),
    "cumulative_prod": [
        *_running(ops.cumulative_prod),
        *[sample(f"zeros at {at}", lambda x, at=at: ops.cumulative_prod(_with_zeros(x, at)), draws.normal(5)) for at in (0, 4, (1, 3), range(5))],
    ],
}  # fmt: skip
