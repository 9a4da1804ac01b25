"""Which tensors of a graph have which names: from a dict, pairs such as `named_parameters()`, or a Module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from gpugrad._graph import Node
from gpugrad._op import TENSORS, node_of
from gpugrad.backends import backend_of
from gpugrad.diagnostics._structure import Graph, Vertex
from gpugrad.diagnostics._words import clean
from gpugrad.nn import Module

__all__ = ["Names", "named_pairs"]

_form = "names is a dict of tensors and Modules by name, a Module, or pairs such as model.named_parameters()"


def named_pairs(names: Any) -> Iterator[tuple[str, Any]]:
    """Yield names and what they name, tensors and Modules, in whatever form they were given."""
    if names is None:
        return
    if isinstance(names, Module):
        yield "", names
        return
    if isinstance(names, Mapping):
        names = names.items()
    elif not isinstance(names, Iterable) or type(names) in TENSORS or isinstance(names, str | bytes):
        raise TypeError(f"{_form}, not {type(names).__name__}")
    for pair in names:
        if not isinstance(pair, tuple | list) or len(pair) != 2 or not isinstance(pair[0], str):
            raise TypeError(f"{_form}; one item of it is {type(pair).__name__}")
        if type(pair[1]) not in TENSORS and not isinstance(pair[1], Module):
            raise TypeError(f"{_form}; {clean(repr(pair[0]))} is {type(pair[1]).__name__}")
        yield pair[0], pair[1]


class Names:
    """Names by value of a graph, those that belong to no value of it, and the modules that names begin with."""

    def __init__(self, names: Any, graph: Graph) -> None:
        self._values = graph.uses
        self.of: dict[Any, str] = {}
        self.unused: list[str] = []
        self.arrays: dict[Node, Any] = {}
        """What named results hold, by their nodes."""
        self.kinds: dict[str, str] = {}
        """The class of each module, by the path that the names of its parameters begin with."""
        constants = {id(v.constant): v for v in graph.vertices if v.kind == "constant" and v.constant is not None}
        for name, named in named_pairs(names):
            if not isinstance(named, Module):
                self._add(name, named, constants)
                continue
            for part, tensor in [*named.named_parameters(name), *named.named_buffers(name)]:
                self._add(part, tensor, constants)
            self.kinds.update({path: type(module).__name__ for path, module in named.named_modules(prefix=name)})

    def _add(self, name: str, tensor: Any, constants: Mapping[int, Vertex]) -> None:
        node = node_of(tensor)
        value: Any = (constants.get(id(tensor._array)) or _as_floats(tensor, constants)) if node is None else node
        if value is None or value not in self._values:
            self.unused.append(name)
            return
        self.of.setdefault(value, name)
        if node is not None:
            self.arrays[node] = tensor._array


def _as_floats(tensor: Any, constants: Mapping[int, Vertex]) -> Vertex | None:
    """Return the constant that integers or truth values were made into before they met floats."""
    if tensor.dtype.kind not in "biu":
        return None
    values = backend_of(tensor._array).to_host(tensor._array)
    for vertex in constants.values():
        constant = vertex.constant
        alike = type(constant) is type(tensor._array) and tuple(constant.shape) == tensor.shape
        if alike and np.array_equal(backend_of(constant).to_host(constant), values):
            return vertex
    return None
