"""What a recorded call leaves behind: a node whose edges hold nodes, never Tensors.

Slots are flat because tuples would be tracked, one by one, by the garbage collector. Names that a kind of node has no
slot for are class attributes, so the walk can ask any node for them.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any
from weakref import ref

from gpugrad._graph.hooks import RemovableHandle, hang

__all__ = ["BinaryNode", "Entry", "Leaf", "Node", "Output", "UnaryNode", "WideNode", "next_sequence"]

next_sequence = count().__next__
"""Edges are fixed when a node is made, so the order of making is a topological order."""


class Node:
    """A recorded value; `grad_fn` of the Tensor that holds it."""

    __slots__ = ()
    op: Any
    sequence: int
    hooks: Any
    edge0: Any = None
    edge1: Any = None
    edges: Any
    """The nodes of the inputs, a tuple; None where an input is not tracked."""

    if TYPE_CHECKING:  # what a kind of node holds beyond that, in slots

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...

    @property
    def name(self) -> str:
        """The op's name in PyTorch's form, such as ``ExpBackward``."""
        name: str = self.op.node_name
        return name

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """The nodes of the inputs, each with the number of its output, as in PyTorch."""
        return tuple((None, 0) if e is None else (e.source, e.index) for e in self.edges)

    @property
    def source(self) -> Node:
        """The node that computed the value: itself, but for one of several outputs."""
        return self

    index = 0

    def register_prehook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(grad_outputs)`` before the rules of this node run, after the hooks of its results.

        `grad_outputs` is a tuple of the gradients of the results, None where nothing came back; a tuple that it
        returns takes their place.
        """
        return hang(self.source, "before", hook)

    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(grad_inputs, grad_outputs)`` when the rules of this node have run.

        `grad_inputs` is a tuple of the gradients that go on to `next_functions`, None where none does; a tuple that it
        returns takes their place. At a leaf it runs after the gradient has been added to ``.grad``, and is empty.
        """
        return hang(self.source, "after", hook)

    def __repr__(self) -> str:
        return f"<{self.name}>"


class UnaryNode(Node):
    """A call with one input. `fit0` is the shape and dtype of the input, None where they are those of the output."""

    __slots__ = ("__weakref__", "edge0", "fit0", "hooks", "op", "result", "saved0", "sequence")
    saved1: Any = None

    @property
    def edges(self) -> tuple[Any, ...]:
        return (self.edge0,)


class BinaryNode(Node):
    """A call with two inputs."""

    __slots__ = (
        "__weakref__", "edge0", "edge1", "fit0", "fit1", "hooks", "op", "result", "saved0", "saved1", "sequence",
    )  # fmt: skip

    @property
    def edges(self) -> tuple[Any, ...]:
        return (self.edge0, self.edge1)


class WideNode(Node):
    """A call with any number of inputs, outputs and keywords."""

    __slots__ = (
        "__weakref__", "attributes", "dtypes", "edges", "hooks", "op", "outputs", "saved", "sequence", "shapes",
    )  # fmt: skip


class Output(Node):
    """One of several outputs of a WideNode: the pair (node, output index) that an edge refers to."""

    __slots__ = ("__weakref__", "edge0", "hooks", "index", "sequence")

    @property
    def op(self) -> Any:
        return self.edge0.op

    @property
    def source(self) -> Node:
        source: Node = self.edge0
        return source

    @property
    def edges(self) -> tuple[Any, ...]:
        return (self.edge0,)


class Entry(UnaryNode):
    """Where a value enters a function that is transformed: a copy, in the graph, of what it was outside."""

    __slots__ = ()
    name = "TransformInput"


class Leaf(Node):
    """Where a gradient arrives: the node of a Tensor that the user made with requires_grad=True."""

    __slots__ = ("__weakref__", "dtype", "hooks", "sequence", "shape", "tensor")

    def __init__(self, tensor: Any) -> None:
        self.tensor = ref(tensor)
        self.shape = tensor._array.shape
        self.dtype = tensor._array.dtype
        self.hooks = None
        self.sequence = next_sequence()

    name = "AccumulateGrad"
    edges = ()
