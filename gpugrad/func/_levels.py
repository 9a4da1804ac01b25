"""The vmaps that a function is being called by: a level for each, the innermost last, each thread for itself.

Code of the user's that is given physical values, those of one example or of all, runs outside of them: a transform that
it uses must not give its results for each example once more.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from gpugrad._graph import modes

__all__ = ["Level", "active", "begun", "without"]

_begun = count()


class Level:
    """One vmap: how many examples it calls a function for, at what depth, and how random numbers are drawn in it."""

    __slots__ = ("depth", "ended", "randomness", "size")

    def __init__(self, size: int, randomness: str) -> None:
        self.size = size
        self.depth = next(_begun)  # in all threads: what is further in was begun later
        self.randomness = randomness
        self.ended = False


def active() -> tuple[Level, ...]:
    """Return the levels of this thread, the innermost last."""
    return modes.mode.examples


@contextmanager
def begun(size: int, randomness: str = "same") -> Iterator[Level]:
    """Let there be one more level within the block; its value is the level."""
    level = Level(size, randomness)
    before = modes.change(examples=(*active(), level))
    try:
        yield level
    finally:
        level.ended = True
        modes.change(**before)


@contextmanager
def without(levels: Container[Any]) -> Iterator[None]:
    """Be outside of these levels within the block, where their examples are on the first axes, or one is on its own."""
    before = modes.change(examples=tuple(level for level in active() if level not in levels))
    try:
        yield
    finally:
        modes.change(**before)
