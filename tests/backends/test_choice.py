"""Which backend new tensors go to, and what a user reads when it cannot be had."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading

import pytest

import gpugrad as gg
from gpugrad.backends import _choice, _cupy
from gpugrad.errors import BackendUnavailable, DeviceError

MAKE = "import gpugrad; x = gpugrad.ones(2); print(gpugrad.get_backend(), x.device)"
HAS_CUPY = "cupy" in gg.available_backends()


def python(code, **environment):
    """Run Python code with GPUGRAD_BACKEND set as asked, or not set."""
    env = {k: v for k, v in os.environ.items() if k != "GPUGRAD_BACKEND"} | environment
    result = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout.strip(), result.stderr.strip()


def failure(code, **environment):
    """Return the one line that ends a program's traceback."""
    status, _, error = python(code, **environment)
    assert status == 1
    return error.splitlines()[-1]


@pytest.mark.parametrize("value", [None, "", "  ", "numpy", "NumPy", " numpy ", "cpu", "CPU"])
def test_numpy_is_the_default_and_its_name_is_read_as_people_write_it(value):
    environment = {} if value is None else {"GPUGRAD_BACKEND": value}
    assert python(MAKE, **environment) == (0, "numpy cpu", "")


@pytest.mark.parametrize(("value", "meant"), [("numpi", "numpy"), ("cupyy", "cupy"), ("atuo", "auto")])
def test_a_misspelt_backend_is_an_error_that_says_what_was_meant(value, meant):
    line = failure(MAKE, GPUGRAD_BACKEND=value)
    assert "BackendUnavailable" in line
    assert repr(value) in line
    assert f"Did you mean '{meant}'?" in line


def test_a_backend_that_is_like_no_other_lists_those_that_exist():
    line = failure(MAKE, GPUGRAD_BACKEND="tensorflow")
    assert "numpy, cupy, auto" in line
    assert "Did you mean" not in line


def test_the_environment_is_read_at_the_first_tensor_and_not_at_import():
    assert python("import gpugrad; print(gpugrad.pi)", GPUGRAD_BACKEND="nonsense")[::2] == (0, "")
    late = "import os, gpugrad; os.environ['GPUGRAD_BACKEND'] = 'numpi'; gpugrad.ones(1)"
    assert "numpi" in failure(late)
    assert python(f"import gpugrad; gpugrad.set_backend('numpy'); {MAKE}", GPUGRAD_BACKEND="nonsense")[0] == 0
    inside = "import gpugrad\nwith gpugrad.use_backend('numpy'): print(gpugrad.ones(1).device)"
    assert python(inside, GPUGRAD_BACKEND="nonsense") == (0, "cpu", "")


def test_a_bad_environment_fails_every_time_and_not_only_the_first():
    code = """
import gpugrad
for _ in range(2):
    try:
        gpugrad.ones(1)
    except gpugrad.BackendUnavailable as error:
        print(error.cause)
"""
    assert python(code, GPUGRAD_BACKEND="nonsense") == (0, "unknown\nunknown", "")


@pytest.mark.skipif(HAS_CUPY, reason="CuPy works here")
def test_auto_says_in_one_line_on_stderr_what_it_chose_and_why():
    status, out, error = python(f"{MAKE}; gpugrad.zeros(3)", GPUGRAD_BACKEND="Auto")
    assert (status, out) == (0, "numpy cpu")
    assert len(error.splitlines()) == 1
    assert error.startswith("gpugrad: GPUGRAD_BACKEND=auto chose numpy: ")


@pytest.mark.skipif(HAS_CUPY, reason="CuPy works here")
@pytest.mark.parametrize("value", ["cupy", "CuPy", "cuda", "cuda:0"])
def test_cupy_asked_for_by_name_never_falls_back_silently(value):
    line = failure(MAKE, GPUGRAD_BACKEND=value)
    assert "BackendUnavailable: backend 'cupy' is not available: " in line


def test_naming_a_cuda_device_without_cuda_is_the_same_error():
    if HAS_CUPY:
        pytest.skip("CuPy works here")
    for make in (lambda: gg.ones(1, device="cuda"), lambda: gg.ones(1).cuda(), lambda: gg.ones(1).to("cuda:0")):
        with pytest.raises(BackendUnavailable, match="cupy"):
            make()


# The causes, one cure each


def installed(monkeypatch, there):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: (object() if there else None) if name == "cupy" else real(name, *more),
    )


@pytest.fixture
def fresh_cupy(monkeypatch):
    """Make the CuPy backend look again, with everything in order until a test breaks a part."""
    monkeypatch.setattr(_choice, "_made", {k: v for k, v in _choice._made.items() if k != "cupy"})
    monkeypatch.setattr(_cupy, "cupy_wheels", lambda: ["cupy-cuda13x 14.0.0"])
    monkeypatch.setattr(_cupy, "driver_version", lambda: 13_000)
    installed(monkeypatch, True)
    return monkeypatch


class BrokenCupy:
    """A cupy module whose runtime fails in a given way."""

    def __init__(self, error):
        self.error = error

    @property
    def cuda(self):
        raise self.error


@pytest.mark.parametrize(
    ("cause", "says", "cure", "broken"),
    [
        ("not-installed", "not installed", "pip install", lambda m: installed(m, False)),
        ("two-wheels", "cupy-cuda12x 14.0.0, cupy-cuda13x 14.0.0", "pip uninstall",
         lambda m: m.setattr(_cupy, "cupy_wheels", lambda: ["cupy-cuda12x 14.0.0", "cupy-cuda13x 14.0.0"])),
        ("no-driver", "no NVIDIA driver", "Install the driver",
         lambda m: m.setattr(_cupy, "driver_version", lambda: None)),
        ("driver-too-old", "CUDA 11.4", "Update the driver",
         lambda m: m.setattr(_cupy, "driver_version", lambda: 11_040)),
        ("driver-too-old", "older than the CUDA", "Update the driver",
         lambda m: m.setitem(sys.modules, "cupy", BrokenCupy(RuntimeError("cudaErrorInsufficientDriver: too old")))),
        ("library-missing", "libnvrtc.so.13", "pip install",
         lambda m: m.setitem(sys.modules, "cupy", BrokenCupy(ImportError("libnvrtc.so.13:\ncannot open")))),
        ("library-missing", "cublas", "pip install",
         lambda m: m.setitem(sys.modules, "cupy", BrokenCupy(OSError("cublas not found")))),
    ],
)  # fmt: skip
def test_a_backend_that_cannot_run_names_the_cause_and_one_cure_in_one_line(fresh_cupy, cause, says, cure, broken):
    broken(fresh_cupy)
    with pytest.raises(BackendUnavailable) as caught, gg.use_backend("cupy"):
        pass
    message = str(caught.value)
    assert caught.value.cause == cause
    assert message.startswith("backend 'cupy' is not available: ")
    assert says in message
    assert cure in message
    assert "\n" not in message
    assert isinstance(caught.value, RuntimeError)
    assert gg.ones(1).device.kind == "cpu"


def test_a_missing_backend_is_no_backend_that_is_available(fresh_cupy):
    fresh_cupy.setattr(_cupy, "driver_version", lambda: None)
    assert "cupy" not in gg.available_backends()
    assert "numpy" in gg.available_backends()


def test_a_driver_that_shows_no_device_is_no_driver(fresh_cupy):
    class Runtime:
        @staticmethod
        def getDeviceCount():
            return 0

    cupy = type("cupy", (), {"cuda": type("cuda", (), {"runtime": Runtime})})
    fresh_cupy.setitem(sys.modules, "cupy", cupy)
    with pytest.raises(BackendUnavailable, match="CUDA_VISIBLE_DEVICES") as caught, gg.use_backend("cupy"):
        pass
    assert caught.value.cause == "no-driver"


# use_backend and set_backend


def test_use_backend_holds_within_its_block_and_nests():
    assert gg.get_backend() == "numpy"
    with gg.use_backend("strict") as name:
        assert name == "strict"
        assert gg.ones(1).device.kind == "strict"
        with gg.use_backend("numpy"):
            assert gg.ones(1).device.kind == "cpu"
        with pytest.raises(ZeroDivisionError), gg.use_backend("strict:device1"):
            1 / 0  # noqa: B018
        assert str(gg.ones(1).device) == "strict:CPU_DEVICE"
    assert gg.get_backend() == "numpy"


def test_use_backend_takes_the_name_that_a_device_prints():
    for device in (gg.ones(1).device, gg.ones(1, device="strict").device, gg.ones(1, device="strict:device2").device):
        with gg.use_backend(str(device)):
            assert gg.ones(1).device.kind == device.kind


def test_use_backend_with_a_backend_that_does_not_exist_changes_nothing():
    with pytest.raises(BackendUnavailable, match="nonsense"), gg.use_backend("nonsense"):
        pass
    with pytest.raises(DeviceError), gg.use_backend("strict:nowhere"):
        pass
    with pytest.raises(BackendUnavailable):
        gg.set_backend("nonsense")
    assert gg.get_backend() == "numpy"


def test_use_backend_is_per_thread_and_set_backend_is_for_all():
    seen = []

    def look():
        seen.append(gg.ones(1).device.kind)

    def run():
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()

    with gg.use_backend("strict"):
        run()
    gg.set_backend("strict")
    run()
    with gg.use_backend("numpy"):
        assert gg.ones(1).device.kind == "cpu"
    gg.set_backend("numpy")
    run()
    assert seen == ["cpu", "strict", "cpu"]


def test_a_named_device_wins_over_use_backend():
    with gg.use_backend("strict"):
        assert gg.ones(1, device="cpu").device.kind == "cpu"


def test_the_backend_decides_only_where_new_tensors_go():
    x = gg.ones(2, requires_grad=True)
    with gg.use_backend("strict"):
        y = x * 2
        assert y.device.kind == "cpu"
        y.sum().backward()
    assert x.grad.device.kind == "cpu"
