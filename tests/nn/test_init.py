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
