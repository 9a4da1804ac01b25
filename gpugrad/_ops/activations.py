"""Activations, and softmax with its kin."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from gpugrad._fused._half import float16_in_float32
from gpugrad._fused.sigmoid import sigmoid as sigmoid_on_arrays
from gpugrad._fused.sigmoid import sigmoid_backward as sigmoid_backward_on_arrays
from gpugrad._op import binary, op, unary
from gpugrad._ops.elementwise import erfc
from gpugrad._ops.gaussians import normal_density
from gpugrad._ops.statistical import Axis, axes_of, floats, kept
from gpugrad.backends import Array, backend_of
from gpugrad.errors import DtypeError

__all__ = [
    "gelu",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "normal_distribution",
    "relu",
    "relu_backward",
    "sigmoid",
    "sigmoid_backward",
    "silu",
    "softmax",
    "softplus",
]

_root_half = math.sqrt(0.5)
_root_half_head = 181 / 256  # 8 bits of it, so that products with halves of a number are exact
_root_half_rest = 7.5531186547524401e-05  # and what is missing, to more digits than the difference of the two has


# Activations. The forward functions take plain arrays.


def relu_on_arrays(x: Array) -> Array:
    return backend_of(x).namespace.maximum(x, 0)


def _relu_backward(g: Array, z: Array) -> Array:
    return g * zero_one(z > 0, g, backend_of(z).namespace)


def _no_slope(g: Array, xp: Any) -> Array:
    return xp.zeros_like(g)


def _softplus(x: Array) -> Array:
    """max(x, 0) + log1p(exp(-abs(x))): right at both ends, without a threshold."""
    xp = backend_of(x).namespace
    return xp.maximum(x, 0) + xp.log1p(xp.exp(-xp.abs(x)))


def _log_sigmoid(x: Array) -> Array:
    return -_softplus(-x)


def _silu(x: Array) -> Array:
    """X times sigmoid(x), with its limit 0 at -inf."""
    xp = backend_of(x).namespace
    return xp.where(x == -math.inf, xp.zeros_like(x), x) * sigmoid_on_arrays(x)


def normal_distribution(x: Array) -> Array:
    """Return the normal distribution function of x, by erfc, which does not cancel for negative x.

    The tail would inherit the rounding of x / sqrt(2) multiplied by x * x: that rounding is worked out exactly (T. J.
    Dekker, Numer. Math. 18, 1971) and taken back by erfc'(a) / erfc(a), which is about -(a + sqrt(a*a + 4/pi)).
    """
    backend = backend_of(x)
    xp = backend.namespace
    x = xp.minimum(xp.maximum(x, -40), 40)
    a = x * -_root_half
    scaled = x * (2.0**12 + 1 if backend.dtype_of(x).itemsize == 4 else 2.0**27 + 1)
    head = scaled - (scaled - x)
    rest = -(head * _root_half_head + a) - (x - head) * _root_half_head - x * _root_half_rest
    return 0.5 * erfc(a) * (1 - rest * (a + xp.sqrt(a * a + 4 / math.pi)))


@float16_in_float32
def _gelu(x: Array) -> Array:
    """X times the normal distribution function, by erfc, which does not cancel for negative x."""
    xp = backend_of(x).namespace
    return xp.where(x == -math.inf, xp.zeros_like(x), x) * normal_distribution(x)


def _gelu_x(g: Array, x: Array, xp: Any) -> Array:
    """`g * (ndtr(x) + x * normal_density(x))`, and its limits at infinity."""
    bounded = xp.where(xp.isinf(x), xp.zeros_like(x), x)
    return g * (0.5 * erfc(x * -_root_half) + bounded * normal_density(x))


def _silu_x(g: Array, x: Array, xp: Any) -> Array:
    """`g * s * (1 + x * (1 - s))` with s = sigmoid(x), and its limits at infinity."""
    s = sigmoid(x)
    bounded = xp.where(xp.isinf(x), xp.zeros_like(x), x)
    return g * (s * (1 + bounded * (1 - s)))


def zero_one(condition: Array, like: Array, xp: Any) -> Array:
    """Return truth values as numbers of the dtype of `like`."""
    return xp.astype(condition, like.dtype)


# fmt: off
sigmoid     = unary("sigmoid",     "Return 1 / (1 + exp(-x)), element by element, without overflow.", reals=True, forward=sigmoid_on_arrays, needs_float=True,
                    x=lambda g, z: sigmoid_backward(g, z))
sigmoid_backward: Callable[..., Any] = binary("sigmoid_backward", "Return x1 * x2 * (1 - x2): the gradient of sigmoid from that of its output, x1, and its output, x2.", forward=sigmoid_backward_on_arrays,
                    x1=lambda g, x2: sigmoid_backward(g, x2),
                    x2=lambda g, x1, x2: g * x1 * (1 - 2 * x2))
relu        = unary("relu",        "Return max(x, 0), element by element; its derivative at 0 is 0.", reals=True, forward=relu_on_arrays,
                    x=lambda g, z: relu_backward(g, z))
relu_backward: Callable[..., Any] = binary("relu_backward", "Return x1 where x2 > 0 and 0 elsewhere: the gradient of relu from that of its output, x1, and its output, x2.", forward=_relu_backward,
                    x1=lambda g, x2: relu_backward(g, x2),
                    x2=_no_slope)
softplus    = unary("softplus",    "Return log(1 + exp(x)), element by element, without overflow.", reals=True, forward=_softplus, needs_float=True,
                    x=lambda g, x: g * sigmoid(x))
log_sigmoid = unary("log_sigmoid", "Return log(sigmoid(x)), element by element, without underflow.", reals=True, forward=_log_sigmoid, needs_float=True,
                    x=lambda g, x: g * sigmoid(-x))
silu        = unary("silu",        "Return x * sigmoid(x), element by element (Elfwing et al., 2017).", reals=True, forward=_silu, needs_float=True,
                    x=_silu_x)
gelu        = unary("gelu",        "Return x times the normal distribution function of x (Hendrycks and Gimpel, 2016).", reals=True, forward=_gelu, needs_float=True,
                    x=_gelu_x)
# fmt: on


@op(x=lambda g, x, slope, xp: g * (zero_one(x > 0, g, xp) * (1 - slope) + slope), reals=True, elementwise=True)
def leaky_relu(x: Array, /, *, slope: float = 0.01) -> Array:
    """Return x where it is positive and slope * x elsewhere; its derivative at 0 is `slope`.

    >>> import gpugrad
    >>> gpugrad.leaky_relu(gpugrad.tensor([-1., 2.]), slope=0.5)
    tensor([-0.5000,  2.0000])
    """
    x = floats(x)
    return backend_of(x).namespace.where(x > 0, x, x * slope)


# Softmax and its kin


def _check_axis(name: str, x: Array, axis: Axis) -> None:
    axes_of(axis, x.ndim)
    if not backend_of(x).namespace.isdtype(x.dtype, "real floating"):
        raise DtypeError(f"{name}: takes real floating-point values, not {x.dtype}")


@op(x=lambda g, z, axis, xp: z * (g - xp.sum(g * z, axis=axis, keepdims=True)))
def softmax(x: Array, /, *, axis: int = -1) -> Array:
    """Return exp(x) over its sum along `axis`; the largest element may be of any size.

    >>> import gpugrad
    >>> gpugrad.softmax(gpugrad.tensor([1e4, 1e4]))
    tensor([0.5000, 0.5000])
    """
    _check_axis("softmax", x, axis)
    backend = backend_of(x)
    xp = backend.namespace
    with backend.quiet():
        e = xp.exp(x - xp.max(x, axis=axis, keepdims=True))
        return e / xp.sum(e, axis=axis, keepdims=True)


@op(x=lambda g, z, axis, xp: g - xp.exp(z) * xp.sum(g, axis=axis, keepdims=True))
def log_softmax(x: Array, /, *, axis: int = -1) -> Array:
    """Return x minus the logarithm of the sum of exp(x) along `axis`.

    >>> import gpugrad
    >>> gpugrad.log_softmax(gpugrad.tensor([0., 0.]))
    tensor([-0.6931, -0.6931])
    """
    _check_axis("log_softmax", x, axis)
    backend = backend_of(x)
    xp = backend.namespace
    with backend.quiet():
        shifted = x - xp.max(x, axis=axis, keepdims=True)
        return shifted - xp.log(xp.sum(xp.exp(shifted), axis=axis, keepdims=True))


def _logsumexp_x(g: Array, z: Array, x: Array, x_shape: Any, axis: Axis, keepdims: bool, xp: Any) -> Array:
    """exp(x - z); where z is inf the infinite elements share, and where all are -inf it is 0 by convention."""
    top = kept(z, x_shape, axis, keepdims, xp)
    level = xp.isinf(top) & (x == top)
    part = xp.exp(xp.where(level, xp.zeros_like(x), x - xp.where(xp.isinf(top), xp.zeros_like(top), top)))
    winners = zero_one(level, x, xp)
    shared = winners / xp.maximum(xp.sum(winners, axis=axis, keepdims=True), 1)
    share = xp.where(xp.isinf(top), xp.where(top > 0, shared, xp.zeros_like(x)), part)
    return kept(g, x_shape, axis, keepdims, xp) * share


@op(x=_logsumexp_x)
def logsumexp(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return log(sum(exp(x))) over `axis` without overflow; of all -inf it is -inf, with gradient 0.

    >>> import gpugrad
    >>> gpugrad.logsumexp(gpugrad.tensor([100., 100.]))
    tensor(100.6931)
    """
    _check_axis("logsumexp", x, axis)
    backend = backend_of(x)
    xp = backend.namespace
    with backend.quiet():
        peak = xp.max(x, axis=axis, keepdims=True)
        peak = xp.where(xp.isfinite(peak), peak, xp.zeros_like(peak))
        z = xp.log(xp.sum(xp.exp(x - peak), axis=axis, keepdims=True)) + peak
    return z if keepdims else xp.squeeze(z, axis=axes_of(axis, x.ndim))
