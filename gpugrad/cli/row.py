"""What the doctor writes down about one thing."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from typing import Literal

__all__ = ["Row", "pip"]

pip = f"{shlex.quote(sys.executable)} -m pip"
"""The pip of the Python that runs, so that a command mends this environment and no other."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing looked at. `fix` is the command that mends it, or, where nothing is broken, how to get it."""

    name: str
    state: Literal["ok", "none", "failed"]
    found: str
    fix: str = ""
