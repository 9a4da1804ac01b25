"""The values and the gradients along the edges of a graph, found without changing it.

Forward values are those that nodes keep for backward, those of Tensors that are still there, and what follows from
these by calling the ops again. Gradients come from a walk of their own: no hook runs, no ``.grad`` is written, nothing
is freed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gpugrad._graph import Leaf, Node, Output, no_grad
from gpugrad._op import SCALARS
from gpugrad.backends import Array, backend_of
from gpugrad.diagnostics._numbers import on_host
from gpugrad.diagnostics._structure import Graph, Vertex, may_be_absent, saved_input, saved_output
from gpugrad.errors import GpugradError

__all__ = ["Values", "gradients", "unsaved_number"]


class Values:
    """The forward values that `wanted` asks for, by node; `changed` says that a leaf was written to after its use."""

    def __init__(self, graph: Graph, known: Mapping[Node, Array], wanted: set[Any]) -> None:
        self.changed = False
        self._graph = graph
        self._wanted = wanted
        self._known = known
        self._found: dict[Any, Any] = {}
        self._present: set[Any] = set()
        """Values that rest on what a leaf holds now, and not on what it held when it was used."""
        self._find()

    def get(self, value: Any) -> Any:
        """Return a value as an array, None where it is not known."""
        return value.constant if isinstance(value, Vertex) else self._found.get(value)

    def _find(self) -> None:
        left = self._remaining_uses()
        for node in self._graph.order:
            for i, edge in enumerate(node.edges):
                if edge is not None and edge not in self._found and (kept := saved_input(node, i)) is not None:
                    self._found[edge] = kept
        with no_grad():
            for node in reversed(self._graph.order):
                self._visit(node)
                for edge in node.edges:
                    if edge is not None:
                        left[edge] -= 1
                        if not left[edge] and edge not in self._wanted:
                            self._found.pop(edge, None)

    def _remaining_uses(self) -> dict[Any, int]:
        """Return how often each value is an input, so that it is let go after its last use."""
        left: dict[Any, int] = {}
        for node in self._graph.order:
            for edge in node.edges:
                if edge is not None:
                    left[edge] = left.get(edge, 0) + 1
        return left

    def _visit(self, node: Node) -> None:
        """Find the value of a node whose inputs have been visited."""
        if type(node) is Leaf:
            tensor = node.tensor()
            if node in self._found or tensor is None:
                return
            if tensor.shape != self._graph.forms[node][0]:
                self.changed = True
                return
            self._found[node] = tensor._array
            self._present.add(node)
            return
        outputs: list[Any] = self._graph.outputs.get(node) or [node]
        rests = any(edge in self._present for edge in node.edges)
        for value in outputs:
            if value not in self._found and (kept := _kept(value, self._known)) is not None:
                self._found[value] = kept
        if rests or any(value not in self._found for value in outputs):
            for value, array in zip(outputs, self._computed(node, outputs), strict=True):
                if array is None:
                    continue
                if value not in self._found:
                    self._found[value] = array
                    if rests:
                        self._present.add(value)
                elif rests and not _same(array, self._found[value]):
                    self.changed = True

    def _computed(self, node: Any, outputs: list[Any]) -> list[Any]:
        """Return the outputs of a call made again, each None where an input is not known."""
        nothing: list[Any] = [None] * len(outputs)
        if getattr(node.op, "runs_code_of_the_user", False):  # which may do more than compute
            return nothing
        inputs = []
        for i, edge in enumerate(node.edges):
            value = saved_input(node, i) if edge is None else self._found.get(edge)
            if value is None and (edge is not None or not _left_out(node, i)):
                return nothing
            inputs.append(value)
        if all(value is None or type(value) in SCALARS for value in inputs):
            return nothing
        array = next(value for value in inputs if hasattr(value, "shape"))
        backend = backend_of(array)
        try:
            with backend.quiet(), backend.on(backend.device_of(array)):
                z = _call_again(node, inputs)
        except (GpugradError, TypeError, ValueError):  # inputs that no longer fit each other
            self.changed = True
            return nothing
        return [z[value.index] for value in outputs] if isinstance(z, tuple | list) else [z]


def _left_out(node: Any, i: int) -> bool:
    """Return whether an input that is not tracked and not kept is certain to be none, and not a Python number."""
    if not may_be_absent(node, i) or node.dtypes[i] is not None:
        return False
    return node.op.name == "linear" or node.op.inputs[i] in node.saved  # linear takes arrays alone


def _kept(value: Node, known: Mapping[Node, Array]) -> Any:
    """Return a computed value as its node keeps it for backward, or as a Tensor that is known holds it."""
    kept = saved_output(value)
    return known.get(value) if kept is None else kept


def _call_again(node: Any, inputs: list[Any]) -> Any:
    """Return what the op of a node gives for these inputs, arrays and numbers in the order of the node's edges."""
    op = node.op
    if not hasattr(node, "shapes"):
        return op.on_arrays(inputs)
    named = {op.list_input: inputs} if op.list_input is not None else dict(zip(op.inputs, inputs, strict=True))
    arguments = {**node.attributes, **named}
    positional = [arguments.pop(name) for name in op.positional_only]
    return op(*positional, **arguments)


def unsaved_number(op: str, place: int, x: Any, z: Any) -> float | None:
    """Return the number of at most four digits that makes z of x at input `place` of an op, None where there is none.

    Not every op keeps its operands for backward, but where both sides are known so is the number between them.
    """
    if op not in ("add", "subtract", "divide") or x is None or z is None:
        return None
    before, after = on_host(x), on_host(z)
    if before.shape != after.shape or before.dtype.kind != "f" or not before.size:
        return None
    first, second = float(before.flat[0]), float(after.flat[0])
    number = {"add": second - first, "subtract": first - second if place else second + first}.get(op, second * first)
    if not math.isfinite(number):
        return None
    number = float(f"{number:.4g}")
    c = before.dtype.type(number)
    with np.errstate(all="ignore"):
        again = {"add": before + c, "subtract": before - c if place else c - before}.get(op, c / before)
    return number if np.array_equal(again, after) else None


def _same(x1: Array, x2: Array) -> bool:
    return bool(np.array_equal(on_host(x1), on_host(x2), equal_nan=on_host(x1).dtype.kind in "fc"))


class _Numbered:
    """A node whose edges are their own numbers, so that the gradient along each is told apart."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.edges = tuple(None if edge is None else i for i, edge in enumerate(node.edges))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.node, name)


def gradients(
    graph: Graph, seed: Array, wanted_uses: set[tuple[Node, int]], wanted: set[Any]
) -> tuple[dict[tuple[Node, int], Array], dict[Any, Array]]:
    """Return dL/d(value) along each wanted edge, by call and number of the input, and in sum at each wanted value.

    GradientError says that saved values were freed.
    """
    along: dict[tuple[Node, int], Array] = {}
    total: dict[Any, Array] = {}
    arriving: dict[Any, Array] = {graph.root: seed}
    backend = backend_of(seed)
    with no_grad(), backend.quiet():
        for node in graph.order:
            for value in graph.outputs.get(node, [node]):
                if value in wanted and value in arriving:
                    total[value] = arriving[value]
            g = _gradient_of(node, arriving, graph.outputs.get(node))
            if g is None or type(node) is Leaf:
                continue
            for i, gi in _along_edges(node, g):
                edge = node.edges[i]
                arriving[edge] = arriving[edge] + gi if edge in arriving else gi
                if (node, i) in wanted_uses:
                    along[node, i] = gi
    return along, total


def _gradient_of(node: Node, arriving: dict[Any, Array], outputs: Sequence[Output] | None) -> Any:
    """Return the gradient of what a node computed, a list where that is several values, None where none has arrived."""
    if outputs is None:
        return arriving.pop(node, None)
    g: list[Any] = [None] * len(node.outputs)
    for value in outputs:
        gi = arriving.pop(value, None)
        if gi is not None:
            g[value.index] = gi if g[value.index] is None else g[value.index] + gi
    return None if all(gi is None for gi in g) else g


def _along_edges(node: Node, g: Any) -> Iterator[tuple[int, Array]]:
    array = next(gi for gi in g if gi is not None) if isinstance(g, list) else g
    backend = backend_of(array)
    with backend.on(backend.device_of(array)):
        numbered: Any = _Numbered(node)
        yield from node.op.gradients(numbered, g, False, None)
