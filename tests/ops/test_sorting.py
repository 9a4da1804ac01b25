"""Sorting, sets and searches give what NumPy gives, on every backend."""

from __future__ import annotations

import numpy as np
import pytest

import gpugrad as gg
from gpugrad.errors import AxisError, DtypeError, OptionError, ShapeError

random = np.random.default_rng(5)
ARRAYS = {
    "ties": random.integers(0, 4, (3, 5)).astype("float32"),
    "three axes": random.normal(size=(2, 3, 4)).astype("float32"),
    "integers": random.integers(-3, 3, (4, 3)),
    "unsigned": random.integers(0, 255, (2, 6)).astype("uint8"),
    "truth values": random.integers(0, 2, (2, 5)).astype(bool),
    "infinities": np.array([[np.inf, -np.inf, 0.0, np.nan, -0.0]], "float32"),
    "nothing": np.zeros((0, 3), "float32"),
}


@pytest.mark.parametrize("x", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.parametrize("axis", [0, -1])
def test_sort_and_argsort_are_stable_in_either_direction(backend, x, axis):
    order = gg.argsort(gg.tensor(x), axis=axis)
    np.testing.assert_array_equal(order.cpu().numpy(), np.argsort(x, axis=axis, kind="stable"))
    np.testing.assert_array_equal(gg.sort(gg.tensor(x), axis=axis).cpu().numpy(), np.sort(x, axis=axis))
    down = gg.argsort(gg.tensor(x), axis=axis, descending=True).cpu().numpy()
    rank = np.argsort(np.argsort(x, axis=axis, kind="stable"), axis=axis)
    same = np.take_along_axis(x, down, axis)
    np.testing.assert_array_equal(same, np.flip(np.sort(x, axis=axis), axis))
    np.testing.assert_array_equal(gg.sort(gg.tensor(x), axis=axis, descending=True).cpu().numpy(), same)
    places = np.moveaxis(down, axis, -1)
    values = np.moveaxis(same, axis, -1)
    equal = values[..., 1:] == values[..., :-1]
    assert (places[..., 1:] > places[..., :-1])[equal].all()
    assert rank.shape == down.shape
    assert gg.sort(gg.tensor(x), axis=axis).dtype == gg.tensor(x).dtype


def test_sort_refuses_what_has_no_axis(backend):
    with pytest.raises(ShapeError, match="0-d"):
        gg.sort(gg.tensor(1.0))
    with pytest.raises(IndexError, match="axis 2"):
        gg.argsort(gg.ones((2, 3)), axis=2)


def test_sort_of_a_plain_array_is_a_plain_array():
    found = gg.sort(np.array([3.0, 1.0, 2.0], np.float32), descending=True)
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, [3, 2, 1])


def test_distinct_elements_are_ascending_and_lead_back(backend):
    x = gg.tensor([[3, 1, 3], [0, 3, 1]])
    found = gg.unique_all(x)
    assert found._fields == ("values", "indices", "inverse_indices", "counts")
    assert found.values.tolist() == gg.unique_values(x).tolist() == [0, 1, 3]
    assert found.indices.tolist() == [3, 1, 0]
    assert found.counts.tolist() == gg.unique_counts(x).counts.tolist() == [1, 2, 3]
    for inverse in (found.inverse_indices, gg.unique_inverse(x).inverse_indices):
        assert inverse.shape == x.shape
        assert found.values[inverse].tolist() == x.tolist()


def test_each_nan_is_distinct(backend):
    assert gg.unique_counts(gg.tensor([np.nan, 1.0, np.nan])).counts.tolist() == [1, 1, 1]


def test_gradients_go_through_what_the_indices_of_unique_pick(backend):
    x = gg.tensor([3.0, 1.0, 3.0], requires_grad=True)
    (x[gg.unique_all(x).indices] * gg.tensor([1.0, 10.0])).sum().backward()
    assert x.grad.tolist() == [10, 1, 0]


def test_isin_takes_a_number_in_either_place(backend):
    x = gg.tensor([1, 2, 3])
    assert gg.isin(x, 2).tolist() == [False, True, False]
    assert gg.isin(2, x).tolist() is True
    assert gg.isin(7, x, invert=True).tolist() is True
    assert gg.isin(x, gg.tensor([[3], [9]]), invert=True).tolist() == [True, True, False]
    with pytest.raises(TypeError, match="isin"):
        gg.isin(1, 2)


def test_searchsorted_on_either_side_with_a_sorter_and_a_number(backend):
    x = gg.tensor([1.0, 2.0, 2.0, 5.0])
    v = gg.tensor([[0.0, 2.0], [5.0, 9.0]])
    assert gg.searchsorted(x, v).tolist() == [[0, 1], [3, 4]]
    assert gg.searchsorted(x, v, side="right").tolist() == [[0, 3], [4, 4]]
    assert gg.searchsorted(gg.flip(x), v, sorter=gg.tensor([3, 2, 1, 0])).tolist() == [[0, 1], [3, 4]]
    assert gg.searchsorted(x, 2).tolist() == 1
    assert gg.searchsorted(gg.tensor([1, 3]), gg.tensor([2.5])).tolist() == [1]
    with pytest.raises(OptionError, match="'middle'"):
        gg.searchsorted(x, v, side="middle")
    with pytest.raises(ShapeError, match="1-d"):
        gg.searchsorted(v, x)


def test_count_nonzero_counts_over_axes(backend):
    x = gg.tensor([[0.0, np.nan, -0.0], [1.0, 2.0, 0.0]])
    assert gg.count_nonzero(x).tolist() == 3
    assert gg.count_nonzero(x, axis=(0, 1), keepdims=True).tolist() == [[3]]
    assert gg.count_nonzero(x, axis=-1).tolist() == [1, 2]
    assert gg.count_nonzero(gg.tensor([True, False])).dtype == gg.int64
    assert gg.count_nonzero(gg.tensor([1j, 0j])).tolist() == 1


def test_take_and_take_along_axis_say_what_they_want(backend):
    x = gg.ones((2, 3))
    with pytest.raises(ShapeError, match="axis="):
        gg.take(x, gg.tensor([0]))
    with pytest.raises(DtypeError, match="float32"):
        gg.take(x, gg.tensor([0.0]), axis=0)
    with pytest.raises(ShapeError, match="number of axes"):
        gg.take_along_axis(x, gg.tensor([0]))
    with pytest.raises(AxisError, match="axis 2"):
        gg.take_along_axis(x, gg.tensor([[0]]), axis=2)


@pytest.mark.parametrize("place", ["strict:device1", "fake-cuda:1"], indirect=True)
@pytest.mark.parametrize(
    "function",
    [
        gg.sort,
        lambda x: gg.take_along_axis(x, gg.tensor([0, 0, 1])),
        lambda x: gg.take(x, gg.tensor([0, 0, 1])),
        lambda x: gg.repeat(x, gg.tensor([2, 0, 1])),
        lambda x: gg.diff(x, prepend=0),
        lambda x: gg.unstack(x)[1],
        gg.cumulative_prod,
    ],
)
def test_second_order_stays_on_its_device(function, place):
    x = gg.tensor([3.0, 1.0, 2.0], requires_grad=True)
    (function(x) ** 3).sum().backward(create_graph=True)
    first, x.grad = x.grad, None
    first.sum().backward()
    assert str(first.device) == str(x.grad.device) == place


def test_indices_written_to_between_forward_and_backward_are_those_of_the_call(backend):
    x = gg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    for function in (gg.take, gg.take_along_axis):
        i = gg.tensor([0, 0, 1])
        z = (function(x, i) ** 3).sum()
        i[...] = 2
        z.backward(create_graph=True)
        i[...] = 1
        first, x.grad = x.grad, None
        assert first.tolist() == [6, 12, 0]
        first.sum().backward()
        assert x.grad.tolist() == [12, 12, 0]
        x.grad = None
