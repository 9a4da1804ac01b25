"""Where an array lives: `cpu`, `cuda:0`, or a device of a backend that a test registered."""

from __future__ import annotations

from dataclasses import dataclass

from gpugrad.errors import DeviceError

__all__ = ["Device"]


@dataclass(frozen=True, slots=True)
class Device:
    """A place that holds arrays: a kind and, where there are several of it, an index.

    Devices are hashable and compare equal when kind and index agree.

    >>> Device.parse("cuda:1")
    Device('cuda:1')
    >>> str(Device.parse("cpu")), Device.parse("cuda").index
    ('cpu', 0)
    """

    kind: str
    index: int | str | None = None

    @classmethod
    def parse(cls, name: str | Device) -> Device:
        """Return the device that `name` spells: ``cpu``, ``cuda``, ``cuda:N`` or ``kind:label``."""
        if isinstance(name, Device):
            return name
        if not isinstance(name, str):
            raise DeviceError(f"a device is a string such as 'cpu' or 'cuda:0', not {type(name).__name__} {name!r}")
        kind, _, label = name.strip().partition(":")
        kind = kind.lower()
        if kind == "cpu":
            if label not in ("", "0"):
                raise DeviceError(f"device {name!r} does not exist: there is one 'cpu'")
            return cls("cpu")
        if kind == "cuda":
            if label and not label.isdecimal():
                raise DeviceError(f"device {name!r} is not 'cuda' or 'cuda:' and a number")
            return cls("cuda", int(label or 0))
        return cls(kind, label or None)

    def __str__(self) -> str:
        return self.kind if self.index is None else f"{self.kind}:{self.index}"

    def __repr__(self) -> str:
        return f"Device({str(self)!r})"
