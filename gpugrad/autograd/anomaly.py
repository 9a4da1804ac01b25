"""Anomaly mode: the first op, forward or backward, that makes a NaN or an Inf is named, with the user's line."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from gpugrad._graph import watching
from gpugrad._graph.decorating import within
from gpugrad.autograd._nonfinite import Kinds
from gpugrad.errors import OptionError

__all__ = ["detect_anomaly", "is_anomaly_enabled", "set_detect_anomaly"]

F = TypeVar("F", bound=Callable[..., Any])


class _Local(threading.local):
    kinds: Kinds | None = None
    """What this thread looks for; None where it goes by what holds for all threads."""


_local = _Local()
_everywhere = Kinds(nan=False, inf=False)
_lock = threading.RLock()
_modes = 0
"""How many modes are on, in all threads; while there are any, the watcher watches."""


def _kinds() -> Kinds:
    return _everywhere if _local.kinds is None else _local.kinds


@cache
def _watcher() -> watching.Watcher:
    from gpugrad.autograd._anomaly_watcher import AnomalyWatcher  # which most programs never need

    return AnomalyWatcher(_kinds)


def _count(by: int) -> None:
    """Have the watcher watch as long as any mode is on."""
    global _modes
    with _lock:
        before, _modes = _modes, _modes + by
        if bool(before) is not bool(_modes):
            (watching.start if _modes else watching.stop)(_watcher())


def _checked(**switches: Any) -> None:
    for name, value in switches.items():
        if not isinstance(value, bool):
            raise OptionError(
                f"{name} is True or False, not {value!r:.60}; as a decorator the mode is called: @detect_anomaly()"
            )


def is_anomaly_enabled() -> bool:
    """Return whether this thread looks for a NaN or an Inf.

    >>> is_anomaly_enabled()
    False
    """
    return any(_kinds())


class detect_anomaly:
    """Raise AnomalyError at the first op, forward or backward, that makes a NaN or an Inf; a block or a decorator.

    It holds for calls of this thread, and its innermost block is what counts. The error names the op, the first such
    element and how many there are, the operands there, and the line of your code; for a gradient, the line that called
    the op forward, the input that the gradient is for, and the line that called backward. So both passes belong in the
    block. A NaN that nothing under the mode made, from data for instance, is reported by the first op that hands it on,
    with `phase` "input". An Inf that came in may pass (masks of -inf are made so) until it makes a NaN.

    Each result is read once, and on a GPU waited for. Outside of all modes nothing is.

    Parameters
    ----------
    check_nan, check_inf
        Whether a NaN, or an Inf, raises. With ``check_inf=False`` a log of 0 passes.

    >>> import gpugrad
    >>> x = gpugrad.tensor([4., 0.], requires_grad=True)
    >>> with detect_anomaly():
    ...     gpugrad.sqrt(x).sum().backward()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    gpugrad.errors.AnomalyError: the gradient of sqrt for its input x has an Inf, made out of finite values: inf at...
    """

    def __init__(self, check_nan: bool = True, check_inf: bool = True) -> None:
        _checked(check_nan=check_nan, check_inf=check_inf)
        self._kinds = Kinds(check_nan, check_inf)
        self._before: list[Kinds | None] = []

    def __enter__(self) -> None:
        _count(1)
        self._before.append(_local.kinds)
        _local.kinds = self._kinds

    def __exit__(self, *exception: object) -> None:
        _local.kinds = self._before.pop()
        _count(-1)

    def __call__(self, function: F) -> F:
        """Return a function that looks at all its calls."""
        return within(lambda: detect_anomaly(*self._kinds), function)


class set_detect_anomaly:
    """Look for a NaN or an Inf in all threads, or no longer, from this call on; as a block, only within it.

    A thread within a block of `detect_anomaly` goes by this call until that block ends.

    >>> import gpugrad
    >>> with set_detect_anomaly(True):
    ...     gpugrad.log(gpugrad.tensor([1., 0.]))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    gpugrad.errors.AnomalyError: log made an Inf out of finite operands: -inf at [1] of float32 (2,)...
    """

    def __init__(self, mode: bool, check_nan: bool = True, check_inf: bool = True) -> None:
        _checked(mode=mode, check_nan=check_nan, check_inf=check_inf)
        self._before = _everywhere, _local.kinds
        kinds = Kinds(mode and check_nan, mode and check_inf)
        _set_everywhere(kinds, None if _local.kinds is None else kinds)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        _set_everywhere(*self._before)


def _set_everywhere(kinds: Kinds, here: Kinds | None) -> None:
    global _everywhere
    with _lock:
        before, _everywhere = _everywhere, kinds
        _local.kinds = here
        _count(any(kinds) - any(before))
