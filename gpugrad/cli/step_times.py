"""What `gpugrad train --profile` times: some steps at the start, but not the first ones, and where it writes that."""

from __future__ import annotations

from pathlib import Path

from gpugrad.diagnostics import profile
from gpugrad.nn.interchange import write_whole

__all__ = ["StepTimes"]


class StepTimes:
    """A block around each step: the steps after `first`, `count` of them, are profiled together."""

    def __init__(self, first: int = 3, count: int = 20) -> None:
        self.profile = profile()
        self._first, self._last = first, first + count
        self._taken = 0
        self._running = False

    def __enter__(self) -> None:
        if self._taken == self._first:
            self.profile.__enter__()
            self._running = True

    def __exit__(self, *exception: object) -> None:
        self._taken += 1
        if self._taken == self._last or exception[0] is not None:
            self._end()

    def _end(self) -> None:
        if self._running:
            self._running = False
            self.profile.__exit__(None, None, None)

    def write(self, folder: Path) -> list[Path]:
        """Write the table and the trace into a folder, and return the files; none where there were too few steps."""
        self._end()
        steps = min(self._taken, self._last) - self._first
        if steps < 1:
            return []
        table, trace = folder / "profile.txt", folder / "trace.json"
        told = [f"{steps} training steps, after the first {self._first}", "", self.profile.table()]
        told += ["", self.profile.table(by="line")]
        write_whole(table, ("\n".join(told) + "\n").encode())
        self.profile.chrome_trace(trace)
        return [table, trace]
