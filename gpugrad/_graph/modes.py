"""How calls are recorded, each thread for itself: no_grad and its opposites, and what other modes build on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from functools import partial, wraps
from inspect import isgeneratorfunction
from typing import Any, TypeVar

__all__ = ["change", "enable_grad", "is_grad_enabled", "mode", "no_grad", "set_grad_enabled"]

F = TypeVar("F", bound=Callable[..., Any])


class _Mode(threading.local):
    recording = True
    inference = False
    """Whether results are marked, so that no graph may save them."""
    packing: tuple[Callable[[Any], Any], Callable[[Any], Any]] | None = None
    """What is done to a value when it is saved, and undone when it is used."""
    strong_zero = False
    """Whether a cotangent that is exactly 0 stays 0."""

    @property
    def usual(self) -> bool:
        """Whether calls of this thread may go the shortest way: recorded, and saved as they are."""
        return self.recording and self.packing is None


mode = _Mode()

unusual = 0
"""How many threads are in a mode that the hot path must ask for. Where none is it need not look at its own."""

_counting = threading.Lock()


def change(**to: Any) -> dict[str, Any]:
    """Change modes of this thread, by name, and return what they were."""
    global unusual
    before = {name: getattr(mode, name) for name in to}
    was_usual = mode.usual
    for name, value in to.items():
        setattr(mode, name, value)
    if mode.usual is not was_usual:
        with _counting:
            unusual += 1 if was_usual else -1
    return before


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
        change(recording=self.recording)

    def __exit__(self, *exception: object) -> None:
        change(recording=self._before.pop())

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
        change(recording=self.recording)

    def __enter__(self) -> None:
        change(recording=self.recording)

    def __exit__(self, *exception: object) -> None:
        change(recording=self.before)

    def __call__(self, function: F) -> F:
        change(recording=self.before)  # as a decorator it changes nothing by being made
        return super().__call__(function)
