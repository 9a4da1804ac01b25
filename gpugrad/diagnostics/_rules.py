"""The text of derivative rules, as it stands in the tables."""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Callable
from typing import Any

from gpugrad._op import Op
from gpugrad.diagnostics._words import clean

__all__ = ["rules_of"]


def rules_of(op: Op) -> list[tuple[str, str]]:
    """Return the names of the inputs of an op, each with the text of its derivative rule where it has one.

    >>> from gpugrad._op import table
    >>> rules_of(table["multiply"])
    [('x1', 'g * x2'), ('x2', 'g * x1')]
    """
    texts = ((", ".join(op.inputs[i] for i in rule.inputs), _text(rule.function)) for rule in op.rules)
    return [(inputs, text) for inputs, text in texts if text]


def _text(rule: Callable[..., Any]) -> str:
    """Return the body of a lambda, or the first line of what a function says of itself."""
    code = getattr(inspect.unwrap(rule), "__code__", None)
    if code is None or code.co_name != "<lambda>":
        return clean((inspect.getdoc(rule) or "").partition("\n")[0], 120)
    positions = [p for p in code.co_positions() if None not in p and p[1] >= p[0] and p[3] > 0]
    start = min(((line, column) for line, _, column, _ in positions), default=(0, 0))
    end = max(((line, column) for _, line, _, column in positions), default=(0, 0))
    lines = [linecache.getline(code.co_filename, n) for n in range(start[0], end[0] + 1)]
    if not any(lines):
        return ""
    raw = [line.encode() for line in lines]  # columns count bytes
    raw[-1] = raw[-1][: end[1]]
    raw[0] = raw[0][start[1] :]
    return clean(b" ".join(part.strip() for part in raw).decode(), 120)
