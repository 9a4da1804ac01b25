"""Everyday kernels compute the same from their PTX as from their source, and what NumPy says they must."""

import functools
import math
from pathlib import Path

import numpy as np
import pytest
from cuda_on_cpu import Launch, Program, ptx
from cuda_on_cpu.ptx import ARCHITECTURES, PtxProgram

pytestmark = pytest.mark.skipif(ptx.missing() is not None, reason=str(ptx.missing()))

TEXT = Path(__file__).with_name("typical.cu").read_text("utf-8")
every_architecture = pytest.mark.parametrize("architecture", ARCHITECTURES)
generator = np.random.default_rng(0)


@functools.cache
def compiled(architecture: str | None) -> Program:
    """Return the kernels as they are written, or as they are for an architecture."""
    return PtxProgram(TEXT, "typical.cu", architecture) if architecture else Program(TEXT, "typical.cu")


def left(
    architecture: str | None, entry: str, grid: int, block: int, *args: object, **settings: int
) -> list[np.ndarray]:
    """Return what a kernel leaves of copies of its arrays."""
    given = [arg.copy() if isinstance(arg, np.ndarray) else arg for arg in args]
    compiled(architecture).run(Launch(entry, (grid,), (block,), given, **settings))
    return [arg for arg in given if isinstance(arg, np.ndarray)]


def bfloat16(x: np.ndarray) -> np.ndarray:
    """Return float32 rounded to bfloat16, as its bits."""
    bits = x.astype(np.float32).view(np.uint32).astype(np.uint64)
    return (bits + 0x7FFF + (bits >> 16 & 1) >> 16).astype(np.uint16)


def wide(bits: np.ndarray) -> np.ndarray:
    return (bits.astype(np.uint32) << 16).view(np.float32)


STORED = {
    "f32": (lambda x: x.astype(np.float32), lambda z: z, 3e-6),
    "f16": (lambda x: x.astype(np.float16), lambda z: z.astype(np.float32), 1e-3),
    "bf16": (bfloat16, wide, 8e-3),
}


@every_architecture
@pytest.mark.parametrize("dtype", STORED)
def test_layer_norm(dtype: str, architecture: str) -> None:
    stored, read, tolerance = STORED[dtype]
    x, weight = stored(generator.normal(2, 3, (4, 300))), stored(generator.normal(1, 0.2, 300))
    args = x, weight, np.zeros_like(x), np.int32(300), np.float32(1e-5)
    settings = {"shared_bytes": 1200, "order": 2}
    found, ours = (left(which, f"layer_norm_{dtype}", 4, 96, *args, **settings)[2] for which in (architecture, None))
    rows = read(x).astype(np.float64)
    expected = (rows - rows.mean(1, keepdims=True)) / np.sqrt(rows.var(1, keepdims=True) + 1e-5) * read(weight)
    np.testing.assert_allclose(read(found), expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(read(found), read(ours), rtol=tolerance, atol=tolerance)


@every_architecture
def test_softmax(architecture: str) -> None:
    x = generator.normal(0, 4, (8, 77)).astype(np.float32)
    found, ours = (
        left(which, "softmax", 2, 128, x, np.zeros_like(x), np.int32(77))[1] for which in (architecture, None)
    )
    powers = np.exp((x - x.max(1, keepdims=True)).astype(np.float64))  # a difference that is rounded in the kernel too
    np.testing.assert_allclose(found, powers / powers.sum(1, keepdims=True), rtol=1e-6)
    np.testing.assert_allclose(found, ours, rtol=1e-6)


@every_architecture
def test_adamw(architecture: str) -> None:
    p, g, m, v = (generator.normal(size=4000).astype(np.float32) for _ in range(4))
    v = np.abs(v)
    lr, b1, b2, eps, decay = map(np.float32, (1e-2, 0.9, 0.999, 1e-8, 0.1))
    found = left(architecture, "adamw", 3, 128, p, g, m, v, np.int32(1000), lr, b1, b2, eps, decay)
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g * g
    p = p * (1 - lr * decay) - lr * m / (np.sqrt(v) + eps)
    for computed, expected in zip((found[0], *found[2:]), (p, m, v), strict=True):
        np.testing.assert_allclose(computed, expected, rtol=1e-5, atol=1e-7)


@every_architecture
def test_random_numbers_are_those_of_the_source_bit_for_bit(architecture: str) -> None:
    args = np.zeros((100, 4), np.uint32), np.uint32(0xA4093822), np.uint32(0x299F31D0), np.int32(100)
    found, ours = (left(which, "philox", 2, 64, *args)[0] for which in (architecture, None))
    assert np.array_equal(found, ours)
    zero = np.zeros((1, 4), np.uint32), np.uint32(0), np.uint32(0), np.int32(1)
    # the first of the known answers that come with Random123
    assert list(left(architecture, "philox", 1, 1, *zero)[0][0]) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]


INTEGERS = {
    "control": lambda: (np.arange(1, 301, dtype=np.int32), np.zeros(300, np.int32), np.int32(300)),
    "warps": lambda: (np.zeros(8 * 96, np.uint32),),
    "atomics": lambda: (
        np.zeros(8, np.int32),
        np.array([0, 255, 0, 0, 0, 0, 1000], np.uint32),
        np.zeros(2, np.float32),
        np.zeros(1),
        np.zeros(2 + 3 * 96, np.uint64),
    ),
    "last_block": lambda: (
        np.arange(1000, dtype=np.float32), np.zeros(3, np.float32), np.zeros(1, np.uint32), np.zeros(1, np.float32),
        np.int32(1000),
    ),
}  # fmt: skip
GRIDS = {"control": 4, "warps": 1, "atomics": 3, "last_block": 3}


@every_architecture
@pytest.mark.parametrize("entry", INTEGERS)
@pytest.mark.parametrize("order", [0, 1, 5])
def test_what_is_not_rounded_is_the_same_bit_for_bit(entry: str, order: int, architecture: str) -> None:
    found, ours = (
        left(which, entry, GRIDS[entry], 96, *INTEGERS[entry](), order=order) for which in (architecture, None)
    )
    for one, other in zip(found, ours, strict=True):
        assert one.tobytes() == other.tobytes()
    if entry == "last_block":
        assert found[3][0] == 499500


@every_architecture
def test_packs_of_float16_are_the_same_bit_for_bit(architecture: str) -> None:
    x, y = (generator.normal(0, 50, (64, 2)).astype(np.float16) for _ in range(2))
    x[:4] = [[np.inf, -np.inf], [60000, 6e-8], [0, -0.0], [2.5, -2.5]]
    args = x, y, np.zeros((6, 64, 2), np.float16), np.int32(64)
    found, ours = (left(which, "halves", 1, 64, *args)[2] for which in (architecture, None))
    np.testing.assert_array_equal(found, ours)
    with np.errstate(over="ignore", invalid="ignore"):
        for row, expected in enumerate((x + y, x * y, x - y)):
            np.testing.assert_array_equal(found[row], expected)


# Each function, and how many units in the last place CUDA's own table of errors lets it be off.
FLOAT32 = {
    "sin": 2, "cos": 2, "tan": 4, "tanh": 2, "exp": 2, "exp2": 2, "expm1": 1, "log": 1, "log2": 1, "log1p": 1, "pow": 9,
    "sqrt": 1, "rsqrt": 2, "cbrt": 1, "erf": 2, "erfc": 4, "atan2": 3, "sinh": 3, "fmod": 0, "hypot": 3, "floor": 0,
    "ceil": 0, "trunc": 0, "rint": 0, "round": 0,
}  # fmt: skip
FLOAT64 = {
    "sin": 2, "cos": 2, "tanh": 2, "exp": 1, "expm1": 1, "log": 1, "log1p": 1, "pow": 2, "sqrt": 0, "rsqrt": 1,
    "cbrt": 1, "erf": 2, "erfc": 5, "atan2": 2, "fmod": 0, "floor": 0, "rint": 0, "quotient": 0,
}  # fmt: skip
# What NumPy has not by that name or not of one argument: of x, |x| + 0.001, and the type of the kernel's numbers.
OTHERS = {
    "pow": lambda x, b, number: b ** x.dtype.type(number(1.7)),
    "rsqrt": lambda x, b, number: 1 / np.sqrt(b),
    "erf": lambda x, b, number: np.array([math.erf(value) for value in x], x.dtype),
    "erfc": lambda x, b, number: np.array([math.erfc(value) for value in x], x.dtype),
    "atan2": lambda x, b, number: np.arctan2(x, b),
    "fmod": lambda x, b, number: np.fmod(x, number(0.7)),
    "hypot": lambda x, b, number: np.hypot(x, b),
    "round": lambda x, b, number: np.copysign(np.floor(np.abs(x) + 0.5), x),
    "quotient": lambda x, b, number: x / b,
}
OF_B = {"log", "log2", "log1p", "sqrt"}


@every_architecture
@pytest.mark.parametrize(("dtype", "functions"), [("float32", FLOAT32), ("float64", FLOAT64)])
def test_the_mathematics_library_is_as_exact_as_cuda_says(dtype: str, functions: dict, architecture: str) -> None:
    usual = [generator.normal(0, 3, 500), generator.normal(0, 1e-3, 100), [0.5, 1, -1, 2, 3.25, -7.5]]
    large = generator.normal(0, 1e6, 20)  # whose sine takes the slow path
    x = np.concatenate([*usual, large]).astype(dtype)
    entry = "mathematics" if dtype == "float32" else "mathematics_f64"
    z = left(architecture, entry, 5, 128, x, np.zeros((len(functions), x.size), dtype), np.int32(x.size))[1]
    wider, number = x.astype(np.longdouble if dtype == "float64" else np.float64), x.dtype.type
    b = (np.abs(x) + number(1e-3)).astype(wider.dtype)
    for (name, units), found in zip(functions.items(), z, strict=True):
        with np.errstate(over="ignore"):
            exact = (
                OTHERS[name](wider, b, number) if name in OTHERS else getattr(np, name)(b if name in OF_B else wider)
            )
        finite = np.abs(exact) < np.finfo(dtype).max
        size = np.maximum(np.abs(exact[finite]), np.finfo(dtype).tiny)
        error = np.max(np.abs(found[finite] - exact[finite]) / np.spacing(size.astype(dtype)).astype(wider.dtype))
        assert error <= units + 0.501, f"{name}: {error} units"
        assert np.all(np.isinf(found[~finite])), name
