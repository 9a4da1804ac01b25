"""Small cases at the edges of the others: the only output of several, a second slope at infinity, messages."""

from __future__ import annotations

import math

import numpy as np
import pytest

import gpugrad as gg
from gpugrad import _ops as ops
from gpugrad import linalg, special
from gpugrad._op import table
from gpugrad._op.elementwise import FlatOp
from gpugrad.autograd import grad
from gpugrad.errors import AxisError, ShapeError

inf = math.inf


def leaf(values, dtype=None):
    return gg.tensor(values, dtype=dtype, requires_grad=True)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda x: x[0, 0, 0], IndexError, "shape (2, 3) cannot be indexed with 3 indices"),
        (lambda x: x[..., 0, ...], IndexError, "shape (2, 3) cannot be indexed with two ellipses"),
        (lambda x: x[None, [5]], IndexError, "index 5 is out of range for axis 0 of"),
        (lambda x: x[..., [5]], IndexError, "index 5 is out of range for axis 1 of"),
        (lambda x: gg.softmax(x, axis=4), AxisError, "axis 4 is out of range for an array of 2 axes"),
        (lambda x: gg.log_softmax(x, axis=4), AxisError, "axis 4 is out of range for an array of 2 axes"),
        (lambda x: gg.logsumexp(x, axis=4), AxisError, "axis 4 is out of range for an array of 2 axes"),
        (lambda x: gg.vecdot(x, x[:, :2]), ShapeError, "vecdot: sizes 3 and 2 along axis -1 differ"),
        (lambda x: gg.matmul(2.0, x), ShapeError, "matmul: an operand is a number"),
        (lambda x: gg.matmul(x, 2.0), ShapeError, "matmul: an operand is a number"),
    ],
)
def test_a_refusal_says_what_is_wrong(call, kind, message, backend):
    with pytest.raises(kind) as caught:
        call(gg.ones((2, 3)))
    assert message in str(caught.value)


def test_the_only_part_of_a_tensor_has_its_gradient(backend):
    x = leaf([[1.0, 2.0]])
    (part,) = gg.unstack(x)
    (part * part).sum().backward()
    assert x.grad.tolist() == [[2.0, 4.0]]


def test_an_index_tensor_of_no_axes_that_holds_a_truth_value_stays_one(backend):
    x = leaf(3.0)
    assert x[gg.tensor(True)].shape == (1,)
    assert x[gg.tensor(False)].shape == (0,)


@pytest.mark.parametrize("dtype", [gg.float32, gg.float64, gg.complex64, gg.complex128], ids=lambda dtype: dtype.name)
def test_a_singular_value_below_the_rounding_of_its_dtype_does_not_count(dtype, backend):
    rounding = {"float32": 2.0**-23, "complex64": 2.0**-23, "float64": 2.0**-52, "complex128": 2.0**-52}[dtype.name]
    x = gg.tensor([[[1.0, 0.0], [0.0, rounding]], [[1.0, 0.0], [0.0, 8 * rounding]]], dtype=dtype)
    assert linalg.matrix_rank(x).tolist() == [1, 2]


def test_a_number_is_sought_in_the_dtype_of_the_tensor(backend):
    if backend == "strict":
        pytest.skip("the standard seeks integers alone")
    assert gg.isin(gg.tensor([0.1, 0.2]), 0.1).tolist() == [True, False]
    assert gg.isin(0.1, gg.tensor([0.1, 0.2])).tolist() is True


@pytest.mark.parametrize("end", [inf, -inf])
def test_the_normal_distribution_is_flat_at_infinity_in_every_order(end, backend):
    x = leaf([end], gg.float64)
    first = grad(special.ndtr(x).sum(), x, create_graph=True)[0]
    second = grad(first.sum(), x)[0]
    assert (first.tolist(), second.tolist()) == ([0.0], [0.0])


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_a_determinant_beyond_all_numbers_still_has_its_cofactors(backend):
    x = leaf([[1e200, 0.0], [0.0, 1e200]], gg.float64)
    linalg.det(x).backward()
    np.testing.assert_allclose(x.grad.tolist(), [[1e200, 0], [0, 1e200]], rtol=1e-14)


def test_the_sign_of_a_complex_zero_is_flat_in_every_order(backend):
    x = leaf([0j, 3 + 4j], gg.complex128)
    (first,) = grad(gg.real(gg.sign(x)).sum(), x, create_graph=True)
    np.testing.assert_allclose(first.tolist(), [0, (1 - 0.6 * (0.6 + 0.8j)) / 5], rtol=1e-14)
    (second,) = grad(gg.real(first).sum(), x)
    assert second.tolist()[0] == 0 and np.isfinite(second.tolist()[1])


def test_a_variance_is_divided_by_with_its_epsilon(backend):
    assert gg.layer_norm(gg.tensor([1.0, 3.0]), eps=3.0).tolist() == [-0.5, 0.5]
    assert gg.layer_norm(gg.tensor([2.0, 2.0])).tolist() == [0, 0]


@pytest.mark.parametrize("order", [0, 1, 3])
def test_the_series_of_sinc_is_as_long_as_it_must_be_where_it_ends(order, backend):
    mpmath = pytest.importorskip("mpmath")
    x = 0.995 * (1 + order / 2) / math.pi
    with mpmath.workdps(40):
        exact = float(mpmath.diff(lambda t: mpmath.sin(mpmath.pi * t) / (mpmath.pi * t), mpmath.mpf(x), order))
    z = ops.sinc_derivative(gg.tensor(x, dtype=gg.float64), order=order)
    assert z.item() == pytest.approx(exact, rel=6e-16, abs=0)


def test_gradients_of_two_devices_are_computed_on_their_own(fake_cuda):
    x = leaf([1.0, 2.0]).detach().to("cuda:0").requires_grad_()
    y = gg.exp((x * 3).to("cuda:1") * 2).to("cuda:0")
    (y * x).sum().backward()
    assert str(x.grad.device) == "cuda:0"
    t = np.array([1.0, 2.0])
    np.testing.assert_allclose(x.grad.cpu().tolist(), (1 + 6 * t) * np.exp(6 * t), rtol=1e-5)


WHOLE = set(
    "abs add bitwise_and bitwise_or bitwise_xor ceil conj floor floor_divide imag maximum minimum multiply "
    "negative positive pow real relu remainder round sign square subtract trunc".split()
)
"""Functions of integers that are integers."""

FRACTIONS = [
    name for name, op in table.items() if isinstance(op, FlatOp) and op.rules and not name.endswith("_backward")
]
"""All functions, but for the gradients of others, which are never given integers."""


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", FRACTIONS)
def test_a_function_with_fractions_makes_floats_of_integers(name, backend):
    one = gg.tensor([1, 1])
    z = getattr(ops, name)(*(one for _ in table[name].inputs))
    assert z.dtype == (gg.int64 if name in WHOLE else gg.float32)
