"""The largest error of each function on the device, in units in the last place of the dtype of its results.

Measured against long double on the host, wherever the exact result is a normal number of that dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import gpugrad
from gpu_check import exact
from gpu_check.part import FAILED, PASSED, Part, Table
from gpugrad._fused import registry
from gpugrad._fused.clip import clip_by_global_norm, global_norm
from gpugrad.backends import backend_named

DTYPES = ("float16", "float32", "float64")


@dataclass(frozen=True)
class Function:
    """A function of the library, its exact value, inputs for both, and the largest errors allowed.

    `samples` takes the dtype, how many numbers, and a generator; it returns the inputs. `bounds` are those of DTYPES:
    float32's are what the library promises, the others tell a fault from rounding.
    """

    name: str
    on_device: Callable[..., Any]
    exact: Callable[..., Any]
    samples: Callable[..., list[Any]]
    bounds: tuple[float, float, float]


def _line(low: float, high: float, wide: float, dtype: str, count: int, random: np.random.Generator) -> list[Any]:
    """Return numbers from low to high, `wide` times as far in float64: evenly spread, at random, and around 0."""
    stretch = wide if dtype == "float64" else 1.0
    third = count // 3
    near = np.logspace(-30 if dtype != "float16" else -4, 0, third // 2)
    spread = np.concatenate([np.linspace(low, high, third), random.uniform(low, high, third)]) * stretch
    return [np.concatenate([spread, near[near < high], -near[near < -low]]).astype(dtype)]


def _curve(name, exact_function, low, high, bounds, wide=1.0, function=None):
    function = function or getattr(gpugrad, name)
    return Function(name, _tensors(function), exact_function, partial(_line, low, high, wide), bounds)


def _tensors(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function of Tensors take and return arrays of the device."""
    return lambda *arrays: function(*map(gpugrad.asarray, arrays))._array


def _rows(dtype: str, count: int, random: np.random.Generator) -> list[Any]:
    scales = np.resize([0.1, 1.0, 10.0, 50.0], (max(1, count // 1000), 1))
    return [(random.normal(size=(len(scales), 1000)) * scales).astype(dtype)]


def _outputs(dtype: str, count: int, random: np.random.Generator) -> list[Any]:
    return [random.normal(size=count).astype(dtype), random.uniform(0, 1, count).astype(dtype)]


def _gradients(dtype: str, count: int, random: np.random.Generator) -> list[Any]:
    return [random.normal(size=count).astype(dtype)]


def _clipped(x: Any) -> Any:
    x = x.copy()
    clip_by_global_norm([x], 0.5)
    return x


def _exactly_clipped(x: Any) -> Any:
    return x * min(exact.wide(1), exact.wide(0.5) / (exact.norm(x) + exact.wide(1e-6)))


FUNCTIONS = [
    _curve("sigmoid", exact.sigmoid, -90, 90, (0.51, 4, 4), wide=7.8),
    Function("sigmoid_backward", registry["sigmoid_backward"], lambda g, z: g * z * (1 - z), _outputs, (0.51, 4, 4)),
    _curve("tanh", np.tanh, -10, 10, (1, 4, 4), wide=2),
    _curve("exp", np.exp, -87, 88, (1, 4, 4), wide=8),
    _curve("erf", exact.erf, -4, 4, (1, 4, 4), wide=1.5, function=gpugrad.erf),
    _curve("gelu", exact.gelu, -3.2, 8, (8, 8, 12)),
    _curve("silu", lambda x: x * exact.sigmoid(x), -80, 80, (8, 6, 6), wide=8),
    _curve("softplus", exact.softplus, -88, 100, (4, 4, 4), wide=8),
    _curve("log_sigmoid", lambda x: -exact.softplus(-x), -100, 88, (4, 4, 4), wide=8),
    Function("logsumexp", _tensors(partial(gpugrad.logsumexp, axis=1)), exact.logsumexp, _rows, (2, 2, 2)),
    Function("norm", lambda x: global_norm([x]), exact.norm, _gradients, (4, 4, 4)),
    Function("clip", _clipped, _exactly_clipped, _gradients, (1, 4, 4)),
]


def largest_ulp(z: Any, expected: Any) -> float:
    """Return the largest error of `z` in units in the last place of its dtype; NaN if an element is no number."""
    limits = np.finfo(z.dtype)
    size = np.abs(expected)
    normal = (size >= limits.tiny) & (size <= limits.max)
    if not normal.any():
        raise ValueError("there is no normal number among the exact results")
    unit = np.spacing(size[normal].astype(z.dtype)).astype(np.longdouble)
    return float(np.max(np.abs(z[normal].astype(np.longdouble) - expected[normal]) / unit))


def error(function: Function, dtype: str, count: int) -> float:
    """Return the largest error of one function in one dtype, on the device that new tensors go to."""
    backend = backend_named(gpugrad.get_backend())
    inputs = function.samples(dtype, count, np.random.default_rng(0))
    with np.errstate(all="ignore"):
        expected = np.asarray(function.exact(*map(exact.wide, inputs)))
    z = function.on_device(*(gpugrad.asarray(x)._array for x in inputs))
    return largest_ulp(np.asarray(backend.to_host(z)), expected)


def check(count: int = 60_000) -> Part:
    """Measure every function in every dtype."""
    dtypes = DTYPES if exact.WIDER else DTYPES[:2]
    rows, beyond = [], []
    for function in FUNCTIONS:
        cells = []
        for dtype, bound in zip(dtypes, function.bounds, strict=False):
            found = error(function, dtype, count)
            if not found <= bound:
                beyond.append(f"{function.name} in {dtype}")
            cells.append(f"{found:.2f} (at most {bound:g})")
        rows.append((function.name, *cells, *["not measured"] * (len(DTYPES) - len(dtypes))))
    summary = f"largest errors of {len(FUNCTIONS)} functions in {', '.join(dtypes)}"
    if not exact.WIDER:
        summary += "; float64 not measured: long double is no wider here"
    if beyond:
        summary += f"; beyond their bounds: {', '.join(beyond)}"
    return Part("ulp", FAILED if beyond else PASSED, summary, [Table("ulp", ("function", *DTYPES), rows)])
