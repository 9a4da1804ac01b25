"""Layers as one node each: linear with its activation, layer normalisation, dropout."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from gpugrad._fused.sigmoid import sigmoid as sigmoid_on_arrays
from gpugrad._op import SCALARS, op
from gpugrad._ops.activations import relu_backward, relu_on_arrays, sigmoid_backward, zero_one
from gpugrad._ops.statistical import floats
from gpugrad.backends import Array, backend_of
from gpugrad.backends._philox import uniform as philox_uniform
from gpugrad.errors import DtypeError, OptionError, ShapeError

__all__ = ["activated_linear", "dropout", "layer_norm", "linear", "rms_norm", "uniform_like"]


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
    if any(type(a) in SCALARS for a in (x, weight, bias)):
        what = next(n for n, a in (("input", x), ("weight", weight), ("bias", bias)) if type(a) in SCALARS)
        raise ShapeError(f"linear: its {what} is a number; it must be a tensor (a number for all is added with +)")
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
    "relu": (relu_on_arrays, lambda g, z: relu_backward(g, z)),
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
    """x: `(d - mean(d) - n * mean(d * n)) / sd`, with d = g * weight and n the standardised x; weight: `g * n`; bias: `g`."""
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


def _rms_norm_gradients(
    g: Array, x: Array, weight: Any, axes: tuple[int, ...], eps: float, needs: Sequence[bool], xp: Any
) -> tuple[Any, Any]:
    """x: `(d - n * mean(d * n)) / r`, with d = g * weight, r = sqrt(mean(x * x) + eps) and n = x / r; weight: `g * n`."""
    scale = 1 / xp.sqrt(xp.mean(x * x, axis=axes, keepdims=True) + eps)
    normal = x * scale
    d = g if weight is None else g * weight
    return scale * (d - normal * xp.mean(d * normal, axis=axes, keepdims=True)), g * normal


@op({("x", "weight"): _rms_norm_gradients})
def rms_norm(x: Array, weight: Array | None = None, *, axes: tuple[int, ...] = (-1,), eps: float = 1e-5) -> Array:
    """Return x over the root of the mean of its squares along its last axes `axes`, times `weight` (Zhang, Sennrich, 2019).

    >>> import gpugrad
    >>> rms_norm(gpugrad.tensor([3., 4.]), eps=0) * 12.5 ** 0.5
    tensor([3., 4.])
    """
    x = floats(x)
    xp = backend_of(x).namespace
    z = x / xp.sqrt(xp.mean(x * x, axis=axes, keepdims=True) + eps)
    return z if weight is None else z * weight


@op(x=lambda g, p, seed, offset: dropout(g, p=p, seed=seed, offset=offset), elementwise=True)
def dropout(x: Array, /, *, p: float, seed: int, offset: int) -> Array:
    """Return x with each element set to 0 with probability `p` and the others divided by 1 - p.

    The mask comes from Philox-4x32-10 with key `seed` and stream `offset`, so it is the same on every backend, and
    backward draws it again in place of keeping it.

    >>> import gpugrad
    >>> gpugrad.dropout(gpugrad.ones(4), p=0.0, seed=1, offset=0)
    tensor([1., 1., 1., 1.])
    """
    if not 0 <= p <= 1:
        raise OptionError(f"dropout: p is {p}; it is a probability, from 0 to 1")
    if p == 0:
        return backend_of(x).copy(x)
    x = floats(x)
    xp = backend_of(x).namespace
    if p == 1:
        return xp.zeros_like(x)
    draws = philox_uniform(math.prod(x.shape), seed, 0, xp, x.device, stream=offset)
    keeps = xp.reshape(draws >= p, x.shape)
    return x * (zero_one(keeps, x, xp) * (1 / (1 - p)))


@op(x=lambda g, x_shape, xp: xp.zeros_like(g), elementwise=True)
def uniform_like(x: Array, /, *, low: float, high: float, seed: int, offset: int) -> Array:
    """Return numbers drawn evenly from `low` to `high` in the shape of x, the same on every backend; its derivative is 0.

    >>> import gpugrad
    >>> uniform_like(gpugrad.zeros(3), low=2.0, high=2.0, seed=1, offset=0)
    tensor([2., 2., 2.])
    """
    x = floats(x)
    backend = backend_of(x)
    xp = backend.namespace
    draws = philox_uniform(math.prod(x.shape), seed, 0, xp, x.device, stream=offset)
    return xp.reshape(xp.astype(draws, x.dtype) * (high - low) + low, x.shape)
