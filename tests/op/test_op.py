"""What an op promises whoever writes one: names checked at import, nothing dropped, several outputs, joint rules."""

from __future__ import annotations

import numpy as np
import pytest

import gpugrad
from gpugrad._op import op, table, unary
from gpugrad.backends import Array, backend_of
from gpugrad.errors import GradientError


@pytest.fixture
def _own_table():
    """Take ops that a test defines out of the table again."""
    before = set(table)
    yield
    for name in set(table) - before:
        del table[name]


pytestmark = pytest.mark.usefixtures("_own_table")


def divided():
    """Return an op of two outputs: x // 1 is not differentiable by x, the rest is."""

    @op(x=lambda g, z: g[0] * 2 + g[1] * z[1] * 3)
    def twice_and_power(x: Array, /) -> tuple[Array, Array]:
        return x * 2, backend_of(x).namespace.exp(x * 3)

    return twice_and_power


def test_a_rule_that_names_what_is_unknown_fails_when_it_is_defined():
    with pytest.raises(ValueError, match=r"names \['y'\].*x_shape"):
        unary("typo", "Return x.", forward="exp", x=lambda g, y: g)


def test_a_rule_takes_g_first():
    with pytest.raises(ValueError, match="takes g first"):
        unary("typo", "Return x.", forward="exp", x=lambda x, g: g)


def test_a_name_is_defined_once():
    with pytest.raises(ValueError, match="already"):
        unary("exp", "Return x.", x=lambda g: g)


def test_a_gradient_is_never_dropped_for_want_of_a_rule(backend):
    ruleless = unary("ruleless", "Return exp(x).", forward="exp", x=None)
    x = gpugrad.ones((2,), requires_grad=True)
    assert not ruleless(x.detach()).requires_grad
    with pytest.raises(GradientError, match=r"ruleless has no derivative rule.*detach"):
        ruleless(x)
    with gpugrad.no_grad():
        ruleless(x)


def test_a_general_op_without_a_rule_raises_too(backend):
    @op()
    def general_ruleless(x: Array, /) -> Array:
        return x * 2

    with pytest.raises(GradientError, match="no derivative rule"):
        general_ruleless(gpugrad.ones((2,), requires_grad=True))


@pytest.mark.parametrize("used", [(0,), (1,), (0, 1)])
def test_several_outputs_are_one_node(used, backend):
    f = divided()
    x = gpugrad.tensor([0.5, -1.0], dtype=gpugrad.float64, requires_grad=True)
    outputs = f(x)
    assert outputs[0].grad_fn.source is outputs[1].grad_fn.source
    sum(outputs[i].sum() * (i + 1) for i in used).backward()
    expected = np.zeros(2)
    for i in used:
        expected += 2 if i == 0 else 2 * 3 * np.exp([1.5, -3.0])
    np.testing.assert_allclose(x.grad.tolist(), expected, rtol=1e-12)


def test_several_outputs_have_a_second_order(backend):
    f = divided()
    x = gpugrad.tensor([0.5, -1.0], dtype=gpugrad.float64, requires_grad=True)
    a, b = f(x)
    (first,) = gpugrad.autograd.grad((a * b).sum(), x, create_graph=True)
    (second,) = gpugrad.autograd.grad(first.sum(), x)
    t = np.array([0.5, -1.0])  # (2 t exp(3 t))'' = (12 + 18 t) exp(3 t)
    np.testing.assert_allclose(first.tolist(), (2 + 6 * t) * np.exp(3 * t), rtol=1e-12)
    np.testing.assert_allclose(second.tolist(), (12 + 18 * t) * np.exp(3 * t), rtol=1e-12)


def test_one_output_of_several_may_be_used_twice(backend):
    a, _ = divided()(x := gpugrad.tensor([1.0, 2.0], requires_grad=True))
    (a * a).sum().backward()
    assert x.grad.tolist() == [8.0, 16.0]


def test_a_joint_rule_computes_only_what_is_wanted(backend):
    asked = []

    def rule(g, x1, x2, needs):
        asked.append(list(needs))
        return g * x2 if needs[0] else None, g * x1 if needs[1] else None

    @op({("x1", "x2"): rule})
    def joint(x1: Array, x2: Array, /) -> Array:
        return x1 * x2

    a, b = gpugrad.tensor([2.0], requires_grad=True), gpugrad.tensor([3.0], requires_grad=True)
    joint(a, b.detach()).backward()
    joint(a, b).backward()
    gpugrad.autograd.grad(joint(a, b), b)
    assert asked == [[True, False], [True, True], [False, True]]
    assert (a.grad.item(), b.grad.item()) == (6.0, 2.0)


def test_only_what_rules_name_is_kept(backend):
    x = gpugrad.ones((3,), requires_grad=True)
    y = gpugrad.ones((3,))
    node = (x * y).grad_fn
    assert node.saved1.value is y._array
    assert not hasattr(node, "saved0")  # x would serve only the gradient of y, which wants none
    assert not hasattr((x + y).grad_fn, "saved1")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: gpugrad.sum(), "sum: missing a required argument: 'x'"),
        (lambda x: gpugrad.sum(x, 0, 1), "sum: too many positional arguments"),
        (lambda x: gpugrad.sum(x, axes=0), "sum: got an unexpected keyword argument 'axes'"),
        (lambda x: gpugrad.reshape(x, (3,), shape=(3,)), "reshape: multiple values for argument 'shape'"),
        (lambda x: gpugrad.exp("a"), "exp takes tensors, arrays and Python numbers, not builtins.str"),
        (lambda x: gpugrad.add(1, 2), "add needs at least one tensor or array"),
        (lambda x: gpugrad.add(x, [1, 2, 3]), "add takes tensors, arrays and Python numbers, not builtins.list"),
    ],
)
def test_a_wrong_call_names_the_op_and_the_argument(call, message):
    with pytest.raises(TypeError, match=message.replace("(", r"\(")):
        call(gpugrad.ones((3,)))


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda x: x + gpugrad.ones((4,)), ValueError, r"add of float32 \(3,\) and float32 \(4,\): .*broadcast"),
        (lambda x: x < gpugrad.ones((4,)), ValueError, r"less of float32 \(3,\) and float32 \(4,\)"),
        (lambda x: x & x, TypeError, r"bitwise_and of float32 \(3,\) and float32 \(3,\)"),
        (lambda x: gpugrad.sum(x, axis=5), ValueError, r"sum of float32 \(3,\): axis 5 is out of bounds"),
        (lambda x: gpugrad.max(x[:0]), ValueError, r"max of float32 \(0,\): zero-size"),
    ],
)
def test_what_the_library_refuses_names_the_op_and_what_it_was_given(call, kind, message):
    with pytest.raises(kind, match=message):
        call(gpugrad.ones((3,)))


def test_a_library_s_refusal_is_a_library_s_refusal_on_plain_arrays_too():
    with pytest.raises(ValueError, match=r"add of float64 \(3,\) and float64 \(4,\)"):
        gpugrad.add(np.ones(3), np.ones(4))
