"""The parameters of an optimizer, side by side in one flat array, with their gradients and moments in others.

A parameter stays the object that it was; its array becomes a view of the flat one. So an optimizer's step is a few
passes over long arrays, however many parameters there are. Gradients are copied in: ``p.grad`` is the user's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from gpugrad._graph import Alias, Memory, put_aside
from gpugrad._op import new_tensor
from gpugrad.backends import Array, Backend, backend_of
from gpugrad.errors import ShapeError

__all__ = ["Arena", "Run", "Slot", "arenas_of", "followed", "in_blocks", "kept_mean", "ufuncs_of"]

_aligned = 64
"""Bytes: every parameter starts on a cache line of its own, which wide loads of a matrix product like."""

_block = 1 << 16
"""Elements that a pass of NumPy takes at a time, so that all its operands stay in the cache."""

_large_block = 1 << 24

_home: WeakValueDictionary[int, Arena] = WeakValueDictionary()
"""The arena that an array in use by a parameter belongs to, by the array's identity."""


class Slot:
    """The place of one parameter, how many steps its moments have seen, and numbers that belong to them, by name."""

    __slots__ = ("array", "gradient", "moved", "numbers", "parameter", "start", "steps", "stop")

    def __init__(self, parameter: Any, start: int, before: Slot | None) -> None:
        self.parameter = parameter
        self.array = parameter._array
        self.start = start
        self.stop = start + math.prod(self.array.shape)
        self.steps: int = before.steps if before else 0
        self.numbers: dict[str, float] = dict(before.numbers) if before else {}
        self.moved = False
        self.gradient: Any = None


class Run:
    """Neighbours in an arena that a step treats alike: flat arrays over their parameters, gradients and moments.

    They have seen as many steps and have the same numbers; what an update writes into `numbers`, `finish` keeps.
    """

    __slots__ = ("arena", "numbers", "parameter", "returns", "slots", "start", "steps", "stop")

    def __init__(self, arena: Arena, slots: list[Slot]) -> None:
        first = slots[0]
        self.arena, self.slots, self.steps, self.numbers = arena, slots, first.steps, first.numbers.copy()
        self.start, self.stop = first.start, slots[-1].stop
        self.returns = False
        self.parameter = arena.parameters[self.start : self.stop] if first.moved else self._own(first)

    def _own(self, slot: Slot) -> Array:
        """Return the memory of a parameter that stayed where it was, or a copy that `finish` returns to it."""
        backend = self.arena.backend
        flat = backend.namespace.reshape(slot.array, (-1,))
        self.returns = not backend.shares_memory(flat, slot.array)
        return flat

    @property
    def gradient(self) -> Array:
        """The gradients, 1-d."""
        return self.arena.gradients[self.start : self.stop]

    def moment(self, name: str) -> Array:
        """Return the moments called `name`, 1-d; zeros where there were none."""
        return self.arena.moment(name)[self.start : self.stop]

    def parts(self, *moments: str, flat: bool = False) -> Iterator[list[Array]]:
        """Yield parameter, gradient and moments of each parameter that is not empty, in its shape or 1-d."""
        whole = [self.parameter, self.gradient, *(self.moment(name) for name in moments)]
        reshape = self.arena.backend.namespace.reshape
        for slot in self.slots:
            if slot.stop > slot.start:
                here = slice(slot.start - self.start, slot.stop - self.start)
                yield [a[here] if flat else reshape(a[here], slot.array.shape) for a in whole]

    def scratch(self, count: int) -> list[Array]:
        """Return arrays of the size of a block for results on the way."""
        return self.arena.scratch(count)

    def finish(self, counts: bool = True) -> None:
        """Note that the run has been updated; `counts` says whether its moments have seen a step."""
        if self.returns:
            array, backend = self.slots[0].array, self.arena.backend
            key = (slice(None),) * len(array.shape)
            backend.write(array, key, backend.namespace.reshape(self.parameter, array.shape))
        for slot in self.slots if counts else ():
            slot.steps += 1
            if self.numbers:
                slot.numbers = self.numbers.copy()


class Arena:
    """Flat buffers for leaves of one dtype on one device.

    Parameters that share memory with another tensor, or that live in another arena, stay where they are and only
    have their gradients and moments here. `before` are arenas whose moments the parameters bring along.
    """

    def __init__(self, parameters: Sequence[Any], before: Sequence[Arena] = ()) -> None:
        self.backend: Backend = backend_of(parameters[0]._array)
        self.device = parameters[0].device
        self.dtype = parameters[0].dtype
        self.memory = Memory()
        self.moments: dict[str, Array] = {}
        self._scratch: list[Array] = []
        known = {id(slot.parameter): (arena, slot) for arena in before for slot in arena.slots}
        step = max(1, _aligned // self.dtype.itemsize)
        self.slots: list[Slot] = []
        end = 0
        for p in parameters:
            old = known.get(id(p))
            self.slots.append(Slot(p, end, old[1] if old else None))
            end = -(-self.slots[-1].stop // step) * step
        with self.here():
            self.gradients = self._zeros(end)
            self.parameters = self._zeros(end)
            self._move_in(before)
            for slot in self.slots:
                if id(slot.parameter) in known:
                    self._bring(slot, *known[id(slot.parameter)])

    def here(self) -> AbstractContextManager[Any]:
        """Return a block in which the arena's device is the current one."""
        return self.backend.on(self.device)

    def _zeros(self, size: int) -> Array:
        native = self.backend.native_dtype(self.dtype), self.backend.native_device(self.device)
        with self.here():
            return self.backend.namespace.zeros((size,), dtype=native[0], device=native[1])

    def _shaped(self, flat: Array, slot: Slot) -> Array:
        return self.backend.namespace.reshape(flat[slot.start : slot.stop], slot.array.shape)

    def _move_in(self, before: Sequence[Arena]) -> None:
        for slot in self.slots:
            p = slot.parameter
            slot.gradient = self._shaped(self.gradients, slot)
            if _may_move(p, before):
                view = self._shaped(self.parameters, slot)
                view[...] = slot.array
                slot.array = p._array = view
                p._cell = None  # the graph keeps the array from before, which nobody writes any more
                slot.moved = True
                _home[id(view)] = self

    def _bring(self, slot: Slot, arena: Arena, old: Slot) -> None:
        """Copy the moments that a parameter has in another arena."""
        if arena.moments and old.steps and old.array.shape != slot.array.shape:
            raise ShapeError(
                f"a parameter of shape {slot.array.shape} had shape {old.array.shape} in earlier steps, and its "
                "moments have that one; make a new optimizer for it"
            )
        for name, moment in arena.moments.items():
            old_values = new_tensor(moment[old.start : old.stop]).to(dtype=self.dtype, device=self.device)
            self.moment(name)[slot.start : slot.stop] = old_values._array

    def holds(self) -> bool:
        """Return whether every parameter still has the memory that the arena knows."""
        return all(s.parameter._array is s.array and (s.moved or not _may_move(s.parameter)) for s in self.slots)

    def gather(self, absent_as_zeros: bool = False) -> list[Run]:
        """Copy the gradients in, make their parameters safe to write, and return these in runs of equal steps.

        Parameters without a gradient are in no run, unless it counts as zeros.
        """
        runs: list[list[Slot]] = []
        last: Slot | None = None
        self.memory.put_aside()
        with self.here():
            for slot in self.slots:
                gradient = slot.parameter._grad
                if gradient is None and not absent_as_zeros:
                    last = None
                    continue
                if gradient is not None and gradient._array.shape != slot.array.shape:
                    raise ShapeError(f"a gradient has shape {gradient.shape} and its parameter {slot.array.shape}")
                slot.gradient[...] = 0 if gradient is None else gradient._array
                put_aside(slot.parameter)
                joins = last is not None and last.moved and slot.moved and last.steps == slot.steps
                if joins and last.numbers == slot.numbers:  # type: ignore[union-attr]
                    runs[-1].append(slot)
                else:
                    runs.append([slot])
                last = slot
            return [Run(self, slots) for slots in runs]

    def moment(self, name: str) -> Array:
        """Return the flat moments called `name`, zeros at first."""
        if name not in self.moments:
            self.moments[name] = self._zeros(self.gradients.shape[0])
        return self.moments[name]

    def moments_of(self, slot: Slot) -> dict[str, Any]:
        """Return the moments of one parameter as tensors over the arena's memory, in its shape."""
        shown = {}
        for name, moment in self.moments.items():
            shown[name] = new_tensor(self._shaped(moment, slot))
            shown[name]._alias = Alias(self.memory, None, (), 0)
        return shown

    def scratch(self, count: int) -> list[Array]:
        """Return arrays of the size of a block, for results on the way."""
        if len(self._scratch) < count:
            size = min(_block if self.backend.name == "numpy" else _large_block, self.gradients.shape[0])
            self._scratch += [self._zeros(size) for _ in range(count - len(self._scratch))]
        return self._scratch[:count]


def arenas_of(parameters: Sequence[Any], before: Sequence[Arena] = ()) -> list[Arena]:
    """Return arenas for the parameters, one for each dtype and device; moments come along from those `before`."""
    kinds: dict[Any, list[Any]] = {}
    for p in parameters:
        kinds.setdefault((p.dtype, p.device), []).append(p)
    return [Arena(alike, before) for alike in kinds.values()]


def _may_move(p: Any, before: Sequence[Arena] = ()) -> bool:
    home = None if p._alias is not None else _home.get(id(p._array))
    return p._alias is None and (home is None or home in before)


def followed(u: Any, p: Array, g: Array, s: Array, d: Array, factor: Any, weight_decay: float) -> Array:
    """Return g * factor + weight_decay * p: `g` itself or, with `s` overwritten, `d`. No factor is 1."""
    if factor is not None:
        u.multiply(g, factor, out=d)
        g = d
    if weight_decay:
        u.multiply(p, weight_decay, out=s)
        u.add(g, s, out=d)
        g = d
    return g


def kept_mean(u: Any, mean: Array, value: Array, kept: float, s: Array) -> None:
    """Change a running mean to kept * mean + (1 - kept) * value; `s`, which may be `value`, is overwritten."""
    u.multiply(value, 1 - kept, out=s)  # not mean + (1 - kept) * (value - mean), which loses what is small beside it
    u.multiply(mean, kept, out=mean)
    u.add(mean, s, out=mean)


def in_blocks(arrays: Sequence[Array], scratch: Sequence[Array]) -> Iterator[list[Array]]:
    """Yield 1-d arrays of one size block by block, each time followed by as much of the scratch arrays."""
    size, block = arrays[0].shape[0], max(1, scratch[0].shape[0])
    for start in range(0, size, block):
        stop = min(start + block, size)
        yield [a[start:stop] for a in arrays] + [s[: stop - start] for s in scratch]


_named = ("abs", "add", "divide", "maximum", "minimum", "multiply", "sign", "sqrt", "subtract")


class _Ufuncs:
    """The standard's functions with NumPy's ``out=``, for libraries that may lack it."""

    def __init__(self, xp: Any, names: Iterable[str]) -> None:
        for name in names:
            setattr(self, name, _into(getattr(xp, name)))


def _into(function: Callable[..., Array]) -> Callable[..., None]:
    def call(*operands: Any, out: Array) -> None:
        out[...] = function(*operands)

    return call


def ufuncs_of(array: Array) -> Any:
    """Return the functions of `_named` with ``out=`` for arrays like this one."""
    if type(array) is np.ndarray:
        return np
    backend = backend_of(array)
    if backend.device_kind == "cuda":
        return backend.namespace  # CuPy's functions have `out`
    return _Ufuncs(backend.namespace, _named)
