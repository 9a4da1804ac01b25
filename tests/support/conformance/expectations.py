"""A plugin of pytest for the suite's run: tests that are listed must fail, all others must pass.

A list has a line for each test, under a comment that gives the reason for it and for the lines that follow. A line that
begins with ``sometimes`` names a test that fails for some of the inputs it draws, and so may pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = ["Expected", "read"]

_sometimes = "sometimes "


@dataclass(frozen=True)
class Expected:
    """A test that is expected to fail, and why."""

    test: str
    reason: str
    sometimes: bool


def read(path):
    """Return what a list says, by the name of the test; a line without a reason is an error, and so is a second one."""
    found, reason, comment = {}, "", False
    for number, line in enumerate(Path(path).read_text("utf-8").splitlines(), 1):
        text = line.strip()
        if text.startswith("#"):
            words = text.lstrip("# ")
            reason, comment = f"{reason} {words}" if comment else words, True
            continue
        comment = False
        if not text:
            reason = ""
            continue
        test = text.removeprefix(_sometimes)
        if not reason or test in found:
            what = "is there twice" if test in found else "has no reason above it"
            raise ValueError(f"{path}:{number}: {test} {what}")
        found[test] = Expected(test, reason, sometimes=text != test)
    return found


def pytest_addoption(parser):
    parser.addoption("--expected", action="append", default=[], help="a list of tests that must fail")
    parser.addoption("--listed-only", action="store_true", help="run the tests of the lists alone")


def _name(nodeid):
    return nodeid.removeprefix("array_api_tests/")


def _lists(config):
    return {name: line for path in config.getoption("--expected") for name, line in read(path).items()}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    expected = _lists(config)
    for item in items:
        line = expected.get(_name(item.nodeid))
        if line is not None:
            item.add_marker(pytest.mark.xfail(reason=line.reason, strict=not line.sometimes))
    if config.getoption("--listed-only"):
        config.hook.pytest_deselected(items=[i for i in items if _name(i.nodeid) not in expected])
        items[:] = [i for i in items if _name(i.nodeid) in expected]


def pytest_configure(config):
    if not hasattr(config, "workerinput"):  # the process that hears of every test, wherever it runs
        config.pluginmanager.register(_Absent(config), "conformance-absent")


class _Absent:
    """Looks for lines that name no test of the suite."""

    def __init__(self, config):
        self.config = config
        self.absent = set() if config.getoption("keyword") else set(_lists(config))

    def pytest_runtest_logreport(self, report):
        self.absent.discard(_name(report.nodeid))

    def pytest_sessionfinish(self, session, exitstatus):
        if self.absent and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        for name in sorted(self.absent):
            terminalreporter.write_line(f"ABSENT {name}: a list names it, and the suite has no such test", red=True)
