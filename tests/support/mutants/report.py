"""What became of the faults: a table by file, one by kind, and each survivor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from mutants.fault import Fault

__all__ = ["Verdict", "rendered"]


@dataclass(frozen=True)
class Verdict:
    """What became of one fault: killed, survived, equivalent or invalid; by what, or why."""

    fault: Fault
    fate: str
    by: str = ""


_columns = ("planted", "killed", "survived", "equivalent", "invalid")


def rendered(verdicts: list[Verdict]) -> str:
    """Return the report."""
    survivors = [verdict.fault for verdict in verdicts if verdict.fate == "survived"]
    parts = [_table("file", verdicts, lambda fault: fault.file), _table("kind", verdicts, lambda fault: fault.kind)]
    if survivors:
        parts.append("Survivors: write the test that finds each, or list it in equivalent.toml with the reason.")
        parts += [fault.diff() for fault in survivors]
    killed, judged = _rate(verdicts)
    share = f" ({killed / judged:.1%})" if judged else ""
    parts.append(f"{killed} of {judged} faults that change something were killed{share}.")
    return "\n\n".join(parts)


def _table(title: str, verdicts: list[Verdict], by: Callable[[Fault], str]) -> str:
    rows: dict[str, Counter[str]] = {}
    for verdict in sorted(verdicts, key=lambda verdict: by(verdict.fault)):
        rows.setdefault(by(verdict.fault), Counter()).update((verdict.fate, "planted"))
    width = max([len(title), *map(len, rows)])
    lines = [f"{title:{width}}" + "".join(f"{column:>11}" for column in _columns)]
    lines += [f"{name:{width}}" + "".join(f"{counts[c]:>11}" for c in _columns) for name, counts in rows.items()]
    return "\n".join(lines)


def _rate(verdicts: list[Verdict]) -> tuple[int, int]:
    """Return how many were killed, and out of how many."""
    fates = Counter(verdict.fate for verdict in verdicts)
    return fates["killed"], fates["killed"] + fates["survived"]
