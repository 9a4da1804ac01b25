"""The module that code under test knows as cupy.cuda: devices, streams, what is asked of the driver, and kernels."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np

from fake_cupy._array import ndarray, on_current
from fake_cupy._state import DEVICES, counts, current

__all__ = ["Device", "RawModule", "Stream", "cublas", "device", "is_available", "nvrtc", "runner", "runtime"]


def is_available():
    return True


class CUDARuntimeError(RuntimeError):
    """What CuPy raises when the runtime answers with an error."""


def _set_device(device_id):
    if not 0 <= device_id < DEVICES:
        raise CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
    current.id = device_id


class Device:
    """A device by its number; without one, the current device."""

    __slots__ = ("id",)

    def __init__(self, device=None):
        self.id = current.id if device is None else int(device)

    compute_capability = "90"
    attributes = {  # noqa: RUF012 - CuPy has one dictionary per device as well
        "MultiProcessorCount": 4,
        "MaxThreadsPerMultiProcessor": 2048,
        "MaxThreadsPerBlock": 1024,
        "WarpSize": 32,
    }

    def __enter__(self):
        current.before.append(current.id)
        if self.id != current.id:
            _set_device(self.id)
        return self

    def __exit__(self, *_):
        current.id = current.before.pop()

    def use(self):
        _set_device(self.id)
        return self

    def synchronize(self):
        counts.synchronisations += 1

    def __int__(self):
        return self.id

    def __eq__(self, other):
        return type(other) is Device and other.id == self.id

    def __hash__(self):
        return self.id

    def __repr__(self):
        return f"<CUDA Device {self.id}>"


class Stream:
    """A stream: everything is done at once here, so that only waiting for it counts."""

    def __init__(self, null=False, non_blocking=False, ptds=False, priority=None):
        self.null, self.ptds, self.ptr, self.device_id = null, ptds, 0 if null else id(self), current.id

    def __enter__(self):
        _streams.append(self)
        return self

    def __exit__(self, *_):
        _streams.pop()

    def synchronize(self):
        counts.synchronisations += 1


Stream.null = Stream(null=True)
_streams = [Stream.null]


def get_current_stream(device_id=-1):
    return _streams[-1]


runtime = SimpleNamespace(
    CUDARuntimeError=CUDARuntimeError,
    getDevice=lambda: current.id,
    setDevice=_set_device,
    getDeviceCount=lambda: DEVICES,
    getDeviceProperties=lambda device_id: {"name": b"a stand-in, no GPU", "totalGlobalMem": 1 << 30},
    runtimeGetVersion=lambda: 13000,
    driverGetVersion=lambda: 13000,
)
nvrtc = SimpleNamespace(getVersion=lambda: (13, 0))
cublas = SimpleNamespace(getVersion=lambda handle: 130000)
device = SimpleNamespace(Device=Device, get_cublas_handle=lambda: 1)

# Kernels


runner = SimpleNamespace(plugged=None)
"""What runs the kernels, as `plugged`."""


class RawModule:
    """A module of kernels in C++, compiled by nobody: `runner` knows what each of them does."""

    def __init__(self, code=None, *, path=None, options=(), backend="nvrtc", name_expressions=None):
        if not isinstance(code, str) or type(options) is not tuple:
            raise TypeError("RawModule takes its code as a string, and its options as a tuple of strings")
        self.code, self.options = code, options
        self.file = re.findall(r'^#line 1 "(.*)"$', code, re.M)[-1]

    def get_function(self, name):
        """Return a kernel by its name; one that the source does not have is an error of the driver."""
        return _Function(self.file, name, runner.plugged.parameters(self.file, name))


class _Function:
    def __init__(self, file, name, parameters):
        self.file, self.name, self.parameters = file, name, parameters

    def __call__(self, grid, block, args, *, shared_mem=0, stream=None):
        for size, most in ((grid, (2**31 - 1, 65535, 65535)), (block, (1024, 1024, 64))):
            if not all(1 <= n <= limit for n, limit in zip(size, most, strict=False)):
                raise CUDARuntimeError(f"CUDA_ERROR_INVALID_VALUE: {self.name} with grid {grid} and block {block}")
        if np.prod(block) > 1024:
            raise CUDARuntimeError(f"CUDA_ERROR_INVALID_VALUE: {self.name} with a block of {block}")
        if len(args) != len(self.parameters):
            raise TypeError(f"{self.name} reads {len(self.parameters)} arguments, and was given {len(args)}")
        hosts = [self._host(p, a) for p, a in zip(self.parameters, args, strict=True)]
        counts.launches += 1
        runner.plugged.run(self.file, self.name, grid, block, hosts)

    def _host(self, parameter, argument):
        """Return what the kernel reads of an argument, or raise: CuPy would hand on anything at all."""
        name, dtype, is_array = parameter
        where = f"{self.name}: {name}"
        if not is_array:
            if not isinstance(argument, np.generic) or argument.dtype != dtype:
                raise TypeError(f"{where} is {dtype} and was given {argument!r}, a {type(argument).__name__}")
            return argument
        if type(argument) is not ndarray:
            raise TypeError(f"{where} is a pointer to {dtype} on the device, and was given a {type(argument).__name__}")
        on_current(argument)
        if argument.dtype != dtype:
            raise TypeError(f"{where} is a pointer to {dtype}, and was given {argument.dtype}")
        if not argument.flags.c_contiguous:
            raise ValueError(f"{where} is not C-contiguous, which a kernel cannot see")
        return argument._host
