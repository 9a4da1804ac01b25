"""A report: results counted by chapter, as a table, as JSON, and as a list of what failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gpugrad.conformance._judge import STATUSES, Verdict

if TYPE_CHECKING:
    from gpugrad.conformance._run import Result

__all__ = ["Report"]

_HEADINGS = {
    "right": "right",
    "other": "other choice",
    "misfit": "misfit",
    "nan": "NaN",
    "wrong": "wrong",
    "unsupported": "unsupported",
}
_FINE = ("right", "other")


@dataclass(frozen=True)
class Report:
    """The results of a library."""

    library: str
    version: str
    results: Sequence[Result]

    @property
    def clean(self) -> bool:
        """Whether there is a result, and each is right or another choice that is open."""
        return bool(self.results) and not self.failures()

    def verdicts(self, order: int) -> list[tuple[Result, Verdict]]:
        """Return the verdicts to first or second order, each with its result."""
        pairs = [(result, result.first if order == 1 else result.second) for result in self.results]
        return [(result, verdict) for result, verdict in pairs if verdict is not None]

    def failures(self, statuses: Sequence[str] = STATUSES[2:]) -> list[str]:
        """Return a line for each verdict of the given statuses: order, status, case and reason."""
        return [
            f"{'first' if order == 1 else 'second'} order, {_HEADINGS[verdict.status]}: {result.name}: {verdict.reason}"
            for order in (1, 2)
            for result, verdict in self.verdicts(order)
            if verdict.status in statuses
        ]

    def counts(self, order: int) -> dict[str, Counter[str]]:
        """Return the number of verdicts of each status, by chapter; conventions are a chapter of their own."""
        found: dict[str, Counter[str]] = {}
        for result, verdict in self.verdicts(order):
            chapter = "conventions" if result.case.group == "convention" else result.case.chapter
            found.setdefault(chapter, Counter())[verdict.status] += 1
        return found

    def table(self) -> str:
        """Return the counts as a table in Markdown: a row a chapter, first order and then second."""
        parts = [f"{self.library} {self.version}".strip()]
        for order, title in ((1, "First order"), (2, "Second order")):
            counts = self.counts(order)
            counts["all"] = sum(counts.values(), Counter())
            rows = [[title, "cases", *_HEADINGS.values()]]
            rows += [
                [name, str(tally.total()), *(str(tally[status]) for status in STATUSES)]
                for name, tally in counts.items()
            ]
            parts.append(_aligned(rows))
        return "\n\n".join(parts)

    def as_json(self) -> dict[str, Any]:
        """Return all of it as what the json module writes."""
        return {
            "library": self.library,
            "version": self.version,
            "first": {chapter: dict(tally) for chapter, tally in self.counts(1).items()},
            "second": {chapter: dict(tally) for chapter, tally in self.counts(2).items()},
            "results": [
                {"case": r.case.id, "dtype": r.dtype, "first": _entry(r.first), "second": r.second and _entry(r.second)}
                for r in self.results
            ],
        }


def _entry(verdict: Verdict) -> dict[str, str]:
    return {"status": verdict.status, **({"reason": verdict.reason} if verdict.reason else {})}


def _aligned(rows: list[list[str]]) -> str:
    """Return rows as a Markdown table, the first one its heading: names to the left, numbers to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "| "
        + " | ".join(cell.rjust(w) if i else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True)))
        + " |"
        for row in rows
    ]
    rule = "|" + "|".join("-" * (w + 1) + (":" if i else "-") for i, w in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])
