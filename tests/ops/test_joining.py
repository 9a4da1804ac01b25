"""Parts, copies and grids: whose memory they are, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import gpugrad as gg
from gpugrad.errors import AxisError, DtypeError, OptionError, ShapeError


def test_the_parts_of_unstack_see_writes_and_write_through(backend):
    x = gg.tensor([[1.0, 2.0], [3.0, 4.0]])
    first, second = gg.unstack(x)
    x[0] = 7.0
    assert first.tolist() == [7, 7]
    second += 1
    assert x.tolist() == [[7, 7], [4, 5]]


def test_the_gradient_of_a_part_of_unstack_follows_writes_to_its_base(backend):
    x = gg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x * 2
    first, second = gg.unstack(y, axis=1)
    before = (first * first).sum()
    y *= 3
    first += second * second
    (before + first.sum()).backward()
    assert x.grad.tolist() == [[8 * 1 + 6, 2 * 36 * 2], [8 * 3 + 6, 2 * 36 * 4]]


def test_unstack_of_nothing_is_nothing(backend):
    assert gg.unstack(gg.zeros((0, 3))) == ()
    with pytest.raises(ShapeError, match="0-d"):
        gg.unstack(gg.tensor(1.0))
    with pytest.raises(AxisError, match="axis 2"):
        gg.unstack(gg.ones((2, 2)), axis=2)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("repeats", [0, 3, [2], 2.0])
def test_repeat_is_numpys(backend, axis, repeats):
    x = np.arange(6.0, dtype="float32").reshape(2, 3)
    if isinstance(repeats, float):
        with pytest.raises((TypeError, DtypeError)):
            gg.repeat(gg.tensor(x), repeats, axis=axis)
        return
    given = gg.tensor(repeats) if isinstance(repeats, list) else repeats
    np.testing.assert_array_equal(gg.repeat(gg.tensor(x), given, axis=axis).cpu().numpy(), np.repeat(x, repeats, axis))


def test_repeat_each_its_own_number_of_times(backend):
    x = gg.tensor([[1, 2, 3], [4, 5, 6]])
    assert gg.repeat(x, gg.tensor([0, 2, 1]), axis=1).tolist() == [[2, 2, 3], [5, 5, 6]]
    assert gg.repeat(x, gg.tensor([1, 0, 0, 0, 2, 0])).tolist() == [1, 5, 5]
    with pytest.raises(ShapeError, match=r"\(2,\)"):
        gg.repeat(x, gg.tensor([1, 2]), axis=1)
    with pytest.raises(ShapeError, match="negative"):
        gg.repeat(x, gg.tensor([1, -2]), axis=0)
    with pytest.raises(ShapeError, match="less than none"):
        gg.repeat(x, -1)
    with pytest.raises(DtypeError, match="float32"):
        gg.repeat(x, gg.tensor([1.0, 2.0]), axis=0)


def test_tile_and_roll_refuse_what_makes_no_sense(backend):
    x = gg.ones((2, 3))
    with pytest.raises(ShapeError, match="less than none"):
        gg.tile(x, (2, -1))
    with pytest.raises(ShapeError, match="pairs"):
        gg.roll(x, (1, 2), axis=0)
    with pytest.raises(ShapeError, match="pairs"):
        gg.roll(x, (1, 2))
    with pytest.raises(AxisError, match="axis 2"):
        gg.roll(x, 1, axis=2)
    assert gg.tile(gg.tensor([1, 2]), 2).tolist() == [1, 2, 1, 2]
    assert gg.roll(gg.tensor([1, 2, 3]), 4, axis=-1).tolist() == [3, 1, 2]


def test_a_grid_is_of_the_orders_xy_and_ij(backend):
    a, b, c = gg.arange(2), gg.arange(3), gg.arange(4)
    for indexing in ("xy", "ij"):
        found = gg.meshgrid(a, b, c, indexing=indexing)
        expected = np.meshgrid(*(np.arange(n) for n in (2, 3, 4)), indexing=indexing)
        assert [z.tolist() for z in found] == [z.tolist() for z in expected]
    assert gg.meshgrid() == ()
    with pytest.raises(OptionError, match="'yx'"):
        gg.meshgrid(a, b, indexing="yx")
    with pytest.raises(ShapeError, match=r"\(2, 2\)"):
        gg.meshgrid(gg.ones((2, 2)))


def test_shapes_broadcast_to_one(backend):
    assert gg.broadcast_shapes() == ()
    assert gg.broadcast_shapes((2, 1), (3,), ()) == (2, 3)
    assert gg.broadcast_shapes((0, 1), (1, 4)) == (0, 4)
    with pytest.raises(ShapeError, match=r"\(2,\) and \(3,\)"):
        gg.broadcast_shapes((2,), (3,))
    x, y = gg.broadcast_arrays(gg.ones((2, 1)), gg.zeros(3))
    assert x.shape == y.shape == (2, 3)


def test_triangles_are_of_matrices(backend):
    x = gg.tensor(np.arange(12).reshape(2, 2, 3))
    for k in (-3, -1, 0, 2, 4):
        np.testing.assert_array_equal(gg.tril(x, k=k).cpu().numpy(), np.tril(x.cpu().numpy(), k))
        np.testing.assert_array_equal(gg.triu(x, k=k).cpu().numpy(), np.triu(x.cpu().numpy(), k))
    with pytest.raises(ShapeError, match="two axes"):
        gg.tril(gg.ones(3))


def test_diff_takes_its_order_by_place_and_numbers_at_its_ends(backend):
    x = gg.tensor([1.0, 4.0, 9.0, 16.0])
    assert gg.diff(x, 2).tolist() == gg.diff(x, n=2).tolist() == [2, 2]
    assert gg.diff(x, prepend=0, append=gg.tensor([25.0])).tolist() == [1, 3, 5, 7, 9]
    assert gg.diff(gg.tensor([3, 1]), prepend=0.5).dtype == gg.float32
    assert gg.diff(x, n=5).shape == (0,)
    with pytest.raises(OptionError, match="-1"):
        gg.diff(x, n=-1)
    with pytest.raises(ShapeError, match="one axis"):
        gg.diff(gg.tensor(1.0))


@pytest.mark.parametrize("function", ["expand_dims", "squeeze", "flip", "sum", "max", "std"])
def test_an_axis_that_is_none_or_named_twice_is_refused(backend, function):
    x = gg.ones((1, 1))
    for axis in (5, (0, 0)):
        with pytest.raises(ShapeError):
            getattr(gg, function)(x, axis=axis)


def test_running_sums_and_products_need_one_axis(backend):
    for function in (gg.cumulative_sum, gg.cumulative_prod):
        with pytest.raises(ShapeError, match="axis="):
            function(gg.ones((2, 2)))
        with pytest.raises(ShapeError, match="0 axes"):
            function(gg.tensor(1.0))
        assert function(gg.tensor([True, True])).dtype == gg.int64
        assert function(gg.tensor([1, 2], dtype=gg.int8)).dtype == gg.int64
        assert function(gg.tensor([1, 2], dtype=gg.uint8)).dtype == gg.uint64
        assert function(gg.tensor([1, 2]), dtype="float64").dtype == gg.float64
    assert gg.cumulative_prod(gg.tensor([2.0, 3.0]), include_initial=True).tolist() == [1, 2, 6]
