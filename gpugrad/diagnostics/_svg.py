"""A picture as SVG: one file without ids, scripts or fonts, for light and dark pages alike."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from gpugrad.diagnostics._layout import Edge, Item, Link, Placed, arrange
from gpugrad.diagnostics._picture import Box, Picture, Span, Wire
from gpugrad.diagnostics._words import text_width

__all__ = ["Scene", "lay_out", "svg"]

_size = 13.0
_small = 12.0
_line = 16.0
_pad = 10.0
_arrow = 7.0
_gap = 4.0  # between a line and the text above or below it

_light = {
    "paper": "#ffffff", "plain": "#1c2430", "quiet": "#5c6675", "value": "#0b6e4f", "gradient": "#b3261e",
    "edge": "#7a8699", "call": "#ffffff", "leaf": "#e8f0fe", "constant": "#f1f1ef", "fold": "#fff7e0",
}  # fmt: skip
_dark = {
    "paper": "#14181f", "plain": "#e6eaf0", "quiet": "#a3adbb", "value": "#62d6a5", "gradient": "#ff9188",
    "edge": "#7d899b", "call": "#1f2630", "leaf": "#1d2f4d", "constant": "#2b2e33", "fold": "#3a3216",
}  # fmt: skip
_box_kinds = ("call", "leaf", "constant", "fold")
_font = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, 'Noto Sans Mono CJK SC', 'Microsoft YaHei', monospace"


@dataclass(slots=True)
class Scene:
    """A picture and the places of what is in it, with the legend and notes in lines of their own."""

    picture: Picture
    placed: Placed
    legend: list[Span]
    width: float
    height: float

    def frames(self) -> list[tuple[float, float, float, float]]:
        """Return left, top, right and bottom of every box that has a border."""
        return [
            (box.x - box.width / 2, box.y - box.up, box.x + box.width / 2, box.y + box.down)
            for box in self.placed.boxes
        ]

    def texts(self) -> list[tuple[float, float, float, float]]:
        """Return left, top, right and bottom of every label's texts."""
        found = []
        for item, wire in zip(self.placed.labels, self.picture.wires, strict=True):
            for lines, top in ((wire.above, item.y - _gap - _line * len(wire.above)), (wire.below, item.y + _gap)):
                if lines:
                    width = max(map(text_width, lines)) * _small
                    found.append((item.x - width / 2, top, item.x + width / 2, top + _line * len(lines)))
        return found


def _line_width(spans: Iterable[Span]) -> float:
    return text_width(" ".join(text for text, _ in spans)) * _small


def _box_size(box: Box) -> tuple[float, float]:
    """Return the width and height that a box needs."""
    title = text_width(box.title) * (_size + 5 * _is_symbol(box))
    width = max([title, *(_line_width(spans) for spans in box.lines)]) + 2 * _pad
    height = 14 + _line * (1 + len(box.lines))
    return (max(width, 34.0), max(height, 34.0)) if box.kind == "call" else (width, height)


def _is_symbol(box: Box) -> bool:
    return box.kind == "call" and len(box.title) == 1


def _label_size(wire: Wire) -> tuple[float, float, float]:
    """Return the width of a wire's label, and its heights above and below the line."""
    lines = [*wire.above, *wire.below]
    width = max((text_width(text) * _small for text in lines), default=0.0)
    return width, _gap + _line * len(wire.above), _gap + _line * len(wire.below)


def lay_out(picture: Picture, words: dict[str, str], with_values: bool, with_gradients: bool, name: str = "") -> Scene:
    """Return a picture with everything in its place."""
    edges = [Edge(w.source, w.target, w.port, w.value, _label_size(w)) for w in picture.wires]
    early = [i for i, box in enumerate(picture.boxes) if box.kind in ("leaf", "constant")] if picture.detailed else []
    swappable = [i for i, box in enumerate(picture.boxes) if box.swappable]
    legend: list[Span] = [(words["forward"], "value")] if with_values else []
    if with_gradients:
        legend.append((words["backward of"].format(name=name) if name else words["backward"], "gradient"))
    top = 20.0 + _line * len(legend)
    placed = arrange([_box_size(b) for b in picture.boxes], edges, early=early, symmetric=swappable, top=top)
    written = [*(text for text, _ in legend), *picture.notes]
    width = max([placed.width, *(text_width(text) * _small + 32 for text in written)])
    return Scene(picture, placed, legend, math.ceil(width), math.ceil(placed.height + _line * len(picture.notes)))


def _n(x: float) -> str:
    """Return a coordinate with one decimal, the same on every machine."""
    text = f"{x:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _text(
    x: float, y: float, spans: Sequence[Span], anchor: str = "middle", size: float = _small, bold: bool = False
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    head = f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" text-anchor="{anchor}"{weight}'
    if len(spans) == 1:
        text, role = spans[0]
        return f'{head} class="gg-{role}" fill="{_light[role]}" xml:space="preserve">{escape(text)}</text>'
    inside = " ".join(f'<tspan class="gg-{role}" fill="{_light[role]}">{escape(text)}</tspan>' for text, role in spans)
    return f'{head} xml:space="preserve">{inside}</text>'


def _border(box: Box, item: Item) -> str:
    """Return the outline of a box; operations are round, so that they are told from data."""
    if box.kind == "result":
        return ""
    radius = _radius(box, item)
    dashes = ' stroke-dasharray="4 3"' if box.kind in ("constant", "fold") else ""
    return (
        f'<rect x="{_n(item.x - item.width / 2)}" y="{_n(item.y - item.up)}" width="{_n(item.width)}" '
        f'height="{_n(item.up + item.down)}" rx="{_n(radius)}" class="gg-{box.kind}" fill="{_light[box.kind]}" '
        f'stroke="{_light["edge"]}"{dashes}/>'
    )


def _radius(box: Box, item: Item) -> float:
    return min(17.0, item.up) if box.kind == "call" and not box.lines else 6.0 if box.kind == "call" else 4.0


def _box(box: Box, item: Item) -> list[str]:
    top = item.y - item.up + 7
    size = _size + 5 * _is_symbol(box)
    middle = top + _line / 2 if box.lines else item.y
    title = _text(item.x, middle + size * 0.35, [(box.title, "plain")], size=size, bold=True)
    lines = []
    for i, spans in enumerate(box.lines, 1):
        y = top + _line * (i + 0.5) + _small * 0.35
        if len(spans) == 1:
            lines.append(_text(item.x, y, spans))
        else:
            lines.append(_text(item.x - item.width / 2 + _pad, y, spans, "start"))
    hover = f"<title>{escape(box.hover)}</title>" if box.hover else ""
    return [f"<g>{hover}{_border(box, item)}{title}{''.join(lines)}</g>"]


def _right_edge(item: Item, columns: Sequence[tuple[float, float]]) -> float:
    return item.x + item.width / 2 if item.kind == "box" else columns[item.column][1]


def path_of(link: Link, scene: Scene) -> tuple[list[float], float]:
    """Return the numbers of a link's path, x and y in turn: start, end of the level part, curve, and where it ends."""
    columns = scene.placed.columns
    source, target = link.source, link.target
    start, out = _right_edge(source, columns), columns[source.column][1]
    into = columns[target.column][0] - (_arrow if target.kind == "box" else 0.0)
    y0, y1 = source.y, target.y + target.port_height(link.port)
    middle = (out + into) / 2
    if target.kind != "box":
        end = columns[target.column][1]
    else:
        box = scene.picture.boxes[target.number]
        radius, inset = _radius(box, target), 0.0
        beyond = abs(y1 - target.y) - (target.up - radius)
        if beyond > 0:
            inset = radius - math.sqrt(max(radius**2 - beyond**2, 0.0))
        end = target.x - target.width / 2 + inset
    return [start, y0, out, y0, middle, y0, middle, y1, into, y1], end


def _link(link: Link, scene: Scene) -> str:
    """Return a piece of an edge, with an arrowhead where it enters a box."""
    (x0, y0, out, _, a, _, b, y1, into, _), end = path_of(link, scene)
    enters = link.target.kind == "box"
    curve = f"C{_n(a)} {_n(y0)} {_n(b)} {_n(y1)} {_n(into)} {_n(y1)}" if abs(y1 - y0) >= 0.05 else ""
    level = f"H{_n(out)}" if curve and out > x0 else ""
    tip = end - _arrow + 2 if enters else end  # the line stops inside the arrowhead
    path = f'<path d="M{_n(x0)} {_n(y0)}{level}{curve}H{_n(tip)}"/>'
    if not enters:
        return path
    y = y1 if curve else y0
    return path + (
        f'<path d="M{_n(end)} {_n(y)}l{-_arrow:g} -3.5v7z" class="gg-tip" fill="{_light["edge"]}" stroke="none"/>'
    )


def _label(wire: Wire, item: Item) -> list[str]:
    texts = []
    for i, text in enumerate(wire.above):
        y = item.y - _gap - _line * (len(wire.above) - i - 1) - 1
        texts.append(_text(item.x, y, [(text, "value")]))
    for i, text in enumerate(wire.below):
        texts.append(_text(item.x, item.y + _gap + _line * (i + 1) - 4, [(text, "gradient")]))
    hover = f"<title>{escape(wire.hover)}</title>" if wire.hover else ""
    return [f"<g>{hover}{''.join(texts)}</g>"] if texts else []


def _style() -> str:
    """Return the colours for dark pages; those for light ones stand at the elements, for viewers that know no CSS."""
    texts = "".join(f".gg-{role}{{fill:{_dark[role]}}}" for role in ("plain", "quiet", "value", "gradient"))
    boxes = "".join(f".gg-{kind}{{fill:{_dark[kind]};stroke:{_dark['edge']}}}" for kind in _box_kinds)
    rest = f".gg-paper{{fill:{_dark['paper']}}}.gg-edges{{stroke:{_dark['edge']}}}.gg-tip{{fill:{_dark['edge']}}}"
    return f"<style>@media (prefers-color-scheme: dark){{{texts}{boxes}{rest}}}</style>"


def svg(scene: Scene, title: str) -> str:
    """Return the SVG file of a scene."""
    width, height = _n(scene.width), _n(scene.height)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label={quoteattr(title)} font-family="{_font}">',
        _style(),
        f'<rect class="gg-paper" width="{width}" height="{height}" fill="{_light["paper"]}"/>',
    ]
    lines += [_text(16, 20 + _line * i, [span], "start") for i, span in enumerate(scene.legend)]
    stroke = f'stroke="{_light["edge"]}" stroke-width="1.4" stroke-linecap="round"'
    lines.append(f'<g class="gg-edges" fill="none" {stroke}>')
    lines += [_link(link, scene) for link in scene.placed.links]
    lines.append("</g>")
    for box, item in zip(scene.picture.boxes, scene.placed.boxes, strict=True):
        lines += _box(box, item)
    for wire, item in zip(scene.picture.wires, scene.placed.labels, strict=True):
        lines += _label(wire, item)
    first = scene.height - _line * len(scene.picture.notes) - 4
    for i, note in enumerate(scene.picture.notes):
        lines.append(_text(16, first + _line * i, [(note, "quiet")], "start"))
    return "\n".join([*lines, "</svg>", ""])
