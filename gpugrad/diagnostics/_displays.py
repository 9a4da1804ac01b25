"""How notebooks show tensors and modules: a head line and a table."""

from __future__ import annotations

from html import escape
from typing import Any

from gpugrad.diagnostics._numbers import element, on_host
from gpugrad.diagnostics.summary import summarize

__all__ = ["module_html", "table", "tensor_html"]

_edge = 5
_monospace = "font-family:ui-monospace,monospace;font-size:90%"


def _shortened(count: int) -> list[int | None]:
    """Return the numbers of the rows or columns that are shown, None where some are left out."""
    if count <= 2 * _edge + 1:
        return list(range(count))
    return [*range(_edge), None, *range(count - _edge, count)]


def table(rows: list[list[str]], head: list[str] | None = None) -> str:
    """Return an HTML table in the colours of the page around it."""
    lines = [f"<tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}</tr>"] if head else []
    for row in rows:
        cells = "".join(f'<td style="text-align:right;white-space:pre">{escape(cell)}</td>' for cell in row)
        lines.append(f"<tr>{cells}</tr>")
    return f'<table style="{_monospace}">{"".join(lines)}</table>'


def tensor_html(tensor: Any) -> str:
    """Return a tensor as HTML: what it is, and its elements, the middle left out where there are many."""
    told = [type(tensor).__name__, str(tensor.shape), str(tensor.dtype), str(tensor.device)]
    if tensor.grad_fn is not None:
        told.append(tensor.grad_fn.name)
    elif tensor.requires_grad:
        told.append("requires_grad")
    head = f"<div>{escape(' · '.join(told))}</div>"
    if tensor.ndim not in (1, 2) or tensor.size == 0:
        return f'{head}<pre style="{_monospace}">{escape(repr(tensor))}</pre>'
    values = on_host(tensor._array)
    grid = values.reshape(1, -1) if values.ndim == 1 else values
    columns = _shortened(grid.shape[1])
    rows = [
        ["…" if i is None or k is None else element(grid[i, k]) for k in columns] for i in _shortened(grid.shape[0])
    ]
    return head + table(rows)


def module_html(module: Any) -> str:
    """Return a module as HTML: its layers and how many parameters they have."""
    return str(summarize(module)._repr_html_())
