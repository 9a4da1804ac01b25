"""Hooks on saved tensors: when they are called, with what, and that no hook and no write makes a gradient wrong."""

from __future__ import annotations

import gc
import importlib.util
import threading
import weakref
import zlib
from pathlib import Path

import numpy as np
import pytest

import gpugrad as gg
from gpugrad import nn
from gpugrad._graph import modes
from gpugrad.autograd import Function, grad
from gpugrad.autograd.graph import disable_saved_tensors_hooks, save_on_cpu, saved_tensors_hooks
from gpugrad.errors import GradientError


def _adversarial():
    """Return the module of random programs full of writes."""
    path = Path(__file__).parents[1] / "tensor" / "test_adversarial_writes.py"
    spec = importlib.util.spec_from_file_location("adversarial_writes", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def leaf(values, **options):
    return gg.tensor(values, requires_grad=True, **options)


def same(tensor, values):
    np.testing.assert_array_equal(np.asarray(tensor.tolist()), np.asarray(values))


class Counting:
    """Hooks that count their calls and note what they were given."""

    def __init__(self, pack=lambda t: t, unpack=lambda p: p):
        self.packed, self.unpacked = [], []
        self.pair = (
            lambda t: (self.packed.append(t.tolist()), pack(t))[1],
            lambda p: (self.unpacked.append(1), unpack(p))[1],
        )

    def __call__(self):
        return saved_tensors_hooks(*self.pair)


def to_stream(t):
    host = np.asarray(t.tolist(), dtype=t.dtype)
    return zlib.compress(host.tobytes()), t.shape, t.dtype, t.device


def from_stream(packed):
    data, shape, dtype, device = packed
    return gg.tensor(np.frombuffer(zlib.decompress(data), dtype).reshape(shape), device=device)


_kept = []

HOOKS = {
    "itself": (lambda t: t, lambda p: p),
    "detached": (lambda t: t.detach(), lambda p: p),
    "a view": (lambda t: (t.reshape(-1), t.shape), lambda p: p[0].reshape(p[1])),
    "a copy": (lambda t: t.clone(), lambda p: p),
    "in a dict": (lambda t: {"it": [t]}, lambda p: p["it"][0]),
    "elsewhere": (lambda t: (_kept.append(t), len(_kept) - 1)[1], lambda i: _kept[i]),
    "compressed": (to_stream, from_stream),
    "its array": None,
    "on the host": None,
}


def hooks_of(name):
    if name == "on the host":
        return save_on_cpu()
    if name == "its array":  # which, on the CPU, is a view that NumPy has of the memory
        return saved_tensors_hooks(lambda t: (t.cpu().numpy(), t.device), lambda p: gg.asarray(p[0]).to(p[1]))
    return saved_tensors_hooks(*HOOKS[name])


def network(x, w, b, scale):
    """Use flat nodes, wide ones, lists, several outputs, views, results as saved values and Python numbers."""
    h = gg.tanh(x @ w + b) * 2.0
    parts = gg.unstack(gg.concat([h, gg.exp(h) / scale], axis=0), axis=1)
    y = gg.stack(parts, axis=1)[::2]
    return (gg.logsumexp(y * y.mT.mT, axis=0) ** 3).sum() + gg.linalg.det(w @ w.mT)


@pytest.fixture
def values():
    random = np.random.default_rng(1)
    shapes = [(4, 3), (3, 3), (3,), (4, 3)]
    return [leaf(random.normal(size=shape) + (3 if i == 3 else 0)) for i, shape in enumerate(shapes)]


@pytest.mark.parametrize("name", HOOKS)
def test_hooks_change_no_bit_of_a_gradient_of_first_or_second_order(name, values, backend):
    values = [leaf(v.tolist(), dtype=gg.float64) for v in values]

    def gradients():
        z = network(*values)
        first = grad(z, values, create_graph=True)
        return [*first, *grad(sum((g * g).sum() for g in first), values)]

    plain = gradients()
    with hooks_of(name):
        hooked = gradients()
    for one, other in zip(plain, hooked, strict=True):
        same(other, one.tolist())
    _kept.clear()


@pytest.mark.parametrize("name", HOOKS)
def test_a_write_after_the_packing_leaves_the_gradient_that_of_the_value_at_its_use(name, backend):
    x, c = leaf([1.0, 2.0, 3.0]), gg.tensor([4.0, 5.0, 6.0])
    with hooks_of(name):
        h = x * 1.0
        z = (h * h * c).sum()  # h is saved while it has no other handle
        y = gg.exp(h).sum()
    view = h[:2]
    view *= 0.0
    h += 100.0
    c.zero_()
    with gg.no_grad():
        x.fill_(7.0)
        x.mul_(2.0)
    y.backward(retain_graph=True)
    np.testing.assert_allclose(x.grad.tolist(), np.exp([1.0, 2.0, 3.0]), rtol=1e-6)
    x.grad = None
    z.backward(retain_graph=True)
    same(x.grad, [8, 20, 36])
    z.backward()
    same(x.grad, [16, 40, 72])
    _kept.clear()


@pytest.mark.parametrize("name", ["itself", "a view", "elsewhere", "on the host"])
@pytest.mark.parametrize("seed", range(25))
def test_a_program_full_of_writes_is_right_under_hooks(name, seed):
    adversarial = _adversarial()
    with hooks_of(name), np.errstate(all="ignore"):
        adversarial.Program(seed).run(8 + seed)
    _kept.clear()


@pytest.mark.parametrize("seed", range(2000, 2010))
def test_a_program_full_of_writes_is_right_under_hooks_on_the_strict_backend(seed):
    adversarial = _adversarial()
    with gg.use_backend("strict"), hooks_of("itself"), np.errstate(all="ignore"):
        adversarial.Program(seed).run(30)


def test_each_saved_tensor_is_packed_once_and_unpacked_at_each_use(backend):
    counting, x = Counting(), leaf([2.0, 3.0])
    with counting():
        z = (x * x).sum()
    assert counting.packed == [[2.0, 3.0]] * 2 and not counting.unpacked
    z.backward(retain_graph=True)
    assert len(counting.unpacked) == 2
    z.backward()
    assert len(counting.unpacked) == 4 and len(counting.packed) == 2
    same(x.grad, [8, 12])


def test_a_value_is_unpacked_once_for_all_rules_of_an_operation(backend):
    kept, x = {}, leaf([4.0])

    def pack(t):
        kept[len(kept)] = t
        return len(kept) - 1

    with saved_tensors_hooks(pack, kept.pop):  # which can be done but once
        z = ((x * 2.0) / (x + 1.0) ** x).sum()
    packed = len(kept)
    z.backward(retain_graph=True)
    assert packed > 3 and not kept
    expected = x.grad.item()
    x.grad = None
    ((x * 2.0) / (x + 1.0) ** x).sum().backward()
    assert x.grad.item() == expected
    counting = Counting()
    with counting():
        z = x / (x * 1.0)
    for i in range(3):
        z.backward(retain_graph=True)
        assert len(counting.unpacked) == (i + 1) * len(counting.packed)


def test_a_write_between_two_rules_of_an_operation_does_no_harm(backend):
    a, w = leaf([6.0]), leaf([2.0])
    b = w * 1.0
    with saved_tensors_hooks(lambda t: t, lambda p: p):
        z = a / b
    same(grad(z, a, retain_graph=True)[0], [0.5])  # the rule for b, which asks for it too, has not run
    b.mul_(100.0)
    same(grad(z, a, retain_graph=True)[0], [0.5])
    z.backward()
    same(a.grad, [0.5])
    same(w.grad, [-1.5])


def test_a_value_that_several_save_may_be_packed_once(backend):
    calls, w = Counting(lambda t: t.clone()), leaf([0.5])
    x = gg.ones(2) * w
    with saved_tensors_hooks(*calls.pair, once=True, parameters=False):
        z = gg.exp(gg.exp(x * x) * w) * w
        assert len(calls.packed) == 3  # x and both results of exp, each of which two save
        x.mul_(2.0)
        z = z + x * x
    assert len(calls.packed) > 3  # it has other values now
    z.sum().backward()
    assert len(calls.unpacked) > len(calls.packed)
    found = w.grad.tolist()
    w.grad = None
    x = gg.ones(2) * w
    (gg.exp(gg.exp(x * x) * w) * w + 4 * x * x).sum().backward()
    np.testing.assert_allclose(found, w.grad.tolist(), rtol=1e-6)


def test_parameters_and_constants_are_packed_and_numbers_are_not(backend):
    counting, layer = Counting(), nn.Linear(2, 1)
    with counting():
        layer(gg.ones((1, 2))).mul_(3.0)
    assert counting.packed == [[[1.0, 1.0]], layer.weight.tolist()]


def test_what_unpacking_returns_is_what_the_rules_use(backend):
    x = leaf([1.0, 2.0])
    with saved_tensors_hooks(lambda t: t * 2, lambda p: p):
        z = x * x
    z.sum().backward()
    same(x.grad, [4, 8])


def test_the_innermost_hooks_pack(backend):
    outer, inner, x = Counting(), Counting(), leaf([2.0])
    with outer():
        a = x * x
        with inner():
            b = a * a
        c = b * b
    assert (len(outer.packed), len(inner.packed)) == (4, 2)
    c.sum().backward()
    assert (len(outer.unpacked), len(inner.unpacked)) == (4, 2)


def test_hooks_are_off_within_hooks(backend):
    counts, x = [], leaf([2.0])

    def pack(t):
        counts.append(1)
        return t * t

    with saved_tensors_hooks(pack, lambda p: gg.sqrt(p)), gg.enable_grad():
        z = x * x
    z.sum().backward()
    assert len(counts) == 2
    same(x.grad, [4])


def test_hooks_are_those_of_their_thread(backend):
    counting, x = Counting(), leaf([2.0])

    def elsewhere():
        (x * x).sum().backward()

    with counting():
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert not counting.packed
    assert modes.unusual == 0


def test_a_graph_of_hooks_may_be_walked_in_another_thread(backend):
    x = leaf([2.0])
    with saved_tensors_hooks(lambda t: t.clone(), lambda p: p):
        z = (x * x).sum()
    thread = threading.Thread(target=z.backward)
    thread.start()
    thread.join()
    same(x.grad, [4])


def test_a_hook_that_raises_leaves_everything_as_it_was(backend):
    x = leaf([2.0])
    y = x * 1.0

    def refuse(_):
        raise KeyError("no room")

    with saved_tensors_hooks(refuse, lambda p: p):
        with pytest.raises(KeyError, match="no room"):
            y *= y
        with pytest.raises(KeyError, match="no room"):
            gg.exp(y)
    same(y, [2])
    assert modes.unusual == 0
    with saved_tensors_hooks(lambda t: t, refuse):
        z = (y * y).sum()
    with pytest.raises(KeyError, match="no room"):
        z.backward()
    assert x.grad is None
    with pytest.raises(KeyError, match="no room"):
        y.mul_(3.0)  # the value must be unpacked before it is lost
    same(y, [2])
    z2 = (y * y).sum()
    z2.backward()
    same(x.grad, [4])


@pytest.mark.parametrize(
    ("unpack", "error", "text"),
    [
        (lambda t: 3, TypeError, "'x2' of multiply, returned int; it must return a tensor of shape (2,)"),
        (lambda t: t.tolist(), TypeError, "returned list"),
        (lambda t: None, TypeError, "returned NoneType"),
        (lambda t: t[:1], GradientError, "returned a tensor of shape (1,); what was packed has shape (2,)"),
        (lambda t: t.to(gg.float64), GradientError, "of dtype float64; what was packed has dtype float32"),
        (lambda t: gg.tensor(t.tolist(), device="cpu"), GradientError, "returned a tensor of device cpu"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(unpack, error, text, backend):
    if "device" in text and backend == "numpy":
        pytest.skip("there is one device")
    x = leaf([1.0, 2.0])
    with saved_tensors_hooks(lambda t: t, unpack):
        z = (x * x).sum()
    with pytest.raises(error) as caught:
        z.backward()
    assert text in str(caught.value) and "unpack_hook" in str(caught.value)
    assert x.grad is None


@pytest.mark.parametrize("hooks", [(None, lambda p: p), (lambda t: t, 3)])
def test_hooks_must_be_functions(hooks):
    with pytest.raises(TypeError, match="must be a function"):
        saved_tensors_hooks(*hooks)


def test_a_tensor_that_a_hook_was_given_is_not_written(backend):
    kept, x = [], leaf([1.0, 2.0])
    with saved_tensors_hooks(lambda t: (kept.append(t), t)[1], lambda p: p):
        z = (x * x).sum()
    for write in (
        lambda t: t.zero_(),
        lambda t: t[:1].fill_(3),
        lambda t: t.detach().add_(1),
        lambda t: t.data.mul_(2),
    ):
        with pytest.raises(GradientError, match="lent to be read"):
            write(kept[0])
    kept[0].clone().zero_()
    z.backward()
    same(x.grad, [2, 4])


def test_what_a_hook_keeps_is_safe_in_graphs_of_its_own(backend):
    kept, x, w = [], leaf([1.0, 2.0]), leaf([1.0, 1.0])
    y = x * 1.0
    with saved_tensors_hooks(lambda t: (kept.append(t), t)[1], lambda p: p):
        (y * y).sum().backward()
    y.mul_(2.0)
    z = (w * kept[0]).sum()  # which looks at the memory of y
    y.mul_(2.0)
    z.backward()
    same(w.grad, [2, 4])
    same(kept[0], [4, 8])


@pytest.mark.parametrize(
    ("pack", "unpack", "copies"),
    [
        (lambda t: t.to(gg.float64), lambda p: p.to(gg.float32), 0),
        (lambda t: t.tolist(), gg.tensor, 0),
        (lambda t: t.clone(), lambda p: p, 0),
        (lambda t: t, lambda p: p, 1),
        (lambda t: (t.T, 1), lambda p: p[0].T, 1),
    ],
)
def test_a_write_copies_what_was_packed_as_it_is_and_nothing_else(pack, unpack, copies, backend):
    counting, x = Counting(pack, unpack), leaf([[1.0, 1.0], [1.0, 1.0]])
    h = x * 1.0
    with counting():
        z = gg.square(h).sum()
    h.mul_(5.0)
    assert len(counting.unpacked) == copies
    h.mul_(5.0)
    assert len(counting.unpacked) == copies
    z.backward()
    same(x.grad, np.full((2, 2), 2.0))


def test_what_was_moved_is_not_kept_alive_here(backend):
    x = leaf([1.0, 1.0, 1.0, 1.0])
    with saved_tensors_hooks(lambda t: t.tolist(), gg.tensor):
        h = x * 1.0
        array = weakref.ref(h._array)
        z = gg.square(h).sum()
    del h
    assert array() is None
    z.backward()
    same(x.grad, [2, 2, 2, 2])


def test_freeing_lets_go_of_what_was_packed(backend):
    class Box:
        def __init__(self, t):
            self.t = t

    boxes, x = [], leaf([1.0, 2.0])

    def pack(t):
        box = Box(t)
        boxes.append(weakref.ref(box))
        return box

    def alive():
        return sum(b() is not None for b in boxes)

    gc.collect()
    gc.disable()
    try:
        with saved_tensors_hooks(pack, lambda b: b.t):
            z = (gg.exp(x) * x).sum()
            y = (gg.exp(x) * x).sum()
        assert alive() == len(boxes) == 6
        z.backward(retain_graph=True)
        assert alive() == 6
        z.backward()
        assert alive() == 3
        with pytest.raises(GradientError, match="retain_graph"):
            z.backward()
        del y
        assert alive() == 0
    finally:
        gc.enable()


def test_a_function_of_the_users_has_its_saved_tensors_packed(backend):
    class Cube(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x, None)
            return x * x * x

        @staticmethod
        def backward(ctx, g):
            x, nothing = ctx.saved_tensors
            assert nothing is None
            return g * 3 * x * x

    counting, x = Counting(lambda t: t.clone()), leaf([2.0])
    with counting():
        z = Cube.apply(x)
    x.data.fill_(9.0)
    (g,) = grad(z, x, create_graph=True)
    same(g, [12])
    assert counting.packed == [[2.0]] and len(counting.unpacked) == 1
    same(grad(g, x)[0], [12])


def test_saving_on_the_cpu_moves_and_brings_back(devices):
    name = devices[-1]
    for pinned in (False, True):
        x = leaf([1.0, 2.0], device=name)
        with save_on_cpu(pin_memory=pinned):
            z = gg.exp(x)
            w = (z * gg.ones((), device=name)).sum()
        assert str(z._node.result.packed[0].device) == "cpu" and str(w.device) == name
        w.backward()
        assert str(x.grad.device) == name
        np.testing.assert_allclose(x.grad.tolist(), np.exp([1.0, 2.0]), rtol=1e-6)


@pytest.mark.parametrize("shape", [(0,), (), (3, 0, 2)])
def test_sizes_of_none_and_one(shape, backend):
    x = leaf(np.ones(shape))
    for hooks in (save_on_cpu(pin_memory=True), saved_tensors_hooks(lambda t: t, lambda p: p)):
        with hooks:
            z = gg.exp(x * x).sum()
        assert grad(z, x)[0].shape == shape


def test_hooks_can_be_forbidden(backend):
    with disable_saved_tensors_hooks("not in here"):
        with pytest.raises(GradientError, match="not in here"), saved_tensors_hooks(lambda t: t, lambda p: p):
            pass
        with disable_saved_tensors_hooks("nor here"), pytest.raises(GradientError, match="nor here"), save_on_cpu():
            pass
        with pytest.raises(GradientError, match="not in here"), save_on_cpu():
            pass
    with save_on_cpu():
        with pytest.raises(GradientError, match="too late"), disable_saved_tensors_hooks("too late"):
            pass
        z = gg.exp(leaf(1.0))
    z.backward()


def test_one_pair_of_hooks_may_be_entered_twice(backend):
    counting, x = Counting(), leaf([2.0])
    hooks = counting()
    with hooks, hooks:
        y = x * x
    with hooks:
        z = y * y
    assert modes.unusual == 0
    z.sum().backward()
    assert len(counting.packed) == 4
    same(x.grad, [32])


def test_nothing_is_packed_where_nothing_is_recorded(backend):
    counting, x = Counting(), leaf([2.0])
    with counting():
        gg.ones(2) * gg.ones(2)
        with gg.no_grad():
            x * x
        x + 1
    assert not counting.packed
