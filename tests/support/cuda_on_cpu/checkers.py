"""Run kernels under g++'s sanitizers, in a process of their own."""

from __future__ import annotations

import ctypes
import functools
import os
import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cuda_on_cpu.build import CompileError, missing
from cuda_on_cpu.program import Arguments, KernelFault, Launch, Program

__all__ = ["SANITIZERS", "check", "unavailable"]

SANITIZERS = ("address", "thread")
"""``"address"``: out of bounds, misaligned, undefined behaviour; ``"thread"``: races."""

_options = {
    "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0:exitcode=66",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:exitcode=66:report_thread_leaks=0",
}
_headline = re.compile(r"cuda_on_cpu: (.*)|(\S+:\d+:\d+: runtime error: .*)|(?:ERROR|WARNING): (\w+Sanitizer: .*)")
_access = re.compile(r"^ +((?:Previous )?(?:[Aa]tomic )?(?:[Rr]ead|[Ww]rite) of size \d+)", re.MULTILINE)
_frame = re.compile(r"^ *#\d+ .*?([\w.-]+\.cuh?:\d+)", re.MULTILINE)


def check(program: Program, launches: Sequence[Launch], sanitizer: str, timeout: float | None = None) -> None:
    """Run `launches` one after another under a sanitizer, and change their arrays as the kernels do.

    Raises
    ------
    TypeError
        If arguments are not those of the kernel.
    KernelFault
        At the first thing that the sanitizer, or the runner itself, finds: its message names the line.
    """
    entries = [program.accept(launch) for launch in launches]
    packed = [Arguments(launch) for launch in launches]
    executable = program.built(sanitizer)
    with tempfile.TemporaryDirectory() as folder:
        given, left = Path(folder, "given"), Path(folder, "left")
        jobs = zip(launches, (entry.number for entry in entries), packed, strict=True)
        given.write_bytes(struct.pack("<Q", len(launches)) + b"".join(_job(*job) for job in jobs))
        command = [*_without_randomization(sanitizer), str(executable), str(given), str(left)]
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", env={**os.environ, **_options}, timeout=timeout
        )
        if done.returncode:
            finished = done.stdout.count("done")
            launch = launches[min(finished, len(launches) - 1)]
            raise KernelFault(f"{launch.entry}: {_summary(done.stderr)}", done.stderr)
        _take(program, launches, left.read_bytes(), packed)


@functools.cache
def unavailable(sanitizer: str) -> str | None:
    """Return why a sanitizer cannot run here, None where it can."""
    if reason := missing():
        return reason
    if sanitizer == "thread" and not shutil.which("setarch"):
        return "ThreadSanitizer needs setarch, which is not installed"
    try:
        check(
            Program('extern "C" __global__ void nothing() {}', "nothing.cu"),
            [Launch("nothing", (1,), (32,), ())],
            sanitizer,
        )
    except (CompileError, KernelFault) as error:
        return f"{sanitizer} sanitizer does not run here: {getattr(error, 'report', '') or error}".splitlines()[0]
    return None


def _job(launch: Launch, number: int, arguments: Arguments) -> bytes:
    """Return a launch as checker.cpp reads it."""
    grid, block = launch.extents
    settings = (launch.shared_bytes, launch.strict, launch.order, launch.first_block)
    parts = [_numbers(number, *grid, *block, *settings, len(arguments.regions))]
    parts += [_numbers(region.before, region.size) + region.content() for region in arguments.regions]
    parts.append(_numbers(len(arguments.values)))
    parts += [_numbers(0 if region is None else region + 1, value) for region, value in arguments.values]
    return b"".join(parts)


def _numbers(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}Q", *(value % 2**64 for value in values))


def _take(program: Program, launches: Sequence[Launch], content: bytes, packed: Sequence[Arguments]) -> None:
    """Give each array what was left in it."""
    buffer = ctypes.create_string_buffer(content, len(content) or 1)
    address = ctypes.addressof(buffer)
    for launch, arguments in zip(launches, packed, strict=True):
        left = []
        for region in arguments.regions:
            left.append((region, address))
            address += region.size
        program.take(launch, left)


def _without_randomization(sanitizer: str) -> list[str]:
    """ThreadSanitizer's shadow memory has a fixed place, that a random layout of the process may take."""
    return ["setarch", "-R"] if sanitizer == "thread" else []


def _summary(report: str) -> str:
    """Return the headline of a report, and the lines of the kernel that it names."""
    found = _headline.search(report)
    if not found:
        return (report.strip() or "the process ended without a word").splitlines()[-1]
    headline = next(group for group in found.groups() if group)
    pieces = _access.split(report[found.end() :])
    if len(pieces) > 1:  # a race: each access with the line it was made in
        accesses = zip(pieces[1::2], pieces[2::2], strict=True)
        where = [f"{access} at {line[1]}" for access, text in accesses if (line := _frame.search(text))]
        return f"{headline.partition(' (pid')[0]}: {', '.join(where)}"
    headline = headline.partition(" on address")[0]  # which is another one in each run
    frame = _frame.search(report)
    return f"{headline} at {frame[1]}" if frame else headline
