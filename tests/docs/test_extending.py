"""docs/extending.md: its examples run and print what they say, and its lists are those of the code."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import gpugrad
from gpugrad._elementwise._functions import ALIASES, FUNCTIONS
from gpugrad._elementwise._parser import RESERVED
from gpugrad.autograd.function import FunctionCtx

PAGE = Path(__file__).resolve().parents[2] / "docs" / "extending.md"
TEXT = PAGE.read_text("utf-8")


def listed(row):
    """Return the names in a row of the table of the grammar."""
    return re.search(rf"^\| {row} \| `([^`]*)`", TEXT, re.M)[1].split()


def test_the_examples_print_what_they_say():
    results = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert results.failed == 0 and results.attempted > 20


def test_the_page_lists_every_function_of_the_grammar_and_no_other():
    arity = {name: FUNCTIONS[ALIASES.get(name, name)].arity for name in (*FUNCTIONS, *ALIASES)}
    for row, n in (("functions of one", 1), ("functions of two", 2)):
        assert sorted(listed(row)) == sorted(name for name, its in arity.items() if its == n)


def test_what_the_page_says_of_the_grammar_is_taken_by_it():
    for name in listed("truth values of one"):
        gpugrad.elementwise("T x", "T z", f"z = {name}(x)")
    numbers = re.search(r"^\| numbers \| (.*) \|$", TEXT, re.M)[1]
    for number in re.findall(r"`([^`]*)`", numbers):
        gpugrad.elementwise("T x", "T z", f"z = x + {number}")
    assert {"INFINITY", "NAN", "M_PI", "M_E"} <= RESERVED


def test_the_page_names_every_public_method_of_the_context():
    methods = {name for name in vars(FunctionCtx) if not name.startswith("_") and name != "at"}
    assert methods <= set(re.findall(r"`(\w+)`", TEXT))
