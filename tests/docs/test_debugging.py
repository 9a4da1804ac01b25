"""docs/debugging.md: its examples run and print what they say, and its tables are true of the code."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import gpugrad as gg
from gpugrad.diagnostics._profile_table import ORDERS
from gpugrad.errors import AnomalyError

PAGE = Path(__file__).resolve().parents[2] / "docs" / "debugging.md"
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def test_the_examples_print_what_they_say(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    results = doctest.testfile(str(PAGE), module_relative=False, optionflags=OPTIONS)
    assert results.failed == 0 and results.attempted > 15
    assert (tmp_path / "trace.json").stat().st_size


def test_the_columns_of_the_table_are_those_that_are_printed():
    with gg.profile() as p:
        gg.exp(gg.ones(3))
    text = PAGE.read_text("utf-8")
    heads = [line for line in text.splitlines() if line.startswith("op  ")]
    assert [re.split(" +", head) for head in heads] == [re.split(" +", str(p).splitlines()[0])]
    assert f"`sort_by` {', '.join(ORDERS)}" in text


def test_the_attributes_of_the_error_are_those_that_it_has():
    text = " ".join(PAGE.read_text("utf-8").split())
    told = re.search(r"is in attributes: (.*?)\. \|", text + ". |")[1]
    names = re.findall(r"`(\w+)`", told.split(" | ")[0])
    assert set(AnomalyError.__annotations__) <= set(names)
