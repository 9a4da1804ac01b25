"""The standard's dtypes, one object each on every backend: instances of `numpy.dtype`."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpugrad.errors import DtypeError

__all__ = [
    "as_dtype",
    "default_complex",
    "default_float",
    "default_integer",
    "dtypes",
    "is_float",
    "is_inexact",
    "isdtype",
]

dtypes: dict[str, np.dtype[Any]] = {
    name: np.dtype(name)
    for name in (
        "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128"
    ).split()
}

default_float = dtypes["float32"]
"""The dtype of numbers that come without one, on every backend, as in PyTorch."""

default_complex = dtypes["complex64"]

default_integer = dtypes["int64"]


def as_dtype(dtype: Any) -> np.dtype[Any]:
    """Return `dtype` as gpugrad's object for it; NumPy's classes, Python's types and names are understood.

    `float` is gpugrad's default float, float32.
    """
    if dtype is float:
        return dtypes["float32"]
    try:
        found = np.dtype(getattr(dtype, "_np_dtype", dtype))
    except TypeError:
        found = np.dtype(object)
    if found.name not in dtypes or dtype is None:
        raise DtypeError(f"dtype {dtype!r} is not one of {', '.join(dtypes)}")
    return dtypes[found.name]


def is_float(dtype: np.dtype[Any]) -> bool:
    """Return whether the dtype is a real floating-point one."""
    return dtype.kind == "f"


def is_inexact(dtype: np.dtype[Any]) -> bool:
    """Return whether the dtype can carry a gradient: a real or complex floating-point one."""
    return dtype.kind in "fc"


_kinds = {
    "bool": "b",
    "signed integer": "i",
    "unsigned integer": "u",
    "integral": "iu",
    "real floating": "f",
    "complex floating": "c",
    "numeric": "iufc",
}


def isdtype(dtype: Any, kind: Any) -> bool:
    """Return whether a dtype is of a kind: a dtype, one of the standard's names for kinds, or a tuple of them.

    >>> isdtype(dtypes["float32"], ("integral", "real floating"))
    True
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, k) for k in kind)
    if isinstance(kind, str) and kind in _kinds:
        return as_dtype(dtype).kind in _kinds[kind]
    return as_dtype(dtype) == as_dtype(kind)
