"""The standard's functions of arrays, on NumPy arrays of mpmath numbers: their values and nothing else.

Elementwise functions are mpmath's; what only moves or adds elements is NumPy's own, which works on any objects.
"""

from __future__ import annotations

import mpmath
import numpy as np
from mpmath import mp

from gradient_cases.reference import lift

__all__ = ["FUNCTIONS"]


def _each(function):
    """Return a function of numbers as one of arrays, which broadcasts."""

    def apply(*xs):
        return lift(np.frompyfunc(function, len(xs), 1)(*[lift(x) for x in xs]))

    return apply


def _sign(x):
    return x / mp.fabs(x) if x != 0 else x


def _clip(x, min=None, max=None):
    z = x if min is None else np.maximum(x, lift(min))
    return lift(z if max is None else np.minimum(z, lift(max)))


def _conj(x):
    return mp.conj(x) if isinstance(x, mpmath.mpc) else x


def _pow(x, y):
    if isinstance(y, mpmath.mpf) and y == mp.floor(y):
        return x ** int(y)
    return mp.power(x, y)


ELEMENTWISE = {
    "abs": mp.fabs,
    "acos": mp.acos,
    "acosh": mp.acosh,
    "add": lambda x, y: x + y,
    "asin": mp.asin,
    "asinh": mp.asinh,
    "atan": mp.atan,
    "atan2": mp.atan2,
    "atanh": mp.atanh,
    "ceil": mp.ceil,
    "conj": _conj,
    "copysign": lambda x, y: mp.fabs(x) * (1 if y > 0 else -1),
    "cos": mp.cos,
    "cosh": mp.cosh,
    "divide": lambda x, y: x / y,
    "exp": mp.exp,
    "expm1": lambda x: mp.exp(x) - 1,
    "floor": mp.floor,
    "floor_divide": lambda x, y: mp.floor(x / y),
    "hypot": lambda x, y: mp.sqrt(x * x + y * y),
    "imag": mp.im,
    "log": mp.log,
    "log10": lambda x: mp.log(x) / mp.log(10),
    "log1p": lambda x: mp.log(1 + x),
    "log2": lambda x: mp.log(x) / mp.log(2),
    "logaddexp": lambda x, y: mp.log(mp.exp(x) + mp.exp(y)),
    "maximum": lambda x, y: max(x, y),
    "minimum": lambda x, y: min(x, y),
    "multiply": lambda x, y: x * y,
    "negative": lambda x: -x,
    "positive": lambda x: +x,
    "pow": _pow,
    "real": mp.re,
    "reciprocal": lambda x: 1 / x,
    "remainder": lambda x, y: x - mp.floor(x / y) * y,
    "round": mp.nint,
    "sign": _sign,
    "sin": mp.sin,
    "sinh": mp.sinh,
    "sqrt": mp.sqrt,
    "square": lambda x: x * x,
    "subtract": lambda x, y: x - y,
    "tan": mp.tan,
    "tanh": mp.tanh,
    "trunc": lambda x: mp.floor(x) if x > 0 else mp.ceil(x),
}


# Statistics


def _axes(x, axis):
    return tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else axis


def _count(x, axis):
    return int(np.prod([x.shape[a] for a in _axes(x, axis)]))


def _sum(x, axis=None, dtype=None, keepdims=False):
    return lift(np.sum(x, axis=_axes(x, axis), keepdims=keepdims))


def _mean(x, axis=None, keepdims=False):
    return lift(_sum(x, axis, keepdims=keepdims) / _count(x, axis))


def _var(x, axis=None, correction=0.0, keepdims=False):
    deviation = lift(x - _mean(x, axis, keepdims=True))
    return lift(_sum(lift(deviation * deviation), axis, keepdims=keepdims) / (_count(x, axis) - correction))


def _std(x, **keywords):
    return _each(mp.sqrt)(_var(x, **keywords))


def _prod(x, axis=None, dtype=None, keepdims=False):
    return lift(np.prod(x, axis=_axes(x, axis), keepdims=keepdims))


def _extreme(function):
    return lambda x, axis=None, keepdims=False: lift(function(x, axis=_axes(x, axis), keepdims=keepdims))


def _cumulative(function, initial):
    def apply(x, axis=None, dtype=None, include_initial=False):
        axis = 0 if axis is None else axis
        z = function(x, axis=axis)
        if include_initial:
            shape = list(z.shape)
            shape[axis] = 1
            z = np.concatenate([lift(np.full(shape, initial)), z], axis=axis)
        return lift(z)

    return apply


# Manipulation, indexing, sorting


def _concat(xs, axis=0):
    return lift(np.concatenate([x.reshape(-1) for x in xs] if axis is None else xs, axis=0 if axis is None else axis))


def _expand_dims(x, axis):
    return lift(np.expand_dims(x, axis))


def _sort(x, axis=-1, descending=False, stable=True):
    z = np.sort(x, axis=axis)
    return lift(np.flip(z, axis=axis) if descending else z)


def _unstack(x, axis=0):
    return tuple(lift(part) for part in np.moveaxis(x, axis, 0))


def _take(x, indices, axis=0):
    return lift(np.take(x, indices, axis=axis))


def _diff(x, axis=-1, n=1, prepend=None, append=None):
    parts = [part for part in (prepend, x, append) if part is not None]
    z = np.concatenate(parts, axis=axis)
    return lift(np.diff(z, n=n, axis=axis))


def _where(condition, x1, x2):
    return lift(np.where(condition, lift(x1), lift(x2)))


def _written(x, key, value):
    z = x.copy()
    z[key] = value[()] if isinstance(value, np.ndarray) else value  # a number, where it is 0-d
    return z


def _many(function):
    return lambda *xs, **keywords: tuple(lift(z) for z in function(*xs, **keywords))


def _one(function):
    return lambda *xs, **keywords: lift(function(*xs, **keywords))


_MOVES = {
    "array.T": lambda x: lift(x.T),
    "array.__getitem__": lambda x, key: lift(x[key]),
    "array.__setitem__": _written,
    "array.mT": lambda x: lift(np.swapaxes(x, -1, -2)),
    "asarray": lambda x, dtype=None, copy=None: x,
    "astype": lambda x, dtype, copy=True: x,
    "broadcast_arrays": _many(np.broadcast_arrays),
    "broadcast_to": _one(np.broadcast_to),
    "concat": _concat,
    "cumulative_prod": _cumulative(np.cumprod, 1),
    "cumulative_sum": _cumulative(np.cumsum, 0),
    "diff": _diff,
    "expand_dims": _expand_dims,
    "flip": _one(np.flip),
    "matrix_transpose": lambda x: lift(np.swapaxes(x, -1, -2)),
    "max": _extreme(np.max),
    "mean": _mean,
    "meshgrid": _many(np.meshgrid),
    "min": _extreme(np.min),
    "moveaxis": _one(np.moveaxis),
    "permute_dims": _one(np.transpose),
    "prod": _prod,
    "repeat": _one(np.repeat),
    "reshape": lambda x, shape, copy=None: lift(np.reshape(x, shape)),
    "roll": _one(np.roll),
    "sort": _sort,
    "squeeze": _one(np.squeeze),
    "stack": _one(np.stack),
    "std": _std,
    "sum": _sum,
    "take": _take,
    "take_along_axis": lambda x, indices, axis=-1: lift(np.take_along_axis(x, indices, axis=axis)),
    "tile": _one(np.tile),
    "tril": _one(np.tril),
    "triu": _one(np.triu),
    "unstack": _unstack,
    "var": _var,
    "where": _where,
}

_SYMBOLS = {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "floordiv": "floor_divide",
            "mod": "remainder", "pow": "pow"}  # fmt: skip
_elementwise = {name: _each(function) for name, function in ELEMENTWISE.items()}
_operators = {
    "array.__neg__": _elementwise["negative"],
    "array.__pos__": _elementwise["positive"],
    "array.__abs__": _elementwise["abs"],
    **{f"array.__{symbol}__": _elementwise[name] for symbol, name in _SYMBOLS.items()},
    **{f"array.__i{symbol}__": _elementwise[name] for symbol, name in _SYMBOLS.items()},
    **{f"array.__r{symbol}__": lambda x, other, f=_elementwise[name]: f(other, x) for symbol, name in _SYMBOLS.items()},
}

FUNCTIONS = {**_elementwise, "clip": _clip, **_operators, **_MOVES}
