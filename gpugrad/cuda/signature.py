"""What a kernel takes, written in one line: ``"T[n] x, T[n] z, int64 n"``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gpugrad.errors import DtypeError

__all__ = ["Parameter", "arithmetic", "parse_signature"]

arithmetic = {"float16": "float32", "float32": "float32", "float64": "float64"}
"""The type that a kernel computes in, for each dtype that it stores: a signature's `A` for its `T`."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a kernel: a scalar where `length` is None, else an array of that many elements."""

    name: str
    dtype: str
    length: str | None

    def scalar(self, value: Any) -> Any:
        """Return `value` in the width that the kernel reads; an array, to be waited for, is refused."""
        if self.dtype.startswith("int") and isinstance(value, int | np.integer):
            return np.dtype(self.dtype).type(value)
        if self.dtype.startswith("float") and isinstance(value, int | float | np.number):
            return np.dtype(self.dtype).type(value)
        raise DtypeError(f"{self.name} must be a number for {self.dtype}, not {type(value).__name__}")


def parse_signature(signature: str) -> tuple[Parameter, ...]:
    """Return the parameters that a signature describes.

    ``T[n] x`` is an array of n elements of the dtype that chooses the entry point, ``A[1]`` an array of one
    element of the type that arithmetic is done in, ``float64[blocks]`` an array of a fixed dtype with an
    element per block of the grid. ``int64 n`` and ``float64 max_norm`` are scalars.

    >>> parse_signature("A[1] coefficient")
    (Parameter(name='coefficient', dtype='A', length='1'),)
    """
    parameters = []
    for part in signature.split(","):
        kind, name = part.split()
        dtype, bracket, length = kind.rstrip("]").partition("[")
        parameters.append(Parameter(name, dtype, length if bracket else None))
    return tuple(parameters)
