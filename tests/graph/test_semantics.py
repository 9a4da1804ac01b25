"""The table of docs/autograd.md, row by row: each has one test here, which carries the row's name."""

from __future__ import annotations

import copy
import gc
import pickle
import re
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest

import gpugrad as gg
from gpugrad.autograd import Function, backward, detect_anomaly, detect_foreign_writes, grad, once_differentiable

PAGE = (Path(__file__).parents[2] / "docs" / "autograd.md").read_text("utf-8")
ROWS = {}


def row(name):
    """Note a test as that of a row of the table."""

    def note(test):
        assert name not in ROWS
        ROWS[name] = test
        return test

    return note


def leaf(values, **options):
    return gg.tensor(values, requires_grad=True, **options)


def same(tensor, values):
    np.testing.assert_array_equal(np.asarray(tensor.tolist()), np.asarray(values))


def refused(call, *words, error=RuntimeError):
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert word in str(caught.value), caught.value


@row("two backward calls")
def _():
    x = leaf([1.0, 2.0])
    for _ in range(2):
        (x * x).sum().backward()
    same(x.grad, [4, 8])


@row("backward() of many elements")
def _():
    x = leaf([1.0, 2.0])
    refused((x * 2).backward, "grad can be implicitly created only for scalar outputs", "(2,)")
    y = leaf([[[3.0]]])
    (y * 2).backward()
    same(y.grad, [[[2]]])


@row("backward(gradient) of another shape")
def _():
    x = leaf([1.0, 2.0, 3.0])
    refused(lambda: (x * 2).backward(gg.ones(1)), "(1,)", "(3,)")
    assert x.grad is None


@row("nothing requires grad")
def _():
    refused(gg.ones(()).backward, "does not require grad and does not have a grad_fn")


@row("a second backward after saved values were freed")
def _():
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    y.backward()
    refused(y.backward, "multiply", "(2,)", "retain_graph=True")
    z = (x + 1).sum()
    z.backward()
    z.backward()
    same(x.grad, [4, 6])


@row("create_graph=True")
def _():
    x = leaf([2.0])
    y = (x * x * x).sum()
    y.backward(create_graph=True)
    assert x.grad.grad_fn is not None
    same(grad(x.grad.sum(), x, retain_graph=True)[0], [12])
    y.backward()


@row(".grad of a result")
def _():
    x = leaf([1.0])
    y = x * 2
    with pytest.warns(UserWarning, match="not a leaf"):
        assert y.grad is None
    y.retain_grad()
    (y * 3).sum().backward()
    same(y.grad, [3])


@row("a write to a leaf that requires grad, or through a view of it")
def _():
    x = leaf([1.0, 2.0])
    for write in (lambda: x.mul_(2), lambda: x[:1].zero_(), lambda: x.__setitem__(0, 5.0)):
        refused(write, "leaf", "no_grad")
        with gg.no_grad():
            write()
    same(x, [5, 4])


@row("a saved value is changed: in place, by a view, .data or .detach()")
def _():
    for write in (
        lambda y: y.mul_(7), lambda y: y[:1].zero_(), lambda y: y.data.fill_(9.0), lambda y: y.detach().add_(1),
        lambda y: y.T.data[0].zero_(),
    ):  # fmt: skip
        x = leaf([[1.0, 2.0]])
        y = x * 1
        z = (y * y).sum()
        write(y)
        z.backward()
        same(x.grad, [[2, 4]])


@row("a parameter is stepped or loaded between forward and backward")
def _():
    layer = gg.nn.Linear(2, 1, bias=False)
    before = layer.weight.tolist()[0]
    x = leaf([[1.0, 2.0]])
    z = layer(x).sum()
    optimizer = gg.optim.SGD(layer.parameters(), lr=1.0)
    layer.weight.grad = gg.ones((1, 2))
    optimizer.step()
    layer.load_state_dict({"weight": gg.zeros((1, 2))})
    z.backward()
    same(x.grad, [before])


@row("a saved array is changed through foreign memory")
def _():
    array = np.ones(2, np.float32)
    x = leaf([1.0, 2.0], device="cpu")
    with detect_foreign_writes():
        z = (x * gg.asarray(array, device="cpu")).sum()
    array[0] = 5
    refused(z.backward, "changed from outside")


@row("a recorded write")
def _():
    x = leaf([1.0, 1.0, 1.0])
    y = 2 * x
    y[0] = 5.0
    y.sum().backward()
    same(x.grad, [0, 2, 2])
    x.grad = None
    y = 2 * x
    y[:2].mul_(3)
    y.sum().backward()
    same(x.grad, [6, 6, 2])
    x.grad = None
    y = 2 * x
    v = y[:2]
    y.mul_(3)
    same(v, [6, 6])
    v.sum().backward()
    same(x.grad, [6, 6, 0])
    x = leaf([[1.0, 2.0]])
    y = x * 1
    y[0][1] = 5.0
    y.sum().backward()
    same(x.grad, [[1, 0]])


@row("hooks and retain_grad on y, then y += 1")
def _():
    x = leaf([1.0, 2.0])
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    y.retain_grad()
    y += 1
    y *= 10
    y.sum().backward()
    assert seen == [[10, 10]]
    same(y.grad, [10, 10])


@row("a write to a result under no_grad")
def _():
    x = leaf([1.0, 2.0])
    y = x * 3
    z, node = (y * y).sum(), y.grad_fn
    with gg.no_grad():
        y[0] = 5.0
    assert y.grad_fn is node
    same(y, [5, 6])
    (z + y.sum()).backward()
    same(x.grad, [2 * 3 * 3 + 3, 2 * 6 * 3 + 3])


@row("b = a; b += 1")
def _():
    a = gg.ones(2)
    b = a
    b += 1
    assert b is a
    same(a, [2, 2])


@row("one array as the gradient of two values")
def _():
    a, b, seed = leaf([1.0]), leaf([2.0]), gg.tensor([3.0])
    (a + b).backward(seed)
    a.grad.zero_()
    same(b.grad, [3])
    same(seed, [3])


@row("the loss is dropped while the collector is off")
def _():
    gc.collect()
    gc.disable()
    try:
        x = leaf([1.0])
        y = gg.exp(x)
        y.retain_grad()
        z = (y * y).sum()
        z.backward(create_graph=True)
        node = weakref.ref(y.grad_fn)
        x.grad = None
        del y, z
        assert node() is None
    finally:
        gc.enable()


@row("floor and other steps")
def _():
    x = leaf([1.5, -2.5])
    gg.floor(x).sum().backward()
    same(x.grad, [0, 0])


@row("requires_grad of integers or truth values")
def _():
    for dtype in (gg.int64, gg.bool):
        refused(lambda dtype=dtype: gg.ones(2, dtype=dtype, requires_grad=True), "floating point or complex")
        refused(lambda dtype=dtype: gg.ones(2, dtype=dtype).requires_grad_(), "floating point or complex")


@row("requires_grad_(False) on a result")
def _():
    y = leaf([1.0]) * 2
    refused(lambda: y.requires_grad_(False), "detach()")
    assert y.requires_grad


@row("no_grad")
def _():
    x = leaf([1.0])
    with gg.no_grad():
        made = leaf([1.0])
        assert not (x * 2).requires_grad
        assert made.requires_grad
        seen = []
        thread = threading.Thread(target=lambda: seen.append((x * 2).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]


@row("inference_mode")
def _():
    x = leaf([1.0])
    with gg.inference_mode():
        i = x * 2
    assert i.is_inference()
    refused(lambda: x * i, "clone()")
    refused(lambda: i.add_(1), "clone()")
    assert (x * i.clone()).requires_grad


@row("hooks of a result")
def _():
    x = leaf([1.0])
    y = x * 2
    log = []
    y.grad_fn.register_hook(lambda gi, go: log.append("node"))
    y.grad_fn.register_prehook(lambda go: log.append(("pre", y.grad.item())))
    y.retain_grad()
    y.register_hook(lambda g: log.append("first") or g * 10)
    y.register_hook(lambda g: log.append("second"))
    y.sum().backward()
    assert log == ["first", "second", ("pre", 10), "node"]


@row("hooks of a leaf")
def _():
    x = leaf([1.0])
    log = []
    handle = x.register_hook(lambda g: log.append("removed"))
    x.register_hook(lambda g: log.append(("hook", x.grad)) or g * 10)
    x.register_post_accumulate_grad_hook(lambda p: log.append(("accumulated", p.grad.item())))
    handle.remove()
    x.sum().backward()
    assert log == [("hook", None), ("accumulated", 10)]


@row("a hook where none can run")
def _():
    refused(lambda: gg.ones(2).register_hook(print), "does not require grad")
    refused(lambda: (leaf([1.0]) * 2).register_post_accumulate_grad_hook(print), "for leaves")


@row("autograd.grad")
def _():
    x, unused = leaf([1.0]), leaf([[2.0]])
    y = (x * x).sum()
    refused(lambda: grad(y, [x, unused]), "input 1", "allow_unused")
    assert grad(y, [x, unused], allow_unused=True, retain_graph=True)[1] is None
    same(grad(y, [x, unused], materialize_grads=True)[1], [[0]])
    assert x.grad is None


@row("zero_grad()")
def _():
    layer = gg.nn.Linear(1, 1)
    layer(gg.ones((1, 1))).sum().backward()
    held = layer.weight.grad
    layer.zero_grad(set_to_none=False)
    same(held, [[0]])
    layer.zero_grad()
    assert layer.weight.grad is None


@row("a .grad that does not fit")
def _():
    x = leaf([1.0, 2.0])
    for value in (gg.ones(3), gg.ones(2, dtype=gg.float64)):
        refused(lambda value=value: setattr(x, "grad", value), "assigned grad has")


@row("numpy() and np.asarray")
def _():
    t = gg.tensor([1.0, 2.0], device="cpu")
    assert not t.numpy().flags.writeable
    refused(leaf([1.0], device="cpu").numpy, "Use tensor.detach().numpy()")
    with pytest.raises(BufferError):
        leaf([1.0], device="cpu").__dlpack__()


@row("np.asarray of a tensor on a device")
def _(backend):
    if str(gg.ones(1).device) != "cpu":
        refused(lambda: np.asarray(gg.ones(1)), ".cpu()", error=TypeError)


@row("float(t), bool(t) of many elements")
def _():
    refused(lambda: float(gg.ones(2)), "(2,)", error=ValueError)
    refused(lambda: bool(gg.ones(2)), "ambiguous")


@row("copy.deepcopy and pickle")
def _():
    refused(lambda: copy.deepcopy(leaf([1.0]) * 2), "leaves")
    refused(lambda: pickle.dumps(leaf([1.0]) * 2), "leaves")
    base = leaf([1.0, 2.0])
    base.register_hook(lambda g: g * 10)
    for twin in (copy.deepcopy(base), pickle.loads(pickle.dumps(base)), pickle.loads(pickle.dumps(base.detach()[:1]))):
        twin.requires_grad_()
        (twin * 2).sum().backward()
        same(twin.grad, [2] * twin.size)
    same(base, [1, 2])


@row("dtype and device of a gradient")
def _():
    x = leaf([1.0])
    (x * gg.ones(1, dtype=gg.float64)).sum().backward()
    assert x.grad.dtype == gg.float32


@row("a custom Function")
def _():
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            return gg.ones(5)

    refused(Wrong.apply(leaf([1.0, 2.0])).sum().backward, "Wrong.backward", "(5,)", "(2,)")


@row("clip_grad_norm_")
def _():
    layer = gg.nn.Linear(1, 1)
    assert gg.nn.utils.clip_grad_norm_(layer.parameters(), 1.0).item() == 0
    layer.weight.grad = gg.full((1, 1), float("inf"))
    refused(lambda: gg.nn.utils.clip_grad_norm_(layer.parameters(), 1.0, error_if_nonfinite=True))


@row("load_state_dict that does not fit")
def _():
    layer = gg.nn.Linear(2, 1)
    before = layer.weight.tolist()
    refused(lambda: layer.load_state_dict({"weight": gg.ones((5, 5)), "other": gg.ones(1)}), "weight", "other", "bias")
    same(layer.weight, before)


@row("a tensor without elements")
def _():
    x = gg.zeros((0, 3), requires_grad=True)
    x.sum().backward()
    assert x.grad.shape == (0, 3)
    refused(lambda: gg.max(x), error=ValueError)


@row("anomaly mode")
def _():
    x = leaf([4.0, 0.0])
    with detect_anomaly():
        refused(gg.sqrt(x).sum().backward, "sqrt", "test_semantics.py")


@row("a deep graph")
def _():
    x = leaf(1.0)
    y = x
    for _ in range(5_000):
        y = y + 0.0
    y.backward()
    del y
    same(x.grad, 1)


@row("threads")
def _():
    x = leaf([1.0, 2.0])
    threads = [threading.Thread(target=lambda: [(x * x).sum().backward() for _ in range(20)]) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    same(x.grad, [160, 320])


@row("strong_zero")
def _():
    for f in (gg.log, gg.sqrt):
        x = leaf([0.0, 4.0])
        with np.errstate(divide="ignore"):
            y = gg.where(x > 0, f(x), 0.0).sum()
        assert np.isnan(grad(y, x, retain_graph=True)[0].tolist()[0])
        with gg.autograd.strong_zero():
            y.backward()
        same(x.grad, [0, 0.25])


@row("several outputs, or a hook, that fail")
def _():
    x, y = leaf([1.0]), leaf([2.0])
    refused(lambda: backward([x * 2, gg.ones(1)]), "element 1 of tensors does not require grad")
    y.register_hook(lambda g: gg.ones(7))
    z = x * y
    z.retain_grad()
    refused(z.sum().backward, "(7,)")
    assert (x.grad, y.grad, z.grad) == (None, None, None)


@pytest.mark.parametrize("name", list(ROWS))
def test_row(name, backend):
    test = ROWS[name]
    test(backend) if test.__code__.co_argcount else test()


def test_every_row_of_the_page_has_its_test_and_every_test_its_row():
    table = PAGE.split("## The table", 1)[1].split("\n## ", 1)[0]
    lines = [line.split("|")[1:-1] for line in table.splitlines() if line.startswith("|")]
    assert all(len(line) == 3 for line in lines)
    names = [line[0].strip().replace("`", "") for line in lines][2:]
    assert names == list(ROWS)


BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("code", BLOCKS, ids=range(len(BLOCKS)))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_the_page_shows_runs_and_prints_what_it_says(code, capsys):
    exec(code, {})
    said = [line.split("# ", 1)[1].strip() for line in code.splitlines() if "print(" in line and "  # " in line]
    assert capsys.readouterr().out.splitlines() == said
