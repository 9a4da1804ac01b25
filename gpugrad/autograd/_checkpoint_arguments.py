"""The arguments of a checkpointed call, kept in cells, so that the call can be made again with what they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gpugrad._graph import Alias, Leaf, Memory, Node, WideNode, keep, lend, next_sequence, pack_saved
from gpugrad._op import TENSORS, node_of
from gpugrad._tensor.host import adopt
from gpugrad.backends import backend_of
from gpugrad.errors import GradientError

__all__ = ["Arguments", "leaves_of", "root_of"]


class _Place:
    """Stands for a tensor among arguments."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


class _Call:
    """The op of the node that keeps arguments, so that hooks pack them like what any op saves."""

    name = "checkpoint"
    inputs = ("arguments",)
    list_input = "arguments"


class _End:
    """The op of arguments that are no leaves: whoever walks back within the call ends there."""

    name = "checkpoint_input"
    inputs: tuple[str, ...] = ()

    def gradients(self, *_: Any) -> tuple[()]:
        """Return the gradients of the inputs, of which there are none."""
        return ()

    def free(self, node: Any) -> None:
        """Nothing is saved."""


class _Input(Node):
    """The node of an argument that is no leaf, when the call is made again."""

    __slots__ = ("__weakref__", "hooks", "sequence")
    op = _End()
    edges = ()

    def __init__(self) -> None:
        self.hooks = None
        self.sequence = next_sequence()


class Arguments:
    """The arguments of a call: their form, and a cell for each tensor in them."""

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.given: list[Any] = []
        places: dict[int, _Place] = {}

        def place(leaf: Any) -> Any:
            if type(leaf) not in TENSORS:
                return leaf
            if id(leaf) not in places:
                places[id(leaf)] = _Place(len(self.given))
                self.given.append(leaf)
            return places[id(leaf)]

        self.form = _mapped(place, (args, kwargs))
        nodes = [node_of(t) for t in self.given]
        self._kinds = [
            (type(t), None if n is None else type(n) is Leaf) for t, n in zip(self.given, nodes, strict=True)
        ]
        self._arrays = [t._array for t in self.given]
        self._cells = [keep(t) for t in self.given]
        self._numbers = {id(array): i for i, array in enumerate(self._arrays)}
        self._written = [False] * len(nodes)
        self.holder = WideNode()
        self.holder.op, self.holder.saved, self.holder.edges = _Call(), {"arguments": list(self._cells)}, tuple(nodes)
        pack_saved(self.holder)
        self.holder.edges = (None,) * len(nodes)  # they were for the packing alone, and would keep graphs alive

    def kept(self, cell: Any) -> Any:
        """Return, during the call, the cell of the argument that a cell holds too; None where it holds none."""
        number = self._numbers.get(id(cell.value))
        if number is None or self._cells[number].value is not cell.value:
            return None
        return self.holder.saved["arguments"][number]

    def settle(self, others: Sequence[Any]) -> None:
        """Note, after the call, which arguments it wrote to, and refer to them no more.

        What shares memory with an argument that was written, another argument or one of `others`, would not see the
        write when the call is made again: that is an error.
        """
        self._written = [c.value is not a for c, a in zip(self._cells, self._arrays, strict=True)]
        written = [t for t, was in zip(self.given, self._written, strict=True) if was]
        for tensor in written:
            root = root_of(tensor)
            if any(t is not tensor and root is not None and root_of(t) is root for t in (*self.given, *others)):
                raise GradientError(
                    f"checkpoint: the function writes to an argument of shape {tensor.shape} that shares memory with "
                    "another tensor it reads, which cannot be done again in backward; .clone() one of them"
                )
        self.given, self._arrays, self._cells, self._numbers = [], [], [], {}

    def again(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments with new tensors in them, which are what the given ones were."""
        tensors = [self._tensor(i, cell) for i, cell in enumerate(self.holder.saved["arguments"])]
        args, kwargs = _mapped(lambda leaf: tensors[leaf.number] if type(leaf) is _Place else leaf, self.form)
        return args, kwargs

    def _tensor(self, number: int, cell: Any) -> Any:
        cls, is_leaf = self._kinds[number]

        def new(array: Any) -> Any:
            tensor = object.__new__(cls)
            adopt(tensor, array, is_leaf is True)
            tensor._node = _Input() if is_leaf is False else tensor._node
            return tensor

        if not self._written[number]:  # so it is not going to be, and may be memory that the user looks at
            return lend(cell, new)[0]
        array = cell.value
        return new(backend_of(array).copy(array))


def root_of(tensor: Any) -> Memory | None:
    """Return the memory that a tensor shares with others, None where it has its own."""
    alias: Alias | None = tensor._alias
    if alias is None:
        return None
    memory = alias.memory
    while memory.whole is not None:
        memory = memory.whole
    return memory


def _mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return a tree of tuples, lists and dicts with what `function` makes of each leaf."""
    if isinstance(tree, dict):
        made = {key: _mapped(function, part) for key, part in tree.items()}
        if type(tree) is dict:
            return made
        like = tree.copy()
        like.update(made)
        return like
    if isinstance(tree, tuple | list):
        parts = [_mapped(function, part) for part in tree]
        return type(tree)._make(parts) if hasattr(tree, "_make") else type(tree)(parts)
    return function(tree)


def leaves_of(tree: Any) -> Iterator[Any]:
    """Yield the leaves of a tree of tuples, lists and dicts."""
    found: list[Any] = []
    _mapped(found.append, tree)
    yield from found
