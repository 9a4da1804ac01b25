"""The modes that calls are made in, each thread for itself: recorded or not, as inference, and what others build on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from gpugrad._graph.decorating import within

__all__ = [
    "change",
    "changed",
    "enable_grad",
    "inference_mode",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "mode",
    "no_grad",
    "set_grad_enabled",
    "set_strong_zero",
    "strong_zero",
    "within",
]

F = TypeVar("F", bound=Callable[..., Any])


class _Mode(threading.local):
    recording = True
    """Whether calls are recorded: where grad is enabled, outside of inference mode."""
    grad_enabled = True
    inference = False
    """Whether results are marked, so that no graph may save them."""
    packing: Callable[[Any], None] | None = None
    """Who is told of every node that is recorded, and puts others in the place of the cells that it saved."""
    strong_zero = False
    """Whether a cotangent that is exactly 0 stays 0."""
    _counted: _Unusual | None = None
    """By which this thread is counted while its calls cannot go the shortest way: recorded, and saved as they are."""
    examples: tuple[Any, ...] = ()
    """The vmaps that a function is being called by, the innermost last."""
    drawing: Any = None
    """Who says for whom random numbers are drawn, under vmap; None where every draw is one."""


mode = _Mode()

unusual = 0
"""How many threads are in a mode that the hot path must ask for. Where none is it need not look at its own."""

_counting = threading.RLock()


class _Unusual:
    """Counts the thread that has it, until it lets go of it or ends."""

    def __init__(self) -> None:
        global unusual
        with _counting:
            unusual += 1

    def __del__(self) -> None:
        global unusual
        with _counting:
            unusual -= 1


def change(**to: Any) -> dict[str, Any]:
    """Change modes of this thread, by name, and return what they were."""
    before = {name: getattr(mode, name) for name in to}
    for name, value in to.items():
        setattr(mode, name, value)
    mode.recording = recording = mode.grad_enabled and not mode.inference
    usual = recording and mode.packing is None
    if usual is not (mode._counted is None):
        mode._counted = None if usual else _Unusual()
    return before


def present() -> dict[str, Any]:
    """Return the modes of this thread by name, as `change` takes them."""
    return {name: getattr(mode, name) for name in vars(_Mode) if name[0] != "_" and name != "recording"}


def is_grad_enabled() -> bool:
    """Return whether calls are recorded in this thread.

    >>> is_grad_enabled()
    True
    """
    return mode.recording


def is_inference_mode_enabled() -> bool:
    """Return whether this thread is in inference mode.

    >>> is_inference_mode_enabled()
    False
    """
    return mode.inference


class changed:
    """Have modes changed, by name, within the block, or within the calls of a decorated function.

    It may be entered again within itself. A subclass whose arguments all have defaults decorates without parentheses
    as well.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if args and callable(args[0]):
            return cls()(args[0])
        return object.__new__(cls)

    def __init__(self, **to: Any) -> None:
        self.to = to
        self._before: list[dict[str, Any]] = []

    def __enter__(self) -> None:
        self._before.append(change(**self.to))

    def __exit__(self, *exception: object) -> None:
        change(**self._before.pop())

    def __call__(self, function: F) -> F:
        return within(partial(changed, **self.to), function)


class no_grad(changed):
    """Record nothing within the block (or the decorated function): results do not require grad.

    >>> import gpugrad
    >>> x = gpugrad.ones(2, requires_grad=True)
    >>> with gpugrad.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __init__(self) -> None:
        super().__init__(grad_enabled=False)


class enable_grad(changed):
    """Record within the block, also inside no_grad; not inside inference_mode."""

    def __init__(self) -> None:
        super().__init__(grad_enabled=True)


class inference_mode(changed):
    """Record nothing within the block, and mark what is made in it, so that no graph may ever need its values.

    The results are inference tensors: they may be used anywhere, but not where a graph would have to save them, and
    outside of the mode they cannot be written. A clone() made outside is an ordinary tensor. ``inference_mode(False)``
    is the opposite, inside of a block or a decorated function.

    >>> import gpugrad
    >>> with gpugrad.inference_mode():
    ...     y = gpugrad.ones(2) * 2
    >>> y.is_inference()
    True
    """

    def __init__(self, mode: bool = True) -> None:
        super().__init__(grad_enabled=not mode, inference=bool(mode))


class strong_zero(changed):
    """Have a gradient that is exactly 0 stay 0 in the elementwise ops of a walk back: 0 * inf is 0 there, not NaN.

    It is for a branch that `where` does not take, whose derivative is infinite or NaN where it is not taken. Say it
    around ``backward()`` or `autograd.grad`, and around each of them for derivatives of higher order. A cotangent is
    what decides: an infinite derivative that something other than 0 comes to stays infinite.

    >>> import gpugrad
    >>> x = gpugrad.tensor([0., 2.], requires_grad=True)
    >>> y = gpugrad.where(x > 0, gpugrad.sqrt(x), 0.)
    >>> with gpugrad.autograd.strong_zero():
    ...     y.sum().backward()
    >>> x.grad
    tensor([0.0000, 0.3536])
    """

    def __init__(self, mode: bool = True) -> None:
        super().__init__(strong_zero=bool(mode))


class _from_now_on(changed):
    """Modes that are changed from the call on; as a context manager, only within the block."""

    def __init__(self, **to: Any) -> None:
        super().__init__(**to)
        self._at_first = change(**to)

    def __enter__(self) -> None:
        change(**self.to)

    def __exit__(self, *exception: object) -> None:
        change(**self._at_first)

    def __call__(self, function: F) -> F:
        change(**self._at_first)  # as a decorator it changes nothing by being made
        return super().__call__(function)


class set_grad_enabled(_from_now_on):
    """Record or not, from this call on; as a context manager, only within the block."""

    def __init__(self, mode: bool) -> None:
        super().__init__(grad_enabled=bool(mode))


class set_strong_zero(_from_now_on):
    """Have `strong_zero` on or off, from this call on; as a context manager, only within the block."""

    def __init__(self, mode: bool) -> None:
        super().__init__(strong_zero=bool(mode))
