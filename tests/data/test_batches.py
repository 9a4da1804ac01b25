"""Batches: every row once an epoch, in an order that only the seed and the epoch decide."""

import numpy as np
import pytest

import gpugrad
from gpugrad.data import Batches
from gpugrad.errors import OptionError, ShapeError


def rows_of(batches):
    return [y.tolist() for _, y in batches]


@pytest.fixture
def arrays():
    return np.arange(20, dtype=np.float32).reshape(10, 2), np.arange(10)


def test_each_row_comes_once_with_its_own_label(backend, arrays):
    seen = []
    for x, y in Batches(*arrays, batch_size=4):
        assert x.dtype == gpugrad.float32
        assert x.device == y.device == gpugrad.zeros(1).device
        assert [[2 * i, 2 * i + 1] for i in y.tolist()] == x.tolist()
        seen += y.tolist()
    assert sorted(seen) == list(range(10))
    assert seen != list(range(10))


def test_the_order_is_the_same_on_every_backend(backend, arrays):
    assert rows_of(Batches(*arrays, batch_size=4, seed=3)) == [[5, 8, 0, 9], [1, 6, 2, 7], [4, 3]]


def test_epochs_differ_and_one_can_be_resumed(arrays):
    batches, resumed = Batches(*arrays, batch_size=4, seed=1), Batches(*arrays, batch_size=4, seed=1)
    first, second = rows_of(batches), rows_of(batches)
    resumed.epoch = 1
    assert first != second == rows_of(resumed)
    assert batches.epoch == 2


@pytest.mark.parametrize(("drop_last", "sizes"), [(False, [4, 4, 2]), (True, [4, 4])])
def test_the_last_batch_may_be_left_out(backend, arrays, drop_last, sizes):
    batches = Batches(*arrays, batch_size=4, drop_last=drop_last, shuffle=False)
    assert [len(y) for _, y in batches] == sizes
    assert len(batches) == len(sizes)


def test_without_shuffling_rows_stay_in_order(backend, arrays):
    assert rows_of(Batches(*arrays, batch_size=4, shuffle=False)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


@pytest.mark.parametrize("size", [0, -1, 2.5, True, "4"])
def test_a_batch_has_a_whole_number_of_rows(arrays, size):
    with pytest.raises(OptionError, match="batch_size"):
        Batches(*arrays, batch_size=size)


def test_no_epoch_is_silently_empty(arrays):
    with pytest.raises(OptionError, match="leaves no batch"):
        Batches(*arrays, batch_size=11, drop_last=True)


def test_arrays_must_have_equally_many_rows(arrays):
    with pytest.raises(ShapeError, match=r"\[10, 9\]"):
        Batches(arrays[0], arrays[1][:9], batch_size=2)


def test_tensors_are_batched_where_they_are(backend):
    x = gpugrad.ones((3, 2))
    [(batch,)] = Batches(x, batch_size=8)
    assert batch.device == x.device


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_batch_that_is_written_leaves_the_data_as_they_were(shuffle):
    x = np.arange(6.0)
    for (batch,) in Batches(x, batch_size=2, shuffle=shuffle):
        batch += 10
    assert x.tolist() == [0, 1, 2, 3, 4, 5]
