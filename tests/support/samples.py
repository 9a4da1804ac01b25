"""Sample calls of every op: what the sweeps over the table differentiate. An op without a row here fails them.

A sample is a function of tensors and the arrays to call it with; the values keep away from kinks, which have tests of
their own. Values are drawn once, from a fixed seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import gpugrad
from gpugrad import _ops as ops

__all__ = ["NO_GRADIENT", "SAMPLES", "Sample"]

_random = np.random.default_rng(20)


def normal(*shape):
    """Return values of either sign, none within 0.1 of zero."""
    x = _random.normal(size=shape)
    return x + 0.1 * np.sign(x)


def positive(*shape):
    """Return values from 0.3 to 2.3."""
    return _random.random(shape) * 2 + 0.3


def spread(*shape):
    """Return distinct values, no two within 0.05 of each other."""
    n = int(np.prod(shape))
    return (_random.permutation(n) * 0.13 - 0.05 * n + 0.02).reshape(shape)


def _beside(*shape):
    """Return values none of which `spread` returns."""
    return spread(*shape) + 0.047


def constant(values, like):
    """Return a constant tensor of the dtype and device of another."""
    return gpugrad.tensor(values, dtype=like.dtype, device=like.device)


def complexes(*shape):
    return normal(*shape) + 1j * normal(*shape)


@dataclass(frozen=True)
class Sample:
    """A call to differentiate: `call` takes as many tensors as there are `inputs`."""

    label: str
    call: Callable[..., Any]
    inputs: tuple[np.ndarray, ...]


def _sample(label, call, *inputs):
    return Sample(label, call, tuple(np.asarray(x) for x in inputs))


def _broadcasting(f, draw, second=None):
    """Return the ways in which two operands meet."""
    second = second or draw
    return [
        _sample("same shape", f, draw(2, 3), second(2, 3)),
        _sample("broadcast", f, draw(2, 1, 3), second(4, 1)),
        _sample("0-d", f, draw(3), second()),
        _sample("scalar right", lambda x: f(x, 1.7), draw(3)),
        _sample("scalar left", lambda x: f(1.7, x), second(3)),
        _sample("one tensor twice", lambda x: f(x, x), positive(3)),
        _sample("size 0", f, draw(0, 3), second(1, 3)),
    ]


def _one(f, draw, *more):
    shapes = [("matrix", draw(2, 3)), ("0-d", draw()), ("size 0", draw(0, 2))]
    return [_sample(label, f, x) for label, x in [*shapes, *more]]


def _reductions(f, draw, **options):
    rows = [("all", {}), ("axis 0", {"axis": 0}), ("axis -1 kept", {"axis": -1, "keepdims": True})]
    rows += [("two axes", {"axis": (0, 2)}), ("kept", {"keepdims": True}), ("no axes", {"axis": ()})]
    rows = [(label, lambda x, kw=kw: f(x, **kw, **options)) for label, kw in rows if options.get("tuples", True)]
    return [_sample(label, call, draw(2, 3, 4)) for label, call in rows] + [_sample("0-d", f, draw())]


def _complex_also(f, *draws):
    return [_sample("complex", f, *(complexes(2, 3) for _ in draws or (1,)))]


def _key_samples(f):
    i = np.array([[0, 2], [2, 1]])
    keys = {
        "integer": 1, "negative": -1, "slice": slice(0, 2), "step": (slice(None), slice(None, None, -2)),
        "new axis": (None, ..., 0), "element": (1, 2), "ellipsis": ..., "integers": i, "list": [0, 0, 2],
        "integers beside a slice": (slice(None), [1, 1]), "pairs": ([0, 1, 0], [2, 0, 2]), "rows by mask": [True, False, True],
        "empty": [],
    }  # fmt: skip
    return [_sample(label, lambda x, k=k: f(x, k), normal(3, 4)) for label, k in keys.items()] + [
        _sample("mask", lambda x: f(x, x > 0), normal(3, 4)),
        _sample("0-d", lambda x: f(x, ...), normal()),
    ]


def _complete(key, x):
    return ops.indexing.complete_key(key, x._array)


def _assigned(key, *value_shape):
    def call(x, v):
        y = x * 2
        y[key] = v
        return y

    return call, normal(3, 4), normal(*value_shape)


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


_int = np.array([0, 2, 1])

SAMPLES: dict[str, list[Sample]] = {
    # arithmetic
    "add": _broadcasting(ops.add, normal) + _complex_also(ops.add, 1, 2),
    "subtract": _broadcasting(ops.subtract, normal) + _complex_also(ops.subtract, 1, 2),
    "multiply": _broadcasting(ops.multiply, normal) + _complex_also(ops.multiply, 1, 2),
    "divide": _broadcasting(ops.divide, normal, positive) + _complex_also(ops.divide, 1, 2),
    "pow": [
        *_broadcasting(ops.pow, positive),
        *_complex_also(ops.pow, 1, 2),
        _sample("square", lambda x: x**2, normal(3)),
        _sample("cube of negatives", lambda x: x**3, normal(5)),
        _sample("inverse", lambda x: x**-1, normal(3)),
        _sample("root", lambda x: x**0.5, positive(3)),
        _sample("power 0", lambda x: x**0, normal(3)),
        _sample("power 1", lambda x: x**1, normal(3)),
    ],
    "floor_divide": [_sample("same shape", ops.floor_divide, normal(3) * 5, positive(3))],
    "remainder": [
        _sample("same shape", ops.remainder, normal(5) * 5, positive(5)),
        _sample("scalar left", lambda x: ops.remainder(7, x), np.array([1.9, 2.6, -3.1])),
    ],
    "negative": _one(ops.negative, normal) + _complex_also(ops.negative),
    "positive": _one(ops.positive, normal),
    "square": _one(ops.square, normal) + _complex_also(ops.square),
    "reciprocal": _one(ops.reciprocal, positive) + _complex_also(ops.reciprocal),
    "abs": _one(ops.abs, normal) + _complex_also(ops.abs),
    "sign": _one(ops.sign, normal) + _complex_also(ops.sign),
    "sqrt": _one(ops.sqrt, positive) + _complex_also(ops.sqrt),
    "exp": _one(ops.exp, normal) + _complex_also(ops.exp),
    "expm1": _one(ops.expm1, normal),
    "log": _one(ops.log, positive) + _complex_also(ops.log),
    "log1p": _one(ops.log1p, positive),
    "log2": _one(ops.log2, positive),
    "log10": _one(ops.log10, positive),
    "logaddexp": _broadcasting(ops.logaddexp, normal),
    "sin": _one(ops.sin, normal) + _complex_also(ops.sin),
    "cos": _one(ops.cos, normal) + _complex_also(ops.cos),
    "tan": _one(ops.tan, lambda *s: positive(*s) * 0.3),
    "sinh": _one(ops.sinh, normal),
    "cosh": _one(ops.cosh, normal),
    "tanh": _one(ops.tanh, normal) + _complex_also(ops.tanh),
    "atan2": _broadcasting(ops.atan2, normal),
    "hypot": _broadcasting(ops.hypot, normal),
    "erf": _one(ops.erf, normal),
    "erfc": _one(ops.erfc, normal, ("tail", np.array([3.0, 5.0]))),
    "maximum": _broadcasting(ops.maximum, spread, _beside)[:-2],
    "minimum": _broadcasting(ops.minimum, spread, _beside)[:-2],
    "floor": _one(ops.floor, lambda *s: spread(*s) + 0.011),
    "ceil": _one(ops.ceil, lambda *s: spread(*s) + 0.011),
    "round": _one(ops.round, lambda *s: spread(*s) + 0.011),
    "trunc": _one(ops.trunc, lambda *s: spread(*s) + 0.011),
    "conj": _one(ops.conj, normal) + _complex_also(ops.conj),
    "real": _one(ops.real, normal) + _complex_also(ops.real),
    "imag": _complex_also(ops.imag),
    "clip": [
        _sample("scalars", lambda x: ops.clip(x, -0.5, 0.7), spread(3, 4)),
        _sample("one bound", lambda x: ops.clip(x, max=0.25), spread(3, 4)),
        _sample("tensors", ops.clip, spread(3, 4), spread(4) - 1.004, spread(3, 1) + 1.007),
    ],
    # statistical
    "sum": [*_reductions(ops.sum, normal), _sample("dtype", lambda x: ops.sum(x, dtype=gpugrad.float64), normal(3))],
    "mean": _reductions(ops.mean, normal) + _complex_also(ops.mean),
    "prod": [
        *_reductions(ops.prod, normal),
        _sample("one zero", lambda x: ops.prod(x * constant([0.0, 1, 1], x)), normal(3)),
        _sample("size 0", lambda x: ops.prod(x, axis=0), normal(0, 2)),
    ],
    "max": _reductions(ops.max, spread)[:-1],
    "min": _reductions(ops.min, spread)[:-1],
    "var": [
        *_reductions(ops.var, normal),
        _sample("corrected", lambda x: ops.var(x, axis=1, correction=1), normal(2, 4)),
        *_complex_also(ops.var),
    ],
    "std": [
        *_reductions(ops.std, normal)[:-2],
        _sample("corrected", lambda x: ops.std(x, axis=1, correction=1.5), normal(2, 4)),
    ],
    # searching
    "where": [
        _sample("tensors", lambda a, b: ops.where(a > b, a, b * 2), normal(2, 3), normal(3)),
        _sample("scalar", lambda a: ops.where(a > 0, a * a, 3.0), normal(2, 3)),
        _sample("condition broadcasts", lambda a, b: ops.where(b > 0, a, b), normal(3), normal(2, 1)),
    ],
    # manipulation
    "reshape": [
        _sample("plain", lambda x: ops.reshape(x, (3, -1)) ** 2, normal(2, 3, 2)),
        _sample("of a transpose", lambda x: ops.reshape(x.T, (-1,)) ** 2, normal(2, 3)),
        _sample("copy", lambda x: ops.reshape(x, (3, 2), copy=True) ** 2, normal(2, 3)),
    ],
    "permute_dims": [_sample("axes", lambda x: ops.permute_dims(x, (2, 0, -2)) ** 2, normal(2, 3, 4))],
    "matrix_transpose": [_sample("batch", lambda x: ops.matrix_transpose(x) ** 2, normal(2, 3, 4))],
    "moveaxis": [_sample("axes", lambda x: ops.moveaxis(x, (0, 2), (1, 0)) ** 2, normal(2, 3, 4))],
    "broadcast_to": [_sample("axes", lambda x: ops.broadcast_to(x, (5, 2, 3)) ** 2, normal(2, 1))],
    "squeeze": [_sample("axes", lambda x: ops.squeeze(x, axis=(0, -1)) ** 2, normal(1, 3, 1))],
    "expand_dims": [_sample("axes", lambda x: ops.expand_dims(x, axis=(0, -1)) ** 2, normal(3))],
    "flip": [
        _sample("all", lambda x: ops.flip(x) ** 2 * constant([[0, 1, 2], [3, 4, 5]], x), normal(2, 3)),
        _sample("axis", lambda x: ops.flip(x, axis=1) ** 2 * constant([[0, 1, 2], [3, 4, 5]], x), normal(2, 3)),
    ],
    "concat": [
        _sample("axis 0", lambda a, b: ops.concat([a, b]) ** 2, normal(2, 3), normal(1, 3)),
        _sample("axis -1", lambda a, b: ops.concat([a, b, a], axis=-1) ** 2, normal(2, 3), normal(2, 2)),
        _sample("flattened", lambda a, b: ops.concat([a, b], axis=None) ** 2, normal(2, 3), normal(2)),
        _sample("size 0", lambda a, b: ops.concat([a, b]) ** 2, normal(0, 3), normal(1, 3)),
    ],
    "stack": [
        _sample("axis 0", lambda a, b: ops.stack([a, b]) ** 2, normal(2, 3), normal(2, 3)),
        _sample("axis -1", lambda a, b: ops.stack([a, b, a], axis=-1) ** 2, normal(2, 3), normal(2, 3)),
    ],
    "astype": [_sample("same", lambda x: ops.astype(x, gpugrad.float64) ** 2, normal(3))],
    "to_device": [_sample("host", lambda x: (x.cpu() ** 2).to(x.device), normal(3))],
    "clone": [_sample("plain", lambda x: ops.clone(x) ** 2, normal(3))],
    # indexing
    "getitem": _key_samples(lambda x, k: x[k] ** 2),
    "scatter": _key_samples(lambda x, k: ops.scatter(x[k] ** 2, shape=x.shape, key=_complete(k, x))),
    "overwrite": _key_samples(lambda x, k: ops.overwrite(x[k] ** 2, shape=x.shape, key=_complete(k, x))),
    "read_winners": _key_samples(lambda x, k: ops.read_winners(x**2, key=_complete(k, x))),
    "assign": [
        _sample("row", *_assigned(1, 4)),
        _sample("broadcast value", *_assigned(slice(0, 2), 1)),
        _sample("integers that repeat", *_assigned([0, 0, 2], 3, 4)),
        _sample("in a view of a view", _in_a_view, normal(3, 4), normal(5)),
    ],
    "view_of": [
        _sample("view of a base that moved on", _derived_view, normal(3, 4)),
        _sample("broadcast view", _written_broadcast, normal(3, 4)),
    ],
    "take": [_sample("rows", lambda x: ops.take(x, gpugrad.asarray(_int.tolist()), axis=1) ** 2, normal(2, 3))],
    # linear algebra
    "matmul": [
        _sample("matrices", ops.matmul, normal(2, 3), normal(3, 4)),
        _sample("vectors", ops.matmul, normal(3), normal(3)),
        _sample("vector matrix", ops.matmul, normal(3), normal(2, 3, 4)),
        _sample("matrix vector", ops.matmul, normal(2, 4, 3), normal(3)),
        _sample("batches broadcast", ops.matmul, normal(5, 1, 2, 3), normal(4, 3, 2)),
        _sample("size 0", ops.matmul, normal(2, 0), normal(0, 3)),
        *[_sample("complex", ops.matmul, complexes(2, 3), complexes(3, 2))],
    ],
    "vecdot": [
        _sample("rows", ops.vecdot, normal(2, 3), normal(3)),
        _sample("axis", lambda a, b: ops.vecdot(a, b, axis=-2), normal(2, 3), normal(2, 3)),
        *_complex_also(ops.vecdot, 1, 2),
    ],
    "tensordot": [
        _sample("two", ops.tensordot, normal(2, 3, 4), normal(3, 4, 5)),
        _sample("none", lambda a, b: ops.tensordot(a, b, axes=0), normal(2), normal(3)),
        _sample("pairs", lambda a, b: ops.tensordot(a, b, axes=((2, 0), (-1, 1))), normal(2, 3, 4), normal(5, 2, 4)),
    ],
    "outer": [_sample("vectors", ops.outer, normal(2), normal(3))],
    "vector_norm": [
        _sample(f"order {p}", lambda x, p=p: ops.vector_norm(x, axis=1, ord=p), spread(2, 4))
        for p in (2, 1, 3, 0.5, -1, float("inf"), -float("inf"), 0)
    ] + [_sample("all", ops.vector_norm, normal(2, 3)), *_complex_also(ops.vector_norm)],
    # neural
    **{
        name: _one(getattr(ops, name), normal)
        for name in "sigmoid relu softplus log_sigmoid silu gelu leaky_relu".split()
    },
    "sigmoid_backward": [_sample("pair", ops.sigmoid_backward, normal(3), positive(3) / 3)],
    "relu_backward": [_sample("pair", ops.relu_backward, normal(3), normal(3))],
    "softmax": [_sample(f"axis {a}", lambda x, a=a: ops.softmax(x, axis=a), normal(3, 4)) for a in (0, -1)],
    "log_softmax": [_sample(f"axis {a}", lambda x, a=a: ops.log_softmax(x, axis=a), normal(3, 4)) for a in (0, -1)],
    "logsumexp": _reductions(ops.logsumexp, normal)[:-2],
    "linear": [
        _sample("bias", ops.linear, normal(5, 3), normal(2, 3), normal(2)),
        _sample("no bias", ops.linear, normal(5, 3), normal(2, 3)),
        _sample("vector", ops.linear, normal(3), normal(2, 3), normal(2)),
        _sample("batch", ops.linear, normal(4, 5, 3), normal(2, 3), normal(2)),
    ],
    "activated_linear": [
        _sample(a, lambda x, w, b, a=a: ops.activated_linear(x, w, b, activation=a), normal(5, 3), normal(2, 3), normal(2))
        for a in ("relu", "sigmoid", "tanh")
    ],
    "layer_norm": [
        _sample("affine", ops.layer_norm, normal(5, 3), normal(3), normal(3)),
        _sample("plain", ops.layer_norm, normal(5, 3)),
        _sample("two axes", lambda x, w: ops.layer_norm(x, w, axes=(-2, -1)), normal(2, 4, 3), normal(4, 3)),
    ],
    "dropout": [_sample("half", lambda x: ops.dropout(x, p=0.5, seed=3, offset=1) ** 2, normal(4, 5))],
    "cross_entropy": [
        _sample(
            f"{reduction} {smoothing} {weighted}",
            lambda x, r=reduction, s=smoothing, w=weighted: ops.cross_entropy(
                x, gpugrad.asarray(_int.tolist()), gpugrad.tensor([0.5, 1.0, 2.0], dtype=x.dtype) if w else None,
                reduction=r, label_smoothing=s, ignore_index=2 if s else -100,
            ),
            normal(3, 3),
        )
        for reduction in ("mean", "sum", "none") for smoothing in (0.0, 0.1) for weighted in (False, True)
    ] + [
        _sample(
            "probabilities",
            lambda x: ops.cross_entropy(x, gpugrad.tensor([[0.2, 0.8], [0.5, 0.5]], dtype=x.dtype), label_smoothing=0.2),
            normal(2, 2),
        )
    ],
}  # fmt: skip

_x = np.array([[1.0, 2.0], [2.0, 0.0]])
_bits = np.array([[6, 3], [1, 0]])

NO_GRADIENT: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys("equal not_equal less less_equal greater greater_equal".split(), (_x, _x.T)),
    **dict.fromkeys("isnan isinf isfinite signbit argmax argmin any all nonzero".split(), (_x,)),
    **dict.fromkeys("logical_and logical_or logical_xor".split(), (_x > 1, _x > 0)),
    **dict.fromkeys("bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift".split(), (_bits, _bits.T)),
    "logical_not": (_x > 1,),
    "bitwise_invert": (_bits,),
}
"""Ops whose results are never part of the graph, with operands to call them with."""
