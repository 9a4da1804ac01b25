"""Threads that share leaves, constants and views: no gradient is lost, and no saved value is forgotten."""

from __future__ import annotations

import sys
import threading
from itertools import chain

import numpy as np
import pytest

import gpugrad as gg
from gpugrad._graph import memory
from gpugrad._graph.memory import Saved
from gpugrad._op import elementwise


def leaf(values, **options):
    return gg.tensor(values, requires_grad=True, **options)


@pytest.fixture
def hasty():
    """Have threads take turns after every few instructions."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def together(count, work):
    """Run `work(i)` in many threads, which begin at once; raise what any of them raised."""
    gate, errors = threading.Barrier(count), []

    def run(i):
        try:
            gate.wait(30)
            work(i)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert not any(t.is_alive() for t in threads)
    if errors:
        raise errors[0]


@pytest.mark.usefixtures("hasty")
def test_threads_that_share_a_leaf_add_up_in_its_grad(backend):
    x = leaf([1.0, 2.0])
    for _ in range(5):
        x.grad = None
        together(4, lambda i, x=x: [(x * x * (i + 1)).sum().backward() for _ in range(10)])
        assert x.grad.tolist() == [200, 400]


@pytest.mark.usefixtures("hasty")
def test_recorded_gradients_of_many_threads_add_up():
    for _ in range(10):
        x = leaf([1.0, 2.0])
        together(3, lambda i, x=x: [(x * x).sum().backward(create_graph=True) for _ in range(5)])
        assert x.grad.tolist() == [30, 60]


def test_long_gradients_that_are_added_while_others_are_add_up():
    x = leaf(np.ones(300_000, np.float32))
    together(3, lambda i: [(x * 1.0).sum().backward() for _ in range(20)])
    assert (x.grad.numpy() == 60).all()


@pytest.mark.usefixtures("hasty")
def test_the_first_gradients_of_many_leaves_from_two_threads_are_all_there():
    for _ in range(20):
        leaves = [leaf([1.0]) for _ in range(20)]
        together(3, lambda i, leaves=leaves: sum((x * 1.0 for x in leaves), gg.zeros(1)).sum().backward())
        assert [x.grad.item() for x in leaves] == [3] * 20


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("kind", ["leaf", "constant", "view"])
def test_a_value_that_two_threads_save_at_once_is_put_aside_for_both(kind):
    for round_ in range(150):
        w = leaf(np.array([2.0, 3.0]))
        base = gg.tensor(np.array([5.0, 7.0, 0.0]))
        shared = {"leaf": w, "constant": base, "view": base[:2]}[kind]
        losses = [None] * 3

        def forward(i, w=w, shared=shared, losses=losses):
            part = shared[:2] if shared.size == 3 else shared
            losses[i] = (gg.exp(w * 0) * part * part).sum() if shared is not w else (w * w).sum()

        together(3, forward)
        with gg.no_grad():
            (w if kind == "leaf" else base).mul_(0)
        for loss in losses:
            w.grad = None
            loss.backward()
            expected = [4, 6] if kind == "leaf" else [0, 0]
            assert w.grad.tolist() == expected, round_


@pytest.mark.usefixtures("hasty")
def test_a_constant_that_two_threads_save_keeps_its_value_for_both():
    for _ in range(150):
        w, c = leaf(np.array([2.0, 3.0])), gg.tensor(np.array([5.0, 7.0]))
        losses = [None] * 3

        def forward(i, w=w, c=c, losses=losses):
            losses[i] = (w * c).sum()

        together(3, forward)
        c.zero_()
        for loss in losses:
            w.grad = None
            loss.backward()
            assert w.grad.tolist() == [5, 7]


class Slow:
    """Stands for a thread that is interrupted in the midst of saving a value, by another that does all of it."""

    def __init__(self, other):
        self.other = other

    def __call__(self):
        if self.other is not None:
            other, self.other = self.other, None
            other()
        return Saved.__new__(Saved)


@pytest.mark.parametrize(
    "save",
    [
        lambda w, c: w * c,
        lambda w, c: c * w,
        lambda w, c: gg.where(gg.tensor([True, True]), w, w) * c,
        lambda w, c: gg.vecdot(w, c),
        lambda w, c: w @ c,
    ],
)
def test_a_thread_interrupted_while_it_saves_a_value_shares_the_cell_of_the_other(monkeypatch, save):
    w, c = leaf(np.array([2.0, 3.0])), gg.tensor(np.array([5.0, 7.0]))
    losses = []
    slow = Slow(lambda: losses.append(save(w, c).sum()))
    monkeypatch.setattr(elementwise, "_new", lambda cls: slow() if cls is Saved else object.__new__(cls))
    monkeypatch.setattr(memory, "Saved", slow)
    losses.append(save(w, c).sum())
    monkeypatch.undo()
    assert len(losses) == 2
    c.zero_()
    for loss in losses:
        w.grad = None
        loss.backward()
        assert w.grad.tolist() == [5, 7]


@pytest.mark.usefixtures("hasty")
def test_a_view_that_two_threads_derive_afresh_is_tracked_in_both():
    for _ in range(100):
        x = leaf(np.array([1.0, 2.0]))
        y = x * 1
        view = y[:1]
        y *= 3
        found = [None] * 3

        def forward(i, view=view, found=found):
            found[i] = (view * 2).sum()

        together(3, forward)
        for z in found:
            x.grad = None
            z.backward(retain_graph=True)
            assert x.grad.tolist() == [6, 0]


@pytest.mark.usefixtures("hasty")
def test_views_saved_in_many_threads_are_all_listed():
    for _ in range(15):
        x, base = leaf(np.ones(2)), gg.tensor(np.array([5.0, 7.0]))
        views = [base[:] for _ in range(3)]
        losses = [[] for _ in range(3)]

        def forward(i, views=views, losses=losses, x=x):
            losses[i] += [(x * views[i]).sum() for _ in range(40)]

        together(3, forward)
        base.zero_()
        for loss in chain.from_iterable(losses):
            x.grad = None
            loss.backward()
            assert x.grad.tolist() == [5, 7]


def test_two_threads_in_one_graph_each_get_it_whole_or_are_told_that_it_was_freed():
    for _ in range(20):
        x = leaf(np.ones(2))
        y = gg.exp(gg.sin(x * x)).sum()
        outcomes = []

        def work(i, y=y, outcomes=outcomes):
            try:
                y.backward()
                outcomes.append("whole")
            except RuntimeError as error:
                assert "retain_graph=True" in str(error)  # noqa: PT017
                outcomes.append("told")

        together(2, work)
        once = 2 * np.cos(1.0) * np.exp(np.sin(1.0))
        np.testing.assert_allclose(0 if x.grad is None else x.grad.tolist(), once * outcomes.count("whole"))
