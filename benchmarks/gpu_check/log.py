"""The log of what has run on real GPUs: entries in Markdown, each appended to those before it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from gpu_check import child
from gpu_check.machine import Machine
from gpu_check.part import Part, Table

LOG = child.ROOT / "benchmarks" / "gpu-log.md"
NO_ENTRY = "There is no entry yet: nothing here has run on a GPU."
"""The line that the first entry replaces."""


def entry(machine: Machine, parts: list[Part], when: datetime) -> str:
    """Return an entry: the date and the device, its facts, the parts, and the table of each."""
    device = "no GPU" if machine.fault else machine.facts["device"].partition(",")[0]
    lines = [f"## {when:%Y-%m-%d %H:%M} UTC, {device}", ""]
    if machine.fault:
        lines += [f"{machine.fault}.", ""]
    lines += _markdown(Table("", ("what", "which"), list(machine.facts.items())))
    lines += ["", *_markdown(Table("", ("part", "state", "result"), [(p.name, p.state, p.summary) for p in parts]))]
    for table in (table for part in parts for table in part.tables):
        lines += ["", f"### {table.title}", "", *_markdown(table)]
    return "\n".join(lines) + "\n"


def _markdown(table: Table) -> Iterator[str]:
    """Yield the lines of a table, its columns aligned."""
    rows = [tuple(" ".join(cell.replace("|", "\\|").split()) for cell in row) for row in table.rows]
    widths = [max(map(len, column)) for column in zip(table.columns, *rows, strict=True)]
    for row in (table.columns, tuple("-" * width for width in widths), *rows):
        yield f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"


def append(path: Path, machine: Machine, text: str) -> None:
    """Append an entry to the log, if it is of a GPU; else raise, and write nothing."""
    if machine.fault:
        raise ValueError(f"nothing is written to {path}: {machine.fault}")
    before = path.read_text("utf-8") if path.exists() else ""
    before = before.replace(NO_ENTRY, "").rstrip()
    _write(path, f"{before}\n\n{text}" if before else text)


def dump(path: Path, machine: Machine, parts: list[Part], when: datetime) -> None:
    """Write the same as JSON."""
    content = {
        "when": when.isoformat(timespec="seconds"),
        "gpu": not machine.fault,
        "machine": machine.facts,
        "parts": [asdict(part) for part in parts],
    }
    _write(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.write_text(text, "utf-8")
    beside.replace(path)
