"""Where an array has a NaN or an Inf, and what else is known of an array there, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gpugrad._op import SCALARS, TENSORS
from gpugrad.backends import backend_of, is_array_type, is_inexact

__all__ = [
    "Flaw",
    "Kinds",
    "array_of",
    "described",
    "first_flaw",
    "has",
    "listed",
    "named_values",
    "on_host",
    "suspicious",
]


class Kinds(NamedTuple):
    """Which values are looked for."""

    nan: bool
    inf: bool

    def of(self, x: Any, xp: Any) -> Any:
        """Return where an array of floats has such values."""
        if self.nan and self.inf:
            return ~xp.isfinite(x)
        return xp.isnan(x) if self.nan else xp.isinf(x)


@dataclass(frozen=True, slots=True)
class Flaw:
    """The first NaN, or the first Inf, of an array: what and where it is, and how many there are."""

    kind: str
    index: tuple[int, ...]
    value: str
    count: int
    what: str

    def __str__(self) -> str:
        if self.index == ():
            return f"{self.value}, {self.what}"
        several = f", {self.count} in all" if self.count > 1 else ""
        return f"{self.value} at {list(self.index)} of {self.what}{several}"


def array_of(x: Any) -> Any:
    """Return the array of a Tensor, or an array itself; None for anything else."""
    if type(x) in TENSORS:
        return x._array
    if isinstance(x, np.generic):
        return np.asarray(x)
    return x if is_array_type(type(x)) else None


def listed(value: Any) -> list[Any]:
    """Return several values as a list, and one as a list of it."""
    return list(value) if isinstance(value, tuple | list) else [value]


def _floats(values: Iterable[Any]) -> Iterator[Any]:
    """Yield the arrays of real or complex floats among values, and in the lists among them."""
    for x in values:
        if isinstance(x, tuple | list):
            yield from _floats(x)
        else:
            array = array_of(x)
            if array is not None and is_inexact(backend_of(array).dtype_of(array)):
                yield array


def suspicious(values: Iterable[Any], kinds: Kinds) -> bool:
    """Return whether there is a NaN or an Inf in values; a device is asked once for all arrays that it holds."""
    answers: dict[Any, Any] = {}
    for x in _floats(values):
        backend = backend_of(x)
        device = backend.device_of(x)
        with backend.on(device):
            found = backend.namespace.any(kinds.of(x, backend.namespace))
            answers[device] = answers[device] | found if device in answers else found
    return any(bool(found) for found in answers.values())


def on_host(x: Any) -> np.ndarray[Any, Any]:
    """Return an array, or a number, as an array of NumPy's."""
    array = array_of(x)
    return np.asarray(x) if array is None else backend_of(array).to_host(array)


def has(values: Iterable[Any], kind: str) -> bool:
    """Return whether there is a value of a kind, "NaN" or "Inf", in arrays, numbers, and lists of them."""
    test = np.isnan if kind == "NaN" else np.isinf
    for x in values:
        if isinstance(x, tuple | list):
            if has(x, kind):
                return True
        elif type(x) in SCALARS or array_of(x) is not None:
            host = on_host(x)
            if host.dtype.kind in "fc" and test(host).any():
                return True
    return False


def first_flaw(x: Any, kind: str, besides: np.ndarray[Any, Any] | None = None) -> Flaw | None:
    """Return the first value of a kind, "NaN" or "Inf", in an array of floats, but for those in a mask `besides`."""
    array = array_of(x)
    if array is None or not is_inexact(backend_of(array).dtype_of(array)):
        return None
    host = on_host(array)
    mask = np.isnan(host) if kind == "NaN" else np.isinf(host) & ~np.isnan(host)
    if besides is not None:
        mask = mask & ~besides
    if not mask.any():
        return None
    index = tuple(int(i) for i in np.argwhere(mask)[0])
    return Flaw(kind, index, str(host[index]), int(mask.sum()), _form(host))


def _form(host: np.ndarray[Any, Any]) -> str:
    return f"{host.dtype} {host.shape}"


def described(name: str, x: Any, index: tuple[int, ...] | None, shape: tuple[int, ...]) -> str:
    """Return what is known of an operand: its form, its value at an index of a result of `shape`, or its range.

    `index` is None where elements of the result do not belong to elements of the operands.
    """
    host = on_host(x)
    if array_of(x) is None:
        return f"{name} = {x!r}"
    if index is not None:
        try:
            return f"{name}: {_form(host)}, there {np.broadcast_to(host, shape)[index]!s}"
        except ValueError:
            pass  # it does not broadcast: its range is told
    return f"{name}: {_form(host)}{_range(host)}"


def _range(host: np.ndarray[Any, Any]) -> str:
    """Return the smallest and the largest number, and how many NaN and Inf there are."""
    if host.size == 0:
        return ""
    if host.dtype.kind not in "fc":
        return f", from {host.min()} to {host.max()}"
    finite = np.abs(host[np.isfinite(host)]) if host.dtype.kind == "c" else host[np.isfinite(host)]
    what = "absolute values from" if host.dtype.kind == "c" else "from"
    told = f", {what} {finite.min()!s} to {finite.max()!s}" if finite.size else ", nothing finite"
    for kind, count in (("NaN", np.isnan(host).sum()), ("Inf", np.isinf(host).sum())):
        told += f", {count} {kind}" if count else ""
    return told


def named_values(names: Sequence[str], values: Iterable[Any]) -> list[tuple[str, Any]]:
    """Return arrays and numbers with their names, those in lists by their numbers; all else is left out."""
    found: list[tuple[str, Any]] = []
    for name, x in zip(names, values, strict=False):
        if isinstance(x, tuple | list):
            found += named_values([f"{name}[{i}]" for i in range(len(x))], x)
        elif array_of(x) is not None or (type(x) in SCALARS and type(x) is not bool):
            found.append((name, x))
    return found
