"""Rows of linear algebra and of Fourier transforms."""

from __future__ import annotations

from functools import partial

from gradient_cases.draws import complexes, dominant, fixed, normal, positive_definite, spread
from gradient_cases.row import Row, row

__all__ = ["ROWS"]

inf = float("inf")
la = partial(row, "linear algebra")
ft = partial(row, "Fourier transforms")
heavy = partial(dominant, complex=True)


def _products():
    for name in ("matmul", "linalg.matmul"):
        yield la(name, "matrices", normal(2, 3), normal(3, 2))
        yield la(name, "complex", complexes(2, 3), complexes(3, 2))
    yield la("matmul", "vectors", normal(3), normal(3))
    yield la("matmul", "vector and matrix", normal(3), normal(3, 2))
    yield la("matmul", "matrix and vector", normal(2, 3), normal(3))
    yield la("matmul", "vector and stack", normal(2), normal(2, 2, 3))
    yield la("matmul", "stack and vector", normal(2, 2, 3), normal(3))
    yield la("matmul", "stacks", normal(2, 1, 3), normal(2, 3, 2))
    yield la("matmul", "stacks that broadcast", normal(2, 1, 1, 2), normal(3, 2, 1))
    yield la("matmul", "stack and matrix", normal(2, 2, 2), normal(2, 2))
    yield la("matmul", "nothing to add", normal(2, 0), normal(0, 2))
    yield la("matmul", "size 0", normal(0, 2), normal(2, 2))
    yield la("matmul", "complex with real", complexes(2, 2), normal(2, 2))
    yield la("matmul", "complex vectors", complexes(3), complexes(3))
    yield la("matmul", "x and x", normal(2, 2), program="twice")
    for name in ("tensordot", "linalg.tensordot"):
        yield la(name, "two axes", normal(2, 2, 2), normal(2, 2, 3))
        yield la(name, "one axis", normal(2, 3), normal(3, 2), axes=1)
        yield la(name, "no axes", normal(2), normal(3), axes=0)
        yield la(name, "pairs", normal(2, 3, 2), normal(3, 2), axes=((1, 0), (0, 1)))
        yield la(name, "negative pairs", normal(2, 3), normal(2, 3), axes=((-1,), (-1,)))
        yield la(name, "complex", complexes(2, 2), complexes(2, 2), axes=1)
    for name in ("vecdot", "linalg.vecdot"):
        yield la(name, "vectors", normal(3), normal(3))
        yield la(name, "rows", normal(2, 3), normal(3))
        yield la(name, "axis -2", normal(3, 2), normal(3, 2), axis=-2)
        yield la(name, "broadcast", normal(2, 1, 2), normal(2, 2))
        yield la(name, "complex", complexes(3), complexes(3))
        yield la(name, "complex rows with real", complexes(2, 2), normal(2))
    yield la("linalg.outer", "vectors", normal(2), normal(3))
    yield la("linalg.outer", "one element", normal(1), normal(2))
    yield la("linalg.outer", "complex", complexes(2), complexes(2))
    yield la("linalg.outer", "size 0", normal(0), normal(2))
    yield la("linalg.cross", "vectors", normal(3), normal(3))
    yield la("linalg.cross", "rows", normal(2, 3), normal(2, 3))
    yield la("linalg.cross", "axis -2", normal(3, 2), normal(3, 2), axis=-2)
    yield la("linalg.cross", "broadcast", normal(2, 3), normal(3))
    yield la("linalg.cross", "complex", complexes(3), complexes(3))
    yield la("linalg.matrix_transpose", "matrix", normal(2, 3))
    yield la("linalg.matrix_transpose", "complex stack", complexes(2, 1, 2))


def _diagonals():
    for name in ("linalg.diagonal", "linalg.trace"):
        yield la(name, "square", normal(3, 3))
        yield la(name, "wide, above", normal(2, 3), offset=1)
        yield la(name, "tall, below", normal(3, 2), offset=-1)
        yield la(name, "stack", normal(2, 2, 2))
        yield la(name, "complex", complexes(2, 2))
        yield la(name, "beyond the corner", normal(2, 2), offset=4)
    for ord_ in ("fro", "nuc", 1, -1, 2, -2, inf, -inf):
        yield la("linalg.matrix_norm", f"order {ord_}", normal(2, 3), ord=ord_)
        yield la("linalg.matrix_norm", f"order {ord_}, complex", complexes(2, 2), ord=ord_)
        yield la("linalg.matrix_norm", f"order {ord_}, stack, kept", normal(2, 2, 2), ord=ord_, keepdims=True)
    yield la("linalg.matrix_norm", "by default", normal(3, 2))
    for ord_ in (1, 2, 3, 1.5, 0.5, -1, inf, -inf, 0):
        yield la("linalg.vector_norm", f"order {ord_}", spread(4), ord=ord_)
        yield la("linalg.vector_norm", f"order {ord_}, axis, kept", spread(2, 3), ord=ord_, axis=-1, keepdims=True)
    for ord_ in (1, 2, 3, inf):
        yield la("linalg.vector_norm", f"order {ord_}, complex", complexes(3), ord=ord_)
    yield la("linalg.vector_norm", "all of a matrix", normal(2, 2))
    yield la("linalg.vector_norm", "two axes", normal(2, 2, 2), axis=(0, 2))
    yield la("linalg.vector_norm", "0-d", normal())
    yield la("linalg.vector_norm", "rest of size 0", normal(0, 2), axis=1)
    yield la("linalg.vector_norm", "square beside 0", fixed([0.0, 2.0]), program="square")
    yield la("linalg.vector_norm", "one element at 0", fixed([0.0, 3.0]))
    yield la("linalg.vector_norm", "order 3, one element at 0", fixed([0.0, 3.0]), ord=3)


def _squares():
    for name in ("linalg.inv", "linalg.det"):
        yield la(name, "matrix", dominant(3, 3))
        yield la(name, "2 by 2", normal(2, 2), tolerance=20.0)
        yield la(name, "1 by 1", dominant(1, 1))
        yield la(name, "stack", dominant(2, 2, 2))
        yield la(name, "complex", heavy(2, 2))
        yield la(name, "complex stack", heavy(2, 1, 2, 2))
        yield la(name, "no matrices", dominant(0, 2, 2))
    yield la("linalg.det", "permutation", fixed([0.0, 1.0, 0.0, 0.0, 0.0, 2.0, 3.0, 0.0, 0.0], (3, 3)))
    yield la("linalg.det", "singular", fixed([1.0, 2.0, 2.0, 4.0], (2, 2)))
    yield la("linalg.det", "of zeros", fixed([0.0] * 4, (2, 2)))
    yield la(
        "linalg.det",
        "singular, rank 2 of 3",
        fixed([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], (3, 3)),
        tolerance=10.0,
    )
    yield la("linalg.slogdet", "matrix", dominant(3, 3), constant_outputs=(0,))
    yield la("linalg.slogdet", "negative", fixed([0.5, 2.0, 3.0, 1.0], (2, 2)), constant_outputs=(0,))
    yield la("linalg.slogdet", "with its sign", fixed([0.5, 2.0, 3.0, 1.0], (2, 2)))
    yield la("linalg.slogdet", "stack", dominant(2, 2, 2), constant_outputs=(0,))
    yield la("linalg.slogdet", "complex", heavy(2, 2), constant_outputs=(0,))
    yield la("linalg.slogdet", "complex with its sign", heavy(2, 2))
    yield la("linalg.solve", "vector", dominant(3, 3), normal(3))
    yield la("linalg.solve", "matrix", dominant(2, 2), normal(2, 3))
    yield la("linalg.solve", "stacks", dominant(2, 2, 2), normal(2, 2, 1))
    yield la("linalg.solve", "stack and vector", dominant(2, 2, 2), normal(2))
    yield la("linalg.solve", "matrix and stack", dominant(2, 2), normal(2, 2, 1))
    yield la("linalg.solve", "no right sides", dominant(2, 2), normal(2, 0))
    yield la("linalg.solve", "complex", heavy(2, 2), complexes(2))
    yield la("linalg.solve", "complex matrix", heavy(2, 2), complexes(2, 2))
    for n in (-2, -1, 0, 1, 2, 3, 5):
        yield la("linalg.matrix_power", f"power {n}", dominant(2, 2), n)
    yield la("linalg.matrix_power", "stack", dominant(2, 2, 2), 2)
    yield la("linalg.matrix_power", "complex", heavy(2, 2), 3)
    yield la("linalg.pinv", "square", dominant(2, 2))
    yield la("linalg.pinv", "tall", normal(3, 2), tolerance=10.0)
    yield la("linalg.pinv", "wide", normal(2, 3), tolerance=10.0)
    yield la("linalg.pinv", "stack", dominant(2, 2, 2))
    yield la("linalg.pinv", "complex, tall", complexes(3, 2), tolerance=10.0)
    yield la("linalg.pinv", "complex, wide", complexes(2, 3), tolerance=10.0)
    yield la("linalg.pinv", "rtol", dominant(2, 2), rtol=0.015625)


def _factors():
    both = "symmetrised"
    for label, options in (("lower", {}), ("upper", {"upper": True})):
        yield la("linalg.cholesky", label, positive_definite(3, 3), program=both, **options)
        yield la("linalg.cholesky", f"{label}, stack", positive_definite(2, 2, 2), program=both, **options)
        yield la("linalg.cholesky", f"{label}, complex", _hermitian(), program=both, **options)
    yield la("linalg.cholesky", "1 by 1", positive_definite(1, 1), program=both)
    for name, program in (
        ("linalg.eigvalsh", both),
        ("linalg.eigh", "symmetrised squares"),
        ("linalg.eigh", "symmetrised product"),
    ):
        label = program.partition(" ")[2] or "values"
        yield la(name, label, dominant(3, 3), program=program, tolerance=10.0)
        yield la(name, f"{label}, 1 by 1", dominant(1, 1), program=program)
        yield la(name, f"{label}, stack", dominant(2, 2, 2), program=program, tolerance=10.0)
        yield la(name, f"{label}, complex", heavy(2, 2), program=program, tolerance=10.0)
        yield la(name, f"{label}, complex 3 by 3", _hermitian(), program=program, tolerance=10.0)
    yield la("linalg.eigvals", "power sums", dominant(3, 3), program="power sums", tolerance=10.0)
    yield la(
        "linalg.eigvals", "power sums, conjugate pair", fixed([0.5, -2.0, 1.0, 0.75], (2, 2)), program="power sums"
    )
    yield la("linalg.eigvals", "power sums, stack", dominant(2, 2, 2), program="power sums", tolerance=10.0)
    yield la("linalg.eigvals", "power sums, complex", heavy(2, 2), program="power sums", tolerance=10.0)
    yield la("linalg.eig", "weighted squares", dominant(3, 3), program="weighted squares", tolerance=20.0)
    yield la(
        "linalg.eig",
        "weighted squares, conjugate pair",
        fixed([0.5, -2.0, 1.0, 0.75], (2, 2)),
        program="weighted squares",
        tolerance=10.0,
    )
    yield la("linalg.eig", "weighted squares, stack", dominant(2, 2, 2), program="weighted squares", tolerance=20.0)
    yield la("linalg.eig", "weighted squares, complex", heavy(2, 2), program="weighted squares", tolerance=20.0)
    for label, draw in (("tall", normal(3, 2)), ("square", dominant(2, 2)), ("wide", normal(2, 3)), ("stack", normal(2, 3, 2)),
                        ("complex, tall", complexes(3, 2)), ("complex, square", heavy(2, 2))):  # fmt: skip
        yield la("linalg.svdvals", label, draw, tolerance=10.0)
        yield la("linalg.svd", f"squares, {label}", draw, program="thin squares", full_matrices=False, tolerance=20.0)
        yield la("linalg.svd", f"product, {label}", draw, program="product", full_matrices=False, tolerance=20.0)
        yield la("linalg.qr", f"squares, {label}", draw, program="squares", tolerance=20.0)
    yield la("linalg.svd", "squares, full, square", dominant(2, 2), program="thin squares", tolerance=20.0)
    yield la("linalg.svd", "squares, full, first columns of tall", normal(3, 2), program="thin squares", tolerance=20.0)
    yield la(
        "linalg.svd",
        "squares, full, first rows of wide",
        normal(2, 3),
        program="thin squares",
        full_matrices=True,
        tolerance=20.0,
    )
    yield la("linalg.svd", "squares, full, complex", heavy(2, 2), program="thin squares", tolerance=20.0)
    yield la("linalg.svd", "product, 1 by 1", dominant(1, 1), program="product", full_matrices=False)
    yield la("linalg.svdvals", "1 by 1", dominant(1, 1))
    yield la(
        "linalg.qr", "squares, complete, square", dominant(2, 2), program="squares", mode="complete", tolerance=20.0
    )
    yield la("linalg.qr", "squares, complex, wide", complexes(2, 3), program="squares", tolerance=20.0)
    yield la("linalg.qr", "squares, 1 by 1", dominant(1, 1), program="squares")


def _hermitian():
    """Return a positive definite Hermitian matrix."""
    upper = [
        [5.0, 0.0],
        [1.0, 0.5],
        [-0.5, 0.25],
        [1.0, -0.5],
        [3.5, 0.0],
        [0.25, -1.0],
        [-0.5, -0.25],
        [0.25, 1.0],
        [2.0, 0.0],
    ]
    return fixed(upper, (3, 3))


def _transforms():
    norms = ("backward", "ortho", "forward")
    for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
        takes_real = name in ("rfft", "ihfft")
        draw = normal if takes_real else complexes
        full = f"fft.{name}"
        for norm in norms:
            yield ft(full, f"norm {norm}, even", draw(4), norm=norm)
            yield ft(full, f"norm {norm}, odd", draw(3), norm=norm)
        yield ft(full, "n cuts", draw(5), n=3)
        yield ft(full, "n cuts to an even number", draw(5), n=4)
        yield ft(full, "n fills", draw(3), n=6)
        yield ft(full, "n fills to an odd number", draw(3), n=7)
        yield ft(full, "n is 1", draw(2), n=1)
        yield ft(full, "axis 0", draw(3, 2), axis=0)
        yield ft(full, "axis 0, n fills", draw(2, 2), axis=0, n=5)
        yield ft(full, "stack", draw(2, 1, 4))
        yield ft(full, "no rows", normal(0, 3)) if takes_real else None
    for name in ("fftn", "ifftn", "rfftn", "irfftn"):
        draw = normal if name == "rfftn" else complexes
        full = f"fft.{name}"
        for norm in norms:
            yield ft(full, f"norm {norm}", draw(2, 3), norm=norm)
        yield ft(full, "one axis", draw(2, 3), axes=(0,))
        yield ft(full, "axes swapped", draw(2, 3), axes=(1, 0))
        yield ft(full, "axes and sizes", draw(2, 3), s=(3, 4), axes=(0, 1))
        yield ft(full, "sizes cut", draw(3, 4), s=(2, 3), axes=(0, 1))
        yield ft(full, "negative axes of a cube", draw(2, 2, 2), axes=(-3, -1))
        yield ft(full, "cube", draw(2, 2, 2))
    for name in ("fftshift", "ifftshift"):
        yield ft(f"fft.{name}", "odd", normal(5))
        yield ft(f"fft.{name}", "even", normal(4))
        yield ft(f"fft.{name}", "all axes", normal(2, 3))
        yield ft(f"fft.{name}", "one axis", normal(2, 3), axes=1)
        yield ft(f"fft.{name}", "two axes", normal(2, 3, 2), axes=(0, 1))
        yield ft(f"fft.{name}", "complex", complexes(3))


ROWS: list[Row] = [
    r for rows in (_products, _diagonals, _squares, _factors, _transforms) for r in rows() if r is not None
]  # fmt: skip
