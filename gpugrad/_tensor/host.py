"""What leaves the graph and the device: Python numbers, lists, NumPy views, DLPack, copies and pickles."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from gpugrad._graph import Leaf, expose
from gpugrad._op import new_tensor
from gpugrad.backends import Array, Device, backend_of, backend_of_device
from gpugrad.errors import DeviceError, GradientError

if TYPE_CHECKING:
    from gpugrad._tensor.tensor import Tensor

__all__ = ["HostAccess", "adopt"]


class HostAccess:
    """The part of a Tensor that hands its contents to Python and NumPy."""

    __slots__ = ()

    def _host(self: Any, what: str) -> np.ndarray[Any, Any]:
        if self.requires_grad:
            raise GradientError(
                f"{what} of a tensor that requires grad would leave the graph. Use tensor.detach().numpy()"
            )
        if self.device.kind != "cpu":
            raise TypeError(
                f"{what} of a tensor on '{self.device}': NumPy reads host memory only. Use tensor.cpu() first"
            )
        expose(self)
        view: np.ndarray[Any, Any] = backend_of(self._array).to_host(self._array).view()
        view.flags.writeable = False
        return view

    def numpy(self: Any) -> np.ndarray[Any, Any]:
        """Return a read-only NumPy view of the memory of a CPU tensor outside the graph."""
        return self._host("numpy()")

    def __array__(self: Any, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array = self._host("__array__")
        if dtype is not None and array.dtype != dtype:
            if copy is False:
                raise ValueError(f"a {array.dtype} tensor cannot become {dtype} without a copy")
            return array.astype(dtype)
        return array.copy() if copy else array

    def __array_namespace__(self: Any, *, api_version: str | None = None) -> Any:
        """Return the module gpugrad."""
        return sys.modules["gpugrad"]

    def __dlpack_device__(self: Any) -> tuple[int, int]:
        return tuple(self._array.__dlpack_device__())

    def __dlpack__(self: Any, *, max_version: tuple[int, int] | None = None, **options: Any) -> Any:
        if self.requires_grad:
            raise BufferError("a tensor that requires grad cannot be exported by DLPack. Use tensor.detach()")
        array = self._array
        if self.device.kind != "cpu":
            return array.__dlpack__(**options)
        if max_version is None or max_version[0] < 1:
            return array.copy().__dlpack__(**options)  # an old consumer cannot be told that memory is read-only
        return self._host("__dlpack__").__dlpack__(max_version=max_version, **options)

    def item(self: Any) -> Any:
        """Return the one element as a Python number."""
        if self.size != 1:
            raise ValueError(f"only a tensor of one element converts to a number; this one has shape {self.shape}")
        return backend_of(self._array).to_host(self._array).reshape(()).item()

    def tolist(self: Any) -> Any:
        """Return the elements as nested lists of Python numbers."""
        return backend_of(self._array).to_host(self._array).tolist()

    def __float__(self: Any) -> float:
        return float(self.item())

    def __int__(self: Any) -> int:
        return int(self.item())

    def __complex__(self: Any) -> complex:
        return complex(self.item())

    def __index__(self: Any) -> int:
        if self.dtype.kind not in "iu" or self.ndim:
            raise TypeError(f"only a 0-d tensor of integers is an index, not shape {self.shape} of {self.dtype}")
        return int(self.item())

    def __bool__(self: Any) -> bool:
        if self.size != 1:
            raise GradientError(
                f"the truth value of a tensor of shape {self.shape} is ambiguous; use .any() or .all() on it"
            )
        return bool(self.item())

    def __contains__(self: Any, value: Any) -> bool:
        return bool((self == value).any())

    def __deepcopy__(self: Any, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise GradientError("only leaves can be deep-copied; this tensor is a result. Use .detach().clone()")
        copy: Tensor = object.__new__(type(self))
        adopt(copy, backend_of(self._array).copy(self._array), self.requires_grad)
        memo[id(self)] = copy
        if self._grad is not None:
            copy._grad = new_tensor(backend_of(self._grad._array).copy(self._grad._array))
        return copy

    def __reduce__(self: Any) -> tuple[Any, ...]:
        if not self.is_leaf:
            raise GradientError("only leaves can be pickled; this tensor is a result. Use .detach()")
        host = np.array(backend_of(self._array).to_host(self._array), order="C")
        return _unpickled, (type(self), host, str(self.device), self.requires_grad)


def adopt(tensor: Any, array: Array, requires_grad: bool) -> None:
    """Fill the slots of a new tensor of any class."""
    tensor._array = array
    tensor._node = tensor._cell = tensor._alias = tensor._grad = None
    if requires_grad:
        tensor._node = Leaf(tensor)


def _unpickled(cls: type, host: np.ndarray[Any, Any], device: str, requires_grad: bool) -> Any:
    """Return a pickled leaf on its device, or on the CPU where that device is not to be had."""
    target = Device.parse(device)
    try:
        backend = backend_of_device(target)
        with backend.on(target):
            array = backend.from_host(host, target)
    except (DeviceError, RuntimeError):
        array = host
    tensor: Any = object.__new__(cls)
    adopt(tensor, array, requires_grad)
    return tensor
