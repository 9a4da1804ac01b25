"""`gpugrad doctor`: what works, what is broken, and the command that mends it."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from gpugrad.backends import Device, backend_named
from gpugrad.cli import cuda, machine, main
from gpugrad.cli.blas import blas_threads, one_thread_if_small
from gpugrad.errors import BackendUnavailable


@pytest.fixture(autouse=True)
def _plain(monkeypatch):
    """Look at a laptop: no driver, no CuPy, no variables."""
    monkeypatch.setattr(cuda, "driver_version", lambda: None)
    monkeypatch.setattr(cuda, "cupy_wheels", list)
    for name in machine._read:
        monkeypatch.delenv(name, raising=False)


def rows_of(capsys, status):
    assert main(["doctor", "--json"]) == status
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] == (status == 0)
    assert all(row["fix"] for row in answer["rows"] if row["state"] == "failed")
    return {row["name"]: row for row in answer["rows"]}


def test_a_laptop_without_a_gpu_is_well(capsys):
    rows = rows_of(capsys, 0)
    assert {"python", "platform", "numpy", "array-api-compat", "variables", "NVIDIA driver", "CuPy", "extras"} <= set(
        rows
    )
    assert "a matmul is right" in rows["device cpu"]["found"]
    assert "a matmul is right" in rows["numpy"]["found"]
    assert rows["NVIDIA driver"]["state"] == rows["CuPy"]["state"] == "none"


def test_the_same_is_told_in_words(capsys, monkeypatch):
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1].endswith("works here")
    assert "\x1b" not in printed
    monkeypatch.setenv("GPUGRAD_BACKEND", "cuppy")
    assert main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert "FAIL GPUGRAD_BACKEND" in printed
    assert "mend it: unset GPUGRAD_BACKEND" in printed


def test_a_driver_without_cupy_is_no_fault_but_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setattr(cuda, "driver_version", lambda: 12_040)
    rows = rows_of(capsys, 0)
    assert rows["NVIDIA driver"]["found"] == "speaks CUDA 12.4"
    assert rows["CuPy"]["fix"].endswith("pip install 'gpugrad[cuda12]'")


@pytest.mark.parametrize(
    ("driver", "wheels", "row", "found", "fix"),
    [
        (None, ["cupy-cuda13x 14.2.0"], "NVIDIA driver", "no driver answers", ""),
        (
            12_080,
            ["cupy-cuda12x 14.2.0", "cupy-cuda13x 14.2.0"],
            "CuPy",
            "2 packages overwrite each other",
            "uninstall -y cupy-cuda12x cupy-cuda13x && ",
        ),
        (12_080, ["cupy-cuda13x 14.2.0"], "CuPy", "needs CUDA 13, and the driver speaks 12.8", "'gpugrad[cuda12]'"),
    ],
)
def test_what_is_installed_and_broken_fails_with_its_cure(capsys, monkeypatch, driver, wheels, row, found, fix):
    monkeypatch.setattr(cuda, "driver_version", lambda: driver)
    monkeypatch.setattr(cuda, "cupy_wheels", lambda: wheels)
    monkeypatch.setattr(cuda, "load_cupy", unavailable)
    answer = rows_of(capsys, 1)[row]
    assert answer["state"] == "failed"
    assert found in answer["found"]
    assert fix in answer["fix"]


def unavailable():
    raise BackendUnavailable("backend 'cupy' is not available: CuPy cannot load NVRTC", "library-missing")


def test_missing_cuda_libraries_name_the_extra_that_brings_them(capsys, monkeypatch):
    monkeypatch.setattr(cuda, "driver_version", lambda: 13_000)
    monkeypatch.setattr(cuda, "cupy_wheels", lambda: ["cupy-cuda13x 14.2.0"])
    monkeypatch.setattr(cuda, "load_cupy", unavailable)
    row = rows_of(capsys, 1)["CUDA libraries"]
    assert row["found"] == "CuPy cannot load NVRTC"
    assert "'gpugrad[cuda13]'" in row["fix"]


def gpu(compiler_works):
    """Return what the doctor needs of CuPy."""

    def module(code):
        if not compiler_works:
            raise OSError("libnvrtc-builtins.so.13.0: cannot open shared object file")
        return SimpleNamespace(get_function=lambda name: None)

    properties = {"name": b"NVIDIA Thing", "totalGlobalMem": 24 * 2**30}
    return SimpleNamespace(
        RawModule=module,
        cuda=SimpleNamespace(
            nvrtc=SimpleNamespace(getVersion=lambda: (13, 0)),
            runtime=SimpleNamespace(getDeviceProperties=lambda index: properties),
        ),
    )


@pytest.mark.parametrize("compiler_works", [True, False])
def test_a_gpu_is_named_and_its_compiler_tried(capsys, monkeypatch, compiler_works):
    monkeypatch.setattr(cuda, "driver_version", lambda: 13_000)
    monkeypatch.setattr(cuda, "cupy_wheels", lambda: ["cupy-cuda13x 14.2.0"])
    monkeypatch.setattr(cuda, "load_cupy", lambda: gpu(compiler_works))
    monkeypatch.setattr(cuda, "backend_named", lambda name: backend_named(name.replace("cupy", "strict")))
    rows = rows_of(capsys, 0 if compiler_works else 1)
    assert rows["NVRTC"]["state"] == ("ok" if compiler_works else "failed")
    assert "NVIDIA Thing, 24 GiB: a matmul is right" in rows["device strict:CPU_DEVICE"]["found"]


def test_a_backend_asked_for_in_vain_is_a_fault(capsys, monkeypatch):
    monkeypatch.setenv("GPUGRAD_BACKEND", "cuppy")
    rows = rows_of(capsys, 1)
    assert "Did you mean 'cupy'?" in rows["GPUGRAD_BACKEND"]["found"]
    assert rows["variables"]["found"] == "GPUGRAD_BACKEND=cuppy"


def test_a_wrong_matmul_is_found(monkeypatch):
    numpy = backend_named("numpy")
    monkeypatch.setattr(cuda, "from_host", lambda host, device: __import__("gpugrad").asarray(host + 1))
    [row] = cuda._devices(numpy)
    assert (row.name, row.state) == ("device cpu", "failed")


def test_every_device_is_tried():
    strict = backend_named("strict")
    rows = list(cuda._devices(strict))
    assert [row.name for row in rows] == sorted(f"device {device}" for device in strict.devices())
    assert cuda._matmul(Device("strict", "device1")) > 0


def test_an_old_or_missing_dependency_is_a_fault(capsys, monkeypatch):
    versions = {"numpy": "1.26.4", "rich": None}
    real = machine._version
    monkeypatch.setattr(machine, "_version", lambda name: versions[name] if name in versions else real(name))
    rows = rows_of(capsys, 1)
    assert rows["rich"]["found"] == "not installed"
    assert rows["rich"]["fix"].endswith("pip install 'rich>=13.7'")


def test_a_look_that_fails_is_a_row(capsys, monkeypatch):
    def broken():
        raise RuntimeError("no such thing")

    monkeypatch.setattr(machine, "cuda_rows", broken)
    assert rows_of(capsys, 1)["cuda"]["found"] == "RuntimeError: no such thing"


def test_small_matmuls_run_on_one_thread_and_the_rest_as_before():
    before = blas_threads()
    with one_thread_if_small(1 << 10):
        assert blas_threads() in ("1 thread", "threads unknown")
        assert (np.eye(3) @ np.eye(3)).sum() == 3
    assert blas_threads() == before
    with one_thread_if_small(1 << 30):
        assert blas_threads() == before
