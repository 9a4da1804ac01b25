"""Cells without a value: it is computed when somebody asks, and let go when the walk goes on to the next node."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import ref

from gpugrad._graph import Memory, Node, Place, Saved
from gpugrad.backends import Device, backend_of

if TYPE_CHECKING:
    from gpugrad.autograd._checkpoint_frame import Frame

__all__ = ["Recomputed", "Trace", "Visit", "counts", "trace_of"]


class Visit:
    """The values that were computed for the cells of one node, by their numbers."""

    __slots__ = ("__weakref__", "cells")

    def __init__(self) -> None:
        self.cells: dict[int, Saved] = {}


class _Local(threading.local):
    visit: Callable[[], Visit | None] | None = None
    """The node whose values were asked for last, as a weak reference."""


_local = _Local()


def _go_on_to(visit: Visit) -> None:
    """Let go of the values of the node before."""
    last = None if _local.visit is None else _local.visit()
    if last is not visit:
        if last is not None:
            last.cells.clear()
        _local.visit = ref(visit)


class Recomputed:
    """A cell in the place of the one with this number in a checkpointed call."""

    __slots__ = ("__weakref__", "frame", "memory", "number", "visit")
    memory: Memory

    def __init__(self, frame: Frame, number: int, visit: Visit) -> None:
        self.frame = frame
        self.number = number
        self.visit = visit

    @property
    def value(self) -> Any:
        """The array."""
        _go_on_to(self.visit)
        cell = self.visit.cells.get(self.number)
        if cell is None:
            cell = self.frame.compute()[self.number]
            _go_on_to(self.visit)  # from those of an outer call, whose values were the arguments
        return cell.value

    @property
    def present(self) -> Any:
        """The array if it was computed and has not been let go, else None."""
        cell = self.visit.cells.get(self.number)
        return None if cell is None else cell.value

    def put_aside(self) -> None:
        """Let go of the value, which is about to be written."""
        self.visit.cells.pop(self.number, None)
        if hasattr(self, "memory"):
            del self.memory


class Trace(NamedTuple):
    """What is known of a saved value without keeping it; `digest` only where values are compared too."""

    op: str
    name: str
    shape: tuple[int, ...]
    dtype: Any
    device: Device
    digest: bytes

    def __str__(self) -> str:
        return f"{self.name!r} of {self.op}, {self.dtype} of shape {self.shape} on '{self.device}'"


def counts(cell: Any) -> bool:
    """Return whether a cell holds an array, of whatever kind it is: the same ones count when the call is made again."""
    return type(cell) is not Saved or hasattr(cell.value, "shape")


def trace_of(node: Node, place: Place, of_values: bool) -> Trace:
    """Return what is to be known of the value at a place of a node."""
    if type(place.cell) is Recomputed:
        known: Trace = place.cell.frame.traces[place.cell.number]
        return known._replace(op=node.op.name, name=place.name)
    value = place.cell.value
    backend = backend_of(value)
    digest = _digest(backend.to_host(value)) if of_values else b""
    form = tuple(value.shape), backend.dtype_of(value), backend.device_of(value)
    return Trace(node.op.name, place.name, *form, digest)


def _digest(host: Any) -> bytes:
    import hashlib  # which most programs never need

    return hashlib.blake2b(host.tobytes()).digest()
