"""The parameters of an optimizer as one vector, for methods that look at all of them at once."""

from __future__ import annotations

from functools import partial

from gpugrad._arena import Arena, ufuncs_of
from gpugrad._fused.clip import clip_coefficient
from gpugrad._graph import watching
from gpugrad.backends import Array

__all__ = ["ParameterVector", "dot", "largest"]


class ParameterVector:
    """The parameters of an arena and their gradients, in order and without gaps; no gradient counts as zeros."""

    def __init__(self, arena: Arena, name: str) -> None:
        self.arena, self.name = arena, name
        self._runs = arena.gather(absent_as_zeros=True)

    def gradient(self, max_norm: float | None) -> tuple[Array, Array]:
        """Return the gradient, scaled to a norm of at most `max_norm`, and its norm from before."""
        whole = self._joined(1)
        with self.arena.here():
            norm, coefficient = clip_coefficient([whole], float("inf") if max_norm is None else max_norm)
        if max_norm is not None and float(coefficient) != 1:
            whole = whole * float(coefficient)
        return whole, norm

    def position(self) -> Array:
        """Return a copy of the parameters."""
        return self._joined(0)

    def _joined(self, which: int) -> Array:
        parts = [part[which] for run in self._runs for part in run.parts(flat=True)]
        with self.arena.here():
            return self.arena.backend.namespace.concat(parts) if parts else self.arena.gradients[:0]

    def move(self, step: float, direction: Array) -> None:
        """Add step * direction to the parameters."""
        self._watched(partial(self._change, direction, step))

    def place(self, position: Array) -> None:
        """Give the parameters these values."""
        self._watched(partial(self._change, position, None))

    def _watched(self, change: partial[None]) -> None:
        if watching.watchers:
            slots = [slot for run in self._runs for slot in run.slots]
            pairs = [(slot.parameter, slot.parameter._grad) for slot in slots]
            watching.watched_act(f"{self.name}.step", None, pairs, change)
        else:
            change()

    def _change(self, values: Array, step: float | None) -> None:
        start, u = 0, ufuncs_of(values)
        with self.arena.here(), self.arena.backend.quiet():
            for run in self._runs:
                for p, _ in run.parts(flat=True):
                    part = values[start : start + p.shape[0]]
                    start += p.shape[0]
                    if step is None:
                        p[...] = part
                    else:
                        u.add(p, part * step, out=p)
                run.finish(counts=False)


def dot(x1: Array, x2: Array, arena: Arena) -> float:
    """Return the sum of the products of two vectors, as a number."""
    with arena.here(), arena.backend.quiet():
        return float(arena.backend.namespace.vecdot(x1, x2))


def largest(x: Array, arena: Arena) -> float:
    """Return the largest absolute value in a vector, 0 in an empty one."""
    xp = arena.backend.namespace
    with arena.here():
        return float(xp.max(xp.abs(x))) if x.shape[0] else 0.0
