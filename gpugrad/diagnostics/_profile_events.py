"""What a profile notes: each call of an op, each rule, walk, write, hook and range, with times, shapes and bytes."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any, TypeAlias

import numpy as np

from gpugrad._graph import Node, Saved, watching
from gpugrad._graph.packing import saved_by
from gpugrad._graph.watching import Origin, origin_of, user_line
from gpugrad._op import TENSORS
from gpugrad.backends import Device, backend_of

__all__ = ["Event", "Recorder", "is_op"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that took time, by the host's clock: from `start`, counted from that of the profile, to `end`.

    `kind` is ``forward`` for calls of ops, writes and steps of an optimizer, ``backward`` for rules, hooks and what is
    added to ``.grad``, ``walk`` for a whole walk back, ``range`` for a block of `record_function`. `seconds` leaves out
    what noting the events within took, and `self_seconds` these events as well. `shapes` and `dtypes` are those of the
    operands, or of the gradient that came back; `bytes_read` and `bytes_written` count the arrays that went in and
    those made. `line` is the user's, for rules that of the call forward. `device_seconds` is how long a GPU was at
    it, from `device_start`.
    """

    name: str
    kind: str
    start: float
    end: float
    seconds: float
    self_seconds: float
    thread: int
    shapes: tuple[tuple[int, ...], ...] = ()
    dtypes: tuple[str, ...] = ()
    bytes_read: int = 0
    bytes_written: int = 0
    file: str | None = None
    line: int | None = None
    layer: str | None = None
    device: str | None = None
    device_start: float | None = None
    device_seconds: float | None = None


_Form: TypeAlias = tuple[int, tuple[int, ...], Any]
"""What is noted of an array while the profile runs: its identity, shape and dtype."""

_backward_acts = ("hook", "accumulate")


def is_op(event: Event) -> bool:
    """Return whether an event is work on arrays, and no block around such work."""
    return event.kind in ("forward", "backward")


class _Open:
    """An event that has begun. `within` is the time of events inside it, and `overhead` that of noting them."""

    __slots__ = ("began", "entered", "marks", "overhead", "within")

    def __init__(self, entered: int) -> None:
        self.entered = entered
        self.within = self.overhead = 0
        self.marks: Any = None
        self.began = 0


class _Thread(threading.local):
    def __init__(self) -> None:
        self.stack: list[_Open] = []


class Recorder(watching.Watcher):
    """Notes events, of all threads, in the order in which they end. Noting takes time of its own, which is left out."""

    def __init__(self) -> None:
        self.origin = perf_counter_ns()
        self.wall = 0
        self.overhead: dict[int, int] = {}
        self.threads: dict[int, str] = {}
        self.first_mark: dict[Device, tuple[Any, Any, int]] = {}
        """For each device its backend, its first mark, and when the host set that."""
        self._raw: list[tuple[Any, ...]] = []
        self._local = _Thread()

    # What watchers are told

    def call(self, op: Any, operands: tuple[Any, ...], keywords: dict[str, Any], run: Callable[[], Any]) -> Any:
        given = _arrays((*operands, *keywords.values()))
        views = getattr(op, "view", False)

        def told(result: Any) -> tuple[Any, ...]:
            made = _made(_arrays((result,)), given, views)
            return _forms(given), () if views and not made else _forms(given), made, user_line()

        return self._noted(op.name, "forward", run, told, given)

    def pull(self, node: Node, g: Any, run: Callable[[], list[tuple[Node, Any]]]) -> list[tuple[Node, Any]]:
        arrived = _arrays((g,))
        came = _forms(arrived)
        read = (*came, *_forms(_arrays([p.cell.value for p in saved_by(node) if type(p.cell) is Saved])))
        views = not hasattr(node.op, "forwards")  # flat rules make arrays of their own, or hand on what came

        def told(result: Any) -> tuple[Any, ...]:
            return came, read, _made(_arrays([gi for _, gi in result or ()]), arrived, views), origin_of(node)

        given: list[tuple[Node, Any]] = self._noted(node.op.name, "backward", run, told, arrived)
        return given

    def walk(self, seeds: dict[Node, Any], run: Callable[[], dict[Node, Any]]) -> dict[Node, Any]:
        found: dict[Node, Any] = self._noted("walk back", "walk", run, lambda _: ((), (), (), user_line()), ())
        return found

    def act(self, name: str, node: Node | None, values: Sequence[Any], run: Callable[[], Any]) -> Any:
        given = _arrays(values)

        def told(_: Any) -> tuple[Any, ...]:
            return _forms(given), _forms(given), (), user_line()

        return self._noted(name, "backward" if name in _backward_acts else "forward", run, told, given)

    # Noting

    def _noted(
        self,
        name: str,
        kind: str,
        run: Callable[[], Any],
        told: Callable[[Any], tuple[Any, ...]],
        arrays: Sequence[Any],
    ) -> Any:
        """Run something on arrays, and note how long it took and what `told` says of its result."""
        device = _queue_of(arrays)
        event = self.begin(device)
        result = None
        try:
            result = run()
            return result
        finally:
            self.end(event, name, kind, lambda: told(result), device)

    def begin(self, device: tuple[Any, Device] | None = None) -> _Open:
        """Open an event of this thread."""
        event = _Open(perf_counter_ns())
        self._local.stack.append(event)
        if device is not None:
            event.marks = device[0].mark()
            self.first_mark.setdefault(device[1], (device[0], event.marks, perf_counter_ns()))
        event.began = perf_counter_ns()
        return event

    def end(
        self,
        event: _Open,
        name: str,
        kind: str,
        told: Callable[[], tuple[Any, ...]],
        device: tuple[Any, Device] | None = None,
    ) -> None:
        """Close an event, and note it."""
        ended = perf_counter_ns()
        stack, thread = self._local.stack, threading.get_ident()
        while stack and stack.pop() is not event:
            pass
        if event.marks is not None and device is not None:
            event.marks = (*device, event.marks, device[0].mark())
        if thread not in self.threads:
            self.threads[thread] = threading.current_thread().name
        net = ended - event.began - event.overhead
        self._raw.append((name, kind, event.began, ended, net, net - event.within, thread, event.marks, *told()))
        noting = event.overhead + event.began - event.entered + perf_counter_ns() - ended
        if stack:
            stack[-1].within += net
            stack[-1].overhead += noting
        else:
            self.overhead[thread] = self.overhead.get(thread, 0) + noting

    # What came of it

    def events(self) -> tuple[Event, ...]:
        """Return all events by their start. Devices must have done what was queued."""
        found = [self._event(*raw) for raw in self._raw]
        return tuple(sorted(found, key=lambda e: (e.start, -e.end)))

    def _event(
        self,
        name: str,
        kind: str,
        began: int,
        ended: int,
        net: int,
        own: int,
        thread: int,
        marks: Any,
        forms: Sequence[_Form],
        read: Sequence[_Form],
        made: Sequence[_Form],
        line: Origin | None,
    ) -> Event:
        device, device_start, seconds = self._on_device(marks)
        shapes = tuple(form[1] for form in forms)
        dtypes = tuple(str(form[2]).rpartition(".")[2] for form in forms)
        file, number, layer = (None, None, None) if line is None else line
        start, end = (began - self.origin) / 1e9, (ended - self.origin) / 1e9
        return Event(
            name, kind, start, end, net / 1e9, own / 1e9, thread, shapes, dtypes, _bytes(read), _bytes(made), file,
            number, layer, device, device_start, seconds,
        )  # fmt: skip

    def _on_device(self, marks: Any) -> tuple[str | None, float | None, float | None]:
        if marks is None:
            return None, None, None
        backend, device, first, last = marks
        _, mark, at = self.first_mark[device]
        start = (at - self.origin) / 1e9 + backend.seconds_between(mark, first)
        return str(device), start, backend.seconds_between(first, last)

    def wait(self) -> None:
        """Wait, once for each device, until all that was queued is done."""
        for device, (backend, _, _) in self.first_mark.items():
            backend.wait(device)


def _arrays(values: Iterable[Any]) -> list[Any]:
    """Return the arrays among values, and in lists of them."""
    found = []
    for x in values:
        if type(x) in TENSORS:
            found.append(x._array)
        elif isinstance(x, tuple | list):
            found += _arrays(x)
        elif getattr(x, "dtype", None) is not None:
            found.append(x)
    return found


_queues: dict[type, Any] = {}
"""The backend of a type of arrays that work on is queued, None for other types."""


def _queue_of(arrays: Sequence[Any]) -> tuple[Any, Device] | None:
    """Return the backend and the device where work on arrays is queued; None where it is done when the call returns."""
    for x in arrays:
        kind = type(x)
        if kind not in _queues:
            backend = None if isinstance(x, np.generic) else backend_of(x)
            _queues[kind] = backend if backend is not None and backend.queues else None
        backend = _queues[kind]
        if backend is not None:
            return backend, backend.device_of(x)
    return None


def _forms(arrays: Iterable[Any]) -> tuple[_Form, ...]:
    """Return what is noted of arrays: it keeps none of them alive, and is cheap."""
    return tuple([(id(x), x.shape, x.dtype) for x in arrays])


def _made(results: Sequence[Any], given: Sequence[Any], views: bool) -> tuple[_Form, ...]:
    """Return the forms of results but for those that are, or with `views` look at, what was given."""
    own = [x for x in results if not any(x is y or (views and _shares(x, y)) for y in given)]
    return _forms(own)


def _shares(x: Any, y: Any) -> bool:
    return type(x) is type(y) and not isinstance(x, np.generic) and backend_of(x).shares_memory(x, y)


def _bytes(forms: Sequence[_Form]) -> int:
    """Return how many bytes arrays have, one that is there twice counted once."""
    once = {number: (shape, dtype) for number, shape, dtype in forms}
    return sum(math.prod(shape) * np.dtype(str(dtype).rpartition(".")[2]).itemsize for shape, dtype in once.values())
