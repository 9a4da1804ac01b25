"""Rows of the elementwise functions, and of the array object's operators."""

from __future__ import annotations

from gradient_cases.draws import above_one, complexes, constant, fixed, normal, odd, positive, spread, steps, unit
from gradient_cases.row import Row, row

__all__ = ["ROWS"]

# Name, draw of reals, whether complex numbers are in its domain.
_UNARY = [
    ("abs", normal, True), ("acos", unit, True), ("acosh", above_one, True), ("asin", unit, True),
    ("asinh", normal, True), ("atan", normal, True), ("atanh", unit, True), ("ceil", steps, False),
    ("conj", normal, True), ("cos", normal, True), ("cosh", normal, True), ("exp", normal, True),
    ("expm1", normal, True), ("floor", steps, False), ("imag", None, True), ("log", positive, True),
    ("log10", positive, True), ("log1p", positive, True), ("log2", positive, True), ("negative", normal, True),
    ("positive", normal, True), ("real", normal, True), ("reciprocal", normal, True), ("round", steps, False),
    ("sign", normal, True), ("sin", normal, True), ("sinh", normal, True), ("sqrt", positive, True),
    ("square", normal, True), ("tan", unit, True), ("tanh", normal, True), ("trunc", steps, False),
]  # fmt: skip

# Name, draws of the operands, whether complex numbers are in its domain.
_BINARY = [
    ("add", normal, normal, True), ("atan2", normal, normal, False), ("copysign", normal, normal, False),
    ("divide", normal, normal, True), ("floor_divide", odd, normal, False), ("hypot", normal, normal, False),
    ("logaddexp", normal, normal, False), ("maximum", spread, normal, False), ("minimum", spread, normal, False),
    ("multiply", normal, normal, True), ("pow", positive, normal, True), ("remainder", odd, positive, False),
    ("subtract", normal, normal, True),
]  # fmt: skip


def _unary(name, real, in_complex):
    if real is not None:
        yield row("elementwise", name, "vector", real(5))
        yield row("elementwise", name, "0-d", real())
        yield row("elementwise", name, "one element", real(1, 1))
        yield row("elementwise", name, "size 0", real(2, 0))
        yield row("elementwise", name, "cube", real(2, 1, 3))
    if in_complex:
        yield row("elementwise", name, "complex", complexes(4))
        yield row("elementwise", name, "complex 0-d", complexes())


def _binary(name, left, right, in_complex):
    for label, shape1, shape2 in (
        ("same shape", (4,), (4,)),
        ("0-d", (), ()),
        ("0-d left", (), (3,)),
        ("0-d right", (2, 2), ()),
        ("one element left", (1,), (3,)),
        ("row and column", (2, 1), (1, 3)),
        ("more axes left", (2, 1, 2), (2,)),
        ("size 0", (0, 2), (1, 2)),
        ("cut to nothing", (1,), (0,)),
    ):
        yield row("elementwise", name, label, left(*shape1), right(*shape2))
    yield row("elementwise", name, "scalar right", left(3), 1.3671875)
    yield row("elementwise", name, "scalar left", 1.3671875, right(3))
    yield row("elementwise", name, "constant right", left(3), constant(right(3)))
    yield row("elementwise", name, "float32 with float64", left(3, dtype="float32"), right(3), dtypes=("float64",))
    if in_complex:
        yield row("elementwise", name, "complex", complexes(3), complexes(3))
        yield row("elementwise", name, "complex broadcast", complexes(2, 1), complexes(2))
        yield row("elementwise", name, "complex with real", complexes(3), right(3))
        yield row("elementwise", name, "real with complex", left(2, 1), complexes(1, 2))


_MORE: list[Row] = [
    row("elementwise", "acos", "complex beyond 1", fixed([[2.0, 0.5], [-3.0, -0.25]])),
    row("elementwise", "acosh", "complex on the left", fixed([[-2.0, 0.5], [-0.5, -2.25]])),
    row("elementwise", "asin", "complex beyond 1", fixed([[2.0, 0.5], [-3.0, -0.25]])),
    row("elementwise", "atanh", "complex beyond 1", fixed([[2.0, 0.5], [-3.0, -0.25]])),
    row("elementwise", "sqrt", "complex on the left", fixed([[-2.0, 0.5], [-2.0, -0.5]])),
    row("elementwise", "log", "complex on the left", fixed([[-2.0, 0.5], [-2.0, -0.5]])),
    row("elementwise", "log1p", "tiny", fixed([2.0**-30, -(2.0**-30)])),
    row("elementwise", "expm1", "tiny", fixed([2.0**-30, -(2.0**-30)])),
    row("elementwise", "tanh", "far out", fixed([-40.0, 40.0])),
    row("elementwise", "atan", "far out", fixed([-1024.0, 1024.0])),
    row("elementwise", "logaddexp", "far apart", fixed([0.0, 60.0]), fixed([60.0, -60.0])),
    row("elementwise", "logaddexp", "large", fixed([1000.0, -1000.0]), fixed([1000.5, -999.0])),
    row("elementwise", "logaddexp", "equal", fixed([0.75, -2.0]), fixed([0.75, -2.0])),
    row("elementwise", "logaddexp", "x and x", normal(3), program="twice"),
    row("elementwise", "multiply", "x and x", normal(3), program="twice"),
    row("elementwise", "subtract", "x and x", normal(3), program="twice"),
    row("elementwise", "divide", "x and x", normal(3), program="twice"),
    row("elementwise", "atan2", "four quadrants", fixed([1.0, 1.0, -1.0, -1.0]), fixed([0.5, -0.5, 0.5, -0.5])),
    row("elementwise", "atan2", "on the axes", fixed([0.0, 2.0, -2.0]), fixed([1.5, 0.0, 0.0])),
    row("elementwise", "hypot", "on the axes", fixed([0.0, 2.0, -2.0]), fixed([1.5, 0.0, 0.0])),
    row("elementwise", "copysign", "all signs", fixed([1.5, 1.5, -1.5, -1.5]), fixed([2.0, -2.0, 2.0, -2.0])),
    row("elementwise", "remainder", "all signs", fixed([7.0, 7.0, -7.0, -7.0]), fixed([3.0, -3.0, 3.0, -3.0])),
    row("elementwise", "floor_divide", "all signs", fixed([7.0, 7.0, -7.0, -7.0]), fixed([3.0, -3.0, 3.0, -3.0])),
    row("elementwise", "square", "at 0", fixed([0.0, -0.0])),
    row("elementwise", "sin", "at 0", fixed([0.0])),
    row("elementwise", "asinh", "at 0", fixed([0.0])),
    row("elementwise", "multiply", "zeros", fixed([0.0, 2.0]), fixed([3.0, 0.0])),
    *[row("elementwise", "pow", f"power {n}", normal(4), n) for n in (0, 1, 2, 3, -1, -2)],
    *[row("elementwise", "pow", f"power {n}", normal(4), n) for n in (2.0, 3.0, -1.0)],
    *[row("elementwise", "pow", f"power {n}", positive(4), n) for n in (0.5, -0.5, 1.5)],
    *[row("elementwise", "pow", f"power {n} at 0", fixed([0.0]), n) for n in (1, 2, 3)],
    row("elementwise", "pow", "whole powers of negative numbers", normal(4), constant(fixed([2.0, 3.0, 1.0, -1.0]))),
    row("elementwise", "pow", "whole powers of 0", fixed([0.0, 0.0, 0.0]), constant(fixed([1.0, 2.0, 3.0]))),
    row("elementwise", "pow", "complex, power 3", complexes(3), 3),
    row("elementwise", "clip", "scalars", spread(6), min=-0.5, max=0.75),
    row("elementwise", "clip", "positional", spread(6), -0.5, 0.75),
    row("elementwise", "clip", "min alone", spread(5), min=0.125),
    row("elementwise", "clip", "max alone", spread(5), max=0.125),
    row("elementwise", "clip", "no bounds", spread(3)),
    row("elementwise", "clip", "0-d", fixed(0.25, ()), min=-1.0, max=1.0),
    row("elementwise", "clip", "size 0", spread(0), min=-1.0, max=1.0),
    row("elementwise", "clip", "arrays", spread(6), fixed([-0.75] * 6), fixed([0.5] * 6)),
    row("elementwise", "clip", "bounds broadcast", spread(2, 3), min=fixed([-1.0, -0.25, 0.0]), max=fixed([0.75, 1.0], (2, 1))),
    row("elementwise", "clip", "0-d bounds", spread(4), min=fixed(-0.5, ()), max=fixed(0.5, ())),
    row("elementwise", "clip", "constant bounds", spread(4), min=constant(fixed([-0.25] * 4)), max=constant(fixed([0.25] * 4))),
]  # fmt: skip


def _operators():
    for symbol in ("add", "sub", "mul", "truediv", "pow", "mod", "floordiv"):
        left, right = {"pow": (positive, normal), "mod": (odd, positive), "floordiv": (odd, positive)}.get(
            symbol, (normal, positive)
        )
        alone = odd if left is odd else right  # what a whole number is not a multiple of
        yield row("array object", f"array.__{symbol}__", "arrays", left(3), right(3))
        yield row("array object", f"array.__{symbol}__", "broadcast", left(2, 1), right(3))
        yield row("array object", f"array.__{symbol}__", "scalar", left(3), 2.5)
        yield row("array object", f"array.__{symbol}__", "whole scalar", left(3), 2)
        yield row("array object", f"array.__r{symbol}__", "scalar", alone(3), 2.5)
        yield row("array object", f"array.__r{symbol}__", "whole scalar, 0-d", alone(), 2)
    for symbol in ("add", "sub", "mul", "truediv"):
        yield row("array object", f"array.__{symbol}__", "complex", complexes(3), complexes(3))
        yield row("array object", f"array.__i{symbol}__", "array", normal(2, 3), normal(3))
        yield row("array object", f"array.__i{symbol}__", "scalar", normal(3), 2.5)
    yield row("array object", "array.__ipow__", "scalar", normal(3), 2)
    for symbol in ("neg", "pos", "abs"):
        yield row("array object", f"array.__{symbol}__", "vector", normal(3))
        yield row("array object", f"array.__{symbol}__", "complex", complexes(2))
    yield row("array object", "array.__matmul__", "matrices", normal(2, 3), normal(3, 2))
    yield row("array object", "array.__matmul__", "vectors", normal(3), normal(3))
    yield row("array object", "array.__matmul__", "stack and vector", normal(2, 2, 3), normal(3))
    yield row("array object", "array.__rmatmul__", "constant left", normal(3, 2), constant(normal(2, 3)))
    yield row("array object", "array.T", "matrix", normal(2, 3))
    yield row("array object", "array.T", "complex matrix", complexes(2, 2))
    yield row("array object", "array.mT", "stack", normal(2, 3, 1))
    yield row("array object", "array.mT", "complex matrix", complexes(1, 3))


ROWS: list[Row] = [
    *[r for case in _UNARY for r in _unary(*case)],
    *[r for case in _BINARY for r in _binary(*case)],
    *_MORE,
    *_operators(),
]
