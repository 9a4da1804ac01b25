"""An elementwise op of the user's own gets what every op gets: all orders, broadcasting, weak numbers, clear errors."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import weakref

import numpy as np
import pytest

import gpugrad
from gpugrad import elementwise, float16, float32, float64, tensor
from gpugrad._op import table
from gpugrad.autograd import grad
from gpugrad.errors import DeviceError, DtypeError, GradientError, OptionError, ShapeError

gate = elementwise("T x, T y", "T z", "z = x * tanh(y)", name="gate")
gate_by_hand = elementwise(
    "T x, T y",
    "T z",
    "z = x * tanh(y)",
    grad={"x": "g * tanh(y)", "y": "g * x * (1 - tanh(y) * tanh(y))"},
    name="gate_by_hand",
)
logarithm = elementwise("T x", "T z", "z = x > 0 ? log(x) : 0", name="logarithm")


hosts = pytest.mark.parametrize("backend", ["numpy", "strict"], indirect=True)
"""Every kernel of its own is compiled for the stand-in for CuPy, so not every test makes some."""


def leaf(values, dtype=float64):
    return tensor(values, dtype=dtype, requires_grad=True)


def slopes(f, *leaves, orders):
    """Return the gradients of the sum of f by all leaves, of their sum, and so on, as lists."""
    found = []
    z = f(*leaves)
    for _ in range(orders):
        gradients = grad(z.sum(), leaves, create_graph=True, materialize_grads=True)
        found.append([g.tolist() for g in gradients])
        z = sum((g * (i + 1) for i, g in enumerate(gradients)), start=gradients[0] * 0)
    return found


def test_values_and_gradients_are_those_of_the_librarys_own_functions(backend):
    x, y = leaf([0.5, -2.0, 3.0]), leaf([1.0, 0.25, -0.5])
    np.testing.assert_allclose(gate(x, y).tolist(), (x * gpugrad.tanh(y)).tolist(), rtol=1e-14)
    expected = slopes(lambda x, y: x * gpugrad.tanh(y), x, y, orders=1)
    np.testing.assert_allclose(slopes(gate, x, y, orders=1), expected, rtol=1e-12, atol=1e-12)


@hosts
def test_gradients_of_every_order_are_those_of_the_librarys_own_functions(backend):
    x, y = leaf([0.5, -2.0, 3.0]), leaf([1.0, 0.25, -0.5])
    np.testing.assert_allclose(gate(x, y).tolist(), (x * gpugrad.tanh(y)).tolist(), rtol=1e-14)
    expected = slopes(lambda x, y: x * gpugrad.tanh(y), x, y, orders=3)
    np.testing.assert_allclose(slopes(gate, x, y, orders=3), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(slopes(gate_by_hand, x, y, orders=3), expected, rtol=1e-12, atol=1e-12)


@hosts
def test_a_gradient_may_be_given_in_terms_of_the_output(backend):
    own = elementwise("T x", "T out", "out = exp(2 * x)", grad={"x": "2 * g * out"}, name="growth")
    x = leaf([0.5, -1.0])
    for order, (found,) in enumerate(slopes(own, x, orders=3), start=1):
        np.testing.assert_allclose(found, 2.0**order * np.exp([1.0, -2.0]), rtol=1e-13)


def test_gradients_fit_inputs_that_broadcast(backend):
    x, y = leaf([[1.0], [2.0]], float32), leaf([0.5, 1.0, 2.0], float32)
    z = gate(x, y)
    z.sum().backward()
    assert (z.shape, x.grad.shape, y.grad.shape) == ((2, 3), (2, 1), (3,))
    np.testing.assert_allclose(y.grad.tolist(), 3 * (1 - np.tanh([0.5, 1, 2]) ** 2), rtol=1e-6)


@hosts
def test_a_result_has_the_shape_of_all_inputs_whether_or_not_they_matter(backend):
    ignoring = elementwise("T x, T y", "T z", "z = x", name="ignoring")
    x, y = leaf([1.0, 2.0]), leaf([[0.0], [0.0], [0.0]])
    z = ignoring(x, y)
    z.sum().backward()
    assert (z.tolist(), x.grad.tolist(), y.grad.tolist()) == ([[1, 2]] * 3, [3, 3], [[0]] * 3)


@hosts
def test_a_result_never_shares_the_memory_of_an_input(backend):
    same = elementwise("T x", "T z", "z = x", name="same")
    x = leaf([1.0, 2.0])
    y = x * 1
    z = same(y)
    z[0] = 9
    assert y.tolist() == [1, 2]


def test_numbers_are_weak_whichever_input_they_are(backend):
    x = leaf([1.0, 2.0], float32)
    z = gate(x, 0.5)
    assert z.dtype == gate(x, np.float64(0.5)).dtype == float32
    np.testing.assert_allclose(grad(z.sum(), x)[0].tolist(), [np.tanh(0.5)] * 2, rtol=1e-6)
    np.testing.assert_allclose(gate(y=x, x=3).tolist(), 3 * np.tanh([1, 2]), rtol=1e-6)
    assert gate(x, True).tolist() == gate(x, 1).tolist()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_result_has_the_dtype_of_the_inputs(backend, dtype):
    if backend == "strict" and dtype == "float16":
        pytest.skip("array_api_strict has no float16")
    x = tensor([0.5, 300.0], dtype=dtype, requires_grad=True)
    z = gate(x, x)
    z.sum().backward()
    assert str(z.dtype) == str(x.grad.dtype) == dtype
    np.testing.assert_allclose(z.tolist(), [0.5 * np.tanh(0.5), 300], rtol=1e-3 if dtype == "float16" else 1e-6)


@hosts
def test_floats_of_two_dtypes_meet_in_the_wider_one(backend):
    x, y = leaf([1.0], float32), leaf([0.5], float64)
    z = gate(x, y)
    z.backward()
    assert (z.dtype, x.grad.dtype, y.grad.dtype) == (float64, float32, float64)


def test_float16_is_computed_in_float32(backend):
    if backend == "strict":
        pytest.skip("array_api_strict has no float16")
    own = elementwise("T x", "T z", "z = x * x / x", name="there_and_back")
    assert own(tensor([1000.0], dtype=float16)).item() == 1000  # whose square no float16 holds


def test_no_constant_makes_a_float32_kernel_compute_in_float64(backend):
    own = elementwise("T x", "T z", "z = (x + 0.1) - x", name="rounding")
    x = np.float32(1e4)
    assert own(tensor([x], dtype=float32)).item() == float((x + np.float32(0.1)) - x) != pytest.approx(0.1, rel=1e-4)


@hosts
def test_numbers_that_a_float32_cannot_hold_are_infinite_or_0(backend):
    own = elementwise("T x", "T z", "z = x > 1 ? -1e300 : x * 1e-300", name="extremes")
    assert own(tensor([1.0, 2.0], dtype=float32)).tolist() == [0, -np.inf]
    assert own(tensor([1.0, 2.0], dtype=float64)).tolist() == [1e-300, -1e300]


@pytest.mark.parametrize("shape", [(), (0,), (1,), (0, 3), (2, 0, 1)])
def test_any_shape(backend, shape):
    x, y = gpugrad.ones(shape, dtype=float64, requires_grad=True), gpugrad.ones(shape, dtype=float64)
    z = gate(x, y)
    z.sum().backward()
    assert z.shape == x.grad.shape == shape


def test_nothing_comes_of_the_branch_that_is_not_taken(backend):
    x = leaf([0.0, -1.0, 2.0, np.nan])
    assert logarithm(x).tolist() == [0, 0, np.log(2), 0]
    first, second = slopes(logarithm, x, orders=2)
    assert (first, second) == ([[0, 0, 0.5, 0]], [[0, 0, -0.25, 0]])


def test_plain_arrays_give_plain_arrays(backend):
    x = gpugrad.ones((2,), dtype=float64)
    assert type(gate(x._array, x._array)) is type(x._array)
    assert not gate(x, x).requires_grad
    with pytest.raises(TypeError, match="needs at least one tensor or array"):
        gate(1.0, 2.0)


@hosts
def test_an_input_without_a_gradient_raises_where_it_requires_grad(backend):
    own = elementwise("T x, T y", "T z", "z = x * y", grad={"x": "g * y"}, name="half")
    x, y = leaf([2.0]), leaf([3.0])
    assert grad(own(x, y.detach()), x)[0].item() == 3
    with pytest.raises(GradientError, match="elementwise.half has no derivative rule for its input 'y'"):
        own(x, y)
    none = elementwise("T x", "T z", "z = x", grad=None, name="none")
    with pytest.raises(GradientError, match="elementwise.none has no derivative rule for its input 'x'"):
        none(x)


@hosts
def test_auto_and_given_gradients_go_together(backend):
    own = elementwise("T x, T y", "T z", "z = x * y * y", grad={"x": "g * y * y", "y": "auto"}, name="mixed")
    x, y = leaf([2.0]), leaf([3.0])
    assert [g.item() for g in grad(own(x, y), [x, y])] == [9, 12]


def test_saved_values_are_those_of_the_time_of_use(backend):
    x = leaf([2.0])
    a = x * 1
    z = gate(a, a)
    a *= 0
    z.backward()
    np.testing.assert_allclose(x.grad.item(), np.tanh(2) + 2 / np.cosh(2) ** 2, rtol=1e-12)


@hosts
def test_saved_values_are_freed(backend):
    x = leaf([2.0])
    z = gate(x, x)
    z.backward()
    with pytest.raises(GradientError, match="retain_graph"):
        z.backward()


@hosts
def test_dropping_the_result_frees_the_graph_at_once(backend):
    x = leaf([2.0])
    gate(x, x).sum().backward(create_graph=True)  # makes the ops of the gradients
    x.grad = None
    gc.collect()
    gc.disable()
    try:
        z = gate(x, x)
        node = weakref.ref(z.grad_fn)
        (g,) = grad(z.sum(), x, create_graph=True)
        del z, g
        assert node() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((leaf([1.0]),), TypeError, "gate takes x, y: 1 were given"),
        ((leaf([1.0]),) * 3, TypeError, "gate takes x, y: 3 were given"),
        ((leaf([1.0]), None), TypeError, "gate takes x, y, and none of them may be None"),
        ((leaf([1.0]), "y"), TypeError, "elementwise.gate takes tensors, arrays and Python numbers, not builtins.str"),
        ((leaf([1.0]), tensor([1])), DtypeError, r"gate: 'y' must be .*int64; cast it: .to\(gpugrad.float32\)"),
        ((tensor([True]), leaf([1.0])), DtypeError, "gate: 'x' must be real floating-point numbers, and is bool"),
        ((tensor([1j]), leaf([1.0])), DtypeError, "'x' must be .*complex64; take gpugrad.real of it"),
        ((leaf([1.0]), 10**400), OverflowError, "gate: 'y' is a number that no float64 holds"),
        ((leaf([1.0]), 1j), DtypeError, "'y' must be .*complex; take gpugrad.real of it"),
        ((leaf([1.0, 2.0]), leaf([1.0, 2.0, 3.0])), ShapeError, r"gate of float64 \(2,\) and float64 \(3,\)"),
    ],
)
def test_arguments_that_are_wrong_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        gate(*arguments)


def test_a_keyword_that_is_no_input_is_named():
    with pytest.raises(TypeError, match="gate takes x, y, and not w"):
        gate(leaf([1.0]), w=2)


def test_operands_on_two_devices_are_named(devices):
    x, y = gpugrad.ones(2, device=devices[0]), gpugrad.ones(2, device=devices[-1])
    with pytest.raises(DeviceError, match=rf"elementwise.gate: operands are on '{devices[0]}' and '{devices[-1]}'"):
        gate(x, y)


def test_an_op_runs_on_the_device_of_its_inputs(devices):
    for device in devices:
        x = tensor([1.0, 2.0], device=device, requires_grad=True)
        z = gate(x, x)
        z.sum().backward()
        assert str(z.device) == str(x.grad.device) == device


@hosts
def test_an_op_is_in_no_table_and_its_name_takes_none_away(backend):
    before = dict(table)
    own = elementwise("T x", "T z", "z = x * 5", name="exp")
    assert own(leaf([1.0])).item() == 5 and gpugrad.exp(leaf([0.0])).item() == 1
    own = elementwise("T x", "T z", "z = x * 6", name="exp")
    assert own(leaf([1.0])).item() == 6
    assert table == before and own(leaf([1.0])).grad_fn.name == "ExpBackward"


def test_the_same_expression_is_made_once():
    assert elementwise("T x, T y", "T z", "z = x * tanh(y)", name="gate") is gate


def test_ops_are_copied_and_pickled():
    for op in (gate, gate_by_hand):
        for other in (copy.deepcopy(op), pickle.loads(pickle.dumps(op))):
            assert other(np.ones(1), np.ones(1)).item() == np.tanh(1)
            assert repr(other) == f"<elementwise {op.name}(x, y): z = x * tanh(y)>"


def test_the_code_can_be_read():
    assert gate.array_code == "def u_gate(xp, number, u_x, u_y):\n    return (u_x * xp.tanh(u_y))\n"
    assert "gate_f64(const T* __restrict__ u_x, const T* __restrict__ u_y" in gate.cuda_code("float64")
    with pytest.raises(OptionError, match="gate: there are kernels for float16, float32, float64, not for 'int8'"):
        gate.cuda_code("int8")


def test_what_is_used_twice_is_computed_once():
    op = elementwise("T x", "T z", "T t = exp(x); z = t * t + exp(x)")
    assert op.array_code.count("exp") == 1 and op.cuda_code().count("f_exp(u_x)") == 1


@hosts
def test_threads_share_an_op(backend):
    results = []

    def work():
        own = elementwise("T x", "T z", "z = x * x * x", name="shared")
        x = leaf([2.0])
        results.append(slopes(own, x, orders=2))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [[[[12.0]], [[12.0]]]] * 8


# Checks on demand


def test_a_check_compares_all_derivatives():
    report = gate_by_hand.check()
    assert report.passed and [row.of for row in report.rows] == [
        "d/dx", "d2/dxdx", "d2/dxdy", "d/dy", "d2/dydx", "d2/dydy",
    ]  # fmt: skip
    assert str(report).startswith("gate_by_hand: the gradients agree with finite differences\n  d/dx: 100 of 100")
    assert len(gate.check(order=1).rows) == 2


@pytest.mark.parametrize("wrong", ["g * tanh(x)", "g * y", "tanh(y)  * g * 1.00001", "g * 0", "g * NAN"])
def test_a_check_finds_a_gradient_that_is_wrong(wrong):
    own = elementwise("T x, T y", "T z", "z = x * tanh(y)", grad={"x": wrong, "y": "auto"}, name="wrong")
    with pytest.raises(GradientError, match=r"wrong: .* do not agree.*\n  d/dx: .*and by differences.*at x="):
        own.check()


def test_a_check_takes_points_and_passes_over_those_that_are_not_smooth():
    own = elementwise("T x", "T z", "z = sqrt(fabs(x))")
    report = own.check([-1.0, 0.0, 4.0])
    assert [(row.compared, row.points) for row in report.rows] == [(2, 3), (2, 3)]
    with pytest.raises(GradientError, match="compared at none of 1 points; give it points"):
        own.check(0.0)
    with pytest.raises(TypeError, match="check takes points for x, or none at all"):
        own.check([1.0], [2.0])


def test_a_graph_with_an_op_in_it_is_drawn(backend):
    x = leaf([1.0, 2.0])
    assert "gate" in str(gpugrad.draw(gate(x, x * 2).sum(), format="svg"))


@hosts
def test_inputs_may_have_the_names_that_mean_something_in_rules(backend):
    own = elementwise("T z, T xp, T z_, T z__shape", "T w", "w = z * xp * z_ * z__shape", name="odd")
    leaves = [leaf([v]) for v in (2.0, 3.0, 5.0, 7.0)]
    gradients = grad(own(*leaves), leaves, create_graph=True)
    assert [g.item() for g in gradients] == [105, 70, 42, 30]
    assert [g.item() for g in grad(gradients[0], leaves[1:])] == [35, 21, 15]
    bare = elementwise("T z", "T w", "w = z", grad=None, name="bare")
    with pytest.raises(GradientError, match="elementwise.bare has no derivative rule for its input"):
        bare(leaves[0])


def test_a_gradient_that_is_exactly_0_stays_0_where_that_is_asked_for(backend):
    own = elementwise("T x", "T z", "z = log(x)", name="infinite")
    x, mask = leaf([0.0, 2.0]), tensor([0.0, 1.0], dtype=float64)
    with gpugrad.autograd.strong_zero(), np.errstate(all="ignore"):
        (g,) = grad(gpugrad.where(mask > 0, own(x), mask).sum(), x)
    assert g.tolist() == [0, 0.5]


def test_an_op_is_batched_and_transformed(backend):
    from gpugrad import func

    x = tensor([0.5, 1.0, 2.0], dtype=float64)
    square = elementwise("T x", "T z", "z = x * x * x", name="cubed")
    np.testing.assert_allclose(func.vmap(func.grad(func.grad(square)))(x).tolist(), [3, 6, 12])
