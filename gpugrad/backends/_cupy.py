"""CuPy: arrays on NVIDIA GPUs. CuPy is imported when the first array asks for it, never before."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
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


class _Namespace:
    """What array-api-compat makes of CuPy, but for what waits for the device there."""

    def __init__(self, cupy: Any) -> None:
        import array_api_compat.cupy as compat

        self._cupy = cupy
        self._compat = compat

    def clip(self, x: Array, /, min: Any = None, max: Any = None) -> Array:  # noqa: A002 - the standard's names
        """Return `x` within its bounds, in one kernel; array-api-compat moves the bounds and selects by masks."""
        return self._cupy.clip(x, min, max)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(self._compat, name)
        setattr(self, name, value)
        return value


class _Pointer:
    """A stream that another library made, by the protocol of NVIDIA's Python packages."""

    def __init__(self, pointer: int) -> None:
        self._pointer = pointer

    def __cuda_stream__(self) -> tuple[int, int]:
        return 0, self._pointer


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
        return _Namespace(self.cupy)

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

    @contextmanager
    def checked(self) -> Iterator[None]:
        """Ask the device after each decomposition whether it failed: CuPy would hand on what was left in memory."""
        import cupyx

        with cupyx.errstate(linalg="raise"):
            try:
                yield
            except RuntimeError as error:  # of CuPy's own: "geev is not available"
                if "is not available" not in str(error):
                    raise
                raise BackendUnavailable(
                    f"the CUDA that CuPy found is too old for this decomposition ({error}); update it, or compute on "
                    "the host: x.cpu()",
                    "library-missing",
                ) from None

    def make_current(self, device: Device) -> None:
        self.cupy.cuda.Device(device.index).use()

    @contextmanager
    def on_stream(self, stream: Any) -> Iterator[None]:
        cuda = self.cupy.cuda
        if isinstance(stream, int):
            stream = cuda.Stream.from_external(_Pointer(stream))
        current = cuda.get_current_stream()
        stream.wait_event(current.record())
        with stream:
            yield
        current.wait_event(stream.record())

    def from_host(self, array: np.ndarray[Any, Any], device: Device) -> Array:
        with self.on(device):
            return self.cupy.array(array, order="C")

    def to_host(self, array: Array) -> np.ndarray[Any, Any]:
        return self.cupy.asnumpy(array)  # type: ignore[no-any-return]

    def to_pinned(self, array: Array) -> np.ndarray[Any, Any]:
        memory = self.cupy.cuda.alloc_pinned_memory(max(array.nbytes, 1))
        host = np.frombuffer(memory, array.dtype, array.size).reshape(array.shape)
        self.cupy.asnumpy(array, out=host)
        return host

    def shares_memory(self, x1: Array, x2: Array) -> bool:
        return bool(self.cupy.may_share_memory(x1, x2))

    def owns_memory(self, array: Array) -> bool:
        return array.base is None

    def scatter_add(self, x: Array, key: tuple[Any, ...], values: Array) -> None:
        if not self._names_places(key):
            x[key] += values
            return
        places, sums, last = self._by_place(x, key, values)
        # A sum over each run of equal places, by doubling, so that the order of the additions is fixed. CuPy's own
        # add.reduceat subtracts two sums over everything before, where one infinite value spoils all that follows.
        step = 1
        while step < places.size:
            alike = places[step:] == places[:-step]
            sums[step:] = self.cupy.where(alike, sums[step:] + sums[:-step], sums[step:])
            step *= 2
        flat = x.reshape(-1)
        flat[places] += sums[last]
        self._back(x, flat)

    def write(self, x: Array, key: tuple[Any, ...], values: Array) -> None:
        if not self._names_places(key):
            x[key] = values
            return
        # CuPy leaves open which of several values for one place is written: write the last one for each of them.
        places, values, last = self._by_place(x, key, values)
        flat = x.reshape(-1)
        flat[places] = values[last]
        self._back(x, flat)

    queues = True

    def mark(self) -> Any:
        event = self.cupy.cuda.Event()
        event.record()
        return event

    def seconds_between(self, first: Any, last: Any) -> float:
        return float(self.cupy.cuda.get_elapsed_time(first, last)) / 1e3

    def wait(self, device: Device) -> None:
        self.cupy.cuda.Device(device.index).synchronize()

    def special(self, name: str) -> Callable[..., Array]:
        if name == "stdtr":
            return self._stdtr
        from cupyx.scipy import special

        return getattr(special, name)  # type: ignore[no-any-return]

    def _stdtr(self, df: Array, t: Array) -> Array:
        """Return Student's distribution function, which CuPy lacks, by the incomplete beta function."""
        where = self.cupy.where
        endless = self.cupy.isinf(df)
        finite = where(endless, 1, df)
        squared = t * t
        middle = squared < self.cupy.minimum(finite, 1)  # counted from 1/2 there, and from 0 in the tails
        part = self.special("betainc")(
            where(middle, 0.5, finite / 2),
            where(middle, finite / 2, 0.5),
            where(middle, squared / (finite + squared), 1 / (1 + squared / finite)),
        )
        z = where(middle, 0.5 + self.cupy.copysign(part, t) / 2, where(t < 0, part / 2, 1 - part / 2))
        return where(endless, self.special("ndtr")(t), z).astype(t.dtype)

    def _names_places(self, key: tuple[Any, ...]) -> bool:
        """Return whether a key holds integer arrays, which may name a place twice."""
        return any(isinstance(k, self.cupy.ndarray) and k.dtype != np.bool_ for k in key)

    def _by_place(self, x: Array, key: tuple[Any, ...], values: Any) -> tuple[Array, Array, Array]:
        """Return the places that `key` names, sorted, their values, and where the last equal place is of each.

        Places count the elements of `x`. The host waits for none of it.
        """
        cupy = self.cupy
        if not isinstance(values, cupy.ndarray):
            values = cupy.full((), values, dtype=x.dtype)
        places = cupy.arange(x.size).reshape(x.shape)[key]
        values = cupy.broadcast_to(values, places.shape).ravel()
        places = places.ravel()
        order = cupy.argsort(places, kind="stable")
        places = places[order]
        return places, values[order], cupy.searchsorted(places, places, side="right") - 1

    def _back(self, x: Array, flat: Array) -> None:
        """Write to `x` what was written to its reshape, where that had to be a copy."""
        if not self.shares_memory(x, flat):
            x[...] = flat.reshape(x.shape)

    def copy(self, x: Array) -> Array:
        with x.device:
            return x.copy(order="C")
