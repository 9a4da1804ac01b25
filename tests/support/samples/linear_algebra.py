"""Samples of products of vectors and matrices, of systems of equations, determinants and norms."""

from __future__ import annotations

import numpy as np

from gpugrad import _ops as ops
from samples.draws import Draws, Sample, constant, sample

draws = Draws()
inf = float("inf")


def regular(*shape, draw=draws.normal):
    """Return square matrices of a condition number below 10."""
    x = draw(*shape)
    return x / np.maximum(1, np.linalg.norm(x, 2, axis=(-2, -1), keepdims=True)) + 2 * np.eye(shape[-1])


def of_rank(rank, n, draw=draws.normal):
    """Return an n x n matrix of a rank, its singular values well apart."""
    u, v = (np.linalg.qr(draw(n, n))[0] for _ in range(2))
    return u * np.where(np.arange(n) < rank, np.arange(1.0, n + 1), 0) @ v


def in_one_batch(*inputs):
    return np.stack([np.broadcast_to(x, inputs[0].shape) for x in inputs])


def _along(x):
    return lambda v: ops.cofactors_along(v, constant(x, v)) ** 2


_at = np.array([[0.3, 1.2, -0.5], [0.2, -2.0, 0.7]])

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
        sample("size 0", ops.vecdot, draws.normal(2, 0), draws.normal(0)),
        sample("complex with real", ops.vecdot, draws.complexes(2, 3), draws.normal(3)),
        *draws.complex_also(ops.vecdot, 1, 2),
    ],
    "tensordot": [
        sample("two", ops.tensordot, draws.normal(2, 3, 4), draws.normal(3, 4, 5)),
        sample("none", lambda a, b: ops.tensordot(a, b, axes=0), draws.normal(2), draws.normal(3)),
        sample("pairs", lambda a, b: ops.tensordot(a, b, axes=((2, 0), (-1, 1))), draws.normal(2, 3, 4), draws.normal(5, 2, 4)),
        sample("all", lambda a, b: ops.tensordot(a, b, axes=((1, 0), (0, 1))), draws.normal(2, 3), draws.normal(3, 2)),
        sample("size 0", lambda a, b: ops.tensordot(a, b, axes=1), draws.normal(2, 0), draws.normal(0, 3)),
        sample("complex", lambda a, b: ops.tensordot(a, b, axes=1), draws.complexes(2, 3), draws.complexes(3, 2)),
    ],
    "outer": [
        sample("vectors", ops.outer, draws.normal(2), draws.normal(3)),
        sample("complex", ops.outer, draws.complexes(2), draws.complexes(3)),
        sample("size 0", ops.outer, draws.normal(0), draws.normal(3)),
    ],
    "cross": [
        sample("vectors", ops.cross, draws.normal(3), draws.normal(3)),
        sample("batches broadcast", ops.cross, draws.normal(4, 1, 3), draws.normal(2, 3)),
        sample("axis", lambda a, b: ops.cross(a, b, axis=-2), draws.normal(2, 3, 2), draws.normal(3, 1)),
        sample("complex", ops.cross, draws.complexes(2, 3), draws.complexes(2, 3)),
        sample("size 0", ops.cross, draws.normal(0, 3), draws.normal(1, 3)),
    ],
    "diagonal": [
        *[
            sample(f"offset {k}", lambda x, k=k: ops.diagonal(x, offset=k) ** 2, draws.normal(2, 3, 4))
            for k in (0, 1, 3, -1, -2, 4, -5)
        ],
        sample("tall", lambda x: ops.diagonal(x, offset=-2) ** 2, draws.normal(4, 2)),
        sample("complex", lambda x: ops.diagonal(x) ** 2, draws.complexes(3, 3)),
        sample("size 0", ops.diagonal, draws.normal(0, 3)),
    ],
    "embed_diagonal": [
        sample("square", lambda x: ops.embed_diagonal(x, shape=(3, 3)) ** 2, draws.normal(2, 3)),
        sample("offset", lambda x: ops.embed_diagonal(x, shape=(3, 4), offset=2) ** 2, draws.normal(2)),
        sample("below", lambda x: ops.embed_diagonal(x, shape=(4, 3), offset=-1) ** 2, draws.complexes(2, 3)),
        sample("size 0", lambda x: ops.embed_diagonal(x, shape=(2, 3), offset=5), draws.normal(2, 0)),
    ],
    "half_lower": [
        sample("square", lambda x: ops.half_lower(x) ** 2, draws.normal(2, 3, 3)),
        sample("complex", lambda x: ops.half_lower(x) ** 2, draws.complexes(3, 3)),
    ],
    "trace": [
        *[sample(f"offset {k}", lambda x, k=k: ops.trace(x, offset=k) ** 2, draws.normal(2, 3, 4)) for k in (0, 2, -1, 5)],
        sample("complex", lambda x: ops.trace(x) ** 2, draws.complexes(3, 3)),
        sample("dtype", lambda x: ops.trace(x, dtype="float64") ** 2, draws.normal(2, 2)),
        sample("size 0", ops.trace, draws.normal(2, 0, 3)),
    ],
    "solve": [
        sample("matrix", ops.solve, regular(3, 3), draws.normal(3, 2)),
        sample("vector", ops.solve, regular(3, 3), draws.normal(3)),
        sample("vector for a batch", ops.solve, regular(2, 3, 3), draws.normal(3)),
        sample("batch of square right sides", ops.solve, regular(3, 3), draws.normal(3, 3, 3)),
        sample("batches broadcast", ops.solve, regular(4, 1, 2, 2), draws.normal(3, 2, 1)),
        sample("complex", ops.solve, regular(2, 2, draw=draws.complexes), draws.complexes(2, 3)),
        sample("complex with real", ops.solve, regular(2, 2), draws.complexes(2)),
        sample("only one tracked", lambda b: ops.solve(constant([[2.0, 1.0], [0.5, 3.0]], b), b) ** 2, draws.normal(2)),
        sample("1 x 1", ops.solve, regular(1, 1), draws.normal(1)),
        sample("no equations", ops.solve, draws.normal(0, 0), draws.normal(0, 2)),
        sample("no right side", ops.solve, regular(2, 2), draws.normal(2, 0)),
        sample("no systems", ops.solve, draws.normal(0, 2, 2), draws.normal(2)),
    ],
    "inv": [
        sample("matrix", ops.inv, regular(3, 3)),
        sample("batch", ops.inv, regular(2, 2, 2)),
        sample("complex", ops.inv, regular(3, 3, draw=draws.complexes)),
        sample("1 x 1", ops.inv, regular(1, 1)),
        sample("0 x 0", ops.inv, draws.normal(2, 0, 0)),
    ],
    "matrix_power": [
        *[sample(f"n = {n}", lambda x, n=n: ops.matrix_power(x, n), regular(2, 2)) for n in (0, 1, 2, 3, 5, -1, -2, -5)],
        sample("batch", lambda x: ops.matrix_power(x, 6), regular(2, 3, 3) / 2),
        sample("complex", lambda x: ops.matrix_power(x, -3), regular(2, 2, draw=draws.complexes)),
        sample("singular", lambda x: ops.matrix_power(x, 3), of_rank(1, 2)),
        sample("0 x 0", lambda x: ops.matrix_power(x, 3), draws.normal(0, 0)),
    ],
    "det": [
        sample("regular", ops.det, regular(3, 3)),
        sample("batch", ops.det, regular(2, 1, 2, 2)),
        sample("complex", ops.det, regular(3, 3, draw=draws.complexes)),
        sample("rank n - 1", ops.det, of_rank(3, 4)),
        sample("rank n - 2", ops.det, of_rank(2, 4)),
        sample("rank n - 3", ops.det, of_rank(1, 4)),
        sample("zeros", ops.det, np.zeros((2, 2))),
        sample("exactly singular", ops.det, np.array([[1.0, 2.0], [2.0, 4.0]])),
        sample("complex of rank n - 1", ops.det, of_rank(2, 3, draw=draws.complexes)),
        sample("a singular one in a batch", ops.det, in_one_batch(regular(3, 3), of_rank(1, 3), np.zeros((3, 3)))),
        sample("identity", lambda x: ops.det(x) ** 2, np.eye(3)),
        sample("1 x 1", ops.det, draws.normal(1, 1)),
        sample("1 x 1 of 0", ops.det, np.zeros((1, 1))),
        sample("0 x 0", ops.det, draws.normal(2, 0, 0)),
    ],
    "cofactors": [
        sample("regular", ops.cofactors, regular(3, 3)),
        sample("identity", ops.cofactors, np.eye(3)),
        sample("complex", ops.cofactors, regular(2, 3, 3, draw=draws.complexes)),
        sample("1 x 1", ops.cofactors, draws.normal(1, 1)),
    ],
    "cofactors_along": [
        *[sample(f"rank {rank}", _along(of_rank(rank, 3)), draws.normal(3, 3)) for rank in (0, 1, 2, 3)],
        sample("complex", _along(of_rank(1, 3, draw=draws.complexes)), draws.complexes(2, 3, 3)),
    ],
    "slogdet": [
        sample("logarithm", lambda x: ops.slogdet(x).logabsdet, regular(3, 3)),
        sample("batch", lambda x: ops.slogdet(x)[1], -regular(2, 3, 3)),
        sample("complex sign", lambda x: ops.slogdet(x).sign, regular(3, 3, draw=draws.complexes)),
        sample("complex logarithm", lambda x: ops.slogdet(x).logabsdet, regular(2, 2, draw=draws.complexes)),
        sample("complex, both", lambda x: ops.slogdet(x)[0] * ops.slogdet(x)[1], regular(2, 2, 2, draw=draws.complexes)),
        sample("0 x 0", lambda x: ops.slogdet(x)[1], draws.normal(0, 0)),
    ],
    "vector_norm": [
        *[
            sample(f"order {p}", lambda x, p=p: ops.vector_norm(x, axis=1, ord=p), draws.spread(2, 4))
            for p in (2, 1, 3, 0.5, -1, -2, inf, -inf, 0)
        ],
        *[
            sample(f"complex, order {p}", lambda x, p=p: ops.vector_norm(x, ord=p), draws.complexes(3))
            for p in (1, 3, -1, inf, -inf)
        ],
        sample("all", ops.vector_norm, draws.normal(2, 3)),
        sample("axes kept", lambda x: ops.vector_norm(x, axis=(0, -1), keepdims=True), draws.normal(2, 3, 2)),
        sample("0-d", ops.vector_norm, draws.normal()),
        *draws.complex_also(ops.vector_norm),
    ],
    "matrix_norm": [
        *[
            sample(f"order {p}, {label}", lambda x, p=p: ops.matrix_norm(x, ord=p), x)
            for p in ("fro", "nuc", 1, -1, 2, -2, inf, -inf)
            for label, x in (("wide", _at), ("tall batch", draws.normal(2, 3, 2)), ("complex", draws.complexes(3, 3)))
        ],
        *[sample(f"order {p}, kept", lambda x, p=p: ops.matrix_norm(x, ord=p, keepdims=True), _at) for p in ("nuc", 1, 2, -inf)],
        sample("None", lambda x: ops.matrix_norm(x, ord=None), draws.normal(2, 2)),
        sample("1 x 1", lambda x: ops.matrix_norm(x, ord=2), draws.normal(1, 1)),
        *[sample(f"order {p}, size 0", lambda x, p=p: ops.matrix_norm(x, ord=p), draws.normal(3, 0)) for p in ("fro", "nuc", 1, 2, inf)],
    ],
}  # fmt: skip

NO_GRADIENT = {"matrix_rank": (np.array([[1.0, 2.0], [2.0, 4.0]]),)}
