"""What works alone works together: in each pair of modes, wrappers and transforms a program is what it is by itself."""

from __future__ import annotations

import gc
import threading
from contextlib import contextmanager
from itertools import count, product
from weakref import ref

import numpy as np
import pytest

import gpugrad as gg
from gpugrad import func
from gpugrad._graph import modes
from gpugrad.autograd import (
    Function,
    checkpoint,
    custom_op,
    detect_anomaly,
    detect_foreign_writes,
    enable_grad,
    grad,
    gradcheck,
    graph,
    inference_mode,
    no_grad,
    strong_zero,
)

gate = gg.elementwise("T x, T y", "T z", "z = x * tanh(y)", name="gate")


@custom_op(x=lambda g, z: g * z)
def own_exp(x, *, xp):
    return xp.exp(x)


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x * x


# Programs: a real scalar of some tensors.


def layers(w1, b, w2, x):
    h = gg.nn.functional.linear(x, w1, b)
    h = gg.nn.functional.relu(h) + gg.tanh(h)
    return gg.nn.functional.cross_entropy(h @ w2, gg.asarray([0, 1, 2, 0], device=x.device))


def ops_of_the_user(x, y):
    z = gate(gg.exp(x * 0.3) + gg.sin(y) * x, y)
    return (z.sum() + own_exp(x * 0.1).mean() + Cube.apply(y).sum()) * 0.5


def matrices(a, b):
    s = a @ a.mT + 3 * gg.eye(3, dtype=a.dtype, device=a.device)
    return gg.linalg.det(s) * 0.01 + gg.linalg.solve(s, b).sum() + gg.linalg.cholesky(s).sum()


def writes(x, y):
    z = gg.stack([x, x * 2])
    z[0, 1:] = y[:-1] * x[0]
    z[1] *= y[2]
    v = z[:, ::2]
    v += gg.take(y, gg.asarray([0, 0], device=x.device))
    return (z * z).sum()


def complex_numbers(x, y):
    z = (x + 1j * y) * gg.exp(1j * x)
    return gg.real(gg.sum(z * gg.conj(z) * (1 + 2j))) + gg.abs(z).sum()


def drawn(*shapes):
    random = np.random.default_rng(len(shapes))
    return [random.normal(size=shape) for shape in shapes]


PROGRAMS = {
    layers: drawn((5, 3), (5,), (5, 3), (4, 3)),
    ops_of_the_user: drawn((2, 4), (4,)),
    matrices: drawn((3, 3), (3, 2)),
    writes: drawn((4,), (4,)),
    complex_numbers: drawn((3,), (3,)),
}


# Modifiers: of a program they make one with the same value and the same derivatives.


def block(*made):
    def modified(f):
        def call(*args):
            with made[0](*made[1:]):
                return f(*args)

        return call

    return modified


def opposite_modes(f):
    def call(*args):
        with inference_mode(), inference_mode(False), no_grad(), enable_grad():
            return f(*args)

    return call


def in_a_function(f):
    """A Function that differentiates by autograd.grad, recorded for higher orders."""

    class Whole(Function):
        @staticmethod
        def forward(ctx, *args):
            ctx.save_for_backward(*args)
            return f(*args)

        @staticmethod
        def backward(ctx, g):
            args = ctx.saved_tensors
            places = [i for i, needed in enumerate(ctx.needs_input_grad) if needed]
            with enable_grad():
                found = grad(f(*args), [args[i] for i in places], g, create_graph=True, allow_unused=True)
            return tuple(found[places.index(i)] if i in places else None for i in range(len(args)))

    return Whole.apply


def in_a_function_with_vjp(f):
    class Whole(Function):
        @staticmethod
        def forward(ctx, *args):
            ctx.save_for_backward(*args)
            return f(*args)

        @staticmethod
        def backward(ctx, g):
            return func.vjp(f, *ctx.saved_tensors)[1](g)

    return Whole.apply


class Calls(gg.nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f
        self.scale = gg.nn.Parameter(gg.zeros(()))

    def forward(self, *args):
        return self.f(*args) * self.scale


def functional_call(f):
    module = Calls(f)
    return lambda *args: func.functional_call(module, {"scale": gg.mean(gg.ones_like(args[0]))}, args)


def module_with_hooks(f):
    module = Calls(lambda *args: f(*args) + 1)
    module.register_forward_pre_hook(lambda module, args: tuple(x * 1 for x in args))
    module.register_forward_hook(lambda module, args, z: module.f(*args) - 1)
    return module


def hooked(f):
    def call(*args):
        z = f(*(a * 1 for a in args))
        if type(z) is gg.Tensor and z.requires_grad:
            z.register_hook(lambda g: g.clone())
            z.grad_fn.register_prehook(lambda given: given)
            z.grad_fn.register_hook(lambda given, came: given)
            z.retain_grad()
        return z

    return call


def written_later(f):
    def call(*args):
        own = [a * 1 for a in args]
        z = f(*own)
        with no_grad():
            for x in own:
                x *= 0
        return z

    return call


def in_a_thread(f):
    def call(*args):
        found, here = [], modes.present()

        def run():
            before = modes.change(**here)
            try:
                found.append(f(*args))
            except BaseException as error:
                found.append(error)
            finally:
                modes.change(**before)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        if isinstance(found[0], BaseException):
            raise found[0]
        return found[0]

    return call


def in_a_generator(f):
    @enable_grad()
    @strong_zero()
    def steps(*args):
        yield None
        yield f(*args)

    def call(*args):
        generator = steps(*args)
        next(generator)
        return next(generator)

    return call


@contextmanager
def kept_as_numpy():
    def packed(t):
        return t.device, t.clone().cpu().numpy()

    with graph.saved_tensors_hooks(packed, lambda p: gg.tensor(p[1], device=p[0])):
        yield


MODIFIERS = {
    "checkpoint": lambda f: lambda *args: checkpoint(f, *args),
    "save_on_cpu": block(graph.save_on_cpu),
    "hooks that keep": block(graph.saved_tensors_hooks, lambda t: t, lambda t: t),
    "hooks that copy": block(kept_as_numpy),
    "Function": in_a_function,
    "Function with vjp": in_a_function_with_vjp,
    "opposite modes": opposite_modes,
    "strong_zero": block(strong_zero),
    "detect_anomaly": block(detect_anomaly),
    "detect_foreign_writes": block(detect_foreign_writes),
    "profile": block(gg.profile),
    "functional_call": functional_call,
    "hooks of modules": module_with_hooks,
    "vmap": lambda f: lambda *args: func.vmap(f)(*(gg.stack([a, a]) for a in args))[1],
    "value_and_grad": lambda f: lambda *args: func.value_and_grad(f)(*args)[0],
    "jvp": lambda f: lambda *args: func.jvp(f, args, args)[0],
    "vjp": lambda f: lambda *args: func.vjp(f, *args)[0],
    "hooks of nodes": hooked,
    "writes afterwards": written_later,
    "thread": in_a_thread,
    "generator": in_a_generator,
}
ROUNDED = {"vmap", "Function with vjp", "hooks of modules"}
"""Where the same operations run on stacks, or gradients are added in another order."""


# Ways to a derivative.


def leaves(args):
    return [a.detach().requires_grad_() for a in args]


def backward(f, args):
    args = leaves(args)
    z = f(*args)
    z.backward()
    return [z, *(a.grad for a in args)]


def by_grad(f, args):
    args = leaves(args)
    z = f(*args)
    return [z, *grad(z, args)]


def second_order(f, args):
    args = leaves(args)
    z = f(*args)
    return [z, *grad(sum((g * g).sum() for g in grad(z, args, create_graph=True)), args)]


def func_grad(f, args):
    gradients, z = func.grad_and_value(f, argnums=tuple(range(len(args))))(*args)
    return [z, *gradients]


def jacrev(f, args):
    return func.jacrev(f, tuple(range(len(args))))(*args)


def jacfwd(f, args):
    return func.jacfwd(f, tuple(range(len(args))))(*args)


def hvp(f, args):
    return func.hvp(f, tuple(args), tuple(args))


def of_each_example(f, args):
    return func.vmap(func.grad(f, argnums=tuple(range(len(args)))))(*(gg.stack([a, a]) for a in args))


WAYS = (backward, by_grad, second_order, func_grad, jacrev, jacfwd, hvp, of_each_example)
EXACT = (backward, by_grad, func_grad)
CASES = list(product(PROGRAMS, WAYS))


@pytest.fixture(scope="module")
def alone():
    """Return a function that returns what comes of a program by itself, on the backend that new tensors go to."""
    known = {}

    def run(program, way):
        key = program, way, gg.get_backend()
        if key not in known:
            known[key] = found(program, program, way)
        return known[key]

    return run


def found(program, modified, way):
    args = [gg.tensor(x) for x in PROGRAMS[program]]
    return [x.detach().cpu().numpy() for x in way(modified, args)]


@pytest.mark.parametrize("outer", MODIFIERS)
def test_a_program_within_two_things_is_what_it_is_by_itself(backend, outer, alone):
    turn = count(list(MODIFIERS).index(outer) * 7 + len(backend))  # all programs and ways in turn
    for inner in MODIFIERS:
        program, way = CASES[next(turn) * 7 % len(CASES)]
        got = found(program, MODIFIERS[outer](MODIFIERS[inner](program)), way)
        case = f"{outer}, {inner}, {program.__name__}, {way.__name__}"
        for x, wanted in zip(got, alone(program, way), strict=True):
            assert (x.shape, x.dtype) == (wanted.shape, wanted.dtype), case
            if way in EXACT and not ROUNDED & {outer, inner}:
                assert x.tobytes() == wanted.tobytes(), case
            else:
                np.testing.assert_allclose(x, wanted, rtol=1e-9, atol=1e-9, err_msg=case)


@pytest.mark.parametrize("modifier", MODIFIERS)
def test_tools_take_a_program_within_anything(modifier):
    modified = MODIFIERS[modifier](ops_of_the_user)
    x, y = leaves([gg.tensor(x) for x in PROGRAMS[ops_of_the_user]])
    assert gradcheck(modified, [x, y], fast_mode=True)
    assert gg.compare_backends(modified, [x, y], ("float32", "float64")).agrees
    loss = modified(x, y)
    assert str(gg.draw(loss)) and str(gg.memory_report(loss))


@pytest.mark.parametrize("modifier", MODIFIERS)
def test_nothing_is_left_of_a_graph_that_was_dropped(modifier):
    modified = MODIFIERS[modifier](ops_of_the_user)
    args = leaves([gg.tensor(x) for x in PROGRAMS[ops_of_the_user]])
    modified(*args).backward()
    gc.collect()
    gc.disable()
    try:
        loss = modified(*args)
        node = ref(loss.grad_fn)
        below = [ref(n) for n, _ in loss.grad_fn.next_functions if n is not None and n.next_functions]
        del loss
        assert node() is None and all(n() is None for n in below)
    finally:
        gc.enable()
