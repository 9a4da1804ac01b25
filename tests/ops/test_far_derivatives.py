"""First and second derivatives where a formula could cancel, overflow or underflow on its way to them."""

from __future__ import annotations

import numpy as np
import pytest

import gpugrad as gg
from gpugrad import special
from gpugrad.autograd import grad

# Function, place, first and second derivative there, by mpmath at 400 digits.
EXACT = [
    (gg.expm1, -700.0, 9.8596765437597709e-305, 9.8596765437597709e-305),
    (gg.expm1, -40.0, 4.248354255291589e-18, 4.248354255291589e-18),
    (gg.expm1, -10.0, 4.5399929762484852e-5, 4.5399929762484852e-5),
    (gg.asin, 1e-300, 1.0, 1.0e-300),
    (gg.asin, 1e-10, 1.0, 1.0e-10),
    (gg.asin, 0.5, 1.1547005383792515, 0.76980035891950102),
    (gg.asin, 0.9999999, 2236.0680339899749, 11180339616.817676),
    (gg.acos, 1e-10, -1.0, -1.0e-10),
    (gg.acos, 0.9999999, -2236.0680339899749, -11180339616.817676),
    (gg.atanh, -1e-300, 1.0, -2.0e-300),
    (gg.atanh, 1e-10, 1.0, 2.0e-10),
    (gg.atanh, 0.5, 1.3333333333333333, 1.7777777777777778),
    (gg.atanh, 0.9999999, 5000000.2526317917, 50000000052635.46),
    (gg.asinh, 1e150, 1.0e-150, -1.0e-300),
    (gg.asinh, -1e100, 1.0e-100, 1.0e-200),
    (gg.asinh, 1e-10, 1.0, -1.0e-10),
    (gg.silu, -700.0, -6.8919139040880798e-302, -6.8820542275443201e-302),
    (gg.silu, -40.0, -1.6568581595637197e-16, -1.6143746170108038e-16),
    (gg.silu, -5.0, -0.026547432429665919, -0.019499225490032505),
    (special.logit, 1e-150, 1.0e150, -1.0e300),
    (special.logit, 0.25, 5.3333333333333333, -14.222222222222222),
    (special.log_ndtr, -1e6, 1000000.000001, -0.999999999999),
    (special.log_ndtr, -37.0, 37.02698768612699, -0.99927272190112249),
    (special.log_ndtr, -5.0, 5.1865039671258421, -0.96730356538288777),
    (special.log_ndtr, -4.9, 5.0898286001298836, -0.96619503806369925),
    (special.log_ndtr, -2.0, 2.3732155328228409, -0.88572089958591874),
    (special.log_ndtr, -0.001, 0.79852128956291138, -0.63683772859565205),
    (gg.erf, -25.3, 1.1611815798116988e-278, 5.8755787938471963e-277),
    (gg.erf, -5.1, 5.707627016928692e-12, 5.8217795572672655e-11),
    (gg.erfc, 3.3, -2.1037210443580335e-5, 0.00013884558892763021),
    (gg.gelu, -36.6, -1.9156182938439294e-290, -7.0059212171060214e-289),
    (gg.gelu, -20.7, -7.4207322086174282e-93, -1.5324899781314387e-91),
    (gg.gelu, -5.1, -4.4061151921007452e-6, -2.1542816824882407e-5),
]


def slopes(function, x, dtype):
    leaf = gg.tensor(x, dtype=dtype, requires_grad=True)
    (first,) = grad(function(leaf), leaf, create_graph=True)
    return first.item(), grad(first, leaf)[0].item()


@pytest.mark.parametrize(("function", "x", "first", "second"), EXACT, ids=lambda v: getattr(v, "__name__", None))
def test_both_derivatives_keep_their_digits(function, x, first, second, backend):
    assert slopes(function, x, gg.float64) == pytest.approx((first, second), rel=3e-15, abs=0)


@pytest.mark.parametrize(
    ("function", "x", "first", "second"),
    [
        (gg.silu, -88.0, -5.2675e-37, -5.2070e-37),
        (gg.silu, -50.0, -9.4508743e-21, -9.2579993e-21),
        (gg.asinh, 1e25, 1e-25, 0.0),
        (gg.expm1, -20.0, 2.0611536e-9, 2.0611536e-9),
        (special.logit, 1e-30, 1e30, -np.inf),
        (special.log_ndtr, -4.9, 5.0898286, -0.96619504),
    ],
    ids=lambda v: getattr(v, "__name__", None),
)
def test_both_derivatives_stay_in_the_range_of_float32(function, x, first, second, backend):
    assert slopes(function, x, gg.float32) == pytest.approx((first, second), rel=2e-4, abs=1e-38)


def test_the_slope_of_a_logarithm_of_a_large_float16_is_not_lost():
    x = gg.tensor([6e4], dtype=gg.float16, requires_grad=True)
    gg.log10(x).backward()
    assert x.grad.item() == pytest.approx(1 / (6e4 * np.log(10)), rel=1e-2)


@pytest.mark.parametrize("x1", [2.0, 1e8, 0.5])
def test_the_mixed_derivatives_of_a_power_agree_at_exponent_0(x1, backend):
    base, exponent = (gg.tensor(v, dtype=gg.float64, requires_grad=True) for v in (x1, 0.0))
    by_base, by_exponent = grad(base**exponent, [base, exponent], create_graph=True)
    assert by_base.item() == 0
    assert grad(by_base, exponent, retain_graph=True)[0].item() == pytest.approx(1 / x1)
    assert grad(by_exponent, base)[0].item() == pytest.approx(1 / x1)


@pytest.mark.parametrize("x1", [0.0, np.inf, np.nan, 1e-310])
def test_a_power_of_0_has_slope_0_where_its_base_is_no_ordinary_number(x1, backend):
    x = gg.tensor(x1, dtype=gg.float64, requires_grad=True)
    (x ** gg.tensor(0.0, dtype=gg.float64)).backward()
    assert x.grad.item() == 0


@pytest.mark.parametrize(
    ("x1", "x2", "quotient"), [(3.0, np.float32(0.3), 9), (-1e-30, 1e30, -1), (-3.0, np.float32(-0.3), 9)]
)
def test_the_slope_of_a_remainder_is_the_quotient_it_was_made_with(x1, x2, quotient, backend):
    x = gg.tensor(x2, dtype=gg.float32, requires_grad=True)
    z = gg.remainder(gg.tensor(x1), x)
    z.backward()
    assert x.grad.item() == -gg.floor_divide(gg.tensor(x1), gg.tensor(x2, dtype=gg.float32)).item()
    if backend == "numpy":
        assert x.grad.item() == -quotient
