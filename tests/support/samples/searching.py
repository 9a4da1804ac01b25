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
        sample("complex scalar", lambda a: ops.where(a > 0, a * a, 1.0 + 2.0j), draws.normal(2, 3)),
        sample("true for all", lambda a, b: ops.where(True, a * a, b), draws.normal(2, 1), draws.normal(3)),
        sample("false for all", lambda a: ops.where(False, 2.0, a * a), draws.normal(2, 3)),
        sample("0-d", lambda a, b: ops.where(a > b, a, b * 2), draws.normal(), draws.normal()),
        sample("size 0", lambda a, b: ops.where(a > b, a, b), draws.normal(0, 3), draws.normal(3)),
        *draws.complex_also(lambda a: ops.where(ops.real(a) > 0, a, a * a)),
        sample("condition broadcasts", lambda a, b: ops.where(b > 0, a, b), draws.normal(3), draws.normal(2, 1)),
    ],
}  # fmt: skip

_x = np.array([[1.0, 2.0], [2.0, 0.0]])

NO_GRADIENT = {
    **dict.fromkeys("argmax argmin any all nonzero count_nonzero".split(), (_x,)),
    "searchsorted": (np.array([0.0, 1.0, 1.0, 2.5]), _x),
}
