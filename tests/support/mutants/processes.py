"""A process forked for each task: it begins with NumPy and pytest imported, and ends with all that it changed."""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Task", "enter", "outcomes"]

_pause = 0.005
_slowest = 20
"""So many times as long as it computes may a process take before it is thought to wait for ever."""


@dataclass
class Task:
    """Something to do in a copy of the project: `work(tree)` returns what can be written as JSON."""

    name: Any
    work: Callable[[Path], Any]
    limit: float
    """Seconds of computing after which it is ended: a processor that others use as well makes nothing fail."""
    memory: int | None = None
    """Bytes that it may ask for; None where it runs sanitizers, which ask for all there is."""
    around: Callable[[Path], AbstractContextManager[None]] = field(default=lambda tree: nullcontext())
    """What is done to the copy before, and undone after."""


@dataclass
class _Running:
    task: Task
    tree: Path
    process: int
    deadline: float
    around: AbstractContextManager[None]


def outcomes(tasks: Iterable[Task], trees: list[Path]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Run tasks, one at a time in each tree; yield the name of each with ``result``, or ``ended`` and why."""
    waiting, free, running = deque(tasks), list(trees), []
    try:
        while waiting or running:
            while waiting and free:
                running.append(_started(waiting.popleft(), free.pop()))
            time.sleep(_pause)
            for one in list(running):
                outcome = _outcome(one)
                if outcome is not None:
                    running.remove(one)
                    free.append(one.tree)
                    yield one.task.name, outcome
    finally:
        for one in running:
            _end(one.process)
            one.around.__exit__(None, None, None)


def enter(tree: Path) -> None:
    """Let this process find the copy's modules in place of the working tree's."""
    os.chdir(tree)
    places = [str(tree), str(tree / "tests" / "support")]
    sys.path[:0] = places
    os.environ["PYTHONPATH"] = os.pathsep.join(places)


def _started(task: Task, tree: Path) -> _Running:
    around = task.around(tree)
    around.__enter__()
    sys.stdout.flush()
    process = os.fork()
    if process == 0:
        _work(task, tree)
    return _Running(task, tree, process, time.monotonic() + _slowest * task.limit, around)


def _work(task: Task, tree: Path) -> None:
    """Do the task in a group of processes of its own, and leave without what an interpreter does at its end."""
    status = 1
    try:
        os.setsid()
        if task.memory:
            resource.setrlimit(resource.RLIMIT_AS, (task.memory, task.memory))
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(task.limit), math.ceil(task.limit) + 1))
        log = os.open(_beside(tree, os.getpid(), "log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(log, stream)
        enter(tree)
        result = task.work(tree)
        _beside(tree, os.getpid(), "result").write_text(json.dumps(result), encoding="utf-8")
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _outcome(one: _Running) -> dict[str, Any] | None:
    """Return what came out of a process, None while it runs."""
    process, status = os.waitpid(one.process, os.WNOHANG)
    if process == 0:
        if time.monotonic() < one.deadline:
            return None
        _end(one.process)
        outcome = {"ended": "it waits for ever"}
    elif os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        late = number in (signal.SIGXCPU, signal.SIGKILL)
        outcome = {"ended": f"no end after {one.task.limit:.0f} s" if late else signal.Signals(number).name}
    elif (result := _beside(one.tree, one.process, "result")).exists():
        outcome = {"result": json.loads(result.read_text("utf-8"))}
    else:
        outcome = {"fault": _beside(one.tree, one.process, "log").read_text("utf-8", "replace")[-2000:]}
    one.around.__exit__(None, None, None)
    return outcome


def _end(process: int) -> None:
    try:
        os.killpg(process, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


def _beside(tree: Path, process: int, what: str) -> Path:
    """Return where a process writes: several may be in one tree."""
    return tree.with_name(f"{tree.name}.{process}.{what}")
