"""Write the instructions of PTX as statements of C++."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cuda_on_cpu.ptx.opcodes import GROUPS, Match, matches
from cuda_on_cpu.ptx.operands import SINK, Operands
from cuda_on_cpu.ptx.syntax import SIZES, Immediate, Instruction, Name, Operand, Pair, PtxError, Tuple

__all__ = ["Statements", "fitting"]

_wider = {"u16": "u32", "s16": "s32", "u32": "u64", "s32": "s64"}


@dataclass
class Statements:
    """The statements of a function."""

    operands: Operands
    is_kernel: bool

    def of(self, instruction: Instruction) -> str:
        """Return the statement that an instruction is."""
        found = next(fitting(instruction), None)
        if found is None:
            raise PtxError(
                f"the instruction {instruction.opcode} with {len(instruction.operands)} operands is not known"
            )
        if (cpp := found.opcode.cpp).startswith("@"):
            method: Callable[[Match, Instruction], str] = getattr(self, cpp.replace("@", "_by_"))
            return method(found, instruction)
        values = self._values(found, instruction)
        if cpp.isidentifier() and cpp != "return":
            flags = f", {found.flags}" if found.flags else ""
            read = [values[name] for name, _ in _operands(found) if name not in "zq0"]
            cpp = f"{cpp}<{found.type}{flags}>({', '.join(read)})"
        else:
            cpp = cpp.format(**values)
        return f"{cpp};" if "z" not in values or "{z}" in found.opcode.cpp else f"put({values['z']}, {cpp});"

    def _values(self, found: Match, instruction: Instruction) -> dict[str, str]:
        """Return what stands for each name in the C++ of a row."""
        site = _site(instruction)
        words = {group: GROUPS.get(group, {}).get(word, word) for group, word in found.words.items()}
        values = {"type": found.type, "source": found.source, "flags": found.flags or "0", "site": site} | words
        given = iter(instruction.operands)
        for name, kind in _operands(found):
            if name == "q":
                continue
            operand = next(given)
            if name == "z":
                first, second = (operand.first, operand.second) if isinstance(operand, Pair) else (operand, SINK)
                if first != SINK:
                    values["z"] = self.operands.written(first)
                elif "{z}" in found.opcode.cpp:
                    values["z"] = "unused"
                values["q"] = "unused" if second == SINK else self.operands.written(second)
            elif name == "0":
                if operand != Immediate(0):
                    raise PtxError(f"{instruction.opcode} knows the barrier 0 of all threads alone")
            elif name == "a":
                values["a"] = self._place(found, operand, SIZES.get(found.type, 1), site)
            else:
                values[name] = self.operands.read(operand, {"type": found.type, "source": found.source}.get(kind, kind))
        return values | self._composed(found, values)

    def _composed(self, found: Match, values: dict[str, str]) -> dict[str, str]:
        """Return what rows have in common: comparisons and conversions."""
        x, y, flags = values.get("x", ""), values.get("y", ""), values["flags"]
        compare = f"compare<Compare::{values.get('cmp')}, {{}}, {flags}>"
        element = found.compared.removesuffix("x2")
        return {
            "compared": f"{compare.format(found.compared)}({x}, {y})",
            "compared_low": f"{compare.format(element)}({x}.low, {y}.low)",
            "compared_high": f"{compare.format(element)}({x}.high, {y}.high)",
            "joined": f"joined<Join::{values.get('bool')}>",
            "converted": f"converted<{found.type}, {found.source}, {flags}>({x})",
        }

    def _place(self, found: Match, operand: Operand, size: int, site: str) -> str:
        """Return the pointer to what an instruction reads or writes, checked for its alignment."""
        address, names_shared = self.operands.address(operand)
        space = GROUPS["space"][found.words["space"]] if "space" in found.words else "generic"
        if names_shared and space != "shared":
            raise PtxError("a name in shared memory stands for an address of another space")
        return f"at<Space::{space}, {size}>({address}, {site})"

    # What is more than an expression

    def _by_move(self, found: Match, instruction: Instruction) -> str:
        target, source = instruction.operands
        whole = SIZES[found.type]
        if isinstance(target, Tuple):
            part = f"b{8 * whole // len(target.items)}"
            writes = [
                f"put({self.operands.written(item)}, static_cast<{part}>(whole >> {8 * SIZES[part] * number}));"
                for number, item in enumerate(target.items)
                if item != SINK
            ]
            return f"{{ const b{8 * whole} whole = {self.operands.read(source, f'b{8 * whole}')}; {' '.join(writes)} }}"
        if isinstance(source, Tuple):
            part = f"b{8 * whole // len(source.items)}"
            reads = [
                f"static_cast<b{8 * whole}>({self.operands.read(item, part)}) << {8 * SIZES[part] * number}"
                for number, item in enumerate(source.items)
            ]
            return f"put({self.operands.written(target)}, static_cast<b{8 * whole}>({' | '.join(reads)}));"
        return f"put({self.operands.written(target)}, {self.operands.read(source, found.type)});"

    def _parts(
        self, found: Match, instruction: Instruction, memory: Operand, registers: Operand
    ) -> tuple[str, list[Operand]]:
        """Return the declaration of the place that a vector has in memory, and its registers."""
        count = int(GROUPS["vector"][found.words["vector"]]) if "vector" in found.words else 1
        items = list(registers.items) if isinstance(registers, Tuple) else [registers]
        if len(items) != count:
            raise PtxError(f"{instruction.opcode} has {len(items)} registers")
        place = self._place(found, memory, count * SIZES[found.type], _site(instruction))
        return f"char* const place = {place};", items

    def _by_load(self, found: Match, instruction: Instruction) -> str:
        place, items = self._parts(found, instruction, instruction.operands[1], instruction.operands[0])
        loads = [
            f"put({self.operands.written(item)}, load<{found.type}>(place, {number}));"
            for number, item in enumerate(items)
            if item != SINK
        ]
        return f"{{ {place} {' '.join(loads)} }}"

    def _by_store(self, found: Match, instruction: Instruction) -> str:
        place, items = self._parts(found, instruction, *instruction.operands)
        stores = [
            f"store<{found.type}>(place, {number}, {self.operands.read(item, found.type)});"
            for number, item in enumerate(items)
        ]
        return f"{{ {place} {' '.join(stores)} }}"

    def _by_to_generic(self, found: Match, instruction: Instruction) -> str:
        return self._other_space(found, instruction, "to_generic")

    def _by_from_generic(self, found: Match, instruction: Instruction) -> str:
        return self._other_space(found, instruction, "to_shared")

    def _other_space(self, found: Match, instruction: Instruction, function: str) -> str:
        """Only shared memory has addresses of its own."""
        target, source = instruction.operands
        address = self.operands.read(source, found.type)
        if GROUPS["space"][found.words["space"]] == "shared":
            address = f"{function}({address})"
        return f"put({self.operands.written(target)}, static_cast<{found.type}>({address}));"

    def _by_is_in_space(self, found: Match, instruction: Instruction) -> str:
        target, source = instruction.operands
        if found.words["space"] != "shared":
            raise PtxError(f"whether an address is one of .{found.words['space']} is not known")
        return f"put({self.operands.written(target)}, is_shared({self.operands.read(source, 'u64')}));"

    def _by_jump(self, found: Match, instruction: Instruction) -> str:
        (target,) = instruction.operands
        return f"goto {self.operands.label(target)};"

    def _by_jump_by_index(self, found: Match, instruction: Instruction) -> str:
        index, targets = instruction.operands
        if not isinstance(targets, Name):
            raise PtxError(f"{targets} is no list of targets")
        labels = self.operands.find(targets.name, "targets").labels
        cases = " ".join(
            f"case {number}: goto {self.operands.label(Name(label))};" for number, label in enumerate(labels)
        )
        beyond = f'cuda_on_cpu::stop({_site(instruction)}, "an index beyond the targets of a jump")'
        return f"switch ({self.operands.read(index, 'u32')}) {{ {cases} default: {beyond}; }}"

    def _by_call(self, found: Match, instruction: Instruction) -> str:
        operands = list(instruction.operands)
        results = operands.pop(0) if isinstance(operands[0], Tuple) else Tuple(())
        called = operands.pop(0)
        given = operands.pop(0) if operands and isinstance(operands[0], Tuple) else Tuple(())
        assert isinstance(results, Tuple) and isinstance(given, Tuple)
        if not isinstance(called, Name):
            raise PtxError(f"{called} is no function")
        try:
            function = self.operands.find(called.name, "function", "register")
        except PtxError:
            raise PtxError(f"it calls {called.name}, which has no body here") from None
        cpp = function.cpp
        if function.kind == "register":
            cpp = f"reinterpret_cast<void (*)(void**, void**)>({cpp})"
        lists = ("results", results), ("given", given)
        arrays = " ".join(f"void* {name}[] = {{{self._pointers(values)}}};" for name, values in lists)
        return f"{{ {arrays} {cpp}(results, given); }}"

    def _pointers(self, values: Tuple) -> str:
        pointers = []
        for value in values.items:
            if not isinstance(value, Name):
                raise PtxError(f"{value} is no parameter of a call")
            pointers.append(f"reinterpret_cast<void*>({self.operands.find(value.name, 'memory').cpp})")
        return ", ".join([*pointers, "nullptr"])

    def _by_exit(self, found: Match, instruction: Instruction) -> str:
        if not self.is_kernel:
            raise PtxError("exit in a function that a kernel calls is not known")
        return "return;"


def fitting(instruction: Instruction) -> Iterator[Match]:
    """Yield the rows of the table that an instruction may be, by its opcode and the number of its operands."""
    for found in matches(instruction.parts):
        names = [name for name, _ in _operands(found) if name != "q"]
        if found.opcode.operands == "..." or len(names) == len(instruction.operands):
            yield found


def _operands(found: Match) -> Iterator[tuple[str, str]]:
    """Yield the names of a row's operands, with the type that each is read as."""
    for word in found.opcode.operands.replace("|", " ").split():
        name, _, kind = word.strip("[]").partition(":")
        yield name, _wider.get(found.type, "") if kind == "double" else kind or found.type


def _site(instruction: Instruction) -> str:
    where = instruction.where
    return f"{{file_{where.file}, {where.line or where.ptx}}}"
