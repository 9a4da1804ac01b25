"""SciPy's special functions of tensors are ours, and so differentiable: it looks for `special` in a tensor's namespace.

That look-up is private to SciPy (scipy/special/_support_alternative_backends.py); these tests say when it changes.
SCIPY_ARRAY_API is set in tests/conftest.py, before anything imports SciPy.
"""

import pytest

pytest.importorskip("scipy", reason="SciPy is not installed: the test extra")

import scipy.special
from consumers import check, rows
from samples.draws import Draws, sample
from scipy.special import _support_alternative_backends as dispatch

import gpugrad

draws = Draws()

OF_ANY_NUMBER = "erf erfc expit i0 i0e i1 i1e log_ndtr ndtr sinc".split()
OF_POSITIVE_NUMBERS = "entr gamma gammaln psi digamma".split()
OF_THE_UNIT_INTERVAL = "erfinv logit ndtri".split()
OF_TWO_POSITIVE_NUMBERS = "betaln kl_div rel_entr xlog1py xlogy".split()

CALLS = [
    *(sample(name, getattr(scipy.special, name), draws.normal(3, 4)) for name in OF_ANY_NUMBER),
    *(sample(name, getattr(scipy.special, name), draws.positive(3, 4)) for name in OF_POSITIVE_NUMBERS),
    *(sample(name, getattr(scipy.special, name), draws.unit(3, 4)) for name in OF_THE_UNIT_INTERVAL),
    *(
        sample(name, getattr(scipy.special, name), draws.positive(3, 1), draws.positive(4))
        for name in OF_TWO_POSITIVE_NUMBERS
    ),
    sample("xlogy by a number", lambda y: scipy.special.xlogy(2.5, y), draws.positive(3)),
    sample("betainc", lambda x: scipy.special.betainc(2.5, gpugrad.tensor([1.0, 3.5, 2.0]), x), draws.unit(4, 3)),
    sample("gammainc", lambda x: scipy.special.gammainc(gpugrad.tensor([0.5, 2.5, 1.0]), x), draws.positive(4, 3)),
    sample("gammaincc", lambda x: scipy.special.gammaincc(1.5, x), draws.positive(4, 3)),
    sample("stdtr", lambda t: scipy.special.stdtr(4.5, t), draws.normal(4)),
    sample("polygamma", lambda x: scipy.special.polygamma(2, x), draws.positive(4)),
    # What SciPy composes of those, or of the standard's functions.
    sample("betaincc", lambda x: scipy.special.betaincc(2.5, 1.5, x), draws.unit(4)),
    sample("chdtr", lambda x: scipy.special.chdtr(gpugrad.tensor([3.0, 2.5]), x), draws.positive(4, 2)),
    sample("chdtrc", lambda x: scipy.special.chdtrc(gpugrad.tensor([3.0, 2.5]), x), draws.positive(4, 2)),
    sample("logsumexp", lambda x: scipy.special.logsumexp(x, axis=1), draws.normal(3, 4)),
    sample(
        "logsumexp with weights",
        lambda x, b: scipy.special.logsumexp(x, b=b, axis=0),
        draws.normal(3, 4),
        draws.positive(3, 1),
    ),
    sample("softmax", lambda x: scipy.special.softmax(x, axis=-1), draws.normal(3, 4)),
    sample("log_softmax", lambda x: scipy.special.log_softmax(x, axis=0), draws.normal(3, 4)),
]


@pytest.mark.parametrize("one", rows(CALLS))
def test_gradients_are_those_of_finite_differences(one, backend):
    check(one)


@pytest.mark.parametrize("name", sorted({*gpugrad.special.__all__} & {*dispatch.__all__}))
def test_scipy_finds_our_function(name):
    wanted = getattr(gpugrad.special, name)
    if name == "digamma":
        name = "psi"
    info = next(info for info in dispatch._special_funcs if info.name == name)
    assert info._wrapper_for(gpugrad) is wanted


@pytest.mark.parametrize("place", ["strict:device1", "fake-cuda:1"], indirect=True)
@pytest.mark.parametrize("name", ["erf", "gammaln", "ndtri", "sinc", "entr"])
def test_no_function_leaves_the_device(name, place):
    x = gpugrad.tensor([0.25, 0.5], requires_grad=True)
    z = getattr(scipy.special, name)(x)
    z.sum().backward()
    assert str(z.device) == str(x.grad.device) == place


@pytest.mark.parametrize("name", ["j0", "exp1", "zetac"])
def test_a_function_that_we_lack_never_drops_a_gradient(name):
    f = getattr(scipy.special, name)
    with pytest.raises(RuntimeError, match="detach"):
        f(gpugrad.tensor([1.5], requires_grad=True))
    z = f(gpugrad.tensor([1.5], dtype=gpugrad.float64))
    assert z.item() == f(1.5)
