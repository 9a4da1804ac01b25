"""Ctrl-C between two steps: what has been learnt is whole when training stops."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Interruption", "interruption"]


class Interruption:
    """Whether somebody has asked for a stop."""

    def __init__(self) -> None:
        self.asked = False

    def __bool__(self) -> bool:
        return self.asked


@contextmanager
def interruption() -> Iterator[Interruption]:
    """Note the first Ctrl-C within the block in place of raising; the second one raises KeyboardInterrupt.

    Only the main thread may take signals: in another one, nothing changes.

    >>> with interruption() as stop:
    ...     bool(stop)
    False
    """
    stop = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: FrameType | None) -> None:
        stop.asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    signal.signal(signal.SIGINT, note)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before or signal.default_int_handler)
