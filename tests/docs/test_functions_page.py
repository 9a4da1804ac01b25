"""docs/functions.md is what the tables say, and names every op and each of its inputs that can be differentiated."""

import functions_page
import pytest

from gpugrad._op import table

PAGE = functions_page.PAGE.read_text("utf-8")
ROWS = {line.split("`")[1].split(".")[-1]: line for line in PAGE.splitlines() if line.startswith("| `")}


def test_the_page_is_that_of_the_tables():
    assert functions_page.page() == PAGE, "./run docs writes the page anew"


@pytest.mark.parametrize("name", table)
def test_every_op_stands_there_with_its_rules(name):
    names = [name, *(public.split(".")[-1] for public in functions_page.public_names().get(name, []))]
    line = next(ROWS[n] for n in names if n in ROWS)
    assert "| Return" in line
    for i in table[name].rule_of:
        assert f"{table[name].inputs[i]}" in line
    assert bool(table[name].rules) != ("never part of the graph" in line)


def test_a_formula_is_the_rule_as_it_is_computed():
    assert "x: `g * cos(x)`" in ROWS["sin"]
    assert "x1: `g * x2`<br>x2: `g * x1`" in ROWS["multiply"]
    assert "norm at 0" in ROWS["vector_norm"]
