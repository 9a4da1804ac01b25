"""Write a PTX text as C++: a function for each of its functions, a statement for each instruction, jumps as goto."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from cuda_on_cpu.ptx.grammar import parse
from cuda_on_cpu.ptx.operands import Known, Names, Operands, identifier
from cuda_on_cpu.ptx.statements import Statements
from cuda_on_cpu.ptx.syntax import (
    SIZES,
    Function,
    Immediate,
    Instruction,
    Item,
    Label,
    Module,
    Name,
    PtxError,
    Registers,
    Scope,
    Targets,
    Variable,
)

__all__ = ["translated"]

MOST_SHARED_BYTES: Final = 48 << 10
MOST_LOCAL_BYTES: Final = 16 << 10
"""A function's local memory lies on the stack of its thread."""


def translated(text: str, name: str) -> str:
    """Return the C++ of a PTX text; `name` stands in messages.

    Raises
    ------
    PtxError
        If something is not understood, or the runner has no such thing.
    """
    try:
        return "\n".join(Unit(parse(text)).lines())
    except PtxError as error:
        raise PtxError(f"{name}: {error}") from None


class Unit:
    """All of a PTX text."""

    def __init__(self, module: Module) -> None:
        self.module = module
        # Where there is no line of the source, that of the PTX is given.
        self.files = {0: "PTX"} | {number: PurePosixPath(path).name for number, path in module.files.items()}
        self.names: Names = {}
        self.shared_bytes = 0
        self.functions = {function.name: function for function in module.functions}
        self.functions |= {function.name: function for function in module.functions if function.body}

    def lines(self) -> Iterator[str]:
        """Yield the C++, line by line."""
        bodies = list(self._bodies())  # which say how much shared memory there is
        yield f"#define PTX_SHARED_BYTES {self.shared_bytes}"
        yield '#include "ptx/approximate.h"'
        yield '#include "ptx/threads.h"'
        yield "using namespace ptx;"
        yield from (f"static const char file_{number}[] = {_quoted(file)};" for number, file in self.files.items())
        yield from bodies
        kernels = [function for function in self.functions.values() if function.is_kernel and function.body]
        rows = []
        for number, kernel in enumerate(kernels):
            parameters = [f'{{"", {parameter.bytes}, 0, 0}}' for parameter in kernel.parameters]
            yield f"static const cuda_on_cpu::Parameter parameters_{number}[] = {{{', '.join([*parameters, '{}'])}}};"
            rows.append(
                f"{{{_quoted(kernel.name)}, {_function(kernel.name)}, parameters_{number}, {len(parameters)}, "
                f"{kernel.max_threads}}}"
            )
        yield f'extern "C" {{ const cuda_on_cpu::Entry cuda_on_cpu_entries[] = {{{", ".join([*rows, "{}"])}}}; }}'

    def _bodies(self) -> Iterator[str]:
        for function in self.functions.values():
            if function.body:
                yield f"{_head(function)};"
                self.names[function.name] = Known("function", _function(function.name))
        for variable in self.module.variables:
            yield from self.declared(variable, self.names, variable.name)
        for function in self.functions.values():
            if function.body:
                yield from Body(self, function).lines()

    def declared(self, variable: Variable, names: Names, unique: str) -> Iterator[str]:
        """Make a variable known among `names`, and yield its declaration."""
        cpp = "v_" + identifier(unique)
        if variable.space == "shared":
            names[variable.name] = Known("shared", self._shared_address(variable))
            return
        if variable.count is None and not variable.values:
            raise PtxError(f"the variable {variable.name} has no size")
        count = variable.count or len(variable.values)
        names[variable.name] = Known("memory", f"reinterpret_cast<u64>({cpp})")
        static = "static " if variable.space in ("global", "const") else ""
        values = f" = {{{', '.join(self._initial(value, variable) for value in variable.values)}}}" if static else ""
        bits = f"b{8 * SIZES[variable.type]}"
        yield f"{static}{bits} {cpp}[{count}] __attribute__((aligned({max(variable.alignment, 8)}))){values};"

    def _shared_address(self, variable: Variable) -> str:
        if variable.count is None:
            return "u64(dynamic_begin)"
        align = variable.alignment
        begin = -(-self.shared_bytes // align) * align
        self.shared_bytes = begin + variable.bytes
        if self.shared_bytes > MOST_SHARED_BYTES:
            raise PtxError(f"{self.shared_bytes} bytes of static shared memory: at most {MOST_SHARED_BYTES}")
        return f"u64({begin})"

    def _initial(self, value: Immediate | Name, variable: Variable) -> str:
        bits = f"b{8 * SIZES[variable.type]}"
        if isinstance(value, Immediate):
            return f"static_cast<{bits}>({value.bits}ull)"
        if value.name not in self.names:
            raise PtxError(f"the variable {variable.name} begins with {value.name}, which is not known")
        return f"static_cast<{bits}>({self.names[value.name].cpp} + {value.offset})"


class Body:
    """One function."""

    def __init__(self, unit: Unit, function: Function) -> None:
        self.unit, self.function = unit, function
        scope: Names = {}
        for place, variables in (("results", function.results), ("arguments", function.parameters)):
            for number, variable in enumerate(variables):
                scope[variable.name] = Known("memory", f"reinterpret_cast<u64>({place}[{number}])")
        self.operands = Operands([unit.names, scope])
        self.instructions = Statements(self.operands, function.is_kernel)
        self.declarations: list[str] = []
        self.statements: list[str] = []
        self.local_bytes = 0

    def lines(self) -> Iterator[str]:
        """Yield the C++ of the function."""
        assert self.function.body
        self._scope(self.function.body)
        if self.local_bytes > MOST_LOCAL_BYTES:
            raise PtxError(
                f"{self.function.name}: {self.local_bytes} bytes of local memory: at most {MOST_LOCAL_BYTES}"
            )
        yield f"{_head(self.function)} {{"
        yield "bool carry = false, no_carry, unused;"
        yield from self.declarations
        yield from self.statements
        yield "}"

    def _scope(self, scope: Scope) -> None:
        names: Names = {}
        self.operands.scopes.append(names)
        for item in scope.items:
            self._declare(item, names)
        for item in scope.items:
            if isinstance(item, Scope):
                self._scope(item)
            elif isinstance(item, Label):
                self.statements.append(f"{names[item.name].cpp}:;")
            elif isinstance(item, Instruction):
                self._instruction(item)
        self.operands.scopes.pop()

    def _declare(self, item: Item, names: Names) -> None:
        if isinstance(item, Label):
            names[item.name] = Known("label", "l_" + self.operands.unique(item.name))
        elif isinstance(item, Targets):
            names[item.name] = Known("targets", labels=item.labels)
        elif isinstance(item, Variable):
            lines = list(self.unit.declared(item, names, self.operands.unique(item.name)))
            if item.space == "local":
                self.local_bytes += item.bytes
                cpp = lines[0].split()[1].partition("[")[0]
                lines.append(f"std::memset({cpp}, 0xFF, sizeof {cpp});")
            self.declarations += lines
        elif isinstance(item, Registers):
            bits = "bool" if item.type == "pred" else f"b{8 * SIZES[item.type]}"
            for name in item.names:
                cpp = "r_" + self.operands.unique(name)
                names[name] = Known("register", cpp)
                self.declarations.append(
                    f"{bits} {cpp} = {'false' if bits == 'bool' else f'static_cast<{bits}>(~0ull)'};"
                )

    def _instruction(self, instruction: Instruction) -> None:
        where = instruction.where
        file, line = self.unit.files[where.file], where.line or where.ptx
        try:
            statement = self.instructions.of(instruction)
            if instruction.guard:
                statement = f"if ({self.operands.read(instruction.guard, 'pred')}) {{ {statement} }}"
        except PtxError as error:
            raise PtxError(f"{self.function.name}: {file}:{line} (PTX line {where.ptx}): {error}") from None
        self.statements += [f"#line {line} {_quoted(file)}", statement]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _function(name: str) -> str:
    return f"f_{identifier(name)}"


def _head(function: Function) -> str:
    parameters = "void** arguments" if function.is_kernel else "void** results, void** arguments"
    return f"static void {_function(function.name)}({parameters})"
