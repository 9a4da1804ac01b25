"""Initial values have the spread that their papers ask for, and are the same on every backend."""

import math

import numpy as np
import pytest

import gpugrad
from gpugrad.errors import OptionError, ShapeError
from gpugrad.nn import init

SHAPE = (300, 200)


@pytest.mark.parametrize(
    ("fill", "std", "bound"),
    [
        (lambda t: init.uniform_(t, -3.0, 3.0), math.sqrt(3), 3.0),
        (lambda t: init.normal_(t, 0.0, 2.0), 2.0, None),
        (lambda t: init.xavier_uniform_(t, gain=2.0), 2 * math.sqrt(2 / 500), 2 * math.sqrt(6 / 500)),
        (init.xavier_normal_, math.sqrt(2 / 500), None),
        (lambda t: init.kaiming_uniform_(t, a=math.sqrt(5)), math.sqrt(1 / 600), math.sqrt(1 / 200)),
        (
            lambda t: init.kaiming_uniform_(t, mode="fan_out", nonlinearity="relu"),
            math.sqrt(2 / 300),
            math.sqrt(6 / 300),
        ),
        (lambda t: init.kaiming_normal_(t, nonlinearity="tanh"), 5 / 3 / math.sqrt(200), None),
    ],
)
def test_the_spread(backend, fill, std, bound):
    p = gpugrad.zeros(SHAPE, requires_grad=True)
    assert fill(p) is p
    values = np.asarray(p.tolist())
    assert values.std() == pytest.approx(std, rel=0.02)
    assert abs(values.mean()) < 4 * std / math.sqrt(values.size)
    assert bound is None or 0.99 * bound < np.abs(values).max() <= bound * (1 + 1e-6)
    assert p.requires_grad and p.is_leaf


def test_the_same_seed_gives_the_same_numbers_on_every_backend():
    drawn = []
    for name in ("numpy", "strict"):
        with gpugrad.use_backend(name):
            gpugrad.manual_seed(1)
            drawn.append(
                [fill(gpugrad.empty((3, 4))).tolist() for fill in (init.xavier_normal_, init.kaiming_uniform_)]
            )
    assert drawn[0] == drawn[1]
    generators = [gpugrad.random.Generator(4) for _ in range(2)]
    first, second = (init.normal_(gpugrad.empty(5), generator=g).tolist() for g in generators)
    assert first == second


def test_constants(backend):
    t = gpugrad.empty((2,), dtype=gpugrad.float64)
    assert init.ones_(t).tolist() == [1.0, 1.0]
    assert init.constant_(t, -2.5).tolist() == [-2.5, -2.5]
    assert init.zeros_(t).tolist() == [0.0, 0.0]


def test_gains():
    gains = {"linear": 1, "sigmoid": 1, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 0.75}
    assert {name: init.calculate_gain(name) for name in gains} == gains
    assert init.calculate_gain("leaky_relu", 1.0) == 1.0
    with pytest.raises(OptionError, match="must be one of linear, .* not 'swish'"):
        init.calculate_gain("swish")


def test_what_has_no_fan_is_refused():
    with pytest.raises(ShapeError, match=r"not \(3,\)"):
        init.kaiming_normal_(gpugrad.empty(3))
    with pytest.raises(OptionError, match="mode must be .* not 'both'"):
        init.kaiming_uniform_(gpugrad.empty((2, 2)), mode="both")


@pytest.mark.parametrize(
    ("a", "b"), [(-2.0, 2.0), (-1e9, 1e9), (-0.1, 0.2), (1.0, 9.0), (4.0, 4.1), (6.0, 1e9), (-7.0, -5.0), (0.0, 0.1)]
)
def test_cut_off_normal_numbers_have_the_mean_and_spread_of_theirs(a, b):
    special = pytest.importorskip("scipy.stats")
    expected = special.truncnorm(max(a, -40), min(b, 40))
    values = np.asarray(init.trunc_normal_(gpugrad.empty(40_000, dtype=gpugrad.float64), a=a, b=b).tolist())
    assert a <= values.min() and values.max() <= b
    assert values.mean() == pytest.approx(expected.mean(), abs=5 * expected.std() / 200)
    assert values.std() == pytest.approx(expected.std(), rel=0.03)


def test_cut_off_normal_numbers_are_moved_and_scaled(backend):
    t = gpugrad.empty((300, 200))
    assert init.trunc_normal_(t, mean=3.0, std=0.5, a=2.5, b=3.5) is t
    values = np.asarray(t.tolist())
    assert values.min() >= 2.5 and values.max() <= 3.5
    assert values.mean() == pytest.approx(3.0, abs=0.01)
    assert values.std() == pytest.approx(0.5 * 0.53956, rel=0.02)


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (4, 3, 2), (1, 1), (0, 3)])
def test_an_orthogonal_weight_keeps_lengths(backend, shape):
    w = init.orthogonal_(gpugrad.empty(shape, dtype=gpugrad.float64), gain=2.0)
    m = np.asarray(w.tolist()).reshape(shape[0], math.prod(shape[1:]))
    product = m @ m.T if m.shape[0] <= m.shape[1] else m.T @ m
    np.testing.assert_allclose(product, 4 * np.eye(min(m.shape)), atol=1e-12)


def test_orthogonal_weights_are_drawn_evenly():
    signs = [init.orthogonal_(gpugrad.empty((1, 1))).item() for _ in range(200)]
    assert 60 < signs.count(1.0) < 140  # without a look at the signs of R all of them were -1


def test_an_identity_and_one_of_channels(backend):
    assert init.eye_(gpugrad.ones((3, 2))).tolist() == [[1, 0], [0, 1], [0, 0]]
    w = np.asarray(init.dirac_(gpugrad.ones((4, 2, 3, 3)), groups=2).tolist())
    expected = np.zeros((4, 2, 3, 3))
    expected[[0, 1, 2, 3], [0, 1, 0, 1], 1, 1] = 1
    np.testing.assert_array_equal(w, expected)


def test_a_sparse_weight_has_its_zeros_in_every_column(backend):
    w = np.asarray(init.sparse_(gpugrad.empty((300, 40)), sparsity=0.7, std=2.0).tolist())
    assert ((w == 0).sum(axis=0) == 210).all()
    assert w[w != 0].std() == pytest.approx(2.0, rel=0.05)
    assert (w == 0).mean(axis=1).std() > 0  # in other rows from column to column


@pytest.mark.parametrize("fill", [init.lecun_normal_, init.lecun_uniform_])
def test_lecuns_weights_keep_the_variance(backend, fill):
    w = np.asarray(fill(gpugrad.empty((300, 400))).tolist())
    assert w.std() == pytest.approx(1 / 20, rel=0.02)


@pytest.mark.parametrize("name", ["elu", "gelu", "silu", "mish", "hardswish", "softsign", "relu"])
def test_a_gain_keeps_the_second_moment_of_normal_numbers(name):
    points, weights = np.polynomial.hermite_e.hermegauss(180)
    f = getattr(gpugrad.nn.functional, name)
    moment = (np.asarray(f(gpugrad.tensor(points)).tolist()) ** 2 * weights).sum() / weights.sum()
    assert init.calculate_gain(name) ** 2 * moment == pytest.approx(1.0, rel=3e-3)


@pytest.mark.parametrize(
    ("call", "error", "named"),
    [
        (lambda: init.trunc_normal_(gpugrad.empty(2), a=2.0, b=-2.0), OptionError, "a is 2.0 and b is -2.0"),
        (lambda: init.trunc_normal_(gpugrad.empty(2), std=0.0), OptionError, "std must be above 0"),
        (lambda: init.orthogonal_(gpugrad.empty(3)), ShapeError, r"two axes or more, got \(3,\)"),
        (lambda: init.eye_(gpugrad.empty(3)), ShapeError, "eye_: expected a matrix"),
        (lambda: init.sparse_(gpugrad.empty((2, 2, 2)), 0.5), ShapeError, "sparse_: expected a matrix"),
        (lambda: init.sparse_(gpugrad.empty((2, 2)), 1.5), OptionError, "sparsity must be from 0 to 1, not 1.5"),
        (lambda: init.dirac_(gpugrad.empty((2, 2))), ShapeError, "3 to 5 axes"),
        (lambda: init.dirac_(gpugrad.empty((3, 2, 1)), groups=2), OptionError, "3 outputs cannot be parted into 2"),
        (lambda: init.lecun_normal_(gpugrad.empty(3)), ShapeError, "fan in"),
    ],
)
def test_what_makes_no_sense_is_refused(call, error, named):
    with pytest.raises(error, match=named):
        call()
