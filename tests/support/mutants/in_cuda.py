"""Every fault that can be planted in a CUDA kernel, found in its text by brackets, operators and names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from mutants.fault import Fault, Source

__all__ = ["STRUCTURE", "faults", "files"]

STRUCTURE = ("barrier", "bound", "guard", "loop")
"""The kinds of which every single one must turn the ordinary suite red."""

_code = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|^[ \t]*#(?:line|include|pragma)[^\n]*""", re.S | re.M)
_open, _close = "([{", ")]}"

# Operators that are written with spaces around them: `<` of a template and `*` of a pointer are not.
_operator = re.compile(r"(?<= )(<=|>=|==|!=|<|>|&&|\|\||\+=|-=|\*=|/=|\+|-|\*|/|%|<<|>>|&|\||\^)(?= )")
_level = {
    **dict.fromkeys(("*", "/", "%"), 5),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("<<", ">>"), 3),
    **dict.fromkeys(("<", ">", "<=", ">=", "==", "!="), 2),
    **dict.fromkeys(("&", "|", "^"), 1),
    **dict.fromkeys(("&&", "||"), 0),
}
_instead = {
    "bound": {"<": "<=", "<=": "<", ">": ">=", ">=": ">"},
    "comparison": {"==": "!=", "!=": "==", "<": ">", ">": "<"},
    "sign": {"+": "-", "-": "+", "+=": "-=", "-=": "+="},
    "operator": {"*": "/", "/": "*", "%": "/", "*=": "/=", "/=": "*=", "<<": ">>", ">>": "<<", "&": "|", "|": "&"},
    "logic": {"&&": "||", "||": "&&"},
}
_term = {4: "term dropped", 5: "factor dropped", 0: "condition dropped", 1: "condition dropped"}

_exchanged = {
    "index": [("threadIdx", "blockIdx"), ("blockDim", "gridDim"), (r"\.x\b", ".y")],
    "min/max": [("fminf", "fmaxf"), ("fmin", "fmax"), ("min", "max"), ("__hmin", "__hmax")],
    "name exchanged": [("expf", "logf"), ("exp", "log"), ("sinf", "cosf"), ("sin", "cos"), ("floor", "ceil")],
    "truth": [("true", "false"), ("isnan", "isinf")],
}  # fmt: skip
_applied = re.compile(r"\b(static_cast<[^()]*?>|reinterpret_cast<[^()]*?>|f?abs\w*|r?sqrtf?|expf?|logf?)\(")
_number = re.compile(
    r"(?<![\w.])(0[xX][0-9a-fA-F]+[uUlL]*|\d+\.\d*(?:[eE][-+]?\d+)?f?|\d+(?:[eE][-+]?\d+)f?|\d+[uUlL]*)(?![\w.])"
)
_negated = re.compile(r"(?<=[(,=?:] )-(?=[\w(])|(?<=[([])-(?=[\w(])|(?<=return )-(?=[\w(])|(?<![\w)\]])!(?=[\w(])")
_function = re.compile(r"(?:struct\s+(?:alignas\(\w+\)\s*)?(\w+)[^;{}()]*|\b(operator\(\)|\w+)\s*\([^;{}]*)$", re.S)


def files(root: Path) -> list[str]:
    """Return the files of kernels, by their paths from `root`."""
    return sorted(path.relative_to(root).as_posix() for path in (root / "kernels").glob("*.cu*"))


def faults(root: Path, file: str) -> list[Fault]:
    """Return every fault that can be planted in one file."""
    source = Source(root, file)
    found: dict[tuple[int, int, bytes], Fault] = {}
    text = _Text(source.content.decode("latin-1"))  # one character for each byte
    for kind, start, end, instead in text.changes():
        fault = source.fault(text.owner(start), kind, start, end, instead)
        if fault is not None:
            found.setdefault((start, end, fault.text), fault)
    return sorted(found.values(), key=lambda fault: (fault.start, fault.end, fault.text))


class _Text:
    """A kernel's text without its comments, each of whose brackets knows its partner."""

    def __init__(self, text: str) -> None:
        blanked = _code.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
        self.text = re.sub(r"\\(?=\n)", " ", blanked)
        self.partner: dict[int, int] = {}
        waiting: list[int] = []
        for place, character in enumerate(self.text):
            if character in _open:
                waiting.append(place)
            elif character in _close:
                begin = waiting.pop()
                self.partner[begin], self.partner[place] = place, begin
        self.blocks = self._named_blocks()

    def changes(self) -> Iterator[tuple[str, int, int, str]]:
        """Yield every change: its kind, where it begins and ends, and what stands there instead."""
        yield from self.barriers()
        yield from self.loops()
        yield from self.guards()
        yield from self.operators()
        yield from self.signs()
        yield from self.choices()
        yield from self.names()
        yield from self.numbers()
        yield from self.widths()
        yield from self.calls()
        yield from self.subscripts()
        yield from self.statements()

    def owner(self, place: int) -> str:
        """Return the name of the function, struct or macro that a place lies in."""
        for begin, end, name in self.blocks:
            if begin <= place < end:
                return name
        line = self.text.rfind("\n", 0, place) + 1
        found = re.search(r"\w+", self.text[line:])
        return found[0] if found else ""

    def _named_blocks(self) -> list[tuple[int, int, str]]:
        """Return the outermost blocks, each with the header before it; a macro is one from its #define on."""
        blocks = []
        for found in re.finditer(r"^#define (\w+)[^\n]*(?:\n[ \t]+[^\n]*)*", self.text, re.M):
            blocks.append((found.start(), found.end(), found[1]))
        place = 0
        while (begin := self.text.find("{", place)) >= 0:
            end = self.partner[begin]
            header = max(self.text.rfind(character, 0, begin) for character in ";}>") if place == 0 else place
            header = max(header, self.text.rfind(";", 0, begin), self.text.rfind("}", 0, begin)) + 1
            found = _function.search(self.text[header:begin])
            blocks.append((header, end + 1, (found[1] or found[2]) if found else ""))
            place = end + 1
        return blocks

    def barriers(self) -> Iterator[tuple[str, int, int, str]]:
        for found in re.finditer(r"\b__sync(?:threads|warp)\w*\(", self.text):
            yield "barrier", found.start(), self.partner[found.end() - 1] + 1, ""

    def loops(self) -> Iterator[tuple[str, int, int, str]]:
        """What a loop repeats is left out: it is a statement or a block."""
        for found in re.finditer(r"\b(for|while) \(", self.text):
            begin = self.partner[found.end() - 1] + 1
            yield "loop", begin, self._statement_end(begin), ";"

    def guards(self) -> Iterator[tuple[str, int, int, str]]:
        for found in re.finditer(r"\bif \(", self.text):
            end = self.partner[found.end() - 1]
            for instead in ("true", "false"):
                yield "guard", found.end(), end, instead

    def operators(self) -> Iterator[tuple[str, int, int, str]]:
        for found in _operator.finditer(self.text):
            place, sign = found.start(), found[0]
            if self._in_template(place) or self._declares(place, sign):
                continue
            for kind, table in _instead.items():
                if sign in table:
                    yield kind, place, found.end(), table[sign]
            if sign in ("+=", "-=", "*=", "/="):
                yield "term dropped", place, found.end(), "="
            level = _level.get(sign)
            if level is None:
                continue
            left, right = self._left(place, level), self._right(found.end(), level)
            first, second = self.text[left:place].strip(), self.text[found.end() : right].strip()
            if level in _term:
                yield _term[level], left, right, first
                # What is left of a - b without a is -b, and of a / b without a is 1 / b.
                yield _term[level], left, right, {"-": "-", "/": "1 / "}.get(sign, "") + second
            if sign in ("-", "/", "%"):
                yield "operands swapped", left, right, f"{second} {sign} {first}"

    def signs(self) -> Iterator[tuple[str, int, int, str]]:
        for found in _negated.finditer(self.text):
            yield "sign" if found[0] == "-" else "logic", found.start(), found.end(), ""

    def choices(self) -> Iterator[tuple[str, int, int, str]]:
        """Of `condition ? one : other` each may be chosen always, and both may be exchanged."""
        for found in re.finditer(r"(?<= )\?(?= )", self.text):
            middle = self._colon(found.end())
            left, right = self._left(found.start(), -1), self._right(middle + 1, -2)
            one, other = self.text[found.end() : middle].strip(), self.text[middle + 1 : right].strip()
            condition = self.text[left : found.start()].strip()
            yield "branches", left, right, f"{condition} ? {other} : {one}"
            yield "branches", left, right, one
            yield "branches", left, right, other

    def names(self) -> Iterator[tuple[str, int, int, str]]:
        for kind, pairs in _exchanged.items():
            for one, other in pairs:
                for name, instead in ((one, other), (other, one)):
                    if name.startswith(r"\."):
                        found_in = re.finditer(name, self.text)
                    elif instead.startswith(r"\."):
                        continue
                    else:
                        found_in = re.finditer(rf"\b{name}\b", self.text)
                    for found in found_in:
                        yield kind, found.start(), found.end(), instead

    def numbers(self) -> Iterator[tuple[str, int, int, str]]:
        for found in _number.finditer(self.text):
            line = self.text[self.text.rfind("\n", 0, found.start()) + 1 :].lstrip()
            if line.startswith("#") and not line.startswith("#define"):
                continue
            for instead in _other_numbers(found[0]):
                yield "constant", found.start(), found.end(), instead

    def widths(self) -> Iterator[tuple[str, int, int, str]]:
        for found in re.finditer(r"\blong long\b", self.text):
            yield "width", found.start(), found.end(), "int"

    def calls(self) -> Iterator[tuple[str, int, int, str]]:
        """A function or a cast may be left out, and neighbouring arguments exchanged."""
        for found in _applied.finditer(self.text):
            begin, end = found.end() - 1, self.partner[found.end() - 1]
            kind = "cast dropped" if "cast" in found[1] else "function dropped"
            yield kind, found.start(), end + 1, self.text[begin : end + 1]
        for found in re.finditer(r"(?<=\w)\(", self.text):
            parts = self._parts(found.start())
            for one, other in pairwise(parts):
                first, second = self.text[slice(*one)], self.text[slice(*other)]
                if self._is_value(first) and self._is_value(second):
                    between = self.text[one[1] : other[0]]
                    yield "operands swapped", one[0], other[1], second + between + first

    def subscripts(self) -> Iterator[tuple[str, int, int, str]]:
        for found in re.finditer(r"(?<=\w)\[", self.text):
            end = self.partner[found.start()]
            index = self.text[found.end() : end]
            if not self._declares_array(found.start()) and index:
                yield "index", found.end(), end, f"{index} + 1"
                yield "index", found.end(), end, f"{index} - 1"

    def statements(self) -> Iterator[tuple[str, int, int, str]]:
        """An assignment, a call or a return that stands alone may be missing."""
        pattern = r"(?<=[;{})\n] )(?<![=,(] )((?:\*?\w[\w.\[\]]*(?: [-+*/]?= )|\w+\()[^;{}]*;|return;)"
        for found in re.finditer(pattern, self.text):
            balanced = found[1].count("(") == found[1].count(")")
            if balanced and not re.match(r"(?:for|if|while|switch)\b", found[1]):
                yield "statement dropped", found.start(1), found.end(1), ";"

    def _statement_end(self, begin: int) -> int:
        place = begin
        while self.text[place] not in ";{":
            place = self.partner[place] + 1 if self.text[place] in "([" else place + 1
        return (self.partner[place] if self.text[place] == "{" else place) + 1

    def _left(self, place: int, level: int) -> int:
        """Return where the left operand of an operator of this level begins."""
        place -= 1
        while place >= 0:
            if self.text[place] in _close:
                place = self.partner[place]
            elif self._ends_operand(place, level, strict=True):
                break
            place -= 1
        return self._skipped(place + 1)

    def _right(self, place: int, level: int) -> int:
        """Return where the right operand of an operator of this level ends."""
        while not self._ends_operand(place, level, strict=False):
            place = self.partner[place] + 1 if self.text[place] in _open else place + 1
        while self.text[place - 1].isspace():
            place -= 1
        return place

    def _ends_operand(self, place: int, level: int, *, strict: bool) -> bool:
        character = self.text[place]
        if character in ",;" or (character in _open + _close and (character in _open) == strict):
            return True
        if character in "?:" and self.text[place - 1] == " " and level > -2:
            return True
        if self.text.startswith("return ", place - 6) and strict and character == " ":
            return self.text[place - 6 : place] == "return"
        if character == "=" and self.text[place - 1] in " +-*/" and self.text[place + 1] == " ":
            return True
        found = _operator.match(self.text, place)
        if found is None or found[0] not in _level:
            if strict:  # an operator of two characters is met from its end
                found = _operator.match(self.text, place - 1)
                if found is None or found[0] not in _level or len(found[0]) == 1:
                    return False
            else:
                return False
        other = _level[found[0]]
        return other < level if strict else other <= level

    def _skipped(self, place: int) -> int:
        while self.text[place].isspace():
            place += 1
        return place

    def _colon(self, place: int) -> int:
        """Return where the colon of a choice stands; choices in its middle have their own."""
        depth = 0
        while depth or not re.match(r" : ", self.text[place - 1 : place + 2]):
            if self.text[place] in _open:
                place = self.partner[place]
            elif self.text[place - 1 : place + 2] == " ? ":
                depth += 1
            elif self.text[place - 1 : place + 2] == " : ":
                depth -= 1
            place += 1
        return place

    def _parts(self, begin: int) -> list[tuple[int, int]]:
        """Return the extents of what commas part in a pair of brackets."""
        end, parts, place, first = self.partner[begin], [], begin + 1, begin + 1
        while place < end:
            if self.text[place] in _open:
                place = self.partner[place]
            elif self.text[place] == ",":
                parts.append((first, place))
                first = place + 1
            place += 1
        parts.append((first, end))
        return [(self._skipped(a), b) for a, b in parts if self.text[a:b].strip()]

    def _is_value(self, part: str) -> bool:
        """Return whether an argument is an expression, and not the declaration of a parameter."""
        return not re.match(r"\s*(?:const\b|auto\b|T\b|A\b|F\b|\w+[*&]* (?:__restrict__ )?\w+$|[\w:<>]+[*&]+ )", part)

    def _declares(self, place: int, sign: str) -> bool:
        """Return whether `*`, `&` or `>` at a place belongs to a type."""
        return sign in "*&" and re.search(r"\b(?:const|T|A|double|float|int)$", self.text[:place].rstrip()) is not None

    def _declares_array(self, place: int) -> bool:
        return re.search(r"\b(?:T|A|double|float|int|unsigned|extern)\s+\w+$", self.text[:place]) is not None

    def _in_template(self, place: int) -> bool:
        line = self.text.rfind("\n", 0, place) + 1
        return bool(re.match(r"\s*template <[^>]*$", self.text[line:place]))


def _other_numbers(literal: str) -> list[str]:
    """Return numbers that are not this one: its neighbours if it is whole, its double if it is not."""
    digits = re.fullmatch(r"(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)", literal)
    if not digits:
        suffix = "f" if literal.endswith("f") else ""
        value = float(literal.rstrip("f"))
        return [f"{value * 2 or 1.0!r}{suffix}"]
    value = int(digits[1], 0)
    if digits[1].lower().startswith("0x"):
        return [f"{value >> 1:#x}{digits[2]}"]
    return [f"{n}{digits[2]}" for n in ([value + 1, value - 1] if value else [1])]
