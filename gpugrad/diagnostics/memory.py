"""What a graph keeps alive: the bytes that backward needs, by op, layer and line, each piece of memory counted once."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from gpugrad._graph import Leaf, Node, Packed, Saved, saved_by, watching
from gpugrad._op import TENSORS, node_of
from gpugrad.autograd._recomputed import Recomputed
from gpugrad.backends import backend_of, is_array_type
from gpugrad.diagnostics._displays import table
from gpugrad.diagnostics._names import named_pairs
from gpugrad.nn import Module

__all__ = ["KeptValue", "MemoryReport", "MemoryRow", "memory_report"]

_shown = 5


@dataclass(frozen=True, slots=True)
class KeptValue:
    """A piece of memory: its bytes, whose it is, and the first value in it, which `op` keeps under `name`.

    `kind` is ``"saved"``, ``"packed"`` by a hook, ``"attribute"`` (indices, kept with the call) or ``"parameter"``,
    memory that is there with and without the graph.
    """

    kind: str
    bytes: int
    op: str
    name: str
    shape: tuple[int, ...] | None
    dtype: str
    layer: str
    line: str


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """The calls of one op in one layer, at one line: how many pieces of memory they keep, and their bytes."""

    op: str
    layer: str
    line: str
    values: int
    bytes: int


class MemoryReport:
    """The table of what a graph keeps alive.

    `values` are all pieces of memory, the largest first, and `rows` those that are no parameters by op. `bytes` is the
    sum of these, `packed` the part of it that hooks have packed, and `parameters` what the graph keeps of parameters.
    """

    def __init__(self, values: list[KeptValue]) -> None:
        self.values = sorted(values, key=lambda value: -value.bytes)
        kept = [value for value in values if value.kind != "parameter"]
        groups: dict[tuple[str, str, str], list[KeptValue]] = {}
        for value in kept:
            groups.setdefault((value.op, value.layer, value.line), []).append(value)
        rows = [MemoryRow(*key, len(held), sum(v.bytes for v in held)) for key, held in groups.items()]
        self.rows = sorted(rows, key=lambda row: -row.bytes)
        self.bytes = sum(value.bytes for value in kept)
        self.packed = sum(value.bytes for value in kept if value.kind == "packed")
        self.parameters = sum(value.bytes for value in values if value.kind == "parameter")

    def _columns(self) -> list[str]:
        told = [name for name in ("layer", "line") if any(getattr(row, name) for row in self.rows)]
        return ["op", *told, "values", "bytes"]

    def _cells(self) -> list[list[str]]:
        columns = self._columns()
        return [[f"{v:,}" if isinstance(v := getattr(row, c), int) else v for c in columns] for row in self.rows]

    def _totals(self) -> list[str]:
        packed = f", of which {self.packed:,} packed" if self.packed else ""
        lines = [f"bytes: {self.bytes:,}{packed}", f"parameters, which are there anyway: {self.parameters:,}"]
        largest = [value for value in self.values if value.kind != "parameter"][:_shown]
        return [*lines, *(["largest:"] if largest else []), *(f"  {_described(value)}" for value in largest)]

    def __str__(self) -> str:
        lines = [self._columns(), *self._cells()]
        widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
        first_number = len(widths) - 2
        texts = [
            "  ".join(
                c.rjust(w) if k >= first_number else c.ljust(w)
                for k, (c, w) in enumerate(zip(line, widths, strict=True))
            )
            for line in lines
        ]
        rule = "-" * len(texts[0])
        return "\n".join([texts[0], rule, *texts[1:], rule, *self._totals()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return table(self._cells(), self._columns()) + "".join(f"<div>{escape(line)}</div>" for line in self._totals())


def _described(value: KeptValue) -> str:
    what = value.dtype if value.shape is None else f"{value.dtype} {value.shape}"
    return f"{value.bytes:,}  {value.name} of {value.op}, {what}{f', in {value.layer}' if value.layer else ''}"


def memory_report(outputs: Any, names: Any = None) -> MemoryReport:
    """Return what the graph behind one tensor, or several, keeps alive for backward, as a table to print or look at.

    Each piece of memory is counted once, whole, under the op that kept it first: a view keeps alive what it is a view
    of. What a hook has packed counts as it is packed, and a checkpointed call with its arguments. After a backward that
    freed the graph nothing is left. `names` tells the layers: a Module, or tensors and Modules by name, as for `draw`;
    a call belongs to the layer whose parameters it uses, or else its inputs come from. Lines of the user's code are
    known for calls under `autograd.detect_anomaly`.

    >>> import gpugrad
    >>> x = gpugrad.ones((100, 10), requires_grad=True)
    >>> y = gpugrad.exp(x @ gpugrad.ones((10, 20)))
    >>> print(memory_report(y))
    op      values  bytes
    ---------------------
    exp          1  8,000
    matmul       1    800
    ---------------------
    bytes: 8,800
    parameters, which are there anyway: 0
    largest:
      8,000  z of exp, float32 (100, 20)
      800  x2 of matmul, float32 (10, 20)
    """
    given = [outputs] if type(outputs) in TENSORS else outputs
    if not isinstance(given, Sequence) or not all(type(t) in TENSORS for t in given):
        raise TypeError(f"memory_report takes a tensor, or a list of them, not {type(outputs).__name__}")
    order = _reachable(node for node in map(node_of, given) if node is not None)
    parameters = set()
    for node in order:
        tensor = node.tensor() if type(node) is Leaf else None
        if tensor is not None:
            parameters.add(_memory_of(tensor._array)[0])
    layers = _layers(order, names)
    found: dict[Any, KeptValue] = {}
    for node in order:
        line = str(watching.origin_of(node) or "")
        for kind, op, name, held in _kept(node):
            for key, size, shape, dtype in _pieces(held):
                kind = "parameter" if key in parameters else kind
                found.setdefault(key, KeptValue(kind, size, op, name, shape, dtype, layers.get(node, ""), line))
    return MemoryReport(list(found.values()))


def _reachable(roots: Iterable[Node]) -> list[Any]:
    """Return all nodes that values were computed from, the oldest first."""
    found = list(dict.fromkeys(roots))
    seen = set(found)
    for node in found:  # which grows as it is read
        for edge in node.edges:
            if edge is not None and edge not in seen:
                seen.add(edge)
                found.append(edge)
    return sorted(found, key=lambda node: node.sequence)


def _layers(order: Sequence[Any], names: Any) -> dict[Any, str]:
    """Return the layer of each node: that of its own parameters, or of the youngest of its inputs."""
    layers: dict[Any, str] = {}
    for name, named in named_pairs(names):
        if isinstance(named, Module):
            paths = [(path.rpartition(".")[0] or type(named).__name__, p) for path, p in named.named_parameters(name)]
        else:
            paths = [(name, named)]
        layers.update((node, path) for path, t in paths if (node := node_of(t)) is not None)
    for node in order:
        inputs = [edge for edge in node.edges if edge in layers]
        own = [edge for edge in inputs if type(edge) is Leaf]
        if inputs and node not in layers:
            layers[node] = layers[own[-1] if own else max(inputs, key=lambda edge: edge.sequence)]
    return layers


def _kept(node: Any) -> Iterator[tuple[str, str, str, Any]]:
    """Yield what a node keeps: of which kind, for which op, under which name, and the object itself."""
    if type(node) is Leaf:
        return
    for place in saved_by(node):
        cell = place.cell
        if type(cell) is Packed:
            yield "packed", node.op.name, place.name, cell.packed
        elif type(cell) is Recomputed:
            yield "saved", node.op.name, place.name, cell.present
            yield from _kept(cell.frame.arguments.holder)
        elif type(cell) is Saved and hasattr(cell.value, "shape"):
            yield "saved", node.op.name, place.name, cell.value
    for name, value in (getattr(node, "attributes", None) or {}).items():
        yield "attribute", node.op.name, name, [x for x in _flat(value) if is_array_type(type(x)) or type(x) in TENSORS]


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, tuple | list | set | frozenset):
        for part in value:
            yield from _flat(part)
    else:
        yield value


def _pieces(held: Any) -> Iterator[tuple[Any, int, tuple[int, ...] | None, str]]:
    """Yield the pieces of memory of an object: what tells each from others, its bytes, and its shape and dtype."""
    objects = 0
    for part in _flat(held):
        array = part._array if type(part) in TENSORS else part
        if is_array_type(type(array)):
            key, size = _memory_of(array)
            yield key, size, tuple(array.shape), str(backend_of(array).dtype_of(array))
        elif isinstance(part, bytes | bytearray | str | float | complex):
            objects += sys.getsizeof(part)
    if objects:
        yield id(held), objects, None, type(held).__name__


def _memory_of(array: Any) -> tuple[Any, int]:
    key, size = backend_of(array).memory_of(array)
    return (type(array), key), size
