"""Hooks, modes and arguments do here what they do in PyTorch: one program, run on both, with what it saw."""

from __future__ import annotations

import numpy as np
import pytest

import gpugrad

torch = pytest.importorskip("torch")


class OfGpugrad:
    tensor = staticmethod(gpugrad.tensor)
    where = staticmethod(gpugrad.where)
    autograd = gpugrad.autograd
    no_grad = gpugrad.no_grad
    inference_mode = gpugrad.inference_mode
    ones = staticmethod(lambda n: gpugrad.ones(n))
    unbind = staticmethod(gpugrad.unstack)


class OfTorch:
    tensor = staticmethod(torch.tensor)
    where = staticmethod(torch.where)
    autograd = torch.autograd
    no_grad = torch.no_grad
    inference_mode = torch.inference_mode
    ones = staticmethod(torch.ones)
    unbind = staticmethod(torch.unbind)


def plain(x):
    """Return what a program saw as numbers, lists and tuples."""
    if isinstance(x, list | tuple):
        return type(x)(plain(item) for item in x)
    return x.tolist() if hasattr(x, "tolist") else x


def outcome(function):
    """Return what a call returned, or that it raised an error of a kind that users catch."""
    try:
        return plain(function())
    except (RuntimeError, TypeError, ValueError) as error:
        return next(kind.__name__ for kind in (RuntimeError, TypeError, ValueError) if isinstance(error, kind))


def leaf(lib, *values):
    return lib.tensor(list(values), requires_grad=True)


def accumulator(result):
    return result.grad_fn.next_functions[0][0]


def every_hook(lib):
    log = []
    x = leaf(lib, 1.0, 2.0)
    y = x * 3
    y.grad_fn.register_hook(lambda gi, go: log.append(("node", plain(gi), plain(go))))
    y.grad_fn.register_prehook(lambda go: log.append(("pre", plain(go), plain(y.grad))))
    y.retain_grad()
    y.register_hook(lambda g: (log.append(("1", plain(g))), g * 10)[1])
    y.register_hook(lambda g: log.append(("2", plain(g))))
    node = accumulator(y)
    x.register_post_accumulate_grad_hook(lambda p: log.append(("accumulated", plain(p.grad))))
    node.register_hook(lambda gi, go: log.append(("leaf node", plain(gi), plain(go), plain(x.grad))))
    node.register_prehook(lambda go: log.append(("leaf pre", plain(go), x.grad)))
    x.register_hook(lambda g: (log.append(("leaf", plain(g))), g + 1)[1])
    (y * 1).sum().backward()
    return log


def hooks_of_many_values(lib):
    log = []
    a, b, c = leaf(lib, 1.0), leaf(lib, 2.0), leaf(lib, 3.0)
    p = a * b
    q = p * c
    r = q * p
    for name, t in (("a", a), ("b", b), ("c", c), ("p", p), ("q", q), ("r", r)):
        t.register_hook(lambda g, name=name: log.append((name, plain(g))))
        if t.grad_fn is not None:
            t.grad_fn.register_hook(lambda gi, go, name=name: log.append((f"{name} node", plain(gi), plain(go))))
    for name, t in (("a", a), ("b", b), ("c", c)):
        t.register_post_accumulate_grad_hook(lambda t, name=name: log.append((f"{name} accumulated", plain(t.grad))))
    r.sum().backward()
    # Two leaves that are complete at the same moment have no order between them.
    return sorted(log[-6:]), log[:-6]


def hooks_of_autograd_grad(lib):
    log = []
    x = leaf(lib, 1.0, 2.0)
    y = x * 3
    z = (y * 2).sum()
    y.register_hook(lambda g: (log.append("value"), g * 10)[1])
    y.grad_fn.register_prehook(lambda go: log.append("pre"))
    y.grad_fn.register_hook(lambda gi, go: log.append("node"))
    x.register_hook(lambda g: (log.append("leaf"), g * 10)[1])
    x.register_post_accumulate_grad_hook(lambda p: log.append("accumulated"))
    accumulator(y).register_hook(lambda gi, go: log.append("leaf node"))
    accumulator(y).register_prehook(lambda go: log.append("leaf pre"))
    for inputs in ([y], [x]):
        log.append(plain(lib.autograd.grad(z, inputs, retain_graph=True)))
    z.backward(inputs=[x])
    return log, plain(x.grad)


def hooks_that_come_and_go(lib):
    log, handles = [], []
    x = leaf(lib, 1.0)
    handles.append(x.register_hook(lambda g: (log.append("first"), handles[1].remove())[0]))
    handles.append(x.register_hook(lambda g: (log.append("second"), handles.append(x.register_hook(late)))[0]))

    def late(g):
        log.append("late")

    x.sum().backward()
    log.append("again")
    x.sum().backward()
    with x.register_hook(lambda g: g * 10):
        x.sum().backward()
    x.sum().backward()
    return log, plain(x.grad)


def hooks_of_several_results(lib):
    log = []
    x = lib.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    a, b = lib.unbind(x)
    a.grad_fn.register_prehook(lambda go: log.append(plain(go)))
    a.grad_fn.register_hook(lambda gi, go: log.append((plain(gi), plain(go))))
    a.register_hook(lambda g: (log.append(plain(g)), g * 2)[1])
    (a * 3).sum().backward()
    return a.grad_fn is b.grad_fn, log, plain(x.grad)


def answers_of_hooks(lib):
    found = []
    for hang in (
        lambda y: y.grad_fn.register_hook(lambda gi, go: (gi[0] * 2, None)),
        lambda y: y.grad_fn.register_hook(lambda gi, go: (gi[0] * 2,)),
        lambda y: y.grad_fn.register_hook(lambda gi, go: (lib.ones(3), None)),
        lambda y: y.grad_fn.register_hook(lambda gi, go: (None, None)),
        lambda y: y.grad_fn.register_prehook(lambda go: (go[0] * 2,)),
        lambda y: y.grad_fn.register_prehook(lambda go: (go[0] * 2, None)),
        lambda y: y.register_hook(lambda g: lib.ones(3)),
        lambda y: y.register_hook(lambda g: 3.0),
    ):
        x = leaf(lib, 1.0, 2.0)
        y = x * 3
        hang(y)
        found.append(outcome(lambda y=y, x=x: ((y * 1).sum().backward(), x.grad)[1]))
    found.append(outcome(lambda: lib.ones(2).register_hook(print)))
    found.append(outcome(lambda: lib.ones(2).register_post_accumulate_grad_hook(print)))
    found.append(outcome(lambda: (leaf(lib, 1.0) * 2).register_post_accumulate_grad_hook(print)))
    return found


def arguments_of_backward(lib):
    backward = lib.autograd.backward
    x = leaf(lib, 1.0, 2.0)
    found = []
    for call in (
        lambda: backward((x * 2).sum()),
        lambda: backward([x * 2, (x * 3).sum()], [lib.ones(2), None]),
        lambda: backward((x * 2).sum(), lib.tensor(3.0)),
        lambda: backward([x * 2], None),
        lambda: backward((x * 2).sum(), inputs=[]),
        lambda: backward((x * 2).sum(), inputs=[lib.ones(1)]),
        lambda: backward((x * 2).sum(), inputs=[x, x]),
        lambda: backward(x * 2, lib.ones(3)),
        lambda: backward(lib.ones(1)),
        lambda: backward(3.0),
        lambda: backward(x * x, lib.ones(2), None, True),
    ):
        x.grad = None
        found.append((outcome(call), plain(x.grad)))
    x.grad = None
    y = x * 2
    backward((y * y).sum(), inputs=[y])
    return found, plain(y.grad), x.grad


def arguments_of_grad(lib):
    grad = lib.autograd.grad
    x, unused = leaf(lib, 1.0, 2.0), leaf(lib, 1.0)
    eye = lib.tensor([[1.0, 0.0], [0.0, 1.0]])
    return [
        outcome(call)
        for call in (
            lambda: grad((x * 2).sum(), x),
            lambda: grad((x * 2).sum(), [x, x]),
            lambda: grad((x * 2).sum(), []),
            lambda: grad(x * 2, x, lib.ones(3)),
            lambda: grad(x * 2, x),
            lambda: grad([x * 2, x * 3], x, [lib.ones(2)]),
            lambda: grad([x * 2, (x * 3).sum()], x, [lib.ones(2), None]),
            lambda: grad((x * 2).sum(), unused),
            lambda: grad((x * 2).sum(), unused, allow_unused=True),
            lambda: grad((x * 2).sum(), unused, materialize_grads=True),
            lambda: grad((x * 2).sum(), unused, allow_unused=False, materialize_grads=True),
            lambda: grad((x * x), x, eye, is_grads_batched=True),
            lambda: grad((x * 2).sum(), lib.ones(1)),
            lambda: grad((x * 2).sum(), 3.0),
            lambda: grad(x, x, lib.ones(2)),
        )
    ]


def inference_tensors(lib):
    x, c = leaf(lib, 1.0, 2.0), lib.ones(2)
    with lib.inference_mode():
        made, computed, view, detached, copied, of_constant = lib.ones(2), x * 2, x[:1], x.detach(), c * 1, c[:1]
        c += 1
        made += 1
        mine = lib.tensor([1.0, 2.0], requires_grad=True)
        with lib.inference_mode(False):
            inside = x * 2
    tensors = made, computed, view, detached, copied, of_constant, c, mine, made[:1], made * 2, made.detach()
    with lib.no_grad():
        written = outcome(lambda: made.add_(1))
    found = [
        [t.is_inference() for t in tensors],
        inside.requires_grad,
        written,
        outcome(lambda: x * made),
        outcome(lambda: (x + made).requires_grad),
        outcome(lambda: made.add_(1)),
        outcome(lambda: made[:1].add_(1)),
        outcome(lambda: made.requires_grad_()),
        outcome(lambda: (x * made.clone()).requires_grad),
        outcome(lambda: (mine * 2).requires_grad),
        outcome(lambda: c.add_(made).is_inference()),  # torch changes `made` before it refuses to, so no values here
        outcome(lambda: (x * 2).add_(made).requires_grad),
        outcome(lambda: (x * 2).mul_(made)),
    ]

    @lib.inference_mode
    def decorated():
        return lib.ones(1)

    return found, decorated().is_inference()


@pytest.mark.parametrize(
    "program",
    [
        every_hook,
        hooks_of_many_values,
        hooks_of_autograd_grad,
        hooks_that_come_and_go,
        hooks_of_several_results,
        answers_of_hooks,
        arguments_of_backward,
        arguments_of_grad,
        inference_tensors,
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_program_sees_what_it_sees_in_torch(program):
    ours, theirs = program(OfGpugrad), program(OfTorch)
    assert ours == theirs


@pytest.mark.parametrize("seed", range(40))
def test_hooks_of_a_random_graph_see_what_they_see_in_torch(seed):
    seen = []
    for lib in (OfGpugrad, OfTorch):
        random = np.random.default_rng(seed)
        values = [leaf(lib, *map(float, random.integers(1, 5, size=2))) for _ in range(3)]
        leaves = list(values)
        log = {}

        def note(i, what, log=log):
            log.setdefault(i, []).append(what)

        for i in range(12):
            a, b = (values[int(j)] for j in random.integers(len(values), size=2))
            t = a * b if random.random() < 0.5 else a + b
            values.append(t)
            kind = int(random.integers(5))
            if kind == 0:
                t.register_hook(lambda g, i=i, note=note: (note(i, plain(g)), g * 2)[1])
            elif kind == 1:
                t.retain_grad()
            elif kind == 2:
                t.grad_fn.register_prehook(lambda go, i=i, note=note: (note(i, plain(go)), (go[0] * 3,))[1])
            elif kind == 3:
                t.grad_fn.register_hook(lambda gi, go, i=i, note=note: note(i, (plain(gi), plain(go))))
        sum(values[1:], values[0]).sum().backward()
        kept = [plain(t.grad) for t in values if t.grad_fn is not None and t.retains_grad]
        seen.append((log, kept, [plain(x.grad) for x in leaves]))
    assert seen[0] == seen[1]
