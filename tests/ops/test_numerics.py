"""Accuracy: float32 results against a float64 reference, in units in the last place, and the extremes of every curve.

No function may warn: pytest makes an error of a warning.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

import gpugrad as gg
from gpugrad.autograd import grad
from gpugrad.errors import ShapeError

inf, nan = math.inf, math.nan
NORMAL = float(np.finfo(np.float32).tiny)
DENORMAL = 1.2e-38
"""Denormals may be kept or flushed."""

random = np.random.default_rng(7)


def line(low, high, n=200_001):
    """Return float32 values from low to high, evenly spread, and many near zero."""
    even = np.linspace(low, high, n)
    near = np.concatenate([sign * np.logspace(-30, 0, 2001) for sign in (-1, 1)])
    return np.concatenate([even, near[(near >= low) & (near <= high)]]).astype(np.float32)


def erfc(x):
    return np.array([math.erfc(v) for v in x])


def exact_sigmoid(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def exact_softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def exact_gelu(x):
    return 0.5 * x * erfc(-x / math.sqrt(2))


def ulps(found, exact):
    """Return the largest error in units in the last place of float32, where the exact result is a normal number."""
    found, exact = np.asarray(found, np.float64), np.asarray(exact)
    normal = np.abs(exact) >= NORMAL
    unit = np.spacing(np.abs(exact[normal]).astype(np.float32)).astype(np.float64)
    small = ~normal & np.isfinite(exact)
    np.testing.assert_allclose(found[small], exact[small], rtol=0, atol=DENORMAL)
    return float(np.max(np.abs(found[normal] - exact[normal]) / unit))


def on_floats(function, x):
    return np.asarray(function(gg.tensor(x)).tolist())


CURVES = [
    ("sigmoid", gg.sigmoid, exact_sigmoid, line(-90, 90), 4),
    ("log_sigmoid", gg.log_sigmoid, lambda x: -exact_softplus(-x), line(-100, 88), 4),
    ("softplus", gg.softplus, exact_softplus, line(-88, 100), 4),
    ("tanh", gg.tanh, np.tanh, line(-10, 10), 4),
    ("exp", gg.exp, np.exp, line(-87, 88), 4),
    ("expm1", gg.expm1, np.expm1, line(-20, 88), 4),
    ("silu", gg.silu, lambda x: x * exact_sigmoid(x), line(-80, 80), 6),
    ("gelu", gg.gelu, exact_gelu, line(-3.2, 8, 40_001), 8),
]


@pytest.mark.parametrize(("name", "function", "exact", "x", "bound"), CURVES, ids=[c[0] for c in CURVES])
def test_float32_is_within_its_bound_of_the_exact_value(backend, name, function, exact, x, bound):
    if backend == "strict":
        x = x[::10]
    assert ulps(on_floats(function, x), exact(x.astype(np.float64))) <= bound


def test_gelu_does_not_cancel_in_its_tail(backend):
    x = np.linspace(-13, -3.2, 2001).astype(np.float32)
    found, exact = on_floats(gg.gelu, x), exact_gelu(x.astype(np.float64))
    assert ulps(found, exact) <= 8
    assert (found[np.abs(exact) > NORMAL] < 0).all()


def test_gelu_and_its_slope_vanish_far_below_zero(backend):
    x = gg.tensor([-1e4, -100.0, -inf, inf, nan], requires_grad=True)
    z = gg.gelu(x)
    z.sum().backward()
    np.testing.assert_array_equal(z.tolist(), [0, 0, 0, inf, nan])
    np.testing.assert_array_equal(x.grad.tolist(), [0, 0, 0, 1, nan])


def test_silu_at_infinity(backend):
    x = gg.tensor([-inf, -1e4, 1e4, inf, nan], requires_grad=True)
    z = gg.silu(x)
    z.sum().backward()
    np.testing.assert_array_equal(z.tolist(), [0, 0, 1e4, inf, nan])
    np.testing.assert_array_equal(x.grad.tolist(), [0, 0, 1, 1, nan])


@pytest.mark.parametrize(
    ("name", "function", "exact", "x", "bound"),
    [
        ("sigmoid", gg.sigmoid, lambda x: exact_sigmoid(x) * exact_sigmoid(-x), line(-80, 15, 20_001), None),
        ("softplus", gg.softplus, exact_sigmoid, line(-80, 80, 20_001), 4),
        ("log_sigmoid", gg.log_sigmoid, lambda x: exact_sigmoid(-x), line(-80, 80, 20_001), 4),
        ("exp", gg.exp, np.exp, line(-80, 80, 20_001), 4),
        ("expm1", gg.expm1, np.exp, line(-10, 80, 20_001), None),
        ("tanh", gg.tanh, lambda x: 1 / np.cosh(x) ** 2, line(-3, 3, 20_001), None),
        ("silu", gg.silu, lambda x: exact_sigmoid(x) * (1 + x * exact_sigmoid(-x)), line(-80, 80, 20_001), None),
        ("gelu", gg.gelu, lambda x: 0.5 * erfc(-x / math.sqrt(2)) + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi),
         line(-8, 8, 20_001), None),
    ],
)  # fmt: skip
def test_derivatives_in_float32_are_those_of_the_exact_curve(backend, name, function, exact, x, bound):
    if backend == "strict":
        x = x[::10]
    t = gg.tensor(x, requires_grad=True)
    found = np.asarray(grad(function(t).sum(), t)[0].tolist())
    expected = exact(x.astype(np.float64))
    if bound is None:
        np.testing.assert_allclose(found, expected, rtol=0, atol=3e-6 * max(1.0, np.abs(expected).max()))
    else:
        assert ulps(found, expected) <= bound


# x: sigmoid, its slope; log_sigmoid, its slope; softplus, its slope
EXTREMES = [
    (-inf, 0, 0, -inf, 1, 0, 0),
    (-1e4, 0, 0, -1e4, 1, 0, 0),
    (-88, 6.0546e-39, 6.0546e-39, -88, 1, 6.0546e-39, 6.0546e-39),
    (-20, 2.06115e-9, 2.06115e-9, -20, 1, 2.06115e-9, 2.06115e-9),
    (0, 0.5, 0.25, -0.6931472, 0.5, 0.6931472, 0.5),
    (20, 1, (0, 2.1e-9), -2.061e-9, 2.061e-9, 20, 1),
    (89, 1, 0, -2.227e-39, 2.227e-39, 89, 1),
    (1e4, 1, 0, 0, 0, 1e4, 1),
    (inf, 1, 0, 0, 0, inf, 1),
    (nan, nan, nan, nan, nan, nan, nan),
]


@pytest.mark.parametrize("row", EXTREMES, ids=[str(r[0]) for r in EXTREMES])
def test_extremes_with_their_derivatives(backend, row):
    at, *expected = row
    for function, value, slope in zip(
        (gg.sigmoid, gg.log_sigmoid, gg.softplus), expected[::2], expected[1::2], strict=True
    ):
        for shape in ((), (3,)):
            x = gg.full(shape, float(at), dtype=gg.float32, requires_grad=True)
            z = function(x)
            z.sum().backward()
            np.testing.assert_allclose(z.tolist(), np.full(shape, value), rtol=2e-4, atol=DENORMAL)
            if isinstance(slope, tuple):
                assert (np.asarray(x.grad.tolist()) >= slope[0]).all()
                assert (np.asarray(x.grad.tolist()) <= slope[1]).all()
            else:
                np.testing.assert_allclose(x.grad.tolist(), np.full(shape, slope), rtol=2e-4, atol=DENORMAL)


def test_logsumexp_of_1000_values(backend):
    worst = 0.0
    for scale, shift in ((1, 0), (10, 0), (1, 1000), (0.1, -500), (50, 0)):
        x = (random.normal(size=(20, 1000)) * scale + shift).astype(np.float32)
        wide = x.astype(np.float64)
        peak = wide.max(axis=1)
        exact = np.log(np.exp(wide - peak[:, None]).sum(axis=1)) + peak
        found = np.asarray(gg.logsumexp(gg.tensor(x), axis=1).tolist())
        worst = max(worst, ulps(found, exact))
    assert worst <= 2


def test_log_softmax_where_it_is_not_near_0(backend):
    for scale in (1, 10, 100):
        x = (random.normal(size=(200, 10)) * scale).astype(np.float32)
        wide = x.astype(np.float64)
        exact = wide - wide.max(axis=1, keepdims=True)
        exact = exact - np.log(np.exp(exact).sum(axis=1, keepdims=True))
        found = np.asarray(gg.log_softmax(gg.tensor(x), axis=1).tolist())
        far = np.abs(exact) > 1
        assert ulps(found[far], exact[far]) <= 4


def test_layer_norm_of_data_far_from_0(backend):
    x = (random.normal(size=(64, 512)) + 1e4).astype(np.float32)
    wide = x.astype(np.float64)
    exact = (wide - wide.mean(axis=1, keepdims=True)) / np.sqrt(wide.var(axis=1, keepdims=True) + 1e-5)
    found = np.asarray(gg.layer_norm(gg.tensor(x)).tolist())
    assert np.abs(found - exact).max() <= 1.5e-3


def test_var_and_std_of_data_far_from_0(backend):
    x = (random.normal(size=100_000) + 1e4).astype(np.float32)
    assert gg.var(gg.tensor(x)).item() == pytest.approx(x.astype(np.float64).var(), rel=2e-3)


@pytest.mark.parametrize("scale", [1.0, 1e30, 1e-30])
def test_norm_neither_overflows_nor_underflows(backend, scale):
    x = (random.normal(size=100_000) * scale).astype(np.float32)
    exact = np.linalg.norm(x.astype(np.float64) / scale) * scale
    assert gg.linalg.vector_norm(gg.tensor(x)).item() == pytest.approx(exact, rel=1e-6)


def test_norm_of_ten_million_values():
    x = random.standard_normal(10_000_000, dtype=np.float32)
    exact = math.sqrt(np.dot(x.astype(np.float64), x.astype(np.float64)))
    assert gg.linalg.vector_norm(gg.asarray(x)).item() == pytest.approx(exact, rel=1e-6)


CROSS_ENTROPY = [
    ([1e4, 0, -1e4], 0, 0, [0, 0, 0]),
    ([1e4, 0, -1e4], 2, 20000, [1, 0, -1]),
    ([1e4, 1e4, 1e4], 1, 1.0986123, [1 / 3, -2 / 3, 1 / 3]),
    ([-inf, 0, 0], 1, 0.6931472, [0, -0.5, 0.5]),
    ([-inf, 0, 0], 0, inf, [-1, 0.5, 0.5]),
    ([3e38, -3e38, 0], 1, inf, [1, -1, 0]),
    ([inf, 0, 0], 0, nan, None),
    ([inf, 0, 0], 1, nan, None),
    ([inf, inf, 0], 1, nan, None),
    ([nan, 0, 0], 0, nan, None),
    ([nan, 0, 0], 1, nan, None),
    ([-inf, -inf, -inf], 1, nan, None),
]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("logits", "target", "loss", "gradient"), CROSS_ENTROPY)
def test_cross_entropy_at_its_extremes(backend, logits, target, loss, gradient, reduction):
    x = gg.tensor([logits], dtype=gg.float32, requires_grad=True)
    z = gg.cross_entropy(x, gg.tensor([target]), reduction=reduction)
    z.sum().backward()
    np.testing.assert_allclose(z.sum().item(), loss, rtol=1e-6)
    if gradient is None:
        assert np.isnan(x.grad.tolist()).all()
    else:
        np.testing.assert_allclose(x.grad.tolist(), [gradient], rtol=1e-6, atol=1e-7)


def test_cross_entropy_with_probabilities_at_its_extremes(backend):
    x = gg.tensor([[-inf, 0.0, 0.0], [1e4, 0.0, -1e4]], requires_grad=True)
    z = gg.cross_entropy(x, gg.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]))
    z.backward()
    assert z.item() == pytest.approx(0.6931472 / 2)
    np.testing.assert_allclose(x.grad.tolist(), [[0, -0.25, 0.25], [0, 0, 0]], atol=1e-7)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy_with_all_targets_ignored_is_0_with_gradient_0(backend, reduction, weighted):
    x = gg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    weight = gg.tensor([1.0, 2.0]) if weighted else None
    z = gg.cross_entropy(x, gg.tensor([-100, -100]), weight, reduction=reduction)
    z.sum().backward()
    assert z.sum().item() == 0
    assert x.grad.tolist() == [[0, 0], [0, 0]]


def test_cross_entropy_of_a_class_that_does_not_exist_is_an_error_or_nan(backend):
    x = gg.tensor([[1.0, 2.0]], requires_grad=True)
    if backend == "numpy":
        with pytest.raises(IndexError, match="target 2"):
            gg.cross_entropy(x, gg.tensor([2]))
    else:
        assert math.isnan(gg.cross_entropy(x, gg.tensor([2])).item())


def test_softmax_of_large_values(backend):
    x = gg.tensor([1e4, 1e4, -1e4], requires_grad=True)
    z = gg.softmax(x)
    z[0].backward()
    assert z.tolist() == [0.5, 0.5, 0]
    assert x.grad.tolist() == [0.25, -0.25, 0]


def test_sums_of_float32_keep_their_accuracy(backend):
    x = np.full(1_000_000, 0.1, np.float32)
    assert gg.sum(gg.tensor(x)).item() == pytest.approx(float(x[0]) * 1e6, rel=1e-5)
    assert gg.mean(gg.tensor(x)).item() == pytest.approx(float(x[0]), rel=1e-5)


def test_float16_has_the_spread_and_the_norm_that_it_can_hold():
    assert gg.var(gg.full((1000,), 100.0, dtype=gg.float16)).item() == 0
    assert gg.std(gg.tensor([300.0, -300.0], dtype=gg.float16)).item() == 300
    assert gg.linalg.vector_norm(gg.full((100_000,), 1.0, dtype=gg.float16)).item() == pytest.approx(316.2, rel=1e-3)
    x = gg.tensor([300.0, -300.0], dtype=gg.float16, requires_grad=True)
    gg.std(x).backward()
    assert x.grad.dtype == gg.float16
    assert x.grad.tolist() == [0.5, -0.5]


@pytest.mark.parametrize("axis", [2, -3])
def test_an_axis_out_of_range_is_never_another_axis(axis, backend):
    x = gg.ones((2, 2))
    for function in (lambda: gg.take(x, gg.tensor([0]), axis=axis), lambda: x.transpose(0, axis)):
        with pytest.raises(ShapeError, match="out of range for an array of 2 axes"):
            function()
