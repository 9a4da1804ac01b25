"""A term as code: each part that is used twice, or grows long, gets a name of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from gpugrad._elementwise._terms import Term, below

__all__ = ["Code", "coded"]

_longest = 90

Code = tuple[list[tuple[str, str, bool]], str]
"""The parts, in order, as (name, code, whether it is a truth value), and the code of the whole."""


def coded(z: Term, code_of: Callable[[Term, list[str]], str]) -> Code:
    """Return a term as code; `code_of` writes one term from the code of its operands."""
    terms = below([z])
    uses = Counter(operand for term in terms for operand in term.operands)
    texts: dict[Term, str] = {}
    parts: list[tuple[str, str, bool]] = []
    for term in terms:
        text = code_of(term, [texts[operand] for operand in term.operands])
        if term.operands and term is not z and (uses[term] > 1 or len(text) > _longest):
            name = f"t{len(parts)}"
            parts.append((name, text, term.is_truth))
            text = name
        texts[term] = text
    return parts, texts[z]
