"""Faults that no test can find, because nothing is wrong with them: each is listed with its reason."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path

from mutants.fault import Fault

__all__ = ["LIST", "listed", "unmatched"]

LIST = Path(__file__).with_name("equivalent.toml")

Identity = tuple[str, str, str, str]


def listed(path: Path = LIST) -> dict[Identity, str]:
    """Return the reason for each fault in the list, by its file, op, and the lines before and after."""
    reasons: dict[Identity, str] = {}
    for group in tomllib.loads(path.read_text("utf-8")).get("equivalent", []):
        for change in group["changes"]:
            identity = (group["file"], group["op"], change[0], change[1])
            if identity in reasons:
                raise ValueError(f"{path.name} lists a fault twice: {identity}")
            reasons[identity] = group["because"]
    return reasons


def unmatched(reasons: dict[Identity, str], faults: Iterable[Fault]) -> list[Identity]:
    """Return what is listed and can no longer be planted."""
    return sorted(reasons.keys() - {fault.identity for fault in faults})
