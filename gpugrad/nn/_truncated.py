"""Normal numbers between two bounds, drawn on the host by rejection, wherever the bounds are."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gpugrad.backends import Generator

__all__ = ["truncated_normal"]

_float = np.dtype(np.float64)


def truncated_normal(count: int, a: float, b: float, generator: Generator) -> np.ndarray[Any, Any]:
    """Return standard normal numbers given that they are between a and b.

    Normal numbers are proposed where many of them are between the bounds; else, in a tail, exponential ones, or even
    ones if the bounds are close (C. P. Robert, "Simulation of truncated normal variables", 1995).
    """
    if b <= 0:
        return -truncated_normal(count, -b, -a, generator)
    if math.erf(b / math.sqrt(2)) - math.erf(a / math.sqrt(2)) > 0.5:
        propose = _normal
    elif a <= 0 or (b - a) * a < 2:
        propose = _even
    else:
        propose = _exponential
    drawn = np.empty(0)
    while drawn.size < count:
        drawn = np.concatenate([drawn, propose(count - drawn.size + 8, a, b, generator)])
    return drawn[:count]


def _normal(count: int, a: float, b: float, generator: Generator) -> np.ndarray[Any, Any]:
    x = generator.normal((count,), _float)
    kept: np.ndarray[Any, Any] = x[(x >= a) & (x <= b)]
    return kept


def _even(count: int, a: float, b: float, generator: Generator) -> np.ndarray[Any, Any]:
    x = a + (b - a) * generator.uniform((count,), _float)
    nearest = max(a, 0.0)
    keeps = generator.uniform((count,), _float) < np.exp((nearest * nearest - x * x) / 2)
    kept: np.ndarray[Any, Any] = x[keeps]
    return kept


def _exponential(count: int, a: float, b: float, generator: Generator) -> np.ndarray[Any, Any]:
    rate = (a + math.sqrt(a * a + 4)) / 2
    x = a - np.log1p(-generator.uniform((count,), _float)) / rate
    kept: np.ndarray[Any, Any] = x[(generator.uniform((count,), _float) < np.exp(-((x - rate) ** 2) / 2)) & (x <= b)]
    return kept
