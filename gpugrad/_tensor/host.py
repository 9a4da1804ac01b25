"""What leaves the graph and the device: Python numbers, lists, NumPy views, DLPack, copies and pickles."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from gpugrad._graph import Leaf, expose
from gpugrad._op import new_tensor
from gpugrad.backends import Array, Device, backend_of, backend_of_device
from gpugrad.errors import DeviceError, GradientError, OptionError

if TYPE_CHECKING:
    from gpugrad._tensor.tensor import Tensor

__all__ = ["HostAccess", "adopt"]

_api_versions = ("2021.12", "2022.12", "2023.12", "2024.12", "2025.12")
_dlpack_cpu = (1, 0)


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
        """Return the module gpugrad, the namespace of every version of the array API up to its own."""
        if api_version is not None and api_version not in _api_versions:
            raise OptionError(f"api_version {api_version!r} is not one of {', '.join(_api_versions)}")
        return sys.modules["gpugrad"]

    def __dlpack_device__(self: Any) -> tuple[int, int]:
        return tuple(self._array.__dlpack_device__())

    def __dlpack__(
        self: Any,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[Any, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """Return the memory for another library: on the CPU read-only, or a copy for one that cannot be told so.

        A consumer of before DLPack 1.0 gets the memory itself by asking for it, with ``copy=False``.
        """
        if self.requires_grad:
            raise BufferError("a tensor that requires grad cannot be exported by DLPack. Use tensor.detach()")
        here = self.__dlpack_device__()
        there = here if dl_device is None else (int(getattr(dl_device[0], "value", dl_device[0])), int(dl_device[1]))
        if there not in (here, _dlpack_cpu) or (there != here and copy is False):
            raise BufferError(
                f"a tensor on '{self.device}' is exported by DLPack to its own device, or copied to the CPU, and not "
                f"to device {there} with copy={copy}. Use tensor.to(...) first"
            )
        if self.device.kind == "cpu":
            if stream is not None:
                raise BufferError(f"a tensor on the CPU has no streams: stream must be None, not {stream!r}")
            return self._dlpack_of_host(max_version, copy)
        if there != here:
            return self._array.__dlpack__(max_version=max_version, dl_device=there, copy=copy)
        backend = backend_of(self._array)
        with backend.on(self.device):
            array = backend.copy(self._array) if copy else self._array
            if not copy:
                expose(self)
            return array.__dlpack__(stream=stream, max_version=max_version)

    def _dlpack_of_host(self: Any, max_version: tuple[int, int] | None, copy: bool | None) -> Any:
        if max_version is not None and max_version[0] >= 1:
            if copy:
                return self._array.__dlpack__(max_version=max_version, copy=True)
            return self._host("__dlpack__").__dlpack__(max_version=max_version)
        if copy is False:
            expose(self)
            return self._array.__dlpack__()
        return self._array.copy().__dlpack__()

    def item(self: Any) -> Any:
        """Return the one element as a Python number."""
        if self.size != 1:
            raise ValueError(f"only a tensor of one element converts to a number; this one has shape {self.shape}")
        return backend_of(self._array).to_host(self._array).reshape(()).item()

    def tolist(self: Any) -> Any:
        """Return the elements as nested lists of Python numbers."""
        return backend_of(self._array).to_host(self._array).tolist()

    def _number(self: Any, kind: str) -> Any:
        """Return the one element for a conversion, which other libraries may make without the user's knowledge."""
        if self.requires_grad:
            warnings.warn(
                f"{kind}() of a tensor that requires grad: the number has left the graph, and gets no gradient. Where "
                "that is meant, use .item(), or .detach() before",
                stacklevel=3,
            )
        return self.item()

    def __float__(self: Any) -> float:
        return float(self._number("float"))

    def __int__(self: Any) -> int:
        return int(self._number("int"))

    def __complex__(self: Any) -> complex:
        return complex(self._number("complex"))

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
