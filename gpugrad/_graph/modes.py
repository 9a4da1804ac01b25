"""Whether calls are recorded: no_grad and its opposites, each thread for itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from functools import partial, wraps
from inspect import isgeneratorfunction
from typing import Any, TypeVar

__all__ = ["enable_grad", "is_grad_enabled", "mode", "no_grad", "set_grad_enabled"]

F = TypeVar("F", bound=Callable[..., Any])


class _Mode(threading.local):
    recording = True


mode = _Mode()

paused = 0
"""How many threads record nothing at the moment. Where none does the hot path need not ask for its own mode."""

_counting = threading.Lock()


def _record(recording: bool) -> None:
    """Record in this thread from now on, or not."""
    global paused
    if mode.recording is not recording:
        with _counting:
            paused += -1 if recording else 1
        mode.recording = recording


def is_grad_enabled() -> bool:
    """Return whether calls are recorded in this thread.

    >>> is_grad_enabled()
    True
    """
    return mode.recording


class _GradMode:
    """A recording mode, as a context manager and as a decorator; it may be entered again within itself."""

    def __init__(self, recording: bool) -> None:
        self.recording = recording
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(mode.recording)
        _record(self.recording)

    def __exit__(self, *exception: object) -> None:
        _record(self._before.pop())

    def __call__(self, function: F) -> F:
        recording = self.recording
        if isgeneratorfunction(function):
            return wraps(function)(lambda *args, **kwargs: _steps(recording, function(*args, **kwargs)))  # type: ignore[return-value]

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with _GradMode(recording):
                return function(*args, **kwargs)

        return call  # type: ignore[return-value]


def _steps(recording: bool, generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Run a generator in a recording mode, and its consumer, between the steps, in the consumer's own."""
    step: Callable[[], Any] = partial(next, generator)
    while True:
        try:
            with _GradMode(recording):
                item = step()
        except StopIteration as end:
            return end.value
        try:
            step = partial(generator.send, (yield item))
        except GeneratorExit:
            generator.close()
            raise
        except BaseException as error:
            step = partial(generator.throw, error)


class no_grad(_GradMode):
    """Record nothing within the block (or the decorated function): results do not require grad.

    >>> import gpugrad
    >>> x = gpugrad.ones(2, requires_grad=True)
    >>> with gpugrad.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __init__(self) -> None:
        super().__init__(False)


class enable_grad(_GradMode):
    """Record within the block, also inside no_grad."""

    def __init__(self) -> None:
        super().__init__(True)


class set_grad_enabled(_GradMode):
    """Record or not, from this call on; as a context manager, only within the block."""

    def __init__(self, mode_: bool) -> None:
        super().__init__(bool(mode_))
        self.before = mode.recording
        _record(self.recording)

    def __enter__(self) -> None:
        _record(self.recording)

    def __exit__(self, *exception: object) -> None:
        _record(self.before)

    def __call__(self, function: F) -> F:
        _record(self.before)  # as a decorator it changes nothing by being made
        return super().__call__(function)
