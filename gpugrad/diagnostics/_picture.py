"""What is drawn, before it is known where: boxes and wires with their texts, from a graph and its quantities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gpugrad._graph import Node, Output
from gpugrad.backends import Array
from gpugrad.diagnostics._names import Names
from gpugrad.diagnostics._numbers import element, elements, few, norm, on_host, shape_text
from gpugrad.diagnostics._quantities import Values, unsaved_number
from gpugrad.diagnostics._rules import rules_of
from gpugrad.diagnostics._structure import Arc, Graph, Vertex
from gpugrad.diagnostics._words import clean

__all__ = ["Box", "Picture", "Wire", "paint"]

_symbols = {"add": "+", "subtract": "−", "multiply": "×", "divide": "÷", "matmul": "@", "pow": "^"}
_swappable = {"add", "multiply", "maximum", "minimum", "logaddexp", "hypot"}

Span = tuple[str, str]
"""A text and its role: plain, quiet, value or gradient."""


@dataclass(slots=True)
class Box:
    """A vertex: its kind, its name, further lines of spans, and what is told when a pointer rests on it."""

    kind: str
    title: str
    lines: list[list[Span]] = field(default_factory=list)
    hover: str = ""
    swappable: bool = False


@dataclass(slots=True)
class Wire:
    """An edge from box to box: lines of the value above it, lines of the gradient below it."""

    source: int
    target: int
    port: int
    value: Any
    above: list[str]
    below: list[str]
    hover: str
    output: int | None = None
    """Which of several outputs of a call this is."""


@dataclass(slots=True)
class Picture:
    """Boxes in topological order, wires, and what is written below the drawing."""

    boxes: list[Box]
    wires: list[Wire]
    notes: list[str]
    detailed: bool


class _Painter:
    def __init__(
        self,
        graph: Graph,
        names: Names,
        values: Values | None,
        along: Mapping[tuple[Node, int], Array],
        total: Mapping[Any, Array],
        style: str,
        words: dict[str, str],
    ) -> None:
        self.graph, self.names, self.values = graph, names, values
        self.along, self.total = along, total
        self.style, self.words = style, words
        self.number_of_leaf: dict[Any, int] = {}

    # Values and gradients as text

    def value_lines(self, value: Any, form: Any, of: str = "") -> list[str]:
        """Return the lines for a value, its own first: elements, or shape, dtype and norm."""
        if self.style == "none":
            return [of] if of else []
        array = self.values.get(value) if self.values is not None else None
        described = [shape_text(*form)] if form is not None else []
        lines = described if array is None else self.quantity(on_host(array), described)
        if not of:
            return lines
        return [f"{of} = {lines[0]}"] if len(lines) == 1 and array is not None else [of, *lines]

    def quantity(self, values: np.ndarray[Any, Any], described: list[str]) -> list[str]:
        """Return an array's elements, if they are few and wanted, else what describes it and its norm."""
        if values.size == 0:
            return described or [self.words["empty"]]
        if values.ndim == 0 or (self.style == "elements" and few(values.shape)):
            return elements(values)
        if values.dtype.kind in "biu":
            return described
        length, odd = norm(values)
        lines = [*described, self.words["norm"].format(number=length)]
        return [*lines, self.words["not finite"].format(count=odd)] if odd else lines

    def gradient(self, arc: Arc) -> Array | None:
        """Return the gradient that comes back along an arc."""
        return self.total.get(arc.value) if arc.call is None else self.along.get((arc.call, arc.index))

    def gradient_lines(self, g: Array | None) -> list[str]:
        """Return the lines for a gradient, in PyTorch's convention where it is complex."""
        return [] if g is None else self.quantity(np.conj(on_host(g)), [])

    # Boxes

    def name_of(self, value: Any) -> str:
        """Return the name of a leaf or a constant."""
        if self.names.of.get(value):
            return clean(self.names.of[value])
        if isinstance(value, Vertex):
            return self.words["constant"]
        number = self.number_of_leaf.setdefault(value, len(self.number_of_leaf) + 1)
        return self.words["leaf"].format(number=number)

    def total_line(self, value: Any) -> list[list[Span]]:
        """Return the sum of the gradients of a value that is used several times."""
        if value not in self.total or len(self.graph.uses[value]) < 2:
            return []
        lines = self.gradient_lines(self.total[value])
        return [[(("  " if i else "Σ ") + text, "gradient")] for i, text in enumerate(lines)]

    def box(self, vertex: Vertex) -> Box:
        """Return the box of a vertex."""
        if vertex.kind == "result":
            return Box("result", clean(self.names.of.get(self.graph.root, "") or self.words["result"]))
        if vertex.kind == "fold":
            return self.folded(vertex)
        if vertex.kind == "call":
            return self.call(vertex)
        value = vertex.node if vertex.kind == "leaf" else vertex
        form = self.graph.forms.get(value)
        name = self.name_of(value)
        full = clean(self.names.of.get(value, name), 200)
        hover = "\n".join([full, shape_text(*form) if form else ""]).strip()
        return Box(vertex.kind, name, self.total_line(value), hover)

    def folded(self, vertex: Vertex) -> Box:
        """Return the box that stands for a chain of calls."""
        counts = Counter(member.node.op.name for member in vertex.members if member.node is not None)
        kinds = [f"{count} × {name}" for name, count in counts.most_common()]
        few_kinds = [*kinds[:3], *(["…"] if len(kinds) > 3 else [])]
        title = self.words["more"].format(count=len(vertex.members))
        return Box("fold", title, [[(text, "quiet")] for text in few_kinds], "\n".join([title, *kinds]))

    def call(self, vertex: Vertex) -> Box:
        """Return the box of a call: its layer, its op, the parameters drawn inside it."""
        node: Any = vertex.node
        name = node.op.name
        title = _symbols.get(name, name)
        if name == "activated_linear":
            title = f"linear + {node.attributes['activation']}"
        elif vertex.numbers:
            title = self.with_numbers(title, vertex)
        lines: list[list[Span]] = []
        layer = self.layer_of(vertex)
        if layer:
            kind = self.names.kinds.get(layer)
            lines.append([(clean(title), "plain")])
            title = f"{clean(layer)} · {kind}" if kind else clean(layer)
        for arc in vertex.held:
            lines.append(self.held(arc, layer))
        if node not in self.graph.outputs:
            lines += self.total_line(node)
        return Box("call", clean(title), lines, self.explanation(vertex), name in _swappable)

    def with_numbers(self, title: str, vertex: Vertex) -> str:
        """Return the name of a call with the Python numbers among its operands; `c` is one that was not kept."""
        node: Any = vertex.node
        if hasattr(node, "shapes"):
            named = ((node.op.inputs[i], number) for i, number in vertex.numbers.items())
            return " ".join([title, *(f"{name}={'c' if n is None else element(n)}" for name, n in named)])
        ((place, number),) = vertex.numbers.items()
        if number is None and self.values is not None:
            tracked = vertex.inputs[0].value
            number = unsaved_number(node.op.name, place, self.values.get(tracked), self.values.get(node))
        shown = "c" if number is None else element(number)
        return f"{title} {shown}" if place == 1 else f"{shown} {title}"

    def layer_of(self, vertex: Vertex) -> str:
        """Return the path of the module whose parameters are drawn inside a call, "" where there is no single one."""
        named = [self.names.of[arc.value] for arc in vertex.held if arc.value in self.names.of]
        paths = {name.rpartition(".")[0] for name in named if "." in name}
        return paths.pop() if len(paths) == 1 else ""

    def held(self, arc: Arc, layer: str) -> list[Span]:
        """Return the line of a leaf or a constant that is drawn inside its call."""
        named = self.names.of.get(arc.value)
        if named is None:
            name = clean(_input_name(arc)) if isinstance(arc.value, Vertex) else self.name_of(arc.value)
        else:
            name = clean(named.removeprefix(f"{layer}.") if layer else named)
        spans: list[Span] = [(name, "plain")]
        form = self.graph.forms.get(arc.value)
        if self.style != "none" and form is not None:
            spans.append((str(form[0]), "quiet"))
            array = self.values.get(arc.value) if self.values is not None else None
            spans += [(text, "value") for text in self.quantity(on_host(array), [])] if array is not None else []
        return spans + [(text, "gradient") for text in self.gradient_lines(self.gradient(arc))]

    def explanation(self, vertex: Vertex) -> str:
        """Return what is told of a call: its op, shapes, keywords, derivative rules."""
        node: Any = vertex.node
        lines = [node.op.name]
        for arc in sorted([*vertex.inputs, *vertex.held], key=lambda a: a.index):
            form = self.graph.forms.get(arc.value)
            lines.append(f"{self.words['input']} {_input_name(arc)}: {shape_text(*form) if form else ''}")
        for value in self.graph.outputs.get(node, [node]):
            form = self.graph.forms.get(value)
            lines.append(f"{self.words['output']}: {shape_text(*form) if form else ''}")
        attributes = getattr(node, "attributes", {})
        lines += [f"{key}={clean(repr(value), 60)}" for key, value in attributes.items() if value is not None]
        lines += [f"{self.words['rule'].format(input=name)}: {text}" for name, text in rules_of(node.op)]
        return "\n".join(lines)

    # Wires

    def wire(self, arc: Arc, number: Mapping[Vertex, int], port: int) -> Wire:
        """Return the wire of an arc."""
        form = self.graph.forms.get(arc.value)
        named = clean(self.names.of.get(arc.value, "")) if arc.source.kind in ("call", "fold") else ""
        at_result = arc.target.kind == "result"
        above = self.value_lines(arc.value, form, "" if at_result else named)
        output = arc.value.index if type(arc.value) is Output else None
        if output is not None:
            above = [f"[{output}]", *above]
        below = self.gradient_lines(self.gradient(arc))
        hover = "" if form is None else shape_text(*form)
        if arc.call is not None:
            hover = f"{_input_name(arc)}: {hover}"
        return Wire(number[arc.source], number[arc.target], port, arc.value, above, below, hover, output)


def _input_name(arc: Arc) -> str:
    """Return what an op calls an input."""
    op: Any = arc.call.op if arc.call is not None else None
    if op is None:
        return ""
    if getattr(op, "list_input", None) is not None:
        return f"{op.list_input}[{arc.index}]"
    return str(op.inputs[arc.index])


def paint(
    graph: Graph,
    names: Names,
    values: Values | None,
    along: Mapping[tuple[Node, int], Array],
    total: Mapping[Any, Array],
    style: str,
    words: dict[str, str],
) -> Picture:
    """Return the picture of a graph; `style` is what is shown of values: elements, norms, shapes or none."""
    painter = _Painter(graph, names, values, along, total, style, words)
    for vertex in graph.vertices:
        if vertex.kind == "leaf":
            painter.name_of(vertex.node)  # unnamed leaves are numbered in the order of their making
    number = {vertex: i for i, vertex in enumerate(graph.vertices)}
    boxes = [painter.box(vertex) for vertex in graph.vertices]
    wires = [
        painter.wire(arc, number, port)
        for vertex in graph.vertices
        for port, arc in enumerate(sorted(vertex.inputs, key=lambda a: a.index))
    ]
    return Picture(boxes, wires, [], style == "elements")
