"""Trees: tensors in tuples, named tuples, lists and dicts, one in another, as a list of tensors and back.

None is a tree without tensors. A path such as ``['weight'][0]`` says where in a tree a tensor is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["aligned", "flattened", "mapped", "paths", "same_structure", "structure_of", "unflattened"]


def _children(tree: Any) -> list[tuple[str, Any]] | None:
    """Return the parts of a tree, each with the last step of its path; None for a leaf."""
    if tree is None:
        return []
    if isinstance(tree, dict):
        return [(f"[{key!r}]", part) for key, part in tree.items()]
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return [(f".{name}", part) for name, part in zip(tree._fields, tree, strict=True)]
    if isinstance(tree, tuple | list):
        return [(f"[{i}]", part) for i, part in enumerate(tree)]
    return None


def paths(tree: Any, name: str) -> list[tuple[str, Any]]:
    """Return the leaves of a tree, those of dicts in the order of their keys, each with its path from `name` on."""

    def walk(part: Any, path: str) -> Iterator[tuple[str, Any]]:
        parts = _children(part)
        if parts is None:
            yield path, part
        for step, below in parts or ():
            yield from walk(below, path + step)

    return list(walk(tree, name))


def flattened(tree: Any) -> list[Any]:
    """Return the leaves of a tree."""
    return [leaf for _, leaf in paths(tree, "")]


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return a tree of what `function` makes of each leaf."""
    parts = _children(tree)
    if parts is None:
        return function(tree)
    if tree is None:
        return None
    values = [mapped(function, part) for _, part in parts]
    if isinstance(tree, dict):
        made = tree.copy()  # a defaultdict perhaps
        made.update(zip(tree, values, strict=True))
        return made
    return type(tree)._make(values) if hasattr(tree, "_fields") else type(tree)(values)


def unflattened(tree: Any, leaves: list[Any]) -> Any:
    """Return a tree of the form of `tree` with these leaves."""
    rest = iter(leaves)
    return mapped(lambda _: next(rest), tree)


def aligned(tree: Any, like: Any) -> list[Any]:
    """Return what stands in a tree where another, of the same form but for the order of keys, has its leaves."""
    parts = _children(like)
    if parts is None:
        return [tree]
    if isinstance(like, dict):
        return [x for key in like for x in aligned(tree[key], like[key])]
    return [x for a, b in zip(tree or (), like or (), strict=True) for x in aligned(a, b)]


class _Star:
    def __repr__(self) -> str:
        return "*"


def structure_of(tree: Any) -> str:
    """Return the form of a tree as text, with ``*`` for each tensor."""
    return repr(mapped(lambda _: _Star(), tree))


def same_structure(tree: Any, like: Any, name: str, what: str) -> None:
    """Raise TypeError where a tree has not the form of another, `what`, and say where the two part."""
    fault = _difference(tree, like, name)
    if fault is not None:
        raise TypeError(f"{fault}: it must have the form of {what}, {structure_of(like)}")


def _difference(tree: Any, like: Any, name: str) -> str | None:
    """Return in words where the form of a tree departs from that of another, None where it does not."""
    mine, its = _children(tree), _children(like)
    kind, wanted = type(tree).__name__, type(like).__name__
    if mine is None and its is None:
        return None
    if mine is None or its is None or (tree is None) is not (like is None):
        needed = "a tensor" if its is None else "None" if like is None else f"{wanted} of {len(its)}"
        return f"{name} is {kind}, and {needed} is needed there"
    if kind != wanted and not (isinstance(tree, dict) and isinstance(like, dict)):
        return f"{name} is {kind}, and {wanted} is needed there"
    if isinstance(tree, dict):
        lacking = next((key for key in like if key not in tree), None)
        unknown = next((key for key in tree if key not in like), None)
        if lacking is not None or unknown is not None:
            return f"{name}[{lacking!r}] is missing" if lacking is not None else f"{name}[{unknown!r}] is not known"
        mine = [(f"[{key!r}]", tree[key]) for key in like]
    if len(mine) != len(its):
        return f"{name} has {len(mine)} parts, and {len(its)} are needed"
    found = (_difference(a, b, name + step) for (step, a), (_, b) in zip(mine, its, strict=True))
    return next((fault for fault in found if fault is not None), None)
