"""The derivative of a term: of each term it is made of in turn, so that it grows with the size of the term and no more.

A choice is differentiated as the choice between the derivatives, so that nothing comes of the branch that is not taken,
not even NaN. At kinks the derivative is the smallest subgradient, as everywhere in gpugrad.
"""

from __future__ import annotations

from collections.abc import Sequence

from gpugrad._elementwise._functions import FUNCTIONS, plus, times
from gpugrad._elementwise._terms import Term, Terms, below

__all__ = ["derivative"]


def derivative(t: Terms, z: Term, name: str) -> Term:
    """Return dz/d(input `name`)."""
    tangents: dict[Term, Term | None] = {}
    for term in below([z]):
        if term.is_truth or term.name in ("number", "real"):
            tangents[term] = None
        elif term.name == "input":
            tangents[term] = t.number(1) if term.payload == name else None
        else:
            tangents[term] = _tangent(t, term, [tangents[operand] for operand in term.operands])
    return tangents[z] or t.number(0)


def _tangent(t: Terms, z: Term, d: Sequence[Term | None]) -> Term | None:
    """Return the derivative of a term by those of its operands; None where it is 0 everywhere."""
    x = z.operands
    if all(part is None for part in d):
        return None
    match z.name:
        case "+":
            return plus(t, *d)
        case "-":
            return d[0] if d[1] is None else t.call("neg", d[1]) if d[0] is None else t.call("-", d[0], d[1])
        case "*":
            return plus(t, times(t, x[1], d[0]), times(t, x[0], d[1]))
        case "/":
            first = None if d[0] is None else t.call("/", d[0], x[1])
            second = None if d[1] is None else times(t, t.call("neg", t.call("/", z, x[1])), d[1])
            return plus(t, first, second)
        case "neg":
            return None if d[0] is None else t.call("neg", d[0])
        case "?":
            nothing = t.number(0)
            return t.choose(x[0], d[1] or nothing, d[2] or nothing)
    return FUNCTIONS[z.name].tangent(t, z, x, d)
