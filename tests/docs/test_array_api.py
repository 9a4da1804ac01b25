"""docs/array_api.md and what runs the standard's suite: the page counts right, nothing unexpected goes unnoticed."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conformance import __main__ as command
from conformance import reference, tracked
from conformance.expectations import read

import gpugrad as gg

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "array_api.md"


def test_the_examples_print_what_they_say():
    pytest.importorskip("scipy")
    pytest.importorskip("sklearn")
    assert doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE).failed == 0


def test_the_page_counts_the_lists():
    plain, more = read(command.PLAIN).values(), read(command.TRACKED)
    text = " ".join(PAGE.read_text("utf-8").split())
    always, sometimes = sum(not line.sometimes for line in plain), sum(line.sometimes for line in plain)
    assert f"{always} that always and {sometimes} that sometimes fail on NumPy" in text
    assert f"{len(more)} more on tracked tensors" in text
    for part in ("floor", "expm1", "tanh", "pow", "can_cast"):
        for often, told in ((True, "sometimes "), (False, "")):
            count = sum(part in line.test and line.sometimes is often for line in plain)
            assert (re.search(rf"- {told}{count}: [^;]*{part}", text) is not None) == (count > 0)
    assert not {line.test for line in plain} & set(more)


def test_a_line_without_a_reason_or_there_twice_is_an_error(tmp_path):
    for text, match in (
        ("# why\na\n\nb\n", ":4: b has no reason"),
        ("# why\na\nsometimes a\n", ":3: a is there twice"),
    ):
        (tmp_path / "list.txt").write_text(text, "utf-8")
        with pytest.raises(ValueError, match=match):
            read(tmp_path / "list.txt")
    (tmp_path / "list.txt").write_text("# first\n# and more\na\nsometimes b\n\n# other\nc\n", "utf-8")
    lines = read(tmp_path / "list.txt")
    assert [(line.test, line.reason, line.sometimes) for line in lines.values()] == [
        ("a", "first and more", False),
        ("b", "first and more", True),
        ("c", "other", False),
    ]


def outcome(folder, listed, *options):
    """Return how pytest ends on a suite of four tests with this list, and what it prints."""
    suite = folder / "array_api_tests"
    suite.mkdir(exist_ok=True)
    tests = {"good": "pass", "fine": "pass", "bad": "assert False", "worse": "assert False"}
    code = "".join(f"def test_{name}(): {body}\n" for name, body in tests.items())
    (suite / "test_it.py").write_text(code, "utf-8")
    lines = "\n".join(line.replace("test_", "test_it.py::test_") for line in listed)
    (folder / "list.txt").write_text(f"# why\n{lines}\n", "utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-rA",
        "--tb=no",
        "-p",
        "no:cacheprovider",
        "-p",
        "conformance.expectations",
    ]
    done = subprocess.run(
        [*command, "--rootdir", str(folder), "--expected", str(folder / "list.txt"), *options, "array_api_tests"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests" / "support"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout


def test_only_what_is_listed_may_fail_and_must(tmp_path):
    code, text = outcome(tmp_path, ["test_bad", "test_good", "sometimes test_fine", "test_gone"])
    assert code == 1
    for said in (
        "XFAIL array_api_tests/test_it.py::test_bad",
        "FAILED array_api_tests/test_it.py::test_good",
        "XPASS array_api_tests/test_it.py::test_fine",
        "FAILED array_api_tests/test_it.py::test_worse",
        "ABSENT test_it.py::test_gone",
    ):
        assert said in text
    assert outcome(tmp_path, ["test_bad", "sometimes test_worse"])[0] == 0
    assert outcome(tmp_path, ["test_bad", "test_worse", "test_gone"])[0] == 1
    assert outcome(tmp_path, ["test_bad", "test_worse", "test_gone"], "-k", "bad")[0] == 0
    code, text = outcome(tmp_path, ["test_bad"], "--listed-only")
    assert code == 0
    assert "3 deselected" in text


def test_every_float_tensor_that_the_suite_makes_is_a_tracked_result():
    made = {
        "arange": (3.0,), "asarray": ([1.0],), "empty": (2,), "empty_like": (gg.ones(2),), "eye": (2,),
        "from_dlpack": (gg.ones(2),), "full": (2, 1.0), "full_like": (gg.ones(2), 1j, gg.complex64),
        "linspace": (0, 1, 3), "ones": (2,), "ones_like": (gg.ones(2),), "zeros": (2,), "zeros_like": (gg.ones(2),),
    }  # fmt: skip
    assert set(made) == set(tracked.CREATION)
    for name, args in made.items():
        function = getattr(tracked, name)
        t = function(*args[:2], dtype=args[2]) if name == "full_like" else function(*args)
        assert t.requires_grad, name
        assert not t.is_leaf, name
    assert tracked.asarray(t) is t
    assert not tracked.arange(3).requires_grad
    assert tracked.sum is gg.sum


def test_numpy_stands_beside_with_the_same_dtypes():
    assert reference.float32 == gg.float32
    assert type(reference.float64) is type(gg.float64)
    assert reference.zeros(2).dtype == gg.float64


def test_a_folder_without_the_suite_is_named(tmp_path):
    with pytest.raises(SystemExit, match="no checkout"):
        command.main([str(tmp_path)])
    (tmp_path / "array_api_tests").mkdir()
    (tmp_path / "conftest.py").touch()
    with pytest.raises(SystemExit, match="submodule"):
        command.main([str(tmp_path)])
