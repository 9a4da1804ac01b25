"""Samples of the elementwise functions."""

from __future__ import annotations

import numpy as np

from gpugrad import _ops as ops
from samples.draws import Draws, Sample, sample

draws = Draws()

SAMPLES: dict[str, list[Sample]] = {
    "add": draws.broadcasting(ops.add, draws.normal) + draws.complex_also(ops.add, 1, 2),
    "subtract": draws.broadcasting(ops.subtract, draws.normal) + draws.complex_also(ops.subtract, 1, 2),
    "multiply": draws.broadcasting(ops.multiply, draws.normal) + draws.complex_also(ops.multiply, 1, 2),
    "divide": draws.broadcasting(ops.divide, draws.normal, draws.positive) + draws.complex_also(ops.divide, 1, 2),
    "pow": [
        *draws.broadcasting(ops.pow, draws.positive),
        *draws.complex_also(ops.pow, 1, 2),
        sample("square", lambda x: x**2, draws.normal(3)),
        sample("cube of negatives", lambda x: x**3, draws.normal(5)),
        sample("inverse", lambda x: x**-1, draws.normal(3)),
        sample("root", lambda x: x**0.5, draws.positive(3)),
        sample("power 0", lambda x: x**0, draws.normal(3)),
        sample("power 1", lambda x: x**1, draws.normal(3)),
    ],
    "floor_divide": [sample("same shape", ops.floor_divide, draws.normal(3) * 5, draws.positive(3))],
    "remainder": [
        sample("same shape", ops.remainder, draws.normal(5) * 5, draws.positive(5)),
        sample("scalar left", lambda x: ops.remainder(7, x), np.array([1.9, 2.6, -3.1])),
    ],
    "negative": draws.one(ops.negative, draws.normal) + draws.complex_also(ops.negative),
    "positive": draws.one(ops.positive, draws.normal),
    "square": draws.one(ops.square, draws.normal) + draws.complex_also(ops.square),
    "reciprocal": draws.one(ops.reciprocal, draws.positive) + draws.complex_also(ops.reciprocal),
    "abs": draws.one(ops.abs, draws.normal) + draws.complex_also(ops.abs),
    "sign": draws.one(ops.sign, draws.normal) + draws.complex_also(ops.sign),
    "sqrt": draws.one(ops.sqrt, draws.positive) + draws.complex_also(ops.sqrt),
    "exp": draws.one(ops.exp, draws.normal) + draws.complex_also(ops.exp),
    "expm1": draws.one(ops.expm1, draws.normal),
    "log": draws.one(ops.log, draws.positive) + draws.complex_also(ops.log),
    "log1p": draws.one(ops.log1p, draws.positive),
    "log2": draws.one(ops.log2, draws.positive),
    "log10": draws.one(ops.log10, draws.positive),
    "logaddexp": draws.broadcasting(ops.logaddexp, draws.normal),
    "sin": draws.one(ops.sin, draws.normal) + draws.complex_also(ops.sin),
    "cos": draws.one(ops.cos, draws.normal) + draws.complex_also(ops.cos),
    "tan": draws.one(ops.tan, lambda *s: draws.positive(*s) * 0.3),
    "sinh": draws.one(ops.sinh, draws.normal),
    "cosh": draws.one(ops.cosh, draws.normal),
    "tanh": draws.one(ops.tanh, draws.normal) + draws.complex_also(ops.tanh),
    "atan2": draws.broadcasting(ops.atan2, draws.normal),
    "hypot": draws.broadcasting(ops.hypot, draws.normal),
    "erf": draws.one(ops.erf, draws.normal),
    "erfc": draws.one(ops.erfc, draws.normal, ("tail", np.array([3.0, 5.0]))),
    "maximum": draws.broadcasting(ops.maximum, draws.spread, draws.beside)[:-2],
    "minimum": draws.broadcasting(ops.minimum, draws.spread, draws.beside)[:-2],
    "floor": draws.one(ops.floor, lambda *s: draws.spread(*s) + 0.011),
    "ceil": draws.one(ops.ceil, lambda *s: draws.spread(*s) + 0.011),
    "round": draws.one(ops.round, lambda *s: draws.spread(*s) + 0.011),
    "trunc": draws.one(ops.trunc, lambda *s: draws.spread(*s) + 0.011),
    "conj": draws.one(ops.conj, draws.normal) + draws.complex_also(ops.conj),
    "real": draws.one(ops.real, draws.normal) + draws.complex_also(ops.real),
    "imag": draws.complex_also(ops.imag),
    "clip": [
        sample("scalars", lambda x: ops.clip(x, -0.5, 0.7), draws.spread(3, 4)),
        sample("one bound", lambda x: ops.clip(x, max=0.25), draws.spread(3, 4)),
        sample("tensors", ops.clip, draws.spread(3, 4), draws.spread(4) - 1.004, draws.spread(3, 1) + 1.007),
    ],
    "asin": draws.one(ops.asin, draws.inside) + draws.complex_also(ops.asin),
    "acos": draws.one(ops.acos, draws.inside) + draws.complex_also(ops.acos),
    "atan": draws.one(ops.atan, draws.normal) + draws.complex_also(ops.atan),
    "asinh": draws.one(ops.asinh, draws.normal) + draws.complex_also(ops.asinh),
    "acosh": draws.one(ops.acosh, lambda *s: draws.positive(*s) + 1) + draws.complex_also(ops.acosh),
    "atanh": draws.one(ops.atanh, draws.inside) + draws.complex_also(ops.atanh),
    "copysign": draws.broadcasting(ops.copysign, draws.normal),
    # A step as small as nextafter's is none to a finite difference: its slope of 0 is tested with the kinks.
    "nextafter": draws.broadcasting(lambda a, b: ops.nextafter(ops.floor(a), ops.floor(b)), draws.positive)[:3],
}  # fmt: skip

_x = np.array([[1.0, 2.0], [2.0, 0.0]])
_bits = np.array([[6, 3], [1, 0]])

NO_GRADIENT = {
    **dict.fromkeys("equal not_equal less less_equal greater greater_equal".split(), (_x, _x.T)),
    **dict.fromkeys("isnan isinf isfinite signbit".split(), (_x,)),
    **dict.fromkeys("logical_and logical_or logical_xor".split(), (_x > 1, _x > 0)),
    **dict.fromkeys("bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift".split(), (_bits, _bits.T)),
    "logical_not": (_x > 1,),
    "bitwise_invert": (_bits,),
}
