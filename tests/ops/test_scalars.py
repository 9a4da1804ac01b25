"""Python's numbers in either place of a function of two, and in where; complex ones with real tensors."""

from __future__ import annotations

import numpy as np
import pytest

import gpugrad as gg
from gpugrad.errors import DeviceError, DtypeError

FLOATS = (
    "add subtract multiply divide pow atan2 hypot copysign nextafter logaddexp maximum minimum remainder floor_divide"
)
COMPARISONS = "equal not_equal less less_equal greater greater_equal"
BITS = "bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift"


@pytest.mark.parametrize("name", [*FLOATS.split(), *COMPARISONS.split()])
def test_a_number_is_weak_in_either_place(backend, name):
    function, reference = getattr(gg, name), getattr(np, name)
    x = np.array([0.5, 2.0, 3.0], np.float32)
    for number in (2.0, 2):
        right, left = function(gg.tensor(x), number), function(number, gg.tensor(x))
        assert right.dtype == left.dtype == (gg.bool if name in COMPARISONS else gg.float32)
        np.testing.assert_allclose(right.cpu().numpy(), reference(x, np.float32(number)), rtol=1e-6)
        np.testing.assert_allclose(left.cpu().numpy(), reference(np.float32(number), x), rtol=1e-6)


@pytest.mark.parametrize("name", BITS.split())
def test_an_integer_is_weak_in_either_place(backend, name):
    x = np.array([1, 2, 3], np.int8)
    found = getattr(gg, name)(gg.tensor(x), 2), getattr(gg, name)(2, gg.tensor(x))
    expected = getattr(np, name)(x, 2), getattr(np, name)(2, x)
    for z, of in zip(found, expected, strict=True):
        assert z.dtype == gg.int8
        np.testing.assert_array_equal(z.cpu().numpy(), of)


@pytest.mark.parametrize("name", ["logical_and", "logical_or", "logical_xor", "bitwise_and", "bitwise_or"])
def test_a_truth_value_stands_in_either_place(backend, name):
    x = gg.tensor([True, False])
    assert getattr(gg, name)(x, True).tolist() == getattr(gg, name)(True, x).tolist()


@pytest.mark.parametrize(
    ("dtype", "expected"), [("float32", "complex64"), ("float64", "complex128"), ("int32", "complex64")]
)
@pytest.mark.parametrize("name", ["add", "multiply", "subtract", "divide"])
def test_a_complex_number_makes_a_real_tensor_complex(backend, name, dtype, expected):
    x = gg.tensor([1, 2], dtype=dtype)
    for z in (getattr(gg, name)(x, 2j), getattr(gg, name)(2j, x)):
        assert z.dtype == getattr(gg, expected)
    assert gg.where(gg.tensor([True, False]), x, 2j).tolist() == [1, 2j]
    assert gg.where(gg.tensor([True, False]), x, 2j).dtype == getattr(gg, expected)


def test_a_gradient_through_a_complex_number_is_real_for_a_real_leaf(backend):
    x = gg.tensor([1.0, 2.0], requires_grad=True)
    gg.imag(x * (3 + 4j)).sum().backward()
    assert x.grad.tolist() == [4, 4]


def test_where_takes_numbers_for_any_of_its_operands(backend):
    x = gg.tensor([1.0, 2.0])
    assert gg.where(True, x, 0).tolist() == [1, 2]
    assert gg.where(False, x, 7).tolist() == [7, 7]
    assert gg.where(True, 1, gg.tensor([0.5])).dtype == gg.float32
    mask = gg.tensor([True, False])
    for values, dtype in (
        ((1, 0), gg.int64),
        ((1.0, 0), gg.float32),
        ((True, False), gg.bool),
        ((1j, 0), gg.complex64),
    ):
        assert gg.where(mask, *values).dtype == dtype
    with pytest.raises(TypeError, match="where"):
        gg.where(True, 1.0, 2.0)


def test_astype_takes_a_name_keeps_what_needs_no_copy_and_moves(backend):
    x = gg.tensor([1.5, 0.0])
    assert gg.astype(x, "float64").dtype == gg.float64
    assert gg.astype(x, gg.float32, copy=False) is x
    copied = gg.astype(x, gg.float32)
    copied += 1
    assert x.tolist() == [1.5, 0]
    assert gg.astype(gg.tensor([1j, 0j]), gg.bool).tolist() == [True, False]
    with pytest.raises(DtypeError, match="real"):
        gg.astype(gg.tensor([1j]), gg.float32)
    assert str(gg.astype(x, gg.int64, device="cpu").device) == "cpu"
    with pytest.raises(DeviceError):
        gg.astype(x, gg.int64, device="cpu:3")


@pytest.mark.parametrize("name", ["floor", "ceil", "trunc", "round", "sign", "square", "abs", "positive", "negative"])
@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64"])
def test_integers_stay_integers(backend, name, dtype):
    x = gg.tensor([0, 1, 5], dtype=dtype)
    assert getattr(gg, name)(x).dtype == x.dtype


COMPLEX = "round sign square sqrt abs real imag conj isfinite reciprocal expm1 log1p log2 log10"


@pytest.mark.parametrize("name", COMPLEX.split())
def test_functions_that_the_standard_has_for_complex_numbers_take_them(backend, name):
    x = np.array([1.4 + 2.6j, -0.5 - 1.5j, 3j], np.complex64)
    z = getattr(gg, name)(gg.tensor(x))
    np.testing.assert_allclose(z.cpu().numpy(), getattr(np, name)(x), rtol=1e-6)
    assert z.dtype.itemsize == getattr(np, name)(x).dtype.itemsize
