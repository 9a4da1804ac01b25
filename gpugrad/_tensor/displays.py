"""How tensors and modules are shown where that takes a floor above, which registers its functions here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["display", "load_displays_by", "register_display"]

_displays: dict[str, Callable[..., Any]] = {}
_loaders: list[Callable[[], Any]] = []


def register_display(name: str, function: Callable[..., Any]) -> None:
    """Note the function that shows something: ``tensor``, ``module`` or ``summary``."""
    _displays[name] = function


def load_displays_by(loader: Callable[[], Any]) -> None:
    """Note what imports the displays when the first of them is asked for."""
    _loaders[:] = [loader]


def display(name: str) -> Callable[..., Any]:
    """Return the function registered under a name."""
    if name not in _displays:
        for loader in _loaders:
            loader()
    return _displays[name]
