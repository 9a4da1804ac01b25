"""What anomaly mode does at each call, rule, sum, hook, write and step that it is told of."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal

import numpy as np

from gpugrad._graph import Node, watching
from gpugrad.autograd import _anomaly_report as report
from gpugrad.autograd._nonfinite import Kinds, array_of, has, listed, named_values, suspicious
from gpugrad.backends import backend_of

__all__ = ["AnomalyWatcher"]


class _Walk:
    """A walk back that is under way: its seeds, and the gradients on their way to a node that have been looked at."""

    def __init__(self, seeds: dict[Node, Any]) -> None:
        self.seeds = seeds
        self.sent: dict[Node, Any] = {}


class _Local(threading.local):
    def __init__(self) -> None:
        self.walks: list[_Walk] = []


class AnomalyWatcher(watching.Watcher):
    """Raises AnomalyError where `kinds`, asked anew each time, are found."""

    def __init__(self, kinds: Callable[[], Kinds]) -> None:
        self.kinds = kinds
        self.local = _Local()

    def call(self, op: Any, operands: tuple[Any, ...], keywords: dict[str, Any], run: Callable[[], Any]) -> Any:
        kinds = self.kinds()
        if not any(kinds):
            return run()
        with _quiet(kinds):
            z = run()
        if suspicious(listed(z), kinds):
            _raise(report.forward_anomaly(op, operands, keywords, z, kinds))
        return z

    def pull(self, node: Node, g: Any, run: Callable[[], list[tuple[Node, Any]]]) -> list[tuple[Node, Any]]:
        kinds, given = self.kinds(), run()
        if any(kinds):
            if suspicious([gi for _, gi in given], kinds):
                _raise(report.backward_anomaly(node, g, given, kinds))
            if self.local.walks:
                self.local.walks[-1].sent.update(given)
        return given

    def walk(self, seeds: dict[Node, Any], run: Callable[[], dict[Node, Any]]) -> dict[Node, Any]:
        self.local.walks.append(_Walk(seeds))
        try:
            return run()
        finally:
            self.local.walks.pop()

    def arrive(self, node: Node, g: Any) -> None:
        """Look at a gradient unless it comes from one rule alone, and so has been looked at."""
        kinds, walks = self.kinds(), self.local.walks
        if not any(kinds) or not walks:
            return
        sent = walks[-1].sent.pop(node, None)
        if sent is g or not suspicious(listed(g), kinds):
            return
        seed = walks[-1].seeds.get(node)
        lines = report.backward_lines(node)
        if seed is not None and has([array_of(seed)], "NaN"):
            _raise(report.came_in("the gradient that backward was given has", seed, kinds, lines, "seed"))
        parts = [("the gradient that backward was given", seed), ("the last that came", sent)]
        parts = [(name, x) for name, x in parts if array_of(x) is not None]
        for x in listed(g):
            if x is not None:
                what = "the sum of the gradients that came back to one value has"
                _raise(report.came_in(what, x, kinds, lines, "sum", parts, "backward"))

    def act(self, name: str, node: Node | None, values: Sequence[Any], run: Callable[[], Any]) -> Any:
        kinds = self.kinds()
        if not any(kinds):
            return run()
        if name in ("assign", "overwrite"):
            _look_at_write(name, values, kinds)
        elif name == "accumulate":
            _look_at_sums(values, kinds)
        elif name == "hook":
            return _look_at_answer(node, values, run(), kinds)
        else:
            return _look_at_step(name, values, run, kinds)
        return run()


def _raise(error: Exception | None) -> None:
    if error is not None:
        raise error


def _quiet(kinds: Kinds) -> AbstractContextManager[Any]:
    """Return a block without NumPy's warnings of what is raised for anyway."""
    nan: Literal["ignore"] | None = "ignore" if kinds.nan else None
    inf: Literal["ignore"] | None = "ignore" if kinds.inf else None
    return np.errstate(invalid=nan, divide=inf, over=inf)


def _look_at_write(name: str, values: Sequence[Any], kinds: Kinds) -> None:
    """Look at what is about to be written: a NaN, or a finite number that is none in the array's dtype."""
    array, value, raw = values
    dtype = backend_of(array).dtype_of(array)
    if array_of(raw) is None:
        with np.errstate(all="ignore"):
            raw = np.asarray(raw).astype(dtype) if dtype.kind in "fc" else np.asarray(raw)
    if suspicious([raw], kinds):
        came, called = has([value], "NaN"), report.called_lines("written at")
        what = f"what is written into {dtype} {tuple(array.shape)} " + ("is" if came else "becomes there")
        others = [("the value", value)]
        _raise(report.came_in(what, raw, kinds, called, name, others, "input" if came else "forward"))


def _look_at_sums(pairs: Sequence[Any], kinds: Kinds) -> None:
    """Look at what ``.grad`` is about to be, before any of them is changed."""
    for old, new in pairs:
        if old is not None:
            x1, x2 = array_of(old), array_of(new)
            backend = backend_of(x1)
            with backend.on(backend.device_of(x1)), backend.quiet():
                total = x1 + x2
            if suspicious([total], kinds):
                came = has([x1], "NaN")
                what = f"what is in .grad of a leaf {tuple(x1.shape)}, " + ("has" if came else "plus its gradient, is")
                lines, parts = report.called_lines("backward was called at"), [(".grad", x1), ("the gradient", x2)]
                _raise(report.came_in(what, total, kinds, lines, "accumulate", parts, "input" if came else "backward"))


def _look_at_answer(node: Any, values: Sequence[Any], answer: Any, kinds: Kinds) -> Any:
    *given, hook = values
    if suspicious([answer], kinds):
        name = getattr(hook, "__qualname__", type(hook).__name__)
        lines = [*report.defined_lines(hook), *report.backward_lines(node)]
        parts = named_values(["the gradient it was given"], given)
        for x in listed(answer):
            _raise(report.came_in(f"the hook {name} answered", x, kinds, lines, "hook", parts))
    return answer


def _look_at_step(name: str, pairs: Sequence[Any], run: Callable[[], Any], kinds: Kinds) -> Any:
    """Look at what a step is given, and at what it made of the parameters."""
    lines = report.called_lines("called at")
    for parameter, gradient in pairs:
        for what, x in (("a parameter", parameter), ("the gradient of a parameter", gradient)):
            if x is not None and suspicious([x], kinds):
                _raise(report.came_in(f"{name} was given {what} with", x, kinds, lines, name))
    result = run()
    for parameter, gradient in pairs:
        if suspicious([parameter], kinds):
            parts = [] if gradient is None else [("its gradient", gradient)]
            _raise(report.came_in(f"{name} made of a parameter", parameter, kinds, lines, name, parts, "forward"))
    return result
