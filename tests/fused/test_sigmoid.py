"""The sigmoid is exact to a few units in the last place, at any x, and so is its derivative."""

from typing import Any

import numpy as np
import pytest

from gpugrad._fused.sigmoid import sigmoid, sigmoid_backward
from gpugrad.backends import backend_named, backend_of

SMALLEST_NORMAL = 1.2e-38  # below it numbers may be flushed to zero

# x, sigmoid, derivative; each to a relative 1e-6 or an absolute 1.2e-38
EXTREMES = [
    (-np.inf, 0.0, 0.0),
    (-1e4, 0.0, 0.0),
    (-88.0, 6.0546e-39, 6.0546e-39),
    (-20.0, 2.06115362e-9, 2.06115362e-9),
    (0.0, 0.5, 0.25),
    (-0.0, 0.5, 0.25),
    (20.0, 1.0, 0.0),
    (89.0, 1.0, 0.0),
    (1e4, 1.0, 0.0),
    (np.inf, 1.0, 0.0),
    (np.nan, np.nan, np.nan),
]


def host(x: Any) -> np.ndarray:
    return backend_of(x).to_host(x)


def largest_ulp(z: np.ndarray, exact: np.ndarray) -> float:
    """Return the largest error in units of the last place of z's dtype, of the normal numbers."""
    normal = np.abs(exact) >= np.finfo(z.dtype).tiny
    unit = np.spacing(np.abs(exact[normal]).astype(z.dtype)).astype(np.float64)
    return float(np.max(np.abs(z[normal].astype(np.float64) - exact[normal]) / unit))


def exact_sigmoid(x: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x.astype(np.float64)))


@pytest.fixture(scope="module")
def everywhere() -> np.ndarray:
    """Where the sigmoid changes, where it is tiny, where it is 1: 400,000 float32 numbers."""
    spread = np.linspace(-105, 105, 200_000)
    usual = np.random.default_rng(0).normal(scale=5, size=200_000)
    return np.concatenate([spread, usual]).astype(np.float32)


def test_float32_is_within_4_ulp_over_the_whole_range(xp: Any, everywhere: np.ndarray) -> None:
    z = host(sigmoid(xp.asarray(everywhere)))
    exact = exact_sigmoid(everywhere)
    assert z.dtype == np.float32
    assert largest_ulp(z, exact) <= 4
    tiny = exact < SMALLEST_NORMAL
    assert np.max(np.abs(z[tiny] - exact[tiny])) <= SMALLEST_NORMAL


def test_float64_is_within_4_ulp(xp: Any) -> None:
    x = np.random.default_rng(1).normal(scale=8, size=2000)
    exact = np.array([1 / (1 + np.exp(-value)) for value in x.astype(np.longdouble)])
    assert largest_ulp(host(sigmoid(xp.asarray(x))), exact) <= 4


def test_float16_is_the_nearest_of_its_numbers(xp_of_halves: Any) -> None:
    x = np.random.default_rng(2).normal(scale=5, size=10_000).astype(np.float16)
    z = host(sigmoid(xp_of_halves.asarray(x)))
    assert z.dtype == np.float16
    assert largest_ulp(z, exact_sigmoid(x)) <= 0.51


@pytest.mark.parametrize(("x", "value", "derivative"), EXTREMES)
def test_extremes(xp: Any, x: float, value: float, derivative: float) -> None:
    x = xp.asarray([x, x], dtype=xp.float32)
    z = sigmoid(x)
    gx = sigmoid_backward(xp.ones(2, dtype=xp.float32), z)
    assert host(z) == pytest.approx([value] * 2, rel=1e-6, abs=SMALLEST_NORMAL, nan_ok=True)
    assert host(gx) == pytest.approx([derivative] * 2, rel=1e-6, abs=SMALLEST_NORMAL, nan_ok=True)
    if value in (0.0, 1.0):
        assert float(z[0]) == value


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1,), (2, 3, 4)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shape_dtype_and_device_are_kept(xp: Any, shape: tuple[int, ...], dtype: str) -> None:
    x = xp.full(shape, 0.25, dtype=getattr(xp, dtype))
    for result in (sigmoid(x), sigmoid_backward(x, x)):
        assert type(result) is type(x)
        assert (result.shape, result.dtype, result.device) == (x.shape, x.dtype, x.device)


def test_no_float64_appears_where_there_is_none() -> None:
    strict = backend_named("strict").namespace
    device = strict.Device("no_float64")  # where float64 raises
    x = strict.asarray([0.0], dtype=strict.float32, device=device)
    gx = sigmoid_backward(x, sigmoid(x))
    assert gx.device == device


def test_the_derivative_is_as_exact_as_the_output_it_comes_from(xp: Any) -> None:
    generator = np.random.default_rng(3)
    g, z = (values.astype(np.float32) for values in (generator.normal(size=5000), generator.random(5000)))
    exact = g.astype(np.float64) * z * (1 - z.astype(np.float64))
    gx = host(sigmoid_backward(xp.asarray(g), xp.asarray(z)))
    assert gx.dtype == np.float32
    assert largest_ulp(gx, exact) <= 4


def test_the_derivative_in_float16_is_rounded_once(xp_of_halves: Any) -> None:
    generator = np.random.default_rng(4)
    g, z = (values.astype(np.float16) for values in (generator.normal(size=5000), generator.random(5000)))
    exact = g.astype(np.float64) * z.astype(np.float64) * (1 - z.astype(np.float64))
    gx = host(sigmoid_backward(xp_of_halves.asarray(g), xp_of_halves.asarray(z)))
    assert gx.dtype == np.float16
    assert largest_ulp(gx, exact) <= 0.51


def test_the_arguments_are_left_as_they_were(xp: Any) -> None:
    x, g = (xp.asarray([[-1.0, 2.0]], dtype=xp.float32) for _ in range(2))
    z = sigmoid(x)
    before = host(z)
    gx = sigmoid_backward(g, z)
    gx += 1
    assert np.array_equal(host(x), [[-1, 2]])
    assert np.array_equal(host(g), [[-1, 2]])
    assert np.array_equal(host(z), before)


def test_any_layout_gives_the_same_numbers(xp: Any) -> None:
    x = xp.asarray(np.random.default_rng(5).normal(size=(6, 8)).astype(np.float32))
    for view in (x.T, x[::2, 1:], x[:, ::-1]):
        packed = xp.asarray(np.ascontiguousarray(host(view)))
        assert np.array_equal(host(sigmoid(view)), host(sigmoid(packed)))
        assert np.array_equal(host(sigmoid_backward(view, view)), host(sigmoid_backward(packed, packed)))


def test_a_gradient_broadcasts_with_the_output(xp: Any) -> None:
    g, z = xp.asarray([1.0, 2.0, 4.0]), xp.asarray([[0.5], [1.0]])
    expected = [[0.25, 0.5, 1.0], [0.0, 0.0, 0.0]]
    assert np.array_equal(host(sigmoid_backward(g, z)), expected)
    assert np.array_equal(host(sigmoid_backward(z, z)), [[0.125], [0.0]])


@pytest.mark.parametrize(("g", "z"), [("float16", "float32"), ("float32", "float64"), ("float64", "float16")])
def test_two_dtypes_promote_as_everywhere(xp_of_halves: Any, g: str, z: str) -> None:
    xp = xp_of_halves
    for first, second in ((g, z), (z, g)):
        gx = sigmoid_backward(xp.ones(2, dtype=getattr(xp, first)), xp.full(2, 0.5, dtype=getattr(xp, second)))
        assert gx.dtype == np.result_type(first, second)
        assert host(gx).tolist() == [0.25, 0.25]
