"""What a node saved may be packed: other cells take the place of its own, and give the values when a rule asks.

A cell is anything with a `value`. `Saved` holds an array; `Packed` holds what somebody made of one, and makes the array
of it again at each use. Only the cells in the node are exchanged, never the one that a Tensor remembers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from gpugrad._graph.memory import FREED, Memory
from gpugrad._graph.modes import mode
from gpugrad._graph.nodes import Node
from gpugrad.backends import Array, backend_of

__all__ = ["Packed", "Place", "exchange_saved", "pack_saved", "rules_naming", "saved_by"]


class Packed:
    """A cell with something that `unpack` makes an array of, once for all `rules` of the node that ask for it.

    `memory` is set where it may look at memory that can be written. Before that happens the values are unpacked, and
    the cell holds a copy of them from then on.
    """

    __slots__ = ("__weakref__", "_asked", "_unpacked", "memory", "packed", "rules", "unpack")
    memory: Memory

    def __init__(self, packed: Any, unpack: Callable[[Any], Array], rules: int = 1) -> None:
        self.packed = packed
        self.unpack = unpack
        self.rules = rules
        self._asked = 0
        self._unpacked: Any = None

    @property
    def value(self) -> Array:
        """The array."""
        array = self.unpack(self.packed) if self._unpacked is None else self._unpacked
        self._asked = (self._asked + 1) % self.rules
        self._unpacked = array if self._asked else None
        return array

    def put_aside(self) -> None:
        """Hold a copy of the array from now on."""
        array = self.unpack(self.packed) if self._unpacked is None else self._unpacked
        self.packed, self.unpack, self.rules = backend_of(array).copy(array), _itself, 1
        self._asked, self._unpacked = 0, None
        if hasattr(self, "memory"):
            del self.memory


def _itself(array: Array) -> Array:
    return array


class Place(NamedTuple):
    """Where a node has a cell: the name of the value there, the cell, and the edge to the node the value came from.

    `edge` is None for the node's own result, and where the value is not tracked or its origin not known. The cell is
    what `holder` has under `key`: a slot of the node, or an item of its dict or of a list in that.
    """

    name: str
    cell: Any
    edge: Node | None
    holder: Any
    key: Any

    def put(self, cell: Any) -> None:
        """Put another cell there."""
        if isinstance(self.holder, dict | list):
            self.holder[self.key] = cell
        else:
            setattr(self.holder, self.key, cell)


def saved_by(node: Any) -> Iterator[Place]:
    """Yield the places of a node that hold cells, of arrays or of numbers; none where they were freed."""
    if hasattr(node, "saved"):
        if node.saved is not FREED:
            yield from _in_dict(node)
    elif hasattr(type(node), "result"):
        inputs = node.op.inputs
        for slot, name, edge in (
            ("saved0", inputs[0], node.edge0),
            ("saved1", inputs[-1], node.edge1),
            ("result", "z", None),
        ):
            cell = getattr(node, slot, None)
            if cell is not None and cell is not FREED:
                yield Place(name, cell, edge, node, slot)


def _in_dict(node: Any) -> Iterator[Place]:
    inputs = list(node.op.inputs)
    of_list = getattr(node.op, "list_input", None)
    for name, held in node.saved.items():
        if not isinstance(held, list):
            edge = node.edges[inputs.index(name)] if of_list is None and name in inputs else None
            if held is not None:
                yield Place(name, held, edge, node.saved, name)
            continue
        for i, cell in enumerate(held):
            if cell is not None:
                yield Place(name, cell, node.edges[i] if name == of_list else None, held, i)


def rules_naming(node: Any, name: str) -> int:
    """Return how many rules of a node ask for a value when all its gradients are computed, but at least 1."""
    op, edges = node.op, node.edges
    asking = (rule for rule in getattr(op, "rules", ()) if name in rule.names)
    return max(1, sum(any(edges[i] is not None for i in op.places(node, rule)) for rule in asking))


def exchange_saved(node: Any, other: Callable[[Place], Any]) -> None:
    """Put what `other` returns for the place of each cell there; None leaves the cell as it is."""
    for place in list(saved_by(node)):
        cell = other(place)
        if cell is not None:
            place.put(cell)


def pack_saved(node: Node) -> None:
    """Pack the values that a new node saved, if this thread packs any."""
    if mode.packing is not None:
        mode.packing(node)
