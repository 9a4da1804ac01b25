"""Hooks: which run when, what they see, and what their answers change."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import gpugrad as gg
from gpugrad.autograd import grad
from gpugrad.errors import GradientError


def leaf(values, **options):
    return gg.tensor(values, requires_grad=True, **options)


def same(tensor, values):
    np.testing.assert_array_equal(np.asarray(tensor.tolist()), np.asarray(values))


def accumulator(result):
    """Return the node of the leaf that a result was computed from."""
    return result.grad_fn.next_functions[0][0]


def numbers(gradients):
    return [None if g is None else g.tolist() for g in gradients]


# Order


def test_everything_on_the_way_back_runs_in_the_documented_order(backend):
    log = []
    x = leaf([1.0, 2.0])
    y = x * 3
    y.grad_fn.register_hook(lambda gi, go: log.append(("node", numbers(gi), numbers(go))))
    y.grad_fn.register_prehook(lambda go: log.append(("pre", numbers(go), y.grad.tolist())))
    y.retain_grad()
    y.register_hook(lambda g: log.append(("first", g.tolist())) or g * 10)
    y.register_hook(lambda g: log.append(("second", g.tolist())))
    node = accumulator(y)
    x.register_post_accumulate_grad_hook(lambda p: log.append(("accumulated", p.grad.tolist(), p is x)))
    node.register_hook(lambda gi, go: log.append(("leaf node", gi, numbers(go), x.grad.tolist())))
    node.register_prehook(lambda go: log.append(("leaf pre", numbers(go), x.grad)))
    x.register_hook(lambda g: log.append(("leaf", g.tolist(), x.grad)))
    (y * 1).sum().backward()
    assert log == [
        ("first", [1, 1]),
        ("second", [10, 10]),
        ("pre", [[10, 10]], [10, 10]),
        ("node", [[30, 30], None], [[10, 10]]),
        ("leaf", [30, 30], None),
        ("leaf pre", [[30, 30]], None),
        ("accumulated", [30, 30], True),
        ("leaf node", (), [[30, 30]], [30, 30]),
    ]
    same(y.grad, [10, 10])


def test_a_leaf_that_waits_for_its_gradient_gets_it_before_older_values_are_gone_through(backend):
    a, b = leaf(2.0), leaf(3.0)
    log = []
    m = a * 2
    m.register_hook(lambda g: log.append("m"))
    for name, p in (("a", a), ("b", b)):
        p.register_post_accumulate_grad_hook(lambda p, name=name: log.append((name, p.grad.item())))
    (m * b).backward()
    assert log == [("b", 4), "m", ("a", 6)]


def test_a_leaf_used_many_times_is_accumulated_once_and_whole(backend):
    w = leaf([1.0, 2.0])
    seen = []
    w.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.tolist()))
    h = w * w
    (h + w + h * w).sum().backward()
    assert seen == [[1 + 2 + 3, 1 + 4 + 12]]


def test_an_optimizer_in_backward_frees_each_gradient_before_the_next_is_there(backend):
    layers = [leaf(np.full((2, 2), 0.5 + i)) for i in range(4)]
    alive = []

    def step(p):
        alive.append(sum(w.grad is not None for w in layers))
        with gg.no_grad():
            p -= 0.1 * p.grad
        p.grad = None

    for w in layers:
        w.register_post_accumulate_grad_hook(step)
    before = [w.detach().clone() for w in layers]
    plain = [leaf(w.numpy() if str(w.device) == "cpu" and hasattr(w._array, "base") else w) for w in before]
    for weights in (layers, plain):
        h = gg.ones((1, 2), dtype=gg.float64)
        for w in weights:
            h = gg.tanh(h @ w)
        h.sum().backward()
    assert alive == [1, 1, 1, 1]
    for w, p in zip(layers, plain, strict=True):
        np.testing.assert_allclose(np.asarray(w.tolist()), np.asarray((p.detach() - 0.1 * p.grad).tolist()), rtol=1e-12)


def test_what_a_waiting_leaf_does_to_its_gradient_changes_no_other(backend):
    a, b, seed = leaf([1.0]), leaf([2.0]), gg.tensor([3.0])
    a.register_post_accumulate_grad_hook(lambda p: p.grad.mul_(100))
    c = b * 1
    ((a + c) * 2).backward(seed)  # the sum hands one array on to both of its operands
    same(a.grad, [600])
    same(b.grad, [6])
    same(seed, [3])


def test_a_waiting_leaf_that_is_no_input_of_backward_gets_nothing(backend):
    x, w = leaf([2.0]), leaf([3.0])
    x.register_post_accumulate_grad_hook(lambda p: 1 / 0)
    w.register_post_accumulate_grad_hook(lambda p: p.grad.mul_(10))
    y = x * w
    (y * y).sum().backward(inputs=[w])
    assert x.grad is None
    same(w.grad, [240])


def test_a_waiting_leaf_that_is_the_output_itself(backend):
    x = leaf([1.0, 2.0])
    seen = []
    x.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.tolist()))
    x.backward(gg.tensor([5.0, 6.0]))
    assert seen == [[5, 6]]


# Answers


@pytest.mark.parametrize("create_graph", [False, True])
def test_what_the_hooks_of_a_node_answer_takes_the_place_of_the_gradients(backend, create_graph):
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    y = x * w
    y.grad_fn.register_prehook(lambda go: (go[0] * 10,))
    y.grad_fn.register_hook(lambda gi, go: (gi[0] * 2, gi[1] + go[0]))
    y.grad_fn.register_hook(lambda gi, go: (gi[0], gi[1] + 1))
    y.sum().backward(create_graph=create_graph)
    same(x.grad, [60, 80])
    same(w.grad, [10 + 10 + 1, 20 + 10 + 1])
    assert x.grad.requires_grad is create_graph


def test_hooks_of_nodes_are_part_of_the_graph_under_create_graph(backend):
    x = leaf(2.0)
    y = x * x
    y.grad_fn.register_prehook(lambda go: (go[0] * x,))
    y.grad_fn.register_hook(lambda gi, go: tuple(g * x for g in gi))
    (slope,) = grad(y, x, create_graph=True)
    same(slope, 2 * 2 * 2 * 2)
    same(grad(slope, x)[0], 3 * 2 * 2 * 2)


def test_one_operand_twice_has_two_gradients_at_the_node(backend):
    x = leaf(3.0)
    y = x * x
    seen = []
    y.grad_fn.register_hook(lambda gi, go: seen.append(numbers(gi)) or (gi[0] * 10, gi[1]))
    y.backward()
    assert seen == [[3, 3]]
    same(x.grad, 33)


def test_none_among_the_answers_stops_a_gradient(backend):
    x, w = leaf([1.0]), leaf([2.0])
    y = x * w
    y.grad_fn.register_hook(lambda gi, go: (None, gi[1]))
    y.sum().backward()
    assert x.grad is None
    same(w.grad, [1])
    z = x * w
    z.grad_fn.register_prehook(lambda go: (None,))
    (z.sum() + w.sum()).backward()
    assert x.grad is None
    same(w.grad, [2])


def test_the_prehooks_of_a_leaf_replace_what_is_added(backend):
    x = leaf([1.0, 2.0])
    y = x * 3
    accumulator(y).register_prehook(lambda go: (go[0] * 2,))
    y.sum().backward()
    same(x.grad, [6, 6])


def test_a_node_with_several_results_has_one_hook_for_all_of_them(backend):
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    a, b = gg.unstack(x)
    assert a.grad_fn is b.grad_fn
    seen = []
    a.grad_fn.register_prehook(lambda go: seen.append(numbers(go)) or (go[0] * 10, None))
    a.grad_fn.register_hook(lambda gi, go: seen.append((numbers(gi), numbers(go))))
    (a * 2).sum().backward()
    assert seen == [[[2, 2], None], ([[[20, 20], [0, 0]]], [[20, 20], None])]
    same(x.grad, [[20, 20], [0, 0]])


def test_a_hook_of_one_result_among_several_sees_that_one_alone(backend):
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    a, b = gg.unstack(x)
    seen = []
    b.register_hook(lambda g: seen.append(g.tolist()) or g * 2)
    b.retain_grad()
    (a * 2 + b * 3).sum().backward()
    assert seen == [[3, 3]]
    same(b.grad, [6, 6])
    same(x.grad, [[2, 2], [6, 6]])


@pytest.mark.parametrize(
    ("hang", "error", "named"),
    [
        (lambda y: y.register_hook(lambda g: 3.0), TypeError, "float"),
        (lambda y: y.register_hook(lambda g: gg.ones(3)), RuntimeError, r"\(3,\)"),
        (lambda y: y.register_hook(lambda g: g[:1]), RuntimeError, r"\(1,\)"),
        (lambda y: y.grad_fn.register_prehook(lambda go: (go[0], None)), RuntimeError, "2 gradients, and was given 1"),
        (lambda y: y.grad_fn.register_prehook(lambda go: (gg.ones(3),)), RuntimeError, r"\(3,\)"),
        (lambda y: y.grad_fn.register_hook(lambda gi, go: (gi[0],)), RuntimeError, "1 gradients, and was given 2"),
        (lambda y: y.grad_fn.register_hook(lambda gi, go: (gi[0], gi[0])), RuntimeError, "where there was none"),
        (lambda y: y.grad_fn.register_hook(lambda gi, go: (3.0, None)), TypeError, "float"),
        (lambda y: accumulator(y).register_hook(lambda gi, go: (go[0],)), RuntimeError, "none goes on from a leaf"),
    ],
)
def test_an_answer_that_does_not_fit_names_the_hook(backend, hang, error, named):
    y = leaf([1.0, 2.0]) * 3
    hang(y)
    with pytest.raises(error, match=named) as caught:
        y.sum().backward()
    assert "lambda" in str(caught.value)


def test_a_hook_that_is_no_function_is_refused_at_once(backend):
    x = leaf([1.0])
    for register in (x.register_hook, x.register_post_accumulate_grad_hook, (x * 2).grad_fn.register_hook):
        with pytest.raises(TypeError, match="a hook is a function"):
            register(3.0)


def test_hooks_are_refused_where_they_could_never_run(backend):
    with pytest.raises(RuntimeError, match="does not require grad"):
        gg.ones(2).register_post_accumulate_grad_hook(print)
    with pytest.raises(RuntimeError, match="for leaves"):
        (leaf([1.0]) * 2).register_post_accumulate_grad_hook(print)


def test_a_complex_gradient_is_the_users_at_every_hook(backend):
    z = gg.tensor([1 + 2j], requires_grad=True)
    y = z * 1j
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    y.grad_fn.register_prehook(lambda go: seen.append(numbers(go)[0]))
    y.grad_fn.register_hook(lambda gi, go: seen.append(numbers(gi)[0]) or (gi[0] * 2j, None))
    z.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.tolist()))
    gg.real(y).sum().backward()
    assert seen == [[1], [1], [-1j], [2]]


# Handles


def test_every_kind_of_hook_is_taken_off_by_its_handle(backend):
    x = leaf([1.0])
    y = x * 2
    seen = []
    handles = [
        x.register_hook(lambda g: seen.append(0)),
        x.register_post_accumulate_grad_hook(lambda p: seen.append(1)),
        y.register_hook(lambda g: seen.append(2)),
        y.grad_fn.register_hook(lambda gi, go: seen.append(3)),
        y.grad_fn.register_prehook(lambda go: seen.append(4)),
        accumulator(y).register_hook(lambda gi, go: seen.append(5)),
        accumulator(y).register_prehook(lambda go: seen.append(6)),
    ]
    y.sum().backward(retain_graph=True)
    assert sorted(seen) == list(range(7))
    for handle in handles:
        handle.remove()
        handle.remove()
    y.sum().backward()
    assert len(seen) == 7
    same(x.grad, [4])


def test_a_handle_is_a_block_at_whose_end_the_hook_is_gone(backend):
    x = leaf([1.0])
    with x.register_hook(lambda g: g * 10) as handle:
        x.sum().backward()
        assert handle is not None
    x.sum().backward()
    same(x.grad, [11])


def test_hooks_that_come_and_go_while_hooks_run_count_from_the_next_time(backend):
    x = leaf([1.0])
    log, handles = [], []
    handles.append(x.register_hook(lambda g: log.append("first") or handles[1].remove()))
    handles.append(x.register_hook(lambda g: log.append("second") or handles.append(x.register_hook(late))))

    def late(g):
        log.append("late")

    x.sum().backward()
    assert log == ["first", "second"]
    x.sum().backward()
    assert log == ["first", "second", "first", "late"]


def test_a_handle_keeps_no_graph_alive(backend):
    x = leaf([1.0])
    y = x * 2
    node = weakref.ref(y.grad_fn)
    handle = y.register_hook(lambda g: g)
    del y
    assert node() is None
    handle.remove()


def test_a_hook_that_refers_to_its_own_tensor_is_freed_by_the_collector_and_not_before():
    x = leaf([1.0])
    y = x * 2
    y.register_hook(lambda g: y.shape and None)
    node = weakref.ref(y.grad_fn)
    y.sum().backward()
    gc.collect()
    assert node() is not None
    y = None
    assert node() is None  # the closure let go of the tensor with the name


@pytest.mark.parametrize("when", ["functions", "before", "after"])
def test_a_cycle_through_a_hook_is_found_by_the_collector(when):
    def made():
        y = leaf([1.0]) * 2
        node = y.grad_fn
        register = {"functions": y.register_hook, "before": node.register_prehook, "after": node.register_hook}[when]
        register(lambda *gradients: y.shape and None)
        return weakref.ref(node)

    gc.collect()
    gc.disable()
    try:
        node = made()
        assert node() is not None
        gc.collect()
        assert node() is None
    finally:
        gc.enable()


def test_a_result_that_retains_a_recorded_gradient_is_freed_without_the_collector():
    gc.collect()
    gc.disable()
    try:
        x = leaf([2.0])
        y = x * x
        y.retain_grad()
        (y * y * x).sum().backward(create_graph=True)
        assert y.grad.requires_grad
        node = weakref.ref(y.grad_fn)
        x.grad = None
        del y
        assert node() is None
    finally:
        gc.enable()


# Where they run


def test_autograd_grad_runs_the_hooks_on_its_way_and_none_of_the_accumulation(backend):
    log = []
    x = leaf([1.0, 2.0])
    y = x * 3
    z = (y * 2).sum()
    y.register_hook(lambda g: log.append("value") or g * 10)
    y.grad_fn.register_prehook(lambda go: log.append("pre"))
    y.grad_fn.register_hook(lambda gi, go: log.append("node"))
    x.register_hook(lambda g: log.append("leaf") or g * 10)
    x.register_post_accumulate_grad_hook(lambda p: log.append("accumulated"))
    accumulator(y).register_hook(lambda gi, go: log.append("leaf node"))
    same(grad(z, y, retain_graph=True)[0], [20, 20])
    assert log == ["value"]
    log.clear()
    same(grad(z, x, retain_graph=True)[0], [600, 600])
    assert log == ["value", "pre", "node", "leaf"]
    log.clear()
    z.backward(inputs=[x])
    assert log == ["value", "pre", "node", "leaf", "accumulated", "leaf node"]
    same(x.grad, [600, 600])


def test_the_graph_behind_an_input_of_grad_is_neither_run_nor_freed(backend):
    x = leaf([1.0, 2.0])
    y = x * x
    grad((y * y).sum(), y)
    y.sum().backward()
    same(x.grad, [2, 4])


def test_hooks_stay_with_the_value_after_a_write(backend):
    x = leaf([1.0, 2.0])
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    y.grad_fn.register_hook(lambda gi, go: seen.append(numbers(go)))
    y.retain_grad()
    y *= 10
    y[0] = 5.0
    y.sum().backward()
    assert seen == [[0, 10], [[0, 10]]]
    same(y.grad, [0, 10])


def test_a_hook_that_raises_changes_no_gradient(backend):
    x, w = leaf([1.0]), leaf([2.0])
    y = x * w
    y.retain_grad()
    (y * 1).sum().backward()
    held = y.grad

    def fault(g):
        raise ZeroDivisionError("mine")

    x.register_hook(fault)
    before = x.grad.tolist(), w.grad.tolist(), y.grad.tolist()
    z = x * w
    z.retain_grad()
    with pytest.raises(ZeroDivisionError, match="mine"):
        (z * 3).sum().backward()
    assert (x.grad.tolist(), w.grad.tolist(), y.grad.tolist()) == before
    assert y.grad is held
    assert z.grad is None
    assert gg.is_grad_enabled()


def test_the_result_of_an_op_of_any_kind_has_hooks(backend):
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    seen = []
    results = [x.sum(), x @ x, gg.concat([x, x]), x.reshape(4), x[0], gg.exp(x), x + 1]
    for y in results:
        y.register_hook(lambda g: seen.append(g.shape) or g * 0)
        y.grad_fn.register_prehook(lambda go: seen.append(go[0].tolist()))
        y.sum().backward()
    assert seen[::2] == [y.shape for y in results]
    assert seen[1::2] == [np.zeros(y.shape).tolist() for y in results]


def test_a_write_in_a_hook_changes_its_gradient_and_nothing_else(backend):
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    y = x * w
    y.register_hook(lambda g: [g.mul_(2), None][1])
    y.grad_fn.register_hook(lambda gi, go: [gi[0].zero_(), go[0].zero_(), None][2])
    seed = gg.ones(2)
    y.backward(seed)
    same(seed, [1, 1])
    same(x.grad, [0, 0])
    same(w.grad, [2, 4])


def test_hooks_are_not_copied_with_a_leaf(backend):
    import copy
    import pickle

    x = leaf([1.0])
    x.register_hook(lambda g: g * 10)
    x.register_post_accumulate_grad_hook(lambda p: p.grad.mul_(10))
    for twin in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        (twin * 2).sum().backward()
        same(twin.grad, [2])


def test_retains_grad_says_so(backend):
    x = leaf([1.0])
    y = x * 2
    assert not y.retains_grad
    y.retain_grad()
    x.retain_grad()
    assert (y.retains_grad, x.retains_grad, gg.ones(1).retains_grad) == (True, False, False)
    assert y.grad is None


def test_only_errors_of_ours_name_a_gradient():
    assert issubclass(GradientError, RuntimeError)
