"""Where layers and losses differ from PyTorch's on purpose: what is right, that we return it, what PyTorch does.

What is right is worked out by mpmath at 60 digits: values and slopes, and at a kink the slopes on both sides, of which
the gradient is the element of smallest norm between them. PyTorch's own numbers are compared where it is installed.
"""

import math

import mpmath
import numpy as np
import pytest

import gpugrad
from gpugrad.nn import functional as F

try:
    import torch
except ModuleNotFoundError:
    torch = None

inf, nan = math.inf, math.nan
mp = mpmath.mp.clone()
mp.dps = 60
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, at infinities
with_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")


def run(library, functions, f, values, dtype="float32"):
    """Return the result of f(functions, library, *tensors) and the gradients of its sum."""
    leaves = [library.tensor(v, dtype=getattr(library, dtype), requires_grad=True) for v in values]
    z = f(functions, library, *leaves)
    z.sum().backward()
    return z.tolist(), [x.grad.tolist() for x in leaves]


def ours(f, *values, dtype="float32"):
    return run(gpugrad, F, f, values, dtype)


def theirs(f, *values, dtype="float32"):
    return run(torch, torch.nn.functional, f, values, dtype)


def agrees(found, wanted):
    if isinstance(wanted, list | tuple):
        return len(found) == len(wanted) and all(map(agrees, found, wanted))
    return found == pytest.approx(float(wanted), rel=2e-6, abs=1e-30, nan_ok=True)


# Kinks: the gradient is the smallest of those between the slopes on both sides


def relu(x):
    return max(x, mp.mpf(0))


SELU = mp.mpf("1.6732632423543772848170429916717"), mp.mpf("1.0507009873554804934193349852946")

# What is called, the same at 60 digits, where, and PyTorch's slope.
KINKS = {
    "relu6 at 0": (lambda F, lib, x: F.relu6(x), lambda x: min(relu(x), 6), 0.0, 0.0),
    "relu6 at 6": (lambda F, lib, x: F.relu6(x), lambda x: min(relu(x), 6), 6.0, 0.0),
    "hardtanh at 1": (lambda F, lib, x: F.hardtanh(x), lambda x: min(max(x, -1), 1), 1.0, 0.0),
    "hardsigmoid at 3": (lambda F, lib, x: F.hardsigmoid(x), lambda x: min(relu(x + 3), 6) / 6, 3.0, 0.0),
    "hardswish at -3": (lambda F, lib, x: F.hardswish(x), lambda x: x * min(relu(x + 3), 6) / 6, -3.0, 0.0),
    "hardswish at 3": (lambda F, lib, x: F.hardswish(x), lambda x: x * min(relu(x + 3), 6) / 6, 3.0, 1.0),
    "elu, alpha 2": (lambda F, lib, x: F.elu(x, 2.0), lambda x: relu(x) + 2 * mp.expm1(min(x, 0)), 0.0, 2.0),
    "elu, alpha 0.5": (lambda F, lib, x: F.elu(x, 0.5), lambda x: relu(x) + mp.expm1(min(x, 0)) / 2, 0.0, 0.5),
    "elu, alpha -1": (lambda F, lib, x: F.elu(x, -1.0), lambda x: relu(x) - mp.expm1(min(x, 0)), 0.0, -1.0),
    "selu": (
        lambda F, lib, x: F.selu(x),
        lambda x: SELU[1] * (relu(x) + SELU[0] * mp.expm1(min(x, 0))),
        0.0,
        1.7580993,
    ),
    "prelu, slope 2": (lambda F, lib, x: F.prelu(x, lib.tensor([2.0])), lambda x: relu(x) + 2 * min(x, 0), 0.0, 2.0),
    "prelu, slope -0.5": (
        lambda F, lib, x: F.prelu(x, lib.tensor([-0.5])),
        lambda x: relu(x) - min(x, 0) / 2,
        0.0,
        -0.5,
    ),
    "softshrink at 0.5": (lambda F, lib, x: F.softshrink(x), lambda x: relu(x - 0.5) - relu(-x - 0.5), 0.5, 0.0),
    "hinge_embedding_loss at the margin": (
        lambda F, lib, x: F.hinge_embedding_loss(x, -lib.ones(())),
        lambda x: relu(1 - x),
        1.0,
        -1.0,
    ),
    "margin_ranking_loss at a tie": (
        lambda F, lib, x: F.margin_ranking_loss(x, lib.zeros(()), lib.ones(())),
        lambda x: relu(-x),
        0.0,
        -1.0,
    ),
    "smooth_l1_loss, beta 0": (lambda F, lib, x: F.smooth_l1_loss(x, lib.zeros(()), beta=0.0), abs, 0.0, 0.0),
    "l1_loss": (lambda F, lib, x: F.l1_loss(x, lib.zeros(())), abs, 0.0, 0.0),
}


def one_sided(f, x):
    """Return the slopes to the left and to the right."""
    x, h = mp.mpf(x), mp.mpf(10) ** -40
    return (f(x) - f(x - h)) / h, (f(x + h) - f(x)) / h


@pytest.mark.parametrize("name", KINKS)
def test_at_a_kink_the_gradient_is_the_smallest_there_is(backend, name):
    f, exact, x, _ = KINKS[name]
    left, right = one_sided(exact, x)
    smallest = mp.mpf(0) if left * right <= 0 else min(left, right, key=abs)
    value, (slope,) = ours(f, x)
    assert value == pytest.approx(float(exact(mp.mpf(x))), rel=1e-6)
    assert slope == pytest.approx(float(smallest), rel=1e-6, abs=1e-30)


@with_torch
@pytest.mark.parametrize("name", KINKS)
def test_at_a_kink_pytorch_takes_another_or_the_same(name):
    f, _, x, slope = KINKS[name]
    assert theirs(f, x)[1][0] == pytest.approx(slope, rel=1e-6)
    assert abs(ours(f, x)[1][0]) <= abs(slope) or slope == pytest.approx(ours(f, x)[1][0])


DIFFERENT_KINKS = {
    "elu, alpha 2",
    "elu, alpha -1",
    "selu",
    "prelu, slope 2",
    "prelu, slope -0.5",
    "hinge_embedding_loss at the margin",
    "margin_ranking_loss at a tie",
}


def test_at_these_kinks_the_two_differ():
    found = {name for name, (f, _, x, slope) in KINKS.items() if ours(f, x)[1][0] != pytest.approx(slope, rel=1e-6)}
    assert found == DIFFERENT_KINKS


# Digits: relative errors against 60 digits


def ncdf(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


def tanh_gelu(x):
    u = mp.sqrt(2 / mp.pi) * (x + mp.mpf("0.044715") * x**3)
    return x / (1 + mp.exp(-2 * u))


# What is called, the same at 60 digits, where, the dtype, the most that our value and slope may be off, relatively, and
# the least that one of PyTorch's is.
DIGITS = {
    "tanhshrink near 0": (lambda F, lib, x: F.tanhshrink(x), lambda x: x - mp.tanh(x), 1e-3, "float32", 5e-7, 1e-2),
    "tanhshrink at 0.01": (lambda F, lib, x: F.tanhshrink(x), lambda x: x - mp.tanh(x), 1e-2, "float32", 5e-7, 1e-4),
    "softplus beyond 20": (
        lambda F, lib, x: F.softplus(x),
        lambda x: mp.log1p(mp.exp(x)),
        20.5,
        "float64",
        1e-15,
        1e-10,
    ),
    "gelu, far left": (lambda F, lib, x: F.gelu(x), lambda x: x * ncdf(x), -6.0, "float32", 1e-6, 0.1),
    "gelu by tanh, far left": (
        lambda F, lib, x: F.gelu(x, approximate="tanh"),
        tanh_gelu,
        -6.0,
        "float32",
        1e-5,
        0.9,
    ),
    "hardsigmoid, float64": (lambda F, lib, x: F.hardsigmoid(x), lambda x: x / 6 + 0.5, 0.5, "float64", 1e-15, 1e-9),
    "celu, float64": (
        lambda F, lib, x: F.celu(x, 0.3),
        lambda x: mp.mpf(0.3) * mp.expm1(x / mp.mpf(0.3)),
        -0.1,
        "float64",
        1e-15,
        1e-9,
    ),
}


def worst(found, exact, x):
    """Return the larger of the relative errors of a value and of a slope."""
    x = mp.mpf(x)
    pairs = zip((found[0], found[1][0]), (exact(x), mp.diff(exact, x)), strict=True)
    return max(float(abs(mp.mpf(a) - b) / abs(b)) for a, b in pairs)


@pytest.mark.parametrize("name", DIGITS)
def test_digits_are_not_lost(backend, name):
    f, exact, x, dtype, bound, _ = DIGITS[name]
    at = float(np.float32(x)) if dtype == "float32" else x
    assert worst(ours(f, x, dtype=dtype), exact, at) <= bound


@with_torch
@pytest.mark.parametrize("name", DIGITS)
def test_digits_that_pytorch_loses(name):
    f, exact, x, dtype, _, least = DIGITS[name]
    at = float(np.float32(x)) if dtype == "float32" else x
    assert worst(theirs(f, x, dtype=dtype), exact, at) >= least


NORMS = {
    "layer_norm": lambda F, lib, x: F.layer_norm(x, (1000,)),
    "group_norm": lambda F, lib, x: F.group_norm(x, 1),
    "batch_norm": lambda F, lib, x: F.batch_norm(x.reshape((1000, 1)), None, None, training=True).reshape((1, 1000)),
}


@pytest.mark.parametrize("name", NORMS)
def test_a_large_mean_leaves_the_digits_of_what_is_normalised(backend, name):
    x = (1e4 + np.random.default_rng(0).standard_normal((1, 1000))).astype("f4")
    wide = x.astype("f8")
    right = (wide - wide.mean()) / np.sqrt(wide.var() + 1e-5)

    def off(library, functions):
        return np.abs(np.asarray(NORMS[name](functions, library, library.tensor(x)).tolist()) - right).max()

    assert off(gpugrad, F) <= 3e-4
    if torch is not None:
        assert off(torch, torch.nn.functional) >= 5e-4


# Far out, and by convention: what is called, the arguments, the right result and gradients, PyTorch's

CASES = {
    "silu at -inf and inf": (
        lambda F, lib, x: F.silu(x),
        ([-inf, inf],),
        ([0.0, inf], [[0.0, 1.0]]),
        ([nan, inf], [[nan, nan]]),
    ),
    "mish at -inf and inf": (
        lambda F, lib, x: F.mish(x),
        ([-inf, inf],),
        ([0.0, inf], [[0.0, 1.0]]),
        ([nan, inf], [[nan, nan]]),
    ),
    "gelu at -inf": (lambda F, lib, x: F.gelu(x), ([-inf],), ([0.0], [[0.0]]), ([nan], [[nan]])),
    "hardswish at -inf": (lambda F, lib, x: F.hardswish(x), ([-inf],), ([0.0], [[0.0]]), ([nan], [[0.0]])),
    "softsign at -inf and inf": (
        lambda F, lib, x: F.softsign(x),
        ([-inf, inf],),
        ([-1.0, 1.0], [[0.0, 0.0]]),
        ([nan, nan], [[nan, nan]]),
    ),
    "dropout of all, at inf": (lambda F, lib, x: F.dropout(x, 1.0), ([inf],), ([0.0], [[0.0]]), ([nan], [[0.0]])),
    "cross_entropy, all targets ignored": (
        lambda F, lib, x: F.cross_entropy(x, lib.tensor([-100])),
        ([[1.0, 2.0]],),
        (0.0, [[[0.0, 0.0]]]),
        (nan, [[[0.0, 0.0]]]),
    ),
    "nll_loss, all targets ignored": (
        lambda F, lib, x: F.nll_loss(x, lib.tensor([-100])),
        ([[1.0, 2.0]],),
        (0.0, [[[0.0, 0.0]]]),
        (nan, [[[0.0, 0.0]]]),
    ),
    "kl_div, impossible in both": (
        lambda F, lib, x, t: F.kl_div(x, t, reduction="sum"),
        ([-inf], [0.0]),
        (0.0, [[0.0], [0.0]]),
        (nan, [[0.0], [nan]]),
    ),
    # The loss is limited to 100, and so it is linear in the target.
    "binary_cross_entropy, slope of the target": (
        lambda F, lib, x, t: F.binary_cross_entropy(x, t),
        ([1.0], [0.5]),
        (50.0, [[5e11], [-100.0]]),
        (50.0, [[5e11], [-inf]]),
    ),
    "cosine_similarity, large": (
        lambda F, lib, a: F.cosine_similarity(a, lib.tensor([3e30, 4e30]), dim=0),
        ([3e30, 4e30],),
        (1.0, [[0.0, 0.0]]),
        (0.0, [[0.0, 0.0]]),
    ),
    "cosine_embedding_loss of a zero vector": (
        lambda F, lib, a: F.cosine_embedding_loss(a, lib.tensor([[3.0, 4.0]]), lib.tensor([-1.0])),
        ([[0.0, 0.0]],),
        (0.0, [[[0.0, 0.0]]]),
        (0.0, [[[600000.0, 800000.0]]]),
    ),
    "pairwise_distance, large": (
        lambda F, lib, a: F.pairwise_distance(a, lib.tensor([[0.0, 4e30]])),
        ([[3e30, 0.0]],),
        ([5e30], [[[0.6, -0.8]]]),
        ([inf], [[[0.0, 0.0]]]),
    ),
    "pairwise_distance of equals, eps 0": (
        lambda F, lib, a: F.pairwise_distance(a, lib.tensor([[1.0, 2.0]]), eps=0.0),
        ([[1.0, 2.0]],),
        ([0.0], [[[0.0, 0.0]]]),
        ([0.0], [[[0.0, 0.0]]]),
    ),
    "cosine_similarity of zero vectors": (
        lambda F, lib, a: F.cosine_similarity(a, lib.zeros(2), dim=0),
        ([0.0, 0.0],),
        (0.0, [[0.0, 0.0]]),
        (0.0, [[0.0, 0.0]]),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_far_out_and_by_convention_the_result_is_the_right_one(backend, name):
    f, values, right, _ = CASES[name]
    found = ours(f, *values)
    assert agrees(found, right), found


@with_torch
@pytest.mark.parametrize("name", CASES)
def test_what_pytorch_returns_there(name):
    f, values, _, elsewhere = CASES[name]
    found = theirs(f, *values)
    assert agrees(found, elsewhere), found


@pytest.mark.parametrize(
    "name", "mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy_with_logits half_squared_error".split()
)
def test_shapes_that_would_broadcast_a_loss_are_refused(backend, name):
    with pytest.raises(gpugrad.errors.ShapeError, match=r"\(2, 1\) and target \(2,\)"):
        getattr(F, name)(gpugrad.ones((2, 1)), gpugrad.ones(2))
