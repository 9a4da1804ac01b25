"""What a part of the check comes to: passed, failed, or not run and why; and the tables that show it."""

from __future__ import annotations

from dataclasses import dataclass, field

FAILED, NOT_RUN, PASSED = "failed", "not run", "passed"


@dataclass(frozen=True)
class Table:
    """Rows of text under the names of their columns."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


@dataclass(frozen=True)
class Part:
    """One part: its state is PASSED, FAILED or NOT_RUN, and its summary is one line."""

    name: str
    state: str
    summary: str
    tables: list[Table] = field(default_factory=list)


def worst(states: list[str]) -> str:
    """Return the state of a whole from those of its pieces: it failed if one did, and ran if one did."""
    return min(states, key=(FAILED, PASSED, NOT_RUN).index)
