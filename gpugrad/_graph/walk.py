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

from gpugrad._graph import hooks, watching
from gpugrad._graph.fit import fit
from gpugrad._graph.memory import FREED, FreedError
from gpugrad._graph.modes import mode
from gpugrad._graph.nodes import BinaryNode, Entry, Leaf, Node, Output, UnaryNode, WideNode
from gpugrad.backends import backend_of
from gpugrad.errors import GradientError

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


def _leading_to(
    targets: set[Node], roots: Iterable[Node], unreached: Callable[[set[Node]], None] | None
) -> tuple[list[Node], bool, set[Node] | None]:
    """Return the same for those nodes alone from which a target can be reached, and them as a set.

    What is older than the oldest target does not lead to one, and is not looked at: the targets may be a step back in
    a graph of millions. The set is None where no edge leaves it and the targets have none, so that nobody need ask.
    """
    oldest = min(map(_sequence, targets), default=0)
    order = [node for node in roots if node.sequence >= oldest]
    seen = set(order)
    for node in order:  # which grows as it is read
        for edge in node.edges:
            if edge is not None and edge.sequence >= oldest and edge not in seen:
                seen.add(edge)
                order.append(edge)
    if unreached is not None and not seen.issuperset(targets):
        unreached(targets - seen)
    order.sort(key=_sequence)
    leading = set(targets)
    for node in order:
        if any(edge in leading for edge in node.edges):
            leading.add(node)
    kept = [node for node in reversed(order) if node in leading]
    crosses = any(type(node) is WideNode and node.op.crosses_devices for node in kept)
    ends = all(type(node) is Leaf or type(node) is Entry for node in targets)
    closed = ends and all(edge is None or edge in leading for node in kept for edge in node.edges)
    return kept, crosses, None if closed else leading


def _taken_early(order: list[Node]) -> list[Node]:
    """Return the order with each leaf that has hooks of its accumulation as soon as its gradient is complete.

    Its hooks may use and free it there. All other leaves come last, being the oldest.
    """
    due: dict[Node, list[Node]] = {}
    early: set[Node] = set()
    for node in reversed(order):
        for edge in node.edges:
            if type(edge) is Leaf and edge not in early and edge.hooks is not None and edge.hooks.of_call:
                early.add(edge)
                due.setdefault(node, []).append(edge)
    return [x for node in order if node not in early for x in (node, *due.get(node, ()))] if due else order


def walk(
    seeds: dict[Node, Any],
    retain_graph: bool,
    create_graph: bool,
    targets: set[Node] | None = None,
    run_hooks: Any = None,
    unreached: Callable[[set[Node]], None] | None = None,
) -> dict[Node, Any]:
    """Return the gradient that the seeds cause at every leaf, or at the targets alone where some are given.

    `run_hooks` runs what hangs on the nodes (`_tensor.hooks`); a leaf whose gradient it accumulates itself is left out.
    `unreached` is told, before any rule runs, of targets that the seeds do not depend on.
    """
    order, crosses, wanted = (*_reachable(seeds), None) if targets is None else _leading_to(targets, seeds, unreached)
    if hooks.on_leaves and getattr(run_hooks, "accumulate", None) is not None:
        order = _taken_early(order)
    first = next(iter(seeds.values()))
    backend = backend_of(first._array if create_graph else first)
    visit = partial(watching.watched_walk, seeds, _pass) if watching.watchers else _pass
    with backend.quiet():  # where a derivative is infinite it is infinite, without a warning
        if create_graph:
            return visit(order, dict(seeds), True, True, False, targets, wanted, run_hooks)
        follows = crosses or any(backend_of(g).checks_operands for g in seeds.values())
        with backend.on(backend.device_of(first)):
            return visit(order, dict(seeds), retain_graph, False, follows, targets, wanted, run_hooks)


def _pass(
    order: list[Node],
    sums: dict[Node, Any],
    retain_graph: bool,
    recorded: bool,
    follows_device: bool,
    targets: set[Node] | None,
    wanted: set[Node] | None,
    run_hooks: Any,
) -> dict[Node, Any]:
    """Visit the nodes in order; `sums` holds the gradients that have arrived at nodes not yet visited.

    The first gradient to arrive is kept by reference; later ones are added, in place only into buffers made here. The
    common case, a flat node on arrays, is written out first: it is half of what a recorded op costs.
    """
    found: dict[Node, Any] = {}
    owned: set[Node] = set()
    get, pop = sums.get, sums.pop
    accumulate = getattr(run_hooks, "accumulate", None)
    watched = bool(watching.watchers)
    strong = mode.strong_zero
    flat = not recorded and wanted is None and not follows_device and not watched and not strong

    def add(edge: Node, h: Any, gi: Any) -> None:
        if edge in owned:
            h += gi
            sums[edge] = h
        else:
            sums[edge] = h + gi
            if not recorded:
                owned.add(edge)

    try:
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
            if watched:
                watching.arrived(node, g)
            hung = node.hooks if run_hooks is not None else None
            if hung is not None and type(g) is not list:  # each of several results has had its own
                g = run_hooks(node, g)
            if kind is Leaf and accumulate is not None and hung is not None and hung.of_call:
                accumulate(node, g, node in owned)
                continue
            if kind is Leaf or (targets is not None and node in targets):
                found[node] = g
                if kind is Leaf or (wanted is not None and wanted.isdisjoint(node.edges)):
                    continue
            if kind is Output:
                of_outputs = sums.setdefault(node.edge0, [None] * len(node.edge0.outputs))
                h = of_outputs[node.index]
                of_outputs[node.index] = g if h is None else h + g
                continue
            if follows_device:
                _make_current(g)
            if hung is not None and hung.before:
                g = run_hooks.before(node, g)
                if g is None or (type(g) is list and all(gi is None for gi in g)):
                    continue
            gradients = _rules(node, g, recorded, wanted, strong)
            going = watching.watched_pull(node, g, gradients) if watched else gradients()
            if hung is not None and hung.after:
                going = run_hooks.after(node, g, list(going))
            for edge, gi in going:
                h = get(edge)
                if h is None:
                    sums[edge] = gi
                else:
                    add(edge, h, gi)
            if not retain_graph:
                node.op.free(node)
    except FreedError as error:
        shape = tuple(next(x for x in g if x is not None).shape if type(g) is list else g.shape)
        raise GradientError(f"{node.op.name}, whose result has shape {shape}: {error}") from None
    return found


def _rules(node: Node, g: Any, recorded: bool, wanted: set[Node] | None, strong: bool) -> Callable[[], Any]:
    """Return the rules of a node, to be run on the gradient of its result."""
    if strong and node.op.elementwise:
        return partial(node.op.gradients, node, g, recorded, wanted, True)
    return partial(node.op.gradients, node, g, recorded, wanted)


def _make_current(g: Any) -> None:
    array = next(x for x in g if x is not None) if isinstance(g, list) else g
    backend = backend_of(array)
    backend.make_current(backend.device_of(array))
