"""What an adapter is, and how libraries that keep a tape are asked for gradients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["Adapter", "Function", "Host", "Unsupported", "attribute"]

Host = np.ndarray[Any, Any]
Function = Callable[..., list[Any]]


class Unsupported(Exception):
    """The library lacks what a case asks for."""


class Adapter(ABC):
    """A library under examination.

    Cotangents and gradients are dL/dRe + i dL/dIm on both sides of it: a library with the conjugate convention
    conjugates in its adapter. A function takes differentiated arrays of the library and returns a list of them.
    """

    name: str
    version: str

    @abstractmethod
    def find(self, name: str) -> Callable[..., Any]:
        """Return the function of a name in the standard, such as ``linalg.inv``; raise Unsupported if there is none."""

    @abstractmethod
    def array(self, host: Host) -> Any:
        """Return a constant of the library."""

    @abstractmethod
    def dtype(self, name: str) -> Any:
        """Return a dtype of the library by the standard's name."""

    @abstractmethod
    def first(
        self, function: Function, inputs: Sequence[Host], cotangents: Sequence[Host]
    ) -> tuple[list[Host], list[Host]]:
        """Return the outputs, and the gradients of sum Re(conj(cotangent) output) with respect to the inputs."""

    @abstractmethod
    def second(
        self, function: Function, inputs: Sequence[Host], cotangents: Sequence[Host], tangents: Sequence[Host]
    ) -> tuple[list[Host], list[Host]]:
        """Return the gradients of sum Re(conj(tangent) gradient), with respect to the inputs and to the cotangents."""


def attribute(module: Any, name: str) -> Any:
    """Return the attribute at a dotted name; raise Unsupported where a part is missing.

    >>> attribute(np, "linalg.inv").__name__
    'inv'
    """
    found = module
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise Unsupported(f"there is no {name}") from None
    return found
