"""A nested state as tensors by name and an outline: what stands where in it, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from gpugrad._op import TENSORS
from gpugrad.backends import is_array_type

__all__ = ["outlined", "rebuilt"]


def _is_array(value: Any) -> bool:
    return type(value) in TENSORS or (is_array_type(type(value)) and not isinstance(value, np.generic))


def outlined(state: Mapping[Any, Any]) -> tuple[dict[str, Any], str | None]:
    """Return the tensors of a state by their dotted names, and its outline; None where it is a dict of them alone.

    Raises
    ------
    TypeError
        For what is no tensor, number, text, None, or a dict, list or tuple of them. It is named.
    """
    if all(isinstance(key, str) and _is_array(value) for key, value in state.items()):
        return dict(state), None
    tensors: dict[str, Any] = {}
    return tensors, json.dumps(_outline(state, "", tensors), ensure_ascii=False)


def _outline(value: Any, path: str, tensors: dict[str, Any]) -> Any:
    """Return what JSON says of a part of the state, and put its tensors among the others."""
    if _is_array(value):
        name = path
        while name in tensors:
            name += "_"
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or type(value) in (bool, int, float, str):
        return value
    before = f"{path}." if path else ""
    if isinstance(value, Mapping):
        for key in value:
            if type(key) not in (str, int):
                raise TypeError(f"the keys of a saved state are texts or integers, and {path or 'one'} has {key!r}")
        return {"dict": [[key, _outline(part, f"{before}{key}", tensors)] for key, part in value.items()]}
    if type(value) in (list, tuple):
        parts = [_outline(part, f"{before}{i}", tensors) for i, part in enumerate(value)]
        return {type(value).__name__: parts}
    raise TypeError(
        f"{path!r} of the state is of type {type(value).__name__}; what is saved is made of tensors, numbers, texts, "
        "None, dicts, lists and tuples"
    )


def rebuilt(outline: str, tensors: dict[str, Any]) -> Any:
    """Return the nested state with tensors in their places; ValueError if the outline and they do not fit."""
    left = dict(tensors)
    state = _rebuilt(json.loads(outline), left)
    if left or not isinstance(state, dict):
        raise ValueError("tensors that the outline does not name")
    return state


def _rebuilt(node: Any, left: dict[str, Any]) -> Any:
    if not isinstance(node, dict):
        if isinstance(node, list):
            raise ValueError("an outline has no bare lists")
        return node
    ((kind, content),) = node.items()
    if kind == "tensor":
        return left.pop(content)
    if kind == "dict":
        state = {key: _rebuilt(part, left) for key, part in content}
        if len(state) != len(content):
            raise ValueError("a key occurs twice")
        return state
    parts = [_rebuilt(part, left) for part in content]
    return {"list": list, "tuple": tuple}[kind](parts)
