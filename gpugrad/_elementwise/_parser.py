"""Reading an elementwise expression: a part of C, by precedence climbing, into terms.

::

    program    = statement { ";" statement } [ ";" ]
    statement  = [ "const" ] ( "T" | "bool" ) name "=" expression      a local name
               | name ( "=" | "+=" | "-=" | "*=" | "/=" ) expression   the output, or a local name again
    expression = unary { operator unary } [ "?" expression ":" expression ]
    unary      = ( "-" | "+" | "!" ) unary | number | name | name "(" expression { "," expression } ")"
               | "(" expression ")"

The operators are those of C with C's precedence: ``* /``, ``+ -``, ``< <= > >=``, ``== !=``, ``&&``, ``||``. Every
number is real, of the type T of the call: 1 / 2 is one half. Comparisons are truth values, 1 and 0 where a number is
needed; where a truth value is needed a number stands for whether it is not 0.
"""

from __future__ import annotations

import difflib
import math

from gpugrad._elementwise._functions import ALIASES, FUNCTIONS
from gpugrad._elementwise._terms import Term, Terms
from gpugrad._elementwise._tokens import Source, Token, tokens

__all__ = ["RESERVED", "parse_expression", "parse_parameters", "parse_program"]

_levels = {
    "||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4, "+": 5, "-": 5, "*": 6, "/": 6,
}  # fmt: skip
_comparisons = frozenset({"==", "!=", "<", "<=", ">", ">="})
_deepest = 100

_predicates = ("isnan", "isinf", "isfinite")
_constants = {"INFINITY": math.inf, "NAN": math.nan, "M_PI": math.pi, "M_E": math.e}
_keywords = frozenset(
    "auto break case char const constexpr continue default do double else enum extern float for goto half if inline "
    "int long register restrict return short signed sizeof static struct switch typedef union unsigned using void "
    "volatile while bool true false and or not raw new delete template typename".split()
)
RESERVED = frozenset({"T", *_keywords, *_constants, *FUNCTIONS, *ALIASES, *_predicates})
"""Names that no parameter and no local name can have."""


class _Parser:
    """Reads one text; `names` are the terms that its names stand for."""

    def __init__(self, terms: Terms, source: Source, names: dict[str, Term], inputs: frozenset[str]) -> None:
        self.terms = terms
        self.source = source
        self.names = names
        self.inputs = inputs
        self.tokens = tokens(source)
        self.next = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.next]

    def take(self) -> Token:
        token = self.token
        self.next += 1
        return token

    def wrong(self, token: Token, message: str) -> Exception:
        return self.source.error(token.at, message)

    def expect(self, text: str, after: str) -> None:
        token = self.token
        if token.text != text:
            raise self.wrong(token, f"{token} where {text!r} must come {after}")
        self.take()

    def declared_name(self) -> Token:
        """Take a name that is to be given a meaning."""
        token = self.take()
        if token.kind != "name":
            raise self.wrong(token, f"{token} where a name must come")
        if token.text in RESERVED:
            raise self.wrong(token, f"{token} has a meaning already, and cannot be a name")
        return token

    def expression(self) -> Term:
        self.depth += 1
        if self.depth > _deepest:
            raise self.wrong(self.token, f"parentheses and signs more than {_deepest} deep; use local names")
        term = self.binary(1)
        if self.token.text == "?":
            self.take()
            first = self.expression()
            self.expect(":", "after the first choice of '?'")
            term = self.terms.choose(term, first, self.expression())
        self.depth -= 1
        return term

    def binary(self, level: int) -> Term:
        """Read operands with operators between them that bind at least as tightly as `level`."""
        left = self.unary()
        while (found := _levels.get(self.token.text, 0)) >= level:
            operator = self.take()
            right = self.binary(found + 1)
            if operator.text in _comparisons:
                for operand in (left, right):
                    if operand.is_truth and operator.text not in ("==", "!="):
                        raise self.wrong(
                            operator, f"{operator} compares a truth value; 'a < b < c' is written a < b && b < c"
                        )
                left = self.terms.call(operator.text, left, right)
            elif operator.text in ("&&", "||"):
                left = self.terms.logical(operator.text, left, right)
            else:
                left = self.terms.call(operator.text, left, right)
        return left

    def unary(self) -> Term:
        signs = []
        while self.token.text in ("-", "+", "!"):
            signs.append(self.take())
            if len(signs) > _deepest:
                raise self.wrong(self.token, f"parentheses and signs more than {_deepest} deep; use local names")
        term = self.atom()
        for sign in reversed(signs):
            if sign.text == "!":
                term = self.terms.logical("!", term)
            elif sign.text == "-":
                term = self.terms.call("neg", term)
            else:
                term = self.terms.real(term)
        return term

    def atom(self) -> Term:
        token = self.take()
        if token.kind == "number":
            value = float(token.text)
            if math.isinf(value):
                raise self.wrong(token, f"{token.text[:20]} is too large for a float64; infinity is INFINITY")
            return self.terms.number(value)
        if token.text == "(":
            if self.token.text in ("T", "float", "double", "int") and self.tokens[self.next + 1].text == ")":
                raise self.wrong(self.token, f"({self.token.text}) is a cast; every number has the type T already")
            term = self.expression()
            self.expect(")", "to close '('")
            return term
        if token.kind == "name":
            return self.call(token) if self.token.text == "(" else self.named(token)
        raise self.wrong(token, f"{token} where a value must come")

    def named(self, token: Token) -> Term:
        name = token.text
        if name in self.names:
            return self.names[name]
        if name in _constants:
            return self.terms.number(_constants[name])
        if name in ("true", "false"):
            return self.terms.call("==", self.terms.number(0), self.terms.number(name == "false"))
        if name in _keywords:
            raise self.wrong(
                token, f"{token} is not in the grammar; there are assignments, operators, functions and ?:"
            )
        if name in FUNCTIONS or name in ALIASES or name in _predicates:
            raise self.wrong(token, f"{token} is a function; call it: {name}(...)")
        raise self.wrong(token, f"{token} is not defined; the names here are {', '.join(self.names) or 'none'}")

    def call(self, token: Token) -> Term:
        name = ALIASES.get(token.text, token.text)
        arity = FUNCTIONS[name].arity if name in FUNCTIONS else 1
        if name not in FUNCTIONS and name not in _predicates and name != "T":
            if name in _keywords:
                self.named(token)
            known = [*FUNCTIONS, *ALIASES, *_predicates]
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}? There" if near else "there"
            raise self.wrong(token, f"{token} is no function of the grammar; {hint} are {', '.join(sorted(known))}")
        self.take()
        operands = [] if self.token.text == ")" else [self.expression()]
        while self.token.text == ",":
            self.take()
            operands.append(self.expression())
        self.expect(")", f"to close the call of {name!r}")
        if len(operands) != arity:
            raise self.wrong(token, f"{token} takes {arity} operand{'s' * (arity > 1)}, not {len(operands)}")
        return self.terms.real(operands[0]) if name == "T" else self.terms.call(name, *operands)

    def statement(self, output: str) -> None:
        """Read one statement, and give its name a meaning."""
        token = self.token
        declares = token.text in ("const", "T", "bool") and self.tokens[self.next + 1].kind == "name"
        if declares:
            kind = self.take().text
            kind = self.take().text if kind == "const" else kind
            if kind not in ("T", "bool"):
                raise self.wrong(
                    self.tokens[self.next - 1], f"{kind!r} is no type of the grammar; there are T and bool"
                )
            token = self.declared_name()
            if token.text in self.names or token.text == output:
                raise self.wrong(token, f"{token} is there already; give the local name another one")
            self.expect("=", f"after {token}: a local name gets its value where it is declared")
            term = self.expression()
            self.names[token.text] = self.terms.truth(term) if kind == "bool" else self.terms.real(term)
            return
        if token.kind != "name" or token.text in _keywords:
            known = (
                f"{token} is not in the grammar" if token.kind == "name" else f"{token} where a statement must begin"
            )
            raise self.wrong(token, f"{known}; a statement is {output} = ..., or T name = ...")
        self.assignment(self.take(), output)

    def assignment(self, token: Token, output: str) -> None:
        sign = self.take()
        if sign.kind == "name":
            raise self.wrong(token, f"{token} is no type of the grammar; there are T and bool")
        if sign.text not in ("=", "+=", "-=", "*=", "/="):
            raise self.wrong(sign, f"{sign} where an assignment must come: {output} = ...")
        if token.text in self.inputs:
            raise self.wrong(token, f"{token} is an input, which is not assigned to; use a local name")
        if token.text not in self.names and (token.text != output or sign.text != "="):
            raise self.wrong(token, f"{token} is not defined; declare it: T {token.text} = ...")
        term = self.expression()
        if sign.text != "=":
            term = self.terms.call(sign.text[0], self.names[token.text], term)
        before = self.names.get(token.text)
        self.names[token.text] = (
            self.terms.truth(term) if before is not None and before.is_truth else self.terms.real(term)
        )


def parse_program(terms: Terms, source: Source, inputs: tuple[str, ...], output: str) -> Term:
    """Return the output of a program as a term of its inputs."""
    parser = _Parser(terms, source, {name: terms.input(name) for name in inputs}, frozenset(inputs))
    while parser.token.kind != "end":
        if parser.token.text == ";":
            parser.take()
            continue
        parser.statement(output)
        if parser.token.kind != "end":
            parser.expect(";", "after a statement")
    if output not in parser.names:
        raise parser.wrong(parser.token, f"the output {output!r} is never assigned: {output} = ...")
    return parser.names[output]


def parse_expression(terms: Terms, source: Source, names: dict[str, Term]) -> Term:
    """Return one expression over names as a term."""
    parser = _Parser(terms, source, dict(names), frozenset(names))
    term = parser.expression()
    if parser.token.kind != "end":
        raise parser.wrong(parser.token, f"{parser.token} after the end of the expression")
    return terms.real(term)


def parse_parameters(source: Source) -> tuple[str, ...]:
    """Return the names of parameters written as ``T x, T y``."""
    parser = _Parser(Terms(), source, {}, frozenset())
    names: list[str] = []
    while True:
        kind = parser.take()
        if kind.text != "T":
            raise parser.wrong(kind, f"{kind} where the type T must come: parameters are written 'T x, T y'")
        token = parser.declared_name()
        if token.text in names:
            raise parser.wrong(token, f"{token} is there twice")
        names.append(token.text)
        if parser.token.kind == "end":
            return tuple(names)
        parser.expect(",", "between parameters")
