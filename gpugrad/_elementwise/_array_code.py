"""A term as array code: a Python function of the namespace, a maker of numbers, and arrays of one dtype."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from gpugrad._elementwise._functions import ARRAY_HELPERS, FUNCTIONS
from gpugrad._elementwise._printing import coded
from gpugrad._elementwise._terms import Term

__all__ = ["array_code", "array_function"]

_signs = {"&&": "&", "||": "|"}


def array_code(z: Term, name: str, inputs: Sequence[str]) -> str:
    """Return the text of a function of the namespace, a maker of numbers, and the inputs.

    Names of the user's have ``u_`` in front, so that none of them is one of ours.
    """
    parts, whole = coded(z, _code)
    lines = [f"def u_{name}({', '.join(['xp', 'number', *(f'u_{i}' for i in inputs)])}):"]
    lines += [f"    {part} = {text}" for part, text, _ in parts]
    return "\n".join([*lines, f"    return {whole if z.operands else f'+{whole}'}", ""])


def array_function(text: str, name: str) -> Callable[..., Any]:
    """Return the function that a text of `array_code` defines."""
    names: dict[str, Any] = dict(ARRAY_HELPERS)
    exec(compile(text, f"<elementwise {name}>", "exec"), names)
    function: Callable[..., Any] = names[f"u_{name}"]
    return function


def _code(term: Term, x: list[str]) -> str:
    match term.name:
        case "input":
            return f"u_{term.payload}"
        case "number":
            value = term.payload
            return f"number({value!r})" if math.isfinite(value) else f"number(float('{value}'))"
        case "real":
            return f"xp.astype({x[0]}, number(0.0).dtype)"
        case "?":
            return f"xp.where({', '.join(x)})"
        case "neg":
            return f"(-{x[0]})"
        case "!":
            return f"(~{x[0]})"
        case "isnan" | "isinf" | "isfinite":
            return f"xp.{term.name}({x[0]})"
        case name if name in FUNCTIONS:
            text = FUNCTIONS[name].array.format(*x)
            return f"({text})" if text.startswith("1 /") else text
    return f"({x[0]} {_signs.get(term.name, term.name)} {x[1]})"
