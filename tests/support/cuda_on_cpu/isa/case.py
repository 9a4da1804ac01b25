"""What a case of an instruction is: its text, the types of its operands, and the Python that says what it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from cuda_on_cpu.isa.exact import FORMATS, pattern, value
from cuda_on_cpu.ptx.syntax import SIZES

__all__ = [
    "FLOATS",
    "HALVES",
    "INTEGERS",
    "PAIRS",
    "SIGNED",
    "WORDS",
    "Case",
    "bits",
    "clamped",
    "every",
    "least",
    "most",
    "read",
    "written",
]


@dataclass(frozen=True)
class Case:
    """An instruction as inline assembly, the types of its result and operands, and what it must give.

    Where `near` is not 0, a result may be so many units in the last place from that.
    """

    text: str
    types: tuple[str, ...]
    expected: Callable[..., Any]
    near: int = 0


def read(bits: int, kind: str) -> Any:
    """Return what bits are as a type: a number, a bool, or two numbers, the lower first."""
    if kind.endswith("x2"):
        half = 4 * SIZES[kind]
        return read(bits & ((1 << half) - 1), kind[:-2]), read(bits >> half, kind[:-2])
    if kind in FORMATS:
        return value(bits, kind)
    if kind == "pred":
        return bool(bits & 1)
    width = 8 * SIZES[kind]
    bits &= (1 << width) - 1
    return bits - (1 << width) if kind[0] == "s" and bits >> (width - 1) else bits


def written(number: Any, kind: str) -> int:
    """Return the bits of a result."""
    if kind.endswith("x2"):
        low, high = (written(part, kind[:-2]) for part in number)
        return low | high << 4 * SIZES[kind]
    return pattern(number, kind) if kind in FORMATS else int(number) % (1 << 8 * max(SIZES[kind], 2))


INTEGERS: Final = ("u16", "s16", "u32", "s32", "u64", "s64")
SIGNED: Final = ("s16", "s32", "s64")
WORDS: Final = ("b16", "b32", "b64")
FLOATS: Final = ("f32", "f64")
HALVES: Final = ("f16", "bf16")
PAIRS: Final = ("f16x2", "bf16x2")


def bits(kind: str) -> int:
    return 8 * SIZES[kind]


def least(kind: str) -> int:
    return -(1 << (bits(kind) - 1)) if kind[0] == "s" else 0


def most(kind: str) -> int:
    return (1 << (bits(kind) - (kind[0] == "s"))) - 1


def clamped(x: int, kind: str) -> int:
    return max(least(kind), min(most(kind), x))


def every(name: str, kinds: tuple[str, ...], given: str, make: Callable[[str], Callable[..., Any]]) -> Iterator[Case]:
    """Yield an instruction for several types. `given` are the types after the name: t is that of the instruction."""
    for kind in kinds:
        types = tuple(kind if word == "t" else word for word in given.split())
        places = ", ".join(f"%{i}" for i in range(len(types)))
        yield Case(f"{name}.{kind} {places};", types, make(kind))
