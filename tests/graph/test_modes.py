"""Modes: what is recorded, for whom, and what inference tensors may be used for."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import threading

import numpy as np
import pytest

import gpugrad as gg
from gpugrad._graph import modes
from gpugrad.autograd import grad, inference_mode, is_inference_mode_enabled, set_strong_zero, strong_zero


def leaf(values, **options):
    return gg.tensor(values, requires_grad=True, **options)


def same(tensor, values):
    np.testing.assert_array_equal(np.asarray(tensor.tolist()), np.asarray(values))


@pytest.fixture(autouse=True)
def usual():
    """Every test leaves the modes as it found them."""
    yield
    assert gg.is_grad_enabled()
    assert not is_inference_mode_enabled()
    assert not modes.mode.strong_zero


# Blocks and decorators

MODES = [gg.no_grad, gg.inference_mode, lambda: gg.set_grad_enabled(False)]


@pytest.mark.parametrize("mode", MODES)
def test_a_coroutine_is_in_its_mode_and_others_between_its_steps_are_not(mode):
    @mode()
    async def inside():
        seen = [gg.is_grad_enabled()]
        await asyncio.sleep(0)
        try:
            await failing()
        except KeyError:
            seen.append(gg.is_grad_enabled())
        return seen

    async def failing():
        await asyncio.sleep(0)
        raise KeyError

    async def outside():
        seen = [gg.is_grad_enabled()]
        for _ in range(3):
            await asyncio.sleep(0)
            seen.append(gg.is_grad_enabled())
        return seen

    async def main():
        return await asyncio.gather(inside(), outside(), inside(), outside())

    gg.set_grad_enabled(True)
    assert asyncio.run(main()) == [[False] * 2, [True] * 4] * 2


@pytest.mark.parametrize("mode", MODES)
def test_an_asynchronous_generator_is_in_its_mode_and_its_consumer_is_not(mode):
    closed = []

    @mode()
    async def inside():
        try:
            got = yield gg.is_grad_enabled()
            await asyncio.sleep(0)
            yield got
            try:
                yield 0
            except KeyError:
                yield gg.is_grad_enabled()
        finally:
            closed.append(gg.is_grad_enabled())

    async def main():
        g = inside()
        seen = [await g.asend(None), gg.is_grad_enabled(), await g.asend("sent"), await g.asend(None)]
        seen.append(await g.athrow(KeyError()))
        await g.aclose()
        return [*seen, gg.is_grad_enabled(), [x async for x in inside()]]

    gg.set_grad_enabled(True)
    assert asyncio.run(main()) == [False, True, "sent", 0, False, True, [False, None, 0]]
    assert closed == [False, False]


@pytest.mark.parametrize("mode", MODES)
def test_a_generator_is_closed_in_its_mode(mode):
    seen = []

    @mode()
    def inside():
        try:
            yield 1
        finally:
            seen.append(gg.is_grad_enabled())

    gg.set_grad_enabled(True)
    steps = inside()
    next(steps)
    steps.close()
    assert seen == [False]


@pytest.mark.parametrize("mode", [gg.no_grad, gg.enable_grad, gg.inference_mode, strong_zero])
def test_a_mode_decorates_without_parentheses_too(mode):
    def state():
        return gg.is_grad_enabled(), is_inference_mode_enabled(), modes.mode.strong_zero

    with mode():
        expected = state()
    assert mode(state)() == mode()(state)() == expected
    assert mode(state).__name__ == "state"


@pytest.mark.parametrize("mode", [gg.no_grad, gg.enable_grad, gg.inference_mode])
def test_a_class_is_not_decorated(mode):
    class Model:
        pass

    for decorate in (mode, mode()):
        with pytest.raises(TypeError, match="Model is a class: decorate its methods"):
            decorate(Model)


def test_one_block_object_may_be_entered_again_within_itself():
    block = gg.no_grad()
    with block:
        with block, gg.enable_grad():
            assert gg.is_grad_enabled()
        assert not gg.is_grad_enabled()


def test_strong_zero_is_a_block_a_decorator_and_a_statement():
    set_strong_zero(True)
    assert modes.mode.strong_zero
    with strong_zero(False):
        assert not modes.mode.strong_zero
    assert modes.mode.strong_zero
    set_strong_zero(False)
    with set_strong_zero(True):
        assert modes.mode.strong_zero
    assert strong_zero()(lambda: modes.mode.strong_zero)()


def test_modes_of_one_thread_are_not_those_of_another():
    seen = []
    with gg.inference_mode(), strong_zero():
        thread = threading.Thread(
            target=lambda: seen.append((gg.is_grad_enabled(), is_inference_mode_enabled(), modes.mode.strong_zero))
        )
        thread.start()
        thread.join()
        seen.append(gg.ones(1).is_inference())
    assert seen == [(True, False, False), True]


def test_the_hot_path_looks_at_modes_only_while_some_thread_is_in_one():
    assert modes.unusual == 0
    with gg.no_grad(), gg.inference_mode(), gg.no_grad():
        assert modes.unusual == 1
    with strong_zero(), gg.enable_grad():
        assert modes.unusual == 0
    assert modes.unusual == 0


def test_a_thread_that_ends_in_a_mode_is_counted_no_longer():
    def work():
        gg.set_grad_enabled(False)
        seen.append(modes.unusual)

    seen = []
    threads = [threading.Thread(target=work) for _ in range(3)]
    for t in threads:
        t.start()
        t.join()
    del t, threads
    gc.collect()
    assert seen[0] == 1
    assert modes.unusual == 0
    assert (leaf([1.0]) * 2).requires_grad


# Inference


def test_what_is_made_in_inference_mode_is_marked(backend):
    x, c = leaf([[1.0, 2.0]]), gg.ones(2)
    with gg.inference_mode():
        made = [
            gg.ones(2), gg.zeros((1, 2)), gg.arange(3), gg.tensor([1.0]), gg.asarray([1.0]), gg.rand(2), x * 2, x + x,
            gg.exp(x), x.sum(), x @ x.T, gg.concat([x, x]), gg.where(x > 1, x, 0.0), x > 1, x.clone(), c * 1,
            gg.ones_like(x), x.to(gg.float64), gg.softmax(x), *gg.unstack(gg.ones((2, 2))),
        ]  # fmt: skip
        same_memory = [x[0], x.T, x.detach(), x.data, c[:1], c.reshape(2, 1), *gg.unstack(x)]
    assert all(t.is_inference() for t in made)
    assert not any(t.requires_grad for t in (*made, *same_memory))
    assert not any(t.is_inference() for t in same_memory)
    assert all(t[..., :1].is_inference() for t in made if t.ndim)
    assert not any((t * 1).is_inference() or t.clone().is_inference() for t in made)


def test_parameters_made_in_inference_mode_are_ordinary_ones(backend):
    with gg.inference_mode():
        layer = gg.nn.Linear(2, 2)
        parts = copy.deepcopy(gg.ones(2)), pickle.loads(pickle.dumps(gg.ones(2)))
    layer(gg.ones((1, 2))).sum().backward()
    assert all(p.grad is not None for p in layer.parameters())
    assert not any(t.is_inference() for t in parts)


@pytest.mark.parametrize(
    "save",
    [
        lambda x, i: x * i,
        lambda x, i: i * x,
        lambda x, i: x @ i,
        lambda x, i: x**i,
        lambda x, i: x * i[:1],
        lambda x, i: gg.exp(leaf([1.0]) + 0) * i,
        lambda x, i: gg.linear(x, i.reshape(1, 2)),
        lambda x, i: (x * 1).mul_(i),
    ],
)
def test_an_inference_tensor_that_backward_would_need_says_clone(backend, save):
    x = leaf([1.0, 2.0])
    with gg.inference_mode():
        i = gg.tensor([3.0, 4.0])
    with pytest.raises(RuntimeError, match=r"\(.*\) cannot be saved for backward.*\.clone\(\)"):
        save(x, i)
    save(x, i.clone())
    with gg.no_grad():
        save(x, i)


def test_an_inference_tensor_goes_where_nothing_is_saved(backend):
    x = leaf([1.0, 2.0])
    with gg.inference_mode():
        i = gg.tensor([3.0, 4.0])
    y = x + i
    y -= i
    y[:1] = i[:1]
    (y * 2).sum().backward()
    same(x.grad, [0, 2])


def test_an_inference_tensor_is_written_in_inference_mode_alone(backend):
    with gg.inference_mode():
        i = gg.ones(3)
        view = i[:2]
        i += 1
        view[0] = 5.0
    same(i, [5, 2, 2])
    for write in (lambda: i.add_(1), lambda: i[:1].zero_(), lambda: i.__setitem__(0, 1.0), lambda: i.detach().zero_()):
        with pytest.raises(RuntimeError, match=r"inference tensor.*\.clone\(\)"):
            write()
        with gg.no_grad(), pytest.raises(RuntimeError, match="inference tensor"):
            write()
    same(i, [5, 2, 2])
    with pytest.raises(RuntimeError, match="inference tensor"):
        i.requires_grad_()
    assert not i.requires_grad


def test_a_write_in_inference_mode_to_an_ordinary_tensor_is_harmless_to_graphs(backend):
    x = leaf([1.0, 2.0])
    c, y = gg.tensor([3.0, 4.0]), x * 1
    z = (y * c * y).sum()
    with gg.inference_mode():
        c.zero_()
        x[0] = 100.0
        y *= 7
        y.data[1] = 1.0
    z.backward()
    same(x.grad, [6, 16])


def test_the_memory_of_a_users_array_is_shared_with_inference_tensors_too():
    array = np.ones(2, np.float32)
    ordinary = gg.asarray(array)
    x = leaf([1.0, 2.0])
    z = (x * ordinary).sum()
    with gg.inference_mode():
        i = gg.asarray(array)
        i += 5
        exposed = gg.ones(2)
    same(ordinary, [6, 6])
    z.backward()
    same(x.grad, [1, 1])
    again = gg.asarray(np.asarray(exposed).base)
    assert not again.is_inference()
    z = (x * again).sum()
    with gg.inference_mode():
        exposed += 5
    same(again, [6, 6])
    x.grad = None
    z.backward()
    same(x.grad, [1, 1])


def test_enable_grad_does_not_record_in_inference_mode_and_inference_mode_false_does(backend):
    x = leaf([1.0])
    with gg.inference_mode():
        with gg.enable_grad():
            assert not (x * 2).requires_grad
            assert not gg.is_grad_enabled()
        with gg.inference_mode(False):
            y = x * 2
            assert y.requires_grad
            assert not y.is_inference()
        assert is_inference_mode_enabled()
    y.sum().backward()
    same(x.grad, [2])


def test_backward_works_in_inference_mode(backend):
    x = leaf([1.0, 2.0])
    z = (x * x).sum()
    with gg.inference_mode():
        z.backward()
    (x * x).sum().backward()
    same(x.grad, [4, 8])
    z = (x * x * x).sum()
    with gg.inference_mode():
        (g,) = grad(z, x)
    same(g, [3, 12])


def test_a_leaf_made_in_inference_mode_is_used_where_it_is_not_saved(backend):
    with gg.inference_mode():
        x = gg.ones(2, requires_grad=True)
    assert x.is_leaf
    assert x.requires_grad
    (x * 3).sum().backward()
    same(x.grad, [3, 3])
    with pytest.raises(RuntimeError, match="clone"):
        x * x


def test_inference_mode_leaves_nothing_behind():
    x = leaf(np.ones(10))
    with inference_mode():
        gc.collect()
        before = len(gc.get_objects())
        for _ in range(1000):
            (x * 2)[:3].sum()
        gc.collect()
        assert len(gc.get_objects()) - before < 50
