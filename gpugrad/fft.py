"""Fourier transforms under the standard's names."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpugrad._ops import (
    fft,
    fftn,
    fftshift,
    hfft,
    ifft,
    ifftn,
    ifftshift,
    ihfft,
    irfft,
    irfftn,
    rfft,
    rfftn,
)
from gpugrad._tensor import Tensor
from gpugrad._tensor.making import from_host
from gpugrad.backends import as_dtype, default_float, is_float
from gpugrad.errors import DtypeError, ShapeError

__all__ = [
    "fft",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfftn",
    "rfft",
    "rfftfreq",
    "rfftn",
]


def fftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Tensor:
    """Return the frequencies of the `n` bins of `fft`, in cycles per unit of the spacing `d`; the negative ones last.

    >>> fftfreq(4)
    tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
    """
    cycles = np.concatenate([np.arange((n + 1) // 2), np.arange(-(n // 2), 0)])
    return _frequencies("fftfreq", cycles, n, d, dtype, device)


def rfftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Tensor:
    """Return the frequencies of the n // 2 + 1 bins of `rfft`, in cycles per unit of the spacing `d`.

    >>> rfftfreq(4)
    tensor([0.0000, 0.2500, 0.5000])
    """
    return _frequencies("rfftfreq", np.arange(n // 2 + 1), n, d, dtype, device)


def _frequencies(name: str, cycles: Any, n: int, d: float, dtype: Any, device: Any) -> Tensor:
    if n < 1:
        raise ShapeError(f"{name}: a transform of {n} points; it takes at least one")
    dtype = default_float if dtype is None else as_dtype(dtype)
    if not is_float(dtype):
        raise DtypeError(f"{name}: dtype is {dtype}; frequencies are real floating-point numbers")
    with np.errstate(divide="ignore", invalid="ignore"):  # of a spacing of 0
        return from_host((cycles / (np.float64(n) * d)).astype(dtype), device)
