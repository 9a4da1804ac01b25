"""What the names of a PTX text stand for, and what operands are in C++."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from cuda_on_cpu.ptx.opcodes import SPECIAL
from cuda_on_cpu.ptx.syntax import Address, Immediate, Name, Negated, Operand, PtxError

__all__ = ["SINK", "Known", "Names", "Operands", "identifier"]

SINK = Name("_")
"""Where a result is written that nobody reads."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a name stands for: a register, a place in memory, a label, targets or a function; and its C++."""

    kind: str
    cpp: str = ""
    labels: tuple[str, ...] = ()


Names = dict[str, Known]


@dataclass
class Operands:
    """The names that are known at a place of the text: those of the innermost braces are the last."""

    scopes: list[Names]
    numbered: int = field(default=0, init=False)

    def unique(self, name: str) -> str:
        """Return a name for C++ that no other thing in the function has."""
        self.numbered += 1
        return f"{identifier(name)}_{self.numbered}"

    def find(self, name: str, *kinds: str) -> Known:
        """Return what a name stands for, which must be of one of these kinds."""
        for scope in reversed(self.scopes):
            if name in scope and scope[name].kind in kinds:
                return scope[name]
        raise PtxError(f"{name} is not known, as {' or '.join(kinds)}")

    def written(self, operand: Operand) -> str:
        """Return the register that is written to."""
        if not isinstance(operand, Name):
            raise PtxError(f"{operand} is no register to write to")
        return self.find(operand.name, "register").cpp

    def read(self, operand: Operand, kind: str) -> str:
        """Return an operand as a value of a type."""
        if isinstance(operand, Negated):
            return f"!{self.read(Name(operand.name), 'pred')}"
        if isinstance(operand, Immediate):
            return self._number(operand, kind)
        if not isinstance(operand, Name):
            raise PtxError(f"{operand} is no value")
        if operand.name in SPECIAL:
            return f"get<{kind}>(u64({SPECIAL[operand.name]}))"
        if operand.name.startswith("%") and not any(operand.name in scope for scope in self.scopes):
            raise PtxError(f"the register {operand.name} of the hardware is not known")
        known = self.find(operand.name, "register", "memory", "shared", "function")
        if known.kind == "register":
            return f"get<{kind}>({known.cpp})"
        address = f"reinterpret_cast<u64>({known.cpp})" if known.kind == "function" else known.cpp
        return f"get<{kind}>({address} + {operand.offset})"

    def _number(self, operand: Immediate, kind: str) -> str:
        if kind == "pred":
            return "true" if operand.bits else "false"
        size = {"f32": 4, "f64": 8}.get(operand.kind, 8)
        if operand.kind == "integer" and kind in ("f32", "f64"):
            raise PtxError(f"the integer {operand.bits} stands for a number of {kind}")
        if operand.kind == "f32" and kind == "f64":
            raise PtxError("a number of float32 stands for one of float64")
        return f"get<{kind}>(b{8 * size}({operand.bits:#x}ull))"

    def address(self, operand: Operand) -> tuple[str, bool]:
        """Return what stands in brackets as a number, and whether it is a name in shared memory."""
        if not isinstance(operand, Address):
            raise PtxError(f"{operand} is no address")
        if operand.base is None:
            return f"u64({operand.offset})", False
        known = self.find(operand.base, "register", "memory", "shared")
        return f"(u64({known.cpp}) + {operand.offset})", known.kind == "shared"

    def label(self, operand: Operand) -> str:
        """Return a place to jump to."""
        if not isinstance(operand, Name):
            raise PtxError(f"{operand} is no label")
        return self.find(operand.name, "label").cpp


def identifier(name: str) -> str:
    """Return a name as C++ has names."""
    return re.sub(r"\W", "_", name)
