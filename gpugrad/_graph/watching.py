"""Watching: whoever looks on is told of every call of an op, and of every rule that runs in a walk back.

Anomaly mode, the profiler and the comparison of backends are watchers. While nobody watches, nothing is asked on the
way: what watchers are told by is put in place when the first one comes, and taken out when the last one goes. All
threads are watched, whichever of them began.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from types import CodeType, FrameType
from typing import Any, NamedTuple

from gpugrad._graph.nodes import Node, next_sequence

__all__ = [
    "Origin",
    "Watcher",
    "arrived",
    "changing",
    "layer_calls",
    "node_at_work",
    "numbered",
    "on_change",
    "origin_of",
    "recorded_for",
    "user_line",
    "watch",
    "watched_act",
    "watched_call",
    "watched_pull",
    "watched_walk",
]


class Origin(NamedTuple):
    """Where in the user's code a call was made. No frame is kept, so that watching keeps nothing alive."""

    file: str
    line: int
    layer: str | None = None
    """The path and class of the Module that the call was made in, such as ``encoder.2 (Linear)``."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Watcher:
    """Somebody who looks on; each method runs the call it is told of, and returns what came of it.

    A subclass overrides what it wants to see. `operands` are the arrays, numbers, lists of them and keywords that the
    forward function is called with. Calls that an op or a rule makes within itself are part of it, and not told; those
    that a user's own backward makes are.
    """

    def call(self, op: Any, operands: tuple[Any, ...], keywords: dict[str, Any], run: Callable[[], Any]) -> Any:
        """Run a forward function on arrays; return its result: an array or scalar, or a tuple or list of them."""
        return run()

    def pull(self, node: Node, g: Any, run: Callable[[], list[tuple[Node, Any]]]) -> list[tuple[Node, Any]]:
        """Run the rules of a node on the gradient `g` of its output, or the list of them; return what goes to whom."""
        return run()

    def walk(self, seeds: dict[Node, Any], run: Callable[[], dict[Node, Any]]) -> dict[Node, Any]:
        """Run a whole walk back from these cotangents; return the gradients of the leaves or targets."""
        return run()

    def arrive(self, node: Node, g: Any) -> None:
        """Look at the gradient that has come together at a node in a walk back, before its hooks and its rules."""

    def act(self, name: str, node: Node | None, values: Sequence[Any], run: Callable[[], Any]) -> Any:
        """Run what is no op and yet changes values; return what came of it.

        ``assign`` and ``overwrite`` write into an array: `values` are that array, the user's value, and the same in the
        array's dtype. ``hook`` is a function that the user hung on a node: `values` are what it is given, gradients as
        Tensors or tuples of them, and last the function; the result is what takes their place, or None. ``accumulate``
        adds to every ``.grad``: `values` are pairs (what is there, or None; what is added). ``SGD.step`` and its kin
        change parameters: `values` are pairs (a parameter, its gradient).
        """
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


def watched_call(op: Any, function: Callable[..., Any], /, *operands: Any, **keywords: Any) -> Any:
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
    _local.within, _local.node = not getattr(node.op, "runs_code_of_the_user", False), node
    try:
        return run()
    finally:
        _local.within, _local.node = before


def watched_walk(seeds: dict[Node, Any], walk: Callable[..., dict[Node, Any]], /, *order: Any) -> dict[Node, Any]:
    """Run a walk back under the eyes of all watchers."""
    run = partial(walk, *order)
    for watcher in reversed(watchers):
        run = partial(watcher.walk, seeds, run)
    return run()


def watched_act(name: str, node: Node | None, values: Sequence[Any], run: Callable[[], Any]) -> Any:
    """Run a write, a hook, an accumulation or a step under the eyes of all watchers."""
    if _local.within:
        return run()
    for watcher in reversed(watchers):
        run = partial(watcher.act, name, node, values, run)
    return run()


def arrived(node: Node, g: Any) -> None:
    """Show all watchers the gradient that has come together at a node."""
    for watcher in watchers:
        watcher.arrive(node, g)


@contextmanager
def watch(watcher: Watcher) -> Iterator[Watcher]:
    """Let somebody look on within the block."""
    start(watcher)
    try:
        yield watcher
    finally:
        stop(watcher)


changing = threading.RLock()
"""Held while watchers come and go, and while a forward function is put in place for them or without them."""


def start(watcher: Watcher) -> None:
    """Let somebody look on from now on."""
    _become(lambda: (*watchers, watcher))


def stop(watcher: Watcher) -> None:
    """Let somebody look on no longer; where he does not, nothing changes."""
    _become(lambda: tuple(w for w in watchers if w is not watcher))


def _become(others: Callable[[], tuple[Watcher, ...]]) -> None:
    global watchers
    with changing:
        before, watchers = watchers, others()
        if bool(before) is not bool(watchers):
            for tell in on_change:
                tell(bool(watchers))


class _Number(int):
    """The number of a node that was recorded under somebody's eyes: it knows where the call was made."""

    origin: Origin | None
    recorded_for: str | None


def numbered() -> int:
    """Return the next number for a node, which knows its origin: for a node made by a rule, that of the rule's node."""
    number = _Number(next_sequence())
    number.origin = user_line()
    number.recorded_for = None if _local.node is None else _local.node.op.name
    return number


def node_at_work() -> Node | None:
    """Return the node whose rules this thread is running, the user's own backward perhaps."""
    return _local.node


def origin_of(node: Node) -> Origin | None:
    """Return where in the user's code a node was recorded, None if nobody watched."""
    return getattr(node.sequence, "origin", None)


def recorded_for(node: Node) -> str | None:
    """Return the name of the op whose rule recorded a node, in a walk with create_graph; None for the user's calls."""
    return getattr(node.sequence, "recorded_for", None)


_package = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_command = os.path.join(_package, "cli") + os.sep
_passed_over = (contextlib.__file__, functools.__file__)
"""Files between a user's line and the package that say nothing: what decorators and with statements run through."""

layer_calls: set[CodeType] = set()
"""The code by which Modules are called: ``nn`` names it here, and the Module is its local `self`."""


@functools.cache
def _of_the_user(file: str) -> bool:
    if file.startswith(_package):
        return file.startswith(_command)  # the commands use the package as any other program does
    return file not in _passed_over and not file.startswith("<gpugrad ")


def user_line(through_rules: bool = False) -> Origin | None:
    """Return the line that called gpugrad: the innermost frame outside this package, and the layer that it is in.

    Within a rule of the package's own it is the line that recorded the rule's node. With `through_rules` it is the line
    that walks back, also within a rule, or a backward, of the user's.
    """
    found: FrameType | None = None
    modules: list[Any] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if code in layer_calls:
            modules.append(frame.f_locals["self"])
        elif code is _pull_code and _local.node is not None:
            if through_rules:
                found = None
            elif found is None:
                return origin_of(_local.node)
        elif found is None and _of_the_user(code.co_filename):
            found = frame
        frame = frame.f_back
    return None if found is None else Origin(found.f_code.co_filename, found.f_lineno, _path(modules))


_pull_code = watched_pull.__code__


def _path(modules: list[Any]) -> str | None:
    """Return the path from the outermost of the Modules that call each other to the innermost, the first here."""
    if not modules:
        return None
    names = []
    for inner, outer in pairwise(modules):
        name = next((name for name, child in outer.named_children() if child is inner), None)
        names.append(type(inner).__name__ if name is None else name)
    kind = type(modules[0]).__name__
    return f"{'.'.join(reversed(names))} ({kind})" if names else kind
