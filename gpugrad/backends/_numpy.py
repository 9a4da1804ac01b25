"""NumPy: the backend of laptops, of tests, and of every machine without a GPU."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from gpugrad.backends._base import Array, Backend
from gpugrad.backends._device import Device
from gpugrad.backends._scatter import add_at
from gpugrad.errors import DeviceError

__all__ = ["NumpyBackend"]

_cpu = Device("cpu")


def _keeping_integers(rounded: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Return NumPy 2.0's floor, ceil or trunc with integers left what they are, as later ones have it."""
    return lambda x: x.copy() if x.dtype.kind in "biu" else rounded(x)


class _Namespace:
    """NumPy's own functions, at NumPy's own speed; what an older NumPy lacks comes from array-api-compat."""

    @staticmethod
    def astype(x: Array, dtype: Any, /, *, copy: bool = True) -> Array:
        """Return `x` in another dtype; NumPy 2.0 has no such function for 0-d results, which are scalars."""
        return np.asarray(x).astype(dtype, copy=copy)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(np, name, None)
        if value is None:
            import array_api_compat.numpy as compat

            value = getattr(compat, name)
        elif name in ("ceil", "floor", "trunc") and "q->q" not in value.types:
            value = _keeping_integers(value)
        setattr(self, name, value)
        return value


class NumpyBackend(Backend):
    """Arrays are `numpy.ndarray`; there is one device, `cpu`."""

    name = "numpy"
    device_kind = "cpu"
    array_type = np.ndarray
    checks_operands = False
    namespace = _Namespace()

    def devices(self) -> tuple[Device, ...]:
        return (_cpu,)

    def device_of(self, array: Array) -> Device:
        return _cpu

    def native_device(self, device: Device) -> Any:
        return "cpu"

    def on(self, device: Device) -> AbstractContextManager[Any]:
        if device is not _cpu and device != _cpu:
            raise DeviceError(f"device '{device}' is not one of NumPy's: it has 'cpu' alone")
        return nullcontext()

    def from_host(self, array: np.ndarray[Any, Any], device: Device) -> Array:
        return np.array(array, copy=True, order="C", subok=False)

    def to_host(self, array: Array) -> np.ndarray[Any, Any]:
        return array  # type: ignore[no-any-return]

    def shares_memory(self, x1: Array, x2: Array) -> bool:
        return np.may_share_memory(x1, x2)

    def owns_memory(self, array: Array) -> bool:
        return type(array) is not np.ndarray or array.flags.owndata

    def scatter_add(self, x: Array, key: tuple[Any, ...], values: Array) -> None:
        if any(isinstance(k, np.ndarray) and k.dtype != np.bool for k in key):
            add_at(x, key, values)
        else:
            x[key] += values

    def diagonal(self, x: Array, offset: int) -> Array:
        z = np.linalg.diagonal(x, offset=offset)
        z.flags.writeable = x.flags.writeable  # which NumPy leaves to its callers
        return z

    def wrap(self, value: Any) -> Array:
        return np.asarray(value) if isinstance(value, np.generic) else value

    def function(self, f: Callable[..., Array]) -> Callable[..., Array]:
        return f

    def copy(self, x: Array) -> Array:
        return np.array(x, copy=True, order="C")
