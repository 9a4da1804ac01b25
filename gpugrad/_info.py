"""What the namespace can do, as the array API asks: devices, dtypes, capabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpugrad.backends import (
    Device,
    available_backends,
    backend_named,
    backend_of_device,
    default_complex,
    default_device,
    default_float,
    default_integer,
    dtypes,
    isdtype,
)

__all__ = ["NamespaceInfo", "__array_namespace_info__"]


def _check(device: Any) -> None:
    """Raise DeviceError for a device that does not exist here."""
    if device is not None:
        target = Device.parse(device)
        with backend_of_device(target).on(target):
            pass


class NamespaceInfo:
    """Answers about the namespace; the standard's names."""

    __slots__ = ()

    def capabilities(self) -> dict[str, Any]:
        """Return what is supported of what the standard leaves open; NumPy and CuPy both know 64 axes."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> Device:
        """Return the device on which a tensor is made when its maker names none."""
        return default_device()

    def default_dtypes(self, *, device: Any = None) -> dict[str, np.dtype[Any]]:
        """Return the dtypes of numbers that come without one; they are the same on every device."""
        _check(device)
        return {
            "real floating": default_float,
            "complex floating": default_complex,
            "integral": default_integer,
            "indexing": default_integer,
        }

    def dtypes(self, *, device: Any = None, kind: str | tuple[str, ...] | None = None) -> dict[str, np.dtype[Any]]:
        """Return the standard's dtypes by name, all or those of a kind; they are the same on every device."""
        _check(device)
        standard = {name: dtype for name, dtype in dtypes.items() if name != "float16"}
        return {name: dtype for name, dtype in standard.items() if kind is None or isdtype(dtype, kind)}

    def devices(self) -> tuple[Device, ...]:
        """Return the devices of every backend that works on this machine."""
        return tuple(device for name in available_backends() for device in backend_named(name).devices())


_info = NamespaceInfo()


def __array_namespace_info__() -> NamespaceInfo:
    """Return the object that answers questions about this namespace.

    >>> info = __array_namespace_info__()
    >>> info.default_device(), info.default_dtypes()["real floating"]
    (Device('cpu'), dtype('float32'))
    >>> list(info.dtypes(kind=("bool", "real floating")))
    ['bool', 'float32', 'float64']
    """
    return _info
