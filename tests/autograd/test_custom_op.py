"""An op of the user's own has rules in the form of the tables, and gets what the ops of the tables get."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

import gpugrad
from gpugrad import float32, float64, tensor
from gpugrad._op import table
from gpugrad.autograd import custom_op, grad
from gpugrad.errors import DtypeError, GradientError


@custom_op(
    x=lambda g, z, beta: g * (beta * z),
)
def growth(x, *, beta=1.0, xp):
    """Return exp(beta * x)."""
    return xp.exp(beta * x)


@custom_op(
    x=lambda g, y, xp: g * xp.tanh(y),
    y=lambda g, x, y, xp: g * x * (1 - xp.tanh(y) ** 2),
)
def gated(x, y, *, xp):
    return x * xp.tanh(y)


def leaf(values, dtype=float64):
    return tensor(values, dtype=dtype, requires_grad=True)


def test_derivatives_of_every_order_follow_from_the_rule(backend):
    x = leaf([0.5, -1.0])
    z = growth(x, beta=3.0)
    for order in range(4):
        np.testing.assert_allclose(z.tolist(), 3.0**order * np.exp([1.5, -3.0]), rtol=1e-14)
        (z,) = grad(z.sum(), x, create_graph=True)


def test_gradients_fit_their_inputs(backend):
    x, y = leaf([1.0], float32), leaf([[0.5, 1.0], [2.0, 3.0]], float32)
    gated(x, y).sum().backward()
    assert (x.grad.shape, x.grad.dtype, y.grad.shape) == ((1,), float32, (2, 2))
    np.testing.assert_allclose(x.grad.tolist(), [np.tanh([0.5, 1, 2, 3]).sum()], rtol=1e-6)


def test_what_is_plain_stays_plain(backend):
    x = gpugrad.ones(3)
    assert type(growth(x._array)) is type(x._array)
    assert not growth(x).requires_grad and growth.__doc__ == "Return exp(beta * x)." and growth.__name__ == "growth"


def test_numbers_are_weak_and_may_be_given_by_name(backend):
    x = leaf([0.5], float32)
    assert gated(x, 1.5).dtype == float32
    z = gated(y=x, x=2.0)
    z.backward()
    np.testing.assert_allclose(x.grad.tolist(), 2 * (1 - np.tanh([0.5]) ** 2), rtol=1e-6)


def test_an_op_is_in_no_table_and_may_be_defined_again(backend):
    before = dict(table)
    for factor in (2, 3):

        @custom_op(x=lambda g, k: g * k, name="exp")
        def own(x, *, k=factor):
            return x * k

    assert table == before and own.op.name.endswith(".exp") and "." not in "".join(table)
    x = leaf([1.0])
    assert own(x).grad_fn.name == "ExpBackward" and own(x).item() == 3
    assert gpugrad.exp(x).item() == np.exp(1.0)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"w": lambda g: g}, r"names \['w'\]; it takes g first, then any of"),
        ({"x": lambda g, y: g}, r"a rule for x names \['y'\]; it takes g first, then any of beta, x, x_shape, xp, z"),
        ({"x": lambda x, g: g}, "it takes g first"),
    ],
)
def test_a_rule_is_checked_when_it_is_defined(rules, message):
    with pytest.raises(ValueError, match=message):

        @custom_op(rules)
        def own(x, *, beta=1.0):
            return x * beta


@pytest.mark.parametrize("name", ["g", "z", "needs", "xp", "x_shape"])
def test_a_parameter_has_no_name_that_means_something_in_rules(name):
    with pytest.raises(ValueError, match=f"a parameter cannot be called '{name}'"):
        custom_op(eval(f"lambda x, {name}: x"), name="own")


def test_parameters_without_names_are_refused():
    with pytest.raises(ValueError, match="no names that a rule could call them by"):
        custom_op(lambda *xs: xs[0], name="own")
    with pytest.raises(ValueError, match="'<lambda>' is no name; give one by name="):
        custom_op(lambda x: x)


def test_an_input_without_a_rule_raises_where_it_requires_grad(backend):
    @custom_op(x=lambda g, y: g * y)
    def product(x, y):
        return x * y

    x, y = leaf([2.0]), leaf([3.0])
    assert grad(product(x, y.detach()), x)[0].item() == 3
    with pytest.raises(GradientError, match=r"test_custom_op.product has no derivative rule for its input 'y'"):
        product(x, y)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda g: None, "returned NoneType, and must return an array"),
        (lambda g: 1.0, "returned float, and must return an array"),
        (lambda g, xp: xp.zeros((3,)), r"returned a gradient of shape \(3,\), and the input has \(2,\)"),
        (lambda g, xp: xp.zeros((5, 3)), r"returned a gradient of shape \(5, 3\), and the input has \(2,\)"),
    ],
)
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_rule_that_returns_no_gradient_is_named(backend, rule, message, create_graph):
    @custom_op(x=rule)
    def own(x):
        return x * 2

    with pytest.raises(GradientError, match="own: the rule for 'x' " + message):
        own(leaf([1.0, 2.0])).sum().backward(create_graph=create_graph)


def test_joint_rules_and_several_outputs(backend):
    asked = []

    def rule(g, x, y, needs):
        asked.append(needs)
        return g[0] * y + g[1], (g[0] * x + g[1] if needs[1] else None)

    @custom_op({("x", "y"): rule})
    def both(x, y):
        return x * y, x + y

    x, y = leaf([2.0]), leaf([3.0])
    p, s = both(x, y)
    (p * s).backward()
    assert (x.grad.item(), y.grad.item()) == (2 * 2 * 3 + 9, 4 + 2 * 2 * 3)
    assert grad(both(x, y.detach())[0], x)[0].item() == 3
    assert asked == [[True, True], [True, False]]
    (g,) = grad(both(x, y)[0], x, create_graph=True)
    assert grad(g, y)[0].item() == 1


def test_a_joint_rule_that_forgets_one_is_named(backend):
    @custom_op({("x", "y"): lambda g, x, y: (g * y,)})
    def own(x, y):
        return x * y

    with pytest.raises(GradientError, match="the rule for x, y must return a tuple of 2 gradients"):
        own(leaf([1.0]), leaf([2.0])).backward()


def test_a_list_of_inputs(backend):
    @custom_op(xs=lambda g, xs: [g * 2 * x for x in xs])
    def sum_of_squares(xs: Sequence[gpugrad._tensor.Tensor]):
        return sum(x * x for x in xs)

    xs = [leaf([1.0]), leaf([2.0]), leaf([3.0])]
    z = sum_of_squares(xs)
    z.backward()
    assert (z.item(), [x.grad.item() for x in xs]) == (14, [2, 4, 6])


def test_an_optional_input(backend):
    @custom_op(x=lambda g, w: g * w, b=lambda g: g, w=lambda g, x: g * x)
    def affine(x, w, b=None):
        return x * w if b is None else x * w + b

    x, w, b = leaf([2.0]), leaf([3.0]), leaf([1.0])
    affine(x, w, b).backward()
    affine(x, w).backward()
    assert (x.grad.item(), w.grad.item(), b.grad.item()) == (6, 4, 1)


@pytest.mark.parametrize("forward", [lambda x: x, lambda x: x[:], lambda x, *, xp: xp.reshape(x, (2, 1))])
def test_a_result_never_shares_the_memory_of_an_input(backend, forward):
    own = custom_op(x=lambda g: g, name="own")(forward)
    x = leaf([1.0, 2.0])
    y = x * 1
    z = own(y)
    z[0] = 7
    assert y.tolist() == [1, 2]


def test_a_result_that_is_no_array_is_named(backend):
    w = gpugrad.ones(2)
    with pytest.raises(DtypeError, match=r"own of float64 \(2,\): forward returned Tensor, and must return arrays"):
        custom_op(lambda x: w, name="own")(leaf([1.0, 2.0]))
    with pytest.raises(DtypeError, match="forward returned str"):
        custom_op(lambda x: "z", name="own")(leaf([1.0, 2.0]))


def test_an_error_in_forward_leads_to_its_line(backend):
    def forward(x):
        raise ValueError("mine")

    with pytest.raises(ValueError, match=r"own of float64 \(1,\): mine") as caught:
        custom_op(forward, name="own")(leaf([1.0]))
    assert caught.value.__cause__.args == ("mine",)


def test_operands_on_two_devices_are_named(devices):
    with pytest.raises(gpugrad.errors.DeviceError, match=r"gated: operands are on"):
        gated(gpugrad.ones(2, device=devices[0]), gpugrad.ones(2, device=devices[-1]))


def test_saved_values_are_those_of_the_time_of_use(backend):
    x, y = leaf([2.0]), leaf([0.5])
    a = y * 1
    z = gated(x, a)
    a *= 0
    z.backward()
    np.testing.assert_allclose(x.grad.item(), np.tanh(0.5), rtol=1e-14)


def test_the_picture_of_a_graph_shows_the_rule():
    x = leaf([1.0, 2.0])
    assert "gated" in str(gpugrad.draw(gated(x, x * 2).sum(), format="svg"))


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_gradient_is_never_the_memory_of_a_saved_value_or_a_constant(backend, create_graph):
    nothing = gpugrad.zeros(2, dtype=float64)

    @custom_op(x=lambda g, x: x, y=lambda g: nothing if gpugrad.is_grad_enabled() else nothing._array)
    def lending(x, y):
        return x * 1 + y

    x, y = leaf([1.0, 2.0]), leaf([0.0, 0.0])
    for _ in range(2):
        lending(x, y).sum().backward(create_graph=create_graph)
    for p in (x, y):
        p.grad.data += 5
    assert (x.tolist(), nothing.tolist()) == ([1, 2], [0, 0])
