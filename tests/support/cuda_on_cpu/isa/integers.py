"""Instructions on integers and on bits."""

from __future__ import annotations

import operator
import struct
from collections.abc import Callable, Iterator
from typing import Final

from cuda_on_cpu.isa.case import INTEGERS, SIGNED, WORDS, Case, bits, clamped, every

__all__ = ["integers", "of_bits"]

TWICE: Final = {"u16": "u32", "s16": "s32", "u32": "u64", "s32": "s64"}


def divided(x: int, y: int) -> int:
    return -1 if y == 0 else abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)


def low_24(kind: str) -> Callable[[int], int]:
    return lambda x: (x & 0xFFFFFF) - (1 << 24 if kind == "s32" and x & 0x800000 else 0)


def integers() -> Iterator[Case]:
    yield from every("add", INTEGERS, "t t t", lambda t: operator.add)
    yield from every("sub", INTEGERS, "t t t", lambda t: operator.sub)
    yield from every("add.sat", ("s32",), "t t t", lambda t: lambda x, y: clamped(x + y, t))
    yield from every("sub.sat", ("s32",), "t t t", lambda t: lambda x, y: clamped(x - y, t))
    yield from every("mul.lo", INTEGERS, "t t t", lambda t: operator.mul)
    yield from every("mul.hi", INTEGERS, "t t t", lambda t: lambda x, y: x * y >> bits(t))
    yield from every("mad.lo", INTEGERS, "t t t t", lambda t: lambda x, y, w: x * y + w)
    yield from every("mad.hi", INTEGERS, "t t t t", lambda t: lambda x, y, w: (x * y >> bits(t)) + w)
    for kind, wide in TWICE.items():
        yield from every("mul.wide", (kind,), f"{wide} t t", lambda t: operator.mul)
        yield from every("mad.wide", (kind,), f"{wide} t t {wide}", lambda t: lambda x, y, w: x * y + w)
    for name, shift in (("lo", 0), ("hi", 16)):

        def product(t: str, shift: int = shift) -> Callable[[int, int], int]:
            return lambda x, y: low_24(t)(x) * low_24(t)(y) >> shift

        yield from every(f"mul24.{name}", ("u32", "s32"), "t t t", product)
        yield from every(
            f"mad24.{name}", ("u32", "s32"), "t t t t", lambda t, p=product: lambda x, y, w: p(t)(x, y) + w
        )
    yield from every("sad", INTEGERS, "t t t t", lambda t: lambda x, y, w: abs(x - y) + w)
    yield from every("div", INTEGERS, "t t t", lambda t: divided)
    yield from every("rem", INTEGERS, "t t t", lambda t: lambda x, y: x - y * divided(x, y) if y else -1)
    yield from every("abs", SIGNED, "t t", lambda t: abs)
    yield from every("neg", SIGNED, "t t", lambda t: operator.neg)
    yield from every("min", INTEGERS, "t t t", lambda t: min)
    yield from every("max", INTEGERS, "t t t", lambda t: max)
    yield from every("min.relu", ("s32",), "t t t", lambda t: lambda x, y: max(min(x, y), 0))
    yield from every("max.relu", ("s32",), "t t t", lambda t: lambda x, y: max(x, y, 0))
    yield from carries()
    for kinds in (("u32", "u32"), ("s32", "s32"), ("u32", "s32"), ("s32", "u32")):
        first, second = ("b" if kind[0] == "s" else "B" for kind in kinds)
        yield Case(
            f"dp4a.{kinds[0]}.{kinds[1]} %0, %1, %2, %3;",
            ("u32",) * 4,
            lambda x, y, w, f=f"4{first}", s=f"4{second}": (
                w + sum(map(operator.mul, struct.unpack(f, struct.pack("I", x)), struct.unpack(s, struct.pack("I", y))))
            ),
        )


def carries() -> Iterator[Case]:
    """Sums of two words, the lower and the upper: the upper is what carried into it."""
    for kind, wide in (("u32", 32), ("u64", 64)):

        def upper(total: Callable[..., int], wide: int = wide) -> Callable[..., int]:
            return lambda x, y: total(x, y) >> wide

        types, scratch = (kind,) * 3, f".reg .{kind} a, b; "
        yield Case(f"{scratch}add.cc.{kind} a, %1, %2; addc.{kind} %0, 0, 0;", types, upper(operator.add))
        yield Case(f"{scratch}sub.cc.{kind} a, %1, %2; subc.{kind} %0, 0, 0;", types, upper(operator.sub))
        yield Case(
            f"{scratch}add.cc.{kind} a, %1, %2; addc.cc.{kind} a, %1, %2; addc.{kind} %0, 0, 0;",
            types,
            upper(lambda x, y, w=wide: x + y + (x + y >> w)),
        )
        yield Case(
            f"{scratch}sub.cc.{kind} a, %1, %2; subc.cc.{kind} a, %1, %2; subc.{kind} %0, 0, 0;",
            types,
            upper(lambda x, y, w=wide: x - y - (x < y)),
        )
        # the third word of (x, y) * y + (y, x)
        yield Case(
            f"{scratch}mad.lo.cc.{kind} a, %1, %2, %2; madc.hi.cc.{kind} a, %1, %2, %1; madc.lo.{kind} %0, %1, %2, 0;",
            types,
            lambda x, y, w=wide: (x * y + y + (x << w) >> 2 * w) + x * y,
        )
        yield Case(
            f"{scratch}mad.hi.cc.{kind} a, %1, %2, %2; madc.lo.cc.{kind} a, %1, %2, %1; madc.hi.{kind} %0, %1, %2, 0;",
            types,
            lambda x, y, w=wide: carried(x * y >> w, y, x * y % (1 << w), x, w) + (x * y >> w),
        )


def carried(high: int, y: int, low: int, x: int, wide: int) -> int:
    return low + x + (high + y >> wide) >> wide


def reversed_bits(x: int, kind: str) -> int:
    return int(f"{x:0{bits(kind)}b}"[::-1], 2)


def highest_bit(x: int, kind: str) -> int:
    x = ~x if x < 0 else x
    return x.bit_length() - 1 if x else 0xFFFFFFFF


def extracted(kind: str) -> Callable[[int, int, int], int]:
    def field(x: int, start: int, count: int) -> int:
        start, count = start & 255, count & 255
        if count == 0:
            return 0
        x &= (1 << bits(kind)) - 1
        sign = kind[0] == "s" and x >> min(start + count - 1, bits(kind) - 1) & 1
        if start + count > bits(kind) and kind[0] == "s" and x >> (bits(kind) - 1):
            x |= -1 << bits(kind)
        part = x >> start & ((1 << count) - 1)
        return part | -1 << count if sign else part

    return field


def inserted(kind: str) -> Callable[[int, int, int, int], int]:
    def field(x: int, into: int, start: int, count: int) -> int:
        mask = ((1 << (count & 255)) - 1) << (start & 255)
        return into & ~mask | x << (start & 255) & mask

    return field


def permuted(x: int, y: int, chosen: list[int]) -> int:
    found = struct.pack("<II", x, y)
    return int.from_bytes(bytes(found[i & 7] if i < 8 else 255 * (found[i & 7] >> 7) for i in chosen), "little")


PERMUTATIONS: Final = {
    "f4e": lambda s: [s, s + 1, s + 2, s + 3],
    "b4e": lambda s: [s, (s - 1) & 7, (s - 2) & 7, (s - 3) & 7],
    "rc8": lambda s: [s] * 4,
    "ecl": lambda s: [max(i, s) for i in range(4)],
    "ecr": lambda s: [min(i, s) for i in range(4)],
    "rc16": lambda s: [2 * (s & 1), 2 * (s & 1) + 1] * 2,
}


def of_bits() -> Iterator[Case]:
    for name, operation in (("and", operator.and_), ("or", operator.or_), ("xor", operator.xor)):
        yield from every(name, WORDS, "t t t", lambda t, f=operation: f)
        yield Case(
            f".reg .pred p, q; setp.ne.u32 p, %1, 0; setp.ne.u32 q, %2, 0; {name}.pred p, p, q; selp.u32 %0, 1, 0, p;",
            ("u32", "u32", "u32"),
            lambda x, y, f=operation: f(x != 0, y != 0),
        )
    yield from every("not", WORDS, "t t", lambda t: operator.invert)
    yield Case(
        ".reg .pred p; setp.ne.u32 p, %1, 0; not.pred p, p; selp.u32 %0, 1, 0, p;", ("u32", "u32"), lambda x: x == 0
    )
    yield from every("cnot", WORDS, "t t", lambda t: lambda x: x == 0)
    for table in (0x80, 0x96, 0x1B):
        yield Case(
            f"lop3.b32 %0, %1, %2, %3, {table};",
            ("b32",) * 4,
            lambda x, y, w, table=table: sum(
                (table >> ((x >> i & 1) * 4 + (y >> i & 1) * 2 + (w >> i & 1)) & 1) << i for i in range(32)
            ),
        )
    yield from every("shl", WORDS, "t t u32", lambda t: lambda x, y: x << min(y, 64))
    yield from every("shr", (*INTEGERS, *WORDS), "t t u32", lambda t: lambda x, y: x >> min(y, 64))
    for name, distance in (("wrap", lambda n: n % 32), ("clamp", lambda n: min(n, 32))):
        yield Case(
            f"shf.l.{name}.b32 %0, %1, %2, %3;",
            ("b32",) * 4,
            lambda x, y, n, d=distance: (y << 32 | x) << d(n) >> 32,
        )
        yield Case(f"shf.r.{name}.b32 %0, %1, %2, %3;", ("b32",) * 4, lambda x, y, n, d=distance: (y << 32 | x) >> d(n))
    yield Case(
        "prmt.b32 %0, %1, %2, %3;",
        ("b32",) * 4,
        lambda x, y, s: permuted(x, y, [s >> 4 * i & 15 for i in range(4)]),
    )
    for name, chosen in PERMUTATIONS.items():
        yield Case(f"prmt.b32.{name} %0, %1, %2, %3;", ("b32",) * 4, lambda x, y, s, c=chosen: permuted(x, y, c(s & 3)))
    yield from every("popc", ("b32", "b64"), "u32 t", lambda t: int.bit_count)
    yield from every("clz", ("b32", "b64"), "u32 t", lambda t: lambda x: bits(t) - x.bit_length())
    yield from every("brev", ("b32", "b64"), "t t", lambda t: lambda x: reversed_bits(x, t))
    yield from every("bfind", ("u32", "s32", "u64", "s64"), "u32 t", lambda t: lambda x: highest_bit(x, t))
    yield from every(
        "bfind.shiftamt",
        ("u32", "s32", "u64", "s64"),
        "u32 t",
        lambda t: lambda x: -1 if x in (0, -1 if t[0] == "s" else 0) else bits(t) - 1 - highest_bit(x, t),
    )
    yield from every("bfe", ("u32", "s32", "u64", "s64"), "t t u32 u32", extracted)
    yield from every("bfi", ("b32", "b64"), "t t t u32 u32", inserted)
