"""Tensors made from nothing: zeros and ones, ranges, the identity. They are leaves on the device in use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gpugrad._op import TENSORS, new_tensor
from gpugrad._ops.manipulation import sizes_of
from gpugrad._tensor import Tensor
from gpugrad._tensor.making import from_host
from gpugrad.backends import (
    Array,
    Device,
    as_dtype,
    backend_of,
    backend_of_device,
    default_device,
    default_float,
    default_integer,
)
from gpugrad.errors import ShapeError

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


def _filled(shape: int | Sequence[int], value: Any, dtype: Any, device: Any, requires_grad: bool = False) -> Tensor:
    target = default_device() if device is None else Device.parse(device)
    backend = backend_of_device(target)
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
    """Return `fill_value` everywhere; the dtype follows the value.

    >>> full((2,), 3)
    tensor([3, 3])
    """
    if isinstance(fill_value, np.generic):
        fill_value = fill_value.item()
    if dtype is None:
        kinds = {bool: np.dtype("bool"), int: default_integer, complex: np.dtype("complex64")}
        dtype = kinds.get(type(fill_value), default_float)
    return _filled(shape, fill_value, as_dtype(dtype), device, requires_grad)


def arange(
    start: float, /, stop: float | None = None, step: float = 1, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """Return start, start + step, ... up to but without `stop`; one argument counts from 0.

    >>> arange(3)
    tensor([0, 1, 2])
    """
    if stop is None:
        start, stop = 0, start
    if step == 0:
        raise ShapeError("arange: step must not be 0")
    whole = all(isinstance(n, int | np.integer) for n in (start, stop, step))
    wanted = as_dtype(dtype) if dtype is not None else default_integer if whole else default_float
    return from_host(np.arange(start, stop, step).astype(wanted), device)


def linspace(
    start: float, stop: float, /, num: int, *, dtype: Any = None, device: Any = None, endpoint: bool = True
) -> Tensor:
    """Return `num` numbers at equal distances from `start` to `stop`.

    >>> linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    return from_host(np.linspace(start, stop, num, endpoint=endpoint).astype(_float_or(dtype)), device)


def eye(n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Any = None, device: Any = None) -> Tensor:
    """Return ones on the k-th diagonal and zeros elsewhere.

    >>> eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    return from_host(np.eye(n_rows, n_cols, k=k, dtype=_float_or(dtype)), device)


def _like(x: Any, value: Any, dtype: Any, device: Any) -> Any:
    """Return a constant of the shape of `x`: a tensor for a tensor, an array for an array."""
    array = x._array if type(x) in TENSORS else x
    backend = backend_of(array)
    dtype = backend.dtype_of(array) if dtype is None else as_dtype(dtype)
    if type(x) in TENSORS:
        return _filled(array.shape, value, dtype, x.device if device is None else device)
    return backend.namespace.full_like(array, value, dtype=backend.native_dtype(dtype))


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
    """Return `fill_value` in the shape, dtype and device of `x`.

    >>> full_like(zeros(2), 7.)
    tensor([7., 7.])
    """
    return _like(x, fill_value, dtype, device)
