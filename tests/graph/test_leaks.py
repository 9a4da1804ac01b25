"""What a long run leaves behind: no node, no cell, and no memory that grows, whatever its steps do."""

from __future__ import annotations

import contextlib
import gc
import os

import numpy as np
import pytest

import gpugrad as gg
from gpugrad._graph import Leaf, Node, Saved
from gpugrad.autograd import checkpoint, grad, strong_zero

STEPS = int(os.environ.get("GPUGRAD_LEAK_STEPS", "100"))
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def resident():
    """Return the bytes of memory that this process has, None where the system does not say."""
    try:
        with open("/proc/self/statm") as f:
            return int(f.read().split()[1]) * PAGE
    except OSError:
        return None


class Run:
    """A small network whose steps can be made in many ways."""

    def __init__(self):
        random = np.random.default_rng(0)
        self.w = gg.tensor(random.normal(size=(40, 40)), requires_grad=True)
        self.v = gg.tensor(random.normal(size=(40,)), requires_grad=True)
        self.x = gg.tensor(random.normal(size=(10, 40)))
        self.part = self.w.detach()[:2]

    def hidden(self):
        return gg.tanh(self.x @ self.w)

    def plain(self):
        (self.hidden() @ self.v).sum().backward()

    def hooks(self):
        h = self.hidden()
        seen = []
        with h.register_hook(lambda g: seen.append(g.shape) or g * 2):
            h.grad_fn.register_hook(lambda gi, go: seen.append(len(gi)))
            h.grad_fn.register_prehook(lambda go: None)
            handle = self.w.register_post_accumulate_grad_hook(lambda p: seen.append(p.shape))
            (h @ self.v).sum().backward()
            handle.remove()

    def hooks_that_refer_to_their_tensor(self):
        h = self.hidden()
        h.register_hook(lambda g: g * h.detach())
        (h @ self.v).sum().backward()

    def retain(self):
        h = self.hidden()
        h.retain_grad()
        (h * h @ self.v).sum().backward(create_graph=True)
        assert h.grad is not None

    def second_order(self):
        (g,) = grad((self.hidden() @ self.v).sum(), self.w, create_graph=True)
        (g * g).sum().backward()

    def recorded_gradients(self):
        (self.hidden() @ self.v).sum().backward(create_graph=True)

    def writes(self):
        h = self.hidden() * 1
        h[:2] = 0.5
        row = h[3]
        row *= 2
        h.data[4] = 1.0
        z = (h * h @ self.v).sum() + (self.part * self.w[:2]).sum()
        with gg.no_grad():
            self.w[0] = 0.1
        z.backward()

    def checkpointed(self):
        (checkpoint(lambda w: gg.tanh(self.x @ w), self.w) @ self.v).sum().backward()

    def failing(self):
        h = self.hidden()
        h.register_hook(lambda g: 1 / 0)
        with contextlib.suppress(ZeroDivisionError):
            (h @ self.v).sum().backward()

    def never_differentiated(self):
        self.hidden().exp().sum()

    def inference(self):
        with gg.inference_mode():
            self.hidden()[:2].sum()
        with strong_zero():
            self.plain()


@pytest.mark.parametrize("kind", [name for name in vars(Run) if not name.startswith("_") and name != "hidden"])
def test_steps_of_every_kind_leave_no_node_no_cell_and_no_memory_behind(kind):
    run = Run()
    step = getattr(run, kind)

    def steps(n):
        for _ in range(n):
            step()
            run.w.grad = run.v.grad = None
        gc.collect()
        kinds = [type(o) for o in gc.get_objects()]
        nodes = sum(issubclass(k, Node) and k is not Leaf for k in kinds)
        cells = sum(issubclass(k, Saved) for k in kinds)
        return nodes, cells, resident()

    *before, size = steps(STEPS)
    *after, later = steps(STEPS)
    assert after == before
    if size is not None:
        assert later - size < 4e6
    memory = run.w._alias.memory if run.w._alias is not None else None
    assert memory is None or len(memory.cells) < 100
