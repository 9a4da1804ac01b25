"""A Function of the user's own is differentiated as PyTorch differentiates one, to any order, and never wrongly."""

from __future__ import annotations

import gc
import pickle
import threading
import weakref
from typing import NamedTuple

import numpy as np
import pytest

import gpugrad
from gpugrad import float32, float64, tensor
from gpugrad.autograd import Function, grad, once_differentiable
from gpugrad.errors import GradientError


class Power(Function):
    """x ** n, in PyTorch's first style."""

    @staticmethod
    def forward(ctx, x, n):
        ctx.save_for_backward(x)
        ctx.n = n
        return x**n

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * ctx.n * x ** (ctx.n - 1), None


class Exp(Function):
    """exp(x), in the second style, which keeps its output."""

    @staticmethod
    def forward(x):
        return gpugrad.exp(x)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx, g):
        (z,) = ctx.saved_tensors
        return g * z


class ProductAndSum(Function):
    """Two outputs of two inputs."""

    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y, x + y

    @staticmethod
    def backward(ctx, g, h):
        x, y = ctx.saved_tensors
        return g * y + h, g * x + h


def function(forward, backward, name="Own"):
    """Return a Function made of two functions."""
    return type(name, (Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)})


def leaf(values, dtype=float64):
    return tensor(values, dtype=dtype, requires_grad=True)


def derivatives(f, x, orders):
    """Return f(x) and its derivatives up to an order, element by element."""
    z = f(x)
    found = [z.tolist()]
    for i in range(orders):
        (z,) = grad(z.sum(), x, create_graph=i + 1 < orders)
        found.append(z.tolist())
    return found


def test_derivatives_of_every_order_follow_from_backward(backend):
    x = leaf([0.5, -2.0])
    assert derivatives(lambda x: Power.apply(x, 4), x, 4) == [[0.0625, 16], [0.5, -32], [3, 48], [12, -48], [24, 24]]


def test_a_saved_output_is_part_of_the_graph(backend):
    x = leaf([0.5, -2.0])
    for found in derivatives(Exp.apply, x, 3):
        np.testing.assert_allclose(found, np.exp([0.5, -2.0]), rtol=1e-14)


def test_a_function_within_functions_of_the_library(backend):
    x = leaf([0.5, 1.0])
    found = derivatives(lambda x: gpugrad.log(Exp.apply(Power.apply(x * 2, 3))) + x, x, 3)
    for got, expected in zip(found, [[1.5, 9], [7, 25], [24, 48], [48, 48]], strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12)


@pytest.mark.parametrize("used", [(0,), (1,), (0, 1)])
def test_several_outputs_are_one_node(backend, used):
    x, y = leaf([2.0, 3.0]), leaf([5.0, 7.0])
    outputs = ProductAndSum.apply(x, y)
    assert type(outputs) is tuple and [z.grad_fn.name for z in outputs] == ["ProductAndSumBackward"] * 2
    gx, gy = grad([outputs[i] for i in used], [x, y], [gpugrad.ones(2, dtype=float64)] * len(used), create_graph=True)
    plus = float(1 in used)
    assert gx.tolist() == ([5 + plus, 7 + plus] if 0 in used else [1, 1])
    if 0 in used:
        assert grad(gx.sum(), y)[0].tolist() == [1, 1] and gy.tolist() == [2 + plus, 3 + plus]


def test_the_node_has_the_name_of_the_class(backend):
    x = leaf([1.0])
    assert Power.apply(x, 2).grad_fn.name == "PowerBackward"
    assert function(lambda ctx, x: x * 2, lambda ctx, g: g, "my_op").apply(x).grad_fn.name == "my_opBackward"
    assert ProductAndSum.apply(x, tensor([1.0], dtype=float64))[0].grad_fn.source.next_functions == (
        (x._node, 0),
        (None, 0),
    )


def test_arguments_are_anything_and_their_gradients_none(backend):
    seen = []

    class Anything(Function):
        @staticmethod
        def forward(ctx, text, x, numbers, nothing, array):
            seen.append((text, numbers, nothing, type(array)))
            assert ctx.needs_input_grad == (False, True, False, False, False)
            return x * len(text), text, {"numbers": numbers}

        @staticmethod
        def backward(ctx, g, of_text, of_numbers):
            seen.append((of_text, of_numbers))
            return None, g * 3, None, None, None

    x = leaf([1.0])
    z, text, numbers = Anything.apply("abc", x, [1, 2], None, np.ones(2))
    z.backward()
    assert (text, numbers, x.grad.tolist()) == ("abc", {"numbers": [1, 2]}, [3])
    assert seen == [("abc", [1, 2], None, np.ndarray), (None, None)]


def test_arguments_by_name_and_by_default_come_to_where_forward_has_them(backend):
    class Scaled(Function):
        @staticmethod
        def forward(x, k=3, *more):
            return x * k

        @staticmethod
        def setup_context(ctx, inputs, output):
            _, ctx.k, *ctx.more = inputs

        @staticmethod
        def backward(ctx, g):
            return (g * ctx.k, None, *ctx.more)

    x = leaf([1.0])
    assert [Scaled.apply(*a, **k).item() for a, k in (((x,), {}), ((x, 5), {}), ((x,), {"k": 7}))] == [3, 5, 7]
    assert grad(Scaled.apply(x, k=7), x)[0].item() == 7
    assert grad(Scaled.apply(x, 7, None, None), x)[0].item() == 7
    with pytest.raises(TypeError, match=r"Scaled.apply: .*unexpected keyword argument 'scale'"):
        Scaled.apply(x, scale=2)
    with pytest.raises(TypeError, match=r"Scaled.apply: missing a required argument: 'x'"):
        Scaled.apply()


def test_trailing_nones_may_be_too_many_as_in_pytorch(backend):
    x = leaf([1.0])
    assert grad(function(lambda ctx, x: x * 2, lambda ctx, g: (g * 2, None, None)).apply(x), x)[0].item() == 2


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (
            lambda g: g,
            GradientError,
            r"Own.backward returned 1 gradient, and forward was given 3 arguments \(x, y, k\)",
        ),
        (lambda g: (g, g, None, g), GradientError, "returned 4 gradients, and forward was given 3 arguments"),
        (lambda g: (g[:1], None, None), GradientError, r"gradient of 'x' has shape \(1,\), and must have \(2,\)"),
        (lambda g: (g[None], None, None), GradientError, r"gradient of 'x' has shape \(1, 2\), and must have \(2,\)"),
        (lambda g: (g.sum(), None, None), GradientError, r"gradient of 'x' has shape \(\), and must have \(2,\)"),
        (lambda g: (g, g.to(float32), None), GradientError, "gradient of 'y' has dtype float32, and must have float64"),
        (lambda g: (g, None, g), GradientError, "gradient of 'k' must be None, because 'k' was no tensor"),
        (lambda g: (1.0, None, None), TypeError, "gradient of 'x' is a float; it must be a tensor, or None"),
        (lambda g: [g, g, None], GradientError, "returned 1 gradient"),
    ],
)
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_gradient_that_does_not_fit_is_named(backend, answer, error, message, create_graph):
    own = function(lambda ctx, x, y, k: x * y * k, lambda ctx, g: answer(g))
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    with pytest.raises(error, match=message):
        own.apply(x, y, 2).sum().backward(create_graph=create_graph)
    assert x.grad is None and y.grad is None


def test_a_gradient_on_another_device_is_named(devices):
    other, first = devices[0], devices[-1]
    own = function(lambda ctx, x: x * 2, lambda ctx, g: g.to(other))
    x = tensor([1.0], device=first, requires_grad=True)
    with pytest.raises(GradientError, match=rf"gradient of 'x' has device {other}, and must have {first}"):
        own.apply(x).backward()


def test_a_function_may_move_between_devices(devices):
    other, first = devices[0], devices[-1]
    own = function(lambda ctx, x: (x * 2).to(other), lambda ctx, g: g.to(first) * 2)
    x = tensor([1.0], device=first, requires_grad=True)
    (own.apply(x * 3) * 5).sum().backward()
    assert (x.grad.item(), str(x.grad.device)) == (30, first)


def test_what_is_not_asked_for_may_be_none(backend):
    own = function(lambda ctx, x, y: x * y, lambda ctx, g: (g, None))
    x, y = leaf([1.0]), leaf([2.0])
    own.apply(x, y).backward()
    assert (x.grad.item(), y.grad) == (1, None)


def test_the_gradient_of_an_argument_that_is_not_tracked_is_ignored(backend):
    own = function(lambda ctx, x, y: x * y, lambda ctx, g: (g, gpugrad.zeros((7, 7))))
    x = leaf([1.0])
    own.apply(x, tensor([2.0], dtype=float64)).backward()
    assert x.grad.item() == 1


def test_nothing_is_recorded_under_no_grad_or_without_a_tracked_argument(backend):
    x = leaf([1.0])
    with gpugrad.no_grad():
        assert not Power.apply(x, 2).requires_grad
    assert not Power.apply(x.detach(), 2).requires_grad


def test_the_walk_stops_where_nothing_is_wanted(backend):
    calls = []

    def backward(ctx, g):
        calls.append(1)
        return g * 2

    x, y = leaf([1.0]), leaf([1.0])
    z = function(lambda ctx, x: x * 2, backward).apply(x) + y
    grad(z, y, retain_graph=True)
    assert not calls
    grad(z, x)
    assert calls


# Saved values


def test_saved_values_are_those_of_the_time_of_use(backend):
    x = leaf([1.0, 2.0])
    y = x * 1
    z = Power.apply(y, 3)
    y *= 10
    y.data[0] = 7
    z.sum().backward()
    assert x.grad.tolist() == [3, 12]


def test_a_parameter_may_be_stepped_between_forward_and_backward(backend):
    x = leaf([1.0, 2.0])
    z = Power.apply(x, 2)
    with gpugrad.no_grad():
        x += 100
    z.sum().backward()
    assert x.grad.tolist() == [2, 4]


def test_an_output_that_is_written_leaves_the_saved_output_alone(backend):
    x = leaf([0.0, 1.0])
    z = Exp.apply(x)
    w = z * 1
    z *= 0
    (w + z).sum().backward()
    np.testing.assert_allclose(x.grad.tolist(), np.exp([0, 1]))


def test_saved_values_are_freed_and_the_error_says_retain_graph(backend):
    x = leaf([2.0])
    z = Power.apply(x, 2)
    z.backward()
    with pytest.raises(GradientError, match="retain_graph=True"):
        z.backward()
    z = Power.apply(x, 2)
    z.backward(retain_graph=True)
    z.backward()
    assert x.grad.item() == 12


def test_a_function_that_saved_nothing_may_be_walked_twice(backend):
    x = leaf([2.0])
    z = function(lambda ctx, x: x * 2, lambda ctx, g: g * 2).apply(x)
    z.backward()
    z.backward()
    assert x.grad.item() == 4


def test_dropping_the_output_frees_the_graph_at_once(backend):
    class Memory:
        pass

    class Kept(Function):
        @staticmethod
        def forward(ctx, x, y, memory):
            z = gpugrad.exp(x) * y
            ctx.save_for_backward(x, z, None)
            ctx.memory = memory
            return z, x * 2

        @staticmethod
        def backward(ctx, g, h):
            _, z, nothing = ctx.saved_tensors
            assert nothing is None and ctx.memory is not None
            return g * z + h * 2, None, None

    gc.collect()
    gc.disable()
    try:
        for action in (lambda z: None, lambda z: z.sum().backward(), lambda z: z.sum().backward(create_graph=True)):
            memory = Memory()
            alive = weakref.ref(memory)
            x = leaf([1.0, 2.0])
            z, _ = Kept.apply(x, tensor([1.0, 1.0], dtype=float64), memory)
            node = weakref.ref(z.grad_fn.source)
            action(z)
            x.grad = None
            del memory, z, _
            assert alive() is None and node() is None
    finally:
        gc.enable()


def test_what_is_saved_must_be_tensors(backend):
    own = function(lambda ctx, x: ctx.save_for_backward(x, 3), lambda ctx, g: g)
    with pytest.raises(TypeError, match="save_for_backward takes tensors, and argument 1 is of type int"):
        own.apply(leaf([1.0]))


def test_the_context_knows_the_saved_tensors_as_long_as_the_graph_does(backend):
    contexts = []

    def forward(ctx, x):
        contexts.append(ctx)
        ctx.save_for_backward(x)
        assert ctx.saved_tensors[0] is x
        return x * 2

    z = function(forward, lambda ctx, g: g * 2).apply(leaf([3.0]))
    assert contexts[0].saved_tensors[0].tolist() == [3]
    z.backward()
    with pytest.raises(GradientError, match="retain_graph"):
        contexts[0].saved_tensors  # noqa: B018
    del z
    with pytest.raises(GradientError, match="retain_graph"):
        contexts[0].saved_tensors  # noqa: B018


# Outputs


def test_outputs_marked_non_differentiable_do_not_require_grad(backend):
    given = []

    class Sorted(Function):
        @staticmethod
        def forward(ctx, x):
            order = gpugrad.argsort(x)
            twice = x * 2
            ctx.save_for_backward(order)
            ctx.mark_non_differentiable(twice)
            return x[order], order, twice

        @staticmethod
        def backward(ctx, g, of_order, of_twice):
            given.append((of_order.dtype, of_order.tolist(), of_twice.tolist()))
            z = gpugrad.zeros_like(g)
            z[ctx.saved_tensors[0]] = g
            return z

    x = leaf([3.0, 1.0, 2.0])
    z, order, twice = Sorted.apply(x)
    assert (z.requires_grad, order.requires_grad, twice.requires_grad) == (True, False, False)
    (z * tensor([1.0, 2.0, 3.0], dtype=float64)).sum().backward()
    assert x.grad.tolist() == [3, 1, 2]
    assert given == [(gpugrad.int64, [0, 0, 0], [0, 0, 0])]


@pytest.mark.parametrize("materialize", [True, False])
def test_gradients_that_never_came_are_zeros_or_none(backend, materialize):
    given = []

    class Two(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(materialize)
            return x * 2, gpugrad.zeros((2, 3))

        @staticmethod
        def backward(ctx, g, h):
            given.append(h)
            return g * 2

    x = leaf([1.0])
    Two.apply(x)[0].backward()
    (h,) = given
    assert (h.shape, h.dtype, h.tolist()) == ((2, 3), float32, [[0.0] * 3] * 2) if materialize else h is None


@pytest.mark.parametrize("forward", [lambda ctx, x: x, lambda ctx, x: x[:], lambda ctx, x: x.reshape((3,))])
def test_an_input_that_is_returned_is_a_value_of_its_own(backend, forward):
    own = function(forward, lambda ctx, g: g * 10)
    x = leaf([1.0, 2.0, 3.0])
    y = x * 1
    z = own.apply(y)
    assert z is not y and z.grad_fn.name == "OwnBackward" and y.grad_fn.name == "MultiplyBackward"
    z[0] = 5
    y[1] = 7
    assert (y.tolist(), z.tolist()) == ([1, 7, 3], [5, 2, 3])
    (z + y).sum().backward()
    assert x.grad.tolist() == [1, 10, 11]


def test_an_input_that_is_returned_under_no_grad_is_outside_the_graph(backend):
    x = leaf([1.0])
    with gpugrad.no_grad():
        z = function(lambda ctx, x: x, lambda ctx, g: g).apply(x)
    assert not z.requires_grad and x.requires_grad


def test_one_tensor_returned_twice_is_two_outputs(backend):
    class Twice(Function):
        @staticmethod
        def forward(ctx, x):
            y = x * 2
            return y, y

        @staticmethod
        def backward(ctx, g, h):
            return g * 2 + h * 20

    x = leaf([1.0])
    y, z = Twice.apply(x)
    y *= 3
    (y + z).sum().backward()
    assert (z.item(), x.grad.item()) == (2, 26)


def test_a_tensor_from_elsewhere_that_is_returned_keeps_its_own_graph(backend):
    other = leaf([4.0])
    x = leaf([1.0])
    z = function(lambda ctx, x: other, lambda ctx, g: g * 2).apply(x)
    z.backward()
    assert (x.grad.item(), other.grad, other.is_leaf) == (2, None, True)


@pytest.mark.parametrize(
    ("forward", "what"),
    [
        (lambda x: [x * 2], "list"),
        (lambda x: {"z": x * 2}, "dict"),
        (lambda x: (x * 2, (x * 3,)), "tuple"),
        (lambda x: (x * 2).detach()._array, r"\w+"),
    ],
)
def test_what_no_gradient_goes_through_is_no_output(backend, forward, what):
    own = function(lambda ctx, x: forward(x), lambda ctx, g: g)
    for x in (leaf([1.0, 2.0]), tensor([1.0, 2.0])):
        with pytest.raises(TypeError, match=f"Own.forward returned a {what}, through which no gradient goes"):
            own.apply(x)


def test_a_named_tuple_is_returned_as_one(backend):
    class Parts(NamedTuple):
        value: object
        twice: object

    own = function(lambda ctx, x: Parts(x * 1, x * 2), lambda ctx, g, h: g + 2 * h)
    x = leaf([1.0])
    parts = own.apply(x)
    (parts.value + parts.twice).backward()
    assert (type(parts), x.grad.item(), type(own.apply(x.detach()))) == (Parts, 3, Parts)


def test_a_tensor_hidden_in_a_list_is_refused_and_not_dropped(backend):
    own = function(lambda ctx, xs: xs[0] * 2, lambda ctx, g: None)
    with pytest.raises(GradientError, match=r"Own.apply: 'xs' is a list with a tensor in it.*apply\(\*tensors\)"):
        own.apply([leaf([1.0])])
    assert own.apply([tensor([1.0])]).tolist() == [2]


# Writes within forward


class Doubled(Function):
    @staticmethod
    def forward(ctx, x):
        x *= 2
        ctx.mark_dirty(x)
        return x

    @staticmethod
    def backward(ctx, g):
        return g * 2


def test_an_input_that_is_marked_dirty_is_changed_and_returned(backend):
    x = leaf([1.0, 2.0])
    y = x * 1
    before = y * y
    z = Doubled.apply(y)
    assert z is y and y.grad_fn.name == "DoubledBackward" and y.tolist() == [2, 4]
    (before + z * 10).sum().backward()
    assert x.grad.tolist() == [22, 24]


def test_a_view_that_is_marked_dirty_changes_its_base(backend):
    x = leaf([1.0, 2.0])
    y = x * 1
    view = y[:1]
    Doubled.apply(view)
    assert y.tolist() == [2, 2]
    (y * y).sum().backward()
    assert x.grad.tolist() == [8, 4]


def test_a_dirty_input_saved_before_and_after_it_changed(backend):
    class Squared(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            x *= x
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, g):
            (before,) = ctx.saved_tensors
            return 2 * g * before

    class Exponential(Function):
        @staticmethod
        def forward(ctx, x):
            x[...] = gpugrad.exp(x)
            ctx.mark_dirty(x)
            ctx.save_for_backward(x)
            return x

        @staticmethod
        def backward(ctx, g):
            (after,) = ctx.saved_tensors
            return g * after

    x = leaf([3.0])
    first, second = derivatives(lambda x: Squared.apply(x * 1), x, 2)[1:]
    assert (first, second) == ([6], [2])
    for found in derivatives(lambda x: Exponential.apply(x * 1), x, 3):
        np.testing.assert_allclose(found, np.exp([3.0]), rtol=1e-14)


def test_a_dirty_leaf_or_one_that_is_not_returned_is_refused(backend):
    x = leaf([1.0])
    with pytest.raises(GradientError, match="leaf"):
        Doubled.apply(x)

    class Lost(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x * 2

        backward = Doubled.backward

    with pytest.raises(GradientError, match="Lost.forward: what is marked dirty must be an argument, and be returned"):
        Lost.apply(x * 1)


# Gradients, and what backward does with them


def test_backward_cannot_change_what_others_are_given(backend):
    kept = []

    def backward(ctx, g):
        kept.append(g)
        g *= 100
        return g

    x, y = leaf([1.0]), leaf([1.0])
    seed = tensor([1.0], dtype=float64)
    (function(lambda ctx, x: x * 1, backward).apply(x) + y).backward(seed)
    assert (x.grad.item(), y.grad.item(), seed.item()) == (100, 1, 1)
    kept[0] += 1
    assert x.grad.item() == 100


def test_a_gradient_is_never_the_memory_of_something_else(backend):
    constant = tensor([5.0], dtype=float64)

    class Lending(Function):
        @staticmethod
        def forward(ctx, x, y, w):
            ctx.save_for_backward(x)
            return x * y * w

        @staticmethod
        def backward(ctx, g):
            return ctx.saved_tensors[0], constant, constant[:]

    for create_graph in (False, True):
        x, y, w = leaf([1.0]), leaf([2.0]), leaf([3.0])
        Lending.apply(x, y, w).backward(create_graph=create_graph)
        for p in (x, y, w):
            with gpugrad.no_grad():
                p.grad.data += 100
        assert (x.item(), constant.item(), y.grad.item(), w.grad.item()) == (1, 5, 105, 105)


def test_one_gradient_for_two_inputs_is_two(backend):
    own = function(lambda ctx, x, y: x + y, lambda ctx, g: (g, g))
    x, y = leaf([1.0]), leaf([2.0])
    own.apply(x, y).backward()
    own.apply(x, y).backward()
    x.grad += 10
    assert (x.grad.item(), y.grad.item()) == (12, 2)


def test_hooks_see_the_gradients_of_a_function(backend):
    seen = []
    x = leaf([1.0])
    y = Power.apply(x * 1, 2)
    y.register_hook(lambda g: seen.append(g.item()))
    y.retain_grad()
    p, s = ProductAndSum.apply(y, y)
    p.register_hook(lambda g: g * 10)
    (p + s).backward()
    assert (seen, y.grad.item(), x.grad.item()) == ([22], 22, 44)


def test_backward_may_walk_a_graph_of_its_own(backend):
    class Checkpointed(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return gpugrad.sin(x) * x

        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            with gpugrad.enable_grad():
                x = ctx.saved_tensors[0].detach().requires_grad_()
                z = gpugrad.sin(x) * x
            z.backward(g)
            return x.grad

    x = leaf([0.5])
    (Checkpointed.apply(x * 2) * 3).backward()
    np.testing.assert_allclose(x.grad.item(), 6 * (np.cos(1) + np.sin(1)), rtol=1e-14)


def test_once_differentiable_says_so_when_it_is_differentiated_twice(backend):
    class Numeric(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            assert not gpugrad.is_grad_enabled()
            return tensor(2 * g.cpu().numpy() * x.detach().cpu().numpy(), device=x.device)

    x = leaf([3.0])
    with gpugrad.use_backend("numpy"):
        Numeric.apply(x).backward()
        (first,) = grad(Numeric.apply(x), x, create_graph=True)
    assert (x.grad.item(), first.item()) == (6, 6)
    with pytest.raises(GradientError, match="Numeric.backward is marked once_differentiable"):
        grad(first, x)
    with pytest.raises(GradientError, match="once_differentiable"):
        (first * first).backward()
    u = leaf([1.0])
    (transposed,) = grad(Numeric.apply(x), x, u, create_graph=True)
    with pytest.raises(GradientError, match="once_differentiable"):
        grad(transposed, u)


def test_the_gradient_is_differentiable_by_the_cotangent_too(backend):
    """Forward mode transposes the walk back: the derivative by the seed must be right, and not 0."""
    x = leaf([0.5, 2.0])
    u = leaf([1.0, 1.0])
    (g,) = grad(Power.apply(x, 3), x, u, create_graph=True)
    (jvp,) = grad(g, u, tensor([1.0, 10.0], dtype=float64), create_graph=True)
    assert jvp.tolist() == [0.75, 120]
    assert grad(jvp.sum(), x)[0].tolist() == [3, 120]


def test_complex_gradients_are_those_of_pytorchs_convention(backend):
    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * gpugrad.conj(2 * x)

    for create_graph in (False, True):
        ours, theirs = (tensor([1 + 2j], requires_grad=True) for _ in range(2))
        gpugrad.real((1 + 1j) * Square.apply(ours)).sum().backward(create_graph=create_graph)
        gpugrad.real((1 + 1j) * theirs * theirs).sum().backward()
        assert ours.grad.tolist() == theirs.grad.tolist()


def test_a_real_input_of_a_complex_function_has_a_real_gradient(backend):
    own = function(lambda ctx, x: x * 1j, lambda ctx, g: gpugrad.real(g * -1j))
    x = leaf([2.0])
    gpugrad.imag(own.apply(x)).sum().backward()
    assert (x.grad.dtype, x.grad.item()) == (float64, 1)


# What is missing, and what goes wrong


def test_a_class_that_lacks_a_method_says_which(backend):
    x = leaf([1.0])
    with pytest.raises(NotImplementedError, match="Function has no forward"):
        Function.apply(x)
    with pytest.raises(NotImplementedError, match="Half has no backward"):
        type("Half", (Function,), {"forward": staticmethod(lambda ctx, x: x * 2)}).apply(x)


def test_a_function_is_not_instantiated():
    with pytest.raises(TypeError, match=r"Power has no instances: call Power.apply"):
        Power()


def test_an_error_in_backward_leaves_no_gradient(backend):
    def backward(ctx, g):
        raise ZeroDivisionError("mine")

    x, y = leaf([1.0]), leaf([1.0])
    with pytest.raises(ZeroDivisionError, match="mine"):
        (function(lambda ctx, x: x * 2, backward).apply(x) + y).backward()
    assert x.grad is None and y.grad is None and gpugrad.is_grad_enabled()


def test_threads_share_a_class_and_not_a_context(backend):
    found = {}

    def work(n):
        x = tensor(np.full(50, float(n)), device="cpu", requires_grad=True)
        for _ in range(20):
            x.grad = None
            Power.apply(x, 2).sum().backward()
        found[n] = x.grad.tolist()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: [2.0 * n] * 50 for n in range(4)}


def test_a_long_chain_of_calls_is_walked_and_freed_without_recursion():
    x = leaf([1.0])
    z = x
    for _ in range(20_000):
        z = Power.apply(z, 1)
    z.backward()
    assert x.grad.item() == 1
    del z


def test_a_graph_with_a_function_in_it_is_drawn(backend):
    x = leaf([1.0, 2.0])
    assert "Power" in str(gpugrad.draw(Power.apply(x * 2, 3).sum(), format="svg"))


def test_classes_are_pickled_by_name():
    assert pickle.loads(pickle.dumps(Function)) is Function


def test_a_function_within_transforms_of_transforms(backend):
    """Forward mode over forward mode through a custom Function is 0 elsewhere, silently."""
    from gpugrad import func

    def cube(x):
        return Power.apply(x, 3)

    x = tensor(2.0, dtype=float64)
    assert func.grad(func.grad(cube))(x).item() == 12
    assert func.jacfwd(func.jacfwd(cube))(x).item() == 12
    assert func.jacfwd(func.grad(cube))(x).item() == 12
    assert [z.item() for z in func.jvp(cube, (x,), (tensor(1.0, dtype=float64),))] == [8, 12]
    assert func.vmap(cube)(gpugrad.ones(3)).tolist() == [1, 1, 1]


def test_what_a_function_saves_may_be_packed(backend):
    packed = []

    def pack(t):
        packed.append(t.tolist())
        return t.tolist()

    x = leaf([2.0, 3.0])
    with gpugrad.autograd.graph.saved_tensors_hooks(pack, lambda values: tensor(values, dtype=float64)):
        z = Power.apply(x, 2)
    assert packed == [[2, 3]] and grad(z.sum(), x)[0].tolist() == [4, 6]


def test_an_inference_tensor_is_not_saved(backend):
    with gpugrad.inference_mode():
        w = gpugrad.ones(2, dtype=float64) * 2
        assert ProductAndSum.apply(w, w)[0].tolist() == [4, 4]
    with pytest.raises(GradientError, match="inference tensor"):
        ProductAndSum.apply(leaf([1.0, 2.0]), w)
