"""compute-sanitizer's four tools over the tests of the kernels, each array in memory of its own.

Each tool has to find a fault planted for it first: where it does not, that it finds none in ours shows nothing.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from gpu_check import child
from gpu_check.part import FAILED, NOT_RUN, PASSED, Part, Table, worst

TOOLS = {
    # What calls of CUDA's own functions answer is CuPy's to look at.
    "memcheck": ["--leak-check", "full", "--report-api-errors", "no"],
    "racecheck": [],
    "initcheck": [],
    "synccheck": [],
}
TESTS = ["-q", "-p", "no:cacheprovider", "-p", "gpu_check.unpooled", "tests/fused", "-k", "not ten_million"]

_summary = re.compile(r"^=+ (?:ERROR|RACECHECK) SUMMARY: (\d+) (?:error|hazard)", re.M)
_leaked = re.compile(r"^=+ LEAK SUMMARY: ([\d,]+) bytes? leaked in ([\d,]+) allocation", re.M)
_unfit = re.compile(
    r"^=+\s+(.*(?:Device not supported|before first instrumented API call|nable to find injection library).*)$", re.M
)
_frame = re.compile(r"^=+\s+(?:at|Read access at|Write access at|and \w+ access at) (.*)$", re.M)


@dataclass(frozen=True)
class Verdict:
    """What one run under a tool came to: a state, and what was found."""

    state: str
    found: str
    errors: int = 0


def verdict(status: int | None, output: str) -> Verdict:
    """Return what the output of compute-sanitizer says.

    Memory that is still held at the end counts among its errors. It is told apart: Python frees little on its way out.
    """
    unfit = _unfit.search(output)
    if unfit:
        return Verdict(NOT_RUN, f"it cannot look into programs here: {unfit[1]}")
    if status is None:
        return Verdict(FAILED, f"stopped at its limit: {child.last_line(output)}")
    totals = _summary.findall(output)
    if not totals:
        return Verdict(FAILED, f"it ended with status {status} and without a summary: {child.last_line(output)}")
    leaks = [(int(size.replace(",", "")), int(count.replace(",", ""))) for size, count in _leaked.findall(output)]
    errors = sum(map(int, totals)) - sum(count for _, count in leaks)
    if errors:
        return Verdict(FAILED, f"{errors} {'error' if errors == 1 else 'errors'}, the first: {_first(output)}", errors)
    if status:
        return Verdict(FAILED, f"no errors, but the program ended with status {status}: {_last_of_program(output)}")
    held = sum(size for size, _ in leaks)
    return Verdict(PASSED, "no errors" + (f"; {held:,} bytes still held at the end" if held else ""))


def _first(output: str) -> str:
    """Return the first report, which is no leak, and where it lies."""
    lines = [line for line in output.splitlines() if line.startswith("=====")]
    for i, line in enumerate(lines):
        text = line.strip("= ")
        if text.startswith(("COMPUTE-SANITIZER", "Leaked")) or line.startswith("=========  ") or not text:
            continue
        frame = _frame.search("\n".join(lines[i:]))
        return f"{text.removeprefix('Error: ')}" + (f" at {frame[1]}" if frame and frame[1] not in text else "")
    return "not shown"


def _last_of_program(output: str) -> str:
    return child.last_line("\n".join(line for line in output.splitlines() if not line.startswith("=====")))


def find() -> str | None:
    """Return the path of compute-sanitizer: on the search path, or beside the CUDA toolkit."""
    found = shutil.which("compute-sanitizer")
    folders = [os.environ.get(name) for name in ("CUDA_PATH", "CUDA_HOME")] + ["/usr/local/cuda"]
    beside = [Path(folder) / "bin" / "compute-sanitizer" for folder in folders if folder]
    return found or next((str(path) for path in beside if path.is_file()), None)


def _under(program: str, tool: str, command: list[str], limit: float) -> Verdict:
    options = ["--tool", tool, "--target-processes", "all", "--print-limit", "20", *TOOLS[tool]]
    return verdict(
        *child.run(
            [program, *options, sys.executable, *command],
            limit,
            **child.PLAIN,
            GPUGRAD_REQUIRE_GPU="1",
            GPUGRAD_TEST_BACKENDS="cupy",
        )
    )


def _tool(program: str, tool: str, limit: float) -> tuple[str, str, str, str]:
    """Return the row of one tool: its name, its state, what it found planted, and what in our kernels."""
    planted = _under(program, tool, ["-m", "gpu_check.planted", tool], min(limit, 60))
    if planted.state == NOT_RUN:
        return tool, NOT_RUN, "-", planted.found
    ours = _under(program, tool, ["-m", "pytest", *TESTS], limit)
    if not planted.errors:
        state = FAILED if ours.state == FAILED else NOT_RUN
        return tool, state, f"missed: {planted.found}", ours.found
    return tool, ours.state, "found", ours.found


def check(limit: float = 150) -> Part:
    """Run all tools at once, each program for `limit` seconds at most."""
    program = find()
    fault = child.without_pytest() if program else "compute-sanitizer is not installed"
    if program is None or fault:
        return Part("sanitizer", NOT_RUN, fault)
    with ThreadPoolExecutor(len(TOOLS)) as pool:
        rows = list(pool.map(lambda tool: _tool(program, tool, limit), TOOLS))
    summary = ", ".join(f"{tool} {state}" for tool, state, *_ in rows)
    columns = ("tool", "state", "the fault planted for it", "in the tests of the kernels")
    return Part("sanitizer", worst([state for _, state, *_ in rows]), summary, [Table("sanitizer", columns, rows)])
