"""Samples of matrix functions."""

from __future__ import annotations

from gpugrad import _ops as ops
from samples.draws import Draws, Sample, sample

draws = Draws()

SAMPLES: dict[str, list[Sample]] = {
    "matmul": [
        sample("matrices", ops.matmul, draws.normal(2, 3), draws.normal(3, 4)),
        sample("vectors", ops.matmul, draws.normal(3), draws.normal(3)),
        sample("vector matrix", ops.matmul, draws.normal(3), draws.normal(2, 3, 4)),
        sample("matrix vector", ops.matmul, draws.normal(2, 4, 3), draws.normal(3)),
        sample("batches broadcast", ops.matmul, draws.normal(5, 1, 2, 3), draws.normal(4, 3, 2)),
        sample("size 0", ops.matmul, draws.normal(2, 0), draws.normal(0, 3)),
        *[sample("complex", ops.matmul, draws.complexes(2, 3), draws.complexes(3, 2))],
    ],
    "vecdot": [
        sample("rows", ops.vecdot, draws.normal(2, 3), draws.normal(3)),
        sample("axis", lambda a, b: ops.vecdot(a, b, axis=-2), draws.normal(2, 3), draws.normal(2, 3)),
        *draws.complex_also(ops.vecdot, 1, 2),
    ],
    "tensordot": [
        sample("two", ops.tensordot, draws.normal(2, 3, 4), draws.normal(3, 4, 5)),
        sample("none", lambda a, b: ops.tensordot(a, b, axes=0), draws.normal(2), draws.normal(3)),
        sample("pairs", lambda a, b: ops.tensordot(a, b, axes=((2, 0), (-1, 1))), draws.normal(2, 3, 4), draws.normal(5, 2, 4)),
    ],
    "outer": [sample("vectors", ops.outer, draws.normal(2), draws.normal(3))],
    "vector_norm": [
        sample(f"order {p}", lambda x, p=p: ops.vector_norm(x, axis=1, ord=p), draws.spread(2, 4))
        for p in (2, 1, 3, 0.5, -1, float("inf"), -float("inf"), 0)
    ] + [sample("all", ops.vector_norm, draws.normal(2, 3)), *draws.complex_also(ops.vector_norm)],
}  # fmt: skip
