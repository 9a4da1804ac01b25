"""Every function of the grammar has the values and the gradients of gpugrad's own function, at kinks and beyond."""

from __future__ import annotations

import numpy as np
import pytest

import gpugrad
from gpugrad import elementwise, float64, tensor
from gpugrad._elementwise._functions import FUNCTIONS
from gpugrad.autograd import grad

SPECIAL = [-np.inf, -3.5, -2.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 2.0, 2.5, np.inf, np.nan]
USUAL = [-1.7, -0.9, -0.3, 0.2, 0.7, 1.3, 2.9]

# What the library calls a function of the grammar; two that C knows otherwise than the standard have tests below.
LIBRARY = {
    "fabs": gpugrad.abs,
    "rint": gpugrad.round,
    "rsqrt": lambda x: 1 / gpugrad.sqrt(x),
    "fmin": gpugrad.minimum,
    "fmax": gpugrad.maximum,
    **{
        name: getattr(gpugrad, name)
        for name in FUNCTIONS
        if name not in ("fabs", "rint", "rsqrt", "fmin", "fmax", "fmod", "round")
    },
}
hosts = pytest.mark.parametrize("backend", ["numpy", "strict"], indirect=True)
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def of(name):
    arity = FUNCTIONS[name].arity
    inputs, operands = ("T x", "x") if arity == 1 else ("T x, T y", "x, y")
    return elementwise(inputs, "T z", f"z = {name}({operands})", name=name)


def points(name, values):
    if FUNCTIONS[name].arity == 1:
        return [np.array(values)]
    return [x.ravel() for x in np.meshgrid(values, values)]


def _gradients(z, leaves):
    if not z.requires_grad:  # 0 everywhere, and so in no graph
        return [gpugrad.zeros_like(x.detach()) for x in leaves]
    return grad(z.sum(), leaves, create_graph=True, materialize_grads=True)


def gradients(f, arrays, orders):
    """Return the value, and the gradients of it and of each of those, by every input."""
    leaves = [tensor(x, dtype=float64, requires_grad=True) for x in arrays]
    results = [f(*leaves)]
    found = [results[0].tolist()]
    for _ in range(orders):
        results = [g for z in results for g in _gradients(z, leaves)]
        found += [g.tolist() for g in results]
    return found


@pytest.mark.parametrize("name", LIBRARY)
def test_values_and_gradients_at_special_numbers(name):
    values = points(name, SPECIAL)
    if name in ("fmin", "fmax"):  # which pass over a NaN
        values = [x[~np.isnan(sum(values)) | np.isinf(sum(values))] for x in values]
    for ours, theirs in zip(gradients(of(name), values, 1), gradients(LIBRARY[name], values, 1), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-13, atol=0)


@pytest.mark.parametrize("name", LIBRARY)
def test_gradients_to_third_order(name):
    values = points(name, [v + (name == "acosh") * 3 for v in USUAL])
    with np.errstate(all="ignore"):
        ours, theirs = gradients(of(name), values, 3), gradients(LIBRARY[name], values, 3)
    for found, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


@hosts
@pytest.mark.parametrize(("name", "expected"), [("fmin", [1, 2, 1]), ("fmax", [1, 2, 2])])
def test_the_smaller_and_the_larger_pass_over_a_nan(backend, name, expected):
    x = tensor([1.0, np.nan, 1.0, np.nan], dtype=float64, requires_grad=True)
    y = tensor([np.nan, 2.0, 2.0, np.nan], dtype=float64, requires_grad=True)
    z = of(name)(x, y)
    z.sum().backward()
    assert z.tolist()[:3] == expected and np.isnan(z.tolist()[3])
    first = 1.0 if name == "fmin" else 0.0
    assert x.grad.tolist() == [1, 0, first, 0.5] and y.grad.tolist() == [0, 1, 1 - first, 0.5]


@hosts
def test_fmod_has_the_sign_of_its_first_operand(backend):
    values = points("fmod", [-7.5, -2.0, -0.0, 0.5, 3.0, 1e17, np.inf, np.nan])
    x, y = (tensor(v, dtype=float64, requires_grad=True) for v in values)
    z = of("fmod")(x, y)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(z.tolist(), np.fmod(*values))
    usual = [np.array([7.5, -7.5, 7.5, -7.5]), np.array([2.0, 2.0, -2.0, -2.0])]
    assert gradients(of("fmod"), usual, 1)[1:] == [[1, 1, 1, 1], [-3, 3, 3, -3]]


@hosts
def test_round_goes_away_from_0_at_a_half(backend):
    values = [-2.5, -1.5, -0.5, -0.0, 0.49999999999999994, 0.5, 1.5, 2.5, 4503599627370497.5, np.inf]
    found = of("round")(tensor(values, dtype=float64)).tolist()
    assert found == [-3, -2, -1, 0, 0, 1, 2, 3, 4503599627370498, np.inf]
    assert np.signbit(found[3])


def test_an_absolute_value_written_as_a_choice_is_flat_in_its_second_derivative():
    (first, second) = gradients(elementwise("T x", "T z", "z = x > 0 ? x : -x"), [np.array([-1.0, 2.0])], 2)[1:]
    assert (first, second) == ([-1, 1], [0, 0])


def test_a_derivative_grows_with_its_expression_and_no_more():
    """Nested choices and products share their parts: differentiated one by one they would be 2 ** 40."""
    text = "T t0 = x;" + "".join(
        f" T t{i + 1} = t{i} > 0 ? t{i} * t{i} * 0.5 : t{i} * 0.9 + t{i} * x;" for i in range(40)
    )
    op = elementwise("T x", "T z", text + " z = t40")
    assert len(op.op.gradient("x").gradient("x").program.array_code) < 60_000
    assert op(np.array([0.5])).shape == (1,)
