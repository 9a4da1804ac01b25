"""Questions about dtypes: which one values meet in, whether one becomes another, and what its numbers can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gpugrad.backends._dtypes import as_dtype, default_complex, default_float, default_integer, dtypes
from gpugrad.backends._promotion import common_dtype
from gpugrad.errors import DtypeError

__all__ = ["can_cast", "finfo", "iinfo", "result_type"]

_of_numbers = {
    bool: dtypes["bool"],
    int: default_integer,
    float: default_float,
    complex: default_complex,
}
"""The dtypes of Python's numbers where no array says otherwise."""


@dataclass(frozen=True)
class FloatInfo:
    """The limits of a floating-point dtype, as Python numbers."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class IntegerInfo:
    """The limits of an integer dtype, as Python numbers."""

    bits: int
    max: int
    min: int
    dtype: np.dtype[Any]


def _dtype_of(x: Any) -> np.dtype[Any]:
    """Return the dtype of a tensor or an array, or a dtype itself."""
    theirs = getattr(x, "dtype", None)
    return as_dtype(x if theirs is None or isinstance(x, type) else theirs)


def result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    """Return the dtype in which tensors, arrays, dtypes and Python numbers meet; numbers are weak.

    >>> result_type(dtypes["float32"], dtypes["int64"], 2.5)
    dtype('float32')
    """
    found, numbers = [], []
    for x in arrays_and_dtypes:
        number = x.item() if isinstance(x, np.generic) else x
        if isinstance(number, bool | int | float | complex):
            numbers.append(number)
        else:
            found.append(_dtype_of(x))
    if not arrays_and_dtypes:
        raise TypeError("result_type takes at least one array, dtype or number")
    if not found:
        found = [next(dtype for kind, dtype in _of_numbers.items() if isinstance(x, kind)) for x in numbers]
    return common_dtype(found, numbers, False)


def can_cast(from_: Any, to: Any, /) -> bool:
    """Return whether a dtype, or that of an array, becomes `to` when it meets it.

    >>> can_cast(dtypes["float32"], dtypes["float64"]), can_cast(dtypes["float64"], dtypes["float32"])
    (True, False)
    """
    wanted = as_dtype(to)
    return common_dtype([_dtype_of(from_), wanted], [], False) == wanted


def finfo(type: Any, /) -> FloatInfo:  # noqa: A002 - the standard's name
    """Return the limits of a floating-point dtype, or of that of an array; of a complex one, those of its parts.

    >>> finfo(dtypes["float32"]).eps
    1.1920928955078125e-07
    """
    dtype = _dtype_of(type)
    if dtype.kind not in "fc":
        raise DtypeError(f"finfo: {dtype} is not a floating-point dtype; iinfo is for integers")
    info = np.finfo(dtype)
    eps, most, least, smallest = (float(x) for x in (info.eps, info.max, info.min, info.smallest_normal))
    return FloatInfo(int(info.bits), eps, most, least, smallest, as_dtype(info.dtype))


def iinfo(type: Any, /) -> IntegerInfo:  # noqa: A002 - the standard's name
    """Return the limits of an integer dtype, or of that of an array.

    >>> iinfo(dtypes["int8"]).max
    127
    """
    dtype = _dtype_of(type)
    if dtype.kind not in "iu":
        raise DtypeError(f"iinfo: {dtype} is not an integer dtype; finfo is for floating-point ones")
    info = np.iinfo(dtype)
    return IntegerInfo(int(info.bits), int(info.max), int(info.min), dtype)
