"""A picture as text for other programs, and for a terminal: DOT, Mermaid, an HTML page, a list."""

from __future__ import annotations

from html import escape
from itertools import pairwise
from typing import Any

from gpugrad.diagnostics._picture import Box, Picture, Span, Wire

__all__ = ["dot", "listing", "mermaid", "page"]

_dot_shapes = {"leaf": "box", "constant": "box", "call": "ellipse", "fold": "box", "result": "plaintext"}


def _box_lines(box: Box) -> list[str]:
    return [box.title, *(_joined(spans) for spans in box.lines)]


def _quoted(text: str) -> str:
    """Return text between the quotes of DOT, where a backslash is one only when doubled, and entities are read."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")


def dot(picture: Picture) -> str:
    """Return the picture in Graphviz's language."""
    lines = ["digraph graph_of_calls {", "  rankdir=LR;", '  node [fontname="monospace"]; edge [fontname="monospace"];']
    for i, box in enumerate(picture.boxes):
        label = "\\n".join(_quoted(line) for line in _box_lines(box))
        dashed = ', style="dashed"' if box.kind in ("constant", "fold") else ""
        lines.append(f'  n{i} [label="{label}", shape={_dot_shapes[box.kind]}{dashed}];')
    for wire in picture.wires:
        value = "".join(_html_line(text, "#0b6e4f") for text in wire.above)
        gradient = "".join(_html_line(text, "#b3261e") for text in wire.below)
        label = f" [label=<{value}{gradient}>]" if value or gradient else ""
        lines.append(f"  n{wire.source} -> n{wire.target}{label};")
    lines += [f'  label="{"".join(_quoted(note) + chr(92) + "n" for note in picture.notes)}";'] if picture.notes else []
    return "\n".join([*lines, "}", ""])


def _html_line(text: str, colour: str) -> str:
    return f'<font color="{colour}">{escape(text)}</font><br/>'


def _entities(text: str) -> str:
    """Return text as Mermaid shows it whatever it holds: all but letters, digits and spaces by their numbers.

    A minus or a point before a digit may stay; elsewhere they could begin a list.
    """
    return "".join(
        c if c.isalnum() or c in " ," or (c in "-." and after.isdigit()) else f"#{ord(c)};"
        for c, after in pairwise(f"{text} ")
    )


def mermaid(picture: Picture) -> str:
    """Return the picture in Mermaid's language, which GitHub and many editors draw."""
    brackets = {
        "call": ("([", "])"),
        "fold": ("[[", "]]"),
        "constant": ("[", "]"),
        "leaf": ("[", "]"),
        "result": ("(", ")"),
    }
    lines = ["flowchart LR"]
    for i, box in enumerate(picture.boxes):
        left, right = brackets[box.kind]
        lines.append(f'  n{i}{left}"{"<br/>".join(_entities(line) for line in _box_lines(box))}"{right}')
    for wire in picture.wires:
        texts = [*wire.above, *(f"∂ {text}" for text in wire.below)]
        label = f'|"{"<br/>".join(_entities(text) for text in texts)}"|' if texts else ""
        lines.append(f"  n{wire.source} -->{label} n{wire.target}")
    lines += [f"  %% {note}" for note in picture.notes]
    return "\n".join([*lines, ""])


def page(svg: str, title: str, language: str) -> str:
    """Return an HTML page with nothing outside itself, in the colours that the reader's system asks for."""
    tag = "zh-CN" if language == "zh" else language
    return (
        f'<!DOCTYPE html>\n<html lang="{tag}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n"
        "<style>:root{color-scheme:light dark}body{margin:0;background:#fff}main{overflow:auto;padding:1rem}"
        "@media (prefers-color-scheme: dark){body{background:#14181f}}</style>\n</head>\n<body>\n<main>\n"
        f"{svg}</main>\n</body>\n</html>\n"
    )


def listing(picture: Picture, words: dict[str, str]) -> str:
    """Return the picture as lines, one for each value in the order of computing, with its gradient.

    A call's line is followed by those of what is drawn inside it; the results of calls are numbered.
    """
    into: dict[int, list[Wire]] = {}
    out: dict[int, dict[Any, Wire]] = {}
    for wire in picture.wires:
        into.setdefault(wire.target, []).append(wire)
        out.setdefault(wire.source, {}).setdefault(wire.value, wire)
    rows = []
    for i, box in enumerate(picture.boxes):
        called = ", ".join(_line_name(picture, wire.source, wire.output) for wire in into.get(i, []))
        total = [text for ((text, role), *rest) in box.lines if role == "gradient" and not rest]
        for wire in out.get(i, {}).values():
            name = _line_name(picture, i, wire.output)
            above = wire.above[1:] if wire.output is not None else wire.above
            first = f"{name} = {box.title} ({called})" if called else name
            rows.append((first, " ".join(above), " ".join(total or wire.below)))
        rows += [_inner_row(spans) for spans in box.lines if len(spans) > 1 or spans[0][1] == "plain"]
    heads = ("", words["value"], words["gradient"])
    widths = [max(len(row[k]) for row in [heads, *rows]) for k in range(2)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c}".rstrip() for a, b, c in [heads, *rows]]
    return "\n".join([*lines, *picture.notes])


def _joined(spans: list[Span], *roles: str) -> str:
    return " ".join(text for text, role in spans if not roles or role in roles)


def _inner_row(spans: list[Span]) -> tuple[str, str, str]:
    return "    " + _joined(spans, "plain", "quiet"), _joined(spans, "value"), _joined(spans, "gradient")


def _line_name(picture: Picture, box: int, output: int | None) -> str:
    """Return what a list calls a value: the name of a leaf, a number for what was computed."""
    found = picture.boxes[box]
    name = found.title if found.kind in ("leaf", "constant") else f"%{box}"
    return name if output is None else f"{name}[{output}]"
