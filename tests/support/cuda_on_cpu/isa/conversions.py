"""Comparisons, selections, conversions and moves."""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, Final

from cuda_on_cpu.isa.case import FLOATS, HALVES, INTEGERS, WORDS, Case, bits, clamped, every, least, most
from cuda_on_cpu.isa.exact import rounded
from cuda_on_cpu.isa.floats import flushed, pairwise, relu, saturated

__all__ = ["comparisons", "conversions", "moves"]

ORDERED: Final = {
    "eq": operator.eq,
    "ne": lambda x, y: x == x and y == y and x != y,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
UNORDERED: Final = {
    **{f"{name}u": lambda x, y, f=f: x != x or y != y or f(x, y) for name, f in ORDERED.items()},
    "num": lambda x, y: x == x and y == y,
    "nan": lambda x, y: x != x or y != y,
}
UNSIGNED: Final = {"lo": operator.lt, "ls": operator.le, "hi": operator.gt, "hs": operator.ge}
JOINS: Final = {"and": operator.and_, "or": operator.or_, "xor": operator.xor}
WHOLE: Final = {"rni": round, "rzi": math.trunc, "rmi": math.floor, "rpi": math.ceil}


def comparisons() -> Iterator[Case]:
    def case(name: str, kind: str, expected: Callable[..., Any], ftz: str = "") -> Case:
        return Case(
            f".reg .pred p; setp.{name}{ftz}.{kind} p, %1, %2; selp.u32 %0, 1, 0, p;", ("u32", kind, kind), expected
        )

    for name, compare in ORDERED.items():
        for kind in (*INTEGERS, *FLOATS, *HALVES, *(WORDS if name in ("eq", "ne") else ())):
            yield case(name, kind, compare)
        yield case(name, "f32", lambda x, y, f=compare: f(flushed(x), flushed(y)), ".ftz")
    for name, compare in UNORDERED.items():
        for kind in (*FLOATS, *HALVES):
            yield case(name, kind, compare)
    for name, compare in UNSIGNED.items():
        for kind in ("u16", "u32", "u64"):
            yield case(name, kind, compare)
    for name, join in JOINS.items():
        # both destinations, and a predicate that is read as its contrary
        yield Case(
            f".reg .pred p, q, c; setp.gt.s32 c, %3, 0; setp.ltu.{name}.f32 p|q, %1, %2, !c; "
            ".reg .u32 a, b; selp.u32 a, 1, 0, p; selp.u32 b, 2, 0, q; add.u32 %0, a, b;",
            ("u32", "f32", "f32", "s32"),
            lambda x, y, c, f=join: f(UNORDERED["ltu"](x, y), c <= 0) + 2 * f(not UNORDERED["ltu"](x, y), c <= 0),
        )
    yield Case(
        ".reg .pred p, q; setp.le.f16x2 p|q, %1, %2; .reg .u32 a, b; selp.u32 a, 1, 0, p; selp.u32 b, 2, 0, q; "
        "add.u32 %0, a, b;",
        ("u32", "f16x2", "f16x2"),
        lambda x, y: (x[0] <= y[0]) + 2 * (x[1] <= y[1]),
    )
    for result, truth in (("u32", -1), ("s32", -1), ("f32", 1.0)):
        for kind in ("f32", "s32", "f64", "u64"):
            yield Case(
                f"set.lt.{result}.{kind} %0, %1, %2;",
                (result, kind, kind),
                lambda x, y, one=truth: one if x < y else type(one)(0),
            )
    for kind in HALVES:
        yield Case(f"set.gtu.{kind}.{kind} %0, %1, %2;", (kind,) * 3, lambda x, y: float(not x <= y))
        yield Case(f"set.ge.{kind}x2.{kind}x2 %0, %1, %2;", (f"{kind}x2",) * 3, pairwise(lambda x, y: float(x >= y)))
        yield Case(
            f"set.ge.u32.{kind}x2 %0, %1, %2;",
            ("u32", f"{kind}x2", f"{kind}x2"),
            lambda x, y: 0xFFFF * (x[0] >= y[0]) + 0xFFFF0000 * (x[1] >= y[1]),
        )
    for kind in (*INTEGERS, *FLOATS, *WORDS):
        yield Case(
            f".reg .pred p; setp.gt.s32 p, %3, 0; selp.{kind} %0, %1, %2, p;",
            (kind, kind, kind, "s32"),
            lambda x, y, c: x if c > 0 else y,
        )
        yield Case(f"slct.{kind}.s32 %0, %1, %2, %3;", (kind, kind, kind, "s32"), lambda x, y, c: x if c >= 0 else y)
    yield Case("slct.u32.f32 %0, %1, %2, %3;", ("u32", "u32", "u32", "f32"), lambda x, y, c: x if c >= 0 else y)


def to_float(kind: str, mode: str) -> Callable[[Any], float]:
    return lambda x: rounded(Fraction(x), kind, mode, x * 0.0) if math.isfinite(x) else x


def to_integer(source: str, kind: str, mode: str) -> Callable[[float], int]:
    def converted(x: float) -> int:
        if x != x:  # the ISA's table
            return 1 << (bits(kind) - 1) if source == "f64" or bits(kind) == 64 else 0
        if math.isinf(x):
            return clamped(2**70 if x > 0 else -(2**70), kind)
        return clamped(WHOLE[mode](Fraction(x)), kind)

    return converted


def to_whole(mode: str) -> Callable[[float], float]:
    return lambda x: math.copysign(float(WHOLE[mode](Fraction(x))), x) if math.isfinite(x) else x


def conversions() -> Iterator[Case]:
    def case(says: str, result: str, source: str, expected: Callable[..., Any]) -> Case:
        return Case(f"cvt{says}.{result}.{source} %0, %1;", (result, source), expected)

    for result in INTEGERS:
        for source in INTEGERS:
            yield case("", result, source, lambda x: x)
            if not least(result) <= least(source) <= most(source) <= most(result):
                yield case(".sat", result, source, lambda x, t=result: clamped(x, t))
        for kind in (*FLOATS, *HALVES):
            for mode in ("rn", "rz") if kind in HALVES else ("rn", "rz", "rm", "rp"):
                if (mode, kind) != ("rz", "bf16") or bits(result) < 64:
                    yield case(f".{mode}", kind, result, to_float(kind, mode))
            for mode in WHOLE:
                yield case(f".{mode}", result, kind, to_integer(kind, result, mode))
    yield case(".rzi.ftz", "s32", "f32", to_integer("f32", "s32", "rzi"))
    yield case(".rpi.ftz", "s32", "f32", lambda x: to_integer("f32", "s32", "rpi")(flushed(x)))
    for source, result in (("f64", "f32"), ("f32", "f16"), ("f32", "bf16"), ("f64", "f16"), ("f64", "bf16")):
        for mode in ("rn", "rz") if result in HALVES else ("rn", "rz", "rm", "rp"):
            yield case(f".{mode}", result, source, to_float(result, mode))
    for source, result in (("f32", "f64"), ("f16", "f32"), ("bf16", "f32"), ("f16", "f64")):
        yield case("", result, source, lambda x: x)
    yield case(".ftz", "f64", "f32", flushed)
    yield case(".rn.ftz", "f32", "f64", lambda x: flushed(to_float("f32", "rn")(x)))
    yield case(".sat", "f32", "f32", saturated)
    yield case(".rn.sat", "f32", "f64", lambda x: saturated(to_float("f32", "rn")(x)))
    for mode in WHOLE:
        for kind in (*FLOATS, "f16"):
            yield case(f".{mode}", kind, kind, to_whole(mode))
    for kind in HALVES:
        yield case(".rn.relu", kind, "f32", lambda x, t=kind: relu(to_float(t, "rn")(x)))
        for mode in ("rn", "rz"):
            yield Case(
                f"cvt.{mode}.{kind}x2.f32 %0, %1, %2;",
                (f"{kind}x2", "f32", "f32"),
                lambda high, low, t=kind, m=mode: (to_float(t, m)(low), to_float(t, m)(high)),
            )
        yield Case(
            f"cvt.rn.relu.{kind}x2.f32 %0, %1, %2;",
            (f"{kind}x2", "f32", "f32"),
            lambda high, low, t=kind: tuple(relu(to_float(t, "rn")(x)) for x in (low, high)),
        )
    for kind, wide in (("u8", "u32"), ("s8", "u32"), ("u8", "u16"), ("s8", "u16")):
        for says, change in (("", lambda x, t: x), (".sat", clamped)):
            source = f"s{bits(wide)}"
            result = f"{kind[0]}{bits(wide)}"
            yield Case(
                f"cvt{says}.{kind}.{source} %0, %1;",
                (result, source),
                lambda x, t=kind, f=change: struct.unpack("bB"[t == "u8"], struct.pack("B", f(x, t) & 255))[0],
            )


def moves() -> Iterator[Case]:
    yield from every("mov", (*INTEGERS, *WORDS, *FLOATS), "t t", lambda t: lambda x: x)
    yield Case(".reg .b32 a, b; mov.b64 {a, b}, %1; mov.b64 %0, {b, a};", ("b64", "b64"), lambda x: x >> 32 | x << 32)
    yield Case(".reg .b16 a, b; mov.b32 {a, b}, %1; mov.b32 %0, {b, a};", ("b32", "b32"), lambda x: x >> 16 | x << 16)
    yield Case(
        ".reg .b16 a, b, c, d; mov.b64 {a, b, c, d}, %1; mov.b64 %0, {d, c, b, a};",
        ("b64", "b64"),
        lambda x: sum((x >> 16 * i & 0xFFFF) << 16 * (3 - i) for i in range(4)),
    )
    yield Case(".reg .b32 a; mov.b64 {_, a}, %1; mov.b32 %0, a;", ("b32", "b64"), lambda x: x >> 32)
    yield Case(".reg .pred p; mov.pred p, 1; @p mov.b32 %0, %1; @!p mov.b32 %0, 7;", ("b32", "b32"), lambda x: x)
    yield Case(
        "mov.b32 %0, %1; nanosleep.u32 1; prefetch.global.L1 [%2]; prefetch.L2 [%2];",
        ("b32", "b32", "b64"),
        lambda x, y: x,
    )
