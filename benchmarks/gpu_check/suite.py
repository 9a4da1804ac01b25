"""The test list on CuPy, with the GPU required: a test that would be skipped for want of it fails."""

from __future__ import annotations

import ast
import importlib
import os
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from xml.etree import ElementTree

from gpu_check import child
from gpu_check.part import FAILED, NOT_RUN, PASSED, Part, Table
from gpu_check.progress import VARIABLE, read

LEFT_OUT = {
    "tests/benchmarks": "tests of this program",
    "tests/cuda_on_cpu": "runs kernels on the CPU",
    "tests/test_conftest.py": "tests of machines without a GPU",
    "tests/test_house.py": "tests of the checkout and its tools",
    "tests/test_packaging.py": "tests of the wheel",
}
"""What says nothing about a GPU, and why."""

WORKERS = ["-n", "logical", "--maxprocesses", "16", "--dist", "loadgroup"]
"""Most of the time is that of processors: CuPy compiles every function for every dtype that it meets."""

COLUMNS = ("outcome", "how many", "which, or why")


def lacking(path: Path) -> str | None:
    """Return the first package that is not installed among those that a file imports, at once or through gpugrad."""
    for node in ast.parse(path.read_text("utf-8")).body:
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else names
        for name in names:
            package = missing(name)
            if package:
                return package
    return None


def missing(name: str) -> str | None:
    """Return the package that a module lacks; None also for what is broken otherwise, which pytest is to say."""
    top = name.partition(".")[0]
    if top == "gpugrad":
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            needed = (error.name or top).partition(".")[0]
            return None if needed == "gpugrad" else needed
        except Exception:
            return None
    here = any((folder / top).exists() or (folder / f"{top}.py").exists() for folder in child.PATHS)
    return None if here or child.installed(top) else top


def left_out() -> dict[str, list[str]]:
    """Return the files that cannot be run here, by the package that each lacks: tests, and modules with examples.

    The tests of a package of ours need what any module of it needs: they import some of those as they run.
    """
    needs: dict[str, str] = {}
    for path in sorted(child.ROOT.glob("gpugrad/**/*.py")):
        name = path.relative_to(child.ROOT)
        package = None if name.stem == "__main__" else missing(_module(name))
        if package:
            needs[name.as_posix()] = package
            if len(name.parts) > 2:
                needs[f"tests/{name.parts[1]}/"] = package
    folders = tuple(name for name in needs if name.endswith("/"))
    for path in sorted(child.ROOT.glob("tests/**/*.py")):
        name = path.relative_to(child.ROOT).as_posix()
        if name.startswith((*LEFT_OUT, *folders)) or path.name == "conftest.py":
            continue
        package = lacking(path)
        if package:
            needs[name] = package
    found = defaultdict(list)
    for name, package in needs.items():
        found[package].append(name)
    return dict(found)


def _module(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def outcomes(report: Path) -> tuple[Counter[str], Counter[str], list[str]]:
    """Return from a JUnit report the counts of outcomes, the reasons of skips, and the names of what failed."""
    counts, reasons, failures = Counter(), Counter(), []
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            counts["failed"] += 1
            failures.append(name)
        elif skipped is not None:
            counts["skipped"] += 1
            reasons[skipped.get("message") or "no reason given"] += 1
        else:
            counts["passed"] += 1
            counts["passed on CuPy"] += _on_cupy(name)
    return counts, reasons, failures


def _on_cupy(name: str) -> bool:
    return "[cupy" in name or "-cupy" in name


def stopped(progress: Path, limit: float, output: str) -> Part:
    """Return the part of a run that was stopped: how far it came, and what had failed by then."""
    known = read(progress)
    if not known:
        return Part("tests", FAILED, f"stopped after {limit:.0f} s: {child.last_line(output)}")
    counts = Counter(outcome for outcome, _ in known)
    counts["passed on CuPy"] = sum(outcome == "passed" and _on_cupy(name) for outcome, name in known)
    summary = ", ".join(f"{counts[name]} {name}" for name in ("passed", "failed", "skipped", "passed on CuPy"))
    rows = [("failed", "1", name) for outcome, name in known if outcome == "failed"][:20]
    summary = f"stopped after {limit:.0f} s, and until then {summary}; more time: --limit"
    return Part("tests", FAILED, summary, [Table("tests", COLUMNS, rows)] if rows else [])


def check(limit: float = 270, selected: tuple[str, ...] = ("tests", "gpugrad"), backends: str = "numpy,cupy") -> Part:
    """Run what is selected on the backends named, for `limit` seconds at most."""
    fault = child.without_pytest()
    if fault:
        return Part("tests", NOT_RUN, fault)
    absent = left_out()
    ignored = [*LEFT_OUT, *(name for names in absent.values() for name in names)]
    workers = ["-p", "xdist", *WORKERS] if child.installed("xdist") else []
    with tempfile.TemporaryDirectory() as folder:
        report, progress = Path(folder) / "report.xml", Path(folder) / "progress"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *workers]
        command += ["-p", "gpu_check.progress"]
        command += [f"--ignore={name}" for name in ignored]
        named = os.environ.get("GPUGRAD_TEST_BACKENDS") or backends
        variables = {VARIABLE: str(progress), "GPUGRAD_REQUIRE_GPU": "1", "GPUGRAD_TEST_BACKENDS": named}
        status, output = child.run([*command, *selected], limit, **child.PLAIN, **variables, GPUGRAD_BACKEND="")
        if status is None:
            return stopped(progress, limit, output)
        if not report.exists():
            return Part("tests", FAILED, f"pytest ended with status {status}: {child.last_line(output)}")
        counts, reasons, failures = outcomes(report)
    rows = [("skipped", str(number), reason) for reason, number in reasons.most_common()]
    rows += [
        ("left out", str(len(names)), f"files and folders that need {package}: {', '.join(names)}")
        for package, names in absent.items()
    ]
    rows += [("left out", "-", f"{name}: {why}") for name, why in LEFT_OUT.items()]
    rows = [("failed", "1", name) for name in failures[:20]] + rows
    summary = ", ".join(f"{counts[name]} {name}" for name in ("passed", "failed", "skipped", "passed on CuPy"))
    summary += f" (backends {named})"
    if status == 0 and not counts["passed on CuPy"]:
        status, summary = 1, f"no test ran on CuPy: {summary}"
    state = PASSED if status == 0 else FAILED
    if status and not failures:
        summary += f"; pytest ended with status {status}: {child.last_line(output)}"
    return Part("tests", state, summary, [Table("tests", COLUMNS, rows)])
