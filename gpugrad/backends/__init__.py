"""NumPy or CuPy: the array libraries behind a Tensor, their devices, dtypes, transfers and random draws."""

from __future__ import annotations

from typing import Any

from gpugrad.backends._base import Array, Backend
from gpugrad.backends._choice import (
    available_backends,
    backend_named,
    backend_of,
    backend_of_device,
    backend_of_type,
    default_device,
    get_backend,
    is_array_type,
    register_backend,
    set_backend,
    use_backend,
)
from gpugrad.backends._cupy import cupy_wheels, driver_version, load_cupy
from gpugrad.backends._device import Device
from gpugrad.backends._dtype_functions import can_cast, finfo, iinfo, result_type
from gpugrad.backends._dtypes import (
    as_dtype,
    default_complex,
    default_float,
    default_integer,
    dtypes,
    is_float,
    is_inexact,
    isdtype,
)
from gpugrad.backends._promotion import common_dtype, float_only, settled, together
from gpugrad.backends._random import Generator, default_generator, manual_seed

__all__ = [
    "Array",
    "Backend",
    "Device",
    "Generator",
    "as_dtype",
    "available_backends",
    "backend_named",
    "backend_of",
    "backend_of_device",
    "backend_of_type",
    "can_cast",
    "common_dtype",
    "cupy_wheels",
    "default_complex",
    "default_device",
    "default_float",
    "default_generator",
    "default_integer",
    "driver_version",
    "dtypes",
    "finfo",
    "float_only",
    "get_backend",
    "iinfo",
    "is_array_type",
    "is_cuda",
    "is_float",
    "is_inexact",
    "isdtype",
    "load_cupy",
    "manual_seed",
    "namespace",
    "register_backend",
    "result_type",
    "set_backend",
    "settled",
    "together",
    "use_backend",
]


def namespace(array: Array) -> Any:
    """Return the array-API namespace of a plain array.

    >>> import numpy as np
    >>> namespace(np.ones(2)).sum(np.ones(2)).item()
    2.0
    """
    return backend_of(array).namespace


def is_cuda(array: Array) -> bool:
    """Return whether a plain array lives on a CUDA device."""
    return backend_of(array).device_kind == "cuda"
