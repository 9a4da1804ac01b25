"""CuPy: arrays on NVIDIA GPUs. CuPy is imported when the first array asks for it, never before."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any

import numpy as np

from gpugrad.backends._base import Array, Backend
from gpugrad.backends._device import Device
from gpugrad.errors import BackendUnavailable, DeviceError

__all__ = ["CupyBackend", "cupy_wheels", "driver_version", "load_cupy"]

_oldest_driver = 12_000
"""CUDA 12.0, the oldest driver interface that CuPy 14 wheels run on, as cuDriverGetVersion counts."""


def cupy_wheels() -> list[str]:
    """Return the names and versions of the CuPy distributions installed here; more than one is a fault."""
    from importlib import metadata  # costs a third of the time that importing gpugrad may take

    found = {
        f"{name} {distribution.version}"
        for distribution in metadata.distributions()
        if (name := (distribution.metadata["Name"] or "").lower()) == "cupy" or name.startswith("cupy-")
    }
    return sorted(found)


def driver_version() -> int | None:
    """Return the CUDA version the driver speaks, 1000 * major + 10 * minor, or None where there is no driver."""
    import ctypes

    names = {"win32": ("nvcuda.dll",), "darwin": ()}.get(sys.platform, ("libcuda.so.1", "libcuda.so"))
    for name in names:
        try:
            driver = ctypes.CDLL(name)
        except OSError:
            continue
        version = ctypes.c_int()
        if driver.cuDriverGetVersion(ctypes.byref(version)) == 0 and version.value > 0:
            return version.value
    return None


def load_cupy() -> Any:
    """Return the cupy module, or raise BackendUnavailable naming the cause and its cure."""
    import importlib.util

    wheels = cupy_wheels()
    if importlib.util.find_spec("cupy") is None:
        raise BackendUnavailable(
            "backend 'cupy' is not available: CuPy is not installed. Install it with: pip install 'gpugrad[cuda13]' "
            "(or gpugrad[cuda12] for a CUDA 12 driver)",
            "not-installed",
        )
    if len(wheels) > 1:
        raise BackendUnavailable(
            f"backend 'cupy' is not available: several CuPy packages are installed ({', '.join(wheels)}) and they "
            "overwrite each other. Keep one: pip uninstall every one of them, then pip install 'gpugrad[cuda13]'",
            "two-wheels",
        )
    driver = driver_version()
    if driver is None:
        raise BackendUnavailable(
            "backend 'cupy' is not available: no NVIDIA driver answers on this machine. Install the driver (then "
            "nvidia-smi works), or set GPUGRAD_BACKEND=numpy",
            "no-driver",
        )
    if driver < _oldest_driver:
        raise BackendUnavailable(
            f"backend 'cupy' is not available: the NVIDIA driver speaks CUDA {driver // 1000}.{driver % 1000 // 10}, "
            "and CuPy needs 12.0 or later. Update the driver",
            "driver-too-old",
        )
    return _probed()


def _probed() -> Any:
    """Import CuPy and use what gpugrad needs of it once, so that a missing library is met here and named."""
    try:
        import cupy

        if cupy.cuda.runtime.getDeviceCount() == 0:
            raise BackendUnavailable(
                "backend 'cupy' is not available: the driver answers but shows no device. Look at CUDA_VISIBLE_DEVICES "
                "and nvidia-smi",
                "no-driver",
            )
        cupy.cuda.nvrtc.getVersion()
        cupy.cuda.cublas.getVersion(cupy.cuda.device.get_cublas_handle())
    except BackendUnavailable:
        raise
    except Exception as error:  # CuPy reports a missing library by many types of error
        text = " ".join(str(error).split())
        if "InsufficientDriver" in text:
            raise BackendUnavailable(
                "backend 'cupy' is not available: the NVIDIA driver is older than the CUDA that this CuPy was built "
                "for. Update the driver, or install gpugrad[cuda12] in place of gpugrad[cuda13]",
                "driver-too-old",
            ) from error
        raise BackendUnavailable(
            f"backend 'cupy' is not available: CuPy cannot load NVRTC or cuBLAS ({text[:200]}). Install them with: "
            "pip install 'gpugrad[cuda13]' (its [ctk] part brings the CUDA libraries)",
            "library-missing",
        ) from error
    return cupy


class CupyBackend(Backend):
    """Arrays are `cupy.ndarray`; the devices are the GPUs that the driver shows."""

    name = "cupy"
    device_kind = "cuda"

    def __init__(self) -> None:
        self.cupy = load_cupy()
        self.array_type = self.cupy.ndarray
        self._all = tuple(Device("cuda", i) for i in range(self.cupy.cuda.runtime.getDeviceCount()))

    @cached_property
    def namespace(self) -> Any:
        import array_api_compat.cupy as xp

        return xp

    def devices(self) -> tuple[Device, ...]:
        current = self.cupy.cuda.runtime.getDevice()
        return (self._all[current], *(d for d in self._all if d.index != current))

    def device_of(self, array: Array) -> Device:
        device: Device = self._all[array.device.id]
        return device

    def native_device(self, device: Device) -> Any:
        return self.cupy.cuda.Device(device.index)

    def on(self, device: Device) -> AbstractContextManager[Any]:
        if device not in self._all:
            there = ", ".join(map(str, self._all))
            raise DeviceError(f"device '{device}' does not exist: this machine has {there}")
        return self.cupy.cuda.Device(device.index)  # type: ignore[no-any-return]

    def make_current(self, device: Device) -> None:
        self.cupy.cuda.Device(device.index).use()

    def from_host(self, array: np.ndarray[Any, Any], device: Device) -> Array:
        with self.on(device):
            return self.cupy.array(array, order="C")

    def to_host(self, array: Array) -> np.ndarray[Any, Any]:
        return self.cupy.asnumpy(array)  # type: ignore[no-any-return]

    def shares_memory(self, x1: Array, x2: Array) -> bool:
        return bool(self.cupy.may_share_memory(x1, x2))

    def owns_memory(self, array: Array) -> bool:
        return array.base is None

    def scatter_add(self, x: Array, key: tuple[Any, ...], values: Array) -> None:
        cupy = self.cupy
        if not any(isinstance(k, cupy.ndarray) and k.dtype != np.bool_ for k in key):
            x[key] += values
            return
        places = cupy.arange(x.size).reshape(x.shape)[key].ravel()
        values = cupy.broadcast_to(values, x[key].shape).ravel()
        if places.size == 0:
            return
        # Sorted by place (stably) and summed segment by segment, so that the order of the additions is fixed.
        order = cupy.argsort(places, kind="stable")
        places = places[order]
        first = cupy.concatenate([cupy.ones(1, dtype=bool), places[1:] != places[:-1]])
        starts = cupy.flatnonzero(first)
        sums = cupy.add.reduceat(values[order], starts)
        flat = x.reshape(-1) if x.flags.c_contiguous else x.ravel()
        flat[places[starts]] += sums
        if not x.flags.c_contiguous:
            x[...] = flat.reshape(x.shape)

    def write(self, x: Array, key: tuple[Any, ...], values: Array) -> None:
        cupy = self.cupy
        if not any(isinstance(k, cupy.ndarray) and k.dtype != np.bool_ for k in key):
            x[key] = values
            return
        # CuPy leaves open which of several values for one place is written: keep the last one of each.
        places = cupy.arange(x.size).reshape(x.shape)[key].ravel()
        values = cupy.broadcast_to(cupy.asarray(values, dtype=x.dtype), x[key].shape).ravel()
        order = cupy.argsort(places, kind="stable")
        places = places[order]
        last = cupy.concatenate([places[1:] != places[:-1], cupy.ones(min(1, places.size), dtype=bool)])
        index = cupy.unravel_index(places[last], x.shape)
        x[index] = values[order][last]

    def copy(self, x: Array) -> Array:
        with x.device:
            return x.copy(order="C")
