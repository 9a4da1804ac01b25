"""Read PTX, the assembly language that NVRTC writes: from text to functions, variables and instructions.

The grammar is that of NVIDIA's "PTX ISA" as compilers use it. Nothing is skipped but debug sections and pragmas: what
is not understood is an error that names the line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from cuda_on_cpu.ptx.syntax import (
    SIZES,
    Address,
    Function,
    Immediate,
    Instruction,
    Item,
    Label,
    Module,
    Name,
    Negated,
    Operand,
    Pair,
    PtxError,
    Registers,
    Scope,
    Targets,
    Tuple,
    Variable,
    Where,
)
from cuda_on_cpu.ptx.tokens import Token, tokens

__all__ = ["parse"]

T = TypeVar("T")
_spaces = {"global", "const", "shared", "local", "param"}
_linking = {"visible", "extern", "weak", "common"}
_special = {"tid", "ntid", "ctaid", "nctaid"}


def parse(text: str) -> Module:
    """Return what a PTX text says.

    >>> module = parse(".version 8.0 .target sm_90 .address_size 64 .visible .entry f() { ret; }")
    >>> [function.name for function in module.functions]
    ['f']
    """
    return Parser(text).module()


class Parser:
    """A parser by recursive descent: a method for each thing of the grammar, and one token looked ahead."""

    def __init__(self, text: str) -> None:
        self._left = tokens(text)
        self._next = next(self._left)
        self._file, self._line = 0, 0

    # Tokens

    def _take(self) -> Token:
        taken = self._next
        self._next = next(self._left, taken)
        return taken

    def _fault(self, wanted: str) -> PtxError:
        return PtxError(f"line {self._next.line}: {self._next.text or 'the end'!r} stands where {wanted} must be")

    def _is(self, kind: str, *texts: str) -> bool:
        return self._next.kind == kind and (not texts or self._next.text in texts)

    def _accept(self, mark: str) -> bool:
        return self._is("mark", mark) and bool(self._take())

    def _expect(self, mark: str) -> None:
        if not self._accept(mark):
            raise self._fault(repr(mark))

    def _word(self, kind: str = "name") -> str:
        if not self._is(kind):
            raise self._fault(f"a {kind}")
        return self._take().text

    def _integer(self) -> int:
        return int(self._word("number").rstrip("U"), 0)

    def _signed(self) -> int:
        return -self._integer() if self._accept("-") else self._integer()

    # The module

    def module(self) -> Module:
        """Return the module that the text is."""
        module = Module()
        while not self._is("end"):
            linking = set()
            while self._is("dotted", *_linking):
                linking.add(self._take().text)
            word = self._word("dotted")
            if "extern" in linking and word in _spaces - {"shared"}:
                raise PtxError(f"line {self._next.line}: a variable in .{word} that is defined elsewhere is not known")
            if word in ("entry", "func"):
                module.functions.append(self._function(word == "entry"))
            elif word in _spaces:
                module.variables += self._variables(word)
            elif word == "version":
                self._word("number")
            elif word == "target":
                self._list(self._word)
            elif word == "address_size":
                if (size := self._integer()) != 64:
                    raise PtxError(f"addresses of {size} bits are not known, only of 64")
            elif word == "file":
                number = self._integer()
                module.files[number] = self._word("string").strip('"')
                while self._accept(","):  # its time and size
                    self._integer()
            elif word == "section":
                self._skip_section()
            elif word == "pragma":
                self._pragma()
            else:
                raise PtxError(f"line {self._next.line}: the directive .{word} is not known")
        return module

    def _skip_section(self) -> None:
        self._take()
        self._expect("{")
        while not self._accept("}"):
            self._take()

    def _pragma(self) -> None:
        self._list(lambda: self._word("string"))
        self._expect(";")

    def _list(self, item: Callable[[], T]) -> list[T]:
        """Return what `item` reads, separated by commas."""
        found = [item()]
        while self._accept(","):
            found.append(item())
        return found

    def _parenthesised(self, item: Callable[[], T]) -> tuple[T, ...]:
        """Return what `item` reads, in parentheses."""
        self._expect("(")
        if self._accept(")"):
            return ()
        found = tuple(self._list(item))
        self._expect(")")
        return found

    def _function(self, is_kernel: bool) -> Function:
        results = self._parenthesised(self._parameter) if self._is("mark", "(") else ()
        name = self._word()
        parameters = self._parenthesised(self._parameter) if self._is("mark", "(") else ()
        max_threads = 1024
        while self._is("dotted"):
            word = self._take().text
            if word == "maxntid":
                max_threads = 1
                for extent in self._list(self._integer):
                    max_threads *= extent
            elif word in ("minnctapersm", "maxnreg"):
                self._integer()
            elif word == "pragma":
                self._pragma()
            elif word != "noreturn":
                raise PtxError(f"line {self._next.line}: {name}: the directive .{word} is not known")
        if self._accept(";"):
            return Function(name, is_kernel, results, parameters, max_threads, None)
        self._expect("{")
        return Function(name, is_kernel, results, parameters, max_threads, self._scope())

    def _parameter(self) -> Variable:
        if (space := self._word("dotted")) != "param":
            raise PtxError(f"line {self._next.line}: parameters in .{space} are not known")
        return self._variable(space)

    # Declarations

    def _variables(self, space: str) -> list[Variable]:
        found = [self._variable(space)]
        while self._accept(","):
            found.append(self._named(space, found[0].type, found[0].align))
        self._expect(";")
        return found

    def _variable(self, space: str) -> Variable:
        align, kind = 0, ""
        while self._is("dotted"):
            word = self._take().text
            if word == "align":
                align = self._integer()
            elif word == "ptr":
                if self._is("dotted", *_spaces):
                    self._take()
                if self._is("dotted", "align"):  # of what it points to
                    self._take()
                    self._integer()
            elif word in SIZES:
                kind = word
            else:
                raise PtxError(f"line {self._next.line}: the type .{word} of a variable is not known")
        return self._named(space, kind, align)

    def _named(self, space: str, kind: str, align: int) -> Variable:
        name = self._word()
        count: int | None = 1
        while self._accept("["):
            extent = self._integer() if self._is("number") else None
            count = None if extent is None or count is None else count * extent
            self._expect("]")
        values = tuple(self._values()) if self._accept("=") else ()
        return Variable(space, kind, name, count, align, values)

    def _values(self) -> Iterator[Immediate | Name]:
        """Yield what a variable begins with; braces within braces are as if they were not there."""
        if self._accept("{"):
            while not self._accept("}"):
                yield from self._values()
                self._accept(",")
            return
        if self._is("name", "generic"):
            self._take()
            (value,) = self._parenthesised(self._operand)
        else:
            value = self._operand()
        if not isinstance(value, Immediate | Name):
            raise self._fault("a number or a name")
        yield value

    # Statements

    def _scope(self) -> Scope:
        """Return what stands before the brace that closes."""
        items: list[Item] = []
        while not self._accept("}"):
            if self._accept("{"):
                items.append(self._scope())
            elif self._is("dotted"):
                items += self._directive()
            elif self._accept(";"):
                continue
            else:
                items.append(self._statement())
        return Scope(tuple(items))

    def _directive(self) -> list[Item]:
        word = self._word("dotted")
        if word == "loc":
            self._location()
        elif word == "pragma":
            self._pragma()
        elif word == "reg":
            return self._registers()
        elif word in _spaces:
            return list(self._variables(word))
        else:
            raise PtxError(f"line {self._next.line}: the directive .{word} is not known")
        return []

    def _location(self) -> None:
        file, line = self._integer(), self._integer()
        self._integer()
        if line:  # 0 is what the compiler says where it knows of none
            self._file, self._line = file, line
        while self._accept(","):
            if self._word() == "function_name":
                self._name()
            else:  # inlined_at
                for _ in range(3):
                    self._integer()

    def _registers(self) -> list[Item]:
        kind = self._word("dotted")
        names: list[str] = []

        def declared() -> None:
            name = self._word()
            if self._accept("<"):
                names.extend(f"{name}{number}" for number in range(self._integer()))
                self._expect(">")
            else:
                names.append(name)

        self._list(declared)
        self._expect(";")
        if kind not in SIZES:
            raise PtxError(f"line {self._next.line}: registers of the type .{kind} are not known")
        return [Registers(kind, tuple(names))]

    def _statement(self) -> Instruction | Label | Targets:
        guard: Name | Negated | None = None
        line = self._next.line
        if self._accept("@"):
            guard = Negated(self._word()) if self._accept("!") else Name(self._word())
        word = self._word()
        if guard is None and self._accept(":"):
            return self._labelled(word)
        parts = [word]
        while self._is("dotted"):
            parts.append(self._take().text)
        operands = () if self._is("mark", ";") else tuple(self._list(self._operand))
        self._expect(";")
        return Instruction(tuple(parts), operands, guard, Where(self._file, self._line, line))

    def _labelled(self, name: str) -> Label | Targets:
        if not self._is("dotted", "branchtargets", "callprototype"):
            return Label(name)
        if self._take().text == "branchtargets":
            targets = Targets(name, tuple(self._list(self._word)))
            self._expect(";")
            return targets
        while not self._accept(";"):  # a prototype says nothing that the call does not
            self._take()
        return Label(name)

    # Operands

    def _operand(self) -> Operand:
        if self._is("mark", "{", "("):
            closing = {"{": "}", "(": ")"}[self._take().text]
            items = () if self._is("mark", closing) else tuple(self._list(self._operand))
            self._expect(closing)
            return Tuple(items)
        if self._accept("["):
            base = None if self._is("number") else self._word()
            offset = self._integer() if base is None else self._offset()
            self._expect("]")
            return Address(base, offset)
        if self._accept("!"):
            return Negated(self._word())
        if self._is("number") or self._is("mark", "-"):
            return self._immediate()
        name = self._name()
        return Pair(name, Name(self._word())) if self._accept("|") else name

    def _name(self) -> Name:
        """Return a name; of a special register, with its coordinate."""
        name = self._word()
        if name.startswith("%") and name[1:] in _special:
            name += "." + self._word("dotted")
        return Name(name, self._offset())

    def _offset(self) -> int:
        if self._accept("+"):
            return self._signed()
        return -self._integer() if self._accept("-") else 0

    def _immediate(self) -> Immediate:
        negative = self._accept("-")
        text = self._word("number").rstrip("U")
        if text[:2] in ("0f", "0F", "0d", "0D") and not negative:
            return Immediate(int(text[2:], 16), "f32" if text[1] in "fF" else "f64")
        if "." in text:
            raise self._fault("a float in hexadecimal digits")
        return Immediate((-int(text, 0) if negative else int(text, 0)) % 2**64)
