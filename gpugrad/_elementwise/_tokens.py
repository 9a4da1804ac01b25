"""The words of an elementwise expression, each with its place, and errors that point at one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gpugrad.errors import ExpressionError

__all__ = ["Source", "Token", "tokens"]

_space = re.compile(r"\s+|//[^\n]*|/\*.*?\*/", re.S)
_word = re.compile(
    r"(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>&&|\|\||==|!=|<=|>=|\+=|-=|\*=|/=|[-+*/<>!?:=();,])",
    re.A,
)
_foreign = {
    "**": "a power is pow(x, y)",
    "^": "a power is pow(x, y)",
    "%": "a remainder is fmod(x, y)",
    "++": "write x += 1",
    "--": "write x -= 1, or a space between two minus signs",
    "[": "an expression is about one element, and cannot reach another",
    "{": "there are no blocks; a choice is condition ? x : y",
    "&": "'and' is &&",
    "|": "'or' is ||",
}
_foreign_sign = re.compile(r"\*\*|\+\+|--|.")


@dataclass(frozen=True, slots=True)
class Source:
    """A text of the user's, and what it is called in errors."""

    text: str
    what: str

    def error(self, at: int, message: str) -> ExpressionError:
        """Return an error that shows the line and points at the place."""
        line = self.text.count("\n", 0, at) + 1
        start = self.text.rfind("\n", 0, at) + 1
        shown = "".join(
            c if c.isprintable() or c == "\t" else " " for c in self.text[start:].partition("\n")[0]
        ).rstrip()
        margin = "".join("\t" if c == "\t" else " " for c in shown[: at - start])
        return ExpressionError(
            f"{self.what}, line {line}, column {at - start + 1}: {message}\n    {shown}\n    {margin}^",
            line,
            at - start + 1,
        )


@dataclass(frozen=True, slots=True)
class Token:
    """A word: of the kind number, name, sign or end, and where it begins."""

    kind: str
    text: str
    at: int

    def __str__(self) -> str:
        return repr(self.text) if self.text else "the end"


def tokens(source: Source) -> list[Token]:
    """Return the words of a text, the last one the end; raise ExpressionError at what is none."""
    found, at, text = [], 0, source.text
    while at < len(text):
        skipped = _space.match(text, at)
        if skipped:
            at = skipped.end()
            continue
        word = _word.match(text, at)
        odd = _foreign_sign.match(text, at)
        if word is None or (odd is not None and odd[0] in ("**", "++", "--")):
            sign = odd[0] if odd is not None else text[at]
            hint = _foreign.get(sign, "there are numbers, names, + - * / < > = ! & | ? : ; , and parentheses")
            raise source.error(at, f"{sign!r} is not in the grammar; {hint}")
        at = word.end()
        if word.lastgroup == "number" and re.compile(r"[\w.]").match(text, at):
            raise source.error(at, f"{text[at]!r} after a number: a number has no suffix, its type is always T")
        found.append(Token(str(word.lastgroup), word[0], word.start()))
    return [*found, Token("end", "", len(text.rstrip()))]
