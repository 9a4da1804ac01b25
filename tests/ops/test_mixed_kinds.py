"""Operands of several kinds: integers, truth values and numbers of other widths beside a tensor that requires grad."""

from __future__ import annotations

import numpy as np
import pytest

import gpugrad as gg
from gpugrad import linalg, special
from gpugrad.autograd import grad

BINARY = [
    *(gg.add, gg.subtract, gg.multiply, gg.divide, gg.pow, gg.remainder, gg.logaddexp, gg.atan2, gg.hypot, gg.copysign),
    *(gg.maximum, gg.minimum, special.xlogy, special.xlog1py, special.rel_entr, special.kl_div, special.betaln),
]
OTHERS = {
    "int64": np.array([2, 1, 3]),
    "uint8": np.array([2, 1, 3], np.uint8),
    "bool": np.array([True, True, True]),
    "float32": np.array([1.5, 0.75, 2.25], np.float32),
    "float16": np.array([1.5, 0.75, 2.25], np.float16),
}
NUMBERS = [True, 2, np.float64(1.7)]


def both_orders(function, values):
    """Return the gradient of a float64 leaf, and that of its sum of squares."""
    x = gg.tensor(values, dtype=gg.float64, requires_grad=True)
    (first,) = grad(gg.sum(function(x)), x, create_graph=True)
    second = grad(gg.sum(first * first), x)[0] if first.requires_grad else gg.zeros_like(x)
    return np.array([first.tolist(), second.tolist()])


def alike(function, other, values):
    """Check that an operand counts as the same numbers in float64 do, in either place."""
    given, wide = gg.tensor(other), gg.tensor(np.asarray(other, np.float64))
    for found, expected in (
        (lambda x: function(x, given), lambda x: function(x, wide)),
        (lambda x: function(given, x), lambda x: function(wide, x)),
    ):
        np.testing.assert_allclose(both_orders(found, values), both_orders(expected, values), rtol=1e-14)


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("function", BINARY, ids=lambda f: f.__name__)
def test_an_operand_of_another_kind_gives_the_gradient_of_its_values(function, kind, backend):
    if (backend, kind) == ("strict", "float16"):
        pytest.skip("the standard has no float16")
    alike(function, OTHERS[kind], [[0.5, 1.25, 3.0], [2.5, 0.25, 1.75]])


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
@pytest.mark.parametrize("function", BINARY, ids=lambda f: f.__name__)
def test_a_number_of_another_kind_gives_the_gradient_of_its_value(function, number, backend):
    values = [0.5, 1.25, 3.0]
    for mine, other in (
        (lambda x: function(x, number), lambda x: function(x, float(number))),
        (lambda x: function(number, x), lambda x: function(float(number), x)),
    ):
        np.testing.assert_allclose(both_orders(mine, values), both_orders(other, values), rtol=1e-14)


MATRICES = [
    (lambda x, y: gg.matmul(x, gg.matrix_transpose(y)), [[2, 1, 0], [1, 3, 1]]),
    (lambda x, y: gg.matmul(x, y[0, :]), [[2, 1, 0], [1, 3, 1]]),
    (lambda x, y: gg.matmul(y[:, 0], x), [[2, 1, 0], [1, 3, 1]]),
    (gg.vecdot, [[2, 1, 0], [1, 3, 1]]),
    (lambda x, y: gg.tensordot(x, gg.matrix_transpose(y), axes=1), [[2, 1, 0], [1, 3, 1]]),
    (linalg.cross, [[2, 1, 0], [1, 3, 1]]),
    (lambda x, y: linalg.outer(x[0, :], y[1, :]), [[2, 1, 0], [1, 3, 1]]),
    (lambda x, y: gg.clip(x, min=y), [[2, 1, 0], [1, 3, 1]]),
    (lambda x, y: gg.where(x > 1, x, y) * x, [[2, 1, 0], [1, 3, 1]]),
    (lambda x, y: gg.where(y, x, 2.0 * x), [[2, 0, 0], [1, 0, 1]]),
    (lambda x, y: gg.einsum("ij,kj->ik", x, y), [[2, 1, 0], [1, 3, 1]]),
]


@pytest.mark.parametrize(("function", "integers"), MATRICES)
def test_integers_beside_a_matrix_give_the_gradient_of_their_values(function, integers, backend):
    values = [[0.5, 1.25, 3.0], [2.5, 0.25, 1.75]]
    found = both_orders(lambda x: function(x, gg.tensor(integers)), values)
    wide = gg.tensor(np.asarray(integers, np.float64))
    np.testing.assert_allclose(found, both_orders(lambda x: function(x, wide), values), rtol=1e-14)


def test_a_mask_may_be_multiplied(backend):
    x = gg.tensor([-1.0, 2.0, 3.0], requires_grad=True)
    y = x * (x > 0)
    (y * y / (1 + (x > 2))).sum().backward()
    assert x.grad.tolist() == [0, 4, 3]


def test_a_real_base_with_a_complex_exponent_has_a_complex_logarithm():
    exponent = gg.tensor([0.5 + 1j], dtype=gg.complex128, requires_grad=True)
    z = gg.pow(gg.tensor([-2.0], dtype=gg.float64), exponent)
    gg.real(z).sum().backward()
    slope = (-2.0 + 0j) ** (0.5 + 1j) * np.log(-2.0 + 0j)
    np.testing.assert_allclose(exponent.grad.numpy(), [np.conj(slope)], rtol=1e-12)


def test_a_number_is_told_from_an_operand_that_is_absent(backend):
    x = [[-1.0, 0.5, 2.0]]
    for call, expected in (
        (lambda x: gg.clip(x, 0.0, 1.0) ** 2, [[0, 1, 0]]),
        (lambda x: gg.clip(x, max=1.0) ** 2, [[-2, 1, 0]]),
        (lambda x: gg.clip(x, 0.0) ** 2, [[0, 1, 4]]),
        (lambda x: gg.clip(x) ** 2, [[-2, 1, 4]]),
    ):
        np.testing.assert_array_equal(both_orders(call, x)[0], expected)
    plain, scaled = (both_orders(lambda x, w=w: gg.layer_norm(x, w) ** 3, x) for w in (None, 2.0))
    np.testing.assert_allclose(scaled[0], 8 * plain[0], rtol=1e-12)
    np.testing.assert_allclose(scaled[1], 64 * plain[1], rtol=1e-12)
