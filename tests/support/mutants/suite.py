"""The tests that a fault is given to: which exist, which functions each of them calls, and running some of them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mutants import in_python
from mutants.processes import Task, outcomes

__all__ = ["OTHER_BACKENDS", "Suite", "elsewhere", "failing", "surveyed"]

_kernel_tests = ("tests/cuda_on_cpu", "tests/kernels", "tests/cuda")
"""Where the tests of kernels are."""

OTHER_BACKENDS = ("strict", "fake-cuda")
"""Where tests run that found nothing on NumPy."""

_left_out = {
    "tests/test_house.py": "reads the text of the tree, and would find a fault by its looks",
    "tests/test_packaging.py": "builds a wheel of it",
    "tests/test_import_time.py": "measures",
    "tests/test_mutants.py": "is the test of these tests",
    "tests/cuda_on_cpu/test_mutants.py": "is the test of these tests",
    "tests/cuda_on_cpu/test_runner.py": "runs kernels of its own",
    "tests/kernels/test_resources.py": "compares registers, and would find a fault by its looks",
}
"""Tests that no fault is given to, and why."""

_options = ["-x", "-q", "-p", "no:cacheprovider", "--no-header", "--tb=line"]
_minutes = 15 * 60.0


@dataclass
class Suite:
    """What each test calls, by its node id."""

    calls: dict[str, list[str]]
    seconds: dict[str, float]
    """Of computing."""
    at_import: set[str]
    broken: list[str]
    """Tests that fail without a fault: they are given to none."""
    callers: dict[str, set[str]] = field(default_factory=dict)
    """The tests that call a function, or anything in a file."""

    def __post_init__(self) -> None:
        for test, calls in self.calls.items():
            for call in calls:
                self.callers.setdefault(call, set()).add(test)
                self.callers.setdefault(call.rpartition(":")[0], set()).add(test)

    def near(self, tests: list[str]) -> list[str]:
        """Return the first of `tests` that are over soon, and in few files."""
        chosen: list[str] = []
        files: list[str] = []
        total = 0.0
        for test in tests:
            file = test.partition("::")[0]
            if file not in files and len(files) == 3:
                continue
            if total > 2 or len(chosen) == 250:
                break
            files += [file] * (file not in files)
            chosen.append(test)
            total += self.seconds[test]
        return chosen

    def touching(self, file: str, lines: Iterable[int]) -> list[str]:
        """Return the tests that call a function beginning at one of `lines`, the most special and quickest first.

        What runs while gpugrad is imported, or is called by nothing, may be seen by every test of the file.
        """
        wanted = {f"{file}:{line}" for line in lines}
        found: set[str] = set()
        if not wanted & self.at_import:
            found = set().union(*(self.callers.get(call, ()) for call in wanted))
        found = found or self.callers.get(file, set())
        return sorted(found, key=lambda test: (len(self.calls[test]) + 100 * self.seconds[test], test))

    def quickest(self) -> list[str]:
        """Return all tests, the quickest first."""
        return sorted(self.calls, key=lambda test: (self.seconds[test], test))


def elsewhere(tests: Iterable[str]) -> list[str]:
    """Return the names of tests on NumPy as they are on the other backends."""
    pattern = re.compile(r"(?<=[\[-])numpy(?=[\]-])")
    found = [(test, pattern.sub(name, test)) for test in tests for name in OTHER_BACKENDS]
    return [other for test, other in found if other != test]


def files(root: Path, folders: Iterable[str] = ("tests",)) -> list[str]:
    """Return the files of tests in folders."""
    found = {path.relative_to(root).as_posix() for folder in folders for path in (root / folder).rglob("test_*.py")}
    return sorted(found - _left_out.keys())


def surveyed(language: str, root: Path, trees: list[Path], cache: Path, say: Callable[[str], None]) -> Suite:
    """Return what the tests of a language call: what is not known from before is found by running them."""
    ours = {
        "kernels": files(root, _kernel_tests),
        "rules": [file for file in files(root) if not file.startswith(_kernel_tests[:2])] + ["gpugrad"],
    }
    keys = {file: _key(root, file) for of in ours.values() for file in of}
    unknown = [file for file in ours[language] if not (cache / keys[file]).exists()]
    if unknown:
        say(f"running {len(unknown)} files of tests without a fault, to see which functions each test calls")
    cache.mkdir(parents=True, exist_ok=True)
    watched = set(in_python.files(root))
    # The longest first, so that no processor waits for the other at the end.
    unknown.sort(key=lambda file: (file != "tests/ops/test_table.py", file))
    tasks = [Task(file, lambda tree, file=file: _watched(tree, file, watched), _minutes) for file in unknown]
    for file, outcome in outcomes(tasks, trees):
        if "result" not in outcome:
            raise SystemExit(f"{file} cannot be run: {outcome}")
        (cache / keys[file]).write_text(json.dumps(outcome["result"]), encoding="utf-8")
    for stale in set(cache.iterdir()) - {cache / key for key in keys.values()}:
        stale.unlink()
    parts = [json.loads((cache / keys[file]).read_text("utf-8")) for file in ours[language]]
    broken = sorted({test for part in parts for test in part["broken"]})
    for test in broken:
        say(f"fails without a fault, and so finds none: {test}")
    return Suite(
        calls={t: c for part in parts for t, c in part["calls"].items() if t not in broken},
        seconds={t: s for part in parts for t, s in part["seconds"].items()},
        at_import={call for part in parts for call in part["at_import"]},
        broken=broken,
    )


def failing(tests: Iterable[str], backends: Sequence[str] = ()) -> str | None:
    """Run tests until one fails; return its name, None if none does. A name without ``::`` is all of a file."""
    if backends:
        os.environ["GPUGRAD_TEST_BACKENDS"] = ",".join(backends)
    chosen = _Chosen(list(tests))
    paths = list(dict.fromkeys(test.partition("::")[0] for test in chosen.tests))
    status = pytest.main([*_options, *paths], plugins=[chosen])
    if chosen.failed or status == pytest.ExitCode.OK:
        return chosen.failed
    if status == pytest.ExitCode.NO_TESTS_COLLECTED:
        return None
    return f"pytest ended with {status!r}"


class _Chosen:
    """Keeps the chosen tests, in the order that was asked for, and notes the first that fails."""

    def __init__(self, tests: list[str]) -> None:
        self.tests = {test: number for number, test in enumerate(tests)}
        self.failed: str | None = None
        self.parameters: dict[tuple[str, str], str] = {}
        """What stands in brackets behind the name of each test function, one line for each."""
        for test in tests:
            file, _, name = test.partition("::")
            function, _, parameters = name.partition("[")
            self.parameters[file, function] = f"{self.parameters.get((file, function), '')}\n{parameters}"

    def pytest_pycollect_makeitem(self, collector: Any, name: str) -> list[Any] | None:
        """Leave out what was not asked for before it becomes thousands of items."""
        file = collector.nodeid.partition("::")[0]
        asked = {function for of, function in self.parameters if of == file}
        return [] if name.startswith("test") and asked and "" not in asked and name not in asked else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Leave out parameters that no name asked for holds, where each has a name of its own."""
        markers = metafunc.definition.own_markers
        asked = self.parameters.get((metafunc.definition.nodeid.partition("::")[0], metafunc.function.__name__))
        for number, marker in enumerate(markers):
            if asked is None or marker.name != "parametrize" or len(marker.args) != 2:
                continue
            names, values = marker.args[0], list(marker.args[1])
            if all(isinstance(getattr(value, "id", None), str) for value in values):
                kept = [value for value in values if value.id in asked]
                markers[number] = pytest.mark.parametrize(names, kept, **marker.kwargs).mark

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        if any("::" in test for test in self.tests):
            items[:] = sorted((i for i in items if i.nodeid in self.tests), key=lambda i: self.tests[i.nodeid])

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.failed = self.failed or f"{report.nodeid} (collection)"

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.failed = self.failed or report.nodeid


def _watched(tree: Path, file: str, watched: set[str]) -> dict[str, Any]:
    """Run a file of tests on NumPy, and return which functions each of them called, and how long it took."""
    os.environ["GPUGRAD_TEST_BACKENDS"] = "numpy"
    watch = _Watch(tree, watched)
    sys.settrace(watch.trace)
    threading.settrace(watch.trace)
    pytest.main([*_options[1:], file], plugins=[watch])
    sys.settrace(None)
    return {
        "calls": {test: sorted(calls) for test, calls in watch.calls.items()},
        "seconds": watch.seconds,
        "at_import": sorted(watch.at_import),
        "broken": watch.broken,
    }


class _Watch:
    """Notes every function of ours that is called, by the file and the line it begins at."""

    def __init__(self, tree: Path, watched: set[str]) -> None:
        self.names = {str(tree / file): file for file in watched}
        self.known: dict[int, tuple[Any, str | None]] = {}
        self.at_import: set[str] = set()
        self.now = self.at_import
        self.calls: dict[str, set[str]] = {}
        self.seconds: dict[str, float] = {}
        self.broken: list[str] = []

    def trace(self, frame: Any, event: str, argument: Any) -> None:
        code = frame.f_code
        found = self.known.get(id(code))
        if found is None:  # the code is kept with its number, which no other can have as long
            file = self.names.get(code.co_filename)
            name = f"{file}:{code.co_firstlineno}" if file and code.co_name != "<module>" else None
            found = self.known[id(code)] = (code, name)
        if found[1] is not None:
            self.now.add(found[1])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Any:
        self.now = self.calls[item.nodeid] = set()
        start = time.process_time()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = round(time.process_time() - start, 4)
            self.now = set()

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.broken.append(report.nodeid)

    def pytest_collection_finish(self) -> None:
        self.now = set()


def _key(root: Path, file: str) -> str:
    """Return what a file of tests is known by: its content, and that of all that it may use."""
    parts = [root / "pyproject.toml", *(root / "gpugrad").rglob("*.py"), *(root / "tests" / "support").rglob("*.py")]
    parts += [*(root / "tests").rglob("conftest.py"), *(root / "docs").rglob("*"), *(root / "examples").rglob("*.py")]
    if file != "gpugrad":
        parts.append(root / file)
    if file.startswith(_kernel_tests):
        parts += (root / "kernels").iterdir()
    digest = hashlib.sha256(repr((sys.version, file)).encode())
    for path in sorted(path for path in parts if path.is_file() and "mutants" not in path.parts):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:32]
