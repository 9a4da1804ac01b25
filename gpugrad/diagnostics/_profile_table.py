"""A profile as a table: what took how long, by op, by line of the user's code, or by shapes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gpugrad.diagnostics._profile_events import Event
from gpugrad.errors import OptionError

__all__ = ["GROUPS", "ORDERS", "ProfileRow", "cells", "columns", "rows_of", "text"]

GROUPS = ("op", "line", "shape")
ORDERS = ("time", "self", "forward", "backward", "device", "calls", "mean", "read", "written", "name")


@dataclass(slots=True)
class ProfileRow:
    """What the events of one name have come to: seconds, bytes, and how often.

    `forward` and `backward` are the host's seconds, `time` is their sum, `self_time` that without events within.
    `device` is how long GPUs were at it, None where none was. `share` is the part of `self_time` in that of all rows.
    """

    name: str
    calls: int = 0
    backward_calls: int = 0
    forward: float = 0.0
    backward: float = 0.0
    self_time: float = 0.0
    device: float | None = None
    read: int = 0
    written: int = 0
    share: float = 0.0

    @property
    def time(self) -> float:
        """Seconds forward and backward."""
        return self.forward + self.backward

    @property
    def mean(self) -> float:
        """Seconds for one call or one run of its rules."""
        return self.time / max(1, self.calls + self.backward_calls)

    def add(self, event: Event) -> None:
        """Count an event."""
        if event.kind == "backward":
            self.backward_calls += 1
            self.backward += event.seconds
        else:
            self.calls += 1
            self.forward += event.seconds
        self.self_time += event.self_seconds
        self.read += event.bytes_read
        self.written += event.bytes_written
        if event.device_seconds is not None:
            self.device = (self.device or 0.0) + event.device_seconds

    def value(self, order: str) -> float:
        """Return what rows are ordered by, the largest first."""
        if order == "calls":
            return self.calls + self.backward_calls
        return float(getattr(self, "self_time" if order == "self" else order) or 0)


def _name(event: Event, by: str) -> str:
    if by == "line":
        place = "?" if event.file is None else f"{event.file}:{event.line}"
        return place
    if by == "shape":
        forms = zip(event.dtypes, event.shapes, strict=True)
        return f"{event.name} " + " ".join(f"{dtype}{list(shape)}" for dtype, shape in forms)
    return event.name


def rows_of(events: Iterable[Event], by: str, sort_by: str) -> list[ProfileRow]:
    """Return a row for every op, line, or op and shapes, in an order."""
    for what, given, known in (("by", by, GROUPS), ("sort_by", sort_by, ORDERS)):
        if given not in known:
            raise OptionError(f"profile: {what} is one of {', '.join(known)}, not {given!r}")
    rows: dict[str, ProfileRow] = {}
    for event in events:
        name = _name(event, by)
        rows.setdefault(name, ProfileRow(name)).add(event)
    total = sum(row.self_time for row in rows.values())
    for row in rows.values():
        row.share = row.self_time / total if total else 0.0
    found = sorted(rows.values(), key=lambda row: row.name)
    return found if sort_by == "name" else sorted(found, key=lambda row: row.value(sort_by), reverse=True)


def columns(by: str, with_device: bool) -> list[str]:
    """Return the heads of the columns."""
    times = ["time", "share", "self", "forward", "backward", *(["device"] if with_device else []), "mean"]
    return [by, "calls", *times, "read", "written"]


def cells(row: ProfileRow, with_device: bool) -> list[str]:
    """Return a row as texts."""
    calls = f"{row.calls:,}" + (f" + {row.backward_calls:,}" if row.backward_calls else "")
    device = [_seconds(row.device or 0.0)] if with_device else []
    times = [_seconds(row.time), f"{100 * row.share:.1f} %", *map(_seconds, (row.self_time, row.forward, row.backward))]
    return [row.name, calls, *times, *device, _seconds(row.mean), _bytes(row.read), _bytes(row.written)]


def text(lines: Sequence[Sequence[str]], under: Sequence[str]) -> str:
    """Return a table of texts, the first column to the left, the head apart, and lines under it."""
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    texts = [
        "  ".join(
            cell.ljust(w) if k == 0 else cell.rjust(w) for k, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    rule = "-" * len(texts[0])
    return "\n".join([texts[0].rstrip(), rule, *(line.rstrip() for line in texts[1:]), rule, *under])


def _seconds(seconds: float) -> str:
    """Return a time with three digits.

    >>> _seconds(0.00123), _seconds(12.3e-6), _seconds(2.5), _seconds(0.0)
    ('1.23 ms', '12.3 µs', '2.50 s', '0')
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= 0.9995 * size or (unit == "µs" and seconds > 0):
            number = seconds / size
            return f"{number:.{2 if number < 9.995 else 1 if number < 99.95 else 0}f} {unit}"
    return "0"


def _bytes(count: int) -> str:
    """Return a number of bytes with three digits.

    >>> _bytes(12), _bytes(4096), _bytes(3 << 30)
    ('12 B', '4.00 KiB', '3.00 GiB')
    """
    size, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1023.5:
            break
        size, unit = size / 1024, larger
    return f"{count} B" if unit == "B" else f"{size:.{2 if size < 9.995 else 1 if size < 99.95 else 0}f} {unit}"
