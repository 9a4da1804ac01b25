"""Tensors from what users have: lists, numbers, NumPy arrays, arrays of any backend, other tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpugrad import _ops as ops
from gpugrad._graph import watch_array
from gpugrad._op import TENSORS, interpreter_of, new_tensor
from gpugrad._tensor.tensor import Tensor
from gpugrad.backends import (
    Device,
    as_dtype,
    backend_of,
    backend_of_device,
    default_complex,
    default_device,
    default_float,
    default_integer,
    dtypes,
    is_array_type,
)
from gpugrad.errors import DtypeError, ShapeError

__all__ = ["asarray", "from_host", "tensor"]


def from_host(array: np.ndarray[Any, Any], device: Any = None) -> Tensor:
    """Return a new tensor on `device` (by default the one in use) with the contents of a host array."""
    target = default_device() if device is None else Device.parse(device)
    backend = backend_of_device(target)
    with backend.on(target):
        return new_tensor(backend.from_host(array, target))


def _host(data: Any, dtype: Any) -> np.ndarray[Any, Any]:
    """Return numbers, nested lists or an array as a host array in gpugrad's dtypes."""
    typed = isinstance(data, np.ndarray | np.generic)
    array = np.asarray(data) if typed else _of_numbers(_numbers(data))
    if array.dtype.name not in dtypes and not _whole(array):
        raise DtypeError(f"cannot make a tensor of {type(data).__name__} with dtype {array.dtype}: numbers are needed")
    if dtype is not None:
        wanted = as_dtype(dtype)
        if array.dtype.kind == "c" and wanted.kind != "c":
            raise DtypeError(f"complex numbers do not become {wanted}; take their real part first")
        return array.astype(wanted) if typed else _held(array, wanted)
    if typed:
        return array.astype(array.dtype.newbyteorder("="), copy=False)
    kinds = {"f": default_float, "c": default_complex, "b": dtypes["bool"]}
    return _held(array, kinds.get(array.dtype.kind, default_integer))


def _held(array: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Return numbers in another dtype; an integer that it cannot hold is an error, and never another integer."""
    if array.size and array.dtype.kind in "iuO" and dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if int(array.min()) < limits.min or int(array.max()) > limits.max:
            raise OverflowError(f"integers from {array.min()} to {array.max()} do not fit {dtype}; name a wider dtype")
    return array.astype(dtype)


def _of_numbers(data: Any) -> np.ndarray[Any, Any]:
    """Return nested lists as a host array; integers beyond NumPy's, of which it makes floats, as Python objects."""
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise ShapeError(f"the nested lists do not form an array: {error}") from None
    if array.size and array.dtype.kind == "f" and np.abs(array).max() >= 2.0**63:
        objects = np.asarray(data, dtype=object)
        array = objects if _whole(objects) else array
    return array


def _whole(array: np.ndarray[Any, Any]) -> bool:
    """Return whether an array holds Python objects that are all integers."""
    return array.dtype.kind == "O" and all(isinstance(x, int) for x in array.flat)


def _exchanged(data: Any) -> Any:
    """Return what another library lends its memory by, ``__array__`` or a buffer, as a NumPy array; else `data`."""
    if type(data) in TENSORS or isinstance(data, np.ndarray | np.generic | str | int | float | complex | list | tuple):
        return data
    if is_array_type(type(data)):
        return data
    if hasattr(type(data), "__array__"):
        return np.asarray(data)
    try:
        return np.asarray(memoryview(data))
    except TypeError:
        return data


def _numbers(data: Any) -> Any:
    """Return nested lists with tensors in them as nested lists of numbers and arrays."""
    if type(data) in TENSORS:
        return backend_of(data._array).to_host(data._array)
    if isinstance(data, list | tuple):
        return [_numbers(item) for item in data]
    return data


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a new leaf with a copy of `data`: numbers, nested lists, an array.

    Floats become the default float, float32, and integers int64; an array keeps its dtype. What comes from the host
    goes to `device`, or to the one in use; an array or tensor of a device stays there unless another is named.

    >>> import gpugrad
    >>> gpugrad.tensor([[1., 2.], [3., 4.]], requires_grad=True)
    tensor([[1., 2.],
            [3., 4.]], requires_grad=True)
    """
    data = _exchanged(data)
    if type(data) in TENSORS or (is_array_type(type(data)) and not isinstance(data, np.generic | np.ndarray)):
        source = data if type(data) in TENSORS else new_tensor(data)
        made = source.detach().to(dtype=dtype, device=device)
        same = type(made._array) is type(source._array)
        if same and backend_of(made._array).shares_memory(made._array, source._array):
            made = new_tensor(backend_of(made._array).copy(made._array))
    else:
        made = from_host(_host(data, dtype), device)
    return made.requires_grad_() if requires_grad else made


def _first_tensor(data: Any) -> Any:
    """Return the first tensor in nested lists, None where there is none."""
    if isinstance(data, list | tuple):
        return next((found for found in map(_first_tensor, data) if found is not None), None)
    return data if type(data) in TENSORS else None


def _stacked(data: Any, device: Device) -> Any:
    """Return nested lists with tensors in them as one tensor, recorded; the numbers among them go to `device`."""
    if type(data) in TENSORS:
        return data
    if isinstance(data, list | tuple):
        return ops.stack([_stacked(item, device) for item in data])
    return tensor(data, device=device)


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Tensor:
    """Return `obj` as a tensor; it shares memory with an array where that is possible and `copy` is not True.

    A tensor that needs no change is returned itself. Lists with tensors in them stay in the graph. Dtypes and devices
    are chosen as `tensor` chooses them; ``copy=False`` raises where memory cannot be shared.

    >>> import gpugrad
    >>> x = gpugrad.tensor(2., requires_grad=True)
    >>> gpugrad.asarray([x, x * x]).sum().backward()
    >>> x.grad
    tensor(5.)
    """
    if interpreter_of([obj]) is not None:
        return obj.to(dtype=dtype, device=device, copy=bool(copy))
    obj = _exchanged(obj)
    first = _first_tensor(obj)
    made: Any = obj
    fresh = False
    if first is not None:
        made = _stacked(obj, first.device)
        fresh = made is not obj
    elif is_array_type(type(obj)) and not isinstance(obj, np.generic):
        made = new_tensor(_host(obj, None) if isinstance(obj, np.ndarray) else obj)
        fresh = made.dtype != obj.dtype if isinstance(obj, np.ndarray) else False
        device = default_device() if device is None and isinstance(obj, np.ndarray) else device
        if not fresh:
            watch_array(made)
    else:
        made, fresh = from_host(_host(obj, dtype), device), True
    changed = made.to(dtype=dtype, device=device)
    fresh = fresh or changed is not made
    if fresh and copy is False:
        raise ValueError(f"asarray: {type(obj).__name__} cannot become this tensor without a copy; leave copy out")
    return changed.clone() if copy and not fresh else changed
