"""Elementwise functions, one row each: name, what it returns, and the rule of each input.

`g` is dL/dz; at a kink a rule gives the minimum-norm element of the subdifferential. Rules of holomorphic functions
serve complex values as they stand (see the walk's convention).
"""

from __future__ import annotations

import math
from typing import Any

from gpugrad._op import SCALARS, binary, op, predicate, unary
from gpugrad._ops.gaussians import gaussian
from gpugrad.backends import Array, backend_of, together
from gpugrad.backends._erf import erf as erf_on_arrays
from gpugrad.backends._erf import erfc as erfc_on_arrays

# The rules with a case distinction.


def _pow_x1(g: Array, x1: Array, x2: Array, xp: Any) -> Array:
    """`g * x2 * x1 ** (x2 - 1)`, and 0 where x2 is 0; its derivative by x2 there is 1 / x1, where that is finite."""
    if type(x2) in SCALARS:
        return xp.zeros_like(g) if x2 == 0 else g * (x2 * x1 ** (x2 - 1))
    edge = (x2 == 0) & ~xp.isfinite(1 / x1)
    return g * (x2 * xp.where(edge, xp.ones_like(x1), x1) ** (x2 - 1))


def _pow_x2(g: Array, z: Array, x1: Array, x2: Array, xp: Any) -> Array:
    """0**x has derivative 0 for x >= 0; below 0 it is infinite, and that of a negative base is NaN."""
    if type(x1) in SCALARS:
        if x1 == 0:
            return xp.where(x2 >= 0, xp.zeros_like(z), g * -z)
        return g * (z * math.log(x1) if x1 > 0 else z * xp.log(xp.zeros_like(z) + x1))
    flat = x1 == 0
    if x1.dtype != z.dtype:
        x1 = xp.astype(x1, z.dtype)  # a logarithm in the precision, and on the plane, of the result
    if type(x2) not in SCALARS and xp.isdtype(x2.dtype, "real floating"):
        flat = flat & (x2 >= 0)
    return g * (z * xp.log(xp.where(flat, xp.ones_like(x1), x1)))


def _abs_x(g: Array, x: Array, z: Array, xp: Any) -> Array:
    """`g * sign(x)`; of complex x `g * conj(x) / abs(x)`; 0 at 0."""
    if xp.isdtype(x.dtype, "complex floating"):
        safe = xp.where(z == 0, xp.ones_like(z), z)
        return g * xp.conj(x) / safe
    return g * xp.sign(x)


def _sign_x(g: Array, x: Array, z: Array, xp: Any) -> Array:
    """Return zeros; of complex x `(g - conj(z) * real(z * g)) / abs(x)`, 0 at 0."""
    if not xp.isdtype(x.dtype, "complex floating"):
        return xp.zeros_like(g)
    size = xp.abs(x)
    nowhere = size == 0  # every slope is a limit there; the smallest is 0
    turned = (g - xp.conj(z) * xp.real(z * g)) / xp.where(nowhere, xp.ones_like(size), size)
    return xp.where(nowhere, xp.zeros_like(turned), turned)


def _wins(g: Array, mine: Array, other: Array, sign: int, xp: Any) -> Array:
    """Return the part of g that a winner gets: all, half at a tie, and all where only the winner is NaN."""
    if type(mine) in SCALARS:
        mine = xp.zeros_like(other) + mine
    if type(other) in SCALARS:
        other = xp.zeros_like(mine) + other
    ahead = (mine > other) if sign > 0 else (mine < other)
    level = (mine == other) | (xp.isnan(mine) & xp.isnan(other))
    ahead = ahead | (xp.isnan(mine) & ~xp.isnan(other))
    return g * (xp.astype(ahead, g.dtype) + 0.5 * xp.astype(level, g.dtype))


def _zero(g: Array, xp: Any) -> Array:
    return xp.zeros_like(g)


def _logaddexp(g: Array, mine: Array, other: Array, z: Array, xp: Any) -> Array:
    """1 / (1 + exp(other - mine)); where both are -inf it is 0, and where z is +inf, those that are share it evenly."""
    endless, nothing, one = xp.isinf(z), xp.zeros_like(z), xp.ones_like(z)
    # exp(mine - z) would be the same, but for the digits that z has rounded off: 1e-4 of it at 1000 in float32.
    apart = xp.where(endless, nothing, other) - xp.where(endless, nothing, mine)
    part = xp.exp(-xp.logaddexp(nothing, apart))
    share = xp.where(mine == z, xp.where(other == z, 0.5 * one, one), nothing)
    return g * xp.where(endless, xp.where(z > 0, share, nothing), part)


def _hypot(g: Array, mine: Array, z: Array, xp: Any) -> Array:
    return g * (mine / xp.where(z == 0, xp.ones_like(z), z))


# The branch cuts of these lie where a square root has one, and the sign of a zero part of x says on which side of the cut
# x is. So it must survive: x - 1 and x - -1 keep it, where 1 - x and x + 1 make 0 of -0.


def _one_minus_square(x: Array, xp: Any) -> Array:
    """1 - x * x of real x: near 0 as it stands, for its derivative's sake, and in two factors near 1, for its own."""
    near = xp.abs(x) < 0.5
    small, large = xp.where(near, x, xp.zeros_like(x)), xp.where(near, xp.zeros_like(x), x)
    return xp.where(near, 1 - small * small, (1 - large) * (1 + large))


def _asin(g: Array, x: Array, xp: Any) -> Array:
    """`g / sqrt(1 - x * x)`, of complex x the root in two factors, so that x stays on its branch."""
    if xp.isdtype(x.dtype, "complex floating"):
        return g / (xp.sqrt(-(x - 1)) * xp.sqrt(x - -1))
    return g / xp.sqrt(_one_minus_square(x, xp))


def _asinh(g: Array, x: Array, xp: Any) -> Array:
    """`g / sqrt(x * x + 1)`, of real x without overflow."""
    if xp.isdtype(x.dtype, "complex floating"):
        return g / xp.sqrt(x * x - -1)
    return g / xp.hypot(x, 1.0)


def _acosh(g: Array, x: Array, xp: Any) -> Array:
    return g / (xp.sqrt(x - 1) * xp.sqrt(x - -1))


def _atanh(g: Array, x: Array, xp: Any) -> Array:
    """`g / (1 - x * x)`."""
    if xp.isdtype(x.dtype, "complex floating"):
        return g / ((1 - x) * (1 + x))
    return g / _one_minus_square(x, xp)


def _atan2(g: Array, mine: Array, other: Array, xp: Any) -> Array:
    """`g` times mine / (mine**2 + other**2), scaled against overflow; 0 at the origin."""
    size = xp.hypot(mine, other)
    size = xp.where(size == 0, xp.ones_like(size), size)
    return g * (mine / size / size)


def _erf_on(x: Array) -> Array:
    return erf_on_arrays(x, backend_of(x).namespace)


def _erfc_on(x: Array) -> Array:
    return erfc_on_arrays(x, backend_of(x).namespace)


_two_over_root_pi = 2 / math.sqrt(math.pi)

# fmt: off

# Arithmetic
add      = binary("add",      "Return x1 + x2, element by element.",
                  x1=lambda g: g,
                  x2=lambda g: g)
subtract = binary("subtract", "Return x1 - x2, element by element.",
                  x1=lambda g: g,
                  x2=lambda g: -g)
multiply = binary("multiply", "Return x1 * x2, element by element.",
                  x1=lambda g, x2: g * x2,
                  x2=lambda g, x1: g * x1)
divide   = binary("divide",   "Return x1 / x2, element by element; integers give floats.", needs_float=True,
                  x1=lambda g, x2: g / x2,
                  x2=lambda g, z, x2: -g * (z / x2))
pow      = binary("pow",      "Return x1 ** x2, element by element; 0 ** 0 is 1, and x ** 0 has derivative 0.",
                  x1=_pow_x1,
                  x2=_pow_x2)
floor_divide = binary("floor_divide", "Return floor(x1 / x2), element by element; its derivative is 0.",
                  x1=_zero,
                  x2=_zero)
remainder = binary("remainder", "Return x1 - floor(x1 / x2) * x2, element by element; the sign is that of x2.",
                  x1=lambda g: g,
                  x2=lambda g, x1, x2, xp: -g * xp.floor_divide(x1, x2))
negative = unary("negative",  "Return -x, element by element.",
                  x=lambda g: -g)
positive = unary("positive",  "Return +x, element by element, as a new tensor.",
                  x=lambda g: g)
square   = unary("square",    "Return x * x, element by element.",
                  x=lambda g, x: g * (2 * x))
reciprocal = unary("reciprocal", "Return 1 / x, element by element.", forward=lambda x: 1 / x, needs_float=True,
                  x=lambda g, z: -g * (z * z))
abs      = unary("abs",       "Return the absolute value, element by element; its derivative at 0 is 0.",
                  x=_abs_x)
sign     = unary("sign",      "Return -1, 0 or 1 (x / abs(x) for complex x), element by element.",
                  x=_sign_x)

# Roots, exponentials, logarithms
sqrt     = unary("sqrt",      "Return the square root, element by element; its derivative at 0 is infinite.", needs_float=True,
                  x=lambda g, z: g * (0.5 / z))
exp      = unary("exp",       "Return e ** x, element by element.", needs_float=True,
                  x=lambda g, z: g * z)
expm1    = unary("expm1",     "Return e ** x - 1, accurate near 0, element by element.", needs_float=True,
                  x=lambda g, x, xp: g * xp.exp(x))
log      = unary("log",       "Return the natural logarithm, element by element.", needs_float=True,
                  x=lambda g, x: g / x)
log1p    = unary("log1p",     "Return log(1 + x), accurate near 0, element by element.", needs_float=True,
                  x=lambda g, x: g / (x + 1))
log2     = unary("log2",      "Return the logarithm to base 2, element by element.", needs_float=True,
                  x=lambda g, x: g / x / math.log(2))
log10    = unary("log10",     "Return the logarithm to base 10, element by element.", needs_float=True,
                  x=lambda g, x: g / x / math.log(10))
logaddexp = binary("logaddexp", "Return log(exp(x1) + exp(x2)) without overflow, element by element.", needs_float=True,
                  x1=lambda g, z, x1, x2, xp: _logaddexp(g, x1, x2, z, xp),
                  x2=lambda g, z, x1, x2, xp: _logaddexp(g, x2, x1, z, xp))

# Trigonometric and hyperbolic
sin      = unary("sin",       "Return the sine of x in radians, element by element.", needs_float=True,
                  x=lambda g, x, xp: g * xp.cos(x))
cos      = unary("cos",       "Return the cosine of x in radians, element by element.", needs_float=True,
                  x=lambda g, x, xp: -g * xp.sin(x))
tan      = unary("tan",       "Return the tangent of x in radians, element by element.", needs_float=True,
                  x=lambda g, z: g * (z * z + 1))
sinh     = unary("sinh",      "Return the hyperbolic sine, element by element.", needs_float=True,
                  x=lambda g, x, xp: g * xp.cosh(x))
cosh     = unary("cosh",      "Return the hyperbolic cosine, element by element.", needs_float=True,
                  x=lambda g, x, xp: g * xp.sinh(x))
tanh     = unary("tanh",      "Return the hyperbolic tangent, element by element.", needs_float=True,
                  x=lambda g, z: g * (1 - z * z))
asin     = unary("asin",      "Return the angle from -pi/2 to pi/2 with sine x, element by element.", needs_float=True,
                  x=_asin)
acos     = unary("acos",      "Return the angle from 0 to pi with cosine x, element by element.", needs_float=True,
                  x=lambda g, x, xp: -_asin(g, x, xp))
atan     = unary("atan",      "Return the angle from -pi/2 to pi/2 with tangent x, element by element.", needs_float=True,
                  x=lambda g, x: g / (x * x + 1))
asinh    = unary("asinh",     "Return the number with hyperbolic sine x, element by element.", needs_float=True,
                  x=_asinh)
acosh    = unary("acosh",     "Return the number that is not negative with hyperbolic cosine x, element by element.", needs_float=True,
                  x=_acosh)
atanh    = unary("atanh",     "Return the number with hyperbolic tangent x, element by element.", needs_float=True,
                  x=_atanh)
atan2    = binary("atan2",    "Return the angle of the point (x2, x1) in radians; its gradient at (0, 0) is 0.", needs_float=True,
                  x1=lambda g, x1, x2, xp: _atan2(g, x2, x1, xp),
                  x2=lambda g, x1, x2, xp: -_atan2(g, x1, x2, xp))
hypot    = binary("hypot",    "Return sqrt(x1**2 + x2**2) without overflow; its gradient at (0, 0) is 0.", needs_float=True,
                  x1=lambda g, z, x1, xp: _hypot(g, x1, z, xp),
                  x2=lambda g, z, x2, xp: _hypot(g, x2, z, xp))

# Error function
erf      = unary("erf",       "Return 2/sqrt(pi) times the integral of exp(-t*t) from 0 to x.", forward=_erf_on, needs_float=True,
                  x=lambda g, x: g * (_two_over_root_pi * gaussian(x)))
erfc     = unary("erfc",      "Return 1 - erf(x), accurate in the tail.", forward=_erfc_on, needs_float=True,
                  x=lambda g, x: -g * (_two_over_root_pi * gaussian(x)))

# Choosing
maximum  = binary("maximum",  "Return the larger of x1 and x2; a tie gives each half of the gradient.", reals=True,
                  x1=lambda g, x1, x2, xp: _wins(g, x1, x2, 1, xp),
                  x2=lambda g, x1, x2, xp: _wins(g, x2, x1, 1, xp))
minimum  = binary("minimum",  "Return the smaller of x1 and x2; a tie gives each half of the gradient.", reals=True,
                  x1=lambda g, x1, x2, xp: _wins(g, x1, x2, -1, xp),
                  x2=lambda g, x1, x2, xp: _wins(g, x2, x1, -1, xp))

# Signs and neighbours
copysign = binary("copysign", "Return abs(x1) with the sign of x2, element by element; its derivative at x1 = 0 is 0.", needs_float=True,
                  x1=lambda g, z, x1, xp: g * (xp.sign(x1) * xp.sign(z)),
                  x2=_zero)
nextafter = binary("nextafter", "Return the number next to x1 in the direction of x2; its derivatives are 0.", needs_float=True,
                  x1=_zero,
                  x2=_zero)

# Piecewise constant: recorded, with gradients of zeros
floor    = unary("floor",     "Return the largest integer not above x; its derivative is 0.", x=_zero)
ceil     = unary("ceil",      "Return the smallest integer not below x; its derivative is 0.", x=_zero)
round    = unary("round",     "Return the nearest integer, ties to even; its derivative is 0.", x=_zero)
trunc    = unary("trunc",     "Return x without its fraction; its derivative is 0.", x=_zero)

# Complex parts
conj     = unary("conj",      "Return the complex conjugate, element by element.",
                  x=lambda g, xp: xp.conj(g))

# Truth values: never recorded
equal         = predicate("equal",         "Return whether x1 == x2, element by element.", "x1", "x2")
not_equal     = predicate("not_equal",     "Return whether x1 != x2, element by element.", "x1", "x2")
less          = predicate("less",          "Return whether x1 < x2, element by element.", "x1", "x2", reals=True)
less_equal    = predicate("less_equal",    "Return whether x1 <= x2, element by element.", "x1", "x2", reals=True)
greater       = predicate("greater",       "Return whether x1 > x2, element by element.", "x1", "x2", reals=True)
greater_equal = predicate("greater_equal", "Return whether x1 >= x2, element by element.", "x1", "x2", reals=True)
isnan         = predicate("isnan",         "Return whether x is NaN, element by element.", "x")
isinf         = predicate("isinf",         "Return whether x is infinite, element by element.", "x")
isfinite      = predicate("isfinite",      "Return whether x is finite, element by element.", "x")
signbit       = predicate("signbit",       "Return whether the sign bit of x is set, element by element.", "x")
logical_and   = predicate("logical_and",   "Return x1 and x2, element by element, for truth values.", "x1", "x2")
logical_or    = predicate("logical_or",    "Return x1 or x2, element by element, for truth values.", "x1", "x2")
logical_xor   = predicate("logical_xor",   "Return x1 xor x2, element by element, for truth values.", "x1", "x2")
logical_not   = predicate("logical_not",   "Return not x, element by element, for truth values.", "x")

# Bits: integers and truth values, never recorded
bitwise_and         = predicate("bitwise_and",         "Return the bitwise and of integers or truth values.", "x1", "x2")
bitwise_or          = predicate("bitwise_or",          "Return the bitwise or of integers or truth values.", "x1", "x2")
bitwise_xor         = predicate("bitwise_xor",         "Return the bitwise exclusive or of integers or truth values.", "x1", "x2")
bitwise_invert      = predicate("bitwise_invert",      "Return the bitwise complement of integers or truth values.", "x")
bitwise_left_shift  = predicate("bitwise_left_shift",  "Return x1 << x2 for integers.", "x1", "x2")
bitwise_right_shift = predicate("bitwise_right_shift", "Return x1 >> x2 for integers.", "x1", "x2")
# fmt: on


def _within(g: Array, x: Array, min: Any, max: Any, xp: Any) -> Array:
    """`g` where min < x < max, and 0 elsewhere, the bounds included."""
    inside = x == x
    if min is not None:
        inside = inside & (x > min)
    if max is not None:
        inside = inside & (x < max)
    return g * xp.astype(inside, g.dtype)


@op(
    x=_within,
    min=lambda g, x, min, xp: g * xp.astype(x < min, g.dtype),
    max=lambda g, x, max, xp: g * xp.astype(x > max, g.dtype),
    reals=True,
    elementwise=True,
)
def clip(x: Array, /, min: Array | None = None, max: Array | None = None) -> Array:
    """Return `x` limited to [min, max]; at a bound its derivative is 0.

    >>> import gpugrad
    >>> gpugrad.clip(gpugrad.tensor([-2., 0.5, 2.]), -1, 1)
    tensor([-1.0000,  0.5000,  1.0000])
    """
    backend = backend_of(x)
    xp = backend.namespace
    for bound, choose in ((min, xp.maximum), (max, xp.minimum)):
        if bound is not None:
            x, bound = together(backend, (x, bound))
            limit = bound if hasattr(bound, "shape") else xp.full((), bound, dtype=x.dtype, device=x.device)
            x = backend.wrap(backend.function(choose)(x, limit))
    return backend.copy(x) if min is None and max is None else x
