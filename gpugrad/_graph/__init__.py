"""Nodes, recording modes, saved values, and the walk back."""

from __future__ import annotations

from gpugrad._graph import modes, nodes, watching
from gpugrad._graph.fit import fit, namespace_of
from gpugrad._graph.memory import (
    FREED,
    Alias,
    Memory,
    Saved,
    expose,
    keep,
    put_aside,
    share,
    unrecorded,
    watch_alias,
    watch_array,
)
from gpugrad._graph.modes import enable_grad, is_grad_enabled, mode, no_grad, set_grad_enabled
from gpugrad._graph.nodes import BinaryNode, Hooks, Leaf, Node, Output, UnaryNode, WideNode, next_sequence
from gpugrad._graph.packing import pack_saved
from gpugrad._graph.walk import walk

__all__ = [
    "FREED",
    "Alias",
    "BinaryNode",
    "Hooks",
    "Leaf",
    "Memory",
    "Node",
    "Output",
    "Saved",
    "UnaryNode",
    "WideNode",
    "enable_grad",
    "expose",
    "fit",
    "is_grad_enabled",
    "keep",
    "mode",
    "modes",
    "namespace_of",
    "next_sequence",
    "nodes",
    "pack_saved",
    "no_grad",
    "put_aside",
    "set_grad_enabled",
    "share",
    "unrecorded",
    "walk",
    "watch_alias",
    "watch_array",
    "watching",
]
