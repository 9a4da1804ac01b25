"""One case of the data file: a call of a function of the standard, and the gradients that belong to it.

``cases.jsonl`` has one JSON object a line, and docs/gradient_conformance.md describes its keys. Arrays are flat lists
beside a shape, complex numbers pairs, infinities and NaN strings, so that any language reads them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

__all__ = ["Case", "Variable", "cases"]

Host = np.ndarray[Any, Any]

_CONSTANTS = {"inf": float("inf"), "-inf": -float("inf"), "nan": float("nan")}
_PARTS = {"complex64": "float32", "complex128": "float64"}
_WHOLES = {"float32": "complex64", "float64": "complex128"}


@dataclass(frozen=True, slots=True)
class Variable:
    """An array as the file has it: its dtype is decided by the dtype that the case is run in, unless it has its own."""

    shape: tuple[int, ...]
    values: list[Any]
    kind: str
    dtype: str | None

    def dtype_in(self, run: str) -> str:
        """Return the name of its dtype where the case is run in the dtype `run`."""
        if self.dtype is not None:
            return self.dtype
        if self.kind == "integer":
            return "int64"
        if self.kind == "boolean":
            return "bool"
        return _WHOLES.get(run, run) if self.kind == "complex" else _PARTS.get(run, run)

    def host(self, run: str) -> Host:
        """Return it as a NumPy array."""
        return numbers(self.values, self.kind).reshape(self.shape).astype(self.dtype_in(run))


def numbers(values: list[Any], kind: str = "real") -> Host:
    """Return a flat list of the file as an array of float64, complex128, int64 or bool.

    >>> numbers([0.5, "-inf"]).tolist()
    [0.5, -inf]
    >>> numbers([[1, 2]], "complex").tolist()
    [(1+2j)]
    """
    if kind == "complex":
        return np.array([complex(*(float(part) for part in pair)) for pair in values], dtype=np.complex128)
    if kind == "real":
        return np.array([float(value) for value in values], dtype=np.float64)
    return np.array(values, dtype=np.int64 if kind == "integer" else np.bool_)


def _variable(entry: dict[str, Any]) -> Variable:
    return Variable(tuple(entry["shape"]), entry["values"], entry.get("kind", "real"), entry.get("dtype"))


def _literal(value: Any) -> Any:
    """Return a value of the file as the argument it stands for: lists are tuples, `inf` is a number."""
    if isinstance(value, list):
        return tuple(_literal(item) for item in value)
    return _CONSTANTS.get(value, value) if isinstance(value, str) else value


@dataclass(frozen=True)
class Case:
    """A call, the cotangents `w` and tangents `v` it is judged with, and what should come back.

    The scalar is L = sum Re(conj(w) z) over the outputs z. `first` are its gradients dL/dRe x + i dL/dIm x; `second`
    are those of S = sum Re(conj(v) first), with respect to the inputs and then to the cotangents.

    Parameters
    ----------
    id
        Its name: the function, and what is particular.
    group
        ``fact`` where mathematics decides, ``convention`` where a library chooses.
    program
        What the function is wrapped in, so that the outcome does not depend on a choice that is free; mostly None.
    dtypes
        The dtypes it is run in.
    admissible
        What else a library may choose; None where nothing.
    rule
        The convention that a case of the group `convention` follows.
    tolerance
        How much larger the bounds of the judge are here, for functions that lose digits.
    """

    id: str
    chapter: str
    group: str
    function: str
    program: str | None
    dtypes: tuple[str, ...]
    arguments: list[dict[str, Any]]
    keywords: dict[str, dict[str, Any]]
    cotangents: list[Variable | None]
    tangents: list[Variable]
    value: list[list[Any] | None]
    first: list[list[Any]]
    second: tuple[list[list[Any]], list[list[Any]] | None] | None
    admissible: dict[str, Any] | None = None
    rule: str = ""
    tolerance: float = 1.0
    inputs: list[Variable] = field(init=False)

    def __post_init__(self) -> None:
        found: list[Variable] = []
        self._bind(lambda entry: found.append(_variable(entry)), lambda entry: None, lambda name: None)
        object.__setattr__(self, "inputs", found)

    def call(
        self, function: Callable[..., Any], inputs: Iterator[Any], constant: Callable[[Host], Any], dtype: Any, run: str
    ) -> Any:
        """Return function(...) with the differentiated arrays taken from `inputs`, in the order of the file.

        `constant` makes an array of the library that nothing is differentiated by, `dtype` a dtype by its name.
        """
        positional, keywords = self._bind(
            lambda entry: next(inputs), lambda entry: constant(_variable(entry).host(run)), dtype
        )
        return function(*positional, **keywords)

    def _bind(
        self,
        variable: Callable[[dict[str, Any]], Any],
        constant: Callable[[dict[str, Any]], Any],
        dtype: Callable[[str], Any],
    ) -> tuple[list[Any], dict[str, Any]]:
        """Return the positional and keyword arguments, with arrays and dtypes made by the functions given."""

        def argument(entry: dict[str, Any]) -> Any:
            if "values" in entry:
                return constant(entry) if entry.get("constant") else variable(entry)
            if "arrays" in entry:
                return [argument(array) for array in entry["arrays"]]
            if "dtype" in entry:
                return dtype(entry["dtype"])
            if "key" in entry:
                parts = [index(part) for part in entry["key"]]
                return parts[0] if len(parts) == 1 else tuple(parts)
            return _literal(entry["value"])

        def index(part: Any) -> Any:
            if part == "...":
                return ...
            if isinstance(part, dict):
                return slice(*part["slice"]) if "slice" in part else constant(part)
            return part

        return [argument(entry) for entry in self.arguments], {k: argument(v) for k, v in self.keywords.items()}


def _case(line: str) -> Case:
    entry = json.loads(line)
    entry["dtypes"] = tuple(entry["dtypes"])
    entry["cotangents"] = [None if w is None else _variable(w) for w in entry["cotangents"]]
    entry["tangents"] = [_variable(v) for v in entry["tangents"]]
    entry.setdefault("program", None)
    entry.setdefault("group", "fact")
    entry.setdefault("keywords", {})
    return Case(**entry)


@cache
def cases() -> tuple[Case, ...]:
    """Return all cases of the suite, in the order of the file.

    >>> len(cases()) > 700
    True
    """
    text = files("gpugrad.conformance").joinpath("cases.jsonl").read_text(encoding="utf-8")
    return tuple(_case(line) for line in text.splitlines())
