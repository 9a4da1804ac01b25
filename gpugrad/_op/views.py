"""A view's node: the one it was made with, or, when its base has moved on, one derived from the base as it is now."""

from __future__ import annotations

from typing import Any

from gpugrad._op.core import TENSORS, table

__all__ = ["current_node", "node_of"]


def current_node(tensor: Any) -> Any:
    """Return the node of a Tensor that shares its memory with others."""
    alias = tensor._alias
    base = alias.base
    if base is not None and alias.seen is not base._node:
        seen, node = base._node, None
        if seen is not None:
            op: Any = table["view_of"]
            node = op.record({"x": base}, {"path": alias.path}, tensor._array)
        tensor._node = node
        alias.seen = seen  # last, so that no other thread takes the node of before for the one of now
    return tensor._node


def node_of(x: Any) -> Any:
    """Return the node that a value comes from, None where it is not tracked, or no Tensor at all."""
    if type(x) not in TENSORS:
        return None
    return x._node if x._alias is None else current_node(x)
