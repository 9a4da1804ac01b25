"""Activations made of pieces, most of them straight, and a few smooth ones that imitate them."""

from __future__ import annotations

import math
from typing import Any

from gpugrad._op import op, unary
from gpugrad._ops.activations import sigmoid, zero_one
from gpugrad._ops.elementwise import tanh
from gpugrad._ops.statistical import floats
from gpugrad.backends import Array, backend_of

__all__ = [
    "celu",
    "elu",
    "gelu_tanh",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "mish",
    "prelu",
    "softshrink",
    "softsign",
    "tanhshrink",
    "threshold",
]


# The forward functions of the rows take plain arrays.


def _hardsigmoid(x: Array) -> Array:
    xp = backend_of(x).namespace
    return xp.minimum(xp.maximum(x + 3, 0), 6) / 6


def _hardswish(x: Array) -> Array:
    """X times hardsigmoid(x), with its limit 0 at -inf."""
    xp = backend_of(x).namespace
    return xp.where(x <= -3, xp.zeros_like(x), x) * _hardsigmoid(x)


def _hardswish_x(g: Array, x: Array, xp: Any) -> Array:
    """`g * (2 * x + 3) / 6` between -3 and 3, 0 below and g above: at -3 and 3 the slope of smallest size, 0 and 1."""
    inside = xp.where(xp.abs(x) < 3, (2 * x + 3) / 6, zero_one(x >= 3, x, xp))
    return g * inside


def _mish(x: Array) -> Array:
    """X times tanh(log(1 + exp(x))), where the tanh is n / (n + 2) with n = e * (e + 2), e = exp(x)."""
    xp = backend_of(x).namespace
    e = xp.exp(xp.minimum(x, 20))  # beyond, n / (n + 2) is 1
    n = e * (e + 2)
    return xp.where(x == -math.inf, xp.zeros_like(x), x) * (n / (n + 2))


def _mish_x(g: Array, x: Array, xp: Any) -> Array:
    """`g * (w + x * (1 - w * w) * sigmoid(x))` with w = tanh(log(1 + exp(x))), and its limits at infinity."""
    e = xp.exp(xp.minimum(x, 20))
    n = e * (e + 2)
    w = n / (n + 2)
    bounded = xp.where(xp.isinf(x), xp.zeros_like(x), x)
    return g * (w + bounded * (4 * (n + 1) / xp.square(n + 2)) * sigmoid(x))


_twice_root = 2 * math.sqrt(2 / math.pi)


def _gelu_tanh(x: Array) -> Array:
    """X times (1 + tanh(u)) / 2, which is sigmoid(2 u), with u = sqrt(2 / pi) (x + 0.044715 x**3)."""
    xp = backend_of(x).namespace
    near = xp.minimum(xp.maximum(x, -40), 40)  # beyond, the sigmoid is 0 or 1
    return xp.where(x == -math.inf, xp.zeros_like(x), x) * sigmoid(near * (1 + 0.044715 * near * near) * _twice_root)


def _gelu_tanh_x(g: Array, x: Array, xp: Any) -> Array:
    """`g * s * (1 + x * (1 - s) * v)` with s = sigmoid(2 u), v the derivative of 2 u, and its limits at infinity."""
    near = xp.minimum(xp.maximum(x, -40), 40)
    s = sigmoid(near * (1 + 0.044715 * near * near) * _twice_root)
    slope = (1 + 0.134145 * near * near) * _twice_root
    return g * (s * (1 + near * (1 - s) * slope))


def _softsign(x: Array) -> Array:
    """X / (1 + abs(x)), with its limits at infinity."""
    xp = backend_of(x).namespace
    bounded = xp.where(xp.isinf(x), xp.zeros_like(x), x)
    return xp.where(xp.isinf(x), xp.sign(x), bounded / (1 + xp.abs(bounded)))


_tanh_terms = (1 / 3, -2 / 15, 17 / 315, -62 / 2835, 1382 / 155925, -21844 / 6081075, 929569 / 638512875,
               -6404582 / 10854718875, 443861162 / 1856156927625, -18888466084 / 194896477400625)  # fmt: skip
"""Of x - tanh(x) in powers of x * x, from x**3 on: the numbers 2**2n (2**2n - 1) B(2n) / (2n)! with their signs turned."""


def _tanhshrink(x: Array) -> Array:
    """X - tanh(x), by its series where the two are alike and their difference would lose all digits."""
    xp = backend_of(x).namespace
    small = xp.where(xp.abs(x) < 0.25, x, xp.zeros_like(x))
    y = small * small
    series = xp.full_like(y, _tanh_terms[-1])
    for term in _tanh_terms[-2::-1]:
        series = series * y + term
    return xp.where(xp.abs(x) < 0.25, series * y * small, x - xp.tanh(x))


# fmt: off
hardsigmoid = unary("hardsigmoid", "Return clip(x / 6 + 1 / 2, 0, 1), element by element; its derivative at -3 and 3 is 0.", reals=True, forward=_hardsigmoid, needs_float=True,
                    x=lambda g, x, xp: g * (zero_one(xp.abs(x) < 3, g, xp) / 6))
hardswish   = unary("hardswish",   "Return x * clip(x / 6 + 1 / 2, 0, 1), element by element (Howard et al., 2019); its derivative is 0 at -3 and 1 at 3.", reals=True, forward=_hardswish, needs_float=True,
                    x=_hardswish_x)
gelu_tanh   = unary("gelu_tanh",   "Return gelu by its approximation x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2 (Hendrycks and Gimpel, 2016).", reals=True, forward=_gelu_tanh, needs_float=True,
                    x=_gelu_tanh_x)
mish        = unary("mish",        "Return x * tanh(log(1 + exp(x))), element by element (Misra, 2019).", reals=True, forward=_mish, needs_float=True,
                    x=_mish_x)
softsign    = unary("softsign",    "Return x / (1 + abs(x)), element by element.", reals=True, forward=_softsign, needs_float=True,
                    x=lambda g, x, xp: g / xp.square(1 + xp.abs(x)))
tanhshrink  = unary("tanhshrink",  "Return x - tanh(x), element by element.", reals=True, forward=_tanhshrink, needs_float=True,
                    x=lambda g, x, xp: g * xp.square(tanh(x)))
# fmt: on


def _prelu_x(g: Array, x: Array, weight: Array, xp: Any) -> Array:
    """`g` where x > 0 and g * weight below; at 0 the slope of smallest size between the two."""
    least = xp.minimum(xp.maximum(weight, 0), 1)
    return g * xp.where(x > 0, xp.ones_like(weight), xp.where(x == 0, least, weight))


@op(x=_prelu_x, weight=lambda g, x, xp: g * xp.minimum(x, 0), reals=True, elementwise=True)
def prelu(x: Array, weight: Array, /) -> Array:
    """Return x where it is positive and weight * x elsewhere (He et al., 2015); the two broadcast.

    >>> import gpugrad
    >>> prelu(gpugrad.tensor([-1., 2.]), gpugrad.tensor(0.25))
    tensor([-0.2500,  2.0000])
    """
    x = floats(x)
    xp = backend_of(x).namespace
    below = xp.minimum(x, 0)
    return xp.maximum(x, 0) + xp.where(below == 0, xp.zeros_like(below), below * weight)


def _elu_x(g: Array, x: Array, alpha: float, xp: Any) -> Array:
    """`g` where x > 0 and g * alpha * exp(x) below; at 0 the slope of smallest size between the two."""
    below = alpha * xp.exp(xp.minimum(x, 0))
    least = xp.full_like(x, min(max(alpha, 0.0), 1.0))
    return g * xp.where(x > 0, xp.ones_like(x), xp.where(x == 0, least, below))


@op(x=_elu_x, reals=True, elementwise=True)
def elu(x: Array, /, *, alpha: float = 1.0) -> Array:
    """Return x where it is positive and alpha * (exp(x) - 1) elsewhere (Clevert et al., 2016).

    >>> import gpugrad
    >>> elu(gpugrad.tensor([-1., 2.]))
    tensor([-0.6321,  2.0000])
    """
    x = floats(x)
    xp = backend_of(x).namespace
    return xp.where(x > 0, x, alpha * xp.expm1(xp.minimum(x, 0)))


@op(x=lambda g, x, alpha, xp: g * xp.exp(xp.where(x > 0, xp.zeros_like(x), x / alpha)), reals=True, elementwise=True)
def celu(x: Array, /, *, alpha: float = 1.0) -> Array:
    """Return x where it is positive and alpha * (exp(x / alpha) - 1) elsewhere, which is smooth (Barron, 2017).

    >>> import gpugrad
    >>> celu(gpugrad.tensor([-1., 2.]), alpha=2.0)
    tensor([-0.7869,  2.0000])
    """
    x = floats(x)
    xp = backend_of(x).namespace
    return xp.where(x > 0, x, alpha * xp.expm1(xp.minimum(x, 0) / alpha))


@op(x=lambda g, x, lambd, xp: g * zero_one(xp.abs(x) > lambd, g, xp), reals=True, elementwise=True)
def hardshrink(x: Array, /, *, lambd: float = 0.5) -> Array:
    """Return x where its size is above `lambd`, and 0 elsewhere.

    >>> import gpugrad
    >>> hardshrink(gpugrad.tensor([-1., 0.5, 2.]))
    tensor([-1.,  0.,  2.])
    """
    x = floats(x)
    xp = backend_of(x).namespace
    return xp.where(xp.abs(x) <= lambd, xp.zeros_like(x), x)


@op(x=lambda g, x, lambd, xp: g * zero_one(xp.abs(x) > lambd, g, xp), reals=True, elementwise=True)
def softshrink(x: Array, /, *, lambd: float = 0.5) -> Array:
    """Return x moved by `lambd` towards 0, where it stays; the derivative at -lambd and lambd is 0.

    >>> import gpugrad
    >>> softshrink(gpugrad.tensor([-1., 0.5, 2.]))
    tensor([-0.5000,  0.0000,  1.5000])
    """
    x = floats(x)
    xp = backend_of(x).namespace
    return x - xp.minimum(xp.maximum(x, -lambd), lambd)


@op(x=lambda g, x, threshold, xp: g * zero_one(x > threshold, g, xp), reals=True, elementwise=True)
def threshold(x: Array, /, *, threshold: float, value: float) -> Array:
    """Return x where it is above `threshold`, and `value` elsewhere; the derivative at the threshold is 0.

    >>> import gpugrad
    >>> threshold(gpugrad.tensor([-1., 2.]), threshold=0.5, value=9.0)
    tensor([9., 2.])
    """
    x = floats(x)
    xp = backend_of(x).namespace
    return xp.where(xp.isnan(x) | (x > threshold), x, xp.full_like(x, value))
