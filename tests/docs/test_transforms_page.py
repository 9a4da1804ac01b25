"""The page on transforms: its program runs, and its table names every function of gpugrad.func."""

import re
from pathlib import Path

from gpugrad import func

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "transforms.md").read_text("utf-8")


def test_its_program_prints_what_it_says(capsys):
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(program, {})
    printed = capsys.readouterr().out.splitlines()
    said = re.findall(r"# (tensor\(.*\)|\(8, 1, 2\))", program)
    assert [printed[0], printed[3], printed[4]] == said
    assert printed[1:3] == ["tensor([[ 6.,  0.],", "        [ 0., 12.]])"]


def test_its_table_names_every_transform():
    table = PAGE.split("## What holds")[0]
    assert set(re.findall(r"`(\w+)\(", table)) == set(func.__all__)
