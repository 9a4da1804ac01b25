"""array_api_strict as a backend: the standard and nothing else, on fake devices that stand in for a GPU.

Its devices count as device memory: nothing leaves them but through the backend's own transfers.
"""

from __future__ import annotations

from contextlib import contextmanager

import array_api_strict as xp
import numpy as np

from gpugrad.backends import Backend, Device, register_backend
from gpugrad.backends._dtypes import dtypes
from gpugrad.errors import DeviceError

__all__ = ["StrictBackend", "register"]


class StrictBackend(Backend):
    """Arrays are `array_api_strict.Array`; devices are CPU_DEVICE, device1, device2, no_float64 and their like."""

    name = "strict"
    device_kind = "strict"
    array_type = xp._array_object.Array
    namespace = xp

    def __init__(self):
        self.native = {str(getattr(d, "_device", d)): d for d in xp.__array_namespace_info__().devices()}
        self.by_native = {d: Device("strict", name) for name, d in self.native.items()}
        self.native_dtypes = {dtype: getattr(xp, name) for name, dtype in dtypes.items() if hasattr(xp, name)}
        self.transfers = 0

    def devices(self):
        first = Device("strict", "CPU_DEVICE")
        return (first, *(d for d in self.by_native.values() if d != first))

    def device_of(self, array):
        return self.by_native[array.device]

    def native_device(self, device):
        return self.native[device.index or "CPU_DEVICE"]

    @contextmanager
    def on(self, device):
        if device.kind != "strict" or (device.index or "CPU_DEVICE") not in self.native:
            raise DeviceError(f"device '{device}' does not exist: there are {', '.join(map(str, self.devices()))}")
        yield

    def dtype_of(self, array):
        return array.dtype._np_dtype

    def native_dtype(self, dtype):
        if hasattr(dtype, "_np_dtype"):
            return dtype
        return self.native_dtypes[dtype]

    def widest_float(self, device):
        return dtypes["float32" if device.index == "no_float64" else "float64"]

    def from_host(self, array, device):
        self.transfers += 1
        host = np.array(array, copy=True)
        return xp.asarray(host, dtype=self.native_dtype(host.dtype), device=self.native_device(device))

    def to_host(self, array):
        self.transfers += 1
        return np.array(array._array, copy=True)

    def diagonal(self, x, offset):
        z = super().diagonal(x, offset)
        z._array.flags.writeable = x._array.flags.writeable
        return z

    def shares_memory(self, x1, x2):
        return np.may_share_memory(x1._array, x2._array)

    def owns_memory(self, array):
        return array._array.base is None

    def memory_of(self, array):
        host = array._array
        return (id(host), host.nbytes) if host.base is None else (id(host.base), host.base.nbytes)

    def overlaps_itself(self, array):
        return super().overlaps_itself(array._array)

    def _hosted(self, key):
        return tuple(k._array if isinstance(k, self.array_type) else k for k in key)

    def _advanced(self, key):
        # Newaxis beside a complete key is refused by array_api_strict 2.6, though the standard has it.
        return any(isinstance(k, self.array_type) or k is None for k in key)

    def read(self, x, key):
        if not self._advanced(key):
            return x[key]
        return self._made(x._array[self._hosted(key)], x)

    def write(self, x, key, values):
        if not self._advanced(key):
            x[key] = values
        else:
            x._array[self._hosted(key)] = getattr(values, "_array", values)

    def scatter_add(self, x, key, values):
        np.add.at(x._array, self._hosted(key), getattr(values, "_array", values))

    def special(self, name):
        function = super().special(name)
        return lambda *arrays: self._made(function(*self._hosted(arrays)), arrays[0])

    def _made(self, array, like):
        return self.array_type._new(np.asarray(array), device=like.device)


def register():
    """Make the backend known to gpugrad as "strict"."""
    register_backend("strict", StrictBackend)
