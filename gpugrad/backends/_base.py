"""What gpugrad asks of an array library: the standard's namespace, and a short list of things outside it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeAlias

import numpy as np

from gpugrad.backends._device import Device
from gpugrad.backends._dtypes import dtypes
from gpugrad.backends._promotion import promoting
from gpugrad.errors import DeviceError, MissingPackage

__all__ = ["Array", "Backend"]

Array: TypeAlias = Any
"""An array of any backend. The libraries share no base class, so the type checker learns no more."""


class Backend(ABC):
    """One array library: its namespace, its devices, and the primitives that the standard lacks.

    A key handed to `read`, `write` or `scatter_add` is a complete tuple: an entry for every axis of the array
    (slices, integers, integer arrays, None), or a single boolean mask.
    """

    name: str
    device_kind: str
    array_type: type
    checks_operands: bool = True
    """Whether `function` must look at operands first; NumPy has one device and settles dtypes afterwards."""

    @property
    @abstractmethod
    def namespace(self) -> Any:
        """The array-API namespace, `xp` in the rules."""

    @abstractmethod
    def devices(self) -> tuple[Device, ...]:
        """Return every device on which an array can be made, the default one first."""

    @abstractmethod
    def device_of(self, array: Array) -> Device:
        """Return the device that holds `array`."""

    @abstractmethod
    def native_device(self, device: Device) -> Any:
        """Return what the library itself calls `device`, for its ``device=`` arguments."""

    @abstractmethod
    def on(self, device: Device) -> AbstractContextManager[Any]:
        """Make `device` the current one within the block."""

    def make_current(self, device: Device) -> None:  # noqa: B027 - most libraries have nothing to do
        """Make `device` the current one until the block of `on` around this call ends."""

    def on_stream(self, stream: Any) -> AbstractContextManager[Any]:
        """Queue work on `stream`, the library's own or a pointer, within the block; what comes after waits for it."""
        raise DeviceError(f"{self.name} has no streams: stream must be None, not {stream!r}")

    @abstractmethod
    def from_host(self, array: np.ndarray[Any, Any], device: Device) -> Array:
        """Return a new array on `device` with the contents of a host array."""

    @abstractmethod
    def to_host(self, array: Array) -> np.ndarray[Any, Any]:
        """Return the contents as a host array; it shares memory only where the array lives on the host."""

    def to_pinned(self, array: Array) -> np.ndarray[Any, Any]:
        """Return the contents in page-locked host memory, which a device copies from faster, where there is such."""
        return self.to_host(array)

    def memory_of(self, array: Array) -> tuple[int, int]:
        """Return what tells the memory that an array keeps alive from other memory, and its size in bytes."""
        owner = array
        while isinstance(getattr(owner, "base", None), self.array_type):
            owner = owner.base
        return id(owner), int(owner.nbytes)

    @abstractmethod
    def shares_memory(self, x1: Array, x2: Array) -> bool:
        """Return whether a write to one array can be seen in the other."""

    @abstractmethod
    def owns_memory(self, array: Array) -> bool:
        """Return whether `array` is known to be the only array over its memory when nobody else holds it."""

    def overlaps_itself(self, array: Array) -> bool:
        """Return whether elements of `array` share memory with each other, as those of a broadcast result do."""
        steps = zip(array.strides, array.shape, strict=True)
        return 0 not in array.shape and any(step == 0 and size > 1 for step, size in steps)

    @abstractmethod
    def scatter_add(self, x: Array, key: tuple[Any, ...], values: Array) -> None:
        """Add `values` into ``x[key]`` in place; where a key repeats, every value counts. Deterministic."""

    def read(self, x: Array, key: tuple[Any, ...]) -> Array:
        """Return ``x[key]``; basic keys give a view."""
        return x[key]

    def write(self, x: Array, key: tuple[Any, ...], values: Array) -> None:
        """Write `values` into ``x[key]`` in place; where a key repeats, the last value wins."""
        x[key] = values

    queues: bool = False
    """Whether work is queued on a device, so that the host's clock does not tell how long it takes."""

    def mark(self) -> Any:
        """Return a mark in the queue of the current device, which its clock will be read at."""
        raise DeviceError(f"{self.name} queues no work")

    def seconds_between(self, first: Any, last: Any) -> float:
        """Return how long a device took from one mark to another; it must be past both."""
        raise DeviceError(f"{self.name} queues no work")

    def wait(self, device: Device) -> None:  # noqa: B027 - most libraries have nothing to wait for
        """Wait until all that is queued on a device is done."""

    def special(self, name: str) -> Callable[..., Array]:
        """Return the special function that SciPy calls `name`, on arrays of one real dtype; here it is SciPy's own."""
        try:
            from scipy import special  # slow to import, and not everybody has it
        except ImportError:
            raise MissingPackage(f'{name} needs SciPy: pip install "gpugrad[scipy]"') from None
        function = getattr(special, name)

        def rounded(*arrays: Array) -> Array:
            """Compute in float64: in float32 some of SciPy's functions lose half of the digits, or all."""
            z = function(*(x.astype(np.float64) for x in arrays))
            return z.astype(arrays[0].dtype)

        return rounded

    def diagonal(self, x: Array, offset: int) -> Array:
        """Return the diagonals of the matrices of `x`, a view that can be written to where `x` can."""
        return self.namespace.linalg.diagonal(x, offset=offset)

    def quiet(self) -> AbstractContextManager[Any]:
        """Return a block in which overflow and invalid operations, expected there, give no warning."""
        return np.errstate(all="ignore")

    def checked(self) -> AbstractContextManager[Any]:
        """Return a block in which a decomposition that fails raises NumPy's LinAlgError."""
        return nullcontext()

    def dtype_of(self, array: Array) -> np.dtype[Any]:
        """Return the dtype in gpugrad's terms."""
        return array.dtype  # type: ignore[no-any-return]

    def native_dtype(self, dtype: np.dtype[Any]) -> Any:
        """Return what the library itself calls `dtype`."""
        return dtype

    def widest_float(self, device: Device) -> np.dtype[Any]:
        """Return the widest floating-point dtype that a device computes in."""
        return dtypes["float64"]

    def wrap(self, value: Any) -> Array:
        """Return a result as an array: NumPy hands back scalars for 0-d results."""
        return value

    def function(self, f: Callable[..., Array]) -> Callable[..., Array]:
        """Return `f` as it is to be called with operands of this backend."""
        return promoting(self, f)

    def copy(self, x: Array) -> Array:
        """Return a C-contiguous copy on the same device."""
        return self.namespace.asarray(x, copy=True)
