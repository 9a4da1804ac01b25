"""The backends that the tests run on: which join by themselves, which are asked for, and what is said of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ON_EACH_BACKEND = "tests/tensor/test_devices.py::test_moving_to_where_it_is_changes_nothing"
COUNTED = "tests/backends/test_cupy.py"

# Plugins, which pytest loads before the conftest.
DEVICE = "import fake_cupy\ndevice = fake_cupy.installed()\ndevice.__enter__()\n"
NO_DEVICE = """
from gpugrad.backends import _choice
from gpugrad.errors import BackendUnavailable
def made():
    raise BackendUnavailable("no device answers", "no-driver")
_choice._factories["cupy"] = made
"""
NO_STRICT = NO_DEVICE + "import sys\nsys.modules['array_api_strict'] = None\n"


@pytest.fixture
def pytest_of(tmp_path):
    """Return a function that runs pytest on a machine as a plugin makes it, and returns its status and output."""

    def run(plugin, *tests, **variables):
        (tmp_path / "machine.py").write_text(plugin)
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("GPUGRAD_", "PYTEST_"))
        }
        path = [str(tmp_path), str(ROOT / "tests" / "support"), *filter(None, [os.environ.get("PYTHONPATH")])]
        command = [sys.executable, "-m", "pytest", "-v", "-p", "machine", "-p", "no:cacheprovider", *tests]
        ended = subprocess.run(
            command,
            cwd=ROOT,
            env={**environment, **variables, "PYTHONPATH": os.pathsep.join(path)},
            capture_output=True,
            text=True,
        )
        return ended.returncode, ended.stdout + ended.stderr

    return run


def ran_on(output):
    """Return the backends that the test which runs on each of them ran on, with their outcomes."""
    lines = [line for line in output.splitlines() if line.startswith(ON_EACH_BACKEND) and "%]" in line]
    return {line.partition("[")[2].partition("]")[0]: line.split()[1] for line in lines}


def test_without_a_device_the_fake_one_takes_its_place_and_is_called_fake(pytest_of):
    status, output = pytest_of(NO_DEVICE, ON_EACH_BACKEND, COUNTED)
    assert status == 0, output
    assert ran_on(output) == dict.fromkeys(["numpy", "strict", "fake-cuda"], "PASSED")
    assert (
        "gpugrad backends under test: numpy, strict, fake-cuda (fake-cuda is a fake device: no GPU code was run); "
        "no device answers"
    ) in output
    assert "no GPU code was run: 3 tests of tensors ran without CuPy. no device answers" in output


def test_cupy_joins_where_a_device_answers(pytest_of):
    status, output = pytest_of(DEVICE, ON_EACH_BACKEND, COUNTED)
    assert status == 0, output
    assert ran_on(output) == dict.fromkeys(["numpy", "strict", "fake-cuda", "cupy"], "PASSED")
    assert "skipped" not in output


def test_a_gpu_that_is_required_and_does_not_answer_is_a_failure(pytest_of):
    status, output = pytest_of(NO_DEVICE, COUNTED, GPUGRAD_REQUIRE_GPU="1")
    assert status == 1
    assert "GPUGRAD_REQUIRE_GPU=1, and no device answers" in output
    assert "1 failed" in output and "skipped" not in output


def test_a_backend_asked_for_by_name_must_work(pytest_of):
    status, output = pytest_of(NO_DEVICE, ON_EACH_BACKEND, GPUGRAD_TEST_BACKENDS="numpy, cupy")
    assert status == 1
    assert ran_on(output) == {"numpy": "PASSED", "cupy": "ERROR"}
    assert "no GPU code was run" not in output


def test_where_array_api_strict_is_missing_the_rest_runs_and_that_is_said(pytest_of):
    asks_for_it = "tests/nn/test_layers.py::test_a_layer_goes_where_it_is_told"
    status, output = pytest_of(NO_STRICT, ON_EACH_BACKEND, asks_for_it)
    assert status == 0, output
    assert ran_on(output) == dict.fromkeys(["numpy", "fake-cuda"], "PASSED")
    assert "; array-api-strict is not installed; no device answers" in output
    assert "1 skipped" in output
    status, output = pytest_of(NO_STRICT, ON_EACH_BACKEND, GPUGRAD_TEST_BACKENDS="numpy,strict")
    assert status != 0
    assert "array_api_strict" in output
