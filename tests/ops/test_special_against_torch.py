"""Values, gradients and second derivatives of special functions, against PyTorch where it is installed."""

from __future__ import annotations

import numpy as np
import pytest

import gpugrad
from gpugrad import special
from gpugrad.autograd import grad

pytest.importorskip("scipy", reason="the test extra is not installed")
torch = pytest.importorskip("torch", reason="the oracle extra is not installed")

LINE = np.linspace(-4.9, 5, 41)
POSITIVE = np.linspace(0.05, 12, 41)
UNIT = np.linspace(0.01, 0.99, 41)
CALLS = {
    **dict.fromkeys("erf erfc expit i0 i0e i1 i1e log_ndtr ndtr sinc".split(), (LINE,)),
    **dict.fromkeys("digamma entr gammaln psi".split(), (POSITIVE,)),
    **dict.fromkeys("logit ndtri".split(), (UNIT,)),
    "erfinv": (2 * UNIT - 1,),
    **dict.fromkeys("xlogy xlog1py".split(), (LINE[:, None], POSITIVE)),
}
BY_LAST = {"gammainc": POSITIVE, "gammaincc": POSITIVE}
TRIGAMMA = 1e-9
"""What PyTorch's trigamma is good to; ours is SciPy's."""
TAIL = np.array([-1e4, -300.0, -40.0, -12.0])
EDGES = [
    ("entr", 0.0, "inf"),
    ("logit", 0.0, "inf"),
    ("ndtri", 0.0, "inf"),
    ("erfinv", 1.0, "inf"),
    ("sinc", 0.0, "0"),
    ("i0e", 0.0, "0"),
    ("i1", 0.0, "0.5"),
    ("i1e", 0.0, "0.5"),
]


def both(name, operands, weights, tracked):
    """Return ours and PyTorch's value, and the gradients of it weighted."""
    ours = [gpugrad.tensor(x, requires_grad=t) for x, t in zip(operands, tracked, strict=True)]
    theirs = [torch.tensor(x, requires_grad=t) for x, t in zip(operands, tracked, strict=True)]
    z, expected = getattr(special, name)(*ours), getattr(torch.special, name)(*theirs)
    ours, theirs = ([x for x in leaves if x.requires_grad] for leaves in (ours, theirs))
    g = grad((z * gpugrad.tensor(weights)).sum(), ours, create_graph=True)
    h = torch.autograd.grad((expected * torch.tensor(weights)).sum(), theirs, create_graph=True)
    return (ours, z, g), (theirs, expected, h)


def agree(ours, theirs, rtol):
    np.testing.assert_allclose(np.asarray(ours.tolist()), theirs.detach().numpy(), rtol=rtol, atol=1e-12)


@pytest.mark.parametrize("name", [*CALLS, *BY_LAST])
def test_values_and_gradients_are_pytorchs(name):
    operands = CALLS.get(name) or (POSITIVE[:, None] / 3, BY_LAST[name])
    tracked = [True] * len(operands) if name in CALLS else [False, True]
    weights = np.random.default_rng(3).normal(size=np.broadcast_shapes(*(x.shape for x in operands)))
    (leaves, z, g), (their_leaves, expected, h) = both(name, operands, weights, tracked)
    agree(z, expected, 1e-11)
    for ours, theirs in zip(g, h, strict=True):
        agree(ours, theirs, TRIGAMMA if name in ("psi", "digamma") else 1e-10)
    if name in ("i1", "i1e", "i0e") or not all(x.requires_grad for x in h):
        return  # PyTorch has no second derivative there
    second = grad(sum((x * x).sum() for x in g), leaves)
    for ours, theirs in zip(second, torch.autograd.grad(sum((x * x).sum() for x in h), their_leaves), strict=True):
        agree(ours, theirs, 1e-9)


def test_the_tail_of_log_ndtr_is_pytorchs():
    (_, z, g), (_, expected, h) = both("log_ndtr", (TAIL,), np.ones(4), [True])
    agree(z, expected, 1e-13)
    agree(g[0], h[0], 1e-6)  # PyTorch's is exp(z) / density, which cancels


@pytest.mark.parametrize("n", [0, 1, 2, 4])
def test_polygamma_is_pytorchs(n):
    ours, theirs = gpugrad.tensor(POSITIVE, requires_grad=True), torch.tensor(POSITIVE, requires_grad=True)
    z, expected = special.polygamma(n, ours), torch.special.polygamma(n, theirs)
    agree(z, expected, TRIGAMMA)
    z.sum().backward()
    expected.sum().backward()
    agree(ours.grad, theirs.grad, TRIGAMMA)


@pytest.mark.parametrize(("name", "at", "slope"), EDGES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_slopes_at_edges_are_pytorchs(name, at, slope):
    (_, _, (ours,)), (_, _, (theirs,)) = both(name, (np.array(at),), np.array(1.0), [True])
    assert ours.item() == theirs.item() == float(slope)


@pytest.mark.parametrize(("x", "y"), [(0.0, 0.0), (0.0, 2.0), (0.0, -1.0), (2.0, 0.0)])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_slopes_of_xlogy_by_x_are_pytorchs(x, y):
    (_, _, ours), (_, _, theirs) = both("xlogy", (np.array(x), np.array(y)), np.array(1.0), [True, True])
    assert ours[0].item() == theirs[0].item()
