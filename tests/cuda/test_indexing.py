"""Reads and writes by index arrays on a device, on a stand-in for CuPy: no GPU code is run."""

import fake_cupy
import numpy as np
import pytest

import gpugrad as gg
from gpugrad.backends import backend_named


@pytest.fixture
def place(fake_cuda):
    with gg.use_backend("cuda"):
        yield


def test_a_gradient_that_is_infinite_stays_in_its_place(place):
    x = gg.ones(4, requires_grad=True)
    x[gg.tensor([0, 1, 1, 3])].backward(gg.tensor([1.0, np.inf, 2.0, 3.0]))
    assert x.grad.tolist() == [1.0, np.inf, 0.0, 3.0]


def test_a_small_gradient_keeps_its_digits_beside_a_large_one(place):
    x = gg.ones(3, requires_grad=True)
    x[gg.tensor([0, 0, 1, 1, 2])].backward(gg.tensor([1e8, 1e8, 0.1, 0.2, 0.7]))
    assert x.grad.tolist() == pytest.approx([2e8, 0.3, 0.7], rel=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "int64", "complex64"])
@pytest.mark.parametrize("count", [1, 2, 3, 64, 1000])
def test_sums_over_places_that_repeat_are_right_for_any_count(place, count, dtype):
    random = np.random.default_rng(count)
    places, values = random.integers(0, 7, count), random.integers(-9, 9, count).astype(dtype)
    expected = np.zeros(7, dtype)
    np.add.at(expected, places, values)
    backend = backend_named("cupy")
    z = backend.namespace.zeros(7, dtype=expected.dtype)
    backend.scatter_add(z, (gg.tensor(places)._array,), gg.tensor(values)._array)
    assert z.tolist() == expected.tolist()


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_any_layout_is_added_and_written_to(place, layout):
    backend = backend_named("cupy")
    z = gg.zeros((3, 2))._array
    z = z if layout == "rows" else gg.zeros((2, 3))._array.T
    key = (gg.tensor([2, 0, 2])._array, slice(None))
    backend.scatter_add(z, key, gg.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])._array)
    assert z.tolist() == [[3, 4], [0, 0], [6, 8]]
    backend.write(z, key, gg.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])._array)
    assert z.tolist() == [[3, 4], [0, 0], [5, 6]]


def test_reading_writing_and_their_gradients_wait_for_nothing(place):
    rows, columns = gg.tensor([[0, 2, 2]]), gg.tensor([[1], [1], [0]])
    table, values = gg.rand(3, 2, requires_grad=True), gg.rand(3, 3, requires_grad=True)
    seeds = gg.rand(3, 2), gg.rand(3, 3)
    fake_cupy.counts.reset()
    changed = table * 1
    changed[rows, columns] = values
    changed.backward(seeds[0])
    gg.take(table, rows[0], axis=0).sum().backward()
    table[rows, columns].backward(seeds[1])
    changed = table * 1
    changed[rows[0]] = 0.0
    changed.sum().backward()
    assert fake_cupy.counts.meetings == (0, 0, 0)


@pytest.mark.parametrize("key", [[0, 7], np.asarray([-5]), gg.tensor([4]), (0, [2]), (..., [2]), ([[1, 4]], [0])])
def test_indices_of_the_host_are_checked_before_they_are_moved(place, key):
    x = gg.zeros((4, 2))
    fake_cupy.counts.reset()
    with pytest.raises(IndexError, match="out of range"):
        x[key]
