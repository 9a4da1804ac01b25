"""The walk back: from a value to all that it was computed from, rule by rule, in the order of recording reversed.

It runs on arrays, or, with create_graph, on Tensors, so that the rules are recorded themselves. It never recurses.

Inside the walk the cotangent of a complex value is dL/dRe - i dL/dIm, so that the rule of a holomorphic function is its
plain derivative with no conjugate in it; seeds and results are conjugated at the border, to PyTorch's convention.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from operator import attrgetter
from typing import Any

from gpugrad._graph import watching
from gpugrad._graph.fit import fit
from gpugrad._graph.memory import FREED
from gpugrad._graph.nodes import BinaryNode, Leaf, Node, Output, UnaryNode, WideNode
from gpugrad.backends import backend_of

__all__ = ["walk"]

_sequence = attrgetter("sequence")


def _reachable(roots: Iterable[Node]) -> tuple[list[Node], bool]:
    """Return all nodes that the roots were computed from, the youngest first, and whether devices change among them."""
    crosses = False
    order = list(roots)
    seen = set(order)
    see, append = seen.add, order.append
    for node in order:  # which grows as it is read
        if type(node) is WideNode:
            crosses = crosses or node.op.crosses_devices
            for edge in node.edges:
                if edge is not None and edge not in seen:
                    see(edge)
                    append(edge)
            continue
        edge = node.edge0
        if edge is not None and edge not in seen:
            see(edge)
            append(edge)
        edge = node.edge1
        if edge is not None and edge not in seen:
            see(edge)
            append(edge)
    order.sort(key=_sequence, reverse=True)
    return order, crosses


def _leading_to(order: list[Node], targets: set[Node]) -> list[Node]:
    """Return the nodes of `order` from which a target can be reached."""
    leading = set(targets)
    for node in reversed(order):
        if any(edge in leading for edge in node.edges):
            leading.add(node)
    return [node for node in order if node in leading]


def walk(
    seeds: dict[Node, Any],
    retain_graph: bool,
    create_graph: bool,
    targets: set[Node] | None = None,
    run_hooks: Callable[[Node, Any], Any] | None = None,
) -> dict[Node, Any]:
    """Return the gradient that the seeds cause at every leaf, or at the targets alone where some are given."""
    order, crosses = _reachable(seeds)
    wanted = None
    if targets is not None:
        order = _leading_to(order, targets)
        wanted = set(order)
    first = next(iter(seeds.values()))
    backend = backend_of(first._array if create_graph else first)
    with backend.quiet():  # where a derivative is infinite it is infinite, without a warning
        if create_graph:
            return _pass(order, dict(seeds), True, True, False, targets, wanted, run_hooks)
        follows = crosses or any(backend_of(g).checks_operands for g in seeds.values())
        with backend.on(backend.device_of(first)):
            return _pass(order, dict(seeds), retain_graph, False, follows, targets, wanted, run_hooks)


def _pass(
    order: list[Node],
    sums: dict[Node, Any],
    retain_graph: bool,
    recorded: bool,
    follows_device: bool,
    targets: set[Node] | None,
    wanted: set[Node] | None,
    run_hooks: Callable[[Node, Any], Any] | None,
) -> dict[Node, Any]:
    """Visit the nodes in order; `sums` holds the gradients that have arrived at nodes not yet visited.

    The first gradient to arrive is kept by reference; later ones are added, in place only into buffers made here. The
    common case, a flat node on arrays, is written out first: it is half of what a recorded op costs.
    """
    found: dict[Node, Any] = {}
    owned: set[Node] = set()
    get, pop = sums.get, sums.pop
    watched = bool(watching.watchers)
    flat = not recorded and wanted is None and not follows_device and not watched

    def add(edge: Node, h: Any, gi: Any) -> None:
        if edge in owned:
            h += gi
            sums[edge] = h
        else:
            sums[edge] = h + gi
            if not recorded:
                owned.add(edge)

    for node in order:
        g = pop(node, None)
        if g is None:
            continue
        kind = type(node)
        if flat and (kind is BinaryNode or kind is UnaryNode) and node.hooks is None:
            op = node.op
            edge = node.edge0
            if edge is not None:
                gi = op.pull0(g, node)
                if node.fit0 is not None:
                    gi = fit(gi, *node.fit0)
                h = get(edge)
                if h is None:
                    sums[edge] = gi
                else:
                    add(edge, h, gi)
            if kind is BinaryNode:
                edge = node.edge1
                if edge is not None:
                    gi = op.pull1(g, node)
                    if node.fit1 is not None:
                        gi = fit(gi, *node.fit1)
                    h = get(edge)
                    if h is None:
                        sums[edge] = gi
                    else:
                        add(edge, h, gi)
                if not retain_graph:
                    node.saved1 = FREED
            if not retain_graph:
                node.saved0 = node.result = FREED
            continue
        if node.hooks is not None and run_hooks is not None:
            g = run_hooks(node, g)
        if kind is Leaf or (targets is not None and node in targets):
            found[node] = g
        if kind is Leaf:
            continue
        if kind is Output:
            of_outputs = sums.setdefault(node.edge0, [None] * len(node.edge0.outputs))
            h = of_outputs[node.index]
            of_outputs[node.index] = g if h is None else h + g
            continue
        if follows_device:
            _make_current(g)
        gradients = partial(node.op.gradients, node, g, recorded, wanted)
        for edge, gi in watching.watched_pull(node, g, gradients) if watched else gradients():
            h = get(edge)
            if h is None:
                sums[edge] = gi
            else:
                add(edge, h, gi)
        if not retain_graph:
            node.op.free(node)
    return found


def _make_current(g: Any) -> None:
    array = next(x for x in g if x is not None) if isinstance(g, list) else g
    backend = backend_of(array)
    backend.make_current(backend.device_of(array))
