"""Linear algebra beside PyTorch's: results, gradients and second derivatives, with shapes drawn at random.

Factors that are determined up to a sign or a phase are compared by what does not depend on it.
"""

from __future__ import annotations

import numpy as np
import pytest

import gpugrad
from gpugrad import linalg

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # many threads on small arrays only wait for each other

TOLERANCE = {"float32": 3e-4, "complex64": 3e-4, "float64": 1e-9, "complex128": 1e-9}


def adjoint(x):
    return x.mT.conj()


def hermitian(x):
    return (x + adjoint(x)) / 2


def of_svd(la):
    """Return u sin(s) vh."""

    def call(x):
        u, s, vh = la.svd(x, full_matrices=False)
        return (u * s.sin()[..., None, :]) @ vh

    return call


def of_eigh(la):
    """Return v sin(w) v^H, and so use values and vectors."""

    def call(x):
        w, v = la.eigh(hermitian(x))
        return (v * w.sin()[..., None, :]) @ adjoint(v)

    return call


def of_eig(la):
    """Return v sin(w) v^-1."""

    def call(x):
        w, v = la.eig(x)
        return (v * w.sin()[..., None, :]) @ la.inv(v)

    return call


def of_qr(la, mode):
    """Return q f(r) with rows of r that keep their meaning when a row of r and a column of q change their sign."""

    def call(x):
        q, r = la.qr(x, mode=mode)
        return (q * (r * r.conj()).sum(-1)[..., None, :]) @ r

    return call


def positive(x):
    """Return x x^H + 2, with the 2 made of x, so that both libraries have it in their dtype."""
    n = x.shape[-1]
    eye = gpugrad.eye(n, dtype=x.dtype) if isinstance(x, gpugrad.Tensor) else torch.eye(n, dtype=x.dtype)
    return x @ adjoint(x) + 2 * eye


def logabsdet(la):
    return lambda x: la.slogdet(x)[1]


def sign(la):
    return lambda x: la.slogdet(x)[0]


def norm(order, keepdims=False):
    def of(la):
        if la is linalg:
            return lambda x: la.matrix_norm(x, ord=order, keepdims=keepdims)
        return lambda x: la.matrix_norm(x, ord=order, keepdim=keepdims)

    return of


def vector_norm(order):
    def of(la):
        axis = {"axis" if la is linalg else "dim": -1}
        return lambda x: la.vector_norm(x, ord=order, **axis)

    return of


def trace(la):
    if la is linalg:
        return lambda x: linalg.trace(x, offset=1)
    return lambda x: torch.diagonal(x, offset=1, dim1=-2, dim2=-1).sum(-1)


def diagonal(offset):
    def of(la):
        if la is linalg:
            return lambda x: linalg.diagonal(x, offset=offset)
        return lambda x: torch.diagonal(x, offset=offset, dim1=-2, dim2=-1)

    return of


SQUARE = {
    "cholesky": lambda la: lambda x: la.cholesky(positive(x)),
    "cholesky upper": lambda la: lambda x: la.cholesky(positive(x), upper=True),
    "det": lambda la: la.det,
    "logabsdet": logabsdet,
    "sign": sign,
    "inv": lambda la: la.inv,
    "power 3": lambda la: lambda x: la.matrix_power(x, 3),
    "power -2": lambda la: lambda x: la.matrix_power(x, -2),
    "eigh": of_eigh,
    "eigvalsh": lambda la: lambda x: la.eigvalsh(hermitian(x)),
    "eig": of_eig,
    "eigvals": lambda la: lambda x: la.eigvals(x).sin().sum(-1),
    "qr complete": lambda la: of_qr(la, "complete"),
}
ANY = {
    "svd": of_svd,
    "svdvals": lambda la: la.svdvals,
    "pinv": lambda la: la.pinv,
    "qr": lambda la: of_qr(la, "reduced"),
    **{f"norm {order}": norm(order) for order in ("fro", "nuc", 1, -1, 2, -2, float("inf"), -float("inf"))},
    "norm kept": norm("nuc", keepdims=True),
    **{f"vector norm {p}": vector_norm(p) for p in (2, 1, 3, 0.5, -1, float("inf"), -float("inf"))},
    "trace": trace,
    **{f"diagonal {k}": diagonal(k) for k in (0, 1, -1)},
}
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE)


def drawn(random, shape, dtype, square=False):
    x = random.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * random.standard_normal(shape)
    if square:  # far from singular
        x = x / max(1, np.abs(x).sum(-1).max(initial=0)) + np.diag(np.arange(1.0, shape[-1] + 1))
    return x.astype(dtype)


def batch(random):
    return tuple(int(n) for n in random.integers(1, 3, size=random.integers(0, 3)))


def close(ours, theirs, dtype, what):
    theirs = theirs.detach().numpy(force=True)
    ours = np.asarray(ours.tolist()).reshape(ours.shape)
    assert ours.shape == theirs.shape, what
    size = max(1.0, float(np.abs(theirs).max(initial=0)))
    np.testing.assert_allclose(ours, theirs, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * size, err_msg=what)


def compare(ours, theirs, values, dtype, random):
    """Compare results, the gradients from a random cotangent, and those of their inner product with another one."""
    xs = [gpugrad.tensor(x, requires_grad=True) for x in values]
    ts = [torch.tensor(x, requires_grad=True) for x in values]
    z, y = ours(*xs), theirs(*ts)
    close(z, y, dtype, "result")
    w = drawn(random, tuple(y.shape), y.detach().numpy(force=True).dtype)
    first = gpugrad.autograd.grad(z, xs, gpugrad.tensor(w), create_graph=True)
    expected = torch.autograd.grad(y, ts, torch.tensor(w), create_graph=True, materialize_grads=True)
    for found, right in zip(first, expected, strict=True):
        close(found, right, dtype, "gradient")
    if TOLERANCE[dtype] > 1e-6:
        return
    vs = [drawn(random, x.shape, dtype) for x in values]
    total = sum((g * gpugrad.tensor(v.conj())).sum() for g, v in zip(first, vs, strict=True))
    right = sum((g * torch.tensor(v.conj())).sum() for g, v in zip(expected, vs, strict=True))
    if not right.requires_grad:  # a linear function
        return
    total, right = (total.real if right.is_complex() else total), (right.real if right.is_complex() else right)
    found = gpugrad.autograd.grad(total, xs, materialize_grads=True)
    for g, r in zip(found, torch.autograd.grad(right, ts, materialize_grads=True), strict=True):
        close(g, r, dtype, "second derivative")


@DTYPES
@pytest.mark.parametrize("name", SQUARE)
@pytest.mark.parametrize("seed", range(3))
def test_square_matrices_as_in_torch(name, dtype, seed):
    random = np.random.default_rng(seed)
    n = int(random.integers(1, 5))
    x = drawn(random, (*batch(random), n, n), dtype, square=True)
    compare(SQUARE[name](linalg), SQUARE[name](torch.linalg), [x], dtype, random)


@DTYPES
@pytest.mark.parametrize("name", ANY)
@pytest.mark.parametrize("seed", range(4))
def test_matrices_of_any_shape_as_in_torch(name, dtype, seed):
    random = np.random.default_rng(10 + seed)
    shape = (*batch(random), *(int(n) for n in random.integers(1, 5, size=2)))
    x = drawn(random, shape, dtype)
    compare(ANY[name](linalg), ANY[name](torch.linalg), [x], dtype, random)


@DTYPES
@pytest.mark.parametrize("seed", range(6))
def test_solve_as_in_torch(dtype, seed):
    random = np.random.default_rng(20 + seed)
    n, k = (int(m) for m in random.integers(1, 4, size=2))
    first, second = [((2, 1), (3,)), ((), (2,)), ((2,), ()), ((), ()), ((2, 1), (1, 3)), ((1,), (2,))][seed]
    a, b = drawn(random, (*first, n, n), dtype, square=True), drawn(random, (*second, n, k), dtype)
    compare(linalg.solve, torch.linalg.solve, [a, b], dtype, random)


@DTYPES
def test_solve_for_a_vector_as_in_torch(dtype):
    random = np.random.default_rng(30)
    a, b = drawn(random, (3, 3), dtype, square=True), drawn(random, (3,), dtype)
    compare(linalg.solve, torch.linalg.solve, [a, b], dtype, random)


@DTYPES
@pytest.mark.parametrize("shapes", [((3,), (3,)), ((4, 1, 3), (2, 3)), ((1, 3), (5, 3))])
def test_cross_as_in_torch(dtype, shapes):
    random = np.random.default_rng(40)
    values = [drawn(random, shape, dtype) for shape in shapes]

    def theirs(a, b):  # which has no operands of different numbers of axes
        shape = torch.broadcast_shapes(a.shape, b.shape)
        return torch.linalg.cross(a.broadcast_to(shape), b.broadcast_to(shape))

    compare(linalg.cross, theirs, values, dtype, random)


@DTYPES
@pytest.mark.parametrize(
    ("name", "shapes"),
    [("matmul", ((2, 1, 2, 3), (4, 3, 2))), ("matmul", ((3,), (2, 3, 4))), ("matmul", ((2, 4, 3), (3,))),
     ("vecdot", ((4, 1, 3), (2, 3))), ("outer", ((2,), (3,))), ("tensordot", ((2, 3, 4), (3, 4, 2)))],
)  # fmt: skip
def test_products_as_in_torch(dtype, name, shapes):
    random = np.random.default_rng(50)
    theirs = {"outer": torch.outer, "tensordot": torch.tensordot, "matmul": torch.matmul}.get(name, torch.linalg.vecdot)
    compare(getattr(linalg, name), theirs, [drawn(random, shape, dtype) for shape in shapes], dtype, random)


def test_ranks_as_in_torch():
    random = np.random.default_rng(60)
    x = drawn(random, (5, 4, 2), "float64") @ drawn(random, (5, 2, 3), "float64")
    x[0] = 0
    assert linalg.matrix_rank(gpugrad.tensor(x)).tolist() == torch.linalg.matrix_rank(torch.tensor(x)).tolist()
