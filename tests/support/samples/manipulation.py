"""Samples of what moves elements: shapes, orders, dtypes and devices."""

from __future__ import annotations

import gpugrad
from gpugrad import _ops as ops
from samples.draws import Draws, Sample, constant, sample

draws = Draws()

SAMPLES: dict[str, list[Sample]] = {
    "reshape": [
        sample("plain", lambda x: ops.reshape(x, (3, -1)) ** 2, draws.normal(2, 3, 2)),
        sample("of a transpose", lambda x: ops.reshape(x.T, (-1,)) ** 2, draws.normal(2, 3)),
        sample("copy", lambda x: ops.reshape(x, (3, 2), copy=True) ** 2, draws.normal(2, 3)),
    ],
    "permute_dims": [sample("axes", lambda x: ops.permute_dims(x, (2, 0, -2)) ** 2, draws.normal(2, 3, 4))],
    "matrix_transpose": [sample("batch", lambda x: ops.matrix_transpose(x) ** 2, draws.normal(2, 3, 4))],
    "moveaxis": [sample("axes", lambda x: ops.moveaxis(x, (0, 2), (1, 0)) ** 2, draws.normal(2, 3, 4))],
    "broadcast_to": [sample("axes", lambda x: ops.broadcast_to(x, (5, 2, 3)) ** 2, draws.normal(2, 1))],
    "squeeze": [sample("axes", lambda x: ops.squeeze(x, axis=(0, -1)) ** 2, draws.normal(1, 3, 1))],
    "expand_dims": [sample("axes", lambda x: ops.expand_dims(x, axis=(0, -1)) ** 2, draws.normal(3))],
    "flip": [
        sample("all", lambda x: ops.flip(x) ** 2 * constant([[0, 1, 2], [3, 4, 5]], x), draws.normal(2, 3)),
        sample("axis", lambda x: ops.flip(x, axis=1) ** 2 * constant([[0, 1, 2], [3, 4, 5]], x), draws.normal(2, 3)),
    ],
    "concat": [
        sample("axis 0", lambda a, b: ops.concat([a, b]) ** 2, draws.normal(2, 3), draws.normal(1, 3)),
        sample("axis -1", lambda a, b: ops.concat([a, b, a], axis=-1) ** 2, draws.normal(2, 3), draws.normal(2, 2)),
        sample("flattened", lambda a, b: ops.concat([a, b], axis=None) ** 2, draws.normal(2, 3), draws.normal(2)),
        sample("size 0", lambda a, b: ops.concat([a, b]) ** 2, draws.normal(0, 3), draws.normal(1, 3)),
    ],
    "stack": [
        sample("axis 0", lambda a, b: ops.stack([a, b]) ** 2, draws.normal(2, 3), draws.normal(2, 3)),
        sample("axis -1", lambda a, b: ops.stack([a, b, a], axis=-1) ** 2, draws.normal(2, 3), draws.normal(2, 3)),
    ],
    "astype": [sample("same", lambda x: ops.astype(x, gpugrad.float64) ** 2, draws.normal(3))],
    "to_device": [sample("host", lambda x: (x.cpu() ** 2).to(x.device), draws.normal(3))],
    "clone": [sample("plain", lambda x: ops.clone(x) ** 2, draws.normal(3))],
}  # fmt: skip
