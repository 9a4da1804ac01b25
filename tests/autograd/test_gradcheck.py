"""gradcheck finds planted faults, accepts right functions and kinks, and says what is wrong and where."""

from __future__ import annotations

import re

import numpy as np
import pytest
from samples import SAMPLES

import gpugrad as gg
from gpugrad import linalg
from gpugrad._op import op, table, unary
from gpugrad.autograd import gradcheck, gradgradcheck, gradient_report
from gpugrad.errors import GradcheckError, GradientError, OptionError

POINTS = np.array([[0.4, -1.3, 2.2], [0.7, 1.1, -0.6], [1.4, 0.3, -0.8]])
COMPLEX = POINTS + 1j * POINTS[::-1]


def leaf(x):
    return gg.tensor(np.asarray(x), requires_grad=True)


@pytest.fixture
def plant():
    """Plant ops with rules of the test's own; the table of ops does not keep them."""
    before = set(table)
    yield lambda define, *parts: define(*(part() for part in parts))
    for name in set(table) - before:
        del table[name]


def xp_of(x):
    return gg if isinstance(x, gg.Tensor) else np


def detached(x):
    """Return what a rule treats as a constant that is none."""
    return x.detach() if isinstance(x, gg.Tensor) else x


def spoiled(g, factor):
    """Return g with one element multiplied."""
    mask = np.ones(g.shape)
    mask.flat[4] = factor
    return g * (gg.tensor(mask) if isinstance(g, gg.Tensor) else mask)


def cube(x):
    return unary("planted_cube", "", forward=lambda x: x * x * x, x=x)


def of_columns(x, forward):
    """Return an op of one matrix, of any shape of result."""

    def planted(x):
        return forward(x)

    planted.__name__ = "planted_columns"
    planted.__annotations__ = {"x": "Array", "return": "Array"}
    return op(x=x)(planted)


def two_outputs(rule):
    def planted_pair(x):
        return x * x, x * 3.0

    planted_pair.__annotations__ = {"x": "Array", "return": "tuple[Array, Array]"}
    return op({("x",): rule})(planted_pair)


FIRST_ORDER = {
    "wrong sign": lambda: cube(lambda g, x: -3 * g * x * x),
    "factor of two": lambda: cube(lambda g, x: 6 * g * x * x),
    "power off by one": lambda: cube(lambda g, x: 3 * g * x),
    "a ten thousandth too large": lambda: cube(lambda g, x: 3.0003 * g * x * x),
    "no gradient": lambda: cube(lambda g, x: 0 * g * x),
    "an offset of 1e-5": lambda: cube(lambda g, x: 3 * g * x * x + 1e-5 * g),
    "g forgotten": lambda: cube(lambda g, x: 3 * x * x),
    "g squared": lambda: cube(lambda g, x: 3 * g * g * x * x),
    "one element off by a factor": lambda: cube(lambda g, x: spoiled(3 * g * x * x, 1.01)),
    "one element without gradient": lambda: cube(lambda g, x: spoiled(3 * g * x * x, 0.0)),
    "NaN in one element": lambda: cube(lambda g, x: spoiled(3 * g * x * x, np.nan)),
    "infinite in one element": lambda: cube(lambda g, x: spoiled(3 * g * x * x, np.inf)),
    "right for positive numbers alone": lambda: cube(lambda g, x, xp: 3 * g * x * xp.abs(x)),
    "rows in the wrong order": lambda: cube(lambda g, x: (3 * g * x * x)[::-1, :]),
    "a constant of five digits": lambda: unary("planted", "", forward=lambda x: x * np.pi, x=lambda g: g * 3.1416),
    "the rule of another function": lambda: unary("planted", "", forward="cos", x=lambda g, x, xp: g * xp.sin(x)),
    "x mistaken for z": lambda: unary("planted", "", forward="exp", x=lambda g, x: g * x),
    "a branch in the wrong place": lambda: unary(
        "planted", "", forward=lambda x: x * (x > 0), x=lambda g, x, xp: g * xp.astype(x > -1, x.dtype)
    ),
    "both branches the same": lambda: unary("planted", "", forward=lambda x: x * (x > 0), x=lambda g: g),
    "broadcast along the wrong axis": lambda: of_columns(
        lambda g, x, xp: xp.broadcast_to(xp.reshape(g, (3, 1)), x.shape) * 1.0, lambda x: x.sum(axis=0)
    ),
    "mean without its division": lambda: of_columns(
        lambda g, x_shape, xp: xp.broadcast_to(g, x_shape) * 1.0, lambda x: x.mean(axis=0)
    ),
    "not transposed": lambda: of_columns(lambda g, x: g @ x + x @ g, lambda x: x @ x),
    "a term dropped": lambda: of_columns(lambda g, x, xp: g @ x.T, lambda x: x @ x),
    "all but the first maximum": lambda: of_columns(
        lambda g, x, xp: xp.broadcast_to(g, x.shape) * xp.astype(x == xp.max(x), x.dtype) * (x < 1),
        lambda x: x.max(axis=0),
    ),
    "the second output's gradient lost": lambda: two_outputs(lambda g, x: (g[0] * 2 * x,)),
    "the outputs' gradients mixed up": lambda: two_outputs(lambda g, x: (g[1] * 2 * x + g[0] * 3,)),
    "the outputs' gradients multiplied": lambda: two_outputs(
        lambda g, x: (g[0] * 2 * x + g[1] * 3 + g[0] * g[1],)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FIRST_ORDER)
def test_a_planted_fault_is_found(name, plant):
    f = plant(FIRST_ORDER[name])
    with pytest.raises(GradcheckError, match="derivatives are wrong|is not the sum of those") as caught:
        gradcheck(f, leaf(POINTS))
    assert not caught.value.report.passed


COMPLEX_FAULTS = {
    "conj without a conjugate": lambda: unary("planted", "", forward=np.conj, x=lambda g: g),
    "a conjugate too many": lambda: unary(
        "planted", "", forward=lambda x: x * x, x=lambda g, x, xp: 2 * g * xp.conj(x)
    ),
    "abs without its phase": lambda: unary("planted", "", forward=np.abs, x=lambda g, x, xp: g * xp.sign(x)),
    "the imaginary part dropped": lambda: unary(
        "planted", "", forward=lambda x: x * 2j, x=lambda g, xp: 2j * g.real + 0j
    ),
    "imag for real": lambda: unary("planted", "", forward=np.real, x=lambda g: g * 1j),
}  # fmt: skip


@pytest.mark.parametrize("name", COMPLEX_FAULTS)
def test_a_planted_fault_in_a_complex_rule_is_found(name, plant):
    f = plant(COMPLEX_FAULTS[name])
    with pytest.raises(GradcheckError, match="derivatives are wrong"):
        gradcheck(f, leaf(COMPLEX))


def squared(rule):
    """Return an op x * x that a rule of the first order calls, so that its own rule counts in the second."""
    return unary("planted_square", "", forward=lambda x: x * x, x=rule)


def cubed_by(second):
    square = squared(second)
    return cube(lambda g, x: 3 * g * square(x))


SECOND_ORDER = {
    "wrong sign": lambda: cubed_by(lambda g, x: -2 * g * x),
    "factor of two": lambda: cubed_by(lambda g, x: 4 * g * x),
    "no gradient": lambda: cubed_by(lambda g, x: 0 * g * x),
    "one element off by a factor": lambda: cubed_by(lambda g, x: spoiled(2 * g * x, 1.001)),
    "x taken for a constant": lambda: cube(lambda g, x: 3 * g * detached(x) * detached(x)),
    "half of it taken for a constant": lambda: cube(lambda g, x: 3 * g * detached(x) * x),
    "g taken for a constant": lambda: cube(lambda g, x: 3 * detached(g) * x * x),
    "NaN": lambda: cubed_by(lambda g, x: spoiled(2 * g * x, np.nan)),
    "g squared": lambda: cubed_by(lambda g, x: 2 * g * g * x),
}


@pytest.mark.parametrize("name", SECOND_ORDER)
def test_a_fault_planted_in_second_order_alone_is_found(name, plant):
    f = plant(SECOND_ORDER[name])
    x = leaf(POINTS[:2])
    assert gradcheck(f, x)
    with pytest.raises(GradcheckError, match="gradgradcheck"):
        gradgradcheck(f, x)


def test_a_conjugate_missing_in_second_order_alone_is_found(plant):
    f = plant(lambda: cubed_by(lambda g, x: 2 * g * xp_of(x).conj(x)))
    assert gradcheck(f, leaf(COMPLEX[0]))
    with pytest.raises(GradcheckError):
        gradgradcheck(f, leaf(COMPLEX[0]))


@pytest.mark.parametrize("name", ["one element off by a factor", "one element without gradient", "wrong sign"])
def test_one_wrong_element_among_many_is_found_along_random_directions(name, plant):
    f = plant(FIRST_ORDER[name])
    x = leaf(np.random.default_rng(0).normal(size=5_000))
    report = gradient_report(f, x)
    assert not report.passed
    assert "random directions, seed 0" in str(report)
    assert gradcheck(f, x, raise_exception=False) is False
    assert gradcheck(lambda x: x * x * x, x)


def test_many_kinks_along_random_directions_are_accepted(plant):
    x = leaf(np.where(np.arange(2000) % 2, 0.0, 1.0))
    assert gradcheck(gg.relu, x)
    assert gradcheck(lambda x: gg.sum(gg.abs(x)), x)
    f = plant(lambda: unary("planted", "", forward=np.abs, x=lambda g: g * 1.5))
    assert not gradcheck(f, x, raise_exception=False)


# Right functions

ONE_OF_EACH = [pytest.param(rows[0], id=name) for name, rows in SAMPLES.items()]


@pytest.mark.parametrize("sample", ONE_OF_EACH[::5])
def test_ops_of_the_table_are_accepted(sample):
    assert gradcheck(lambda *inputs: sample.call(*inputs), [leaf(x) for x in sample.inputs])


@pytest.mark.parametrize("sample", ONE_OF_EACH[1::20])
def test_ops_of_the_table_are_accepted_to_second_order(sample):
    assert gradgradcheck(lambda *inputs: sample.call(*inputs), [leaf(x) for x in sample.inputs], fast_mode=True)


# The function, the inputs, and the kind of the points that have no derivative.
SPECIAL = {
    "abs at 0": (gg.abs, [[-1.0, 0.0, 2.0]], "kink"),
    "relu at 0": (gg.relu, [[0.0, -1.0, 1.0]], "kink"),
    "leaky_relu at 0": (gg.leaky_relu, [[0.0, 1.0]], "kink"),
    "clip at both bounds": (lambda x: gg.clip(x, 0, 1), [[-1.0, 0.0, 0.5, 1.0, 2.0]], "kink"),
    "max of a tie": (gg.max, [[2.0, 2.0, 1.0]], "kink"),
    "max of all alike": (gg.max, [[3.0, 3.0, 3.0, 3.0]], "kink"),
    "min along an axis": (lambda x: gg.min(x, axis=1), [[[1.0, 1.0], [2.0, 0.0]]], "kink"),
    "maximum of a tie": (gg.maximum, [[1.0, 2.0], [1.0, 0.0]], "kink"),
    "minimum of one tensor and itself, moved": (lambda x: gg.minimum(x, 2 * x), [[0.0]], "kink"),
    "maximum with a constant": (lambda x: gg.maximum(x, 1.0), [[1.0, 2.0]], "kink"),
    "norm at 0": (linalg.vector_norm, [[0.0, 0.0, 0.0]], "kink"),
    "hypot at the origin": (gg.hypot, [0.0, 0.0], "kink"),
    "largest absolute value at 0": (lambda x: linalg.vector_norm(x, ord=gg.inf), [[0.0, 0.0]], "kink"),
    "sum of absolute values": (lambda x: linalg.vector_norm(x, ord=1), [[0.0, 1.0]], "kink"),
    "std of equal values": (gg.std, [[1.0, 1.0, 1.0]], "kink"),
    "largest singular value, a tie": (lambda x: linalg.matrix_norm(x, ord=2), [[[3.0, 0.0], [0.0, 3.0]]], "kink"),
    "nuclear norm of a singular matrix": (
        lambda x: linalg.matrix_norm(x, ord="nuc"), [[[2.0, 0.0], [0.0, 0.0]]], "kink"
    ),
    "complex abs at 0": (gg.abs, [[0j, 1 + 1j]], "kink"),
    "sort of a tie": (lambda x: gg.sort(x)[-1], [[2.0, 1.0, 2.0]], "kink"),
    "a kink far down a chain": (lambda x: gg.exp(gg.abs(gg.sin(x)) * 2), [[0.0, 1.0]], "kink"),
    "sign at 0": (gg.sign, [[0.0, 1.0]], "jump"),
    "floor at integers": (gg.floor, [[1.0, -2.0, 0.5]], "jump"),
    "trunc, ceil and round": (lambda x: gg.trunc(x) + gg.ceil(x) + gg.round(x), [[1.0, 0.2]], "jump"),
    "remainder at a multiple": (lambda x: gg.remainder(x, 2.0), [[4.0, 1.0]], "jump"),
    "sqrt at 0": (gg.sqrt, [0.0], "infinite"),
    "log at 0": (gg.log, [0.0], "infinite"),
    "arcsin at 1": (gg.asin, [1.0], "infinite"),
    "entropy at 0": (gg.special.entr, [0.0], "infinite"),
    "x ** 1.5 at 0": (lambda x: x**1.5, [0.0], "edge"),
}  # fmt: skip


@pytest.mark.parametrize("name", SPECIAL)
def test_a_gradient_that_a_kink_allows_is_accepted(name):
    function, values, kind = SPECIAL[name]
    inputs = [leaf(x) for x in values]
    report = gradient_report(function, inputs)
    assert report.passed, report
    assert {d.kind for d in report.special} == {kind}


@pytest.mark.parametrize("name", ["relu at 0", "max of a tie", "floor at integers", "sqrt at 0", "x ** 1.5 at 0"])
def test_a_gradient_that_a_kink_allows_is_accepted_on_every_backend(name, backend):
    function, values, kind = SPECIAL[name]
    report = gradient_report(function, [leaf(x) for x in values])
    assert report.passed, report
    assert {d.kind for d in report.special} == {kind}


@pytest.mark.parametrize("name", ["abs at 0", "relu at 0", "clip at both bounds", "max of a tie", "maximum of a tie"])
def test_second_order_at_a_kink_is_accepted(name):
    function, values, _ = SPECIAL[name]
    assert gradgradcheck(function, [leaf(x) for x in values])


@pytest.mark.parametrize("name", [n for n in SPECIAL if SPECIAL[n][2] == "kink" and "maximum with" not in n])
def test_the_gradient_at_a_kink_is_the_smallest(name):
    function, values, _ = SPECIAL[name]
    report = gradient_report(function, [leaf(x) for x in values])
    # The smallest of a function is not always that of its parts, which is what is promised: docs/conventions.md.
    if name not in ("minimum of one tensor and itself, moved", "sort of a tie", "hypot at the origin"):
        for d in report.kinks:
            assert d.smallest is None or d.smallest == pytest.approx(d.analytic, abs=2e-3), d


WRONG_AT_KINKS = {
    "each winner gets all": (
        lambda: of_columns(lambda g, x, xp: g * xp.astype(x == xp.max(x), x.dtype), lambda x: x.max()),
        [2.0, 2.0, 1.0],
    ),
    "a slope that no side has": (lambda: unary("planted", "", forward=np.abs, x=lambda g: g * 1.5), [0.0]),
    "the losers get something": (
        lambda: of_columns(lambda g, x, xp: g * xp.ones_like(x) / 3, lambda x: x.max()), [2.0, 2.0, 1.0]
    ),
    "a norm with a gradient too long": (
        lambda: of_columns(lambda g, x, xp: g * xp.ones_like(x) * 0.9, lambda x: np.sqrt((x * x).sum())), [0.0, 0.0]
    ),
    "a step with a slope": (lambda: unary("planted", "", forward=np.floor, x=lambda g: g * 1.0), [1.0]),
    "a finite gradient for an infinite one": (
        lambda: unary("planted", "", forward=np.sqrt, x=lambda g: g * 1.0), [0.0]
    ),
    "an infinite one with the wrong sign": (
        lambda: unary("planted", "", forward=np.sqrt, x=lambda g: g * -np.inf), [0.0]
    ),
    "an infinite one for a finite": (lambda: unary("planted", "", forward=np.abs, x=lambda g: g * np.inf), [0.0]),
    "NaN at a kink": (lambda: unary("planted", "", forward=np.abs, x=lambda g, x, xp: g * x / xp.abs(x)), [0.0]),
    "the wrong slope at an edge": (lambda: unary("planted", "", forward=lambda x: x**1.5, x=lambda g: g), [0.0]),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_AT_KINKS)
def test_a_gradient_that_no_kink_allows_is_found(name, plant):
    define, values = WRONG_AT_KINKS[name]
    with pytest.raises(GradcheckError):
        gradcheck(plant(define), leaf(values))


def test_a_gradient_that_a_kink_allows_without_being_the_smallest_is_accepted_and_told(plant):
    f = plant(lambda: of_columns(lambda g, x: g * np.array([1.0, 0.0]), lambda x: x.max()))
    report = gradient_report(f, leaf([2.0, 2.0]))
    assert report.passed
    assert [d.smallest for d in report.kinks] == pytest.approx([0.5, 0.5], abs=1e-3)
    assert "the smallest element has 0.5" in str(report)


def test_a_kink_just_beside_the_point_is_none():
    x = leaf([1e-9, -1e-9, 1e-5, -1e-12])
    report = gradient_report(gg.relu, x)
    assert report.passed
    assert not report.special


def test_a_kink_of_parts_where_the_whole_has_none_is_told(backend):
    report = gradient_report(lambda x: gg.relu(x) - gg.relu(-x), leaf([0.0]))
    assert not report.passed
    assert report.wrong[0].numeric == pytest.approx(1)
    assert "at a point nearby the same derivatives are right" in str(report)


# What is hard to measure

HARD = {
    "very small numbers": (gg.log, [1e-9, 1e-3]),
    "very large numbers": (gg.log, [1e9, 1e200]),
    "fast waves at a large number": (gg.sin, [1e10, 1e5]),
    "fast waves": (lambda x: gg.sin(1e6 * x), [0.3]),
    "waves with the period of a step": (lambda x: gg.sin(2 * gg.pi * 2.0**20 * x), [0.3, 0.0]),
    "a small change of a large value": (lambda x: x + 1e12, [1.0]),
    "a change lost in between": (lambda x: (x + 1e10) - 1e10, [1.0, 2.0]),
    "float32 on the way": (lambda x: gg.sin(x.to(gg.float32)).to(gg.float64), [0.4, 1.3]),
    "a value of no size": (lambda x: 1e-30 * gg.sin(x), [0.4, 1.3]),
    "a value of huge size": (lambda x: 1e30 * gg.sin(x), [0.4, 1.3]),
    "a slope of 0 by cancelling": (lambda x: gg.sin(x) ** 2 + gg.cos(x) ** 2, [0.4, 1.3]),
    "a steep flank": (lambda x: gg.sigmoid(1e8 * x), [0.0, 1e-8]),
    "a flat power": (lambda x: gg.abs(x) ** 1.2, [0.0, 1.0]),
    "a double well at its bottom": (lambda x: (x * x - 1) ** 2, [1.0, -1.0, 0.0]),
    "near the end of the domain": (gg.asin, [1 - 1e-12, -1 + 1e-9]),
}


@pytest.mark.parametrize("name", HARD)
def test_what_is_hard_to_measure_is_measured(name):
    function, values = HARD[name]
    report = gradient_report(function, leaf(values))
    assert report.passed, report
    assert not report.special


def test_a_small_fault_of_a_function_of_no_size_is_found():
    def f(x):
        return 1e-30 * (gg.sin(x) + 1e-3 * x.detach())

    assert not gradcheck(f, leaf([1.0]), atol=0.0, raise_exception=False)


@pytest.mark.parametrize("fast", [False, True])
def test_float32_is_checked_with_a_warning_and_its_own_tolerances(fast, backend):
    x = gg.tensor([[0.4, -1.3], [2.2, 0.7]], requires_grad=True)
    with pytest.warns(UserWarning, match=r"input 0 is float32.*make the inputs .* float64"):
        assert gradcheck(lambda x: gg.exp(x) @ x, x, fast_mode=fast)
    with pytest.warns(UserWarning, match="float32"), pytest.raises(GradcheckError):
        gradcheck(lambda x: gg.exp(x) @ x.detach(), x, fast_mode=fast)


# Forms of inputs and outputs


def test_complex_inputs_and_outputs_in_every_combination(backend):
    z, x = leaf([1 + 2j, -0.5j]), leaf([0.3, 2.0])
    assert gradcheck(lambda z: z * gg.conj(z) * z, z)
    assert gradcheck(lambda z: (gg.real(z), gg.abs(z), gg.exp(z)), z)
    assert gradcheck(lambda x: gg.exp(1j * x), x)
    assert gradcheck(lambda z, x: z * x + gg.imag(z), [z, x])
    assert gradgradcheck(lambda z, x: gg.real(z * x * z), [z, x])


def test_only_inputs_that_require_grad_are_checked(backend):
    x, y, i = leaf([1.0, 2.0]), gg.tensor(np.array([3.0, 4.0])), gg.tensor([1, 0])
    report = gradient_report(lambda x, y, i, n: gg.take(x * y, i) ** n, [x, y, i, 3])
    assert report.passed
    assert report.count == 4


def test_outputs_may_be_nested_and_some_of_them_integers(backend):
    x = leaf([1.0, 3.0, 2.0])
    report = gradient_report(lambda x: {"a": [x * x, gg.argmax(x)], "b": (gg.sin(x),)}, x)
    assert report.passed
    assert report.count == 18


def test_empty_and_0d(backend):
    assert gradcheck(lambda x: x * 2, leaf(np.ones((0, 3))))
    assert gradcheck(lambda x: gg.sum(x), leaf(np.ones((0, 3))))
    assert gradcheck(lambda x: x * gg.ones((0,), dtype=gg.float64), leaf([1.0]))
    assert gradcheck(gg.exp, leaf(0.5))
    assert gradgradcheck(gg.exp, leaf(0.5))
    assert gradgradcheck(lambda x: gg.sum(x * x), leaf(np.ones((0, 3))))


def test_non_contiguous_inputs_and_results_of_ops(backend):
    whole = leaf(POINTS)
    turned = gg.matrix_transpose(whole)
    assert gradcheck(lambda x: x @ x, turned)
    assert gradcheck(lambda x: gg.exp(x), turned[1:, ::2])
    assert gradcheck(lambda x: x * x, whole * 2)
    assert np.array_equal(whole.tolist(), POINTS)


def test_an_output_that_depends_on_no_input_or_on_some(backend):
    x, y = leaf([1.0, 2.0]), leaf([3.0])
    assert gradcheck(lambda x, y: (x * 2, gg.ones(2, dtype=gg.float64), x * y), [x, y])
    assert gradgradcheck(lambda x, y: (x * 2, gg.ones(2, dtype=gg.float64)), [x, y])


def test_an_input_that_is_returned_and_one_that_is_given_twice(backend):
    x = leaf([1.0, 2.0])
    assert gradcheck(lambda x: x, x)
    assert gradcheck(lambda a, b: a * b, [x, x])


def test_weights_that_a_function_reads_from_around_it_move(backend):
    weight = leaf([[1.0, 2.0], [0.5, -1.0]])
    inputs = gg.tensor(np.array([[1.0, 3.0]]))
    assert gradcheck(lambda _: gg.tanh(inputs @ weight), weight)
    with pytest.raises(GradcheckError):
        gradcheck(lambda _: gg.tanh(inputs @ weight.detach()), weight)


def test_the_inputs_their_grad_and_the_mode_are_left_as_they_were(backend):
    x = leaf([1.0, 2.0])
    with gg.no_grad():
        assert gradcheck(gg.exp, x)
        gradcheck(lambda x: x.detach(), x, raise_exception=False)
        assert not gg.is_grad_enabled()
    assert (x.tolist(), x.grad) == ([1.0, 2.0], None)

    def stops(x):
        if x.tolist() != [1.0, 2.0]:
            raise KeyboardInterrupt
        return x * 2

    with pytest.raises(KeyboardInterrupt):
        gradcheck(stops, x)
    assert x.tolist() == [1.0, 2.0]


def test_gradients_of_outputs_can_be_given(backend):
    x, g = leaf([1.0, 2.0]), leaf([0.5, -1.0])
    assert gradgradcheck(gg.exp, x, g)
    assert gradgradcheck(gg.exp, x, [gg.tensor(np.array([0.5, -1.0]))])
    with pytest.raises(OptionError, match="func has 1 outputs that require grad, and 2 grad_outputs were given"):
        gradgradcheck(gg.exp, x, [g, g])


# What else can be wrong with a function


def test_a_function_that_changes_an_input_is_named(backend):
    counter = gg.tensor([5, 6])

    def f(x, n):
        n += 1
        return x * 2

    with pytest.raises(GradcheckError, match=r"func changed input 1 in place, first at \[0\]: 5 became 6"):
        gradcheck(f, [leaf([1.0]), counter])

    def g(x):
        x.data *= 2
        return x * 2

    x = leaf([1.0, 3.0])
    with pytest.raises(GradcheckError, match=r"func changed input 0 in place, first at \[0\]: 1.0 became 2.0"):
        gradcheck(g, x)
    assert x.tolist() == [1.0, 3.0]
    assert gradcheck(g, x, raise_exception=False) is False
    with pytest.raises(GradcheckError, match="changed input 0"):
        gradgradcheck(g, x)

    def h(x):
        x.data = gg.ones(3, dtype=gg.float64)
        return x * 2

    with pytest.raises(GradcheckError, match=r"its shape \(2,\) became \(3,\)"):
        gradcheck(h, x)
    assert x.tolist() == [1.0, 3.0]


def test_random_numbers_in_a_function_are_told(backend):
    x = leaf(np.ones(20))
    with pytest.raises(GradcheckError, match="func gives other values when it is called again"):
        gradcheck(gg.nn.functional.dropout, x)
    assert gradcheck(lambda x: gg.dropout(x, p=0.5, seed=1, offset=0), x)


def test_random_numbers_in_backward_are_told(plant):
    random = np.random.default_rng(0)
    f = plant(lambda: cube(lambda g, x: 3 * g * x * x + 1e-9 * random.normal()))
    with pytest.raises(GradcheckError, match="backward gives other gradients when it is run again on the same graph"):
        gradcheck(f, leaf(POINTS))
    assert gradcheck(f, leaf(POINTS), nondet_tol=1e-6)


def test_values_that_are_not_finite_are_told_apart(backend):
    x = leaf([-1.0])
    (nowhere,) = gradient_report(gg.log, x).wrong
    assert nowhere.kind == "undefined"
    (masked,) = gradient_report(lambda x: gg.where(x > 0, gg.log(x), 0.0), leaf([-0.0])).wrong
    assert np.isnan(masked.analytic)
    assert "the gradient is NaN" in masked.what()


def test_a_shape_that_depends_on_values_is_told():
    x = leaf([1.0, 0.0, 2.0])
    with pytest.raises(GradcheckError, match="they depend on values"):
        gradcheck(lambda x: x[x != 0], x)


def test_a_function_that_raises_beside_the_point_is_told():
    def f(x):
        if x.tolist()[0] != 1.0:
            raise ValueError("only 1 will do")
        return x * 2

    with pytest.raises(GradcheckError, match="beside the inputs func raised ValueError: only 1 will do"):
        gradcheck(f, leaf([1.0]))


def test_an_error_of_the_function_itself_is_its_own():
    with pytest.raises(ZeroDivisionError):
        gradcheck(lambda x: x / (1 // 0), leaf([1.0]))


def test_what_cannot_be_checked_is_refused():
    x = leaf([1.0, 2.0])
    with pytest.raises(OptionError, match="none of the inputs requires grad"):
        gradcheck(gg.exp, gg.tensor([1.0]))
    with pytest.raises(OptionError, match="no floating tensor"):
        gradcheck(gg.argmax, x)
    with pytest.raises(OptionError, match="no output of func requires grad"):
        gradgradcheck(lambda x: x.detach(), x)
    with pytest.raises(OptionError, match="elements of input 0 share memory.*clone"):
        gradcheck(gg.exp, gg.broadcast_to(x, (3, 2)))
    with pytest.raises(OptionError, match=r"input 0 and input 1 share memory.*clone"):
        gradcheck(lambda a, b: a * b, [x, x[:1]])
    with pytest.raises(OptionError, match="eps is a step"):
        gradcheck(gg.exp, x, eps=0)
    with pytest.raises(OptionError, match="rtol is a tolerance"):
        gradcheck(gg.exp, x, rtol=-1)
    with pytest.raises(OptionError, match="order is 1 or 2"):
        gradient_report(gg.exp, x, order=3)


def test_views_that_interleave_but_do_not_overlap_are_two_inputs():
    x = leaf([1.0, 2.0, 3.0, 4.0])
    assert gradcheck(lambda a, b: a * b, [x[::2], x[1::2]])


# The report


def test_the_table_names_the_element_and_the_error_of_the_difference(plant):
    f = plant(lambda: cube(lambda g, x: spoiled(3 * g * x * x, 2.0)))
    report = gradient_report(f, leaf(POINTS))
    (found,) = report.wrong
    assert (found.input, found.output) == ("input 0 [1, 1]", "output 0 [1, 1]")
    assert found.analytic == pytest.approx(7.26) and found.numeric == pytest.approx(3.63)
    assert abs(found.numeric - 3.63) <= found.error < 1e-6
    text = str(report)
    assert text.startswith("gradcheck: 1 of 81 derivatives are wrong (all of them)")
    assert re.search(r"0 \[1, 1\]  0 \[1, 1\]  7\.26 +3\.63 ± \de-\d\d", text)


def test_errors_of_differences_are_no_smaller_than_they_are():
    x = leaf(np.linspace(0.1, 3.0, 7))
    for f, slope in ((gg.exp, np.exp), (gg.sin, np.cos), (lambda x: x**9, lambda x: 9 * x**8)):
        report = gradient_report(lambda x, f=f: f(x) + x.detach(), x)
        assert len(report.wrong) == 7
        for k, found in enumerate(report.wrong):
            value = x.tolist()[k]
            assert abs(found.numeric - slope(value) - 1) <= found.error


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda x: x.detach() * 2, "output 0 does not require grad: func took it out of the graph"),
        (lambda x: x.detach() * x, "the gradient is 0.5 times the slope wherever it is wrong"),
        (lambda x: x * 0 + x.detach(), "the gradient is 0 wherever it is wrong"),
        (lambda x: 2 * x.detach() - x, "the gradient has the other sign wherever it is wrong"),
    ],
)
def test_what_wrong_derivatives_have_in_common_is_told(function, hint):
    assert hint in str(gradient_report(function, leaf([1.0, 2.0])))


def test_second_order_names_inputs_and_gradients_of_outputs(plant):
    f = plant(SECOND_ORDER["g taken for a constant"])
    with pytest.raises(GradcheckError, match=r"input 0 \[0\] +grad_output 0 \[0\] +0 "):
        gradgradcheck(f, leaf([2.0]))


def test_what_wants_a_derivative_that_does_not_exist_keeps_its_own_error():
    x = leaf(np.eye(3))
    with pytest.raises(GradientError, match="econd"):
        gradgradcheck(lambda x: linalg.eigh(x).eigenvectors[0, 0], x)


@pytest.mark.parametrize("mode", [gg.no_grad, gg.inference_mode])
def test_the_question_is_the_same_where_nothing_is_recorded(mode):
    x = gg.tensor([0.5, 2.0], dtype=gg.float64, requires_grad=True)
    with mode():
        assert gradcheck(gg.log, x) and gradgradcheck(gg.log, x)
        assert len(gg.compare_backends(gg.log, x, ("float32", "float64")).rows) == 4
