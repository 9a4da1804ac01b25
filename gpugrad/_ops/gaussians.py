"""Gaussian curves: exp(-x*x) and the normal density, accurate far out, where the rounding of x * x would show."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from gpugrad._fused._half import float16_in_float32
from gpugrad._op import unary
from gpugrad.backends import Array, backend_of

__all__ = ["gaussian", "normal_density"]

_root_two_pi = math.sqrt(2 * math.pi)


def _bell(x: Array, scale: float) -> Array:
    """Return exp(-scale * x * x), with x = head + low, so that head * head is exact (T. J. Dekker, 1971)."""
    backend = backend_of(x)
    xp = backend.namespace
    x = xp.minimum(xp.maximum(x, -40), 40)
    scaled = x * (2.0**12 + 1 if backend.dtype_of(x).itemsize == 4 else 2.0**27 + 1)
    head = scaled - (scaled - x)
    return xp.exp(-scale * head * head) * xp.exp(-scale * (x - head) * (x + head))


@float16_in_float32
def _gaussian(x: Array) -> Array:
    return _bell(x, 1.0)


@float16_in_float32
def _normal_density(x: Array) -> Array:
    return _bell(x, 0.5) / _root_two_pi


def _fall(g: Array, x: Array, z: Array, xp: Any) -> Array:
    """`-g * x * z`, and its limit 0 at infinity."""
    return -g * (xp.where(xp.isinf(x), xp.zeros_like(x), x) * z)


# fmt: off
gaussian: Callable[..., Any] = unary("gaussian", "Return exp(-x*x), element by element.", reals=True, forward=_gaussian, needs_float=True,
                 x=lambda g, x, z, xp: 2 * _fall(g, x, z, xp))
normal_density: Callable[..., Any] = unary("normal_density", "Return exp(-x*x/2) / sqrt(2 pi), the derivative of ndtr, element by element.", reals=True, forward=_normal_density, needs_float=True,
                 x=_fall)
# fmt: on
