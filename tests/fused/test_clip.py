"""Gradients are clipped by their true norm, whatever its size, and a NaN in them is not hidden."""

import math
from typing import Any

import numpy as np
import pytest

from gpugrad._fused.clip import clip_by_global_norm, clip_coefficient, global_norm, scale
from gpugrad.backends import backend_named, backend_of, is_cuda
from gpugrad.errors import DtypeError


def host(x: Any) -> np.ndarray:
    return backend_of(x).to_host(x)


def arrays_of(xp: Any, *values: object, dtype: str = "float32") -> list:
    return [xp.asarray(value, dtype=getattr(xp, dtype)) for value in values]


@pytest.mark.parametrize("equal", [None, 0.1, 1 / 3, math.pi])
def test_the_norm_of_ten_million_numbers_is_right_to_1e_6(xp: Any, equal: float | None) -> None:
    size = 10_000_000
    if equal is None:
        x = np.random.default_rng(0).standard_normal(size, dtype=np.float32)
    else:  # equal numbers are the hard case: their roundings do not cancel
        x = np.full(size, equal, np.float32)
    exact = math.sqrt(np.sum(x.astype(np.float64) ** 2))
    assert float(global_norm([xp.asarray(x)])) == pytest.approx(exact, rel=1e-6)


def test_the_norm_is_that_of_all_arrays_together(xp: Any) -> None:
    norm = global_norm(arrays_of(xp, [[1.0, 2.0], [3.0, 4.0]], 5.0, [], [[[6.0]]]))
    assert float(norm) == pytest.approx(math.sqrt(91), rel=1e-6)
    assert norm.shape == ()
    assert norm.dtype == xp.float32
    assert type(norm) is type(xp.asarray(0.0))


@pytest.mark.parametrize("size", [1, 3, 4095, 4096, 4097, 8192, 200_001])
def test_no_element_is_lost_between_rows(xp: Any, size: int) -> None:
    x = xp.ones(size, dtype=xp.float32)
    assert float(global_norm([x])) == pytest.approx(math.sqrt(size), rel=1e-6)


@pytest.mark.parametrize(
    ("values", "norm"),
    [
        ([3e30, 4e30], 5e30),
        ([3e-30, 4e-30], 5e-30),
        ([3e-40, 4e-40], 5e-40),
        ([1e-45], 1e-45),
        ([3e30, 4e-30], 3e30),
        ([1e19] * 100, 1e20),
        ([0.0, -0.0], 0.0),
        ([math.inf, 1.0], math.inf),
        ([-math.inf, math.inf], math.inf),
        ([3e38] * 4, math.inf),
        ([math.nan, 1.0], math.nan),
        ([math.inf, math.nan], math.nan),
        ([math.nan, 3e30], math.nan),
    ],
)
def test_any_size_of_number_has_its_norm(xp: Any, values: list[float], norm: float) -> None:
    whole = float(global_norm(arrays_of(xp, values)))
    apart = float(global_norm(arrays_of(xp, *([value] for value in values))))
    assert whole == pytest.approx(norm, rel=1e-6, abs=1e-45, nan_ok=True)
    assert apart == pytest.approx(norm, rel=1e-6, abs=1e-45, nan_ok=True)


@pytest.mark.parametrize(
    ("values", "norm", "on_cuda"),
    [
        ([3e150, 4e150], 5e150, 5e150),
        ([3e-150, 4e-150], 5e-150, 5e-150),
        ([3e200, 4e200], 5e200, math.inf),
        ([3e-200, 4e-200], 5e-200, 0.0),
    ],
)
def test_float64_has_its_range_and_on_a_gpu_its_root(xp: Any, values: list[float], norm: float, on_cuda: float) -> None:
    arrays = arrays_of(xp, values, dtype="float64")
    expected = on_cuda if is_cuda(arrays[0]) else norm
    assert float(global_norm(arrays)) == pytest.approx(expected, rel=1e-14, abs=0)


@pytest.mark.parametrize(
    ("dtypes", "widest"),
    [
        (["float16"], "float32"),
        (["float32"], "float32"),
        (["float16", "float32"], "float32"),
        (["float32", "float64"], "float64"),
    ],
)
def test_the_norm_has_the_widest_dtype_and_at_least_float32(xp_of_halves: Any, dtypes: list[str], widest: str) -> None:
    arrays = [xp_of_halves.full(4, 100.0, dtype=getattr(xp_of_halves, dtype)) for dtype in dtypes]
    norm, coefficient = clip_coefficient(arrays, 1.0)
    assert norm.dtype == coefficient.dtype == widest
    assert float(norm) == pytest.approx(200 * math.sqrt(len(dtypes)), rel=1e-6)
    clip_by_global_norm(arrays, 1.0)
    assert [array.dtype.name for array in arrays] == dtypes


def test_float16_is_summed_and_scaled_in_float32(xp_of_halves: Any) -> None:
    x = xp_of_halves.full(1000, 60_000.0, dtype=xp_of_halves.float16)
    norm = clip_by_global_norm([x], 1e-3)
    assert float(norm) == pytest.approx(60_000 * math.sqrt(1000), rel=1e-3)
    assert host(x) == pytest.approx(1e-3 / math.sqrt(1000), rel=1e-3)  # the coefficient is no float16


def test_clipping_scales_in_place_and_returns_the_norm_from_before(xp: Any) -> None:
    base = xp.asarray([0.0, 3.0, 0.0, 4.0], dtype=xp.float32)
    arrays = [base[1:2], base[3:]]
    norm = clip_by_global_norm(arrays, 1.0)
    assert float(norm) == 5.0
    assert host(base) == pytest.approx([0, 0.6, 0, 0.8], rel=1e-6)
    assert float(global_norm([base])) == pytest.approx(1.0, rel=1e-6)


def test_gradients_below_the_bound_keep_their_bits(xp: Any) -> None:
    values = np.random.default_rng(1).standard_normal(1000).astype(np.float32)
    x = xp.asarray(values, copy=True)
    clip_by_global_norm([x], 1e3)
    assert np.array_equal(host(x), values)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e30])
def test_gradients_of_any_size_keep_their_direction(xp: Any, size: float) -> None:
    (x,) = arrays_of(xp, [3 * size, -4 * size])
    clip_by_global_norm([x], 1e-3)
    assert host(x) == pytest.approx([0.6e-3, -0.8e-3], rel=1e-3)  # 1e-6 is added to the norm


def test_zero_gradients_stay_zero(xp: Any) -> None:
    (x,) = arrays_of(xp, [0.0, 0.0])
    assert float(clip_by_global_norm([x], 1.0)) == 0.0
    assert np.array_equal(host(x), [0, 0])


@pytest.mark.parametrize(
    ("values", "max_norm", "expected"),
    [
        ([3.0, 4.0], 2.5, 2.5 / (5 + 1e-6)),
        ([3.0, 4.0], 5.1, 1.0),
        ([3.0, 4.0], 0.0, 0.0),
        ([3.0, 4.0], math.inf, 1.0),
        ([0.0], 1.0, 1.0),
        ([1e-6], 1e-6, 0.5),
        ([math.inf], 1.0, 0.0),
        ([3e38] * 4, 1.0, 0.0),
        ([math.nan], 1.0, math.nan),
        ([math.nan], math.inf, math.nan),
    ],
)
def test_the_coefficient(xp: Any, values: list[float], max_norm: float, expected: float) -> None:
    norm, coefficient = clip_coefficient(arrays_of(xp, values), max_norm)
    assert coefficient.shape == ()
    assert coefficient.dtype == norm.dtype == xp.float32
    assert float(coefficient) == pytest.approx(expected, rel=1e-6, nan_ok=True)


def test_a_nan_is_not_hidden_and_an_infinite_norm_leaves_no_finite_gradient(xp: Any) -> None:
    x, y = arrays_of(xp, [1.0, math.nan], [2.0])
    assert math.isnan(float(clip_by_global_norm([x, y], 1.0)))
    assert np.isnan(host(x)).all()
    assert np.isnan(host(y)).all()
    x, y = arrays_of(xp, [1.0, 2.0], [3e38] * 4)
    assert float(clip_by_global_norm([x, y], 1.0)) == math.inf
    assert np.array_equal(host(x), [0, 0])
    assert np.array_equal(host(y), [0, 0, 0, 0])


def test_no_arrays_have_the_norm_zero() -> None:
    norm, coefficient = clip_coefficient([], 1.0)
    assert (float(norm), float(coefficient)) == (0.0, 1.0)
    assert (norm.shape, norm.dtype) == ((), np.float32)
    assert float(clip_by_global_norm([], 1.0)) == 0.0


def test_arrays_without_elements_do_not_count(xp: Any) -> None:
    empty = xp.zeros((3, 0), dtype=xp.float32)
    assert float(clip_by_global_norm([empty], 1.0)) == 0.0
    assert float(global_norm([empty, *arrays_of(xp, [2.0])])) == 2.0
    assert float(global_norm([empty, *arrays_of(xp, [2e30])])) == pytest.approx(2e30, rel=1e-6)


def test_the_same_gradients_have_the_same_norm_to_the_bit(xp: Any) -> None:
    values = np.random.default_rng(2).standard_normal(300_000).astype(np.float32)
    norms = {float(global_norm([xp.asarray(values, copy=True)])) for _ in range(5)}
    assert len(norms) == 1


def test_any_layout_is_clipped(xp: Any) -> None:
    whole = xp.ones((4, 6), dtype=xp.float32)
    view = whole[:, ::2].T
    assert float(clip_by_global_norm([view], 1.0)) == pytest.approx(math.sqrt(12), rel=1e-6)
    assert host(whole)[:, ::2] == pytest.approx(1 / math.sqrt(12), rel=1e-5)
    assert (host(whole)[:, 1::2] == 1).all()


def test_a_scalar_gradient_is_scaled_in_place(xp: Any) -> None:
    (x,) = arrays_of(xp, 4.0)
    scale([x], xp.asarray(0.5, dtype=xp.float32))
    assert float(x) == 2.0


def test_the_result_is_on_the_device_of_the_arrays() -> None:
    strict = backend_named("strict").namespace
    device = strict.Device("no_float64")  # where float64 raises
    x = strict.asarray([3.0, 4.0], dtype=strict.float32, device=device)
    norm, coefficient = clip_coefficient([x], 1.0)
    assert norm.device == coefficient.device == device
    clip_by_global_norm([x], 1.0)
    assert float(x[0]) == pytest.approx(0.6, rel=1e-6)


@pytest.mark.parametrize("dtype", ["int32", "bool", "complex64"])
def test_only_real_floating_point_arrays_have_a_norm(xp: Any, dtype: str) -> None:
    with pytest.raises(DtypeError, match=dtype):
        global_norm([xp.ones(3, dtype=xp.float32), xp.ones(3, dtype=getattr(xp, dtype))])
