"""The code that the page on memory shows runs, and prints what it says."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "memory.md").read_text("utf-8")


def test_the_page_on_memory_runs(capsys):
    known = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(code, known)
    (table,) = re.findall(r"```\n(op .*?)```", PAGE, re.DOTALL)
    (kept, packed) = re.findall(r"^prints `([^`]+)`", PAGE, re.MULTILINE)
    assert capsys.readouterr().out == f"{table}{kept.replace(',', '')}\n{packed}\n"
