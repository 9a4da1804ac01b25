"""The doctor's rows about the GPU: driver, CuPy, NVRTC, and a matmul on every device."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from gpugrad._tensor.making import from_host
from gpugrad.backends import Backend, Device, backend_named, cupy_wheels, driver_version, load_cupy, use_backend
from gpugrad.cli.row import Row, pip
from gpugrad.cuda import source
from gpugrad.errors import BackendUnavailable, DeviceError

__all__ = ["cuda_rows", "extra_for"]

_install_driver = {
    "linux": "sudo ubuntu-drivers install  # or your distribution's way; a container needs: docker run --gpus all",
    "win32": "start https://www.nvidia.com/drivers",
}


def cuda_rows() -> Iterator[Row]:
    """Return the rows of driver, wheels, the backend asked for, kernels, CuPy, NVRTC and each device."""
    driver, wheels = driver_version(), cupy_wheels()
    yield _driver(driver, wheels)
    yield _wheels(driver, wheels)
    yield from _asked()
    yield Row("kernels", "ok", f"{len(source.names())} CUDA files in {source.folder()}")
    yield from _devices(backend_named("numpy"))
    if len(wheels) == 1 and driver is not None:
        yield from _cupy(driver)


def _driver(driver: int | None, wheels: list[str]) -> Row:
    if driver is not None:
        return Row("NVIDIA driver", "ok", f"speaks CUDA {_dotted(driver)}")
    if not wheels:
        return Row("NVIDIA driver", "none", "none here: gpugrad computes on the CPU")
    fix = _install_driver.get(sys.platform, f"{pip} uninstall -y {_names(wheels)}")
    return Row("NVIDIA driver", "failed", "CuPy is installed, and no driver answers", fix)


def _wheels(driver: int | None, wheels: list[str]) -> Row:
    extra = extra_for(driver)
    install = f"{pip} install 'gpugrad[{extra}]'"
    if not wheels:
        return Row("CuPy", "none", "not installed", install if driver is not None else "")
    found = ", ".join(wheels)
    replace = f"{pip} uninstall -y {_names(wheels)} && {install}"
    if len(wheels) > 1:
        return Row("CuPy", "failed", f"{len(wheels)} packages overwrite each other: {found}", replace)
    if driver is not None and driver < 13_000 and wheels[0].startswith("cupy-cuda13x"):
        return Row("CuPy", "failed", f"{found} needs CUDA 13, and the driver speaks {_dotted(driver)}", replace)
    return Row("CuPy", "ok", found)


def _asked() -> Iterator[Row]:
    """Return a row if GPUGRAD_BACKEND asks for what cannot be had."""
    name = os.environ.get("GPUGRAD_BACKEND", "").strip()
    if not name or name.lower() == "auto":
        return
    try:
        with use_backend(name) as chosen:
            yield Row("GPUGRAD_BACKEND", "ok", f"{chosen} answers")
    except (BackendUnavailable, DeviceError) as error:
        yield Row("GPUGRAD_BACKEND", "failed", str(error), "unset GPUGRAD_BACKEND")


def _cupy(driver: int) -> Iterator[Row]:
    reinstall = f"{pip} install --force-reinstall 'gpugrad[{extra_for(driver)}]'"
    try:
        cupy = load_cupy()
    except BackendUnavailable as error:
        yield Row("CUDA libraries", "failed", str(error).removeprefix("backend 'cupy' is not available: "), reinstall)
        return
    try:
        major, minor = cupy.cuda.nvrtc.getVersion()
        cupy.RawModule(code='extern "C" __global__ void nothing() {}').get_function("nothing")
        yield Row("NVRTC", "ok", f"{major}.{minor}, compiles a kernel")
    except Exception as error:  # CuPy reports a broken compiler by many types of error
        yield Row("NVRTC", "failed", " ".join(str(error).split())[:200], reinstall)
    yield from _devices(backend_named("cupy"), cupy)


def _devices(backend: Backend, cupy: Any = None) -> Iterator[Row]:
    for device in sorted(backend.devices(), key=str):
        try:
            about = f", {_gpu(cupy, device)}" if cupy is not None else ""
            seconds = _matmul(device)
            yield Row(f"device {device}", "ok", f"{backend.name}{about}: a matmul is right, {1e3 * seconds:.2f} ms")
        except Exception as error:  # a device can fail in as many ways as its library has errors
            fix = (
                "unset CUDA_VISIBLE_DEVICES; nvidia-smi"
                if cupy is not None
                else f"{pip} install --force-reinstall numpy"
            )
            yield Row(f"device {device}", "failed", " ".join(str(error).split())[:200], fix)


def _matmul(device: Device) -> float:
    """Return the time of a second matmul of 256 by 256 on the device, or raise if the first is wrong."""
    host = np.arange(256 * 256, dtype=np.float32).reshape(256, 256) % 7
    x = from_host(host, device)
    if not (np.asarray((x @ x).cpu()) == host.astype(np.int64) @ host.astype(np.int64)).all():
        raise ArithmeticError("a matmul of small integers is wrong")
    start = time.perf_counter()
    (x @ x)[0, 0].item()
    return time.perf_counter() - start


def _gpu(cupy: Any, device: Device) -> str:
    properties = cupy.cuda.runtime.getDeviceProperties(device.index)
    return f"{properties['name'].decode()}, {properties['totalGlobalMem'] / 2**30:.0f} GiB"


def extra_for(driver: int | None) -> str:
    """Return the extra of gpugrad whose CuPy fits a driver: the newest where none is known."""
    return "cuda12" if driver is not None and driver < 13_000 else "cuda13"


def _names(wheels: list[str]) -> str:
    return " ".join(wheel.partition(" ")[0] for wheel in wheels)


def _dotted(version: int) -> str:
    return f"{version // 1000}.{version % 1000 // 10}"
