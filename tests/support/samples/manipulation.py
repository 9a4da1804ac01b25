"""Samples of what moves elements: shapes, orders, dtypes and devices."""

from __future__ import annotations

import gpugrad
from gpugrad import _ops as ops
from samples.draws import Draws, Sample, constant, sample

draws = Draws()


def _integers(values, like):
    return gpugrad.tensor(values, device=like.device)


def _weighted(parts):
    """Return the sum of products, so that each part has a gradient of its own."""
    return sum(part * part * (i + 1) for i, part in enumerate(parts))


def _triangles(f):
    return [
        sample("wide", f, draws.normal(2, 4)),
        sample("above", lambda x: f(x, k=1), draws.normal(3, 3)),
        sample("below, in a batch", lambda x: f(x, k=-2), draws.normal(2, 4, 3)),
        sample("size 0", f, draws.normal(2, 0, 3)),
        *draws.complex_also(f),
    ]

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
    "astype": [
        sample("no copy", lambda x: ops.astype(x, x.dtype, copy=False) ** 2, draws.normal(3)),
        sample("dtype and device", lambda x: ops.astype(ops.astype(x, gpugrad.float64, device="cpu") ** 2, x.dtype, device=x.device), draws.normal(3)),
    ],
    "to_device": [sample("host", lambda x: (x.cpu() ** 2).to(x.device), draws.normal(3))],
    "cast": [sample("dtype", lambda x: ops.cast(x, "float64") ** 2, draws.normal(3)), sample("complex, dtype", lambda x: ops.cast(x, "complex128") ** 2, draws.normal(3))],
    "clone": [sample("plain", lambda x: ops.clone(x) ** 2, draws.normal(3))],
    "roll": [
        sample("flat", lambda x: ops.roll(x, 2), draws.normal(2, 3)),
        sample("axis", lambda x: ops.roll(x, -1, axis=-1), draws.normal(2, 3)),
        sample("axes", lambda x: ops.roll(x, (1, -2), axis=(0, 1)), draws.normal(2, 3)),
        sample("one shift, two axes", lambda x: ops.roll(x, 4, axis=(1, 0)), draws.normal(2, 3)),
        sample("one axis twice", lambda x: ops.roll(x, (1, 1), axis=(1, 1)), draws.normal(2, 3)),
        sample("0-d", lambda x: ops.roll(x, 1), draws.normal()),
        sample("size 0", lambda x: ops.roll(x, 1, axis=0), draws.normal(0, 2)),
        *draws.complex_also(lambda x: ops.roll(x, 1, axis=0)),
    ],
    "tile": [
        sample("as many axes", lambda x: ops.tile(x, (2, 3)), draws.normal(2, 3)),
        sample("fewer", lambda x: ops.tile(x, (3,)), draws.normal(2, 3)),
        sample("more", lambda x: ops.tile(x, (2, 1, 2)), draws.normal(3)),
        sample("0-d", lambda x: ops.tile(x, (2, 2)), draws.normal()),
        sample("no repetitions", lambda x: ops.tile(x, ()), draws.normal(2)),
        sample("none", lambda x: ops.tile(x, (0, 2)), draws.normal(2, 3)),
        sample("size 0", lambda x: ops.tile(x, (2,)), draws.normal(0)),
        *draws.complex_also(lambda x: ops.tile(x, (2, 2))),
    ],
    "repeat": [
        sample("flat", lambda x: ops.repeat(x, 2), draws.normal(2, 3)),
        sample("axis", lambda x: ops.repeat(x, 3, axis=-1), draws.normal(2, 3)),
        sample("none", lambda x: ops.repeat(x, 0, axis=0), draws.normal(2, 3)),
        sample("0-d", lambda x: ops.repeat(x, 2), draws.normal()),
        sample("size 0", lambda x: ops.repeat(x, 2, axis=0), draws.normal(0, 3)),
        sample("each its own", lambda x: ops.repeat(x, _integers([0, 3, 1], x), axis=1), draws.normal(2, 3)),
        sample("each its own, flat", lambda x: ops.repeat(x, _integers([1, 0, 2, 1], x)), draws.normal(2, 2)),
        sample("one for all", lambda x: ops.repeat(x, _integers([2], x), axis=0), draws.normal(2, 3)),
        sample("size 0, each its own", lambda x: ops.repeat(x, _integers([2], x), axis=0), draws.normal(0, 3)),
        *draws.complex_also(lambda x: ops.repeat(x, _integers([2, 1], x), axis=0)),
    ],
    "unstack": [
        sample("axis 0", lambda x: _weighted(ops.unstack(x)), draws.normal(3, 2)),
        sample("axis -1", lambda x: _weighted(ops.unstack(x, axis=-1)), draws.normal(2, 3)),
        sample("one part", lambda x: ops.unstack(x, axis=1)[1] ** 2, draws.normal(2, 3, 2)),
        sample("to 0-d", lambda x: _weighted(ops.unstack(x)), draws.normal(3)),
        *draws.complex_also(lambda x: _weighted(ops.unstack(x))),
    ],
    "broadcast_arrays": [
        sample("two", lambda a, b: ops.multiply(*ops.broadcast_arrays(a, b)), draws.normal(2, 1), draws.normal(3)),
        sample("one", lambda x: ops.broadcast_arrays(x)[0] ** 2, draws.normal(2)),
    ],
    "meshgrid": [
        sample("xy", lambda a, b: ops.multiply(*ops.meshgrid(a, b)), draws.normal(2), draws.normal(3)),
        sample("ij", lambda a, b: ops.multiply(*ops.meshgrid(a, b, indexing="ij")), draws.normal(2), draws.normal(3)),
        sample("three", lambda a, b, c: _weighted(ops.meshgrid(a, b, c)), draws.normal(2), draws.normal(3), draws.normal(2)),
        sample("one", lambda x: ops.meshgrid(x)[0] ** 2, draws.normal(2)),
        sample("0-d", lambda a, b: ops.multiply(*ops.meshgrid(a, b)), draws.normal(), draws.normal(3)),
        *draws.complex_also(lambda x: ops.meshgrid(x[0])[0] ** 2),
    ],
    "tril": _triangles(ops.tril),
    "triu": _triangles(ops.triu),
}  # fmt: skip
