"""Samples of decompositions.

Where a factor is determined up to a phase or a turn, what is differentiated does not depend on it; a real factor,
whose signs do not change near a point, is differentiated as it is.
"""

from __future__ import annotations

import numpy as np

from gpugrad import _ops as ops
from samples.draws import Draws, Sample, constant, sample

draws = Draws()


def adjoint(x):
    return ops.matrix_transpose(ops.conj(x))


def hermitian(x):
    return (x + adjoint(x)) / 2


def positive(x):
    """Return x x^H + 1."""
    return x @ adjoint(x) + ops.embed_diagonal(ops.real(ops.diagonal(x)) * 0 + 1, shape=x.shape[-2:])


def apart(*shape, draw=draws.normal):
    """Return matrices whose singular values are well apart."""
    u, _, vh = np.linalg.svd(draw(*shape), full_matrices=False)
    return u * (np.arange(u.shape[-1])[::-1] * 0.7 + 0.5) @ vh


def symmetric_apart(*shape, draw=draws.normal):
    """Return Hermitian matrices whose eigenvalues are well apart, some of them negative."""
    q = np.linalg.qr(draw(*shape))[0]
    return q * (np.arange(shape[-1]) * 0.8 - 1.1) @ np.conj(np.swapaxes(q, -1, -2))


def rebuilt(vectors, values):
    """Return vectors diag(values ** 3) vectors^H, which is free of phases."""
    return (vectors * values[..., None, :] ** 3) @ adjoint(vectors)


def _shapes(f, label=""):
    """Return samples of what real singular vectors and values give, for tall, wide and square matrices."""
    shapes = {"square": (3, 3), "tall": (4, 2), "wide": (2, 4), "batch": (2, 3, 2), "1 x 1": (1, 1), "size 0": (0, 2)}
    return [sample(f"{label}{name}", f, apart(*shape)) for name, shape in shapes.items()]


def _complex_shapes(f, label="complex "):
    shapes = {"square": (3, 3), "tall": (4, 2), "wide": (2, 2, 4)}
    return [sample(f"{label}{name}", f, apart(*shape, draw=draws.complexes)) for name, shape in shapes.items()]


def _full(x):
    """Return what the leading singular vectors of the full decomposition give."""
    u, s, vh = ops.svd(x)
    k = s.shape[-1]
    return (u[..., :k] * s[..., None, :] ** 2) @ vh[..., :k, :]


def _complete(x):
    q, r = ops.qr(x, mode="complete")
    k = min(x.shape[-2:])
    return q[..., :k] @ ops.sin(r[..., :k, :])


def _of_eig(x):
    """Return the sine of a matrix."""
    w, v = ops.eig(x)
    return (v * ops.sin(w)[..., None, :]) @ ops.inv(v)


# Eigenvalues well apart: two complex ones and a real one; all real; complex entries.
_general = np.array([[1.0, 2.0, 0.3], [-1.5, 0.8, 0.2], [0.4, 0.1, 3.0]])
_triangular = np.array([[1.0, 0.7], [0.2, 2.5]])

SAMPLES: dict[str, list[Sample]] = {
    "cholesky": [
        *[
            sample(f"{label}{name}", lambda x, upper=upper: ops.cholesky(positive(x), upper=upper), x)
            for name, x in {
                "matrix": draws.normal(3, 3), "batch": draws.normal(2, 2, 2), "complex": draws.complexes(3, 3),
                "1 x 1": draws.complexes(1, 1), "0 x 0": draws.normal(0, 0),
            }.items()
            for label, upper in (("", False), ("upper ", True))
        ],
    ],
    "qr": [
        *_shapes(lambda x: ops.qr(x).Q, "Q "),
        *_shapes(lambda x: ops.qr(x).R, "R "),
        *_shapes(lambda x: ops.qr(x).Q @ ops.sin(ops.qr(x).R), "both "),
        *_shapes(_complete, "complete "),
        *_complex_shapes(lambda x: ops.qr(x).Q, "complex Q "),
        *_complex_shapes(lambda x: ops.qr(x).R, "complex R "),
        *_complex_shapes(_complete, "complex complete "),
    ],
    "eigh": [
        sample("values", lambda x: ops.eigh(hermitian(x)).eigenvalues, symmetric_apart(3, 3)),
        sample("vectors", lambda x: ops.eigh(hermitian(x)).eigenvectors, symmetric_apart(3, 3)),
        sample("both", lambda x: rebuilt(*ops.eigh(hermitian(x))[::-1]), symmetric_apart(2, 3, 3)),
        sample("complex values", lambda x: ops.eigh(hermitian(x))[0], symmetric_apart(3, 3, draw=draws.complexes)),
        sample("complex vectors", lambda x: ops.abs(ops.eigh(hermitian(x))[1]) ** 2, symmetric_apart(3, 3, draw=draws.complexes)),
        sample("complex, both", lambda x: rebuilt(*ops.eigh(hermitian(x))[::-1]), symmetric_apart(3, 3, draw=draws.complexes)),
        sample("1 x 1", lambda x: ops.eigh(x)[0], draws.normal(1, 1)),
        sample("0 x 0", lambda x: ops.eigh(x)[0], draws.normal(2, 0, 0)),
    ],
    "eigvalsh": [
        sample("matrix", lambda x: ops.eigvalsh(hermitian(x)), symmetric_apart(3, 3)),
        sample("batch", lambda x: ops.eigvalsh(hermitian(x)), symmetric_apart(2, 2, 2)),
        sample("complex", lambda x: ops.eigvalsh(hermitian(x)), symmetric_apart(3, 3, draw=draws.complexes)),
        sample("0 x 0", ops.eigvalsh, draws.normal(0, 0)),
    ],
    "eig": [
        sample("values", lambda x: ops.eig(x).eigenvalues, _general),
        sample("vectors", lambda x: ops.abs(ops.eig(x).eigenvectors) ** 2, _general),
        sample("both", _of_eig, _general),
        sample("real eigenvalues", _of_eig, _triangular),
        sample("batch", _of_eig, np.stack([_triangular, _general[:2, :2]])),
        sample("complex", _of_eig, _general + 1j * np.diag([0.5, -0.3, 0.2])),
        sample("complex vectors", lambda x: ops.abs(ops.eig(x)[1]) ** 2, _general + 1j * np.diag([0.5, -0.3, 0.2])),
        sample("1 x 1", lambda x: ops.eig(x)[0], draws.normal(1, 1)),
        sample("0 x 0", lambda x: ops.eig(x)[0], draws.normal(2, 0, 0)),
    ],
    "eigvals": [
        sample("complex eigenvalues", ops.eigvals, _general),
        sample("real eigenvalues", ops.eigvals, _triangular),
        sample("batch", ops.eigvals, np.stack([_triangular, _general[:2, :2]])),
        sample("complex", ops.eigvals, _general + 1j * np.diag([0.5, -0.3, 0.2])),
        sample("0 x 0", ops.eigvals, draws.normal(0, 0)),
    ],
    "svd": [
        *_shapes(lambda x: ops.svd(x, full_matrices=False).U, "U "),
        *_shapes(lambda x: ops.svd(x, full_matrices=False).S, "S "),
        *_shapes(lambda x: ops.svd(x, full_matrices=False).Vh, "Vh "),
        *_shapes(_full, "full "),
        *_complex_shapes(_full, "complex full "),
        *_complex_shapes(lambda x: ops.abs(ops.svd(x, full_matrices=False).U) ** 2, "complex U "),
        *_complex_shapes(lambda x: ops.abs(ops.svd(x, full_matrices=False).Vh) ** 2, "complex Vh "),
        *_complex_shapes(lambda x: ops.matmul(*ops.svd(x, full_matrices=False)[::2]), "complex polar factor of "),
    ],
    "svdvals": [*_shapes(ops.svdvals), *_complex_shapes(ops.svdvals)],
    "once": [sample("of a constant", lambda x: ops.once(constant([1.0, 2.0], x)) * x, draws.normal(2))],
    "pinv": [
        *_shapes(ops.pinv),
        *_complex_shapes(ops.pinv),
        sample("rtol", lambda x: ops.pinv(x, rtol=1e-3), apart(3, 3)),
        # Of rank 1 whatever the two vectors are, so that the rank stays.
        sample("rank 1", lambda a, b: ops.pinv(ops.outer(a, b)), draws.normal(3), draws.normal(2)),
        sample("complex of rank 1", lambda a, b: ops.pinv(ops.outer(a, b)), draws.complexes(2), draws.complexes(3)),
        sample("tensor rtol", lambda x, rtol: ops.pinv(x, rtol=rtol), apart(2, 3, 2), np.array([0.01, 0.02])),
    ],
}  # fmt: skip
