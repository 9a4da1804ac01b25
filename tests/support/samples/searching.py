"""Samples of choices and searches."""

from __future__ import annotations

import numpy as np

from gpugrad import _ops as ops
from samples.draws import Draws, Sample, sample

draws = Draws()

SAMPLES: dict[str, list[Sample]] = {
    "where": [
        sample("tensors", lambda a, b: ops.where(a > b, a, b * 2), draws.normal(2, 3), draws.normal(3)),
        sample("scalar", lambda a: ops.where(a > 0, a * a, 3.0), draws.normal(2, 3)),
        sample("condition broadcasts", lambda a, b: ops.where(b > 0, a, b), draws.normal(3), draws.normal(2, 1)),
    ],
}  # fmt: skip

_x = np.array([[1.0, 2.0], [2.0, 0.0]])

NO_GRADIENT = dict.fromkeys("argmax argmin any all nonzero".split(), (_x,))
