"""Checkpoints: the gradients of the plain call to the last bit, from a second call, whatever happens in between."""

from __future__ import annotations

import gc
import threading
from collections import OrderedDict, namedtuple
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest

import gpugrad as gg
from gpugrad import nn
from gpugrad._graph import Node, modes
from gpugrad.autograd import Function, checkpoint, checkpoint_sequential, grad
from gpugrad.autograd._checkpoint_frame import Frame
from gpugrad.autograd._recomputed import Recomputed
from gpugrad.autograd.graph import save_on_cpu, saved_tensors_hooks
from gpugrad.backends import Generator
from gpugrad.errors import GradientError, OptionError


def leaf(values, **options):
    return gg.tensor(values, requires_grad=True, **options)


def same(tensor, values):
    np.testing.assert_array_equal(np.asarray(tensor.tolist()), np.asarray(values))


class Calls:
    """A function that counts how often it is called."""

    def __init__(self, function):
        self.function, self.count = function, 0

    def __call__(self, *args, **kwargs):
        self.count += 1
        return self.function(*args, **kwargs)


def mlp(depth=3, width=4, dropout=0.2):
    layers = [m for _ in range(depth) for m in (nn.Linear(width, width), nn.Tanh(), nn.Dropout(dropout))]
    return nn.Sequential(*layers)


# The same gradients


class Random:
    """A random function of (x, w): flat and wide ops, views, writes in place, draws, checkpoints within checkpoints."""

    def __init__(self, seed, depth=0):
        self.random = np.random.default_rng(seed)
        self.steps = [self.step(depth) for _ in range(3 + seed % 9)]

    def step(self, depth):
        kinds = [
            "sin",
            "exp",
            "mul",
            "matmul",
            "view",
            "write",
            "add_",
            "dropout",
            "stack",
            "cut",
            "norm",
            "no_grad",
            "inner",
        ]
        kind = kinds[self.random.integers(len(kinds) - (depth > 1))]
        inner = Random(int(self.random.integers(1 << 30)), depth + 1) if kind == "inner" else None
        return kind, inner, bool(self.random.random() < 0.5)

    def __call__(self, x, w, wrap=checkpoint):
        h = x * 1.0
        for kind, inner, flag in self.steps:
            h = self.apply(kind, inner, flag, h, x, w, wrap)
        return h

    @staticmethod
    def apply(kind, inner, flag, h, x, w, wrap):
        if kind == "mul":
            return h * (x if flag else h)
        if kind == "matmul":
            return gg.tanh(h @ w)
        if kind == "view":
            return h.T[::-1] * w if flag else h.reshape(2, 8).reshape(4, 4) * h
        if kind == "write":
            h = h.clone()
            h[1:3] = gg.sin(w[:2]) if flag else 0.5
            return h * h
        if kind == "add_":
            z = gg.exp(-h * h)
            z += h * w
            z[0].mul_(2.0)
            return z
        if kind == "dropout":
            return nn.functional.dropout(h, 0.3) if flag else h * gg.rand(4, 4, dtype=gg.float64)
        if kind == "stack":
            return gg.stack([h, h * w, x]).sum(axis=0)
        if kind == "cut":
            a, b = gg.unstack(gg.reshape(h, (2, 2, 4)))
            return gg.concat([b * a, a])
        if kind == "norm":
            return h / (1 + gg.linalg.vector_norm(h)) + gg.logsumexp(h, axis=1, keepdims=True)
        if kind == "no_grad":
            with gg.no_grad():
                mean = h.mean()
            return (h - mean) * h.detach()
        if kind == "inner":
            return wrap(lambda h: inner(h, w, wrap), h)
        return getattr(gg, kind)(h * 0.5)


def plainly(function, *args, **kwargs):
    return function(*args, **kwargs)


def bits(seed, wrap, second):
    """Return the gradients of a random function, of first order and perhaps second, under `wrap`."""
    random = np.random.default_rng(seed)
    x, w = (leaf(random.normal(size=(4, 4)) * 0.5) for _ in range(2))
    gg.manual_seed(seed)
    program = Random(seed)
    z = wrap(program, x, w, wrap) if seed % 2 else wrap(lambda x: program(x, w, wrap), x)
    gg.rand(3)
    if not second:
        (z * z).sum().backward()
        return [x.grad, w.grad]
    first = grad((z * z).sum(), [x, w], create_graph=True, materialize_grads=True)
    total = sum((g * g).sum() for g in first)
    return [*first, *(grad(total, [x, w], materialize_grads=True) if total.requires_grad else [])]


def assert_same_bits(seed, wrap, second):
    with np.errstate(all="ignore"):
        plain, found = bits(seed, plainly, second), bits(seed, wrap, second)
    for one, other in zip(plain, found, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            same(other, one.tolist())


@pytest.mark.parametrize("seed", range(60))
def test_a_random_function_has_the_same_gradients_to_the_last_bit(seed):
    assert_same_bits(seed, checkpoint, second=seed % 3 == 0)


@pytest.mark.parametrize("seed", range(100, 112))
def test_a_random_function_has_the_same_gradients_on_every_backend(seed, backend):
    assert_same_bits(seed, partial(checkpoint, determinism_check="values"), second=seed % 3 == 0)


@pytest.mark.parametrize("hooks", ["itself", "host"])
@pytest.mark.parametrize("seed", range(200, 210))
def test_a_random_function_has_the_same_gradients_within_hooks(seed, hooks):
    def wrap(function, *args):
        with save_on_cpu() if hooks == "host" else saved_tensors_hooks(lambda t: t.clone(), lambda p: p):
            return checkpoint(function, *args)

    assert_same_bits(seed, wrap, second=seed % 3 == 0)


def test_the_function_runs_once_forward_and_once_backward(backend):
    x, w = leaf(np.ones((4, 4))), leaf(np.ones((4, 4)))
    function = Calls(lambda x: gg.sin(gg.tanh(x @ w) * x) @ w)
    z = checkpoint(function, x)
    assert function.count == 1
    z.sum().backward(retain_graph=True)
    assert function.count == 2
    z.sum().backward()
    assert function.count == 3
    with pytest.raises(GradientError, match="retain_graph"):
        z.sum().backward()


def test_it_is_called_again_only_as_far_as_needed(backend):
    x, seen = leaf([1.0, 2.0]), []

    def function(x):
        y = gg.sin(x * x)
        seen.append("saved")
        z = y + 1
        seen.append("end")
        return z

    z = checkpoint(function, x).sum()
    seen.clear()
    z.backward()
    assert seen == []  # sin has been called, of which x * x is saved


def test_parameters_that_the_function_closes_over_get_their_gradients(backend):
    model, x = mlp(dropout=0.0), gg.ones((2, 4))  # and no input requires grad
    model(x).sum().backward()
    expected = [p.grad.tolist() for p in model.parameters()]
    model.zero_grad()
    checkpoint(model, x).sum().backward()
    for p, g in zip(model.parameters(), expected, strict=True):
        same(p.grad, g)


Pair = namedtuple("Pair", "first second")


@pytest.mark.parametrize("wrap", [plainly, checkpoint])
def test_arguments_and_results_are_trees(wrap, backend):
    a, b, c, d = (leaf([float(i)]) for i in range(1, 5))

    def function(pair, tree, *, scale, label):
        assert isinstance(pair, Pair) and isinstance(tree, OrderedDict) and label == "x"
        return {"a": pair.first * tree["b"][0] * scale, "n": None, "s": (tree["b"][1] * 2, "text")}, pair.second

    out, untouched = wrap(function, Pair(a, 7), OrderedDict(b=[b, c]), scale=d, label="x")
    assert out["s"][1] == "text" and out["n"] is None and untouched == 7
    (out["a"] + out["s"][0]).sum().backward()
    assert [t.grad.item() for t in (a, b, c, d)] == [8, 4, 2, 2]


def test_one_tensor_given_twice_is_one_tensor_again(backend):
    x = leaf([2.0])
    seen = []

    def function(a, b):
        seen.append(a is b)
        return gg.sin(a * b)

    checkpoint(function, x, x).sum().backward()
    assert seen == [True, True]


def test_arguments_alone_need_no_second_call(backend):
    x, y = leaf([2.0]), leaf([3.0])
    function = Calls(lambda x, y: x * y + x * x)
    checkpoint(function, x, y).sum().backward()
    assert function.count == 1 and (x.grad.item(), y.grad.item()) == (7, 2)


def test_an_unused_result_costs_nothing_and_gets_no_gradient(backend):
    x, y = leaf([1.0]), leaf([2.0])
    function = Calls(lambda x, y: (gg.exp(x), gg.exp(y)))
    first, _ = checkpoint(function, x, y)
    first.sum().backward()
    assert y.grad is None and x.grad is not None and function.count == 2


def test_nothing_that_requires_grad_is_a_plain_call(backend):
    z = checkpoint(lambda x: gg.exp(x) * x, gg.ones(3))
    assert not z.requires_grad
    with gg.no_grad():
        assert not checkpoint(gg.exp, leaf([1.0])).requires_grad
    assert checkpoint(lambda: 3) == 3
    assert checkpoint(lambda x: None, leaf([1.0])) is None


def test_a_detached_result_and_an_input_handed_on(backend):
    x = leaf([1.0, 2.0])
    detached, itself, z = checkpoint(lambda x: (gg.exp(x).detach(), x, gg.square(x)), x)
    assert not detached.requires_grad and itself is x
    (z * detached * itself).sum().backward()
    np.testing.assert_allclose(x.grad.tolist(), 3 * np.array([1.0, 4.0]) * np.exp([1.0, 2.0]), rtol=1e-6)


def test_hooks_on_values_within_run_once(backend):
    x, seen = leaf([1.0, 2.0]), []

    def function(x):
        y = x * x
        y.register_hook(lambda g: seen.append(g.tolist()))
        return gg.exp(y)

    checkpoint(function, x).sum().backward()
    assert len(seen) == 1


def test_gradients_may_be_taken_within(backend):
    def penalised(x, w):
        y = gg.tanh(x * w)
        (g,) = grad(y.sum(), x, create_graph=True)
        return (g * g).sum() + y.sum()

    for wrap in (plainly, checkpoint):
        x, w = leaf([0.3, 0.7], dtype=gg.float64), leaf([1.5, 2.0], dtype=gg.float64)
        found = grad(wrap(penalised, x, w), [x, w])
        if wrap is plainly:
            expected = [g.tolist() for g in found]
    for g, e in zip(found, expected, strict=True):
        same(g, e)


def test_a_function_of_the_users_is_checkpointed(backend):
    class Cube(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 3 * x * x

    x = leaf([2.0])
    function = Calls(lambda x: Cube.apply(gg.exp(x) * 1.0))
    z = checkpoint(function, x)
    (g,) = grad(z, x, create_graph=True)
    np.testing.assert_allclose(g.tolist(), [3 * np.exp(6)], rtol=1e-6)
    np.testing.assert_allclose(grad(g, x)[0].tolist(), [9 * np.exp(6)], rtol=1e-6)


# Random numbers and modes


def test_the_same_elements_are_dropped_and_the_stream_goes_on(backend):
    x = leaf(np.ones((8, 8)))
    gg.manual_seed(3)
    z = checkpoint(lambda x: nn.functional.dropout(x, 0.5) * x * gg.randn(8, 8, dtype=gg.float64), x)
    after = gg.rand(3).tolist()
    gg.manual_seed(99)
    z.sum().backward()
    ahead = gg.rand(3).tolist()
    same(x.grad, 2 * np.asarray(z.tolist()))
    gg.manual_seed(3)
    nn.functional.dropout(x, 0.5), gg.randn(8, 8, dtype=gg.float64)
    assert gg.rand(3).tolist() == after
    gg.manual_seed(99)
    assert gg.rand(3).tolist() == ahead


def test_generators_that_the_function_is_given_or_closes_over_are_rewound(backend):
    x, mine, given = leaf(np.ones(64)), Generator(5), Generator(6)

    def function(x, generator):
        return (
            x * x * gg.rand(64, generator=mine, dtype=gg.float64) * gg.rand(64, generator=generator, dtype=gg.float64)
        )

    z = checkpoint(function, x, given)
    z.sum().backward()
    same(x.grad, 2 * np.asarray(z.tolist()))
    assert mine.get_state() == (lambda g: (gg.rand(64, generator=g, dtype=gg.float64), g.get_state())[1])(Generator(5))


def test_without_preserving_the_elements_differ(backend):
    x = leaf(np.ones(256))
    z = checkpoint(lambda x: gg.square(nn.functional.dropout(x, 0.5)), x, preserve_rng_state=False)
    z.sum().backward()
    assert x.grad.tolist() != (2 * np.asarray(z.tolist())).tolist()


def test_the_device_for_new_tensors_is_that_of_the_call(devices):
    with gg.use_backend(devices[-1]):
        x = leaf([1.0, 2.0])
        z = checkpoint(lambda x: gg.exp(x) * gg.ones(2) * gg.tensor([1.0, 3.0]), x).sum()
    z.backward()
    np.testing.assert_allclose(x.grad.tolist(), np.exp([1.0, 2.0]) * [1, 3], rtol=1e-6)


def test_backward_within_no_grad_and_in_another_thread(backend):
    x = leaf([1.0, 2.0])
    z = checkpoint(lambda x: gg.exp(gg.square(x)), x).sum()
    with gg.no_grad():
        z.backward(retain_graph=True)
    first = x.grad.tolist()
    x.grad = None
    thread = threading.Thread(target=z.backward)
    thread.start()
    thread.join()
    same(x.grad, first)
    assert modes.unusual == 0


def test_contexts_are_entered_for_each_call(backend):
    seen = []

    @contextmanager
    def note(name):
        seen.append(name)
        yield
        seen.append(f"{name} ends")

    x = leaf([1.0])
    z = checkpoint(gg.exp, x, context_fn=lambda: (note("forward"), note("again")))
    assert seen == ["forward", "forward ends"]
    z.backward()
    assert seen[2:3] == ["again"]


# Writes


@pytest.mark.parametrize("wrap", [plainly, checkpoint])
def test_arguments_written_later_give_the_gradient_of_what_they_were(wrap, backend):
    x, c, w = leaf([1.0, 2.0]), gg.tensor([3.0, 4.0]), leaf([0.5, 0.5])
    h = x * 1.0
    z = wrap(lambda h, c, w, v: gg.square(gg.square(h) * c * w) * v, h, c, w, h[:1]).sum()
    c.zero_()
    h *= 0.0
    with gg.no_grad():
        w.fill_(9.0)
        x.fill_(9.0)
    z.backward()
    same(x.grad, [4 * 2.25 + 2.25 + 16 * 4, 4 * 8 * 4.0])
    same(w.grad, [2 * 9 * 0.5, 2 * 64 * 4 * 0.5 * 1])


@pytest.mark.parametrize("wrap", [plainly, checkpoint])
def test_the_function_may_write_to_what_it_is_given(wrap, backend):
    def function(h, c):
        z = h * h
        h *= 2.0
        c += 1.0
        return z * h * c

    x, c = leaf([1.0, 2.0]), gg.tensor([1.0, 1.0])
    h = x * 1.0
    z = wrap(function, h, c)
    same(h, [2, 4])
    same(c, [2, 2])
    z.sum().backward(retain_graph=True)
    same(x.grad, [12, 48])
    z.sum().backward()
    same(x.grad, [24, 96])
    same(h, [2, 4])
    same(c, [2, 2])


def test_writing_to_an_argument_that_shares_memory_with_another_is_refused(backend):
    x = leaf([1.0, 2.0])
    h = x * 1.0

    def function(h, v):
        h *= 2.0
        return h * v

    with pytest.raises(GradientError, match="shares memory"):
        checkpoint(function, h, h.detach())
    with pytest.raises(GradientError, match="shares memory"):
        checkpoint(lambda v: function(h, v), h[:])


def test_a_function_that_writes_only_when_called_again_is_refused_and_harms_nothing(backend):
    times = []

    def function(x):
        times.append(1)
        if len(times) > 1:
            x.detach().zero_()
        return gg.exp(gg.square(x))

    x = leaf([1.0, 2.0])
    z = checkpoint(function, x)
    with pytest.raises(GradientError, match="lent to be read"):
        z.sum().backward()
    same(x, [1, 2])


@pytest.mark.parametrize("how", ["closure", "default", "global", "module", "method", "partial", "attribute", "list"])
def test_a_captured_tensor_that_is_written_in_between_raises(how, backend):
    x, w, c = leaf([1.0, 2.0]), leaf([3.0, 4.0]), gg.tensor([5.0, 6.0])

    class Holder:
        def __init__(self):
            self.w, self.c = w, c

        def call(self, x):
            return gg.sin(x * self.w + self.c)

    class Layer(nn.Module):
        def __init__(self):
            self.w = nn.Parameter(w.detach().clone())
            self.register_buffer("c", c)

        def forward(self, x):
            return gg.sin(x * self.w + self.c)

    holder, layer, both = Holder(), Layer(), [w, c]
    scope = {"w": w, "c": c, "gg": gg}
    exec("def function(x): return gg.sin(x * w + c)", scope)
    function = {
        "closure": lambda x: gg.sin(x * w + c),
        "default": lambda x, w=w, c=c: gg.sin(x * w + c),
        "global": scope["function"],
        "module": layer,
        "method": holder.call,
        "partial": partial(lambda w, c, x: gg.sin(x * w + c), w, c),
        "attribute": lambda x: gg.sin(x * holder.w + holder.c),
        "list": lambda x: gg.sin(x * both[0] + both[1]),
    }[how]
    expected = grad(function(x).sum(), x)[0].tolist()
    for t, back in ((layer.w if how == "module" else w, [3.0, 4.0]), (c, [5.0, 6.0])):
        z = checkpoint(function, x).sum()
        with gg.no_grad():
            t.mul_(2.0)
        with pytest.raises(GradientError, match="was written between forward and backward"):
            z.backward(retain_graph=True)
        assert x.grad is None
        with gg.no_grad():
            t.copy_(gg.tensor(back))  # the same values as before are as good
        z.backward()
        same(x.grad, expected)
        x.grad = None


def test_a_parameter_found_nowhere_but_in_the_graph_is_watched(backend):
    class Hidden:
        __slots__ = ("w",)

    hidden, x = Hidden(), leaf([1.0, 2.0])
    hidden.w = leaf([3.0, 4.0])
    z = checkpoint(lambda x: gg.sin(x + hidden.w) * x, x).sum()
    hidden.w.data.zero_()
    with pytest.raises(GradientError, match="written between"):
        z.backward()


def test_a_step_between_forward_and_backward_raises_within_checkpoints_of_checkpoints_too(backend):
    first, second, x = nn.Linear(2, 2), nn.Linear(2, 2), gg.ones((1, 2))
    z = checkpoint(lambda x: checkpoint(second, checkpoint(first, x)), x).sum()
    with gg.no_grad():
        first.bias.add_(1.0)
    with pytest.raises(GradientError, match="written between"):
        grad(z, second.weight)


def test_an_outer_checkpoint_watches_what_an_inner_one_reads(backend):
    class Hidden:
        __slots__ = ("w",)

    hidden, v, x = Hidden(), leaf([1.0, 1.0]), gg.ones(2)
    hidden.w = leaf([3.0, 4.0])
    z = checkpoint(lambda x: checkpoint(lambda h: h * v, checkpoint(lambda x: gg.sin(x * hidden.w), x)), x).sum()
    hidden.w.data.zero_()
    with pytest.raises(GradientError, match="written between"):
        grad(z, v)


def test_values_of_a_second_call_that_failed_are_not_used(backend):
    scales, x = iter([1.0, 5.0, 1.0]), leaf([1.0, 2.0])
    sizes = iter([1, 2, 1])

    def function(x):
        y = gg.exp(x * next(scales))
        return y, gg.sin(gg.concat([y] * next(sizes))).sum()

    y, z = checkpoint(function, x)
    with pytest.raises(GradientError, match="in place of"):
        z.backward(retain_graph=True)
    same(grad(y.sum(), x)[0], y.tolist())


def test_state_that_the_function_writes_itself_is_its_own_affair(backend):
    count, x = gg.zeros(1), leaf([1.0, 2.0])

    def function(x):
        count.add_(1.0)
        return gg.exp(gg.square(x))

    z, y = checkpoint(function, x), checkpoint(function, x)
    (z.sum() + y.sum()).backward()
    same(count, [4])


def test_training_with_an_optimizer_gives_the_same_parameters(backend):
    results = []
    for wrap in (plainly, checkpoint):
        gg.manual_seed(1)
        model = mlp()
        optimizer = gg.optim.AdamW(model.parameters(), lr=0.1)
        for _ in range(4):
            optimizer.zero_grad()
            h = wrap(model[:4], gg.ones((3, 4)))
            gg.square(wrap(model[4:], h)).sum().backward()
            optimizer.step()
        results.append([p.tolist() for p in model.parameters()])
    assert results[0] == results[1]


# What is not the same each time


def test_another_shape_is_refused_by_name(backend):
    sizes = iter([2, 3])

    def function(x):
        n = next(sizes)
        return gg.exp(gg.concat([x] * n)).sum()

    x = leaf([1.0])
    with pytest.raises(GradientError, match=r"'z' of exp, float32 of shape \(3,\).* in place of .* of shape \(2,\)"):
        checkpoint(function, x).backward()
    assert x.grad is None


def test_another_op_or_fewer_of_them_are_refused(backend):
    flags = iter([True, False] * 2)
    x = leaf([1.0, 2.0])
    with pytest.raises(GradientError, match=r"'x' of sin, .* in place of 'z' of exp"):
        checkpoint(lambda x: gg.exp(x) if next(flags) else gg.sin(x * 2), x).sum().backward()
    with pytest.raises(GradientError, match="saved 0 values, and 1 when it was called first"):
        checkpoint(lambda x: gg.exp(x) if next(flags) else x + 1, x).sum().backward()


def test_other_values_are_found_where_they_are_looked_at(backend):
    numbers = iter([1.0, 2.0, 1.0, 2.0])
    x = leaf([1.0, 2.0])

    def function(x):
        return gg.exp(x * next(numbers))

    with pytest.raises(GradientError, match="another value of 'z' of exp"):
        checkpoint(function, x, determinism_check="values").sum().backward()
    checkpoint(function, x).sum().backward()  # which PyTorch's check does not see either


def test_an_error_in_the_second_call_is_the_users_own_and_can_be_repeated(backend):
    fails = []

    def function(x):
        if fails:
            raise ZeroDivisionError("second")
        return gg.exp(gg.square(x))

    x = leaf([1.0])
    z = checkpoint(function, x)
    fails.append(1)
    with pytest.raises(ZeroDivisionError, match="second"):
        z.backward(retain_graph=True)
    assert x.grad is None and modes.unusual == 0
    fails.clear()
    z.backward()
    np.testing.assert_allclose(x.grad.tolist(), [2 * np.e], rtol=1e-6)


def test_an_error_in_the_first_call_leaves_the_modes(backend):
    with pytest.raises(ZeroDivisionError):
        checkpoint(lambda x: 1 / 0, leaf([1.0]))
    assert modes.unusual == 0


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: checkpoint(x), TypeError, "the function to call, not Tensor"),
        (lambda x: checkpoint(gg.exp, x, use_reentrant=True), OptionError, "use_reentrant must be False"),
        (lambda x: checkpoint(gg.exp, x, determinism_check="yes"), OptionError, "default, values, none, not 'yes'"),
        (lambda x: checkpoint_sequential([gg.exp], 2, x), OptionError, "an integer from 1 to 1"),
        (lambda x: checkpoint_sequential([gg.exp], 0, x), OptionError, "an integer from 1 to 1"),
        (lambda x: checkpoint_sequential([gg.exp], True, x), OptionError, "not True"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_called(call, error, text):
    with pytest.raises(error) as caught:
        call(leaf([1.0]))
    assert text in str(caught.value)


# A chain


@pytest.mark.parametrize("segments", [1, 2, 3, 9])
def test_a_chain_in_segments_gives_the_same_gradients(segments, backend):
    model, x = mlp(), leaf(np.ones((2, 4)), dtype=gg.float32)
    gg.manual_seed(2)
    plain = grad(model(x).sum(), [x, *model.parameters()])
    gg.manual_seed(2)
    found = grad(checkpoint_sequential(model, segments, x).sum(), [x, *model.parameters()])
    for one, other in zip(plain, found, strict=True):
        np.testing.assert_allclose(other.tolist(), one.tolist(), rtol=2e-5, atol=1e-6)


# Memory


def kept(*outputs):
    return gg.memory_report(list(outputs)).bytes


def test_a_checkpoint_keeps_its_arguments_alone(backend):
    x = leaf(np.ones((32, 32)), dtype=gg.float32)
    h = x * 1.0
    z = checkpoint(lambda h: gg.exp(gg.sin(gg.tanh(h))) * gg.exp(h), h)
    assert kept(z) == h.nbytes
    z = checkpoint(lambda h: checkpoint(gg.exp, checkpoint(gg.sin, gg.tanh(h))), h)
    assert kept(z) == h.nbytes


def test_values_go_as_the_walk_goes(backend):
    x = leaf(np.ones((16, 16)), dtype=gg.float32)
    alive, losses = [], []
    for retain in (False, True):
        z = h = x * 1.0
        for _ in range(4):
            z = checkpoint(lambda z: gg.sin(gg.sin(gg.sin(gg.sin(z)))), z)
            z.register_hook(lambda g: alive.append(kept(*losses)))
        loss = z.sum()
        losses[:] = [loss]
        loss.backward(retain_graph=retain)
        # Each hook runs when a segment's values have all been used: no more than the last node's are there.
        assert max(alive) <= 4 * h.nbytes + 2 * h.nbytes
        alive.clear()
    assert kept(loss) <= 4 * h.nbytes + h.nbytes


def test_values_within_checkpoints_of_checkpoints_go_as_well(backend):
    x = leaf(np.ones((16, 16)), dtype=gg.float32)
    h = x * 1.0

    def inner(z):
        return gg.sin(gg.sin(gg.sin(z)))

    loss = checkpoint(lambda z: checkpoint(inner, checkpoint(inner, checkpoint(inner, z))), h).sum()
    loss.backward(retain_graph=True)
    assert kept(loss) <= 2 * h.nbytes


def test_values_that_nobody_asks_for_go_when_others_come(backend):
    x = leaf(np.ones((16, 16)), dtype=gg.float32)
    z, rest = x * 1.0, []
    for _ in range(8):
        z, unused = checkpoint(lambda z: (gg.sin(gg.sin(z)), gg.cos(gg.cos(gg.cos(gg.cos(z))))), z)
        rest.append(unused)
    loss, before = z.sum(), kept(z, *rest)
    loss.backward(retain_graph=True)
    assert kept(loss, *rest) <= before + 2 * 4 * x.nbytes


def test_derivatives_of_second_order_keep_no_more(backend):
    x = leaf(np.ones((16, 16)), dtype=gg.float32)
    z = checkpoint(lambda x: gg.sin(gg.sin(gg.sin(gg.sin(gg.sin(gg.sin(x)))))), x * 1.0)
    plain = gg.sin(gg.sin(gg.sin(gg.sin(gg.sin(gg.sin(x * 1.0))))))
    (g,) = grad(z.sum(), x, create_graph=True)
    (h,) = grad(plain.sum(), x, create_graph=True)
    assert kept(g) <= kept(h) - 4 * x.nbytes


def test_dropping_the_loss_frees_everything_without_the_collector(backend):
    model, x = mlp(), gg.ones((2, 4))

    def counted():
        return sum(isinstance(o, Node | Frame | Recomputed) for o in gc.get_objects())

    def step(i):
        h = checkpoint(model[:4], x)
        z = checkpoint(lambda h: checkpoint(model[4:6], h) * h, h).sum()
        if i % 3 == 0:
            z.backward()
        elif i % 3 == 1:
            grad(z, list(model[3].parameters()), create_graph=True)

    step(0), step(1)
    model.zero_grad()
    gc.collect()
    gc.disable()
    try:
        before = counted()
        for i in range(24):
            step(i)
        model.zero_grad()
        assert counted() <= before
    finally:
        gc.enable()


def test_two_thousand_steps_leave_nothing_behind():
    layer, x = nn.Linear(3, 3), gg.ones((1, 3))
    gc.collect()
    gc.disable()
    try:
        counts = []
        for i in range(2001):
            checkpoint(layer, x).sum().backward()
            layer.zero_grad()
            if i in (0, 2000):
                counts.append(len(gc.get_objects()))
        assert counts[1] <= counts[0] + 5
    finally:
        gc.enable()


def test_a_long_chain_of_checkpoints_is_walked_and_freed_without_recursion():
    x = leaf([0.5])
    z = x
    for _ in range(4_000):
        z = checkpoint(gg.sin, z)
    z.backward()
    del z
    z = x
    for _ in range(4_000):
        z = checkpoint(gg.sin, z)
    del z
    assert x.grad.item() > 0


def test_two_threads_may_walk_one_graph(backend):
    x = leaf(np.ones(64))
    z = x
    for _ in range(8):
        z = checkpoint(lambda z: gg.sin(nn.functional.dropout(gg.sin(z), 0.1) * 1.5), z)
    z = z.sum()
    expected = grad(z, x, retain_graph=True)[0].tolist()
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(grad(z, x, retain_graph=True)[0].tolist())) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4
