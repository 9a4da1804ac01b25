"""Expressions as terms: numbers, inputs, and calls of operators and functions on terms, equal ones only once.

A term is real or a truth value. Where C would take the one for the other, a term says so: ``real`` makes 1 or 0 of a
truth value, and a real number that stands for one is compared with 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

__all__ = ["Term", "Terms", "below"]

_next_number = count().__next__

_of_truth = frozenset({"<", "<=", ">", ">=", "==", "!=", "&&", "||", "!", "isnan", "isinf", "isfinite"})


class Term:
    """One value of a computation. `name` is the operator or function, ``number`` or ``input``."""

    __slots__ = ("name", "number", "operands", "payload")

    def __init__(self, name: str, operands: tuple[Term, ...], payload: Any) -> None:
        self.name = name
        self.operands = operands
        self.payload = payload
        self.number = _next_number()

    @property
    def is_truth(self) -> bool:
        """Whether the term is a truth value."""
        return self.name in _of_truth

    def __repr__(self) -> str:
        return f"<{self.name} {self.payload}>" if not self.operands else f"<{self.name} of {len(self.operands)}>"


class Terms:
    """Makes terms, each of them once: a term that is used twice is computed once."""

    def __init__(self) -> None:
        self._made: dict[Any, Term] = {}

    def _term(self, name: str, operands: tuple[Term, ...] = (), payload: Any = None) -> Term:
        known = repr(payload) if name == "number" else payload  # 0.0 is not -0.0, and NaN is NaN
        key = (name, tuple(term.number for term in operands), known)
        return self._made.setdefault(key, Term(name, operands, payload))

    def number(self, value: float) -> Term:
        """Return a number."""
        return self._term("number", payload=float(value))

    def input(self, name: str) -> Term:
        """Return an input."""
        return self._term("input", payload=name)

    def call(self, name: str, *operands: Term) -> Term:
        """Return an operator or a function of real terms."""
        return self._term(name, tuple(self.real(term) for term in operands))

    def real(self, term: Term) -> Term:
        """Return a term as a real number: 1 and 0 for true and false."""
        return self._term("real", (term,)) if term.is_truth else term

    def truth(self, term: Term) -> Term:
        """Return a term as a truth value: whether it is not 0."""
        return term if term.is_truth else self.call("!=", term, self.number(0))

    def logical(self, name: str, *operands: Term) -> Term:
        """Return ``&&``, ``||`` or ``!`` of truth values."""
        return self._term(name, tuple(self.truth(term) for term in operands))

    def choose(self, condition: Term, first: Term, second: Term) -> Term:
        """Return ``condition ? first : second``; of two truth values it is a truth value."""
        condition = self.truth(condition)
        if first.is_truth and second.is_truth:
            otherwise = self.logical("&&", self.logical("!", condition), second)
            return self.logical("||", self.logical("&&", condition, first), otherwise)
        return self._term("?", (condition, self.real(first), self.real(second)))


def below(roots: Iterable[Term]) -> list[Term]:
    """Return all terms that the roots are made of, operands before what is made of them."""
    found = list(roots)
    seen = set(found)
    for term in found:  # which grows as it is read
        for operand in term.operands:
            if operand not in seen:
                seen.add(operand)
                found.append(operand)
    return sorted(seen, key=lambda term: term.number)
