"""Dropout of elements and of features: how much is dropped, what stays the same, and that seeds decide."""

import math

import numpy as np
import pytest

import gpugrad
from gpugrad import nn
from gpugrad.errors import AxisError, OptionError, ShapeError
from gpugrad.nn import functional as F

LAYERS = ["Dropout", "Dropout1d", "AlphaDropout", "FeatureAlphaDropout"]


def array(t):
    return np.asarray(t.tolist())


@pytest.mark.parametrize("name", LAYERS)
def test_nothing_is_dropped_in_evaluation_or_with_probability_0(backend, name):
    x = gpugrad.randn(3, 4, 5)
    assert getattr(nn, name)(0.5).eval()(x) is x
    assert getattr(nn, name)(0.0)(x) is x


@pytest.mark.parametrize("name", LAYERS)
def test_all_is_dropped_with_probability_1(backend, name):
    x = gpugrad.ones((3, 4, 5), requires_grad=True)
    z = getattr(nn, name)(1.0)(x)
    z.sum().backward()
    assert not array(z).any() and not array(x.grad).any()


@pytest.mark.parametrize("name", LAYERS)
def test_one_seed_drops_the_same_on_every_backend(name):
    seen = []
    for backend in ("numpy", "strict"):
        with gpugrad.use_backend(backend):
            gpugrad.manual_seed(3)
            seen.append(getattr(nn, name)(0.4)(gpugrad.ones((6, 4, 5))).tolist())
    assert seen[0] == seen[1]


def test_whole_features_are_dropped_and_the_rest_scaled(backend):
    z = array(F.dropout1d(gpugrad.ones((50, 40, 3)), p=0.25))
    assert (z == z[..., :1]).all()
    assert set(np.unique(z.round(5))) == {0.0, round(4 / 3, 5)}
    assert (z[..., 0] == 0).mean() == pytest.approx(0.25, abs=0.04)
    single = array(F.dropout1d(gpugrad.ones((400, 3)), p=0.25))
    assert (single == single[:, :1]).all() and (single == 0).any()


@pytest.mark.parametrize(("name", "shape"), [("alpha_dropout", (300, 400)), ("feature_alpha_dropout", (300, 400, 2))])
def test_alpha_dropout_keeps_mean_and_variance(backend, name, shape):
    z = array(getattr(F, name)(gpugrad.randn(*shape), p=0.3, training=True))
    assert z.mean() == pytest.approx(0, abs=0.02)
    assert z.std() == pytest.approx(1, abs=0.02)
    if len(shape) == 3:
        low = z.min(axis=2) == z.max(axis=2)
        assert low.mean() == pytest.approx(0.3, abs=0.02)  # these features are one value throughout


def test_what_alpha_dropout_sets_is_selu_at_minus_infinity():
    p, low = 0.4, -1.0507009873554805 * 1.6732632423543772
    scale = 1 / math.sqrt((1 - p) * (1 + p * low**2))
    z = array(F.alpha_dropout(gpugrad.zeros(1000, dtype=gpugrad.float64), p, True))
    np.testing.assert_allclose(np.unique(z), sorted([scale * low - scale * low * p, -scale * low * p]))


def test_gradients_go_where_values_went(backend):
    for name in ("dropout", "dropout1d", "alpha_dropout", "feature_alpha_dropout"):
        x = gpugrad.full((20, 30, 2), 3.0, requires_grad=True)
        z = getattr(F, name)(x, p=0.5, training=True)
        z.sum().backward()
        values, g = array(z), array(x.grad)
        assert len(np.unique(values.round(4))) == 2
        assert ((g == 0) == (values == values.min())).all()


def test_in_place_writes_into_the_input(backend):
    x = gpugrad.ones((50, 4))
    for layer in (
        nn.Dropout(0.5, inplace=True),
        nn.AlphaDropout(0.5, inplace=True),
        nn.ReLU(inplace=True),
        nn.ELU(inplace=True),
    ):
        assert layer(x) is x
    y = gpugrad.ones(3, requires_grad=True)
    z = y * -2
    w = F.relu(z * z, inplace=True)
    F.relu(z, inplace=True)
    (w + z).sum().backward()
    assert y.grad.tolist() == [8, 8, 8]


def test_random_slopes_are_drawn_in_training_alone(backend):
    x = gpugrad.full((100, 100), -1.0, requires_grad=True)
    layer = nn.RReLU(0.2, 0.6)
    z = layer(x)
    z.sum().backward()
    slopes = -array(z)
    assert 0.2 <= slopes.min() < 0.21 and 0.59 < slopes.max() <= 0.6
    np.testing.assert_allclose(array(x.grad), slopes, rtol=1e-6)
    np.testing.assert_allclose(array(layer.eval()(x)), -0.4, rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "named"),
    [
        (lambda: nn.AlphaDropout(1.5), OptionError, "p must be a probability from 0 to 1, not 1.5"),
        (lambda: F.dropout1d(gpugrad.ones(3)), ShapeError, r"\(features, length\), got \(3,\)"),
        (lambda: F.feature_alpha_dropout(gpugrad.ones(3), training=True), ShapeError, "has no features"),
        (lambda: F.rrelu(gpugrad.ones(3), 0.5, 0.2), OptionError, "lower must not be the larger"),
        (lambda: F.hardtanh(gpugrad.ones(3), 1.0, -1.0), OptionError, "min_val"),
        (lambda: F.softshrink(gpugrad.ones(3), -1.0), OptionError, "lambd must be at least 0"),
        (lambda: F.celu(gpugrad.ones(3), 0.0), OptionError, "alpha must be above 0"),
        (lambda: F.glu(gpugrad.ones(3)), ShapeError, "is odd"),
        (lambda: F.glu(gpugrad.ones(())), AxisError, "axis -1 is out of range"),
        (lambda: F.prelu(gpugrad.ones((2, 3)), gpugrad.ones(2)), ShapeError, "2 slopes for an input of shape"),
        (lambda: nn.PReLU(0), OptionError, "num_parameters"),
        (lambda: F.relu(np.ones(3), inplace=True), TypeError, "inplace=True needs a tensor"),
    ],
)
def test_what_makes_no_sense_is_refused(call, error, named):
    with pytest.raises(error, match=named):
        call()
