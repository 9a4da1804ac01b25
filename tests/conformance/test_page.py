"""docs/gradient_conformance.md: what it says of the suite and of gpugrad is so."""

import re
from dataclasses import fields
from pathlib import Path

from gpugrad import conformance
from gpugrad.conformance import Case

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "gradient_conformance.md").read_text("utf-8")
CASES = conformance.cases()
ROWS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line.startswith("|")]


def totals(order):
    return sum(len(case.dtypes) for case in CASES if order == 1 or case.second is not None)


def test_it_counts_the_cases_of_the_file():
    assert f"{len(CASES)}\ncalls" in PAGE or f"{len(CASES)} calls" in PAGE
    counted = {row[0]: row[1] for row in ROWS if row[0] in {case.chapter for case in CASES}}
    assert counted == {
        chapter: str(sum(len(case.dtypes) for case in CASES if case.chapter == chapter))
        for chapter in dict.fromkeys(case.chapter for case in CASES)
    }


def test_gpugrad_has_no_failures_and_every_row_adds_up():
    ours = [row[1:] for row in ROWS if row[0] == "gpugrad"]
    assert ours == [[str(totals(order))] * 2 + ["0"] * 5 for order in (1, 2)]
    for row in ROWS:
        if len(row) == 8 and row[1].isdigit():
            assert int(row[1]) == sum(map(int, row[2:])), row


def test_it_describes_every_key_of_the_file():
    described = set(re.findall(r"`(\w+)`", "\n".join(row[0] for row in ROWS)))
    assert {field.name for field in fields(Case)} - {"inputs"} <= described


def test_it_names_every_namespace_and_option():
    for name in (*conformance.NAMESPACES, "--backend", "--only", "--list-failures", "--json", "--namespace"):
        assert name in PAGE
