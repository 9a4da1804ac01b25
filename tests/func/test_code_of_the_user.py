"""Code of the user's that a transform runs sees single values, and transforms that it uses are its own."""

import copy
import pickle
import threading

import numpy as np
import pytest

import gpugrad as gg
from gpugrad import func
from gpugrad.autograd import Function, checkpoint, graph
from gpugrad.errors import GradientError, OptionError
from gpugrad.func._batched import DependsOnExample


class Slope(Function):
    """The derivative of x^3, by transforms within forward and within backward."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return func.grad(lambda x: gg.sum(x**3))(x)

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return func.jvp(func.grad(lambda x: gg.sum(x**3)), (x,), (g,))[1]


def examples():
    return gg.tensor(np.arange(1.0, 7.0).reshape(3, 2))


def test_a_function_that_uses_transforms_is_called_for_each_example_of_vmap(backend):
    x = examples()
    assert func.vmap(Slope.apply)(x).tolist() == (3 * x * x).tolist()
    assert func.vmap(func.vmap(Slope.apply))(x).tolist() == (3 * x * x).tolist()


def test_its_gradient_for_each_example_is_not_dropped(backend):
    x = examples()
    slopes = func.vmap(func.grad(lambda x: gg.sum(Slope.apply(x))))(x)
    assert slopes.tolist() == (6 * x).tolist()
    jacobians = func.vmap(func.jacfwd(Slope.apply))(x)
    assert jacobians.tolist() == gg.stack([gg.eye(2, dtype=x.dtype) * 6 * row for row in x]).tolist()


def test_a_checkpointed_transform_is_computed_again_within_the_walks_of_a_jacobian(backend):
    x = gg.tensor(np.array([0.5, -1.0, 2.0]))

    def f(x):
        return func.vjp(gg.sin, gg.exp(x) * x)[0]

    for jacobian in (func.jacfwd, func.jacrev):
        assert jacobian(lambda x: checkpoint(f, x))(x).tolist() == jacobian(f)(x).tolist()


def test_what_hooks_pack_is_seen_outside_of_vmap(backend):
    seen = []

    def packed(t):
        seen.append(func.grad(lambda t: gg.sum(t * t))(t).shape)
        return t

    with graph.saved_tensors_hooks(packed, lambda t: t):
        slopes = func.vmap(func.grad(lambda x: gg.sum(gg.exp(x))))(examples())
    assert slopes.tolist() == gg.exp(examples()).tolist()
    assert seen and all(len(shape) < 3 for shape in seen)


class Noisy(Function):
    @staticmethod
    def forward(ctx, x):
        return x + gg.randn(2, dtype=x.dtype, device=x.device)

    @staticmethod
    def backward(ctx, g):
        return g


def test_random_numbers_in_a_function_are_drawn_as_vmap_says(backend):
    x = gg.zeros((3, 2))
    same = func.vmap(Noisy.apply, randomness="same")(x).tolist()
    assert same[0] == same[1] == same[2]
    different = func.vmap(Noisy.apply, randomness="different")(x).tolist()
    assert len({tuple(row) for row in different}) == 3 and different[0] != same[0]
    with pytest.raises(OptionError, match="random numbers are drawn in a function that vmap calls"):
        func.vmap(Noisy.apply)(x)


def test_a_value_of_vmap_that_a_function_finds_around_it_is_refused():
    around = []

    class Reads(Function):
        @staticmethod
        def forward(ctx, x):
            return x * around[0]

        @staticmethod
        def backward(ctx, g):
            return g

    def f(x):
        around[:] = [x]
        return Reads.apply(gg.ones(2))

    with pytest.raises(DependsOnExample, match=r"Reads\.forward must return tensors .* from its arguments alone"):
        func.vmap(f)(gg.ones((3, 2)))


def in_a_thread(f):
    found = []

    def run():
        try:
            found.append(f())
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]


def test_values_of_vmap_in_another_thread_are_computed_on_but_not_differentiated():
    x = examples()
    assert func.vmap(lambda x: in_a_thread(lambda: x * 2))(x).tolist() == (x * 2).tolist()
    inner = func.vmap(lambda x: in_a_thread(lambda: func.vmap(lambda y: y * x)(gg.ones(2, dtype=x.dtype))))(x)
    assert inner.tolist() == gg.stack([x, x], axis=1).tolist()
    for differentiated in (
        lambda x: func.grad(lambda y: gg.sum(y * y))(x),
        lambda x: func.grad(lambda y: gg.sum(y * x))(gg.ones(2, dtype=x.dtype)),
    ):
        with pytest.raises(GradientError, match="a value of vmap is differentiated where that vmap is not"):
            func.vmap(lambda x, f=differentiated: in_a_thread(lambda: f(x)))(x)


def squares(x):
    return gg.sum(x * x)


@pytest.mark.parametrize(
    "derivative",
    [
        func.grad(squares),
        lambda x: func.vjp(squares, x)[1](gg.ones((), dtype=x.dtype))[0],
        lambda x: func.jvp(squares, (x,), (x,))[1],
        lambda x: func.linearize(squares, x)[1](x),
        func.jacrev(squares),
        func.jacfwd(squares),
        func.hessian(squares),
        lambda x: func.hvp(squares, (x,), (x,))[0],
        lambda x: func.ggnvp(gg.exp, squares, (x,), (x,))[0],
        func.vmap(func.grad(lambda x: x * x)),
    ],
)
def test_a_transform_differentiates_its_function_within_inference_mode(backend, derivative):
    x = gg.tensor(np.array([1.0, 2.0, 3.0]))
    with gg.inference_mode():
        found, of_inference = derivative(x), derivative(x * 1)
    assert not found.requires_grad and np.any(found.cpu().numpy())
    assert found.tolist() == of_inference.tolist() == derivative(x).tolist()


def test_inference_mode_within_the_function_holds_there():
    def f(x):
        with gg.inference_mode():
            return squares(x)

    assert func.grad(f)(gg.ones(2)).tolist() == [0, 0]


def test_a_value_of_vmap_is_copied_moved_and_not_pickled():
    x = examples()
    assert func.vmap(copy.deepcopy)(x).tolist() == func.vmap(copy.copy)(x).tolist() == x.tolist()
    assert func.vmap(lambda x: x.to_device("cpu"))(x).tolist() == x.tolist()
    with pytest.raises(DependsOnExample, match="the pickle of a value"):
        func.vmap(pickle.dumps)(x)
    with pytest.raises(AttributeError, match=r"\.register_hook is not there for a value that vmap has one of for each"):
        func.vmap(lambda x: x.register_hook(print))(x)
    with pytest.raises(AttributeError, match="a value of vmap has no attribute 'colour'"):
        func.vmap(lambda x: x.colour)(x)
    with pytest.raises(DependsOnExample, match="outputs are tensors, and vmap brings one for each example"):
        func.vmap(lambda x: gg.autograd.grad(x, x))(x)
