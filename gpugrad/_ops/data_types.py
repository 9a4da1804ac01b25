"""Dtypes, devices and copies: the same elements in another dtype, in another place, or the parts of complex ones."""

from __future__ import annotations

from typing import Any

from gpugrad._op import op
from gpugrad.backends import Array, Device, as_dtype, backend_of, backend_of_device
from gpugrad.errors import DtypeError

__all__ = ["astype", "cast", "clone", "imag", "real", "to_device"]


@op(x=lambda g: g, elementwise=True)
def cast(x: Array, dtype: Any, /) -> Array:
    """Return a copy of `x` in another dtype; the gradient comes back in the dtype of `x`."""
    backend = backend_of(x)
    wanted = as_dtype(dtype)
    if backend.dtype_of(x).kind == "c" and wanted.kind == "b":
        return x != 0
    if backend.dtype_of(x).kind == "c" and wanted.kind != "c":
        raise DtypeError(f"astype: {backend.dtype_of(x)} does not become {wanted}; take gpugrad.real(x) first")
    return backend.namespace.astype(x, backend.native_dtype(wanted), copy=True)


def astype(x: Array, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Array:
    """Return `x` in another dtype, and on another device if one is named; the gradient comes back as `x` is.

    With ``copy=False`` it is `x` itself where nothing changes.

    >>> import gpugrad
    >>> gpugrad.astype(gpugrad.tensor([1.7, -1.7]), gpugrad.int64)
    tensor([ 1, -1])
    """
    array = x._array if hasattr(x, "_node") else x
    same = hasattr(array, "dtype") and backend_of(array).dtype_of(array) == as_dtype(dtype)
    z = x if same and not copy else cast(x, dtype)
    if device is None:
        return z
    target, source = Device.parse(device), backend_of(array).device_of(array)
    with backend_of_device(target).on(target):  # which refuses a device that does not exist
        return z if target == source else to_device(z, device=target, source=source)


@op(x=lambda g, device, source: to_device(g, device=source, source=device))
def to_device(x: Array, /, *, device: Device, source: Device) -> Array:
    """Return a copy of `x`, which lives on `source`, on `device`; the gradient travels back."""
    target = backend_of_device(device)
    with target.on(device):
        return target.from_host(backend_of(x).to_host(x), device)


@op(x=lambda g: g, elementwise=True)
def clone(x: Array, /) -> Array:
    """Return a copy that shares no memory; the gradient passes through.

    >>> import gpugrad
    >>> gpugrad.clone(gpugrad.tensor([1., 2.]))
    tensor([1., 2.])
    """
    return backend_of(x).copy(x)


def _part(x: Array, name: str) -> Array:
    backend = backend_of(x)
    if backend.dtype_of(x).kind != "c":
        return backend.copy(x) if name == "real" else backend.namespace.zeros_like(x)
    return backend.copy(getattr(backend.namespace, name)(x))


@op(x=lambda g: g, elementwise=True)
def real(x: Array, /) -> Array:
    """Return the real part, element by element, as a new array."""
    return _part(x, "real")


@op(x=lambda g: g * -1j, elementwise=True)
def imag(x: Array, /) -> Array:
    """Return the imaginary part, element by element, as a new array."""
    return _part(x, "imag")
