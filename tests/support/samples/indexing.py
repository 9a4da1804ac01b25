"""Samples of reading and writing parts of arrays."""

from __future__ import annotations

import numpy as np

import gpugrad
from gpugrad import _ops as ops
from samples.draws import Draws, Sample, sample

draws = Draws()


def _key_samples(f):
    i = np.array([[0, 2], [2, 1]])
    keys = {
        "integer": 1, "negative": -1, "slice": slice(0, 2), "step": (slice(None), slice(None, None, -2)),
        "new axis": (None, ..., 0), "element": (1, 2), "ellipsis": ..., "integers": i, "list": [0, 0, 2],
        "integers beside a slice": (slice(None), [1, 1]), "pairs": ([0, 1, 0], [2, 0, 2]), "rows by mask": [True, False, True],
        "empty": [],
    }  # fmt: skip
    return [sample(label, lambda x, k=k: f(x, k), draws.normal(3, 4)) for label, k in keys.items()] + [
        sample("mask", lambda x: f(x, x > 0), draws.normal(3, 4)),
        sample("0-d", lambda x: f(x, ...), draws.normal()),
    ]


def _integers(values, like):
    return gpugrad.tensor(values, device=like.device)


def _complete(key, x):
    return ops.indexing.complete_key(key, gpugrad.zeros(x.shape, device=x.device)._array)


def _assigned(key, *value_shape):
    def call(x, v):
        y = x * 2
        y[key] = v
        return y

    return call, draws.normal(3, 4), draws.normal(*value_shape)


def _in_a_view(x, v):
    y = x * 2
    y.T[1:].reshape(-1)[::2] = v
    return y


def _derived_view(x):
    y = x * 2
    view = y.T[1:, ::2]
    y *= 3
    return view


def _written_broadcast(x):
    y = x * 2
    view = gpugrad.broadcast_to(y[:, None], (3, 2, 4))
    y *= 3
    return view


SAMPLES: dict[str, list[Sample]] = {
    "getitem": _key_samples(lambda x, k: x[k] ** 2),
    "scatter": _key_samples(lambda x, k: ops.scatter(x[k] ** 2, shape=x.shape, key=_complete(k, x))),
    "overwrite": _key_samples(lambda x, k: ops.overwrite(x[k] ** 2, shape=x.shape, key=_complete(k, x))),
    "read_winners": _key_samples(lambda x, k: ops.read_winners(x**2, key=_complete(k, x))),
    "assign": [
        sample("row", *_assigned(1, 4)),
        sample("broadcast value", *_assigned(slice(0, 2), 1)),
        sample("integers that repeat", *_assigned([0, 0, 2], 3, 4)),
        sample("in a view of a view", _in_a_view, draws.normal(3, 4), draws.normal(5)),
    ],
    "view_of": [
        sample("view of a base that moved on", _derived_view, draws.normal(3, 4)),
        sample("broadcast view", _written_broadcast, draws.normal(3, 4)),
    ],
    "take": [
        sample("rows", lambda x: ops.take(x, _integers([0, 2, 1], x), axis=1) ** 2, draws.normal(2, 3)),
        sample("repeats, no axis", lambda x: ops.take(x, _integers([0, -1, 0], x)) ** 2, draws.normal(3)),
        sample("size 0", lambda x: ops.take(x, _integers([1], x), axis=1) ** 2, draws.normal(0, 3)),
        *draws.complex_also(lambda x: ops.take(x, _integers([2, 2], x), axis=-1) ** 2),
    ],
    "take_along_axis": [
        sample("rows", lambda x: ops.take_along_axis(x, _integers([[2, 0, 0], [1, -1, 1]], x)) ** 2, draws.normal(2, 3)),
        sample("columns", lambda x: ops.take_along_axis(x, _integers([[1, 0, 0]], x), axis=0) ** 2, draws.normal(2, 3)),
        sample("x broadcasts", lambda x: ops.take_along_axis(x, _integers([[0, 2], [1, 1]], x)) ** 2, draws.normal(1, 3)),
        sample("indices broadcast", lambda x: ops.take_along_axis(x, _integers([[0, 0]], x)) ** 2, draws.normal(2, 3)),
        sample("no indices", lambda x: ops.take_along_axis(x, ops.astype(_integers([[]] * 2, x), gpugrad.int64)), draws.normal(2, 3)),
        *draws.complex_also(lambda x: ops.take_along_axis(x, _integers([[0], [0]], x), axis=1) ** 2),
    ],
    "read_once": [
        sample("permuted", lambda x: ops.read_once(x, key=_complete(([2, 0, 1],), x)) ** 2, draws.normal(3, 2)),
        sample("some", lambda x: ops.read_once(x, key=_complete(([2, 0],), x)) ** 2, draws.normal(3, 2)),
        sample("none", lambda x: ops.read_once(x, key=_complete(([],), x)) ** 2, draws.normal(3, 2)),
    ],
}  # fmt: skip
