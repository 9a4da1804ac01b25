"""The graph as it is drawn: vertices and the arcs between them, leaves drawn inside their calls, long chains folded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from gpugrad._graph import FREED, Leaf, Node, Output
from gpugrad.backends import as_dtype, backend_of

__all__ = [
    "Arc",
    "Graph",
    "Vertex",
    "absorb",
    "fold",
    "foldable",
    "may_be_absent",
    "read",
    "saved_input",
    "saved_output",
]


@dataclass(eq=False, slots=True)
class Vertex:
    """A leaf, a constant, a call, several calls folded into one, or the result.

    `held` are the arcs from leaves and constants that are drawn inside the vertex, and `numbers` are the Python numbers
    among its inputs, by their places (None where one was not kept).
    """

    kind: str
    node: Node | None = None
    constant: Any = None
    inputs: list[Arc] = field(default_factory=list)
    held: list[Arc] = field(default_factory=list)
    numbers: dict[int, Any] = field(default_factory=dict)
    members: list[Vertex] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Arc:
    """A value on its way to a vertex: the node `value`, or a constant, is input `index` of the node `call`."""

    source: Vertex
    target: Vertex
    call: Node | None
    index: int
    value: Any


@dataclass(eq=False, slots=True)
class Graph:
    """All vertices, inputs before what is computed from them and the result last, and what is known of the values."""

    root: Node
    vertices: list[Vertex]
    order: list[Node]
    """The nodes that compute, the youngest first."""
    uses: dict[Any, list[Arc]]
    forms: dict[Any, tuple[tuple[int, ...], Any]]
    """Shape and dtype of each value, and of constants where they are known."""
    outputs: dict[Node, list[Output]]
    """Those of several outputs of a call that are used."""


def _reach(root: Node) -> list[Node]:
    """Return all nodes that a value was computed from, the youngest first."""
    found, seen = [root], {root}
    for node in found:  # which grows as it is read
        for edge in node.edges:
            if edge is not None and edge not in seen:
                seen.add(edge)
                found.append(edge)
    found.sort(key=lambda node: node.sequence, reverse=True)
    return found


def _cell(node: Any, i: int) -> Any:
    """Return the cell of input `i` that a node keeps, FREED where it was let go, None where it keeps none."""
    if not hasattr(node, "saved"):
        return getattr(node, f"saved{i}", None)
    if node.saved is FREED:
        return FREED
    if node.op.list_input is not None:
        cells = node.saved.get(node.op.list_input)
        return None if cells is None else cells[i]
    return node.saved.get(node.op.inputs[i])


def saved_input(node: Node, i: int) -> Any:
    """Return the value of input `i` that a node keeps for backward, None where it keeps none."""
    cell = _cell(node, i)
    return None if cell is None or cell is FREED else cell.value


def saved_output(value: Node) -> Any:
    """Return the value that its own node keeps for backward, None where it keeps none."""
    node: Any = value.source
    if hasattr(node, "saved"):
        cell = None if node.saved is FREED else node.saved.get("z")
        cell = cell[value.index] if isinstance(cell, list) else cell
    else:
        cell = getattr(node, "result", None)
    return None if cell is None or cell is FREED else cell.value


def _tracked_form(node: Any, i: int, of_output: Any) -> Any:
    """Return the shape and dtype of a tracked input."""
    form = node.op.shape_and_dtype(node, i)
    return of_output if form is None else (tuple(form[0]), as_dtype(form[1]))


def may_be_absent(node: Any, i: int) -> bool:
    """Return whether input `i`, of which a node keeps nothing, was left out of the call, or may have been.

    Otherwise it is a Python number that backward does not need.
    """
    op = node.op
    return hasattr(node, "shapes") and op.list_input is None and op.inputs[i] in op.defaults


def _untracked_form(node: Any, i: int, kept: Any) -> Any:
    """Return the shape and dtype of an input that is not tracked, None where it is a number or nothing is known."""
    if hasattr(kept, "shape"):
        return tuple(kept.shape), backend_of(kept).dtype_of(kept)
    if hasattr(node, "shapes") and node.dtypes[i] is not None:
        return tuple(node.shapes[i]), as_dtype(node.dtypes[i])
    return None


def read(root: Node, shape: tuple[int, ...], dtype: Any) -> Graph:
    """Return the graph of a value of this shape and dtype."""
    nodes = _reach(root)
    order = [node for node in nodes if type(node) is not Output]
    forms: dict[Any, Any] = {root: (shape, dtype)}
    vertices = {node: Vertex("leaf" if type(node) is Leaf else "call", node) for node in reversed(order)}
    constants: dict[Any, Vertex] = {}
    for node in order:
        if type(node) is not Leaf:
            _read_inputs(node, vertices, constants, forms)
    result = Vertex("result")
    result.inputs.append(Arc(vertices[root.source], result, None, 0, root))
    everything = [*constants.values(), *vertices.values(), result]
    uses: dict[Any, list[Arc]] = {}
    for vertex in everything:
        for arc in vertex.inputs:
            uses.setdefault(arc.value, []).append(arc)
    outputs: dict[Node, list[Output]] = {}
    for value in uses:
        if type(value) is Output:
            outputs.setdefault(value.source, []).append(value)
    return Graph(root, everything, order, uses, forms, outputs)


def _read_inputs(node: Node, vertices: dict[Node, Vertex], constants: dict[Any, Vertex], forms: dict[Any, Any]) -> None:
    """Give the vertex of a call its arcs, and note the forms of its inputs; that of its output is known."""
    vertex = vertices[node]
    for i, edge in enumerate(node.edges):
        if edge is not None:
            if type(edge) is Output:
                shape, dtype = edge.source.outputs[edge.index]
                forms[edge] = tuple(shape), as_dtype(dtype)
            elif edge not in forms:
                forms[edge] = _tracked_form(node, i, forms.get(node))
            vertex.inputs.append(Arc(vertices[edge.source], vertex, node, i, edge))
            continue
        kept = saved_input(node, i)
        form = _untracked_form(node, i, kept)
        if form is not None:
            constant = constants.setdefault((node, i) if kept is None else id(kept), Vertex("constant", constant=kept))
            forms[constant] = form
            vertex.inputs.append(Arc(constant, vertex, node, i, constant))
        elif kept is not None or not may_be_absent(node, i):
            vertex.numbers[i] = kept


def absorb(graph: Graph) -> None:
    """Draw leaves and constants that are used once inside the call that uses them, as a layer has its parameters.

    The first input stays outside where there is no other, for it is what the call is applied to.
    """
    gone = set()
    for vertex in graph.vertices:
        if vertex.kind != "call":
            continue
        computed = any(arc.source.kind == "call" for arc in vertex.inputs)
        for arc in list(vertex.inputs):
            alone = arc.source.kind in ("leaf", "constant") and len(graph.uses[arc.value]) == 1
            if alone and (computed or arc.index > 0):
                vertex.inputs.remove(arc)
                vertex.held.append(arc)
                gone.add(arc.source)
    graph.vertices = [vertex for vertex in graph.vertices if vertex not in gone]


def _follows(graph: Graph) -> dict[Vertex, Vertex]:
    """Return, for every call that alone continues another call's only use, that call."""
    follows = {}
    for vertex in graph.vertices:
        if vertex.kind == "call" and len(vertex.inputs) == 1:
            arc = vertex.inputs[0]
            single = len(graph.uses[arc.value]) == 1 and type(arc.value) is not Output
            if arc.source.kind == "call" and single:
                follows[vertex] = arc.source
    return follows


def foldable(graph: Graph, longest: int) -> list[list[Vertex]]:
    """Return the middles of all chains of more than `longest` calls, each the only user of the one before it."""
    follows = _follows(graph)
    next_of = {before: vertex for vertex, before in follows.items()}
    chains = []
    for vertex in graph.vertices:
        if vertex in next_of and vertex not in follows:
            chain = list(_along(vertex, next_of))
            if len(chain) > longest:
                chains.append(chain[1:-1])
    return chains


def _along(vertex: Vertex, next_of: dict[Vertex, Vertex]) -> Iterator[Vertex]:
    yield vertex
    while vertex in next_of:
        vertex = next_of[vertex]
        yield vertex


def fold(graph: Graph, chains: list[list[Vertex]]) -> None:
    """Put one vertex in the place of each chain."""
    place: dict[Vertex, Vertex | None] = {}
    for chain in chains:
        folded = Vertex("fold", members=chain)
        first, last = chain[0].inputs[0], chain[-1]
        folded.inputs = [Arc(first.source, folded, first.call, first.index, first.value)]
        graph.uses[first.value] = folded.inputs
        (out,) = graph.uses[last.node]
        out.source = folded
        place.update(dict.fromkeys(chain))
        place[last] = folded
    graph.vertices = [v for vertex in graph.vertices if (v := place.get(vertex, vertex)) is not None]
