"""A profile as a trace in Chrome's format, for Perfetto and chrome://tracing.

The format is that of "Trace Event Format" (Google, 2016): complete events ("X") with times in microseconds, and
metadata ("M") that names the tracks. A thread has two, one for forward and one for backward, and a device has one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from gpugrad.diagnostics._profile_events import Event

__all__ = ["trace"]

_device_tracks = 1000
"""The number of the first device's track; those of threads are smaller, unless there are hundreds of them."""


def trace(events: Iterable[Event], threads: Mapping[int, str]) -> str:
    """Return the trace as JSON."""
    process = os.getpid()
    thread_number = {thread: i for i, thread in enumerate(threads)}
    names, written = {}, []
    devices: dict[str, int] = {}
    for event in events:
        back = event.kind in ("backward", "walk")
        track = 2 * thread_number[event.thread] + back
        names[track] = f"{threads[event.thread]}: {'backward' if back else 'forward'}"
        written.append(_complete(event, event.start, event.end - event.start, process, track))
        if event.device is not None and event.device_start is not None and event.device_seconds is not None:
            track = devices.setdefault(event.device, max(_device_tracks, 2 * len(threads)) + len(devices))
            names[track] = event.device
            written.append(_complete(event, event.device_start, event.device_seconds, process, track))
    meta = [_named("process_name", process, 0, "gpugrad")]
    meta += [_named("thread_name", process, track, name) for track, name in sorted(names.items())]
    written.sort(key=lambda e: (e["ts"], -e["dur"]))
    return json.dumps({"traceEvents": [*meta, *written], "displayTimeUnit": "ms"}, ensure_ascii=False)


def _microseconds(seconds: float) -> float:
    return round(1e6 * seconds, 3)


def _complete(event: Event, start: float, seconds: float, process: int, track: int) -> dict[str, Any]:
    """Return an event that has a start and an end; both are rounded, so that what was nested stays so."""
    begin, end = _microseconds(start), _microseconds(start + seconds)
    told: dict[str, Any] = (
        {"shapes": [list(s) for s in event.shapes], "dtypes": list(event.dtypes)} if event.shapes else {}
    )
    if event.bytes_read or event.bytes_written:
        told |= {"bytes read": event.bytes_read, "bytes written": event.bytes_written}
    if event.file is not None:
        told["line"] = f"{event.file}:{event.line}"
    if event.layer is not None:
        told["layer"] = event.layer
    return {
        "name": event.name, "cat": event.kind, "ph": "X", "ts": begin, "dur": round(end - begin, 3), "pid": process,
        "tid": track, "args": told,
    }  # fmt: skip


def _named(what: str, process: int, track: int, name: str) -> dict[str, Any]:
    return {"name": what, "ph": "M", "pid": process, "tid": track, "args": {"name": name}}
