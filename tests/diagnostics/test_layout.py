"""Nothing that is drawn overlaps: boxes, texts and edges of random graphs keep apart."""

from __future__ import annotations

import random
from itertools import combinations, pairwise

import pytest

from gpugrad.diagnostics._layout import Edge, arrange
from gpugrad.diagnostics._picture import Box, Picture, Wire
from gpugrad.diagnostics._svg import lay_out, path_of
from gpugrad.diagnostics._words import WORDS


def random_picture(seed):
    """Return a picture of a random graph: shared values, parallel edges, long edges, texts of any size."""
    r = random.Random(seed)
    count = r.randint(2, 40)
    boxes = [Box("leaf", "x" * r.randint(1, 9), [[("Σ 1", "gradient")]] * r.randint(0, 2)) for _ in range(3)]
    wires = []
    for i in range(3, count + 3):
        lines = [[("weight", "plain"), ("norm 1.5", "value")]] * r.randint(0, 3)
        boxes.append(Box("call", r.choice(["+", "×", "sigmoid", "linear + relu"]), lines, swappable=r.random() < 0.5))
        for port in range(r.randint(1, 4)):
            source = r.randint(max(0, i - 5), i - 1) if r.random() < 0.7 else r.randrange(i)
            above = ["8" * r.randint(1, 20)] * r.randint(0, 4)
            below = ["-" * r.randint(1, 20)] * r.randint(0, 4)
            wires.append(Wire(source, i, port, ("value", source), above, below, ""))
    used = {wire.source for wire in wires}
    result = len(boxes)
    ends = [i for i in range(result) if i not in used]
    boxes.append(Box("result", "result"))
    wires += [Wire(i, result, port, ("value", i), ["1"], ["1"], "") for port, i in enumerate(ends)]
    return Picture(boxes, wires, [], detailed=r.random() < 0.5)


def scene_of(picture):
    return lay_out(picture, WORDS["en"], True, True)


def overlap(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def points(link, scene):
    """Return points along a link, close to each other."""
    (x0, y0, out, _, a, _, b, y1, into, _), end = path_of(link, scene)
    steps = [i / 24 for i in range(25)]
    curve = [
        (
            (1 - t) ** 3 * out + 3 * (1 - t) ** 2 * t * a + 3 * (1 - t) * t**2 * b + t**3 * into,
            (1 - t) ** 3 * y0 + 3 * (1 - t) ** 2 * t * y0 + 3 * (1 - t) * t**2 * y1 + t**3 * y1,
        )
        for t in steps
    ]
    level = [(x0 + (out - x0) * t, y0) for t in steps]
    last = [(into + (end - into) * t, y1) for t in steps]
    return [*level, *curve, *last]


@pytest.mark.parametrize("seed", range(30))
def test_boxes_and_texts_keep_apart(seed):
    scene = scene_of(random_picture(seed))
    for one, other in combinations([*scene.frames(), *scene.texts()], 2):
        assert not overlap(one, other)


@pytest.mark.parametrize("seed", range(30))
def test_edges_run_through_no_box_and_no_text(seed):
    scene = scene_of(random_picture(seed))
    boxes = list(zip(scene.placed.boxes, scene.frames(), strict=True))
    texts = scene.texts()
    for link in scene.placed.links:
        along = points(link, scene)
        others = [frame for box, frame in boxes if box is not link.source and box is not link.target]
        start, end = along[0][0], along[-1][0]
        for left, top, right, bottom in [*others, *texts]:
            if left < end and start < right:
                assert not any(left < x < right and top < y < bottom for x, y in along)
        # At its own boxes an edge ends at the border, and inside them only where a corner is round.
        for box, (left, top, right, bottom) in boxes:
            if box is link.source or box is link.target:
                inside = [x for x, y in along if left + 0.01 < x < right - 0.01 and top < y < bottom]
                assert all(x - left <= 17 for x in inside)


@pytest.mark.parametrize("seed", range(30))
def test_all_of_it_lies_on_the_paper(seed):
    scene = scene_of(random_picture(seed))
    legend = 20 + 16 * len(scene.legend) - 4
    for left, top, right, bottom in [*scene.frames(), *scene.texts()]:
        assert left >= 0 and right <= scene.width
        assert top >= legend - 16 and bottom <= scene.height
    for link in scene.placed.links:
        assert all(0 <= x <= scene.width and 0 <= y <= scene.height for x, y in points(link, scene))


@pytest.mark.parametrize("seed", range(12))
def test_edges_lead_from_the_box_asked_for_to_the_other(seed):
    picture = random_picture(seed)
    scene = scene_of(picture)
    for wire, label in zip(picture.wires, scene.placed.labels, strict=True):
        back, on = label, label
        while back.kind != "box":
            (link,) = back.arriving
            back = link.source
        while on.kind != "box":
            (link,) = on.leaving
            on = link.target
        assert (back.number, on.number) == (wire.source, wire.target)
        assert back.x < label.x < on.x


def edge(source, target, port=0, value=None):
    return Edge(source, target, port, (source,) if value is None else value, (40.0, 20.0, 20.0))


def crossings(placed):
    """Return how many pairs of links between the same columns cross."""
    found = 0
    for one, other in combinations(placed.links, 2):
        if one.source.column == other.source.column:
            ends = [(link.source.y, link.target.y + link.target.port_height(link.port)) for link in (one, other)]
            found += (ends[0][0] - ends[1][0]) * (ends[0][1] - ends[1][1]) < 0
    return found


def test_a_tree_and_a_ladder_are_drawn_without_crossings():
    tree = [edge(i, 4 + i // 2, i % 2) for i in range(4)] + [edge(4, 6, 0), edge(5, 6, 1)]
    assert crossings(arrange([(30.0, 30.0)] * 7, tree)) == 0
    # Leaves in an order that would cross: 0 and 2 meet in 4, 1 and 3 in 5.
    mixed = [edge(i, 4 + i % 2, i // 2) for i in range(4)] + [edge(4, 6, 0), edge(5, 6, 1)]
    assert crossings(arrange([(30.0, 30.0)] * 7, mixed)) == 0


def test_inputs_keep_their_order_unless_they_may_be_swapped():
    # The leaf 0 is read second by 2, so its edge has to cross that of 1, or 0 stands below 1.
    placed = arrange([(30.0, 30.0)] * 3, [edge(0, 2, 1), edge(1, 2, 0)])
    assert placed.boxes[1].y < placed.boxes[0].y
    heights = [link.target.y + link.target.port_height(link.port) for link in placed.boxes[2].arriving]
    assert len(set(heights)) == 2


def test_columns_are_longest_paths():
    # 0 -> 1 -> 2 -> 3 and 0 -> 3: every edge goes to the right, and the short way waits.
    placed = arrange([(30.0, 30.0)] * 4, [edge(0, 1), edge(1, 2), edge(2, 3), edge(0, 3, 1)])
    xs = [box.x for box in placed.boxes]
    assert all(a < b for a, b in pairwise(xs))
    assert [box.column for box in placed.boxes] == [0, 2, 4, 6]


def test_a_long_edge_is_level_where_nothing_is_in_its_way():
    placed = arrange([(30.0, 30.0)] * 5, [edge(0, 1), edge(1, 2), edge(2, 3), edge(3, 4), edge(0, 4, 1)], early=[0])
    (label,) = [label for label in placed.labels if label.column == 7 and label.leaving[0].port == 1]
    way = [label]
    while way[-1].arriving[0].source.kind != "box":
        way.append(way[-1].arriving[0].source)
    assert len(way) > 4
    assert len({round(item.y, 6) for item in way}) <= 2


def test_a_shared_value_has_one_trunk():
    shared = arrange([(30.0, 30.0)] * 5, [edge(0, 1), edge(1, 2), edge(2, 3), edge(0, 2, 1), edge(0, 3, 1), edge(3, 4)])
    apart = arrange(
        [(30.0, 30.0)] * 5,
        [edge(0, 1), edge(1, 2), edge(2, 3), edge(0, 2, 1, "a"), edge(0, 3, 1, "b"), edge(3, 4)],
    )
    assert len(shared.links) < len(apart.links)


def test_a_single_box_has_a_size():
    placed = arrange([(30.0, 20.0)], [])
    assert (placed.width, placed.height) == (30 + 2 * 16, 20 + 2 * 16)
