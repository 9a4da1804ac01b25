"""A plugin for pytest: what became of each test is written down at once, so that a run that is stopped shows it too."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "GPU_CHECK_PROGRESS"
"""Names the file that the lines go to."""


def pytest_configure(config):
    path = os.environ.get(VARIABLE)
    if path and not hasattr(config, "workerinput"):  # xdist's workers report to the process that started them
        config.pluginmanager.register(_Progress(Path(path)))


class _Progress:
    def __init__(self, path: Path) -> None:
        self.file = path.open("a", encoding="utf-8", buffering=1)

    def pytest_runtest_logreport(self, report):
        if report.failed or report.skipped or report.when == "call":
            self.file.write(f"{report.outcome} {report.nodeid}\n")


def read(path: Path) -> list[tuple[str, str]]:
    """Return each test's outcome and name, as far as the run came."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [(outcome, name) for outcome, _, name in (line.partition(" ") for line in lines)]
