"""The module that code under test knows as cupy.cuda: devices, streams, what is asked of the driver, and kernels."""

from __future__ import annotations

import gc
import re
import time
import weakref
from types import SimpleNamespace

import numpy as np

from fake_cupy._array import ndarray, on_current
from fake_cupy._generated import Generated
from fake_cupy._state import DEVICES, counts, current
from gpugrad.cuda import source

__all__ = [
    "Device",
    "Event",
    "MemoryPool",
    "RawModule",
    "Stream",
    "alloc_pinned_memory",
    "cublas",
    "device",
    "get_current_stream",
    "get_default_memory_pool",
    "get_elapsed_time",
    "is_available",
    "nvrtc",
    "runner",
    "runtime",
    "set_allocator",
]


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
        "L2CacheSize": 1 << 12,
    }
    mem_info = (1 << 30, 1 << 30)

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
        _wait()

    def __int__(self):
        return self.id

    def __eq__(self, other):
        return type(other) is Device and other.id == self.id

    def __hash__(self):
        return self.id

    def __repr__(self):
        return f"<CUDA Device {self.id}>"


def _wait():
    """Wait for the device: everything that was recorded is past."""
    counts.synchronisations += 1
    _pending.clear()


class Stream:
    """A stream: everything is done at once here, so that only waiting for it counts."""

    def __init__(self, null=False, non_blocking=False, ptds=False, priority=None):
        self.null, self.ptds = null, ptds
        self.ptr, self.device_id = (0, -1) if null else (id(self), current.id)

    @classmethod
    def from_external(cls, obj):
        """Return the stream that an object of another library stands for, by its protocol."""
        if not hasattr(obj, "__cuda_stream__"):
            raise TypeError(f"Object of type {type(obj).__name__} does not implement __cuda_stream__")
        version, pointer = obj.__cuda_stream__()
        if version != 0 or type(pointer) is not int:
            raise TypeError("__cuda_stream__() must return (0, int)")
        stream = cls()
        stream.ptr, stream.device_id, stream._foreign_stream_ref = pointer, -1, obj
        return stream

    def __cuda_stream__(self):
        return 0, self.ptr

    def __eq__(self, other):
        return isinstance(other, Stream) and self.ptr == other.ptr

    def __hash__(self):
        return self.ptr

    def __enter__(self):
        if self.device_id not in (-1, current.id):
            raise RuntimeError(
                f"The device that the stream is created on ({self.device_id}) does not match with the current device "
                f"({current.id})"
            )
        _streams.append(self)
        return self

    def __exit__(self, *_):
        _streams.pop()

    def synchronize(self):
        _wait()

    def record(self, event=None):
        event = Event() if event is None else event
        event.record(self)
        return event

    def wait_event(self, event):
        """Let what comes wait for an event; the host does not wait."""
        if not isinstance(event, Event):
            raise TypeError(f"a stream waits for an event, not for a {type(event).__name__}")


Stream.null = Stream(null=True)
_streams = [Stream.null]


def get_current_stream(device_id=-1):
    return _streams[-1]


class Event:
    """A mark in a stream, and the time of the host when it was set; it must be waited for before that is asked."""

    def __init__(self, block=False, disable_timing=False, interprocess=False):
        self._timed, self._time = not disable_timing, None

    def record(self, stream=None):
        if stream is not None and not isinstance(stream, Stream):
            raise TypeError(f"an event is recorded in a stream, not in a {type(stream).__name__}")
        self._time = time.perf_counter()
        _pending.add(self)

    @property
    def done(self):
        return self not in _pending

    def synchronize(self):
        counts.synchronisations += 1
        for event in [event for event in _pending if self._time is not None and event._time <= self._time]:
            _pending.discard(event)


_pending = weakref.WeakSet()


def get_elapsed_time(start_event, end_event):
    """Return the milliseconds between two events, as far as the host's clock knows them."""
    for event in (start_event, end_event):
        if event._time is None or not event._timed:
            raise CUDARuntimeError("cudaErrorInvalidResourceHandle: invalid resource handle")
        if not event.done:
            raise CUDARuntimeError("cudaErrorNotReady: device not ready")
    return 1e3 * (end_event._time - start_event._time)


class MemoryPool:
    """The pool that arrays come from; it keeps nothing for later, so what it holds is what is in use."""

    def used_bytes(self):
        """Return the bytes of all arrays that have memory of their own, each in whole units of the pool."""
        owners = [x for x in gc.get_objects() if type(x) is ndarray and x.base is None and x._device == current.id]
        return sum(-(-x.nbytes // _unit) * _unit for x in owners)

    total_bytes = used_bytes

    def free_all_blocks(self, stream=None):
        """Return to the device what nobody uses: nothing."""


_unit = 512
_pool = MemoryPool()


def get_default_memory_pool():
    return _pool


def set_allocator(allocator=None):
    """Take memory from where it is said; it is NumPy's all the same."""
    if allocator is not None and not callable(allocator):
        raise TypeError("CuPy allocator must be callable or None")


def alloc_pinned_memory(size):
    """Return host memory, as anything that lends its buffer."""
    return bytearray(size)


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
    """A module of kernels in C++, compiled by nobody: `runner` knows what each of them does.

    What is not a file of kernels/ is known to nobody, and compiled and executed.
    """

    def __init__(self, code=None, *, path=None, options=(), backend="nvrtc", name_expressions=None):
        if not isinstance(code, str) or type(options) is not tuple:
            raise TypeError("RawModule takes its code as a string, and its options as a tuple of strings")
        self.code, self.options = code, options
        self.file = re.findall(r'^#line 1 "(.*)"$', code, re.M)[-1]
        self.generated = None if self.file in source.names() else Generated(code, self.file)

    def get_function(self, name):
        """Return a kernel by its name; one that the source does not have is an error of the driver."""
        parameters = (self.generated or runner.plugged).parameters(self.file, name)
        # A name is written out, or made by a macro for each dtype.
        names = rf"{name}|{name.rpartition('_')[0]}_##\w+"
        bounds = re.search(rf"__launch_bounds__\((\d+)\)[\s\\]+(?:{names})\(", self.code)
        return _Function(self.file, name, parameters, int(bounds[1]) if bounds else 1024, self.generated)


class _Function:
    def __init__(self, file, name, parameters, most_threads, generated=None):
        self.file, self.name, self.parameters, self.max_threads_per_block = file, name, parameters, most_threads
        self.generated = generated

    def __call__(self, grid, block, args, *, shared_mem=0, stream=None):
        if type(grid) is not tuple or type(block) is not tuple:
            raise TypeError(f"{self.name}: grid and block are tuples")
        if not 1 <= len(grid) <= 3 or not 1 <= len(block) <= 3:
            raise ValueError(f"{self.name}: grid {grid} and block {block} have one to three sizes each")
        for size, most in ((grid, (2**31 - 1, 65535, 65535)), (block, (1024, 1024, 64))):
            if not all(1 <= n <= limit for n, limit in zip(size, most, strict=False)):
                raise CUDARuntimeError(f"CUDA_ERROR_INVALID_VALUE: {self.name} with grid {grid} and block {block}")
        if np.prod(block) > self.max_threads_per_block:
            raise CUDARuntimeError(f"CUDA_ERROR_INVALID_VALUE: {self.name} with a block of {block}")
        if not 0 <= shared_mem <= 48 << 10:
            raise CUDARuntimeError(f"CUDA_ERROR_INVALID_VALUE: {self.name} with {shared_mem} bytes of shared memory")
        if len(args) != len(self.parameters):
            raise TypeError(f"{self.name} reads {len(self.parameters)} arguments, and was given {len(args)}")
        hosts = [self._host(p, a) for p, a in zip(self.parameters, args, strict=True)]
        counts.launches += 1
        (self.generated or runner.plugged).run(self.file, self.name, grid, block, hosts)

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
