"""The functions of the grammar: what C calls them, how array code computes them, and their derivatives.

C and the array API differ in places, and then C is right here: `fmin` and `fmax` pass over a NaN, `fmod` has the sign
of its first operand, `round` goes away from 0 at a half. `abs`, `min` and `max` are those of CUDA: fabs, fmin, fmax.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gpugrad._elementwise._terms import Term, Terms
from gpugrad.backends._erf import erf, erfc

__all__ = ["ALIASES", "ARRAY_HELPERS", "FUNCTIONS", "Function", "plus", "times"]

Tangent = Callable[[Terms, Term, Sequence[Term], Sequence["Term | None"]], "Term | None"]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of real numbers.

    `array` is the text of array code with ``{0}``, ``{1}`` for the operands; `cuda` the body of a C++ function template
    of the operands a and b, None where C has a function of this name for float, with an f behind it, and for double.
    `tangent` makes dz of z, its operands and theirs: None stands for a derivative that is 0 everywhere.
    """

    arity: int
    array: str
    tangent: Tangent
    cuda: str | None = None


def plus(t: Terms, *parts: Term | None) -> Term | None:
    """Return the sum of derivatives."""
    total: Term | None = None
    for part in parts:
        if part is not None:
            total = part if total is None else t.call("+", total, part)
    return total


def times(t: Terms, slope: Term, d: Term | None) -> Term | None:
    """Return a slope times a derivative."""
    if d is None or (slope.name == "number" and slope.payload == 1):
        return d
    return slope if d.name == "number" and d.payload == 1 else t.call("*", slope, d)


def _by(slope: Callable[[Any, Term, Term], Term]) -> Tangent:
    """Return the tangent of a function of one operand, from its slope as a function of the terms, z and x."""
    return lambda t, z, x, d: None if d[0] is None else times(t, slope(t, z, x[0]), d[0])


def _flat(t: Terms, z: Term, x: Sequence[Term], d: Sequence[Term | None]) -> Term | None:
    """Return that a function is constant but for steps."""
    return None


def _one_minus_square(t: Terms, x: Term) -> Term:
    """(1 - x) * (1 + x), which does not cancel near 1."""
    one = t.number(1)
    return t.call("*", t.call("-", one, x), t.call("+", one, x))


def _one_plus_square(t: Terms, x: Term) -> Term:
    return t.call("+", t.call("*", x, x), t.number(1))


def _power_slope(t: Terms, base: Term, exponent: float) -> Term:
    """Return the slope of a power with a number, not 0, above."""
    if exponent in (1, 2):
        return t.number(1) if exponent == 1 else t.call("+", base, base)
    return t.call("*", t.number(exponent), t.call("pow", base, t.number(exponent - 1)))


def _pow(t: Terms, z: Term, x: Sequence[Term], d: Sequence[Term | None]) -> Term | None:
    """X ** 0 has slope 0, and so has 0 ** y for y >= 0."""
    base, exponent = x
    zero = t.number(0)
    if exponent.name == "number":
        return None if exponent.payload == 0 else times(t, _power_slope(t, base, exponent.payload), d[0])
    less = t.call("-", exponent, t.number(1))
    by_base = None if d[0] is None else t.call("*", exponent, t.call("pow", base, less))
    by_exponent = None if d[1] is None else t.call("*", z, t.call("log", base))
    first = None if by_base is None else times(t, by_base, d[0])
    if first is not None:
        first = t.choose(t.call("==", exponent, zero), zero, first)
    second = None if by_exponent is None else times(t, by_exponent, d[1])
    if second is not None:
        flat = t.logical("&&", t.call("==", base, zero), t.call(">=", exponent, zero))
        second = t.choose(flat, zero, second)
    return plus(t, first, second)


def _atan2(t: Terms, z: Term, x: Sequence[Term], d: Sequence[Term | None]) -> Term | None:
    """`(x * dy - y * dx) / (x**2 + y**2)`, and 0 at the origin."""
    size = t.call("hypot", *x)
    safe = t.choose(t.call("==", size, t.number(0)), t.number(1), size)
    up, along = (t.call("/", t.call("/", term, safe), safe) for term in (x[1], t.call("neg", x[0])))
    return plus(t, times(t, up, d[0]), times(t, along, d[1]))


def _hypot(t: Terms, z: Term, x: Sequence[Term], d: Sequence[Term | None]) -> Term | None:
    safe = t.choose(t.call("==", z, t.number(0)), t.number(1), z)
    return plus(t, *(times(t, t.call("/", term, safe), of) for term, of in zip(x, d, strict=True)))


def _copysign(t: Terms, z: Term, x: Sequence[Term], d: Sequence[Term | None]) -> Term | None:
    return times(t, t.call("*", t.call("sign", x[0]), t.call("sign", z)), d[0])


def _fmod(t: Terms, z: Term, x: Sequence[Term], d: Sequence[Term | None]) -> Term | None:
    return plus(t, d[0], times(t, t.call("neg", t.call("trunc", t.call("/", *x))), d[1]))


def _extreme(better: str) -> Tangent:
    """Return the tangent of fmin or fmax: that of the winner, and half of each at a tie, of two NaN as well."""

    def tangent(t: Terms, z: Term, x: Sequence[Term], d: Sequence[Term | None]) -> Term | None:
        if d[0] is None and d[1] is None:
            return None
        first, second = (of or t.number(0) for of in d)
        a, b = x
        a_absent, b_absent = t.call("isnan", a), t.call("isnan", b)
        a_wins = t.logical("||", t.call(better, a, b), t.logical("&&", b_absent, t.logical("!", a_absent)))
        b_wins = t.logical("||", t.call(better, b, a), t.logical("&&", a_absent, t.logical("!", b_absent)))
        half = times(t, t.number(0.5), plus(t, *d)) or t.number(0)
        return t.choose(a_wins, first, t.choose(b_wins, second, half))

    return tangent


_bell = 2 / math.sqrt(math.pi)


def _erf_slope(t: Terms, x: Term, scale: float) -> Term:
    return t.call("*", t.number(scale), t.call("exp", t.call("neg", t.call("*", x, x))))


def _over(t: Terms, value: Term | float, divisor: Term) -> Term:
    return t.call("/", value if isinstance(value, Term) else t.number(value), divisor)


def _cube(t: Terms, x: Term) -> Term:
    return t.call("*", x, t.call("*", x, x))


def _acosh_root(t: Terms, x: Term) -> Term:
    """Return the root of x * x - 1 in two factors."""
    one = t.number(1)
    return t.call("*", t.call("sqrt", t.call("-", x, one)), t.call("sqrt", t.call("+", x, one)))


# fmt: off
FUNCTIONS: dict[str, Function] = {
    "exp":   Function(1, "xp.exp({0})",   _by(lambda t, z, x: z)),
    "expm1": Function(1, "xp.expm1({0})", _by(lambda t, z, x: t.call("+", z, t.number(1)))),
    "log":   Function(1, "xp.log({0})",   _by(lambda t, z, x: _over(t, 1, x))),
    "log1p": Function(1, "xp.log1p({0})", _by(lambda t, z, x: _over(t, 1, t.call("+", x, t.number(1))))),
    "log2":  Function(1, "xp.log2({0})",  _by(lambda t, z, x: _over(t, 1 / math.log(2), x))),
    "log10": Function(1, "xp.log10({0})", _by(lambda t, z, x: _over(t, 1 / math.log(10), x))),
    "sqrt":  Function(1, "xp.sqrt({0})",  _by(lambda t, z, x: _over(t, 0.5, z))),
    "rsqrt": Function(1, "1 / xp.sqrt({0})", _by(lambda t, z, x: t.call("*", t.number(-0.5), _cube(t, z))),
                      "return A(1) / f_sqrt(a);"),
    "sin":   Function(1, "xp.sin({0})",   _by(lambda t, z, x: t.call("cos", x))),
    "cos":   Function(1, "xp.cos({0})",   _by(lambda t, z, x: t.call("neg", t.call("sin", x)))),
    "tan":   Function(1, "xp.tan({0})",   _by(lambda t, z, x: _one_plus_square(t, z))),
    "asin":  Function(1, "xp.asin({0})",  _by(lambda t, z, x: _over(t, 1, t.call("sqrt", _one_minus_square(t, x))))),
    "acos":  Function(1, "xp.acos({0})",  _by(lambda t, z, x: _over(t, -1, t.call("sqrt", _one_minus_square(t, x))))),
    "atan":  Function(1, "xp.atan({0})",  _by(lambda t, z, x: _over(t, 1, _one_plus_square(t, x)))),
    "sinh":  Function(1, "xp.sinh({0})",  _by(lambda t, z, x: t.call("cosh", x))),
    "cosh":  Function(1, "xp.cosh({0})",  _by(lambda t, z, x: t.call("sinh", x))),
    "tanh":  Function(1, "xp.tanh({0})",  _by(lambda t, z, x: _one_minus_square(t, z))),
    "asinh": Function(1, "xp.asinh({0})", _by(lambda t, z, x: _over(t, 1, t.call("sqrt", _one_plus_square(t, x))))),
    "acosh": Function(1, "xp.acosh({0})", _by(lambda t, z, x: _over(t, 1, _acosh_root(t, x)))),
    "atanh": Function(1, "xp.atanh({0})", _by(lambda t, z, x: _over(t, 1, _one_minus_square(t, x)))),
    "atan2": Function(2, "xp.atan2({0}, {1})", _atan2),
    "hypot": Function(2, "xp.hypot({0}, {1})", _hypot),
    "pow":   Function(2, "xp.pow({0}, {1})",   _pow),
    "fmod":  Function(2, "fmod(xp, {0}, {1})", _fmod),
    "fmin":  Function(2, "fmin(xp, {0}, {1})", _extreme("<")),
    "fmax":  Function(2, "fmax(xp, {0}, {1})", _extreme(">")),
    "copysign": Function(2, "xp.copysign({0}, {1})", _copysign),
    "fabs":  Function(1, "xp.abs({0})",   _by(lambda t, z, x: t.call("sign", x))),
    "sign":  Function(1, "xp.sign({0})",  _flat, "return a > A(0) ? A(1) : a < A(0) ? A(-1) : a;"),
    "floor": Function(1, "xp.floor({0})", _flat),
    "ceil":  Function(1, "xp.ceil({0})",  _flat),
    "trunc": Function(1, "xp.trunc({0})", _flat),
    "rint":  Function(1, "xp.round({0})", _flat),
    "round": Function(1, "round_half_away(xp, {0})", _flat),
    "erf":   Function(1, "erf({0}, xp)",  _by(lambda t, z, x: _erf_slope(t, x, _bell))),
    "erfc":  Function(1, "erfc({0}, xp)", _by(lambda t, z, x: _erf_slope(t, x, -_bell))),
}
# fmt: on

ALIASES = {"abs": "fabs", "min": "fmin", "max": "fmax"}


def _fmod_on_arrays(xp: Any, a: Any, b: Any) -> Any:
    return xp.copysign(xp.remainder(xp.abs(a), xp.abs(b)), a)


def _fmin_on_arrays(xp: Any, a: Any, b: Any) -> Any:
    return xp.where(xp.isnan(a), b, xp.where(xp.isnan(b), a, xp.minimum(a, b)))


def _fmax_on_arrays(xp: Any, a: Any, b: Any) -> Any:
    return xp.where(xp.isnan(a), b, xp.where(xp.isnan(b), a, xp.maximum(a, b)))


def _round_half_away(xp: Any, a: Any) -> Any:
    size = xp.abs(a)
    whole = xp.floor(size)
    return xp.copysign(xp.where(size - whole >= 0.5, whole + 1, whole), a)


ARRAY_HELPERS: dict[str, Callable[..., Any]] = {
    "fmod": _fmod_on_arrays,
    "fmin": _fmin_on_arrays,
    "fmax": _fmax_on_arrays,
    "round_half_away": _round_half_away,
    "erf": erf,
    "erfc": erfc,
}
"""What array code calls beside the functions of the standard."""
