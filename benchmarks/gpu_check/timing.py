"""Times on the device: events around windows of calls, after a warm-up, and the median of the windows."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

from gpugrad.backends import backend_named


def cupy() -> Any:
    """Return the module that gpugrad's CuPy backend is made of."""
    return backend_named("cupy").cupy


def seconds(call: Callable[[int], Any], calls: int, windows: int, warm_up: int | None = None) -> float:
    """Return the median time of one call, from so many windows of so many calls each.

    `call` is told its number, to turn from one set of buffers to the next. It launches on the current stream and does
    not wait, so that the device is never without work; the host waits once, at the end.
    """
    cuda = cupy().cuda
    for i in range(calls if warm_up is None else warm_up):
        call(i)
    marks = []
    for window in range(windows):
        start, end = cuda.Event(), cuda.Event()
        start.record()
        for i in range(calls):
            call(window * calls + i)
        end.record()
        marks.append((start, end))
    cuda.Device().synchronize()
    return statistics.median(cuda.get_elapsed_time(start, end) for start, end in marks) / 1e3 / calls
