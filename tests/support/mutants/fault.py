"""A fault: one place in one file, what would stand there, and what it is called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Fault", "Source"]


@dataclass(frozen=True)
class Fault:
    """One change to one file; `before` and `after` are the lines it touches, without their indentation."""

    file: str
    op: str
    kind: str
    line: int
    start: int
    end: int
    text: bytes
    before: str
    after: str
    scopes: tuple[int, ...] = ()
    """The lines at which the functions begin that compute something else; none where that is the whole module."""

    @property
    def language(self) -> str:
        """Return ``"rules"`` for Python, ``"kernels"`` for CUDA."""
        return "rules" if self.file.endswith(".py") else "kernels"

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """Return what a fault is known by, whatever stands above it in the file."""
        return self.file, self.op, self.before, self.after

    def planted(self, content: bytes) -> bytes:
        """Return the content of the file with the fault in it."""
        return content[: self.start] + self.text + content[self.end :]

    def diff(self) -> str:
        """Return the fault as the lines of a unified diff."""
        removed = [f"-{line}" for line in self.before.splitlines()]
        added = [f"+{line}" for line in self.after.splitlines()]
        return "\n".join([f"{self.file}:{self.line} {self.op}: {self.kind}", *removed, *(added or ["+"])])


class Source:
    """A file as bytes, in which faults are found: offsets are those of bytes, as in Python's syntax trees."""

    def __init__(self, root: Path, file: str) -> None:
        self.file = file
        self.content = (root / file).read_bytes()
        self.starts = [0]
        for line in self.content.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def fault(self, op: str, kind: str, start: int, end: int, text: str, scopes: tuple[int, ...] = ()) -> Fault | None:
        """Return the fault that puts `text` between two offsets, None where nothing would change."""
        made = text.encode()
        if self.content[start:end] == made:
            return None
        first = self.content.rfind(b"\n", 0, start) + 1
        last = self.content.find(b"\n", end)
        last = len(self.content) if last < 0 else last
        before, after = self.content[first:last], self.content[first:start] + made + self.content[end:last]
        line = self.content.count(b"\n", 0, start) + 1
        return Fault(self.file, op, kind, line, start, end, made, _stripped(before), _stripped(after), scopes)


def _stripped(lines: bytes) -> str:
    """Return lines without what stands around them, and without those left empty."""
    stripped = (line.strip() for line in lines.decode().splitlines())
    return "\n".join(line for line in stripped if line)
