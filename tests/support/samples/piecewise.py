"""Samples of activations made of pieces, away from where they meet."""

from __future__ import annotations

import numpy as np

from gpugrad import _ops as ops
from samples.draws import Draws, Sample, sample

draws = Draws()


def _apart(f):
    """Return calls at values on every piece of functions that bend at 0, 0.5, 0.7 or 3."""
    return draws.one(f, draws.inside, ("all pieces", np.asarray([-7.0, -3.3, -2.1, -0.6, -0.2, 0.2, 0.6, 2.1, 3.3, 7.0])))


SAMPLES: dict[str, list[Sample]] = {
    **{name: _apart(getattr(ops, name)) for name in "celu elu gelu_tanh hardshrink hardsigmoid hardswish mish softshrink softsign tanhshrink".split()},
    "threshold": _apart(lambda x: ops.threshold(x, threshold=0.7, value=-2.0)),
    "prelu": [
        sample("one slope", ops.prelu, draws.normal(3, 4), draws.unit()),
        sample("a slope for each column", ops.prelu, draws.normal(3, 4), draws.normal(4)),
        sample("0-d", ops.prelu, draws.normal(), draws.normal()),
        sample("size 0", ops.prelu, draws.normal(0, 4), draws.unit(1)),
    ],
}  # fmt: skip
SAMPLES["elu"].append(sample("alpha", lambda x: ops.elu(x, alpha=1.7), draws.normal(4)))
SAMPLES["celu"].append(sample("alpha", lambda x: ops.celu(x, alpha=0.6), draws.normal(4)))
SAMPLES["hardshrink"].append(sample("wide", lambda x: ops.hardshrink(x, lambd=1.0), draws.spread(6)))
SAMPLES["softshrink"].append(sample("wide", lambda x: ops.softshrink(x, lambd=1.0), draws.spread(6)))
