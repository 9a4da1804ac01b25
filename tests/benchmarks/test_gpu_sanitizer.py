"""What compute-sanitizer says is read right: clean runs, errors, leaks, and a sanitizer that sees nothing."""

import os
import stat
import sys

import pytest
from fake_cupy import cupy
from gpu_check import child, planted, sanitizer, unpooled
from gpu_check.part import FAILED, NOT_RUN, PASSED

from gpugrad.cuda import nvrtc

CLEAN = """========= COMPUTE-SANITIZER
........................................                                 [100%]
40 passed in 12.34s
========= ERROR SUMMARY: 0 errors
"""
CLEAN_OF_RACES = """========= COMPUTE-SANITIZER
40 passed in 12.34s
========= RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)
"""
OUT_OF_BOUNDS = """========= COMPUTE-SANITIZER
========= Invalid __global__ write of size 4 bytes
=========     at sigmoid_f32+0x90 in sigmoid.cu:24
=========     by thread (3,0,0) in block (0,0,0)
=========     Address 0x7f6510c00004 is out of bounds
=========     and is 1 bytes after the nearest allocation at 0x7f6510c00000 of size 4 bytes
=========     Saved host backtrace up to driver entry point at kernel launch time
=========         Host Frame: [0x2f9ab1] in libcuda.so.1
=========
========= Invalid __global__ write of size 4 bytes
=========     at sigmoid_f32+0x90 in sigmoid.cu:24
=========     by thread (4,0,0) in block (0,0,0)
=========     Address 0x7f6510c00008 is out of bounds
=========
E   cupy_backends.cuda.api.runtime.CUDARuntimeError: cudaErrorLaunchFailure: unspecified launch failure
1 failed, 39 passed in 12.34s
========= Leaked 1,024 bytes at 0x7879c0800000
=========     Saved host backtrace up to driver entry point at allocation time
=========
========= LEAK SUMMARY: 1,024 bytes leaked in 1 allocations
========= ERROR SUMMARY: 3 errors
"""
LEAKED = """========= COMPUTE-SANITIZER
40 passed in 12.34s
========= Leaked 1,024 bytes at 0x7879c0800000
=========     Saved host backtrace up to driver entry point at allocation time
=========
========= Leaked 512 bytes at 0x7879c0800400
=========
========= LEAK SUMMARY: 1536 bytes leaked in 2 allocations
========= ERROR SUMMARY: 2 errors
"""
RACE = """========= COMPUTE-SANITIZER
========= Error: Race reported between Write access at block_sum+0x90 in clip.cu:41
=========     and Read access at block_sum+0x100 in clip.cu:51 [508 hazards]
=========
40 passed in 12.34s
========= RACECHECK SUMMARY: 1 hazard displayed (1 error, 0 warnings)
"""
UNWRITTEN = """========= COMPUTE-SANITIZER
========= Uninitialized __global__ memory read of size 4 bytes
=========     at scale_f32+0x70 in clip.cu:45
=========     by thread (31,0,0) in block (1,0,0)
=========     Address 0x7f3c7ec000fc
=========
========= ERROR SUMMARY: 1 error
"""
BARRIER = """========= COMPUTE-SANITIZER
========= Barrier error detected. Invalid arguments
=========     at planted+0x30
=========     by thread (16,0,0) in block (0,0,0)
=========
========= ERROR SUMMARY: 48 errors
"""
BLIND = """========= COMPUTE-SANITIZER
40 passed in 12.34s
========= Error: Target application terminated before first instrumented API call
========= Tracking kernels launched by child processes requires the --target-processes all option.
"""
UNSUPPORTED = """========= COMPUTE-SANITIZER
========= Error: Device not supported. Please refer to the documentation for the list of devices.
"""


@pytest.mark.parametrize(
    ("status", "output", "state", "found"),
    [
        (0, CLEAN, PASSED, "no errors"),
        (0, CLEAN_OF_RACES, PASSED, "no errors"),
        (0, LEAKED, PASSED, "no errors; 1,536 bytes still held at the end"),
        (
            1,
            OUT_OF_BOUNDS,
            FAILED,
            "2 errors, the first: Invalid __global__ write of size 4 bytes at sigmoid_f32+0x90 in sigmoid.cu:24",
        ),
        (0, RACE, FAILED, "1 error, the first: Race reported between Write access at block_sum+0x90 in clip.cu:41"),
        (
            0,
            UNWRITTEN,
            FAILED,
            "1 error, the first: Uninitialized __global__ memory read of size 4 bytes at scale_f32+0x70 in clip.cu:45",
        ),
        (0, BARRIER, FAILED, "48 errors, the first: Barrier error detected. Invalid arguments at planted+0x30"),
        (
            1,
            CLEAN.replace("40", "1 failed, 39"),
            FAILED,
            "no errors, but the program ended with status 1: 1 failed, 39",
        ),
        (1, LEAKED, FAILED, "no errors, but the program ended with status 1: 40 passed"),
        (0, "40 passed in 12.34s", FAILED, "it ended with status 0 and without a summary: 40 passed"),
        (0, "", FAILED, "it ended with status 0 and without a summary: it said nothing"),
        (None, CLEAN.partition("40 passed")[0], FAILED, "stopped at its limit"),
        (0, BLIND, NOT_RUN, "it cannot look into programs here: Error: Target application terminated before first"),
        (255, UNSUPPORTED, NOT_RUN, "it cannot look into programs here: Error: Device not supported"),
    ],
)
def test_the_output_of_a_run_is_read_right(status, output, state, found):
    verdict = sanitizer.verdict(status, output)
    assert verdict.state == state
    assert verdict.found.startswith(found)


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Return a function that puts a compute-sanitizer on the path which says what it is told for each tool."""

    def put(planted, tests):
        answers = tmp_path / "answers.py"
        answers.write_text(
            f"import sys\nplanted, tests = {planted!r}, {tests!r}\ntool = sys.argv[sys.argv.index('--tool') + 1]\n"
            "answers = planted if 'gpu_check.planted' in sys.argv else tests\n"
            "assert ('gpu_check.planted' in sys.argv) != ('tests/fused' in sys.argv)\n"
            "print(answers.get(tool) or answers[''])\n"
        )
        path = tmp_path / "compute-sanitizer"
        path.write_text(f'#!/bin/sh\nexec {sys.executable} {answers} "$@"\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        monkeypatch.setattr(child, "without_pytest", lambda: "")

    return put


FOUND = {"memcheck": OUT_OF_BOUNDS, "racecheck": RACE, "initcheck": UNWRITTEN, "synccheck": BARRIER}
NOTHING = {"": CLEAN, "racecheck": CLEAN_OF_RACES}


def test_four_tools_that_find_what_was_planted_and_nothing_else_pass(program):
    program(FOUND, NOTHING | {"memcheck": LEAKED})
    part = sanitizer.check(limit=60)
    assert part.state == PASSED
    assert [row[:3] for row in part.tables[0].rows] == [
        (tool, PASSED, "found") for tool in ("memcheck", "racecheck", "initcheck", "synccheck")
    ]
    assert part.tables[0].rows[0][3] == "no errors; 1,536 bytes still held at the end"


def test_an_error_in_our_kernels_is_a_failure(program):
    program(FOUND, NOTHING | {"initcheck": UNWRITTEN})
    part = sanitizer.check(limit=60)
    assert part.state == FAILED
    assert part.summary == "memcheck passed, racecheck passed, initcheck failed, synccheck passed"
    assert "scale_f32+0x70 in clip.cu:45" in part.tables[0].rows[2][3]


def test_a_tool_that_misses_what_was_planted_shows_nothing(program):
    program(FOUND | {"synccheck": CLEAN}, NOTHING)
    part = sanitizer.check(limit=60)
    assert part.state == PASSED
    assert part.tables[0].rows[3] == ("synccheck", NOT_RUN, "missed: no errors", "no errors")


def test_a_device_that_the_sanitizer_does_not_know_is_named(program):
    program({"": UNSUPPORTED}, NOTHING)
    part = sanitizer.check(limit=60)
    assert part.state == NOT_RUN
    assert {row[1] for row in part.tables[0].rows} == {NOT_RUN}
    assert "Device not supported" in part.tables[0].rows[0][3]


def test_a_program_that_does_not_end_is_stopped_and_a_failure(program, tmp_path):
    program(FOUND, NOTHING)
    (tmp_path / "compute-sanitizer").write_text("#!/bin/sh\necho begun\nsleep 60\n")
    part = sanitizer.check(limit=0.5)
    assert part.state == FAILED
    assert part.tables[0].rows[0][3] == "stopped at its limit: begun"


def test_without_the_program_or_pytest_the_part_is_not_run_and_says_so(monkeypatch, program):
    program(FOUND, NOTHING)
    monkeypatch.setattr(child, "without_pytest", lambda: "pytest is not installed")
    assert sanitizer.check().summary == "pytest is not installed"
    monkeypatch.setattr(sanitizer, "find", lambda: None)
    part = sanitizer.check()
    assert (part.state, part.summary) == (NOT_RUN, "compute-sanitizer is not installed")


def test_the_program_is_found_beside_the_toolkit(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CUDA_PATH", str(tmp_path / "cuda"))
    (tmp_path / "cuda" / "bin").mkdir(parents=True)
    (tmp_path / "cuda" / "bin" / "compute-sanitizer").touch()
    assert sanitizer.find() == str(tmp_path / "cuda" / "bin" / "compute-sanitizer")


def test_every_tool_has_a_fault_planted_for_it_and_the_kernels_compile():
    assert planted.SOURCES.keys() == sanitizer.TOOLS.keys()
    if not nvrtc.available():
        pytest.skip("NVRTC is not installed")
    for tool, text in planted.SOURCES.items():
        assert nvrtc.compile_cubin(text, f"{tool}.cu", "sm_90").kernels.keys() == {"planted"}


def test_under_the_sanitizer_no_array_comes_from_a_pool(fake_cuda, monkeypatch):
    taken = []
    monkeypatch.setattr(cupy.cuda, "set_allocator", taken.append)
    unpooled.pytest_configure(None)
    assert taken == [None]
