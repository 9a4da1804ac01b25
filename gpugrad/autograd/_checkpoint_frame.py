"""A checkpointed call: what is kept to make it again, and what stands in its nodes for values to be computed.

While the function runs, each value that it saves is counted, and a `Recomputed` put in its place. When a rule asks for
one of them, the function is called again with the arguments as they were, and every cell that stands in for a value is
given it, up to the last that was counted.

What came from outside is not computed again: an argument is in a cell of its own, right whatever is written later. The
other tensors that the function reads are watched, as far as they are found: where one was written, to compute again
would give other values, and that is an error.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import copy_context
from functools import partial
from typing import Any
from weakref import ref

from gpugrad._graph import Leaf, Node, Place, Saved, exchange_saved, keep, mode, modes, next_sequence, saved_by
from gpugrad._op import TENSORS
from gpugrad.autograd._captured import captured
from gpugrad.autograd._checkpoint_arguments import Arguments
from gpugrad.autograd._recomputed import Recomputed, Trace, Visit, counts, trace_of
from gpugrad.backends import Generator, backend_of, backend_of_device, default_device, default_generator
from gpugrad.errors import GradientError

__all__ = ["Frame"]


class _Local(threading.local):
    frames: tuple[ref[Frame], ...] = ()
    """The calls that were last made again."""


_local = _Local()


class _Enough(BaseException):
    """Leaves a function once all values are there. It is no Exception, so that nobody handles it on the way."""


class Frame:
    """One call of `function`, recorded in `recorded` and made again by `compute`."""

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        again_within: AbstractContextManager[Any],
        preserve_rng_state: bool,
        check: str,
    ) -> None:
        outer = getattr(mode.packing, "__self__", None)
        self.outer: tuple[Frame, ...] = (*outer.outer, outer) if isinstance(outer, Frame) else ()
        self.function = function
        self.arguments = Arguments(args, kwargs)
        self.traces: list[Trace] = []
        self._again_within = again_within
        self._check = check
        self._cells: list[Callable[[], Recomputed | None]] = []
        self._modes = {name: value for name, value in modes.present().items() if name != "packing"}
        self._context = copy_context()
        self._lock = threading.RLock()
        found = captured([function, self.arguments.form])
        self._watched: dict[int, tuple[Callable[[], Any], Saved]] = {}
        for x in found:
            if type(x) in TENSORS:
                self._watch(x)
        generators = [default_generator, *(g for g in found if isinstance(g, Generator))] if preserve_rng_state else []
        self._states = [(generator, generator.get_state()) for generator in dict.fromkeys(generators)]
        self._start = next_sequence()

    # Forward

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Count the values that are saved within the block, which is the first call, and stand in for them."""
        before = modes.change(packing=self._count)
        try:
            yield
        finally:
            modes.change(**before)
        self._states = [(g, state) for g, state in self._states if g.get_state() != state]
        alive = [(t, cell) for t, cell in ((r(), cell) for r, cell in self._watched.values()) if t is not None]
        self.arguments.settle([t for t, _ in alive])
        # What the function itself has written is its own state, such as a running mean, and may go on changing.
        self._watched = {id(t): (ref(t), cell) for t, cell in alive if cell.value is t._array}

    def _count(self, node: Node) -> None:
        for edge in node.edges:
            if type(edge) is Leaf and edge.sequence < self._start:
                tensor = edge.tensor()
                for frame in (*self.outer, self) if tensor is not None else ():
                    frame._watch(tensor)
        exchange_saved(node, partial(self._in_place_of, node, Visit()))

    def _watch(self, tensor: Any) -> None:
        if id(tensor) not in self._watched and not any(tensor is x for x in self.arguments.given):
            self._watched[id(tensor)] = ref(tensor), keep(tensor)

    def _in_place_of(self, node: Node, visit: Visit, place: Place) -> Any:
        """Return the cell that takes the place of one, None where it stays."""
        if not counts(place.cell):
            return None
        self.traces.append(trace_of(node, place, self._check == "values"))
        self._cells.append(_none)
        if type(place.cell) is Recomputed:
            return None
        argument = self.arguments.kept(place.cell)
        if type(argument) is Saved:  # one that was packed is unpacked when the call is made again, and is at hand then
            return argument
        outside = place.edge is not None and place.edge.sequence < self._start
        if outside and argument is None:  # somebody outside has it anyway
            return None
        cell = Recomputed(self, len(self.traces) - 1, visit)
        self._cells[-1] = ref(cell)
        return cell

    # Backward

    def compute(self) -> dict[int, Saved]:
        """Call the function again, fill the cells that stand in for values, and return their contents by number."""
        with ExitStack() as stack:
            for generator, state in self._states:
                stack.enter_context(generator.rewound(state))
            stack.enter_context(self._lock)
            self._refuse_written()
            self.forget()
            again = _Again(self.traces, self._cells, self._check)
            try:
                self._context.copy().run(self._call, again)
            except BaseException:
                self.forget()
                raise
            self._note()
            return again.found

    def _call(self, again: _Again) -> None:
        args, kwargs = self.arguments.again()
        quiet = backend_of_device(default_device()).quiet()
        before = modes.change(**self._modes, packing=again)
        try:
            with quiet, self._again_within:
                self.function(*args, **kwargs)
        except _Enough as enough:
            if enough.args[0] is not again:
                raise
        finally:
            modes.change(**before)
        again.finish()

    def _refuse_written(self) -> None:
        """Raise where a tensor that the function reads is another one than in the first call."""
        for reference, cell in self._watched.values():
            tensor = reference()
            if tensor is not None and cell.value is not tensor._array and not _alike(cell.value, tensor._array):
                raise GradientError(
                    f"checkpoint: a tensor of shape {tensor.shape} that the function reads was written between forward "
                    "and backward, which calls the function again. Call backward before it is written (by a step of an "
                    "optimizer?), or pass it to the function as an argument of checkpoint, which is kept as it was"
                )

    def forget(self) -> None:
        """Let go of values that were computed and not asked for."""
        for reference in self._cells:
            cell = reference()
            if cell is not None:
                cell.visit.cells.clear()

    def _note(self) -> None:
        """Let other calls forget what was not asked for, but for the last one and those that this one is part of."""
        last = [frame for frame in (r() for r in _local.frames) if frame is not None and frame is not self]
        others = [frame for frame in last if frame not in self.outer]
        for frame in others[:-1]:
            frame.forget()
        _local.frames = tuple(map(ref, (*(f for f in last if f in self.outer), *others[-1:], self)))


class _Again:
    """Takes the values of a call that is made again in their order, compares them with the first, and ends the call."""

    def __init__(self, traces: Sequence[Trace], cells: Sequence[Callable[[], Recomputed | None]], check: str) -> None:
        self.traces, self.cells, self.check = list(traces), cells, check
        self.found: dict[int, Saved] = {}
        self.count = 0

    def __call__(self, node: Node) -> None:
        for place in saved_by(node):
            if counts(place.cell) and self.count < len(self.traces):
                self._take(node, place)
                self.count += 1
        if self.count == len(self.traces):
            raise _Enough(self)

    def _take(self, node: Node, place: Place) -> None:
        if self.check != "none":
            before, now = self.traces[self.count], trace_of(node, place, self.check == "values")
            if before != now:
                what = "another value of" if str(before) == str(now) else f"{now}, in place of"
                raise GradientError(
                    f"checkpoint: the function, called again, saved {what} {before} (number {self.count + 1} of "
                    f"{len(self.traces)}). It must compute the same each time: random numbers from gpugrad's "
                    "generators are drawn again, other state must not change"
                )
        cell = self.cells[self.count]()
        if cell is not None:
            self.found[self.count] = cell.visit.cells[self.count] = place.cell

    def finish(self) -> None:
        """Raise where the call has ended before all values were there."""
        if self.count < len(self.traces):
            raise GradientError(
                f"checkpoint: the function, called again, saved {self.count} values, and {len(self.traces)} when it "
                f"was called first; the first one missing is {self.traces[self.count]}"
            )


def _none() -> None:
    """Stand in for a reference to a cell that is not computed again."""


def _alike(x1: Any, x2: Any) -> bool:
    """Return whether two arrays are the same to the last bit."""
    if x1.shape != x2.shape or x1.dtype != x2.dtype or type(x1) is not type(x2):
        return False
    to_host = backend_of(x1).to_host
    return bool(to_host(x1).tobytes() == to_host(x2).tobytes())
