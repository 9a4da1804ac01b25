"""Check gpugrad on this machine's GPU, and append what was found to benchmarks/gpu-log.md.

It ends with status 0 if every part that ran passed, 1 if one failed, and 2 if there is no GPU; then nothing is written.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path

from gpu_check import log, machine
from gpu_check.part import FAILED, Part

PARTS = {
    "tests": ("suite", "the test list on CuPy, with the GPU required"),
    "sanitizer": ("sanitizer", "compute-sanitizer's four tools over the tests of the kernels"),
    "ulp": ("ulp", "the largest errors in units in the last place"),
    "bandwidth": ("bandwidth", "the bandwidth of each kernel beside that of a copy"),
    "steps": ("steps", "the time of a training step beside torch's"),
}
"""The module of each part, whose `check()` returns it, and what it is."""


def _parser() -> argparse.ArgumentParser:
    parts = "".join(f"\n  {name:<10} {what}" for name, (_, what) in PARTS.items())
    parser = argparse.ArgumentParser(
        prog="gpu-check",
        description=f"{__doc__}\nThe parts, in this order:{parts}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", default=",".join(PARTS), help="the parts to run, with commas between them")
    parser.add_argument("--limit", type=float, help="seconds for the test list, and for each tool of the sanitizer")
    parser.add_argument("--log", type=Path, default=log.LOG, help="the file that the entry is appended to")
    parser.add_argument("--json", type=Path, help="a file to write the same to as JSON")
    return parser


def _chosen(parser: argparse.ArgumentParser, only: str) -> list[str]:
    names = [name.strip() for name in only.split(",") if name.strip()]
    unknown = [name for name in names if name not in PARTS]
    if unknown or not names:
        parser.error(f"--only {only}: there is no part {', '.join(unknown) or 'named'}; choose from {', '.join(PARTS)}")
    return [name for name in PARTS if name in names]


LIMITED = ("tests", "sanitizer")
"""The parts that start programs, each of which is stopped after some time."""


def run(name: str, limit: float | None = None) -> Part:
    """Return one part; what it raises is its failure."""
    import gpugrad

    limits = {"limit": limit} if limit and name in LIMITED else {}
    try:
        with gpugrad.use_backend("cupy"):
            part: Part = importlib.import_module(f"gpu_check.{PARTS[name][0]}").check(**limits)
            return part
    except Exception as error:  # of whatever kind: the other parts run all the same
        traceback.print_exc()
        return Part(name, FAILED, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")


def main(arguments: list[str] | None = None) -> int:
    """Run the parts that were asked for, print the entry and append it to the log."""
    parser = _parser()
    options = parser.parse_args(arguments)
    names = _chosen(parser, options.only)
    for variable in ("CUPY_TF32", "NVIDIA_TF32_OVERRIDE"):  # float32 is float32 here
        os.environ.pop(variable, None)
    fault = machine.refusal()
    if fault:
        print(f"gpu-check: {fault}", file=sys.stderr)
        return 2
    from gpugrad.backends import backend_named

    found, when, parts = machine.look(backend_named("cupy").cupy), datetime.now(UTC), []
    for name in names:
        start = time.perf_counter()
        print(f"gpu-check: {name}: {PARTS[name][1]}", file=sys.stderr, flush=True)
        parts.append(run(name, options.limit))
        took = time.perf_counter() - start
        print(f"gpu-check: {name}: {parts[-1].state} in {took:.0f} s: {parts[-1].summary}", file=sys.stderr, flush=True)
    text = log.entry(found, parts, when)
    print(text)
    log.append(options.log, found, text)
    if options.json:
        log.dump(options.json, found, parts, when)
    return int(any(part.state == FAILED for part in parts))


if __name__ == "__main__":
    sys.exit(main())
