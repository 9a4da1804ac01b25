"""`gpugrad doctor`: what this machine offers, what is broken, and the command that mends it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib import metadata

from gpugrad.cli.machine import rows

__all__ = ["doctor"]

_styles = {"ok": "", "none": "dim", "failed": "bold red"}
_marks = {"ok": "ok  ", "none": "-   ", "failed": "FAIL"}


def doctor(as_json: bool) -> int:
    """Print a row for each thing looked at; return 1 if something installed or asked for is broken."""
    found = rows()
    broken = [row.name for row in found if row.state == "failed"]
    if as_json:
        print(json.dumps({"ok": not broken, "rows": [asdict(row) for row in found]}, indent=2, ensure_ascii=False))
        return 1 if broken else 0
    line = _writer()
    for row in found:
        line(f"{_marks[row.state]} {row.name:<16} {row.found}", _styles[row.state])
        if row.fix:
            line(f"{'':<21} {'mend it: ' if row.state == 'failed' else 'get it: '}{row.fix}", "yellow")
    if broken:
        line(f"{len(broken)} of {len(found)} rows failed: {', '.join(broken)}", "bold red")
    else:
        line(f"gpugrad {metadata.version('gpugrad')} works here", "bold green")
    return 1 if broken else 0


def _writer() -> Callable[[str, str], None]:
    """Return what writes a line, in colour in a terminal; no line is broken, so that commands can be copied."""
    if not sys.stdout.isatty():
        return lambda text, style: print(text)
    from rich.console import Console

    console = Console(highlight=False)
    return lambda text, style: console.print(text, style=style, markup=False, emoji=False, soft_wrap=True)
