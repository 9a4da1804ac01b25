"""erf and erfc as array code: their accuracy to the last digits, and the edges of the range."""

import math

import array_api_strict as strict
import numpy as np
import pytest

from gpugrad.backends import backend_named
from gpugrad.backends._erf import erf, erfc

FUNCTIONS = pytest.mark.parametrize("function", [erf, erfc], ids=["erf", "erfc"])
NUMPY = backend_named("numpy").namespace
EXACT = {erf: np.vectorize(math.erf, otypes=[float]), erfc: np.vectorize(math.erfc, otypes=[float])}

PLACES = [
    pytest.param(NUMPY, None, np.float32, id="numpy-float32"),
    pytest.param(NUMPY, None, np.float64, id="numpy-float64"),
    pytest.param(strict, strict.Device("CPU_DEVICE"), np.float64, id="strict-float64"),
    pytest.param(strict, strict.Device("device1"), np.float32, id="strict-device1-float32"),
    pytest.param(strict, strict.Device("no_float64"), np.float32, id="strict-no_float64-float32"),
]

# x, erf(x), erfc(x) in 20 digits (mpmath 1.3). Every x is a float32 exactly.
TABLE = np.array(
    [
        (2**-40, 1.0262548740643183682e-12, 0.99999999999897374513),
        (0.015625, 0.017629489782642005546, 0.98237051021735799445),
        (0.25, 0.27632639016823693299, 0.72367360983176306701),
        (0.5, 0.52049987781304653768, 0.47950012218695346232),
        (0.6875, 0.66908466288608128223, 0.33091533711391871777),
        (0.734375, 0.70099201834223397723, 0.29900798165776602277),
        (0.75, 0.7111556336535151316, 0.2888443663464848684),
        (0.765625, 0.72108381853770291501, 0.27891618146229708499),
        (0.828125, 0.75845974524753644854, 0.24154025475246355146),
        (0.9375, 0.81510240103439980418, 0.18489759896560019582),
        (1.0, 0.84270079294971486934, 0.15729920705028513066),
        (1.25, 0.92290012825645823014, 0.077099871743541769863),
        (1.53125, 0.96965169513984221822, 0.030348304860157781776),
        (2.0, 0.99532226501895273416, 0.0046777349810472658379),
        (2.34375, 0.99908213518143394409, 0.00091786481856605590894),
        (3.0, 0.99997790950300141456, 0.000022090496998585441373),
        (3.0625, 0.9999851585892071028, 0.000014841410792897195533),
        (4.0, 0.99999998458274209972, 1.5417257900280018852e-8),
        (5.0, 0.99999999999846254021, 1.5374597944280348502e-12),
        (5.875, 0.99999999999999990308, 9.6915556452771751688e-17),
        (6.796875, 1.0, 7.0992533046935543028e-22),
        (8.0, 1.0, 1.122429717298292708e-29),
        (9.0, 1.0, 4.1370317465138102381e-37),
        (9.1875, 1.0, 1.3391435617330142519e-38),
        (10.0, 1.0, 2.088487583762544757e-45),
        (12.5, 1.0, 6.2319427819799110061e-70),
        (15.25, 1.0, 3.6865151492308134658e-103),
        (18.0, 1.0, 6.0823692318163993077e-143),
        (20.0, 1.0, 5.3958656116079009289e-176),
        (23.0, 1.0, 4.4412659480880572441e-232),
        (25.0, 1.0, 8.300172571196522752e-274),
        (26.0, 1.0, 5.6631924088561428465e-296),
        (26.53125, 1.0, 4.2105142477421390004e-308),
    ]
)


def on_host(x):
    return x if isinstance(x, np.ndarray) else np.asarray(x.to_device(strict.Device("CPU_DEVICE")))


def apply(function, x, xp, device):
    """Return the result on the host, after a look at its kind: a float64 on no_float64 has already raised."""
    x = x if device is None else xp.asarray(x, device=device)
    y = function(x, xp)
    assert type(y) is type(x), "a scalar or another library's array"
    assert (y.dtype, y.shape) == (x.dtype, x.shape)
    assert device is None or y.device == device
    return on_host(y)


def ulps(y, exact):
    """Return the errors in units of the last place of the exact values, where these are normal numbers."""
    normal = np.abs(exact) >= np.finfo(y.dtype).tiny
    np.testing.assert_allclose(y[~normal].astype(float), exact[~normal], rtol=0, atol=1.2e-38)
    unit = np.spacing(np.abs(exact[normal]).astype(y.dtype)).astype(float)
    return np.abs(y[normal].astype(float) - exact[normal]) / unit


def sweep(step):
    """Return points of all sizes, the seam's neighbours, and a dense walk through the tails."""
    seam = np.float32(0.75)
    near = [np.nextafter(seam, np.float32(0)), seam, np.nextafter(seam, np.float32(1))]
    x = np.concatenate([2.0 ** np.arange(-125, -2, 0.37), np.arange(0.1, 13, step), near]).astype(np.float32)
    return np.concatenate([-x, x])


@pytest.mark.parametrize(("xp", "device", "dtype"), PLACES)
@pytest.mark.parametrize(("function", "column"), [(erf, 1), (erfc, 2)], ids=["erf", "erfc"])
def test_the_table_is_met(function, column, xp, device, dtype):
    y = apply(function, TABLE[:, 0].astype(dtype), xp, device)
    exact = TABLE[:, column]
    assert ulps(y, exact).max() <= 4
    if dtype == np.float64:
        np.testing.assert_allclose(y, exact, rtol=1e-15, atol=0)


@pytest.mark.parametrize(("xp", "device", "dtype"), PLACES)
@pytest.mark.parametrize(("function", "goal"), [(erf, 2.5), (erfc, 4)], ids=["erf", "erfc"])
def test_the_digits_hold_everywhere(function, goal, xp, device, dtype):
    x = sweep(1 / 1009)
    y = apply(function, x.astype(dtype), xp, device)
    exact = EXACT[function](x.astype(float))
    # The C library's own erfc is only good to a few ulp of float64.
    assert ulps(y, exact).max() <= (goal if dtype == np.float32 else 8)


@pytest.mark.parametrize(("xp", "device"), [(NUMPY, None), (strict, strict.Device("CPU_DEVICE"))])
def test_the_float64_tail_is_relative_to_26(xp, device):
    x = np.arange(0.7, 26.5, 1 / 307)
    np.testing.assert_allclose(apply(erfc, x, xp, device), EXACT[erfc](x), rtol=2e-15, atol=0)


def test_the_digits_do_not_depend_on_the_library_s_exp():
    class Sloppy:
        def __getattr__(self, name):
            return getattr(np, name)

        def exp(self, x):
            y = np.exp(x)
            return y + 3 * np.spacing(y) * np.where(np.arange(x.size) % 2, 1, -1).astype(y.dtype)

    x = np.linspace(0.5, 9.1, 20_000, dtype=np.float32)
    assert ulps(erfc(x, Sloppy()), EXACT[erfc](x.astype(float))).max() <= 4


@pytest.mark.parametrize(("xp", "device", "dtype"), PLACES)
def test_the_edges_of_the_range(xp, device, dtype):
    inf, nan = math.inf, math.nan
    largest, least = np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal
    x = np.array([inf, -inf, largest, -largest, 30, -30, nan, 0.0, -0.0, least], dtype)
    # NumPy's "under" is the result's own business: erfc(30) is 0.
    with np.errstate(all="raise", under="ignore"):
        odd, complement = apply(erf, x, xp, device), apply(erfc, x, xp, device)
    np.testing.assert_array_equal(odd[:-1], np.array([1, -1, 1, -1, 1, -1, nan, 0, 0], dtype))
    np.testing.assert_array_equal(np.signbit(odd[7:9]), [False, True])
    assert 0 <= odd[-1] <= 2 * least
    np.testing.assert_array_equal(complement, np.array([0, 2, 0, 2, 0, 2, nan, 1, 1, 1], dtype))


@pytest.mark.parametrize(("xp", "device", "dtype"), PLACES)
@FUNCTIONS
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (2, 3, 4)], ids=str)
def test_every_shape_works_and_the_argument_is_kept(shape, function, xp, device, dtype):
    x = np.linspace(-3, 3, math.prod(shape), dtype=dtype).reshape(shape)
    before = x.copy()
    y = apply(function, x, xp, device)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_allclose(y, EXACT[function](x) if x.size else x, rtol=1e-6)


@FUNCTIONS
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_large_array_gives_what_its_pieces_give(function, dtype):
    x = np.random.default_rng(0).normal(size=(3, 40_001)).astype(dtype).T[::-1]
    pieces = [function(np.ascontiguousarray(row), np) for row in x[:200]]
    y = function(x, np)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y[:200], pieces)
    np.testing.assert_allclose(y, EXACT[function](x.astype(float)), rtol=1e-3, atol=1e-7)


@FUNCTIONS
def test_float16_is_rounded_once(function):
    x = np.arange(2**16, dtype=np.uint16).view(np.float16)
    x = x[np.isfinite(x)]
    y = function(x, np)
    assert y.dtype == np.float16
    exact = EXACT[function](x.astype(float))
    unit = np.spacing(np.abs(exact).astype(np.float16)).astype(float)
    assert np.max(np.abs(y.astype(float) - exact) / unit) <= 0.501


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_symmetries_are_exact(dtype):
    x = np.linspace(0, 12, 5_000, dtype=dtype)
    np.testing.assert_array_equal(erf(-x, np), -erf(x, np))
    assert np.all(np.abs(erf(x, np)) <= 1)
    assert np.all(np.diff(erfc(x, np)) <= 0)
    np.testing.assert_allclose(erfc(-x, np) + erfc(x, np), np.full_like(x, 2), rtol=np.finfo(dtype).eps)


@FUNCTIONS
@pytest.mark.parametrize("dtype", ["int64", "bool", "complex64"])
def test_other_dtypes_are_refused_by_name(function, dtype):
    for xp in (np, strict):
        with pytest.raises(TypeError, match=rf"^{function.__name__} needs .*{dtype}"):
            function(xp.ones((2,), dtype=getattr(xp, dtype)), xp)
