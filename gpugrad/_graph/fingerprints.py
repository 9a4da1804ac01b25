"""Fingerprints of saved values: a cell that raises at its use where somebody has changed the array from outside.

gpugrad's own writes put aside what a graph still needs, so they change nothing that a cell holds. Code that writes
through NumPy, DLPack or CuPy into memory that it shares with a tensor cannot be seen, but for what it leaves behind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from gpugrad._graph.memory import Memory, Saved
from gpugrad._graph.nodes import Node
from gpugrad._graph.packing import Place, exchange_saved
from gpugrad._graph.watching import Origin, user_line
from gpugrad.backends import Array, backend_of
from gpugrad.errors import GradientError

__all__ = ["Fingerprinted", "fingerprint", "fingerprinting"]


def fingerprint(array: Array) -> bytes:
    """Return 16 bytes that differ, for all that can happen, as soon as one bit of an array does.

    What lies on a device is copied to the host for it.
    """
    host: np.ndarray[Any, Any] = backend_of(array).to_host(array)
    repeated = (step == 0 and size > 0 for step, size in zip(host.strides, host.shape, strict=True))  # by broadcast_to
    once = host[tuple(0 if again else slice(None) for again in repeated)]
    return hashlib.blake2b(np.ascontiguousarray(once).data, digest_size=16).digest()


class Fingerprinted:
    """A cell around another one, with the fingerprint that its value had when it was saved."""

    __slots__ = ("__weakref__", "_cell", "_mark", "_name", "_op", "_origin")

    def __init__(self, cell: Saved, op: str, name: str, origin: Origin | None) -> None:
        self._cell, self._op, self._name, self._origin = cell, op, name, origin
        self._mark = fingerprint(cell.value)

    @property
    def value(self) -> Array:
        """The array."""
        array = self._cell.value
        if fingerprint(array) != self._mark:
            dtype, shape = backend_of(array).dtype_of(array), tuple(array.shape)
            raise GradientError(
                f"{self._op}: the {self._name} that it saved, {dtype} {shape}, was changed from outside gpugrad after "
                f"{self._origin or 'a line that is not known'} saved it, and the gradient would be wrong. Somebody "
                "writes into memory that a tensor shares: give gpugrad a copy (gpugrad.tensor copies, asarray and "
                "from_dlpack may share), or write through the tensor"
            )
        return array

    @property
    def memory(self) -> Memory:
        """The memory that lists the cell, if any does."""
        return self._cell.memory

    @memory.setter
    def memory(self, memory: Memory) -> None:
        self._cell.memory = memory

    def put_aside(self) -> None:
        """Hold a copy of the array from now on: a write of gpugrad's own follows."""
        self._cell.put_aside()


def fingerprinting(before: Callable[[Node], None] | None) -> Callable[[Node], None]:
    """Return what fingerprints the values of a new node, after `before` has packed them."""

    def told(node: Any) -> None:
        if before is not None:
            before(node)
        exchange_saved(node, partial(_other, node.op.name, user_line()))

    return told


def _other(op: str, origin: Origin | None, place: Place) -> Fingerprinted | None:
    """Return the cell that takes the place of one; None where that holds a number, or what was packed."""
    cell = place.cell
    if type(cell) is not Saved or not hasattr(cell.value, "shape"):
        return None
    return Fingerprinted(cell, op, "result" if place.name == "z" else place.name, origin)
