"""The arguments of autograd.backward and autograd.grad: one tensor or many, left out or there twice, and refused."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import gpugrad as gg
from gpugrad.autograd import backward, grad


def leaf(values, **options):
    return gg.tensor(values, requires_grad=True, **options)


def same(tensor, values):
    np.testing.assert_array_equal(np.asarray(tensor.tolist()), np.asarray(values))


# backward


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (lambda x: [(x * 2).sum()], [2, 2]),
        (lambda x: [[(x * 2).sum()]], [2, 2]),
        (lambda x: [((x * 2).sum(), (x * 3).sum())], [5, 5]),
        (lambda x: [x * 2, gg.tensor([1.0, 10.0])], [2, 20]),
        (lambda x: [x * 2, np.array([1.0, 10.0])], [2, 20]),
        (lambda x: [[x * 2, (x * 3).sum()], [gg.ones(2), None]], [5, 5]),
        (lambda x: [[x * 2, (x * 3).sum()], (gg.ones(2), gg.tensor(2.0))], [8, 8]),
        (lambda x: [x, gg.ones(2)], [1, 1]),
        (lambda x: [[x.sum(), x.sum()], [None, None]], [2, 2]),
        (lambda x: [iter([x.sum()])], [1, 1]),
        (lambda x: [x * 2, gg.ones(2, dtype=gg.float64)], [2, 2]),
        (lambda x: [x * 2, gg.ones(2, dtype=gg.int64)], [2, 2]),
    ],
)
def test_backward_takes_one_tensor_or_many(arguments, expected):
    x = leaf([1.0, 2.0])
    backward(*arguments(x))
    same(x.grad, expected)


def test_an_output_that_is_there_twice_counts_twice(backend):
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    seed = gg.tensor(3.0)
    backward([y, y], [seed, None])
    same(x.grad, [8, 16])
    same(seed, 3)


@pytest.mark.parametrize(
    ("call", "error", "named"),
    [
        (lambda x: backward([]), RuntimeError, "no output"),
        (lambda x: backward(3.0), TypeError, "float"),
        (lambda x: backward(None), TypeError, "NoneType"),
        (lambda x: backward([x.sum(), 3.0]), TypeError, "element 1 of tensors is a float"),
        (lambda x: backward([x.sum(), gg.ones(())]), RuntimeError, "element 1 of tensors does not require grad"),
        (lambda x: backward([x.sum(), x.sum()], [gg.ones(())]), RuntimeError, "2 tensors and 1 gradients"),
        (lambda x: backward(x.sum(), [None, None]), RuntimeError, "1 tensors and 2 gradients"),
        (lambda x: backward([x.sum(), x * 2]), RuntimeError, "scalar outputs"),
        (lambda x: backward([x.sum(), x * 2], [None, gg.ones(3)]), RuntimeError, r"\(3,\)"),
        (lambda x: x.sum().backward(3.0), TypeError, "not float; make a tensor of it"),
        (lambda x: backward(x * 2, [[1.0, 2.0]]), TypeError, r"not list.*of shape \(2,\)"),
        (lambda x: grad(x.sum(), x, {"a": 1}), TypeError, "not dict"),
        (lambda x: backward(x.sum(), inputs=[]), RuntimeError, "inputs of backward are empty"),
        (lambda x: backward(x.sum(), inputs=[gg.ones(1)]), RuntimeError, "input 0 of backward does not require grad"),
        (lambda x: backward(x.sum(), inputs=3.0), TypeError, "inputs are a tensor"),
        (lambda x: backward((x * 1j).sum()), RuntimeError, "real outputs"),
        (lambda x: grad(x.sum(), []), RuntimeError, "inputs of grad are empty"),
        (lambda x: grad([], x), RuntimeError, "no output"),
        (lambda x: grad(x.sum(), 3.0), TypeError, "inputs are a tensor"),
        (lambda x: grad(x.sum(), [x, None]), TypeError, "element 1 of inputs is a NoneType"),
        (lambda x: grad(x.sum(), x, allow_unused=False, materialize_grads=True), ValueError, "contradicts"),
        (lambda x: grad(x * 2, x, gg.ones(2), is_grads_batched=True), RuntimeError, r"\(2,\)"),
        (lambda x: grad(x * 2, x, gg.ones((0, 2)), is_grads_batched=True), RuntimeError, "at least 1"),
        (lambda x: grad(x * 2, x, gg.tensor(1.0), is_grads_batched=True), RuntimeError, "first axis"),
        (lambda x: grad(x * 2, x, is_grads_batched=True), RuntimeError, "first axis"),
    ],
)
def test_what_is_no_argument_is_refused_and_changes_nothing(backend, call, error, named):
    x = leaf([1.0, 2.0])
    with pytest.raises(error, match=named) as caught:
        call(x)
    assert "\n" not in str(caught.value)
    assert x.grad is None


def test_inputs_of_backward_are_the_only_ones_that_get_a_gradient(backend):
    x, w, elsewhere = leaf([2.0]), leaf([3.0]), leaf([1.0])
    y = x * w
    (y * y).sum().backward(inputs=[w, w, elsewhere], retain_graph=True)
    assert x.grad is None
    assert elsewhere.grad is None
    same(w.grad, [2 * 6 * 2])


def test_a_result_among_the_inputs_of_backward_retains_its_gradient(backend):
    x = leaf([2.0])
    y = x * x
    backward((y * y).sum(), inputs=[y])
    assert x.grad is None
    same(y.grad, [8])
    y.sum().backward()  # what is behind y has not been gone through
    same(x.grad, [4])


def test_a_result_among_the_inputs_stops_to_retain_where_backward_fails(backend):
    x = leaf([2.0])
    y = x * x
    z = gg.exp(y).sum()
    z.backward()
    with pytest.raises(RuntimeError, match="exp"):
        backward(z, inputs=[y])
    assert not y.retains_grad


def test_a_second_backward_names_the_op_whose_values_are_gone(backend):
    for f, name in ((gg.exp, "exp"), (lambda x: x @ x, "matmul"), (lambda x: gg.softmax(x, axis=0), "softmax")):
        y = f(leaf(np.ones(3))).sum()
        y.backward()
        with pytest.raises(RuntimeError, match=rf"^{name}, whose result has shape \(.*retain_graph=True"):
            y.backward()


# grad


def test_an_unused_input_is_refused_before_anything_is_freed_or_run(backend):
    x, unused = leaf([2.0]), leaf([1.0])
    y = x * x
    y.retain_grad()
    seen = []
    y.register_hook(lambda g: seen.append(g))
    with pytest.raises(RuntimeError, match=r"do not depend on input 1, of shape \(1,\)"):
        grad(y.sum(), [x, unused])
    assert not seen
    assert y.grad is None
    y.sum().backward()
    same(x.grad, [4])


def test_an_input_that_is_younger_than_the_output_is_unused(backend):
    x = leaf([2.0])
    y = (x * x).sum()
    with pytest.raises(RuntimeError, match="input 0"):
        grad(y, x * 3)
    assert grad(y, x * 3, allow_unused=True) == (None,)


def test_gradients_in_stacks_are_those_of_each_row(backend):
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    y = x * x * w
    rows = gg.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    gx, gw = grad(y, [x, w], rows, retain_graph=True, is_grads_batched=True)
    same(gx, [[6, 0], [0, 16], [6, 16]])
    same(gw, [[1, 0], [0, 4], [1, 4]])
    (gx,) = grad(y, x, [rows], create_graph=True, is_grads_batched=True)
    same(grad(gx.sum(), x)[0], [2 * 6, 2 * 8])
    assert x.grad is None


def test_stacks_free_the_graph_after_the_last_row(backend):
    x = leaf([1.0, 2.0])
    y = x * x
    grad(y, x, gg.tensor([[1.0, 0.0], [0.0, 1.0]]), is_grads_batched=True)
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        y.sum().backward()


def test_an_input_that_is_the_output_gets_the_gradient_given(backend):
    x, seed = leaf([1.0, 2.0]), gg.tensor([3.0, 4.0])
    y = x * 2
    for t in (x, y):
        (g,) = grad(t, t, seed)
        same(g, [3, 4])
        g.zero_()
    same(seed, [3, 4])


# Copies


def test_views_and_leaves_with_gradients_are_copied_by_themselves(backend):
    base = gg.tensor(np.arange(12.0).reshape(3, 4))
    view = base[1:, ::2].T
    for twin in (copy.deepcopy(view), pickle.loads(pickle.dumps(view))):
        same(twin, [[4, 8], [6, 10]])
        twin.zero_()
    same(base[1], [4, 5, 6, 7])
    leaf_view = base.detach()[0].requires_grad_()
    (leaf_view * 3).sum().backward()
    twin = copy.deepcopy(leaf_view)
    assert (twin.is_leaf, twin.requires_grad) == (True, True)
    twin.grad.zero_()
    same(leaf_view.grad, [3] * 4)


def test_a_module_is_copied_and_pickled_with_its_parameters_and_without_their_hooks(backend):
    net = gg.nn.Sequential(gg.nn.Linear(2, 3), gg.nn.Linear(3, 1))
    tied = net[0].weight
    net[0].extra = tied
    tied.register_post_accumulate_grad_hook(lambda p: p.grad.zero_())
    x = gg.ones((1, 2))
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert twin[0].extra is twin[0].weight
        same(twin(x), net(x).tolist())
        twin(x).sum().backward()
        assert any(twin[0].weight.grad.reshape(-1).tolist())
        with gg.no_grad():
            twin[0].weight.zero_()
    assert any(tied.reshape(-1).tolist())
    net(x).sum().backward()
    assert not any(tied.grad.reshape(-1).tolist())
