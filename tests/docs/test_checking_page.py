"""The code of docs/checking.md runs, and prints what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "checking.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```\n\n^```\n(.*?)^```", PAGE, re.M | re.S)


def test_every_block_of_code_has_its_output():
    assert len(BLOCKS) == PAGE.count("```python") >= 7


def test_the_page_prints_what_it_says(capsys):
    names = {}
    for code, expected in BLOCKS:
        exec(code, names)
        printed = capsys.readouterr().out
        assert re.sub(r"± \S+", "±", printed) == re.sub(r"± \S+", "±", expected)


@pytest.mark.parametrize("name", ["eps", "fast_mode", "nondet_tol", "seed", "isolated", "tolerance", "grad_outputs"])
def test_what_the_page_names_is_an_argument(name):
    import inspect

    import gpugrad

    functions = (gpugrad.autograd.gradgradcheck, gpugrad.compare_backends)
    assert f"`{name}" in PAGE
    assert any(name in inspect.signature(f).parameters for f in functions)
