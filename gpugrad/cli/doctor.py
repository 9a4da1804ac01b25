"""`gpugrad doctor`: what this machine offers, what is broken, and the command that mends it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from importlib import metadata

from gpugrad.cli.machine import rows
from gpugrad.cli.row import Row

__all__ = ["doctor"]

_marks = {"ok": "ok  ", "none": "-   ", "failed": "FAIL"}


def doctor(as_json: bool) -> int:
    """Print a row for each thing looked at; return 1 if something installed or asked for is broken."""
    found = rows()
    broken = [row for row in found if row.state == "failed"]
    if as_json:
        print(json.dumps({"ok": not broken, "rows": [asdict(row) for row in found]}, indent=2, ensure_ascii=False))
        return 1 if broken else 0
    if sys.stdout.isatty():
        _table(found)
    else:
        for row in found:
            print(f"{_marks[row.state]} {row.name:<16} {row.found}")
            if row.fix:
                print(f"     {'':<16} {'mend it: ' if row.state == 'failed' else ''}{row.fix}")
    if broken:
        print(f"{len(broken)} of {len(found)} rows failed: {', '.join(row.name for row in broken)}")
    else:
        print(f"gpugrad {metadata.version('gpugrad')} works here")
    return 1 if broken else 0


def _table(found: list[Row]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    colours = {"ok": "green", "none": "dim", "failed": "bold red"}
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for row in found:
        text = Text(row.found)
        if row.fix:
            text.append(f"\n{row.fix}", style="yellow" if row.state == "failed" else "dim")
        table.add_row(Text(_marks[row.state].strip(), style=colours[row.state]), row.name, text)
    Console(highlight=False).print(table)
