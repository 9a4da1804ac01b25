"""float16 is a way to store numbers: arithmetic on them is float32, here as in the kernels."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from gpugrad.backends import Array, namespace

__all__ = ["float16_in_float32", "widened"]

F = TypeVar("F", bound=Callable[..., Array])

# A dictionary: the dtypes of other libraries refuse to be compared with NumPy's, but can be looked up.
_wider = {np.dtype("float16"): np.dtype("float32")}


def widened(x: Array) -> Array:
    """Return `x`, or a float32 copy of a float16 one."""
    wide = _wider.get(x.dtype)
    return x if wide is None else namespace(x).astype(x, wide)


def float16_in_float32(f: F) -> F:
    """Let `f` compute arrays that are all float16 in float32; a decorator."""

    @functools.wraps(f)
    def of_any_float(*arrays: Array) -> Array:
        dtype = arrays[0].dtype
        if dtype not in _wider or any(array.dtype not in _wider for array in arrays):
            return f(*arrays)
        return namespace(arrays[0]).astype(f(*map(widened, arrays)), dtype)

    return of_any_float  # type: ignore[return-value]  # of the type of f, which mypy cannot follow
