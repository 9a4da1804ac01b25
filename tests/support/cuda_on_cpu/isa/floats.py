"""Arithmetic on floating-point numbers, exact and approximate."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, Final

from cuda_on_cpu.isa.case import FLOATS, HALVES, PAIRS, Case, bits, every, read, written
from cuda_on_cpu.isa.exact import FORMATS, exact, pattern, rounded, value

__all__ = ["approximations", "floats", "flushed", "nearest", "pairwise", "relu", "saturated"]

MODES: Final = ("rn", "rz", "rm", "rp")


def fused(x: Any, y: Any, w: Any) -> Any:
    return x * y + w


ARITHMETIC: Final = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "fma": fused,
    "div": operator.truediv,
}


def root(kind: str, mode: str) -> Callable[[float], float]:
    def computed(x: float) -> float:
        if not x > 0 or math.isinf(x):
            return math.nan if x < 0 else x
        numerator, denominator = x.as_integer_ratio()
        scaled = (numerator << 3000) // denominator  # which is a power of 2, and at most the 1074th
        whole = math.isqrt(scaled)
        beyond = whole * whole != scaled  # then the root lies between two of these fractions
        return rounded(Fraction(2 * whole + beyond, 2 << 1500), kind, mode)

    return computed


def flushed(x: float, kind: str = "f32") -> float:
    return math.copysign(0.0, x) if abs(x) < 2.0 ** FORMATS[kind].least else x


def with_flush(operation: Callable[..., float], kind: str = "f32") -> Callable[..., float]:
    return lambda *numbers: flushed(operation(*(flushed(x, kind) for x in numbers)), kind)


def saturated(x: float) -> float:
    return min(x, 1.0) if x > 0 else 0.0


def pairwise(operation: Callable[..., Any]) -> Callable[..., tuple[Any, Any]]:
    return lambda *pairs: (operation(*(pair[0] for pair in pairs)), operation(*(pair[1] for pair in pairs)))


def lesser(x: float, y: float) -> float:
    if x != x or y != y:
        return y if x != x else x
    return min((x, math.copysign(1, x)), (y, math.copysign(1, y)))[0]


def greater(x: float, y: float) -> float:
    return -lesser(-x, -y)


def signs(kind: str, change: Callable[[int, int], int]) -> Callable[[float], float]:
    return lambda x: read(change(written(x, kind), 1 << (bits(kind) - 1)), kind)


def floats() -> Iterator[Case]:
    for name, operation in ARITHMETIC.items():
        given = "t t t t" if name == "fma" else "t t t"
        for mode in MODES:
            yield from every(f"{name}.{mode}", FLOATS, given, lambda t, f=operation, m=mode: exact(f, t, m))
        yield from every(f"{name}.rn.ftz", ("f32",), given, lambda t, f=operation: with_flush(exact(f, t)))
        if name == "div":
            continue
        yield from every(
            f"{name}.rn.sat", ("f32",), given, lambda t, f=operation: lambda *x: saturated(exact(f, t)(*x))
        )
        yield from every(f"{name}.rn", HALVES, given, lambda t, f=operation: exact(f, t))
        yield from every(f"{name}.rn", PAIRS, given, lambda t, f=operation: pairwise(exact(f, t[:-2])))
        yield from every(f"{name}.rn", ("f32x2",), given, lambda t, f=operation: pairwise(exact(f, "f32")))
    yield from every("mad.rn", FLOATS, "t t t t", lambda t: exact(fused, t))
    yield from every("fma.rn.relu", HALVES, "t t t t", lambda t: lambda *x: relu(exact(fused, t)(*x)))
    yield from every("fma.rn.ftz", ("f16",), "t t t t", lambda t: with_flush(exact(fused, t), t))
    for mode in MODES:
        yield from every(f"rcp.{mode}", FLOATS, "t t", lambda t, m=mode: exact(lambda x: 1 / x, t, m))
        yield from every(f"sqrt.{mode}", FLOATS, "t t", lambda t, m=mode: root(t, m))
    yield from every("abs", (*FLOATS, *HALVES), "t t", lambda t: signs(t, lambda x, sign: x & ~sign))
    yield from every("neg", (*FLOATS, *HALVES), "t t", lambda t: signs(t, operator.xor))
    yield from every("neg", PAIRS, "t t", lambda t: pairwise(signs(t[:-2], operator.xor)))
    yield from every("min", (*FLOATS, *HALVES), "t t t", lambda t: lesser)
    yield from every("max", (*FLOATS, *HALVES), "t t t", lambda t: greater)
    yield from every("max", PAIRS, "t t t", lambda t: pairwise(greater))
    yield from every(
        "max.NaN", ("f32", *HALVES), "t t t", lambda t: lambda x, y: greater(x, y) if x == x and y == y else math.nan
    )
    yield from every("min", ("f32",), "t t t t", lambda t: lambda x, y, w: lesser(lesser(x, y), w))
    yield from every("max", ("f32",), "t t t t", lambda t: lambda x, y, w: greater(greater(x, y), w))
    yield from every("copysign", FLOATS, "t t t", lambda t: lambda x, y: math.copysign(y, x))
    for name, test in TESTS.items():
        for kind in FLOATS:
            yield Case(
                f".reg .pred p; testp.{name}.{kind} p, %1; selp.u32 %0, 1, 0, p;",
                ("u32", kind),
                lambda x, f=test, t=kind: f(x, 2.0 ** FORMATS[t].least),
            )


def relu(x: float) -> float:
    return x if x > 0 or x != x else 0.0


TESTS: Final = {
    "finite": lambda x, normal: math.isfinite(x),
    "infinite": lambda x, normal: math.isinf(x),
    "number": lambda x, normal: x == x,
    "notanumber": lambda x, normal: x != x,
    "normal": lambda x, normal: normal <= abs(x) < math.inf,
    "subnormal": lambda x, normal: 0 < abs(x) < normal,
}


# Approximations, of which the runner gives the nearest number where it has no seed


def log2(x: float) -> float:
    return math.log2(x) if x > 0 else (math.nan if x < 0 or x != x else -math.inf)


def finite(function: Callable[[float], float]) -> Callable[[float], float]:
    return lambda x: function(x) if math.isfinite(x) else math.nan


def exp2(x: float) -> float:
    return math.inf if x >= 1024 else math.exp2(x)


def reciprocal(x: float) -> float:
    return 1 / x if x else math.copysign(math.inf, x)


def reciprocal_root(x: float) -> float:
    return reciprocal(math.sqrt(x)) if x > 0 else (math.copysign(math.inf, x) if x == 0 else math.nan)


APPROXIMATIONS: Final = {
    "ex2": exp2,
    "lg2": log2,
    "rcp": reciprocal,
    "rsqrt": reciprocal_root,
    "sqrt": lambda x: math.sqrt(x) if x >= 0 else (x if x == 0 else math.nan),
    "sin": finite(math.sin),
    "cos": finite(math.cos),
    "tanh": math.tanh,
}


def nearest(function: Callable[..., float], kind: str) -> Callable[..., float]:
    def computed(*numbers: float) -> float:
        z = function(*numbers)
        return rounded(Fraction(z), kind, zero=z) if math.isfinite(z) else z

    return computed


def upper_half(function: Callable[[float], float]) -> Callable[[float], float]:
    def cut(x: float) -> float:
        return value(pattern(x, "f64") >> 32 << 32, "f64") if x == x else x

    return lambda x: cut(flushed(function(flushed(cut(x), "f64")), "f64"))


def quotient(x: float, y: float) -> float:
    return exact(operator.truediv, "f32")(x, y)


def coarse(x: float, y: float) -> float:
    if not 2.0**126 < abs(y) < math.inf:
        return quotient(x, y)
    return math.nan if not math.isfinite(x) else math.copysign(0.0, x) * math.copysign(1, y)


def approximations() -> Iterator[Case]:
    def case(name: str, kind: str, expected: Callable[..., float]) -> Case:
        places = ", ".join(f"%{i}" for i in range(3 if name.startswith("div") else 2))
        return Case(f"{name}.{kind} {places};", (kind,) * (places.count("%")), expected, near=1)

    for name, function in APPROXIMATIONS.items():
        yield case(f"{name}.approx", "f32", nearest(function, "f32"))
        if name != "tanh":
            yield case(f"{name}.approx.ftz", "f32", with_flush(nearest(function, "f32")))
    for name in ("ex2", "tanh"):
        ftz = ".ftz" if name == "ex2" else ""
        yield case(f"{name}.approx", "f16", nearest(APPROXIMATIONS[name], "f16"))
        yield case(f"{name}.approx", "f16x2", pairwise(nearest(APPROXIMATIONS[name], "f16")))
        yield case(f"{name}.approx{ftz}", "bf16", nearest(APPROXIMATIONS[name], "bf16"))
        yield case(f"{name}.approx{ftz}", "bf16x2", pairwise(nearest(APPROXIMATIONS[name], "bf16")))
    yield case("rsqrt.approx", "f64", reciprocal_root)
    yield case("rcp.approx.ftz", "f64", upper_half(reciprocal))
    yield case("rsqrt.approx.ftz", "f64", upper_half(reciprocal_root))
    yield case("div.full", "f32", quotient)
    yield case("div.full.ftz", "f32", with_flush(quotient))
    yield case("div.approx", "f32", coarse)
    yield case("div.approx.ftz", "f32", with_flush(coarse))
