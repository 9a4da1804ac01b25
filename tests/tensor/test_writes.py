"""Writes: what they change, what gradients follow, and that no write corrupts a gradient. One test for each promise."""

from __future__ import annotations

import numpy as np
import pytest
from samples import SAMPLES, each

import gpugrad as gg
from gpugrad.autograd import grad
from gpugrad.errors import DtypeError, GradientError, ShapeError


def leaf(values, **options):
    return gg.tensor(values, requires_grad=True, **options)


def same(tensor, values):
    np.testing.assert_array_equal(np.asarray(tensor.tolist()), np.asarray(values))


def gradient(z, x):
    (found,) = grad(z.sum(), x, retain_graph=True)
    return found.tolist()


# Recorded


def test_a_written_element_loses_its_gradient(backend):
    x = leaf([1.0, 2.0, 3.0])
    y = 2 * x
    y[0] = 5
    same(y, [5, 4, 6])
    assert gradient(y, x) == [0, 2, 2]


def test_a_written_tensor_gets_the_gradient_of_its_region(backend):
    x, v = leaf([1.0, 2.0, 3.0]), leaf([10.0, 20.0])
    y = x * x
    y[1:] = v
    y.sum().backward()
    same(y, [1, 10, 20])
    same(x.grad, [2, 0, 0])
    same(v.grad, [1, 1])


def test_a_broadcast_value_gets_the_sum(backend):
    x, v, s = leaf(np.ones((2, 3))), leaf([1.0]), leaf(7.0)
    y = x * 2
    y[0] = v
    y[1, 1:] = s
    y.sum().backward()
    same(x.grad, [[0, 0, 0], [2, 0, 0]])
    same(v.grad, [3])
    same(s.grad, 2)


def test_writing_into_a_constant_makes_it_part_of_the_graph(backend):
    v = leaf([1.0, 2.0])
    b = gg.zeros(3)
    view = b[1:]
    assert not b.requires_grad
    b[1:] = v * 3
    assert b.requires_grad
    assert view.requires_grad
    assert gradient(view * gg.tensor([1.0, 10.0]), v) == [3, 30]


def test_every_operator_in_place_is_recorded(backend):
    def through(change):
        x = leaf([2.0, 3.0])
        y = x * 1
        z = change(y)
        assert z is y
        return y.tolist(), gradient(y, x)

    assert through(lambda y: y.__iadd__(1)) == ([3, 4], [1, 1])
    assert through(lambda y: y.__isub__(1)) == ([1, 2], [1, 1])
    assert through(lambda y: y.__imul__(4)) == ([8, 12], [4, 4])
    assert through(lambda y: y.__itruediv__(2)) == ([1, 1.5], [0.5, 0.5])
    assert through(lambda y: y.__ipow__(2)) == ([4, 9], [4, 6])
    assert through(lambda y: y.__ifloordiv__(2)) == ([1, 1], [0, 0])
    assert through(lambda y: y.__imod__(2)) == ([0, 1], [1, 1])
    assert through(lambda y: y.add_(y)) == ([4, 6], [2, 2])
    assert through(lambda y: y.mul_(y)) == ([4, 9], [4, 6])
    assert through(lambda y: y.sub_(1)) == ([1, 2], [1, 1])
    assert through(lambda y: y.div_(2)) == ([1, 1.5], [0.5, 0.5])
    assert through(lambda y: y.zero_()) == ([0, 0], [0, 0])
    assert through(lambda y: y.fill_(7)) == ([7, 7], [0, 0])
    assert through(lambda y: y.copy_(gg.ones(2))) == ([1, 1], [0, 0])


def test_matmul_in_place_is_recorded(backend):
    x, w = leaf(np.eye(2)), gg.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=gg.float64)
    y = x * 1
    y @= w
    same(y, [[1, 2], [3, 4]])
    assert gradient(y, x) == [[3, 7], [3, 7]]


def test_in_place_uses_the_values_before_it(backend):
    x = leaf([2.0, 3.0])
    y = x * 1
    z = y * y
    y *= 10
    assert gradient(z, x) == [4, 6]


def test_in_place_after_an_op_that_keeps_its_output(backend):
    x = leaf([0.0, 1.0])
    y = gg.exp(x)
    y *= 2
    y += 1
    np.testing.assert_allclose(gradient(y, x), 2 * np.exp([0.0, 1.0]), rtol=1e-6)
    s = gg.sigmoid(x)
    s[0] = 100.0
    np.testing.assert_allclose(gradient(s, x), [0, 0.19661193], rtol=1e-6)


def test_second_order_through_a_write(backend):
    x = leaf([1.0, 2.0])
    y = x * x
    y[0] = y[1] * x[0]
    y *= y
    (first,) = grad(y.sum(), x, create_graph=True)
    # y = [x1^2 x0, x1^2], squared and summed: x1^4 x0^2 + x1^4
    same(first, [32, 64])
    (across,) = grad(first[0], x)
    same(across, [32, 64])


def test_writing_a_part_of_a_tensor_into_itself(backend):
    x = leaf([1.0, 2.0, 3.0, 4.0])
    y = x * 1
    y[1:] = y[:-1]
    same(y, [1, 1, 2, 3])
    assert gradient(y * gg.tensor([1.0, 10.0, 100.0, 1000.0]), x) == [11, 100, 1000, 0]
    y = x * 1
    y[[0, 1, 2, 3]] = gg.flip(y)
    same(y, [4, 3, 2, 1])
    assert gradient(y * gg.tensor([1.0, 10.0, 100.0, 1000.0]), x) == [1000, 100, 10, 1]


# Through views


def test_a_write_through_a_view_is_seen_by_the_base(backend):
    x = leaf([1.0, 1.0, 1.0])
    y = 2 * x
    y[:2].mul_(3)
    same(y, [6, 6, 2])
    assert gradient(y, x) == [6, 6, 2]


def test_a_write_to_the_base_is_seen_by_the_view(backend):
    x = leaf([1.0, 1.0, 1.0])
    y = 2 * x
    v = y[:2]
    y.mul_(3)
    same(v, [6, 6])
    assert gradient(v, x) == [6, 6, 0]


def test_a_write_through_a_view_of_a_view(backend):
    x = leaf(np.ones((2, 2)))
    y = 2 * x
    y[0][1] = 5
    same(y, [[2, 5], [2, 2]])
    assert gradient(y, x) == [[2, 0], [2, 2]]
    w = y.T[1:].reshape(-1)
    w *= 10
    same(y, [[2, 50], [2, 20]])
    assert gradient(y, x) == [[2, 0], [2, 20]]


def test_sister_views_see_each_others_writes(backend):
    x = leaf([1.0, 2.0, 3.0])
    y = x * 1
    left, right, turned = y[:2], y[1:], gg.flip(y)
    left *= 10
    same(right, [20, 3])
    same(turned, [3, 20, 10])
    assert gradient(right, x) == [0, 10, 1]
    right[0] = 0
    assert gradient(left, x) == [10, 0, 0]
    assert gradient(turned * gg.tensor([1.0, 10.0, 100.0]), x) == [1000, 0, 1]


@pytest.mark.parametrize(
    ("view", "places"),
    [
        (lambda y: y[1], [3, 4, 5]),
        (lambda y: y[:, 1], [1, 4]),
        (lambda y: y[::-1], [3, 4, 5, 0, 1, 2]),
        (lambda y: y[..., ::-2], [2, 0, 5, 3]),
        (lambda y: y[1, 2], [5]),
        (lambda y: y[None, 1:, None], [3, 4, 5]),
        (lambda y: y.T, [0, 3, 1, 4, 2, 5]),
        (lambda y: y.mT[1:], [1, 4, 2, 5]),
        (lambda y: y.reshape(3, 2)[2], [4, 5]),
        (lambda y: y.view(-1)[1:3], [1, 2]),
        (lambda y: y.flatten(), [0, 1, 2, 3, 4, 5]),
        (lambda y: gg.permute_dims(y, (1, 0))[0], [0, 3]),
        (lambda y: gg.moveaxis(y, 0, -1)[2], [2, 5]),
        (lambda y: gg.flip(y, axis=1)[:, 0], [2, 5]),
        (lambda y: y.unsqueeze(0)[0, 0], [0, 1, 2]),
        (lambda y: y[:1].squeeze(0), [0, 1, 2]),
        (lambda y: gg.expand_dims(y, axis=(0, 3))[0, 1, :, 0], [3, 4, 5]),
        (lambda y: y.transpose(0, 1)[1], [1, 4]),
    ],
)
def test_every_kind_of_view_can_be_written_and_the_gradient_follows(backend, view, places):
    x = leaf(np.arange(6.0).reshape(2, 3))
    y = x * 2
    v = view(y)
    v *= 5
    factor = np.full(6, 2.0)
    factor[places] = 10
    same(y, factor.reshape(2, 3) * np.arange(6.0).reshape(2, 3))
    assert gradient(y, x) == factor.reshape(2, 3).tolist()
    y[...] = x
    assert np.ravel(view(gg.asarray(np.arange(6).reshape(2, 3))).tolist()).tolist() == places
    same(v, np.asarray(places, dtype=float).reshape(v.shape))
    expected = np.zeros(6)
    expected[places] = 1
    assert gradient(v, x) == expected.reshape(2, 3).tolist()


def test_a_view_that_is_one_only_in_the_memory_order_of_its_base(backend):
    x = leaf(np.ones((2, 3)))
    y = x.T * 2  # computed in the order of the transpose, where the library keeps it
    v = y.T.reshape(-1)
    v[0] = 5
    kept = not np.may_share_memory(*(getattr(t._array, "_array", t._array) for t in (v, y)))
    assert gradient(y, x) == ([[2] * 3] * 2 if kept else [[0, 2, 2], [2, 2, 2]])
    assert y.tolist()[0][0] == (2 if kept else 5)


def test_a_reshape_that_had_to_copy_is_no_view(backend):
    x = leaf(np.ones((2, 3)))
    y = x * 2
    copied = y.T.reshape(-1)
    copied *= 10
    same(y, np.full((2, 3), 2.0))
    assert gradient(y, x) == [[2] * 3] * 2
    with pytest.raises(ShapeError, match="copy"):
        y.T.view(-1)


def test_indices_and_masks_read_copies(backend):
    y = leaf([1.0, 2.0]) * 1
    for part in (y[[0, 1]], y[gg.tensor([True, True])], gg.take(y, gg.tensor([0, 1]))):
        part += 10
    same(y, [1, 2])


def test_a_view_used_before_and_after_the_write_keeps_both_gradients(backend):
    x = leaf([1.0, 2.0])
    y = x * 1
    v = y[:1]
    before = v * 3
    y *= 10
    assert gradient(before + v, x) == [13, 0]


def test_a_view_outlives_its_base(backend):
    x = leaf([1.0, 2.0])
    v = (x * 3)[1:]
    v += 1
    same(v, [7])
    assert gradient(v, x) == [0, 3]


# Two names, detach, .data


def test_two_names_are_one_tensor(backend):
    a = gg.ones(2)
    b = a
    b += 1
    assert a is b
    same(a, [2, 2])


@pytest.mark.parametrize("alias", [lambda t: t.detach(), lambda t: t.data])
@pytest.mark.parametrize("function", [lambda x: x * x, gg.exp, lambda x: gg.sigmoid(x) * x, lambda x: x / (x + 1)])
def test_a_write_through_detach_or_data_never_changes_a_gradient(backend, alias, function):
    x = leaf([1.0, 2.0])
    expected = gradient(function(x), x)
    z = function(x)
    alias(x).mul_(100)
    same(x, [100, 200])
    assert gradient(z, x) == expected
    z = function(leaf([1.0, 2.0]) * 1)
    alias(z).zero_()
    same(z, [0, 0])


def test_a_write_to_the_output_never_changes_a_gradient(backend):
    x = leaf([0.0, 1.0])
    for write in (
        lambda z: z.detach().zero_(),
        lambda z: z.data.__setitem__(0, 9.0),
        lambda z: z[:1].detach().fill_(3),
        lambda z: z.reshape(2, 1).data.zero_(),
    ):
        z = gg.exp(x)
        write(z)
        np.testing.assert_allclose(gradient(z, x), np.exp([0.0, 1.0]), rtol=1e-6)


def test_a_write_through_detach_is_not_recorded_in_the_source(backend):
    x = leaf([1.0, 2.0])
    y = x * 2
    d = y.detach()
    d[0] = 50
    assert not d.requires_grad
    same(y, [50, 4])
    assert gradient(y * y, x) == [200, 16]


def test_a_detached_tensor_written_with_a_tracked_value_has_a_graph_of_its_own(backend):
    x = leaf([1.0, 2.0])
    y = x * 2
    d = y.detach()
    d *= x
    assert d.requires_grad
    assert gradient(d, x) == [2, 4]
    assert gradient(y, x) == [2, 2]


def test_data_minus_equals_steps_a_parameter(backend):
    w = leaf([1.0, 2.0])
    (w * w).sum().backward()
    held = w
    w.data -= 0.25 * w.grad
    assert held is w
    assert w.is_leaf
    assert w.requires_grad
    same(w, [0.5, 1])


# no_grad


def test_a_write_under_no_grad_changes_the_value_and_keeps_grad_fn(backend):
    x = leaf([1.0, 2.0])
    y = x * x
    used = y * y
    node = y.grad_fn
    with gg.no_grad():
        y[0] = 5
    same(y, [5, 4])
    assert y.grad_fn is node
    assert gradient(used, x) == [4, 32]
    y = x * x
    with gg.no_grad():
        y[0] = 5
    assert gradient(y * y, x) == [20, 32]


def test_an_optimizer_step_between_forward_and_backward_leaves_the_gradient_of_the_forward(backend):
    w, x = leaf([[1.0, 2.0], [3.0, 4.0]]), leaf([[1.0, 1.0]])
    loss = ((x @ w) * (x @ w)).sum()
    with gg.no_grad():
        w -= 100.0
        x.zero_()
    loss.backward()
    same(w.grad, [[8, 12], [8, 12]])
    same(x.grad, [[8 * 1 + 12 * 2, 8 * 3 + 12 * 4]])


def test_a_step_between_two_backwards_leaves_both_the_same(backend):
    w = leaf([2.0, 3.0])
    loss = (w * w * w).sum()
    loss.backward(retain_graph=True)
    first = w.grad.tolist()
    w.grad = None
    with gg.no_grad():
        w *= 0
    loss.backward()
    assert w.grad.tolist() == first


def test_a_step_never_changes_a_second_derivative(backend):
    w, x = leaf([[1.0, 2.0], [3.0, 4.0]]), leaf([[1.0, 1.0]])
    z = x @ w
    (gx,) = grad((z * z).sum(), x, create_graph=True)  # 2 x w w^T, which keeps a transposed view of w
    with gg.no_grad():
        w.zero_()
        x.mul_(50)
    (second,) = grad(gx.sum(), x)
    a = np.array([[1.0, 2.0], [3.0, 4.0]])
    same(second, [(2 * a @ a.T).sum(axis=0)])


def test_a_step_through_a_view_never_changes_a_second_derivative(backend):
    w, x = leaf([[1.0, 2.0], [3.0, 4.0]]), leaf([[1.0, 1.0]])
    flat = w.detach().reshape(-1)
    z = x @ w
    (gx,) = grad((z * z).sum(), x, create_graph=True)
    flat *= 0
    (second,) = grad(gx.sum(), x)
    a = np.array([[1.0, 2.0], [3.0, 4.0]])
    same(second, [(2 * a @ a.T).sum(axis=0)])


def test_a_gradient_that_the_user_scales_in_place_does_not_change_the_graph_behind_it(backend):
    x = leaf([1.0, 2.0])
    y = (x * x * x).sum()
    y.backward(create_graph=True)
    penalty = (x.grad * x.grad).sum()
    g = x.grad
    with gg.no_grad():
        g.mul_(0)
    x.grad = None
    penalty.backward()
    same(x.grad, [36, 288])


def test_accumulating_into_grad_does_not_change_a_graph_that_uses_it(backend):
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    x.sum().backward()
    used = (x.grad * w).sum()
    x.sum().backward()
    used.backward()
    same(w.grad, [1, 1])


# Hooks and retain_grad


def test_hooks_stay_with_the_value_that_they_were_set_on(backend):
    x = leaf([1.0, 2.0])
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    y += 1
    y *= 10
    y.sum().backward()
    assert seen == [[10, 10]]


def test_retain_grad_stays_with_the_value_that_it_was_set_on(backend):
    x = leaf([1.0, 2.0])
    y = x * 2
    y.retain_grad()
    y *= 10
    with pytest.warns(UserWarning, match="not a leaf"):
        assert y.grad is None
    y.sum().backward(retain_graph=True)
    same(y.grad, [10, 10])
    y.retain_grad()
    y.grad = None
    y.sum().backward()
    same(y.grad, [1, 1])


# Keys


def test_integers_that_repeat_the_last_one_wins(backend):
    v = leaf([5.0, 6.0, 7.0])
    z = gg.zeros(2)
    z[gg.tensor([0, 1, 0])] = v
    same(z, [7, 6])
    assert gradient(z * gg.tensor([1.0, 10.0]), v) == [0, 10, 1]


def test_integers_that_repeat_in_two_axes_the_last_one_wins(backend):
    v = leaf([1.0, 2.0, 3.0])
    z = gg.zeros((2, 2))
    z[[0, 1, 0], [1, -1, 1]] = v
    same(z, [[0, 3], [0, 2]])
    assert gradient(z, v) == [0, 1, 1]


def test_masks(backend):
    x, v = leaf([1.0, -2.0, 3.0]), leaf([10.0, 20.0])
    y = x * 1
    y[y > 0] = v
    same(y, [10, -2, 20])
    y.sum().backward()
    same(x.grad, [0, 1, 0])
    same(v.grad, [1, 1])
    y = x * 1
    y[y > 100] = 5.0
    same(y, [1, -2, 3])


def test_a_mask_beside_other_keys(backend):
    x = leaf(np.ones((2, 3)))
    for key in (
        (1, gg.tensor([True, False, True])),
        (..., gg.tensor([True, False, True])),
        (gg.tensor([True, False]), 1),
    ):
        y = x * 2
        y[key] = 7.0
        expected = np.full((2, 3), 2.0)
        expected[tuple(np.asarray(k.tolist()) if isinstance(k, gg.Tensor) else k for k in key)] = 0
        assert gradient(y, x) == expected.tolist()


def test_0d_tensors_are_written_as_a_whole(backend):
    x = leaf(3.0)
    for write in (lambda y: y.__setitem__(..., 5.0), lambda y: y.__setitem__((), 5.0), lambda y: y.fill_(5)):
        y = x * 2
        write(y)
        assert y.shape == ()
        assert y.item() == 5
        assert gradient(y, x) == 0
    y = x * 2
    y += 1
    y.mul_(3)
    assert gradient(y, x) == 6
    m = leaf([1.0, 2.0])
    z = m * 1
    z[1] += 10
    same(z, [1, 12])
    assert gradient(z, m) == [1, 1]


def test_negative_steps(backend):
    x, v = leaf([1.0, 2.0, 3.0, 4.0]), leaf([10.0, 20.0])
    y = x * 1
    y[::-2] = v
    same(y, [1, 20, 3, 10])
    assert gradient(y * gg.tensor([1.0, 10.0, 100.0, 1000.0]), v) == [1000, 10]


@pytest.mark.parametrize(
    "key",
    [
        slice(0, 10),
        slice(-10, 2),
        slice(5, 9),
        slice(10, None, -1),
        slice(None, -10, -1),
        slice(2, 1),
        slice(-9, None, -1),
    ],
)
def test_slices_beyond_the_end_are_those_of_python(backend, key):
    x = leaf([1.0, 2.0, 3.0])
    y = x * 1
    same(y[key], np.array([1.0, 2.0, 3.0])[key])
    y[key] = 9
    expected = np.array([1.0, 2.0, 3.0])
    expected[key] = 9
    same(y, expected)


def test_indices_changed_after_their_use_do_not_change_the_gradient(backend):
    x = leaf([1.0, 2.0, 3.0])
    index, mask, host = gg.tensor([0, 1]), gg.tensor([True, False, True]), np.array([2, 2])
    y = x * 1
    read, picked, taken, hosted = x[index], x[mask], gg.take(x, index), x[host]
    y[index] = 7.0
    chosen = gg.where(mask, x, 0.0)
    index.fill_(2)
    mask.fill_(False)
    host[:] = 0
    assert gradient(read, x) == [1, 1, 0]
    assert gradient(picked, x) == [1, 0, 1]
    assert gradient(taken, x) == [1, 1, 0]
    assert gradient(hosted, x) == [0, 0, 2]
    assert gradient(chosen, x) == [1, 0, 1]
    assert gradient(y, x) == [0, 0, 1]


def test_a_target_changed_after_the_loss_does_not_change_the_gradient(backend):
    x, target = leaf([[0.0, 0.0]]), gg.tensor([1])
    loss = gg.cross_entropy(x, target)
    target.zero_()
    assert grad(loss, x)[0].tolist() == [[0.5, -0.5]]


# What is refused, and leaves everything as it was


@pytest.mark.parametrize("track", [False, True])
def test_a_broadcast_result_refuses_writes(backend, track):
    base = gg.tensor([1.0], requires_grad=track) * 1
    for wide in (
        base.expand(3),
        gg.broadcast_to(base, (2, 1)),
        base.expand(3).detach(),
        base.expand(2, 3)[0],
        base.expand(3).data[1:],
    ):
        before = wide.tolist()
        for write in (lambda t: t.__setitem__(0, 5.0), lambda t: t.mul_(2), lambda t: t.zero_()):
            with pytest.raises(RuntimeError, match="clone"):
                write(wide)
        assert wide.tolist() == before
    clone = base.expand(3).clone()
    clone[0] = 5
    same(base, [1])


def refuse(error, tensor, write, match=None):
    """Check that a write raises and changes neither the values, nor the graph, nor a gradient."""
    before, node = tensor.tolist(), tensor.grad_fn
    with pytest.raises(error, match=match):
        write(tensor)
    assert tensor.tolist() == before
    assert tensor.grad_fn is node


@pytest.mark.parametrize(
    ("write", "match"),
    [
        (lambda y: y.__setitem__(slice(0, 2), gg.ones(3)), r"\(3,\).*\(2,\)"),
        (lambda y: y.__setitem__(0, gg.ones(2)), r"\(2,\)"),
        (lambda y: y.__setitem__([0, 1], gg.ones(4)), r"\(4,\)"),
        (lambda y: y.add_(gg.ones((2, 3))), r"\(2, 3\)"),
        (lambda y: y.__iadd__(gg.ones((2, 3))), r"\(2, 3\)"),
        (lambda y: y.copy_(gg.ones((2, 1))), None),
        (lambda y: y.mul_(gg.ones(5)), None),
    ],
)
def test_a_shape_that_does_not_fit_raises_and_changes_nothing(backend, write, match):
    x = leaf([1.0, 2.0, 3.0])
    y = x * x
    z = y * y
    refuse(ValueError, y, write, match)
    assert gradient(y, x) == [2, 4, 6]
    assert gradient(z, x) == [4, 32, 108]


@pytest.mark.parametrize(
    ("make", "write"),
    [
        (lambda: gg.ones(2), lambda t: t.__iadd__(1j)),
        (lambda: gg.ones(2), lambda t: t.__setitem__(0, 1j)),
        (lambda: gg.ones(2), lambda t: t.copy_(gg.ones(2, dtype=gg.complex64))),
        (lambda: gg.ones(2, dtype=gg.int64), lambda t: t.__iadd__(0.5)),
        (lambda: gg.ones(2, dtype=gg.int64), lambda t: t.__itruediv__(2)),
        (lambda: gg.ones(2, dtype=gg.int64), lambda t: t.mul_(gg.ones(2))),
        (lambda: gg.ones(2, dtype=gg.bool), lambda t: t.__iadd__(gg.ones(2, dtype=gg.int64))),
    ],
)
def test_a_dtype_that_does_not_fit_raises_and_changes_nothing(backend, make, write):
    refuse(DtypeError, make(), write)


@pytest.mark.parametrize("key", [3, -4, (0, 0), (..., ...), "a", 1.5, gg.float32, [0.5], [[True, False]],
                                 slice(0.5, 2.7), slice(None, None, 1.0)])  # fmt: skip
def test_a_key_that_does_not_fit_raises_and_changes_nothing(backend, key):
    y = leaf([1.0, 2.0, 3.0]) * 1
    refuse(IndexError, y, lambda t: t.__setitem__(key, 5.0))
    with pytest.raises(IndexError):
        y[key]


@pytest.mark.parametrize("key", [True, False])
def test_a_truth_value_is_a_mask_of_no_axes(backend, key):
    x = leaf([1.0, 2.0, 3.0])
    y = x * 1
    assert y[key].tolist() == np.asarray([1.0, 2.0, 3.0])[key].tolist()
    y[key] = 5.0
    assert y.tolist() == ([5.0] * 3 if key else [1.0, 2.0, 3.0])
    assert gradient(y, x) == ([0.0] * 3 if key else [1.0] * 3)


def test_integers_out_of_range_raise_and_change_nothing(backend):
    y = leaf([1.0, 2.0, 3.0]) * 1
    refuse(IndexError, y, lambda t: t.__setitem__([0, 7], 5.0))


@pytest.mark.parametrize("value", ["text", [1.0, 2.0], None, object()])
def test_a_value_that_is_no_number_raises_and_changes_nothing(backend, value):
    refuse(TypeError, leaf([1.0, 2.0]) * 1, lambda t: t.__setitem__(slice(None), value))


def test_writing_from_another_device_raises_and_changes_nothing():
    y = leaf([1.0, 2.0], device="strict:device1") * 1
    refuse(RuntimeError, y, lambda t: t.__setitem__(0, gg.ones((), device="strict:device2")), r"\.to\(")
    refuse(RuntimeError, y, lambda t: t.copy_(gg.ones(2)), r"\.to\(")
    y[0] = gg.tensor(5.0)  # a constant of no axes on the host may come from there
    assert y.tolist() == [5, 2]


def test_a_tracked_float_cannot_make_integers_part_of_the_graph(backend):
    t, v = gg.zeros(2, dtype=gg.int64), leaf(3.7)
    t[0] = v
    same(t, [3, 0])
    assert not t.requires_grad
    assert (t * 2.0).requires_grad is False


def test_a_value_of_another_dtype_is_converted_and_its_gradient_back(backend):
    x, v = leaf([1.0, 2.0]), leaf([3.0], dtype=gg.float64)
    y = x * 1
    y[:1] = v
    assert y.dtype == gg.float32
    y.sum().backward()
    assert v.grad.dtype == gg.float64
    y = x * 1
    y *= gg.ones(2, dtype=gg.float64)
    assert y.dtype == gg.float32
    assert gradient(y, x) == [1, 1]


def test_detach_in_place_leaves_no_view_with_an_old_graph(backend):
    x = leaf([1.0, 2.0])
    y = x * 2
    v = y[:1]
    y.mul_(3)
    assert y.detach_() is y
    same(v, [6])
    z = (v * 1).sum()
    if z.requires_grad:
        assert gradient(z, x) == [6, 0]


def test_tensors_over_one_host_array_protect_each_other(backend):
    if backend != "numpy":
        pytest.skip("only host arrays can be shared")
    array = np.array([1.0, 2.0], np.float32)
    x, other = gg.asarray(array), gg.asarray(array[:1])
    x.requires_grad_()
    z = x * x
    other[0] = 50
    same(x, [50, 2])
    assert gradient(z, x) == [2, 4]


# The whole table: no write between forward and backward, of first or second order, can be noticed


def gradients_to_second_order(sample, spoil_first, spoil_second):
    """Return both orders of gradients of a sample, with everything in reach overwritten before each of them."""
    inputs = [gg.tensor(x, requires_grad=True) for x in sample.inputs]
    middle = [x * 1 for x in inputs]
    z = sample.call(*middle)
    weights = gg.asarray(np.linspace(0.5, 1.5, z.size).reshape(z.shape)).to(z.device)
    loss = gg.sum(gg.real(z * z * weights))
    spoil_first([*inputs, *middle, z, weights])
    first = grad(loss, inputs, create_graph=True, materialize_grads=True)
    values = [np.asarray(g.tolist()) for g in first]
    total = gg.sum(gg.concat([gg.real(g * g).reshape(-1) for g in first]))
    spoil_second([*inputs, *middle, z, weights, *first])
    second = grad(total, inputs, materialize_grads=True) if total.requires_grad else ()
    return values, [np.asarray(g.tolist()) for g in second]


def untouched(tensors):
    pass


def overwritten(tensors):
    for t in tensors:
        t.data.fill_(0.125)
        t.detach().reshape(-1)[:1] = 3.0


def check_writes(sample):
    with np.errstate(all="ignore"):
        expected = gradients_to_second_order(sample, untouched, untouched)
        for spoils in ((overwritten, untouched), (untouched, overwritten), (overwritten, overwritten)):
            found = gradients_to_second_order(sample, *spoils)
            for one, other in zip(expected, found, strict=True):
                for a, b in zip(one, other, strict=True):
                    np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", SAMPLES)
def test_no_write_after_any_op_changes_a_gradient_of_first_or_second_order(name, backend):
    each(name, check_writes, leaving_out=lambda sample: sample.label == "broadcast view")  # which refuses writes


def test_a_host_array_used_as_an_operand_is_protected_from_tensors_over_it():
    array = np.array([3.0, 4.0], np.float32)
    x = leaf([1.0, 2.0])
    z = x * array
    gg.asarray(array[:1]).zero_()
    assert array.tolist() == [0, 4]
    assert gradient(z, x) == [3, 4]


def test_a_tensor_over_the_numpy_view_of_another_is_protected_from_it():
    t = gg.tensor([1.0, 2.0])
    x = leaf([1.0, 1.0])
    z = x * gg.asarray(t.numpy())
    t.zero_()
    assert gradient(z, x) == [1, 2]


def test_tensors_over_the_numpy_views_of_two_neighbours_in_an_arena_are_protected_from_both():
    first, second = leaf([1.0, 1.0]), leaf([2.0, 2.0])
    optimizer = gg.optim.SGD([first, second], lr=0.5)
    over_first, over_second = (gg.asarray(p.detach().numpy()) for p in (first, second))
    for stepped, over, then in ((second, over_second, 2.0), (first, over_first, 1.0)):
        x = leaf([1.0, 1.0])
        z = x * over
        stepped.sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        assert gradient(z, x) == [then, then]


def test_data_of_another_shape_never_makes_a_gradient_that_does_not_fit(backend):
    x = leaf([1.0])
    y = x * 2
    with pytest.raises(GradientError, match="its gradient would not fit"):
        y.data = gg.ones(3)
    x.data = gg.ones(3)
    with pytest.raises(GradientError, match=r"shape \(1,\) came back to a leaf that .data has given the shape \(3,\)"):
        y.backward()


def test_a_leaf_made_wider_after_its_use_gets_a_gradient_of_its_own_dtype(backend):
    x = leaf([1.0, 2.0])
    y = (x * 2).sum()
    x.data = x.data.to(gg.float64 if x.dtype == gg.float32 else gg.float32)
    y.backward()
    assert x.grad.dtype == x.dtype
    assert x.grad.tolist() == [2, 2]


@pytest.mark.parametrize("share", [np.frombuffer, lambda buffer: np.frombuffer(memoryview(buffer))])
def test_tensors_over_one_buffer_protect_each_other_whoever_owns_it(share):
    buffer = bytearray(np.ones(2).tobytes())
    one, other = gg.asarray(share(buffer)), gg.asarray(share(buffer))
    x = leaf([1.0, 1.0])
    z = x * one
    other.zero_()
    assert one.tolist() == [0, 0]
    assert gradient(z, x) == [1, 1]
