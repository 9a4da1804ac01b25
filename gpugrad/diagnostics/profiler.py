"""The profiler: what each op costs, forward and backward, as a table, as a trace, and as events for programs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from html import escape
from os import PathLike
from pathlib import Path
from time import perf_counter_ns
from typing import Any, Self, TypeVar

from gpugrad._graph import watching
from gpugrad._graph.decorating import within
from gpugrad.diagnostics._chrome_trace import trace
from gpugrad.diagnostics._displays import table as html_table
from gpugrad.diagnostics._profile_events import Event, Recorder, is_op
from gpugrad.diagnostics._profile_table import ProfileRow, cells, columns, rows_of, text
from gpugrad.errors import OptionError, StateError

__all__ = ["profile", "record_function"]

F = TypeVar("F", bound=Callable[..., Any])

_active: tuple[Recorder, ...] = ()
_changing = threading.Lock()


def _become(others: Callable[[], tuple[Recorder, ...]]) -> None:
    global _active
    with _changing:
        _active = others()


class profile:
    """Time every call of an op and every run of its rules within the block, in all threads.

    Printed, it is a table; `table`, `rows`, `events` and `chrome_trace` have the rest. What the noting of events takes
    itself is left out of them, and told under the table. Times are those of the host's clock. On a GPU, where work is
    queued, `device` is what the GPU's clock says between two events on its stream; the host waits for it once, at the
    end of the block.

    >>> import gpugrad
    >>> x = gpugrad.ones((100, 100), requires_grad=True)
    >>> with gpugrad.profile() as p:
    ...     (gpugrad.exp(x) @ x).sum().backward()
    >>> sorted(row.name for row in p.rows())
    ['accumulate', 'exp', 'matmul', 'sum']
    >>> [(e.name, e.bytes_written) for e in p.events if e.kind == "forward"]
    [('exp', 40000), ('matmul', 40000), ('sum', 4)]
    """

    def __init__(self) -> None:
        self._recorder: Recorder | None = None
        self._thread = 0
        self._running = False
        self._events: tuple[Event, ...] | None = None

    def __enter__(self) -> Self:
        if self._recorder is not None:
            raise StateError("a profile is made anew for each block: with gpugrad.profile() as p")
        recorder = self._recorder = Recorder()
        self._thread, self._running = threading.get_ident(), True
        _become(lambda: (*_active, recorder))
        watching.start(recorder)
        return self

    def __exit__(self, *exception: object) -> None:
        recorder = self._kept()
        recorder.wall = perf_counter_ns() - recorder.origin
        watching.stop(recorder)
        _become(lambda: tuple(r for r in _active if r is not recorder))
        recorder.wait()
        self._running = False

    def _kept(self) -> Recorder:
        if self._recorder is None:
            raise StateError("nothing was profiled yet; what is to be timed goes into the block: with profile() as p")
        return self._recorder

    @property
    def events(self) -> tuple[Event, ...]:
        """Everything that was noted, by its start."""
        if self._running:
            raise StateError("the profile is still running; look at it after the block")
        if self._events is None:
            self._events = self._kept().events()
        return self._events

    @property
    def seconds(self) -> float:
        """How long the block took."""
        self.events  # noqa: B018 - raises while the block is running
        return self._kept().wall / 1e9

    @property
    def overhead(self) -> float:
        """Seconds that noting the events took in the thread of the block."""
        return self._kept().overhead.get(self._thread, 0) / 1e9

    @property
    def outside(self) -> float:
        """Seconds that the thread of the block spent outside of ops: in Python, in the walk back itself, waiting."""
        inside = sum(e.self_seconds for e in self.events if is_op(e) and e.thread == self._thread)
        return max(0.0, self.seconds - inside - self.overhead)

    def rows(self, by: str = "op", sort_by: str = "time") -> list[ProfileRow]:
        """Return what ops have come to, `by` ``"op"``, user ``"line"``, or op and ``"shape"``, the largest first.

        `sort_by` is ``time``, ``self``, ``forward``, ``backward``, ``device``, ``calls``, ``mean``, ``read``,
        ``written``, or ``name``.
        """
        return rows_of((e for e in self.events if is_op(e)), by, sort_by)

    def ranges(self) -> list[ProfileRow]:
        """Return what blocks of `record_function`, and walks back, have come to."""
        return rows_of((e for e in self.events if not is_op(e)), "op", "time")

    def table(self, sort_by: str = "time", by: str = "op", limit: int | None = 30) -> str:
        """Return the rows as a table to print, at most `limit` of them, and totals under it."""
        lines, under = self._told(sort_by, by, limit)
        return text(lines, under)

    def _told(self, sort_by: str, by: str, limit: int | None) -> tuple[list[list[str]], list[str]]:
        if limit is not None and not (type(limit) is int and limit >= 1):
            raise OptionError(f"profile: limit is a number of rows, 1 or more, or None, not {limit!r}")
        rows, ranges = self.rows(by, sort_by), self.ranges()
        with_device = any(e.device is not None for e in self.events)
        lines = [columns(by, with_device), *(cells(row, with_device) for row in rows[:limit])]
        under = [] if limit is None or len(rows) <= limit else [f"... and {len(rows) - limit} more"]
        under += [f"{cells(row, False)[0]}: {row.calls:,} in {cells(row, False)[2]}" for row in ranges]
        return lines, [*under, self._total()]

    def _total(self) -> str:
        def ms(seconds: float) -> str:
            return f"{1e3 * seconds:.2f} ms"

        other = {e.thread for e in self.events} - {self._thread}
        inside = self.seconds - self.outside - self.overhead
        threads = f"; {len(other)} other thread{'s' * (len(other) > 1)}, counted above" if other else ""
        return (
            f"{ms(self.seconds)} in all: {ms(inside)} in ops, {ms(self.outside)} outside of them, "
            f"{ms(self.overhead)} for the profile itself{threads}"
        )

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        if self._recorder is None:
            return "<profile, not begun>"
        return "<profile, running>" if self._running else self.table()

    def _repr_html_(self) -> str:
        if self._running or not self._recorder:
            return escape(repr(self))
        lines, under = self._told("time", "op", 30)
        return html_table(lines[1:], lines[0]) + "".join(f"<div>{escape(line)}</div>" for line in under)

    def chrome_trace(self, path: str | PathLike[str]) -> None:
        """Write a trace that https://ui.perfetto.dev and chrome://tracing show: forward, backward, and each device."""
        Path(path).write_text(trace(self.events, self._kept().threads), encoding="utf-8")


class record_function:
    """Name a range of the program in profiles that are running, PyTorch's name for it; a block or a decorator.

    >>> import gpugrad
    >>> with gpugrad.profile() as p, gpugrad.record_function("loss"):
    ...     y = gpugrad.exp(gpugrad.ones(2)).sum()
    >>> [row.name for row in p.ranges()]
    ['loss']
    """

    def __init__(self, name: str) -> None:
        self._name = str(name)
        self._open: list[list[tuple[Recorder, Any]]] = []

    def __enter__(self) -> Self:
        self._open.append([(recorder, recorder.begin()) for recorder in _active])
        return self

    def __exit__(self, *exception: object) -> None:
        line = watching.user_line() if self._open[-1] else None
        for recorder, event in reversed(self._open.pop()):
            if recorder in _active:
                recorder.end(event, self._name, "range", lambda: ((), (), (), line))

    def __call__(self, function: F) -> F:
        """Return a function whose calls are ranges."""
        return within(lambda: record_function(self._name), function)
