"""Samples of sorting, of sets, and of differences."""

from __future__ import annotations

import numpy as np

from gpugrad import _ops as ops
from samples.draws import Draws, Sample, sample

draws = Draws()

SAMPLES: dict[str, list[Sample]] = {
    "sort": [
        sample("one axis", ops.sort, draws.spread(6)),
        sample("axis", lambda x: ops.sort(x, axis=0), draws.spread(3, 4)),
        sample("descending", lambda x: ops.sort(x, axis=1, descending=True), draws.spread(2, 3, 2)),
        sample("not stable", lambda x: ops.sort(x, stable=False) ** 2, draws.spread(2, 3)),
        sample("size 0", lambda x: ops.sort(x, axis=0), draws.spread(0, 3)),
    ],
    "diff": [
        sample("plain", ops.diff, draws.normal(4)),
        sample("axis", lambda x: ops.diff(x, axis=0) ** 2, draws.normal(3, 2)),
        sample("twice", lambda x: ops.diff(x, n=2) ** 2, draws.normal(2, 4)),
        sample("thrice, by place", lambda x: ops.diff(x, 3) ** 2, draws.normal(5)),
        sample("not once", lambda x: ops.diff(x, n=0) ** 2, draws.normal(3)),
        sample("too often", lambda x: ops.diff(x, n=4), draws.normal(2, 3)),
        sample("ends", lambda x, a, b: ops.diff(x, prepend=a, append=b) ** 2, draws.normal(2, 3), draws.normal(2, 2), draws.normal(2, 1)),
        sample("number", lambda x: ops.diff(x, axis=0, prepend=1.5) ** 2, draws.normal(2, 3)),
        sample("size 0", lambda x: ops.diff(x, axis=0), draws.normal(0, 3)),
        *draws.complex_also(lambda x: ops.diff(x, append=2j)),
    ],
}  # fmt: skip

_x = np.array([[1.0, 2.0], [2.0, 0.0]])
_n = np.array([[3, 1, 3], [0, 3, 1]])

NO_GRADIENT = {
    "argsort": (_x,),
    "isin": (_n, np.array([1, 5])),
    # The values of floats have no gradient and say so: see tests/ops/test_sets.py.
    **dict.fromkeys("unique_all unique_counts unique_inverse unique_values".split(), (_n,)),
}
