"""Activations, softmax and its kin, normalisation, dropout, and the fused ops that make a layer or a loss one node."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from gpugrad._fused._half import float16_in_float32
from gpugrad._fused.sigmoid import sigmoid as sigmoid_on_arrays
from gpugrad._fused.sigmoid import sigmoid_backward as sigmoid_backward_on_arrays
from gpugrad._op import binary, op, unary
from gpugrad._ops.elementwise import erfc
from gpugrad._ops.statistical import Axis, axes_of, floats, kept
from gpugrad.backends import Array, backend_of
from gpugrad.backends._philox import uniform as philox_uniform
from gpugrad.errors import DtypeError, OptionError, ShapeError

__all__ = [
    "activated_linear",
    "cross_entropy",
    "dropout",
    "gelu",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
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
_root_two_over_pi = math.sqrt(2 / math.pi)


# Activations. The forward functions take plain arrays.


def _relu(x: Array) -> Array:
    return backend_of(x).namespace.maximum(x, 0)


def _relu_backward(g: Array, z: Array) -> Array:
    return g * _zero_one(z > 0, g, backend_of(z).namespace)


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


def _normal_distribution(x: Array) -> Array:
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
    rest = -(head * _root_half_head + a) - (x - head) * _root_half_head - x * (_root_half - _root_half_head)
    return 0.5 * erfc(a) * (1 - rest * (a + xp.sqrt(a * a + 4 / math.pi)))


@float16_in_float32
def _gelu(x: Array) -> Array:
    """X times the normal distribution function, by erfc, which does not cancel for negative x."""
    xp = backend_of(x).namespace
    return xp.where(x == -math.inf, xp.zeros_like(x), x) * _normal_distribution(x)


def _gelu_x(g: Array, x: Array, xp: Any) -> Array:
    density = xp.exp(x * x * -0.5) * (0.5 * _root_two_over_pi)
    bounded = xp.where(xp.isinf(x), xp.zeros_like(x), x)
    return g * (0.5 * erfc(x * -_root_half) + bounded * density)


def _silu_x(g: Array, x: Array, xp: Any) -> Array:
    s = sigmoid(x)
    bounded = xp.where(xp.isinf(x), xp.zeros_like(x), x)
    return g * (s + bounded * sigmoid_backward(s, s) / xp.where(s == 0, xp.ones_like(s), s))


def _zero_one(condition: Array, like: Array, xp: Any) -> Array:
    return xp.astype(condition, like.dtype)


# fmt: off
sigmoid     = unary("sigmoid",     "Return 1 / (1 + exp(-x)), element by element, without overflow.", forward=sigmoid_on_arrays, needs_float=True,
                    x=lambda g, z: sigmoid_backward(g, z))
sigmoid_backward: Callable[..., Any] = binary("sigmoid_backward", "Return x1 * x2 * (1 - x2): the gradient of sigmoid from that of its output, x1, and its output, x2.", forward=sigmoid_backward_on_arrays,
                    x1=lambda g, x2: sigmoid_backward(g, x2),
                    x2=lambda g, x1, x2: g * x1 * (1 - 2 * x2))
relu        = unary("relu",        "Return max(x, 0), element by element; its derivative at 0 is 0.", forward=_relu,
                    x=lambda g, z: relu_backward(g, z))
relu_backward: Callable[..., Any] = binary("relu_backward", "Return x1 where x2 > 0 and 0 elsewhere: the gradient of relu from that of its output, x1, and its output, x2.", forward=_relu_backward,
                    x1=lambda g, x2: relu_backward(g, x2),
                    x2=_no_slope)
softplus    = unary("softplus",    "Return log(1 + exp(x)), element by element, without overflow.", forward=_softplus, needs_float=True,
                    x=lambda g, x: g * sigmoid(x))
log_sigmoid = unary("log_sigmoid", "Return log(sigmoid(x)), element by element, without underflow.", forward=_log_sigmoid, needs_float=True,
                    x=lambda g, x: g * sigmoid(-x))
silu        = unary("silu",        "Return x * sigmoid(x), element by element (Elfwing et al., 2017).", forward=_silu, needs_float=True,
                    x=_silu_x)
gelu        = unary("gelu",        "Return x times the normal distribution function of x (Hendrycks and Gimpel, 2016).", forward=_gelu, needs_float=True,
                    x=_gelu_x)
# fmt: on


@op(x=lambda g, x, slope, xp: g * (_zero_one(x > 0, g, xp) * (1 - slope) + slope))
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
    winners = _zero_one(level, x, xp)
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


# A layer as one node


def _rows(x: Array, xp: Any) -> Array:
    return x if len(x.shape) == 2 else xp.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


def _linear_gradients(g: Array, x: Array, weight: Array, needs: Sequence[bool], xp: Any) -> tuple[Any, Any, Any]:
    """Return the gradients of x, weight and bias from that of the sum of products."""
    rows = _rows(g, xp) if needs[1] or needs[2] else g
    gx = xp.matmul(g, weight) if needs[0] else None
    gw = xp.matmul(xp.matrix_transpose(rows), _rows(x, xp)) if needs[1] else None
    gb = xp.matmul(xp.ones_like(rows[:, 0]), rows) if needs[2] else None  # a product is faster than a sum over rows
    return gx, gw, gb


def _check_linear(x: Array, weight: Array, bias: Array | None) -> None:
    if weight.ndim != 2 or x.ndim < 1 or x.shape[-1] != weight.shape[1]:
        raise ShapeError(
            f"linear: input of shape {x.shape} does not fit a weight of shape {weight.shape} (out_features, in_features): "
            f"the last axis of the input must have size {weight.shape[-1]}"
        )
    if bias is not None and bias.shape != (weight.shape[0],):
        raise ShapeError(f"linear: bias of shape {bias.shape} does not fit a weight of shape {weight.shape}")
    backend = backend_of(x)
    if len({backend.dtype_of(a) for a in (x, weight, bias) if a is not None}) > 1:
        raise DtypeError(
            f"linear: input is {backend.dtype_of(x)} and weight {backend.dtype_of(weight)}; convert one with .to(dtype)"
        )


def _affine(x: Array, weight: Array, bias: Array | None) -> Array:
    _check_linear(x, weight, bias)
    xp = backend_of(x).namespace
    z = xp.matmul(x, xp.matrix_transpose(weight))
    if bias is not None:
        z += bias
    return z


@op({("x", "weight", "bias"): _linear_gradients})
def linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """Return x times the transpose of `weight` plus `bias`.

    x: (..., in_features); weight: (out_features, in_features); bias: (out_features,); result: (..., out_features).

    >>> import gpugrad
    >>> gpugrad.linear(gpugrad.ones((2, 3)), gpugrad.ones((1, 3)))
    tensor([[3.],
            [3.]])
    """
    return _affine(x, weight, bias)


activations: dict[str, tuple[Callable[[Array], Array], Callable[[Any, Any], Any]]] = {
    "relu": (_relu, lambda g, z: relu_backward(g, z)),
    "sigmoid": (lambda x: sigmoid_on_arrays(floats(x)), lambda g, z: sigmoid_backward(g, z)),
    "tanh": (lambda x: backend_of(x).namespace.tanh(floats(x)), lambda g, z: g * (1 - z * z)),
}
"""Activations whose derivative follows from their output alone: forward on arrays, and gradient from (g, z)."""


def _activated_gradients(
    g: Array, z: Array, x: Array, weight: Array, activation: str, needs: Sequence[bool], xp: Any
) -> tuple[Any, Any, Any]:
    return _linear_gradients(activations[activation][1](g, z), x, weight, needs, xp)


@op({("x", "weight", "bias"): _activated_gradients})
def activated_linear(x: Array, weight: Array, bias: Array | None = None, *, activation: str) -> Array:
    """Return `linear` followed by relu, sigmoid or tanh, as one node that keeps only the input and the output.

    >>> import gpugrad
    >>> gpugrad.activated_linear(gpugrad.ones((1, 3)), -gpugrad.ones((1, 3)), activation="relu")
    tensor([[0.]])
    """
    if activation not in activations:
        raise OptionError(f"activation must be one of {', '.join(activations)}, not {activation!r}")
    return activations[activation][0](_affine(x, weight, bias))


# Normalisation


def _standardised(x: Array, axes: tuple[int, ...], eps: float, xp: Any) -> tuple[Array, Array]:
    """Return x with mean 0 and variance 1 over its last axes, and one over the standard deviation, in two passes."""
    deviation = x - xp.mean(x, axis=axes, keepdims=True)
    scale = 1 / xp.sqrt(xp.mean(deviation * deviation, axis=axes, keepdims=True) + eps)
    return deviation * scale, scale


def _layer_norm_gradients(
    g: Array, x: Array, weight: Any, axes: tuple[int, ...], eps: float, needs: Sequence[bool], xp: Any
) -> tuple[Any, Any, Any]:
    normal, scale = _standardised(x, axes, eps, xp)
    d = g if weight is None else g * weight
    gx = scale * (
        d - xp.mean(d, axis=axes, keepdims=True) - normal * xp.mean(d * normal, axis=axes, keepdims=True)
    )
    return gx, g * normal, g


@op({("x", "weight", "bias"): _layer_norm_gradients})
def layer_norm(
    x: Array, weight: Array | None = None, bias: Array | None = None, *, axes: tuple[int, ...] = (-1,), eps: float = 1e-5
) -> Array:
    """Return x with mean 0 and variance 1 over its last axes `axes`, times `weight`, plus `bias` (Ba et al., 2016).

    weight and bias have the shape of those axes.

    >>> import gpugrad
    >>> gpugrad.layer_norm(gpugrad.tensor([1., 3.]), eps=0)
    tensor([-1.,  1.])
    """
    x = floats(x)
    xp = backend_of(x).namespace
    z, _ = _standardised(x, axes, eps, xp)
    if weight is not None:
        z = z * weight
    return z if bias is None else z + bias


@op(x=lambda g, p, seed, offset: dropout(g, p=p, seed=seed, offset=offset))
def dropout(x: Array, /, *, p: float, seed: int, offset: int) -> Array:
    """Return x with each element set to 0 with probability `p` and the others divided by 1 - p.

    The mask comes from Philox-4x32-10 with key `seed` and stream `offset`, so it is the same on every backend, and
    backward draws it again in place of keeping it.

    >>> import gpugrad
    >>> gpugrad.dropout(gpugrad.ones(4), p=0.0, seed=1, offset=0)
    tensor([1., 1., 1., 1.])
    """
    if p == 0:
        return backend_of(x).copy(x)
    x = floats(x)
    xp = backend_of(x).namespace
    if p == 1:
        return xp.zeros_like(x)
    draws = philox_uniform(math.prod(x.shape), seed, 0, xp, x.device, stream=offset)
    keeps = xp.reshape(draws >= p, x.shape)
    return x * (_zero_one(keeps, x, xp) * (1 / (1 - p)))


# A loss as one node


def class_hits(target: Array, classes: int, ignore_index: int, xp: Any) -> tuple[Array, Array]:
    """Return which class each target (n,) is, as truth values (n, classes), and which targets count.

    Small integers are widened first: those of uint8 cannot number 300 classes, nor be compared with -100.
    """
    target = xp.astype(target, xp.int64, copy=False)
    columns = xp.arange(classes, dtype=xp.int64, device=target.device)
    counted = target != ignore_index  # what is ignored may be a class
    hit = xp.expand_dims(target, axis=1) == xp.expand_dims(columns, axis=0)
    return hit & xp.expand_dims(counted, axis=1), counted


def _distribution(
    x: Array, target: Array, weight: Any, ignore_index: int, label_smoothing: float, xp: Any
) -> tuple[Array, Array]:
    """Return the weighted target probabilities (n, classes), and the weight that each row has in a mean (n,)."""
    classes = x.shape[1]
    weight = weight if weight is None or weight.dtype == x.dtype else xp.astype(weight, x.dtype)
    if len(target.shape) == 2:
        q = xp.astype(target, x.dtype) * (1 - label_smoothing) + label_smoothing / classes
        return (q if weight is None else q * weight), xp.ones_like(q[:, 0])
    hit, counted = class_hits(target, classes, ignore_index, xp)
    q = _zero_one(hit, x, xp)
    counts = _zero_one(counted, x, xp)
    known = _zero_one(xp.any(hit, axis=1), x, xp)
    row = counts if weight is None else xp.sum(q * weight, axis=1)
    # A target out of range makes its row NaN: a wrong label is never a loss of 0.
    row = row * xp.where((counts > 0) & (known == 0), xp.full_like(counts, math.nan), xp.ones_like(counts))
    smooth = xp.expand_dims(counts, axis=1) * (label_smoothing / classes) + q * (1 - label_smoothing)
    q = smooth if weight is None else smooth * weight
    return xp.where(xp.expand_dims(xp.isnan(row), axis=1), xp.full_like(q, math.nan), q), row


def _divisor(rows: Array, xp: Any) -> Array:
    """Return what the summed loss is divided by: the rows' weight for a mean, 1 where nothing counts."""
    total = xp.sum(rows)
    return xp.where(total == 0, xp.ones_like(total), total)


def _check_cross_entropy(x: Array, target: Array, weight: Array | None, ignore_index: int, reduction: str) -> None:
    backend = backend_of(x)
    if backend.dtype_of(x).kind != "f":
        raise DtypeError(f"cross_entropy: takes real floating-point logits, not {backend.dtype_of(x)}")
    if x.ndim != 2 or target.shape not in ((x.shape[0],), tuple(x.shape)):
        raise ShapeError(
            f"cross_entropy: input of shape {x.shape} (n, classes) does not fit a target of shape {target.shape}; "
            "it is (n,) class indices or (n, classes) probabilities"
        )
    if weight is not None and tuple(weight.shape) != (x.shape[1],):
        raise ShapeError(f"cross_entropy: weight of shape {weight.shape} is not ({x.shape[1]},), one for each class")
    if reduction not in ("mean", "sum", "none"):
        raise OptionError(f"reduction must be 'mean', 'sum' or 'none', not {reduction!r}")
    kind = backend.dtype_of(target).kind
    if (kind not in "iu") if target.ndim == 1 else (kind != "f"):
        raise DtypeError(f"cross_entropy: a target of shape {target.shape} must not be {backend.dtype_of(target)}")
    if target.ndim == 1 and backend.name == "numpy" and target.size:  # elsewhere a look would wait for the device
        wrong = (target != ignore_index) & ((target < 0) | (target >= x.shape[1]))
        if wrong.any():
            raise IndexError(f"cross_entropy: target {target[wrong][0]} is not a class from 0 to {x.shape[1] - 1}")


def _cross_entropy_x(
    g: Array, x: Array, target: Array, weight: Any, ignore_index: int, reduction: str, label_smoothing: float, xp: Any
) -> Array:
    q, rows = _distribution(x, target, weight, ignore_index, label_smoothing, xp)
    if reduction == "mean":
        g = g / _divisor(rows, xp)
    d = softmax(x, axis=1) * xp.sum(q, axis=1, keepdims=True) - q
    return d * (xp.expand_dims(g, axis=1) if reduction == "none" else g)


@op(x=_cross_entropy_x)
def cross_entropy(
    x: Array,
    target: Array,
    weight: Array | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Array:
    """Return the cross-entropy of softmax(x) against `target`, computed from the logits as one node.

    x: (n, classes); target: (n,) class indices, or (n, classes) probabilities; weight: (classes,). If all targets are
    ignored the mean is 0, with gradient 0.

    >>> import gpugrad
    >>> gpugrad.cross_entropy(gpugrad.tensor([[0., 0.]]), gpugrad.tensor([1]))
    tensor(0.6931)
    """
    _check_cross_entropy(x, target, weight, ignore_index, reduction)
    backend = backend_of(x)
    xp = backend.namespace
    q, rows = _distribution(x, target, weight, ignore_index, label_smoothing, xp)
    with backend.quiet():
        shifted = x - xp.max(x, axis=1, keepdims=True)
        surprise = xp.log(xp.sum(xp.exp(shifted), axis=1, keepdims=True)) - shifted
    absent = (q == 0) & ~xp.isnan(surprise)  # 0 * inf is 0 here: an impossible class that is not the target
    losses = xp.sum(q * xp.where(absent, xp.zeros_like(q), surprise), axis=1)
    if reduction == "none":
        return losses
    total = xp.sum(losses)
    return total / _divisor(rows, xp) if reduction == "mean" else total
