"""`./run gpu-check` says what ran and what did not, and never that a GPU ran what did not run on one."""

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from gpu_check import __main__ as program
from gpu_check import log, machine, wheel
from gpu_check.part import FAILED, NOT_RUN, PASSED, Part, Table, worst

import gpugrad
from gpugrad.errors import BackendUnavailable

WHEN = datetime(2030, 2, 3, 4, 5, 6, tzinfo=UTC)
GPU = machine.Machine({"device": "NVIDIA X, 80 GiB", "driver": "580.1, speaks CUDA 13.0", "torch": "not installed"})
PARTS = [
    Part("ulp", PASSED, "largest errors", [Table("ulp", ("function", "float32"), [("exp", "1.0 | 2"), ("tanh", "1")])]),
    Part("sanitizer", NOT_RUN, "compute-sanitizer is not installed"),
]


@pytest.fixture
def gpu(monkeypatch):
    """Let the program believe in a GPU, and in parts that take no time; the value is a dict of what they come to."""
    answers = {name: Part(name, PASSED, "fine") for name in program.PARTS}
    monkeypatch.setattr(machine, "refusal", lambda: "")
    monkeypatch.setattr(machine, "look", lambda cupy: GPU)
    monkeypatch.setattr(program, "run", lambda name, limit: answers[name])
    return answers


@pytest.fixture
def written(tmp_path):
    return tmp_path / "log.md"


# The log


def test_an_entry_shows_date_device_facts_parts_and_tables():
    assert (
        log.entry(GPU, PARTS, WHEN)
        == """\
## 2030-02-03 04:05 UTC, NVIDIA X

| what   | which                   |
| ------ | ----------------------- |
| device | NVIDIA X, 80 GiB        |
| driver | 580.1, speaks CUDA 13.0 |
| torch  | not installed           |

| part      | state   | result                             |
| --------- | ------- | ---------------------------------- |
| ulp       | passed  | largest errors                     |
| sanitizer | not run | compute-sanitizer is not installed |

### ulp

| function | float32  |
| -------- | -------- |
| exp      | 1.0 \\| 2 |
| tanh     | 1        |
"""
    )


def test_entries_are_appended_and_the_first_takes_the_place_of_the_line_that_there_is_none(written):
    written.write_text(f"# Log\n\nHow it is made.\n\n{log.NO_ENTRY}\n")
    log.append(written, GPU, "## one\n")
    assert written.read_text() == "# Log\n\nHow it is made.\n\n## one\n"
    log.append(written, GPU, "## two\n")
    assert written.read_text() == "# Log\n\nHow it is made.\n\n## one\n\n## two\n"


def test_a_log_that_does_not_exist_is_made(tmp_path):
    log.append(tmp_path / "new" / "log.md", GPU, "## one\n")
    assert (tmp_path / "new" / "log.md").read_text() == "## one\n"


def test_the_projects_log_says_that_it_has_no_entry_or_has_one():
    text = log.LOG.read_text("utf-8")
    assert (log.NO_ENTRY in text) != bool(re.search(r"^## \d{4}-\d\d-\d\d ", text, re.M))


# On the stand-in


def test_on_the_stand_in_the_program_refuses_and_writes_nothing(fake_cuda, monkeypatch, written, capsys):
    monkeypatch.setattr("gpugrad.backends.driver_version", lambda: 13_000)
    as_json = written.with_name("result.json")
    assert program.main(["--log", str(written), "--json", str(as_json)]) == 2
    assert capsys.readouterr().err == ("gpu-check: fake_cupy._namespace stands in for CuPy: no GPU code would be run\n")
    assert not written.exists() and not as_json.exists()


def test_an_entry_of_the_stand_in_says_so_and_never_enters_a_log(fake_cuda, written):
    found = machine.look(fake_cuda.cupy)
    assert found.facts["device"] == "a stand-in, no GPU, compute capability 9.0, 1 GiB"
    assert found.facts["driver"].endswith(", speaks CUDA 13.0")
    assert (found.facts["CUDA runtime"], found.facts["NVRTC"], found.facts["CuPy"]) == ("13.0", "13.0", "14.2.0")
    text = log.entry(found, PARTS, WHEN)
    assert text.startswith("## 2030-02-03 04:05 UTC, no GPU\n\nfake_cupy._namespace stands in for CuPy: no GPU code")
    with pytest.raises(ValueError, match="nothing is written to"):
        log.append(written, found, text)
    assert not written.exists()
    log.dump(written, found, PARTS, WHEN)
    assert json.loads(written.read_text())["gpu"] is False


def test_the_limit_reaches_the_parts_that_start_programs(fake_cuda, monkeypatch):
    taken = []

    class Module:
        @staticmethod
        def check(**options):
            taken.append(options)
            return Part("a", PASSED, "fine")

    monkeypatch.setattr(program.importlib, "import_module", lambda name: Module)
    for name in program.PARTS:
        program.run(name, 500.0)
    program.run("tests")
    assert taken == [{"limit": 500}, {"limit": 500}, {}, {}, {}, {}]


# Without a GPU


@pytest.mark.parametrize("arguments", [[], ["--only", "ulp"], ["--only", "tests,steps"]])
def test_without_a_driver_one_line_says_so_and_nothing_is_written(arguments, written):
    if machine.refusal() == "":
        pytest.skip("there is a GPU")
    before = log.LOG.read_bytes()
    path = os.pathsep.join([str(log.child.ROOT), str(log.child.ROOT / "benchmarks")])
    ended = subprocess.run(
        [sys.executable, "-m", "gpu_check", "--log", str(written), *arguments],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        cwd=written.parent,
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert re.fullmatch(r"gpu-check: [^\n]+\n", ended.stderr)
    assert list(written.parent.iterdir()) == []
    assert log.LOG.read_bytes() == before


def test_the_line_names_the_cause(monkeypatch):
    def refuses(name):
        raise BackendUnavailable("backend 'cupy' is not available: CuPy is not installed. Install it", "not-installed")

    present = {"numpy", "array_api_compat"}
    monkeypatch.setattr(log.child, "installed", present.__contains__)
    monkeypatch.setattr("gpugrad.backends.driver_version", lambda: None)
    assert machine.refusal() == "no NVIDIA driver answers on this machine"
    monkeypatch.setattr("gpugrad.backends.driver_version", lambda: 12_080)
    monkeypatch.setattr("gpugrad.backends.backend_named", refuses)
    assert machine.refusal() == "CuPy is not installed. Install it"
    present.remove("array_api_compat")
    assert machine.refusal().endswith("has no array-api-compat, which gpugrad needs")
    present.remove("numpy")
    assert machine.refusal().endswith("has no NumPy, which gpugrad needs")


# The command


def test_all_parts_run_in_their_order_and_are_printed_logged_and_dumped(gpu, fake_cuda, written, capsys):
    gpu["steps"] = PARTS[1]
    as_json = written.with_name("result.json")
    assert program.main(["--log", str(written), "--json", str(as_json)]) == 0
    said = capsys.readouterr()
    assert said.out.rstrip() == written.read_text().rstrip()
    content = json.loads(as_json.read_text())
    assert content["gpu"] is True and content["machine"] == GPU.facts
    assert [part["name"] for part in content["parts"]] == ["tests", "sanitizer", "ulp", "bandwidth", "sanitizer"]
    assert re.findall(r"gpu-check: (\w+): \w+ in 0 s", said.err) == ["tests", "sanitizer", "ulp", "bandwidth"]
    assert "gpu-check: steps: not run in 0 s: compute-sanitizer is not installed" in said.err


def test_a_failed_part_is_logged_and_is_the_status(gpu, fake_cuda, written):
    gpu["ulp"] = Part("ulp", FAILED, "beyond")
    assert program.main(["--log", str(written), "--only", " bandwidth , ulp"]) == 1
    assert re.search(r"^\| ulp +\| failed \| beyond \|$", written.read_text(), re.M)
    assert program.main(["--log", str(written), "--only", "bandwidth"]) == 0
    assert written.read_text().count("## 20") == 2


@pytest.mark.parametrize("only", ["speed", "ulp,speed", "", ","])
def test_a_part_that_does_not_exist_is_an_error_that_names_those_that_do(gpu, written, only, capsys):
    with pytest.raises(SystemExit) as ended:
        program.main(["--log", str(written), "--only", only])
    assert ended.value.code == 2
    assert "choose from tests, sanitizer, ulp, bandwidth, steps" in capsys.readouterr().err
    assert not written.exists()


def test_what_a_part_raises_is_its_failure(fake_cuda, monkeypatch, capsys):
    from gpu_check import ulp

    def breaks():
        assert gpugrad.get_backend() == "cupy"
        raise MemoryError("out of\nmemory")

    monkeypatch.setattr(ulp, "check", breaks)
    assert program.run("ulp") == Part("ulp", FAILED, "MemoryError: out of memory")
    assert "Traceback" in capsys.readouterr().err
    assert gpugrad.get_backend() == "numpy"


def test_float32_is_not_tf32_whatever_the_environment_asks_for(gpu, fake_cuda, monkeypatch, written):
    monkeypatch.setenv("CUPY_TF32", "1")
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "1")
    program.main(["--log", str(written), "--only", "ulp"])
    assert "CUPY_TF32" not in os.environ and "NVIDIA_TF32_OVERRIDE" not in os.environ


def test_every_part_has_a_module_and_pieces_fail_before_they_pass():
    import importlib

    for module, _ in program.PARTS.values():
        assert callable(importlib.import_module(f"gpu_check.{module}").check)
    assert worst([PASSED, FAILED, NOT_RUN]) == FAILED
    assert worst([PASSED, NOT_RUN]) == PASSED
    assert worst([NOT_RUN]) == NOT_RUN


@pytest.mark.parametrize(
    ("driver", "wheels", "status", "printed"),
    [
        (13_000, [], 0, "cuda13\n"),
        (12_040, [], 0, "cuda12\n"),
        (12_040, ["cupy-cuda12x 14.2.0"], 0, ""),
        (None, [], 2, ""),
        (None, ["cupy-cuda13x 14.2.0"], 2, ""),
    ],
)
def test_the_wheel_of_cupy_is_that_for_the_driver(monkeypatch, capsys, driver, wheels, status, printed):
    monkeypatch.setattr(wheel, "driver_version", lambda: driver)
    monkeypatch.setattr(wheel, "cupy_wheels", lambda: wheels)
    assert wheel.main() == status
    said = capsys.readouterr()
    assert said.out == printed
    assert said.err == ("gpu-check: no NVIDIA driver answers on this machine\n" if driver is None else "")
