"""What the stand-in keeps count of, and which of its devices is the current one."""

from __future__ import annotations

import threading
from dataclasses import dataclass

__all__ = ["DEVICES", "Counts", "counts", "current"]

DEVICES = 3


@dataclass
class Counts:
    """How often the host and the device met since the last `reset`."""

    to_device: int = 0
    to_host: int = 0
    synchronisations: int = 0
    launches: int = 0

    def reset(self):
        self.to_device = self.to_host = self.synchronisations = self.launches = 0

    @property
    def meetings(self):
        return self.to_device, self.to_host, self.synchronisations


counts = Counts()


class _Current(threading.local):
    """The current device of a thread, and those that `with Device(...)` will return to."""

    def __init__(self):
        self.id = 0
        self.before = []


current = _Current()
