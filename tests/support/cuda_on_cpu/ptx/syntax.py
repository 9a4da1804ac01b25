"""What a PTX text is made of: functions, variables, instructions and their operands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

__all__ = [
    "SIZES",
    "Address",
    "Function",
    "Immediate",
    "Instruction",
    "Label",
    "Module",
    "Name",
    "Negated",
    "Operand",
    "Pair",
    "PtxError",
    "Registers",
    "Scope",
    "Targets",
    "Tuple",
    "Variable",
    "Where",
]

SIZES: Final = {
    "pred": 1,
    "f16x2": 4,
    "bf16x2": 4,
    "f32x2": 8,
    "f16": 2,
    "bf16": 2,
    "f32": 4,
    "f64": 8,
    **{f"{kind}{bits}": bits // 8 for kind in "bsu" for bits in (8, 16, 32, 64)},
}
"""The bytes of each type."""


class PtxError(Exception):
    """What is not understood of a PTX text; the message names the kernel, the file and the line."""


@dataclass(frozen=True, slots=True)
class Where:
    """A place in the CUDA source that an instruction comes from, and its line in the PTX."""

    file: int
    line: int
    ptx: int


@dataclass(frozen=True, slots=True)
class Name:
    """A register, a variable, a label or a function, with what is added to its address."""

    name: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Immediate:
    """A number: `bits` of an integer modulo 2^64, or of the float32 or float64 that `kind` names."""

    bits: int
    kind: str = "integer"


@dataclass(frozen=True, slots=True)
class Address:
    """What stands in brackets: a base, None for an absolute address, and a distance in bytes."""

    base: str | None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Tuple:
    """Operands in braces or parentheses: a vector of registers, or the arguments of a call."""

    items: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A destination and the predicate behind its bar."""

    first: Name
    second: Name


@dataclass(frozen=True, slots=True)
class Negated:
    """A predicate to be read as its contrary."""

    name: str


Operand = Name | Immediate | Address | Tuple | Pair | Negated


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its opcode in parts, such as ``("ld", "global", "f32")``, and the guard in front of it."""

    parts: tuple[str, ...]
    operands: tuple[Operand, ...]
    guard: Name | Negated | None
    where: Where

    @property
    def opcode(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Label:
    """A place to jump to."""

    name: str


@dataclass(frozen=True, slots=True)
class Targets:
    """The labels that an indexed jump chooses from."""

    name: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Registers:
    """Registers of one type by their names; of a numbered family, each is declared."""

    type: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A place in memory: `count` elements, 1 of a scalar, None of an array whose size the launch decides."""

    space: str
    type: str
    name: str
    count: int | None = 1
    align: int = 0
    values: tuple[Immediate | Name, ...] = ()

    @property
    def bytes(self) -> int:
        return SIZES[self.type] * (self.count or 0)

    @property
    def alignment(self) -> int:
        return self.align or SIZES[self.type]


@dataclass(frozen=True, slots=True)
class Scope:
    """What stands in braces: names declared there are known there alone."""

    items: tuple[Item, ...]


Item = Instruction | Label | Targets | Registers | Variable | Scope


@dataclass(slots=True)
class Function:
    """A kernel, or a function that one calls; `body` is None of one declared alone, whose body comes later."""

    name: str
    is_kernel: bool
    results: tuple[Variable, ...]
    parameters: tuple[Variable, ...]
    max_threads: int
    body: Scope | None


@dataclass(slots=True)
class Module:
    """A PTX text: its variables and its functions, and the source files by their numbers."""

    variables: list[Variable] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    files: dict[int, str] = field(default_factory=dict)
