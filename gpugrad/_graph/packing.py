"""What is saved for backward may be packed, by a pair of functions of the user's, and unpacked when a rule asks."""

from __future__ import annotations

from gpugrad._graph.nodes import Node

__all__ = ["pack_saved"]


def pack_saved(node: Node) -> None:
    """Pack the values that a new node saved, if this thread packs any."""
