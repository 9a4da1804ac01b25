"""Watching: whoever looks on is told of every call of an op, and of every rule that runs in a walk back.

Anomaly mode, the profiler and the comparison of backends are watchers. While nobody watches, nothing is asked on the
way: what watchers are told by is put in place when the first one comes, and taken out when the last one goes. All
threads are watched, whichever of them began.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from gpugrad._graph.nodes import Node, next_sequence

__all__ = [
    "Origin",
    "Watcher",
    "numbered",
    "on_change",
    "origin_of",
    "user_line",
    "watch",
    "watched_call",
    "watched_pull",
]

_PACKAGE = str(Path(__file__).parents[1])


class Origin(NamedTuple):
    """Where in the user's code a call was made. No frame is kept, so that watching keeps nothing alive."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Watcher:
    """Somebody who looks on; each method runs the call it is told of, and returns what came of it.

    A subclass overrides what it wants to see. `operands` are the arrays, numbers, lists of them and keywords that the
    forward function is called with. Calls that an op or a rule makes within itself are part of it, and not told.
    """

    def call(self, op: Any, operands: tuple[Any, ...], keywords: dict[str, Any], run: Callable[[], Any]) -> Any:
        """Run a forward function on arrays; return its result: an array or scalar, or a tuple or list of them."""
        return run()

    def pull(self, node: Node, g: Any, run: Callable[[], list[tuple[Node, Any]]]) -> list[tuple[Node, Any]]:
        """Run the rules of a node on the gradient `g` of its output, or the list of them; return what goes to whom."""
        return run()


class _Local(threading.local):
    within = False
    """Whether this thread is inside a call or a rule that watchers have been told of."""
    node: Node | None = None
    """The node whose rules this thread is running."""


_local = _Local()
watchers: tuple[Watcher, ...] = ()
on_change: list[Callable[[bool], None]] = []
"""Called with whether anybody watches: ``_op`` puts what is watched in place, or takes it out."""


def watched_call(op: Any, function: Callable[..., Any], *operands: Any, **keywords: Any) -> Any:
    """Run a forward function on arrays under the eyes of all watchers, the first to come the outermost."""
    if _local.within or not watchers:
        return function(*operands, **keywords)
    run = partial(function, *operands, **keywords)
    for watcher in reversed(watchers):
        run = partial(watcher.call, op, operands, keywords, run)
    _local.within = True
    try:
        return run()
    finally:
        _local.within = False


def watched_pull(node: Node, g: Any, rules: Callable[[], Iterable[tuple[Node, Any]]]) -> list[tuple[Node, Any]]:
    """Run the rules of a node under the eyes of all watchers."""

    def run() -> list[tuple[Node, Any]]:
        return list(rules())

    for watcher in reversed(watchers):
        run = partial(watcher.pull, node, g, run)
    before = _local.within, _local.node
    _local.within, _local.node = True, node
    try:
        return run()
    finally:
        _local.within, _local.node = before


@contextmanager
def watch(watcher: Watcher) -> Iterator[Watcher]:
    """Let somebody look on within the block."""
    start(watcher)
    try:
        yield watcher
    finally:
        stop(watcher)


_changing = threading.Lock()


def start(watcher: Watcher) -> None:
    """Let somebody look on from now on."""
    _become(lambda: (*watchers, watcher))


def stop(watcher: Watcher) -> None:
    """Let somebody look on no longer; where he does not, nothing changes."""
    _become(lambda: tuple(w for w in watchers if w is not watcher))


def _become(others: Callable[[], tuple[Watcher, ...]]) -> None:
    global watchers
    with _changing:
        before, watchers = watchers, others()
        if bool(before) is not bool(watchers):
            for tell in on_change:
                tell(bool(watchers))


class _Number(int):
    """The number of a node that was recorded under somebody's eyes: it knows where the call was made."""

    origin: Origin | None


def numbered() -> int:
    """Return the next number for a node, which knows its origin: for a node made by a rule, that of the rule's node."""
    number = _Number(next_sequence())
    number.origin = user_line() if _local.node is None else origin_of(_local.node)
    return number


def origin_of(node: Node) -> Origin | None:
    """Return where in the user's code a node was recorded, None if nobody watched."""
    return getattr(node.sequence, "origin", None)


def user_line() -> Origin | None:
    """Return the line that called gpugrad: the innermost frame outside this package."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code.co_filename
        if not code.startswith(_PACKAGE) and not code.startswith("<string>"):
            return Origin(code, frame.f_lineno)
        frame = frame.f_back
    return None
