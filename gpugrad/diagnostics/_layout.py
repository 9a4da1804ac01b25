"""Where boxes, labels and edges go, so that nothing overlaps: a layered drawing from left to right.

Boxes stand in columns (longest paths), the labels of edges in columns of their own between them. An edge that passes a
column gets a place there like a box, so in every column all that is seen has a stretch of height to itself, and edges
bend only in the gaps between columns. Edges that carry the same value share one trunk. Crossings are reduced by
barycentres (Sugiyama, Tagawa and Toda, 1981); heights are the weighted least squares that keep order and distance.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

__all__ = ["Edge", "Item", "Link", "Placed", "arrange"]

_row_gap = 14.0
_column_gap = (26.0, 90.0)
_sweeps = 12
_relaxations = 60


@dataclass(eq=False, slots=True)
class Item:
    """What has a place: a box, which has its number, the label of an edge, or a point that an edge passes.

    It takes the heights from y - up to y + down; edges arrive and leave at y, but at a box they spread over its ports.
    """

    kind: str
    column: int
    width: float
    up: float
    down: float
    number: int = -1
    ports: int = 1
    ordered: bool = True
    x: float = 0.0
    y: float = 0.0
    place: int = 0
    arriving: list[Link] = field(default_factory=list)
    leaving: list[Link] = field(default_factory=list)

    def port_height(self, port: int) -> float:
        """Return where an edge arrives, below the middle of the item."""
        if self.kind != "box" or self.ports < 2:
            return 0.0
        spread = min(self.up, self.down) * 1.3
        return (port - (self.ports - 1) / 2) * spread / self.ports


@dataclass(eq=False, slots=True)
class Link:
    """A piece of an edge between two columns that follow each other."""

    source: Item
    target: Item
    port: int = 0


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge that was asked for: between boxes by number, with a label of a size, and a value that edges may share."""

    source: int
    target: int
    port: int
    value: Any
    label: tuple[float, float, float]
    """Width of the label, and its heights above and below the line."""


@dataclass(frozen=True, slots=True)
class Placed:
    """The drawing: boxes and labels in the order they were given, all links, the columns' left and right, the size."""

    boxes: list[Item]
    labels: list[Item]
    links: list[Link]
    columns: list[tuple[float, float]]
    width: float
    height: float


def _columns(count: int, edges: Sequence[Edge], early: set[int]) -> list[int]:
    """Return a column for each box: as near to the results as can be, but for those in `early`, which stand first.

    Boxes are numbered in topological order.
    """
    late = [0] * count
    for edge in sorted(edges, key=lambda e: -e.source):
        late[edge.source] = max(late[edge.source], late[edge.target] + 1)
    last = max(late, default=0)
    return [0 if i in early else last - late[i] for i in range(count)]


def _items(
    sizes: Sequence[tuple[float, float]], edges: Sequence[Edge], columns: Sequence[int], symmetric: set[int]
) -> tuple[list[Item], list[Item], list[Link], list[list[Item]]]:
    """Return boxes, labels, links and the columns of all items; boxes stand in the even columns, labels in the odd."""
    boxes = [
        Item("box", 2 * column, width, height / 2, height / 2, number)
        for number, ((width, height), column) in enumerate(zip(sizes, columns, strict=True))
    ]
    for i in symmetric:
        boxes[i].ordered = False
    for edge in edges:
        boxes[edge.target].ports = max(boxes[edge.target].ports, edge.port + 1)
    layers: list[list[Item]] = [[] for _ in range(2 * max(columns, default=0) + 1)]
    links: list[Link] = []
    labels: list[Item] = []

    def put(item: Item) -> Item:
        layers[item.column].append(item)
        return item

    def join(source: Item, target: Item, port: int = 0) -> None:
        link = Link(source, target, port)
        source.leaving.append(link)
        target.arriving.append(link)
        links.append(link)

    for box in boxes:
        put(box)
    sharing: dict[Any, int] = {}
    for edge in edges:
        sharing[edge.value] = sharing.get(edge.value, 0) + 1
    trunks: dict[Any, list[Item]] = {}
    for edge in edges:
        source, target = boxes[edge.source], boxes[edge.target]
        width, above, below = edge.label
        alone = sharing[edge.value] == 1
        trunk = trunks.setdefault(edge.value, [source])
        at = source.column + 1 if alone else target.column - 1  # a shared value is labelled where it arrives
        while trunk[-1].column < at - 1:
            point = put(Item("point", trunk[-1].column + 1, 0.0, 2.0, 2.0))
            join(trunk[-1], point)
            trunk.append(point)
        label = put(Item("label", at, width, above, below))
        labels.append(label)
        join(trunk[at - 1 - source.column], label)
        here = label
        while here.column < target.column - 1:
            point = put(Item("point", here.column + 1, 0.0, 2.0, 2.0))
            join(here, point)
            here = point
        join(here, target, edge.port)
    return boxes, labels, links, layers


def _first_order(boxes: Iterable[Item], layers: list[list[Item]]) -> None:
    """Order every column as a walk from the results meets its items, first inputs first."""
    met: dict[Item, int] = {}
    for root in [box for box in boxes if not box.leaving]:
        stack = [root]
        while stack:
            item = stack.pop()
            if item in met:
                continue
            met[item] = len(met)
            stack.extend(link.source for link in sorted(item.arriving, key=lambda li: -li.port))
    for layer in layers:
        layer.sort(key=met.__getitem__)
    _number(layers)


def _number(layers: list[list[Item]]) -> None:
    for layer in layers:
        for place, item in enumerate(layer):
            item.place = place


def _arrival(link: Link) -> float:
    """Return where among the items of its column a link arrives."""
    item = link.target
    return item.place + ((link.port + 1) / (item.ports + 1) - 0.5 if item.ordered and item.ports > 1 else 0.0)


def _crossings(layers: list[list[Item]]) -> int:
    """Return how many pairs of links cross each other."""
    crossings = 0
    for layer in layers:
        ends = sorted((link.source.place, _arrival(link)) for item in layer for link in item.leaving)
        before: list[float] = []
        for _, end in ends:
            crossings += len(before) - bisect_right(before, end)
            insort(before, end)
    return crossings


def _order(layers: list[list[Item]]) -> None:
    """Sort columns by the barycentres of their neighbours, to the right and the left in turn; keep the best order."""
    best = [list(layer) for layer in layers]
    fewest = _crossings(layers)
    for sweep in range(_sweeps):
        if fewest == 0:
            break
        to_the_right = sweep % 2 == 0
        for layer in layers if to_the_right else reversed(layers):
            centres = {}
            for item in layer:
                if to_the_right:
                    near = [float(link.source.place) for link in item.arriving]
                else:
                    near = [_arrival(link) for link in item.leaving]
                centres[item] = sum(near) / len(near) if near else float(item.place)
            layer.sort(key=centres.__getitem__)
            for place, item in enumerate(layer):
                item.place = place
        crossings = _crossings(layers)
        if crossings < fewest:
            fewest, best = crossings, [list(layer) for layer in layers]
    for layer, order in zip(layers, best, strict=True):
        layer[:] = order
    _number(layers)


def _assign_ports(boxes: Iterable[Item]) -> None:
    """Let edges arrive at a box whose inputs may be swapped in the order in which they come."""
    for box in boxes:
        if not box.ordered:
            for port, link in enumerate(sorted(box.arriving, key=lambda li: (li.source.place, li.port))):
                link.port = port


def _settle(layer: list[Item], wanted: list[float], weights: list[float]) -> None:
    """Put the items of a column where the weighted squares of their ways to `wanted` are least, in order and apart.

    With the distances taken off this is isotonic regression; neighbours that would overlap are pooled.
    """
    offset, offsets = 0.0, [0.0]
    for one, other in pairwise(layer):
        offset += one.down + _row_gap + other.up
        offsets.append(offset)
    pools: list[list[float]] = []  # the sum of weighted places, the sum of weights, how many
    for place, weight, off in zip(wanted, weights, offsets, strict=True):
        pools.append([weight * (place - off), weight, 1])
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] >= pools[-1][0] / pools[-1][1]:
            places, heaviness, count = pools.pop()
            pools[-1] = [pools[-1][0] + places, pools[-1][1] + heaviness, pools[-1][2] + count]
    heights = (total / heaviness for total, heaviness, count in pools for _ in range(int(count)))
    for item, height, off in zip(layer, heights, offsets, strict=True):
        item.y = height + off


def _runs(layers: list[list[Item]]) -> list[list[Item]]:
    """Return the stretches of edges that do not fork, from left to right: each wants to be level, label included."""
    runs = []
    for item in (item for layer in layers for item in layer):
        before = item.arriving[0].source if item.arriving else item
        if item.kind == "box" or (before.kind != "box" and len(before.leaving) == 1):
            continue  # no stretch, or the middle of one
        run = [item]
        while len(run[-1].leaving) == 1 and run[-1].leaving[0].target.kind != "box":
            run.append(run[-1].leaving[0].target)
        runs.append(run)
    return runs


def _wanted(item: Item) -> tuple[float, float]:
    """Return the height that a box wants, in the middle of what it is joined to, and how strongly."""
    near = [link.source.y - item.port_height(link.port) for link in item.arriving]
    near += [link.target.y for link in item.leaving]
    return (sum(near) / len(near), float(len(near))) if near else (item.y, 1.0)


def _heights(layers: list[list[Item]]) -> None:
    """Give every item its height: boxes near those that they are joined to, and long edges level.

    A stretch of an edge keeps rather to the height that it comes from, and bends before it arrives.
    """
    for layer in layers:
        _settle(layer, [0.0] * len(layer), [1.0] * len(layer))
    runs = _runs(layers)
    for turn in range(_relaxations):
        wishes: dict[Item, tuple[float, float]] = {}
        for run in runs:
            ends = [(run[0].arriving[0].source.y, 4.0)]
            ends += [(link.target.y + link.target.port_height(link.port), 1.0) for link in run[-1].leaving]
            weight = sum(w for _, w in ends)
            wish = sum(y * w for y, w in ends) / weight
            wishes.update(dict.fromkeys(run, (wish, weight)))
        for layer in layers if turn % 2 else reversed(layers):
            wanted = [wishes.get(item) or _wanted(item) for item in layer]
            _settle(layer, [y for y, _ in wanted], [weight for _, weight in wanted])
    _level(layers)


def _level(layers: list[list[Item]]) -> None:
    """Take out small steps: from left to right, all keep the height that they come from, where there is room."""
    for layer in layers:
        wanted = []
        for item in layer:
            before = [link.source.y - item.port_height(link.port) for link in item.arriving]
            near = before or [link.target.y for link in item.leaving]
            wanted.append(sum(near) / len(near) if near else item.y)
        _settle(layer, wanted, [1.0 if item.kind == "box" else 4.0 for item in layer])


def _across(layers: list[list[Item]], left: float) -> list[tuple[float, float]]:
    """Give every item the middle of its column, and return the left and right of the columns."""
    columns = []
    for layer in layers:
        width = max((item.width for item in layer), default=0.0)
        columns.append((left, left + width))
        for item in layer:
            item.x = left + width / 2
        steepest = max(
            (abs(li.target.y + li.target.port_height(li.port) - li.source.y) for item in layer for li in item.leaving),
            default=0.0,
        )
        left += width + min(max(_column_gap[0], 0.3 * steepest), _column_gap[1])
    return columns


def arrange(
    sizes: Sequence[tuple[float, float]],
    edges: Sequence[Edge],
    *,
    early: Iterable[int] = (),
    symmetric: Iterable[int] = (),
    margin: float = 16.0,
    top: float = 16.0,
) -> Placed:
    """Return a drawing of boxes of these (width, height), numbered in topological order, and edges between them.

    Boxes in `early` stand in the first column; at those in `symmetric` edges may arrive in any order.
    """
    columns = _columns(len(sizes), edges, set(early))
    boxes, labels, links, layers = _items(sizes, edges, columns, set(symmetric))
    _first_order(boxes, layers)
    _order(layers)
    _assign_ports(boxes)
    _heights(layers)
    items = [item for layer in layers for item in layer]
    highest = min((item.y - item.up for item in items), default=0.0)
    for item in items:
        item.y += top - highest
    spans = _across(layers, margin)
    height = max((item.y + item.down for item in items), default=0.0) + margin
    return Placed(boxes, labels, links, spans, (spans[-1][1] if spans else 0.0) + margin, height)
