"""Special functions: SciPy's values over their whole range, derivatives at the edges of it, and what they refuse."""

from __future__ import annotations

import decimal
import math
import sys

import numpy as np
import pytest
from fake_cupy import _special

import gpugrad
from gpugrad import special
from gpugrad.autograd import grad
from gpugrad.errors import DtypeError, GradientError, MissingPackage, OptionError

scipy_special = pytest.importorskip("scipy.special", reason="the test extra is not installed")

inf, nan = math.inf, math.nan
random = np.random.default_rng(11)


def sided(positive):
    return np.concatenate([-positive[::-1], [-0.0, 0.0], positive])


LINE = np.concatenate([np.linspace(-40, 40, 4001) + 0.003, [nan, inf, -inf, 0.0, -0.0]])
WIDE = np.concatenate([sided(np.logspace(-300, 300, 601)), [nan, inf, -inf, 1.0, -1.0]])
UNIT = np.concatenate([np.linspace(0, 1, 2001), np.logspace(-300, -2, 300), 1 - np.logspace(-15, -2, 99), [nan]])
POSITIVE = np.concatenate([random.random(300) * 5, 10 ** random.uniform(-9, 9, 300), [0.0, 1.0, 0.5]])
ONE_INPUT = {
    **dict.fromkeys("expit log_expit log_ndtr ndtr entr".split(), np.concatenate([LINE, WIDE])),
    **dict.fromkeys("erf erfc psi digamma gamma gammaln i0 i1 i0e i1e sinc".split(), LINE),
    **dict.fromkeys("logit ndtri".split(), np.concatenate([UNIT, [-1.0, 2.0]])),
    "erfinv": 2 * UNIT - 1,
}
CLOSE = POSITIVE * (1 + 10 ** random.uniform(-17, 0, POSITIVE.size))
EDGES = np.array([(a, b) for a in (0.0, 1.0, -1.0, inf, nan) for b in (0.0, 1.0, -1.0, inf, nan)]).T
PAIRS = np.concatenate([[POSITIVE, random.permutation(POSITIVE)], [POSITIVE, CLOSE], EDGES], axis=1)
SHAPES = np.concatenate([10 ** random.uniform(-2, 2, 600), [1.0, 2.0, 0.5]])
SEVERAL_INPUTS = {
    **dict.fromkeys("xlogy xlog1py rel_entr kl_div".split(), tuple(PAIRS)),
    **dict.fromkeys("beta betaln".split(), (SHAPES, random.permutation(SHAPES))),
    **dict.fromkeys("gammainc gammaincc".split(), (SHAPES, POSITIVE)),
    "betainc": (SHAPES, random.permutation(SHAPES), UNIT[: SHAPES.size]),
    "stdtr": (np.append(SHAPES[1:], inf), random.normal(size=SHAPES.size) * 4),
    "polygamma": (np.arange(SHAPES.size) % 7, SHAPES),
}
ALL = {**{name: (x,) for name, x in ONE_INPUT.items()}, **SEVERAL_INPUTS}
WITHOUT_SCIPY = (
    "entr erf erfc expit kl_div log_expit log_ndtr logit logsumexp log_softmax ndtr rel_entr sinc softmax xlog1py xlogy"
).split()


def values(tensor):
    return np.asarray(tensor.tolist())


def exact_kl_div(x, y):
    """Return kl_div in 400 digits: where its terms cancel SciPy has none left."""
    with decimal.localcontext(prec=400, Emin=-10000, Emax=10000):
        x, y = decimal.Decimal(float(x)), decimal.Decimal(float(y))
        return float(x * (x / y).ln() - x + y)


def reference(name, *operands):
    """Return SciPy's values."""
    with np.errstate(all="ignore"):
        z = getattr(scipy_special, name)(*operands)
    if name == "kl_div":
        inside = np.isfinite(operands).all(0) & (np.minimum(*operands) > 0)
        z[inside] = [exact_kl_div(x, y) for x, y in zip(*(x[inside] for x in operands), strict=True)]
    return z


# SciPy's tails inherit the rounding of x / sqrt(2), x * x times, and its sinc that of pi x. Ours have tests below.
LOOSER = {"ndtr": {"rtol": 4e-13}, "log_ndtr": {"rtol": 4e-13}, "erfc": {"rtol": 4e-13}, "sinc": {"atol": 2e-16}}


@pytest.mark.parametrize("name", ALL)
def test_values_are_scipys(name, backend):
    operands = ALL[name]
    z = values(getattr(special, name)(*(gpugrad.tensor(x) for x in operands)))
    # Below the normal numbers either may round to 0.
    np.testing.assert_allclose(z, reference(name, *operands), **{"rtol": 1e-14, "atol": 1e-307, **LOOSER.get(name, {})})


@pytest.mark.parametrize("name", ALL)
def test_float32_values_are_right_to_the_last_digits(name):
    with np.errstate(over="ignore"):
        operands = [x if x.dtype.kind == "i" else x.astype(np.float32) for x in ALL[name]]
        exact = reference(name, *(x.astype(int if x.dtype.kind == "i" else float) for x in operands))
        rounded = exact.astype(np.float32)
    z = values(getattr(special, name)(*(gpugrad.tensor(x) for x in operands)))
    normal = (np.abs(exact) >= np.finfo(np.float32).tiny) & np.isfinite(rounded)
    if name == "sinc":  # SciPy's zeros are not zeros
        normal &= np.abs(exact) > 1e-15
    error = np.abs(z[normal] - exact[normal]) / np.spacing(np.abs(rounded[normal]))
    # Where x is 2 y the terms of kl_div are up to 4 times as large as it is.
    assert error.max() <= (8 if name == "kl_div" else 4)
    assert np.array_equal(np.isnan(z), np.isnan(exact))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64"])
def test_results_have_the_floating_dtype_of_the_operands(name, dtype, backend):
    if dtype == "float16" and backend == "strict":
        pytest.skip("the standard has no float16")
    x = np.ones((2, 2), dtype)
    z = getattr(special, name)(*[gpugrad.tensor(x)] * len(ALL[name]))
    assert z.dtype == (gpugrad.float32 if dtype == "int64" else getattr(gpugrad, dtype))
    expected = reference(name, *[np.ones((2, 2), int if name == "polygamma" else float)] * len(ALL[name]))
    np.testing.assert_allclose(values(z), expected, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("name", ALL)
def test_plain_arrays_give_plain_arrays(name):
    operands = [np.asarray(x)[:5] for x in ALL[name]]
    z = getattr(special, name)(*operands)
    assert type(z) is np.ndarray
    np.testing.assert_array_equal(z, values(getattr(special, name)(*(gpugrad.tensor(x) for x in operands))))


@pytest.mark.parametrize("name", sorted({*ALL} - {"expit", "log_expit"}))
def test_complex_values_are_refused(name):
    z = gpugrad.tensor([0.5 + 0.5j])
    with pytest.raises(DtypeError, match="real .*complex64"):
        getattr(special, name)(*[1.0] * (len(ALL[name]) - 1), z)


def test_the_lists_of_this_file_name_every_function():
    others = {"logsumexp", "softmax", "log_softmax"}
    assert {*special.__all__} == {*ALL} | others
    assert {*WITHOUT_SCIPY} <= {*special.__all__}


@pytest.mark.parametrize("name", sorted(special.__all__))
def test_without_scipy_the_rest_works_and_the_error_says_what_to_install(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    operands = [gpugrad.tensor([0.3, 0.4], requires_grad=True)] * len(ALL.get(name, (0,)))
    f = getattr(special, name)
    if name in WITHOUT_SCIPY:
        f(*operands).sum().backward()
        assert np.isfinite(values(operands[0].grad)).all()
        return
    with pytest.raises(MissingPackage) as caught, gpugrad.no_grad():
        f(*operands)
    wanted = {"digamma": "psi", "polygamma": "gamma"}.get(name, name)
    assert str(caught.value) == f'{wanted} needs SciPy: pip install "gpugrad[scipy]"'


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("gammainc", ["a"]), ("gammaincc", ["a"]), ("betainc", ["a", "b"]), ("stdtr", ["df"]), ("polygamma", ["n"])],
)
def test_parameters_without_a_derivative_are_named(name, parameters):
    f = getattr(special, name)
    for i, parameter in enumerate(parameters):
        operands = [gpugrad.tensor(0.5, requires_grad=i == k) for k in range(len(ALL[name]))]
        with pytest.raises(GradientError, match=f"{name} has no derivative rule for its input '{parameter}'"):
            f(*operands)
        with gpugrad.no_grad():
            f(*operands)


@pytest.mark.parametrize("n", [-1, 1.5, nan])
def test_orders_of_polygamma_are_whole_numbers(n):
    with pytest.raises(OptionError, match="polygamma: n is .*; it is a whole number, 0 or more"):
        special.polygamma(n, gpugrad.tensor(1.0))


# Derivatives where they are not ordinary


def derivatives(f, x, order, dtype=None):
    """Return the derivatives of f at x up to this order, by differentiating again and again."""
    x = gpugrad.tensor(x, dtype=dtype or gpugrad.float64, requires_grad=True)
    found, z = [], f(x)
    for _ in range(order):
        (z,) = grad(z.sum(), [x], create_graph=True)
        found.append(z.tolist())
    return found


def test_all_derivatives_of_sinc_are_right_at_and_near_zero(backend):
    # sinc(x) is the sum of (-1)^k (pi x)^(2k) / (2k + 1)!
    exact = [(-1) ** (n // 2) * math.pi**n / (n + 1) if n % 2 == 0 else 0.0 for n in range(1, 9)]
    assert derivatives(special.sinc, 0.0, 8) == pytest.approx(exact, rel=1e-14)
    near = derivatives(special.sinc, 1e-6, 2, gpugrad.float32)
    assert near == pytest.approx([-(math.pi**2) / 3 * 1e-6, -(math.pi**2) / 3], rel=1e-6)


def test_the_derivatives_of_sinc_meet_where_series_and_recurrence_do():
    for order in range(1, 7):
        seam = (1 + order / 2) / math.pi
        left, right = (derivatives(special.sinc, seam * (1 + e), order)[-1] for e in (-1e-9, 1e-9))
        assert left == pytest.approx(right, rel=1e-6, abs=1e-6)


def test_all_derivatives_of_bessel_functions_are_right_at_zero(backend):
    assert derivatives(special.i0, 0.0, 6) == pytest.approx([0, 1 / 2, 0, 3 / 8, 0, 5 / 16])
    assert derivatives(special.i1, 0.0, 5) == pytest.approx([1 / 2, 0, 3 / 8, 0, 5 / 16])
    assert derivatives(special.i0e, 0.0, 1) == [0.0]
    assert derivatives(special.i1e, 0.0, 1) == [0.5]


def test_bessel_functions_near_zero_keep_their_digits_in_float32():
    third = derivatives(special.i0, 1e-4, 3, gpugrad.float32)[2]
    assert third == pytest.approx(3 / 8 * 1e-4, rel=1e-5)


@pytest.mark.parametrize("a", [1.0, 2.0, 3.0])
def test_densities_are_differentiated_right_at_the_edge_of_their_domain(a, backend):
    # x**(a - 1) exp(-x) / gamma(a), and x**(a - 1) (1 - x)**2 / beta(a, 3), by the product rule for polynomials.
    expansion = np.polynomial.Polynomial([0] * int(a - 1) + [1.0])
    parabola = np.polynomial.Polynomial([1, -2, 1])
    decay = np.polynomial.Polynomial([(-1) ** k / math.factorial(k) for k in range(9)])
    for f, density in [
        (lambda x: special.gammainc(a, x), expansion * decay / math.gamma(a)),
        (lambda x: -special.gammaincc(a, x), expansion * decay / math.gamma(a)),
        (lambda x: special.betainc(a, 3.0, x), expansion * parabola / scipy_special.beta(a, 3)),
    ]:
        assert derivatives(f, 0.0, 4) == pytest.approx([density.deriv(k)(0.0) for k in range(4)], abs=1e-12)
    assert derivatives(lambda x: special.betainc(3.0, a, x), 1.0, 2)[0] == pytest.approx(
        {1.0: 3.0, 2.0: 0.0, 3.0: 0.0}[a], abs=1e-12
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_gradient_of_log_ndtr_has_no_noise_in_the_tail(dtype, backend):
    x = np.array([-1e30, -1e8, -1e4, -100.0, -20.0, -5.5])
    first, second = derivatives(special.log_ndtr, x, 2, getattr(gpugrad, dtype))
    eps = np.finfo(dtype).eps
    exact = np.sqrt(2 / np.pi) / scipy_special.erfcx(-x / np.sqrt(2))
    np.testing.assert_allclose(first, exact, rtol=8 * eps)
    # The second derivative is -h (x + h): nearly -1, where h is the first.
    np.testing.assert_allclose(second[:4], [-1, -1, -1 + 1e-8, -1 + 1e-4 - 6e-8 + 5e-11], rtol=4 * max(eps, 1e-11))
    assert np.all(np.abs(second) <= 1)


def test_the_derivatives_of_log_ndtr_meet_where_its_formulas_do():
    for order in (1, 2, 3):
        left, right = (derivatives(special.log_ndtr, -5.0 + e, order)[-1] for e in (-1e-12, 1e-12))
        assert left == pytest.approx(right, rel=1e-9)


def exact_tail(t):
    """Return the density and the distribution function of the normal distribution at -t in 50 digits, by Laplace."""
    with decimal.localcontext(prec=50):
        t = decimal.Decimal(float(t))
        ratio = t
        for level in range(400, 0, -1):
            ratio = t + level / ratio
        pi = decimal.Decimal("3.14159265358979323846264338327950288419716939937511")
        density = (-t * t / 2).exp() / (2 * pi).sqrt()
        return density, density / ratio


@pytest.mark.parametrize(("dtype", "last"), [("float32", 12.5), ("float64", 37.0)])
def test_the_tails_of_the_normal_distribution_keep_their_digits(dtype, last):
    t = random.uniform(5, last, 100).astype(dtype)
    density, below = np.array([exact_tail(v) for v in t]).T
    x = gpugrad.tensor(-t)
    (first,) = derivatives(special.ndtr, -t, 1, x.dtype)
    for found, exact in [
        (values(special.ndtr(x)), below),
        (values(special.log_ndtr(x)), [p.ln() for p in below]),
        (np.array(first), density),
    ]:
        exact = np.array(exact, np.float64)
        assert np.max(np.abs(found - exact) / np.spacing(np.abs(exact).astype(dtype))) <= 4


def test_log_ndtr_and_its_gradient_at_infinity(backend):
    x = gpugrad.tensor([-inf, inf], requires_grad=True)
    z = special.log_ndtr(x)
    assert z.tolist() == [-inf, 0.0]
    z[1:].sum().backward()
    assert x.grad.tolist()[1] == 0.0
    assert derivatives(special.log_ndtr, -inf, 1) == [inf]


def test_the_second_derivative_of_xlogy_by_both_is_right_where_x_is_zero(backend):
    x, y = (gpugrad.tensor(v, requires_grad=True) for v in (0.0, 4.0))
    (gx,) = grad(special.xlogy(x, y), [x], create_graph=True)
    assert grad(gx, [y])[0].item() == 0.25
    (gy,) = grad(special.xlogy(x, y), [y], create_graph=True)
    assert grad(gy, [x])[0].item() == 0.25


@pytest.mark.parametrize("near", [1e-3, 1e-6])
def test_the_gradient_of_kl_div_keeps_its_digits_where_the_inputs_are_nearly_equal(near):
    x, y = (gpugrad.tensor(np.float32(v), requires_grad=True) for v in (1 + near, 1.0))
    special.kl_div(x, y).backward()
    exact = np.log(float(np.float32(1 + near)))
    assert x.grad.item() == pytest.approx(exact, rel=1e-6)
    assert y.grad.item() == pytest.approx(-(float(np.float32(1 + near)) - 1), rel=1e-6)


def test_the_density_of_gammainc_vanishes_at_infinity(backend):
    x = gpugrad.tensor([inf, inf], requires_grad=True)
    special.gammainc(gpugrad.tensor([0.5, 3.0]), x).sum().backward()
    assert x.grad.tolist() == [0.0, 0.0]


# Sums of exponentials, with SciPy's arguments


LOGSUMEXP = [
    {},
    {"axis": 0},
    {"axis": (0, 2), "keepdims": True},
    {"axis": -1, "b": random.normal(size=(3, 1)), "return_sign": True},
    {"b": random.random((2, 3, 4))},
    {"axis": 1, "b": 2.5},
    {"return_sign": True},
    {"axis": 0, "b": np.array([[[0.0]], [[-2.0]]]), "return_sign": True, "keepdims": True},
    {"axis": 0, "b": np.array([[[0.0]], [[-2.0]]])},
]


@pytest.mark.parametrize("options", LOGSUMEXP, ids=[str(n) for n in range(len(LOGSUMEXP))])
def test_logsumexp_takes_scipys_arguments(options, backend):
    a = random.normal(size=(2, 3, 4)) * 30
    expected = scipy_special.logsumexp(a, **options)
    b = options.get("b")
    ours = {**options, "b": gpugrad.tensor(b) if isinstance(b, np.ndarray) else b}
    z = special.logsumexp(gpugrad.tensor(a), **ours)
    for found, wanted in zip(*((z, expected) if options.get("return_sign") else ((z,), (expected,))), strict=True):
        np.testing.assert_allclose(values(found), wanted, rtol=1e-13)


def test_an_element_without_weight_counts_for_nothing(backend):
    a = gpugrad.tensor([1000.0, inf, nan, 2.0], requires_grad=True)
    b = gpugrad.tensor([0.0, 0.0, 0.0, 3.0])
    z = special.logsumexp(a, b=b)
    z.backward()
    assert z.item() == pytest.approx(2 + math.log(3))
    assert a.grad.tolist() == [0.0, 0.0, 0.0, 1.0]


def test_a_negative_sum_is_nan_and_so_is_its_gradient(backend):
    a = gpugrad.tensor([0.0, 1.0], requires_grad=True)
    z = special.logsumexp(a, b=gpugrad.tensor([1.0, -1.0]))
    z.backward()
    assert math.isnan(z.item()) and np.isnan(values(a.grad)).all()


def test_logsumexp_refuses_complex_values():
    with pytest.raises(DtypeError, match="logsumexp: takes real .*complex64"):
        special.logsumexp(gpugrad.tensor([1j]), b=2.0)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2)])
def test_softmax_is_over_all_axes_unless_some_are_named(name, axis, backend):
    x = random.normal(size=(2, 3, 4)) * 5
    leaf = gpugrad.tensor(x, requires_grad=True)
    z = getattr(special, name)(leaf, axis)
    np.testing.assert_allclose(values(z), getattr(scipy_special, name)(x, axis), rtol=1e-12)
    (gpugrad.tensor(x) * z).sum().backward()
    h, d = 1e-5, random.normal(size=x.shape)
    ahead, behind = (np.sum(x * getattr(scipy_special, name)(x + s * d, axis)) for s in (h, -h))
    assert np.sum(values(leaf.grad) * d) == pytest.approx((ahead - behind) / (2 * h), rel=1e-6)


# On a GPU


def test_cupy_has_the_functions_that_the_stand_in_has_in_its_place():
    real = pytest.importorskip("cupyx.scipy.special", reason="CuPy is not installed")
    for name in [*_special._ufuncs, "zeta"]:
        function = getattr(real, name)
        for kind in "fd":
            assert kind * function.nin + "->" + kind in function.types, name
    assert not hasattr(real, "stdtr"), "gpugrad may take CuPy's own now"
