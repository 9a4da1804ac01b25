"""Nodes, recording modes, saved values, and the walk back."""

from __future__ import annotations

from gpugrad._graph import hooks, modes, nodes, watching
from gpugrad._graph.fit import fit, namespace_of
from gpugrad._graph.hooks import Hooks, RemovableHandle, hang
from gpugrad._graph.memory import (
    FREED,
    Alias,
    Memory,
    Saved,
    expose,
    keep,
    lend,
    put_aside,
    share,
    unrecorded,
    watch_alias,
    watch_array,
)
from gpugrad._graph.modes import (
    changed,
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    mode,
    no_grad,
    set_grad_enabled,
    set_strong_zero,
    strong_zero,
)
from gpugrad._graph.nodes import BinaryNode, Entry, Leaf, Node, Output, UnaryNode, WideNode, next_sequence
from gpugrad._graph.packing import Packed, Place, exchange_saved, pack_saved, rules_naming, saved_by
from gpugrad._graph.walk import walk

__all__ = [
    "FREED",
    "Alias",
    "BinaryNode",
    "Entry",
    "Hooks",
    "Leaf",
    "Memory",
    "Node",
    "Output",
    "Packed",
    "Place",
    "RemovableHandle",
    "Saved",
    "UnaryNode",
    "WideNode",
    "changed",
    "enable_grad",
    "exchange_saved",
    "expose",
    "fit",
    "hang",
    "hooks",
    "inference_mode",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "keep",
    "lend",
    "mode",
    "modes",
    "namespace_of",
    "next_sequence",
    "nodes",
    "pack_saved",
    "no_grad",
    "put_aside",
    "rules_naming",
    "saved_by",
    "set_grad_enabled",
    "set_strong_zero",
    "share",
    "strong_zero",
    "unrecorded",
    "walk",
    "watch_alias",
    "watch_array",
    "watching",
]
