"""The code of docs/optimizers.md runs and prints what the page says, and its tables name everything in `optim`."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from gpugrad import optim

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "optimizers.md").read_text("utf-8")
CODE = re.findall(r"^```(python)?\n(.*?)^```", PAGE, re.M | re.S)


def test_the_page_prints_what_it_says(capsys):
    names, said = {}, ""
    for language, text in CODE:
        if language:
            exec(text, names)
        else:
            said += text
    assert capsys.readouterr().out == said


def rows(heading):
    part = PAGE.split(f"## {heading}")[1].split("\n## ")[0]
    return [line.split("`")[1] for line in part.splitlines() if line.startswith("| `")]


def test_every_optimizer_and_every_schedule_has_its_row():
    made = {name for name in optim.__all__ if inspect.isclass(getattr(optim, name))} - {"Optimizer"}
    assert sorted(rows("The optimizers")) == sorted(made)
    assert sorted(rows("The schedules")) == sorted(set(optim.lr_scheduler.__all__) - {"LRScheduler"})


def test_every_optimizer_has_a_source():
    for line in PAGE.split("## The optimizers")[1].split("What differs")[0].splitlines():
        if line.startswith("| `"):
            assert re.search(r"\((19|20)\d\d\)", line.rpartition("|")[0].rpartition("|")[2])
