"""Which backend new tensors go to: use_backend, set_backend, GPUGRAD_BACKEND, and NumPy in the end."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from gpugrad.backends._base import Array, Backend
from gpugrad.backends._cupy import CupyBackend
from gpugrad.backends._device import Device
from gpugrad.backends._numpy import NumpyBackend
from gpugrad.errors import BackendUnavailable, DeviceError, DtypeError

__all__ = [
    "available_backends",
    "backend_named",
    "backend_of_device",
    "backend_of_type",
    "default_device",
    "get_backend",
    "register_backend",
    "set_backend",
    "use_backend",
]

_factories: dict[str, Callable[[], Backend]] = {"numpy": NumpyBackend, "cupy": CupyBackend}
_made: dict[str, Backend] = {}
_making = threading.RLock()
_of_type: dict[type, Backend] = {}

_chosen: Device | None = None
_used: ContextVar[Device | None] = ContextVar("gpugrad_backend", default=None)


def register_backend(name: str, factory: Callable[[], Backend]) -> None:
    """Make a further backend known by `name`; `factory` is called when it is first asked for."""
    _factories[name] = factory


def backend_named(name: str) -> Backend:
    """Return the backend called `name` (case does not matter), or raise BackendUnavailable."""
    key = name.strip().lower()
    backend = _made.get(key)
    if backend is not None:
        return backend
    if key not in _factories:
        known = [*_factories, "auto"]
        import difflib

        near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise BackendUnavailable(f"unknown backend {name!r}: choose one of {', '.join(known)}.{hint}", "unknown")
    with _making:
        if key not in _made:
            backend = _factories[key]()
            _of_type[backend.array_type] = backend
            _made[key] = backend
    return _made[key]


def available_backends() -> list[str]:
    """Return the names of the backends that work on this machine.

    >>> "numpy" in available_backends()
    True
    """
    found = []
    for name in _factories:
        try:
            backend_named(name)
        except BackendUnavailable:
            continue
        found.append(name)
    return found


def _device_named(name: str) -> Device:
    """Return the default device of the backend (or the very device) that `name` asks for; `auto` looks around."""
    if name.strip().lower() == "auto":
        return _automatic()
    if ":" in name or name.strip().lower() in ("cpu", "cuda"):
        device = Device.parse(name)
        with backend_of_device(device).on(device):
            return device
    return backend_named(name).devices()[0]


def _automatic() -> Device:
    try:
        device = backend_named("cupy").devices()[0]
        reason = f"CuPy answers on {device}"
    except BackendUnavailable as error:
        device = backend_named("numpy").devices()[0]
        reason = str(error).removeprefix("backend 'cupy' is not available: ").split(". ")[0]
    chosen = "cupy" if device.kind == "cuda" else "numpy"
    print(f"gpugrad: GPUGRAD_BACKEND=auto chose {chosen}: {reason}", file=sys.stderr)
    return device


def default_device() -> Device:
    """Return the device on which a tensor is made when its maker names none."""
    device = _used.get()
    if device is not None:
        return device
    if _chosen is None:
        with _making:
            if _chosen is None:
                _set(_device_named(os.environ.get("GPUGRAD_BACKEND", "").strip() or "numpy"))
    assert _chosen is not None
    return _chosen


def _set(device: Device | None) -> None:
    global _chosen
    _chosen = device


def get_backend() -> str:
    """Return the name of the backend that new tensors go to.

    >>> with use_backend("numpy"):
    ...     get_backend()
    'numpy'
    """
    return backend_of_device(default_device()).name


def set_backend(name: str) -> None:
    """Send new tensors to the backend called `name` from now on: numpy, cupy, auto, or a device such as cuda:1."""
    _set(_device_named(name))


@contextmanager
def use_backend(name: str) -> Iterator[str]:
    """Send new tensors to the backend called `name` within the block, in this thread or task alone.

    >>> with use_backend("numpy") as name:
    ...     name
    'numpy'
    """
    device = _device_named(name)
    token = _used.set(device)
    try:
        yield backend_of_device(device).name
    finally:
        _used.reset(token)


def backend_of_device(device: Device) -> Backend:
    """Return the backend whose arrays live on `device`."""
    if device.kind == "cpu":
        return backend_named("numpy")
    if device.kind == "cuda":
        return backend_named("cupy")
    for backend in _made.values():
        if backend.device_kind == device.kind:
            return backend
    if device.kind in _factories:
        return backend_named(device.kind)
    raise DeviceError(f"device '{device}' is of no backend known here: 'cpu', 'cuda' and 'cuda:N' are")


def backend_of_type(array_type: type) -> Backend:
    """Return the backend whose arrays have this type, or raise DtypeError for what is no array of ours."""
    backend = _of_type.get(array_type)
    if backend is not None:
        return backend
    if issubclass(array_type, np.generic):  # NumPy hands back scalars for 0-d results
        return _of_type.setdefault(array_type, backend_named("numpy"))
    module = array_type.__module__.partition(".")[0]
    for name in _factories:
        if name == module or name == "numpy" or name in _made:
            candidate = backend_named(name)
            if issubclass(array_type, candidate.array_type):
                _of_type[array_type] = candidate
                return candidate
    raise DtypeError(f"{array_type.__module__}.{array_type.__qualname__} is not an array of a backend in use")


def is_array_type(array_type: type) -> bool:
    """Return whether values of this type are arrays of a known backend."""
    try:
        backend_of_type(array_type)
    except (DtypeError, BackendUnavailable):
        return False
    return True


def backend_of(array: Array) -> Backend:
    """Return the backend of a plain array."""
    return _of_type.get(type(array)) or backend_of_type(type(array))
