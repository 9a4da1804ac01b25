"""An elementwise op of the user's own: expressions with their derivatives, recorded as any other op."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from gpugrad._elementwise._derivative import derivative
from gpugrad._elementwise._program import Program
from gpugrad._elementwise._terms import Term, Terms, below
from gpugrad._op import SCALARS, GeneralOp
from gpugrad.backends import Array, backend_of, together
from gpugrad.errors import DtypeError

__all__ = ["ElementwiseOp", "seeded"]

_largest = 2**1024 - 2**971
"""The largest of the float64 numbers."""


class ElementwiseOp(GeneralOp):
    """A term of inputs, and for each input the term of its gradient, of the inputs, `g` and the output.

    A gradient is an op of the same kind, made when it is first asked for; the derivatives of its term are its own
    gradients, and so on to any order.
    """

    listed = False

    def __init__(
        self,
        name: str,
        terms: Terms,
        z: Term,
        inputs: Sequence[str],
        gradients: Mapping[str, Term] | None,
        g: str = "g",
    ) -> None:
        """Make an op; `gradients` None stands for the derivatives of `z`, with `g` for dL/dz."""
        self.short_name = name
        self.terms = terms
        self.names = tuple(inputs)
        self.called = _names_in_rules(self.names)
        self.program = Program(name, inputs, z)
        if gradients is None:
            seed = terms.input(g)
            gradients = {x: seeded(terms, derivative(terms, z, x), seed) for x in inputs}
        self.gradient_terms = dict(gradients)
        self.g = g
        self._gradients: dict[str, ElementwiseOp] = {}
        super().__init__(
            self._forward(), {self.called[x]: self._rule_for(x) for x in gradients}, view=False, elementwise=True
        )

    @property
    def node_name(self) -> str:
        return "".join(part[:1].upper() + part[1:] for part in self.short_name.split("_")) + "Backward"

    def _forward(self) -> Any:
        def forward(*values: Any) -> Array:
            return self.program(*self._checked(values))

        kind = inspect.Parameter.POSITIONAL_ONLY
        parameters = [inspect.Parameter(self.called[x], kind, annotation="Array") for x in self.names]
        forward.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        forward.__name__ = f"elementwise.{self.short_name}"
        return forward

    def _checked(self, values: Sequence[Any]) -> list[Any]:
        """Return the operands in the dtype in which they meet, or raise where one is no real floating-point number."""
        array = next(x for x in values if type(x) not in SCALARS)
        backend = backend_of(array)
        for name, x in zip(self.names, values, strict=True):
            number = type(x) in SCALARS
            dtype: Any = type(x).__name__ if number else backend.dtype_of(x)
            if dtype == "complex" if number else dtype.kind != "f":
                advice = "take gpugrad.real of it" if number or dtype.kind == "c" else "cast it: .to(gpugrad.float32)"
                raise DtypeError(f"{self.name}: {name!r} must be real floating-point numbers, and is {dtype}; {advice}")
            if type(x) is int and abs(x) > _largest:
                raise OverflowError(f"{self.name}: {name!r} is a number that no float64 holds")
        return together(backend, values)

    def needed(self, x: str) -> tuple[str, ...]:
        """Return which inputs, and whether the output as ``=``, the gradient of the input `x` is computed from."""
        used = {term.payload for term in below([self.gradient_terms[x]]) if term.name == "input"}
        return tuple(name for name in ("=", *self.names) if name in used)

    def gradient(self, x: str) -> ElementwiseOp:
        """Return the op that computes dL/d(input `x`) from dL/dz, then what is `needed`."""
        if x not in self._gradients:
            z_name = _unused("z", self.names)
            needed = self.needed(x)
            term = self.gradient_terms[x]
            inputs = [self.g, *(z_name if name == "=" else name for name in needed)]
            term = _renamed(self.terms, term, "=", z_name)
            g = _unused("g", [*self.names, *inputs])
            made = ElementwiseOp(f"{self.short_name}_grad_{x}", self.terms, term, inputs, None, g)
            self._gradients.setdefault(x, made)
        return self._gradients[x]

    def _rule_for(self, x: str) -> Any:
        def rule(g: Any, *values: Any) -> Any:
            return self.gradient(x)(g, *values)

        names = ["g", *("z" if name == "=" else self.called[name] for name in self.needed(x))]
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        rule.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])  # type: ignore[attr-defined]
        rule.__doc__ = f"The derivative of the expression by {x}, or the expression given for it."
        return rule


def seeded(terms: Terms, slope: Term, g: Term) -> Term:
    """Return dL/dz times a slope; where it is 0 everywhere so is the result, whatever dL/dz."""
    if slope.name == "number" and slope.payload in (0, 1):
        return g if slope.payload == 1 else slope
    return terms.call("*", g, slope)


def _renamed(terms: Terms, z: Term, old: str, new: str) -> Term:
    """Return a term with one input called otherwise."""
    made: dict[Term, Term] = {}
    for term in below([z]):
        if term.name == "input":
            made[term] = terms.input(new if term.payload == old else term.payload)
        else:
            made[term] = terms._term(term.name, tuple(made[x] for x in term.operands), term.payload)
    return made[z]


def _names_in_rules(names: Sequence[str]) -> dict[str, str]:
    """Return what the rules call each input: its name, and another one where that means something in rules."""
    called: dict[str, str] = {}
    for name in names:
        own = name
        while (
            own in ("g", "z", "xp", "needs")
            or own.endswith("_shape")
            or own in (*called.values(), *names[len(called) + 1 :])
        ):
            own += "_"
        called[name] = own
    return called


def _unused(name: str, names: Sequence[str]) -> str:
    """Return a name that is none of `names`."""
    found, number = name, 1
    while found in names:
        number += 1
        found = f"{name}{number}"
    return found
