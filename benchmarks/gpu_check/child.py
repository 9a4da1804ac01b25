"""Programs that the check starts: this Python, with the library, the tests' support and the check on its path."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATHS = (ROOT, ROOT / "benchmarks", ROOT / "tests" / "support")
PLAIN = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""For pytest: what else is installed there, and would change how tests run, is no part of the check."""


def run(command: list[str], limit: float, **variables: str) -> tuple[int | None, str]:
    """Return a program's status and what it wrote; the status is None if it was stopped after `limit` seconds."""
    path = [*map(str, PATHS), *filter(None, [os.environ.get("PYTHONPATH")])]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **variables, "PYTHONPATH": os.pathsep.join(path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # so that it can be stopped with all it started
    )
    try:
        output, _ = process.communicate(timeout=limit)
        return process.returncode, output
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return None, output
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise


def installed(package: str) -> bool:
    """Return whether a package can be imported here."""
    return importlib.util.find_spec(package) is not None


def without_pytest() -> str:
    """Return why the tests cannot be run by this Python, nothing where they can."""
    if not installed("pytest"):
        return "pytest is not installed"
    import pytest

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    least = settings["tool"]["pytest"]["ini_options"]["minversion"]
    if _numbers(pytest.__version__) < _numbers(least):
        return f"pytest {pytest.__version__} is here, and the tests need {least}"
    return ""


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")[:2]]


def last_line(output: str) -> str:
    """Return the last line that says something."""
    return next((line.strip() for line in reversed(output.splitlines()) if line.strip(" =")), "it said nothing")
