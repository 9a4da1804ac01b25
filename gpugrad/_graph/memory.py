"""Values that backward needs, kept right whatever is written later.

A node does not hold an array but a `Saved`: a cell with the array in it. Before a write overwrites memory, `put_aside`
gives every cell over that memory a copy of the old contents. The memory itself never moves, so views, NumPy views and
parameter arenas stay what they were, and a gradient is always that of the values at the time of use.

A cell that no node holds any more costs no copy. A Tensor that shares its memory with no other Tensor keeps its cell in
a slot; `put_aside` lets go of it and looks, through a weak reference, whether somebody else still holds it. Tensors
that share memory (views, `detach()`, `.data`) list their cells, weakly, in one `Memory`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakValueDictionary, ref

from gpugrad._graph.modes import mode
from gpugrad.backends import Array, backend_of
from gpugrad.errors import GradientError

__all__ = [
    "FREED",
    "Alias",
    "FreedError",
    "Lent",
    "Memory",
    "Saved",
    "expose",
    "keep",
    "lend",
    "put_aside",
    "share",
    "unrecorded",
    "watch_alias",
    "watch_array",
]


class Saved:
    """A cell with a value that backward needs: an array, or a Python scalar.

    `memory`, set when a second Tensor comes to look at the array, lists the cells of all of them.
    """

    __slots__ = ("__weakref__", "memory", "value")

    memory: Memory
    value: Any

    def put_aside(self) -> None:
        """Replace the array by a copy of it."""
        self.value = backend_of(self.value).copy(self.value)
        if hasattr(self, "memory"):
            del self.memory  # nobody else looks at the copy


class FreedError(GradientError):
    """A rule asked for a value that was let go; the walk says which op it is the rule of."""


class _Freed:
    """What stands in a node for values that were let go after backward."""

    __slots__ = ()

    @property
    def value(self) -> Any:
        raise FreedError(
            "backward a second time through a graph whose saved values were freed. Say retain_graph=True in the first "
            "backward, or compute the result again"
        )

    def __getitem__(self, name: str) -> _Freed:
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(self.value)


FREED = _Freed()


_listing = threading.Lock()
"""Held where a list of cells is replaced: other threads may be saving what looks at the same memory."""


class Memory:
    """A piece of memory that several Tensors look at, and the live cells over it."""

    __slots__ = ("__weakref__", "cells", "prune_at", "whole")
    inference = False
    lent = False

    def __init__(self) -> None:
        self.cells: list[ref[Any]] = []
        self.prune_at = 16
        self.whole: Memory | None = None

    def join(self, whole: Memory) -> None:
        """Become a part of another memory, which lists the cells from now on: a user's array spans both."""
        cells, self.cells = self.cells, []
        self.whole = whole
        for reference in cells:
            cell = reference()
            if cell is not None:
                whole.add(cell)

    def keep(self, array: Array) -> Saved:
        """Return a new cell with `array` in it, and list it."""
        cell = Saved()
        cell.value = array
        self.add(cell)
        return cell

    def add(self, cell: Any) -> None:
        """List a cell; dead ones are dropped whenever the list has doubled."""
        if self.whole is not None:
            self.whole.add(cell)
            return
        cell.memory = self
        reference = ref(cell)
        if len(self.cells) >= self.prune_at:
            with _listing:
                cells, self.cells = self.cells, []  # at once: another thread's cell goes to the one or to the other
                self.cells.extend([r for r in cells if r() is not None])
                self.prune_at = max(16, 2 * len(self.cells))
        self.cells.append(reference)

    def put_aside(self) -> None:
        """Give every live cell a copy of its contents."""
        if self.whole is not None:
            self.whole.put_aside()
            return
        cells = self.cells
        for reference in cells:
            cell = reference()
            if cell is not None:
                cell.put_aside()  # which may raise: then nothing is written, and all are still listed
        self.cells = self.cells[len(cells) :] if self.cells is cells else self.cells


class InferenceMemory(Memory):
    """The memory of what was made in inference mode: no graph may save its values, so nobody need list their cells."""

    __slots__ = ()
    inference = True

    def keep(self, array: Array) -> Saved:
        """Refuse: the value may have changed by the time that backward needs it, and nobody would know."""
        raise GradientError(
            f"an inference tensor (shape {tuple(array.shape)}) cannot be saved for backward: it was made in "
            "inference_mode(). Call .clone() on it outside of that mode, and use the clone"
        )


class Lent(Memory):
    """The same memory as `whole`, as those look at it who were lent it to read: nobody writes through them.

    It lives as long as somebody does look. `exposed` says whether one was handed the array itself, and may look on.
    """

    __slots__ = ("exposed",)
    lent = True

    def __init__(self, whole: Memory) -> None:
        super().__init__()
        self.whole = whole
        self.exposed = False


class Alias:
    """How a Tensor shares its memory with others.

    A view also knows its base and the steps from it, as ``(steps before, (op, arguments, shape))``, and, as `seen`, the
    base's node when its own was derived: once the base has another one, through a recorded write, it is derived afresh.
    """

    __slots__ = ("base", "memory", "seen", "steps")

    def __init__(self, memory: Memory, base: Any, steps: tuple[Any, ...], seen: Any) -> None:
        self.memory = memory
        self.base = base
        self.steps = steps
        self.seen = seen

    @property
    def path(self) -> tuple[Any, ...]:
        """The steps from the base, the first one first."""
        path, steps = [], self.steps
        while steps:
            steps, step = steps
            path.append(step)
        return tuple(reversed(path))


def keep(tensor: Any) -> Saved:
    """Return the cell that holds a Tensor's array for backward."""
    if tensor._alias is not None:
        return tensor._alias.memory.keep(tensor._array)  # type: ignore[no-any-return]
    cell = tensor._cell
    if cell is None:
        cell = Saved()
        cell.value = tensor._array
        if tensor._cell is not None:  # another thread was faster; nothing comes between this look and the next line
            return tensor._cell  # type: ignore[no-any-return]
        tensor._cell = cell
    return cell  # type: ignore[no-any-return]


def put_aside(tensor: Any) -> None:
    """Make a write to this Tensor's memory safe for every graph that still needs the old contents."""
    if tensor._alias is not None:
        tensor._alias.memory.put_aside()
        return
    cell = tensor._cell
    if cell is None:
        return
    tensor._cell = None
    if hasattr(cell, "memory"):  # others have come to look at the array by way of the cell
        tensor._alias = Alias(cell.memory, None, (), None)
        del cell
        tensor._alias.memory.put_aside()
        return
    reference = ref(cell)
    del cell
    cell = reference()
    if cell is not None:
        cell.put_aside()


def share(tensor: Any) -> Alias:
    """Return how a Tensor shares its memory, now that another one is to look at it too."""
    alias: Alias | None = tensor._alias
    if alias is None:
        cell, tensor._cell = tensor._cell, None
        memory = Memory() if cell is None else getattr(cell, "memory", None) or Memory()
        if cell is not None and not hasattr(cell, "memory"):
            memory.add(cell)
        alias = tensor._alias = Alias(memory, None, (), None)
    return alias


def lend(cell: Any, new_tensor: Callable[[Array], Any]) -> tuple[Any, Lent]:
    """Return a Tensor that looks at what a cell holds, for somebody to read, and the memory as he looks at it."""
    if not hasattr(cell, "memory"):
        Memory().add(cell)
    lent = Lent(cell.memory)
    tensor = new_tensor(cell.value)
    tensor._alias = Alias(lent, None, (), None)
    return tensor, lent


def watch_alias(view: Any, of: Any, step: tuple[Any, ...] | None) -> None:
    """Note that `view` looks at the memory of `of`, by `step`, or outside the graph where `step` is None."""
    alias = share(of)
    if step is None:
        view._alias = Alias(alias.memory, None, (), None)
        return
    base = of if alias.base is None else alias.base
    view._alias = Alias(alias.memory, base, (alias.steps, step), base._node)


_of_arrays: WeakValueDictionary[int, Memory] = WeakValueDictionary()
"""The memory of arrays that users brought, by the identity of what owns it, which its Tensors keep alive."""


def _owner(array: Array) -> Any:
    """Return what owns the memory of an array: itself, the array that it is a view of, or a buffer under that."""
    owner = array
    while getattr(owner, "base", None) is not None:
        owner = owner.base
    return owner.obj if type(owner) is memoryview else owner


def watch_array(tensor: Any) -> None:
    """Note that a new Tensor looks at an array of the user's, and so at the memory of others made from the same."""
    memory = _of_arrays.setdefault(id(_owner(tensor._array)), Memory())
    if mode.inference:
        part = InferenceMemory()
        part.whole, memory = memory, part
    tensor._alias = Alias(memory, None, (), None)


def expose(tensor: Any) -> None:
    """Note that the user is handed the array of a Tensor, of which another Tensor may be made."""
    memory = share(tensor).memory
    if isinstance(memory, Lent):
        memory.exposed = True
    if memory.inference and memory.whole is None:
        memory.whole = Memory()  # of the array, which outside of inference mode others may come to look at
    while memory.whole is not None:
        memory = memory.whole
    known = _of_arrays.setdefault(id(_owner(tensor._array)), memory)
    while known.whole is not None:
        known = known.whole
    if memory is not known:
        memory.join(known)  # neighbours in an arena: the array that the user is handed leads to the memory of all


def unrecorded(tensor: Any) -> Any:
    """Return a new Tensor that no node was recorded for, marked where it was made in inference mode."""
    if mode.inference:
        tensor._alias = Alias(InferenceMemory(), None, (), None)
    return tensor
