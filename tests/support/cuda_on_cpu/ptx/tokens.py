"""Cut a PTX text into the pieces that its grammar speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cuda_on_cpu.ptx.syntax import PtxError

__all__ = ["Token", "tokens"]

_token = re.compile(
    r"""(?P<space>[^\S\n]+|//[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)
      | (?P<newline>\n)
      | (?P<number>0[fF][0-9a-fA-F]{8}|0[dD][0-9a-fA-F]{16}|0[xX][0-9a-fA-F]+U?|\d+\.\d*(?:[eE][-+]?\d+)?|\d+U?)
      | (?P<name>[A-Za-z_$%][\w$]*)
      | (?P<dotted>\.\w+(?:::\w+)*)
      | (?P<string>"[^"\n]*")
      | (?P<mark>[-+{}()\[\],;:@!|=<>])""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text: of a `kind` in the pattern above; a dotted word without its dot."""

    kind: str
    text: str
    line: int


def tokens(text: str) -> Iterator[Token]:
    """Yield the pieces of a text; blanks and comments are left out."""
    position, line = 0, 1
    while position < len(text):
        found = _token.match(text, position)
        if not found:
            raise PtxError(f"line {line}: {text[position : position + 20]!r} is no PTX")
        kind, piece = str(found.lastgroup), found[0]
        position = found.end()
        if kind not in ("space", "newline"):
            yield Token(kind, piece[1:] if kind == "dotted" else piece, line)
        line += piece.count("\n")
    yield Token("end", "", line)
