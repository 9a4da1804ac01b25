"""Tensors made from nothing: zeros and ones, ranges, the identity. They are leaves on the device in use."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gpugrad import _ops as ops
from gpugrad._op import TENSORS, interpreter_of, new_tensor
from gpugrad._ops.manipulation import sizes_of
from gpugrad._tensor import Tensor
from gpugrad.backends import (
    Array,
    Backend,
    Device,
    as_dtype,
    backend_of,
    backend_of_device,
    default_complex,
    default_device,
    default_float,
    default_integer,
    dtypes,
)
from gpugrad.errors import DtypeError, GradientError, ShapeError

__all__ = [
    "arange",
    "empty",
    "empty_like",
    "eye",
    "full",
    "full_like",
    "linspace",
    "ones",
    "ones_like",
    "zeros",
    "zeros_like",
]


def _sizes(shape: int | Sequence[int]) -> tuple[int, ...]:
    sizes = sizes_of(shape)
    if any(n < 0 for n in sizes):
        raise ShapeError(f"shape {shape} has a negative size")
    return sizes


def _place(device: Any) -> tuple[Device, Backend]:
    """Return the device that is meant, the one in use where none is named, and its backend."""
    target = default_device() if device is None else Device.parse(device)
    return target, backend_of_device(target)


def _must_fit(value: Any, dtype: np.dtype[Any]) -> None:
    """Raise where a dtype cannot hold a number; NumPy would, and CuPy would store another one."""
    if not isinstance(value, int | float | complex):
        raise TypeError(f"a tensor is filled with a Python number, not {type(value).__name__}; see broadcast_to")
    if isinstance(value, complex) and dtype.kind != "c":
        raise DtypeError(f"the complex number {value} does not fit {dtype}; take its real part first")
    if dtype.kind in "iu" and not np.iinfo(dtype).min <= int(value.real) <= np.iinfo(dtype).max:
        raise OverflowError(f"{value} does not fit {dtype}; name a wider dtype")


def _filled(shape: int | Sequence[int], value: Any, dtype: Any, device: Any, requires_grad: bool = False) -> Tensor:
    _must_fit(value, dtype)
    target, backend = _place(device)
    with backend.on(target):
        made = new_tensor(
            backend.namespace.full(
                _sizes(shape), value, dtype=backend.native_dtype(dtype), device=backend.native_device(target)
            )
        )
    return made.requires_grad_() if requires_grad else made  # type: ignore[no-any-return]


def _float_or(dtype: Any) -> np.dtype[Any]:
    return default_float if dtype is None else as_dtype(dtype)


def zeros(shape: int | Sequence[int], *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return zeros, float32 unless `dtype` says otherwise.

    >>> zeros((2,))
    tensor([0., 0.])
    """
    return _filled(shape, 0, _float_or(dtype), device, requires_grad)


def ones(shape: int | Sequence[int], *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return ones, float32 unless `dtype` says otherwise.

    >>> ones((2,), requires_grad=True)
    tensor([1., 1.], requires_grad=True)
    """
    return _filled(shape, 1, _float_or(dtype), device, requires_grad)


def empty(shape: int | Sequence[int], *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor to be filled; it holds zeros, so that a forgotten element is at least the same every time.

    >>> empty((2, 3)).shape
    (2, 3)
    """
    return _filled(shape, 0, _float_or(dtype), device, requires_grad)


def full(
    shape: int | Sequence[int], fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return `fill_value` everywhere; the dtype follows the value. A 0-d tensor stays in the graph.

    >>> full((2,), 3)
    tensor([3, 3])
    """
    if type(fill_value) in TENSORS:
        made: Tensor = _spread(fill_value, shape, dtype, device)
        return made.requires_grad_() if requires_grad else made
    fill_value = _number(fill_value)
    if dtype is None:
        kinds = {bool: dtypes["bool"], int: default_integer, complex: default_complex}
        dtype = kinds.get(type(fill_value), default_float)
    return _filled(shape, fill_value, as_dtype(dtype), device, requires_grad)


def _spread(value: Any, shape: int | Sequence[int], dtype: Any, device: Any) -> Any:
    """Return a 0-d tensor everywhere, recorded."""
    if value.ndim:
        raise ShapeError(f"a tensor is filled with one number, not with shape {value.shape}; see broadcast_to")
    return ops.clone(ops.broadcast_to(value.to(dtype=dtype, device=device), _sizes(shape)))


def _number(value: Any) -> Any:
    """Return a NumPy number, or a tensor of one number, as a Python number of its kind."""
    if type(value) in TENSORS:
        if value.ndim or value.requires_grad:
            what = "one that requires grad" if value.requires_grad else f"one of shape {value.shape}"
            raise GradientError(
                f"arange and linspace go from number to number; a tensor without axes stands for one, but not {what}: "
                "take its .item(), or start + step * gpugrad.arange(n), which has a gradient"
            )
        return value.item()
    return value.item() if isinstance(value, np.generic) else value


def _counted(
    n: int, values: Callable[[Array, Any], Array], inside: np.dtype[Any] | None, dtype: np.dtype[Any], device: Any
) -> Tensor:
    """Return `values` of the places 0 ... n - 1, computed on the device, as `dtype`.

    They are computed in dtype `inside`, or in the widest float there is, so that float32 is right to the last digit.
    """
    target, backend = _place(device)
    with backend.on(target):
        xp, native = backend.namespace, backend.native_dtype
        inside = backend.widest_float(target) if inside is None else inside
        places = xp.arange(n, dtype=native(inside), device=backend.native_device(target))
        z = values(places, xp)
        made: Tensor = new_tensor(z if inside == dtype else xp.astype(z, native(dtype)))
    return made


def arange(
    start: float, /, stop: float | None = None, step: float = 1, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """Return start, start + step, ... up to but without `stop`; one argument counts from 0.

    >>> arange(3)
    tensor([0, 1, 2])
    """
    first, end, by = map(_number, (0, start, step) if stop is None else (start, stop, step))
    if by == 0:
        raise ShapeError("arange: step must not be 0")
    whole = all(isinstance(n, int) for n in (first, end, by))
    wanted = as_dtype(dtype) if dtype is not None else default_integer if whole else default_float
    try:
        n = len(range(first, end, by)) if whole else max(0, math.ceil((end - first) / by))
    except (OverflowError, ValueError):
        raise ShapeError(f"arange: from {first} to {end} by {by} is not a number of steps") from None
    if not whole or wanted.kind not in "iu":
        return _counted(n, lambda places, _: places * float(by) + float(first), None, wanted, device)
    span = max(0, n - 1) * by
    for number in (first, first + span) if n else ():
        _must_fit(number, wanted)
    if (first, by) == (0, 1):
        return _counted(n, lambda places, _: places, wanted, wanted, device)
    inside = default_integer
    if max(abs(first), abs(first + span), abs(span), abs(by)) >> 63:
        inside = dtypes["uint64"]  # which wraps around, and so is exact for every integer
        first, by = first % (1 << 64), by % (1 << 64)
    return _counted(n, lambda places, _: places * by + first, inside, wanted, device)


def linspace(
    start: complex, stop: complex, /, num: int, *, dtype: Any = None, device: Any = None, endpoint: bool = True
) -> Tensor:
    """Return `num` numbers at equal distances from `start` to `stop`, which is the last one where `endpoint` says so.

    >>> linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    start, stop, (count,) = _number(start), _number(stop), _sizes(num)
    kind = default_complex if complex in (type(start), type(stop)) else default_float
    wanted = kind if dtype is None else as_dtype(dtype)
    for end in (start, stop):
        if type(end) is complex:
            _must_fit(end, wanted)
    steps = max(1, count - 1 if endpoint else count)

    def values(places: Array, xp: Any) -> Array:
        z = places * ((stop - start) / steps) + start
        return xp.where(places == steps, xp.full_like(z, stop), z) if endpoint and count > 1 else z

    return _counted(count, values, None, wanted, device)


def eye(n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Any = None, device: Any = None) -> Tensor:
    """Return ones on the k-th diagonal and zeros elsewhere.

    >>> eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    rows, columns = _sizes((n_rows, n_rows if n_cols is None else n_cols))
    target, backend = _place(device)
    with backend.on(target):
        wanted = backend.native_dtype(_float_or(dtype))
        place = backend.native_device(target)
        made: Tensor = new_tensor(backend.namespace.eye(rows, columns, k=k, dtype=wanted, device=place))
    return made


def _like(x: Any, value: Any, dtype: Any, device: Any) -> Any:
    """Return a constant of the shape of `x`: a tensor for a tensor, an array for an array."""
    interpreter = interpreter_of([x])
    if interpreter is not None:
        return interpreter.each(x, lambda one: _like(one, value, dtype, device))
    array = x._array if type(x) in TENSORS else x
    backend = backend_of(array)
    dtype = backend.dtype_of(array) if dtype is None else as_dtype(dtype)
    device = backend.device_of(array) if device is None else device
    if type(value) in TENSORS:
        return _spread(value, array.shape, dtype, device)
    made = _filled(array.shape, _number(value), dtype, device)
    return made if type(x) in TENSORS else made._array


def zeros_like(x: Array, /, *, dtype: Any = None, device: Any = None) -> Any:
    """Return zeros of the shape, dtype and device of `x`; they do not require grad.

    >>> zeros_like(ones(2))
    tensor([0., 0.])
    """
    return _like(x, 0, dtype, device)


def ones_like(x: Array, /, *, dtype: Any = None, device: Any = None) -> Any:
    """Return ones of the shape, dtype and device of `x`; they do not require grad.

    >>> ones_like(zeros(2))
    tensor([1., 1.])
    """
    return _like(x, 1, dtype, device)


def empty_like(x: Array, /, *, dtype: Any = None, device: Any = None) -> Any:
    """Return a tensor to be filled, of the shape, dtype and device of `x`.

    >>> empty_like(ones(2)).shape
    (2,)
    """
    return _like(x, 0, dtype, device)


def full_like(x: Array, /, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """Return `fill_value`, a number or a 0-d tensor, in the shape, dtype and device of `x`.

    >>> full_like(zeros(2), 7.)
    tensor([7., 7.])
    """
    return _like(x, fill_value, dtype, device)
