"""Arguments of the cases: arrays of few binary digits, drawn from the name of the case, and what else a call takes."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from math import prod
from typing import Any

__all__ = [
    "Array", "Draw", "Key", "above_one", "boolean", "complexes", "constant", "dominant", "fixed", "integers", "normal", "odd",
    "positive", "positive_definite", "spread", "steps", "unit",
]  # fmt: skip


@dataclass(frozen=True)
class Array:
    """A drawn array, as the file has it."""

    shape: tuple[int, ...]
    values: list[Any]
    kind: str = "real"
    dtype: str | None = None
    constant: bool = False

    def entry(self) -> dict[str, Any]:
        """Return its entry in the file."""
        entry = {"shape": list(self.shape), "values": self.values}
        if self.kind != "real":
            entry["kind"] = self.kind
        if self.dtype:
            entry["dtype"] = self.dtype
        if self.constant:
            entry["constant"] = True
        return entry


@dataclass(frozen=True)
class Draw:
    """A recipe for an array: multiples of 1/64, which float32 holds exactly, or given values of the kind `how`."""

    shape: tuple[int, ...]
    how: str
    complex: bool = False
    constant: bool = False
    dtype: str | None = None
    values: Any = None

    def draw(self, source: random.Random) -> Array:
        """Return an array drawn from a source."""
        if self.values is not None:
            constant = self.constant or self.how in ("integer", "boolean")
            return Array(self.shape, self.values, self.how, self.dtype, constant)
        if self.complex:
            real, imag = _HOW[self.how](self.shape, source), _HOW["normal"](self.shape, source)
            values = [[a, b] for a, b in zip(real, imag, strict=True)]
            return Array(self.shape, values, "complex", self.dtype, self.constant)
        return Array(self.shape, _HOW[self.how](self.shape, source), "real", self.dtype, self.constant)


@dataclass(frozen=True)
class Key:
    """A key of x[key], as the file has it: integers, `...`, None, slices and arrays."""

    parts: tuple[Any, ...]


def _between(low: int, high: int, source: random.Random) -> float:
    """Return a multiple of 1/64 from low/64 to high/64; getrandbits gives the same numbers in every Python."""
    return (low + source.getrandbits(30) % (high - low + 1)) / 64


def _normal(shape, source):
    # Away from 0, where abs and others have kinks.
    return [_between(8, 120, source) * (1 if source.getrandbits(1) else -1) for _ in range(prod(shape))]


def _positive(shape, source):
    return [_between(24, 160, source) for _ in range(prod(shape))]


def _unit(shape, source):
    return [_between(6, 52, source) * (1 if source.getrandbits(1) else -1) for _ in range(prod(shape))]


def _above_one(shape, source):
    return [_between(76, 192, source) for _ in range(prod(shape))]


def _spread(shape, source):
    """Return distinct numbers, at least 3/16 apart in value and 1/16 in modulus."""
    count = prod(shape)
    order = sorted(range(count), key=lambda i: (source.getrandbits(30), i))
    return [(i * 3 - count * 3 // 2) / 16 + 1 / 32 for i in order]


def _odd(shape, source):
    return [v + 1 / 128 for v in _normal(shape, source)]


def _steps(shape, source):
    """Return numbers away from whole and half numbers."""
    halves = [_between(8, 24, source) + 0.5 * source.getrandbits(1) for _ in range(prod(shape))]
    return [half + source.getrandbits(30) % 7 - 3 for half in halves]


def _dominant(shape, source):
    """Return square matrices with a heavy diagonal of distinct elements: well conditioned."""
    values = [v / 2 for v in _normal(shape, source)]
    n = shape[-1]
    for k in range(prod(shape)):
        i, j = k // n % n, k % n
        values[k] += (2 + i * 0.75) * (i == j)
    return values


def _positive_definite(shape, source):
    """Return B Bᵀ + 1 with B in eighths."""
    n = shape[-1]
    values = []
    for _ in range(prod(shape[:-2])):
        b = [[round(_between(-96, 96, source) * 8) / 8 for _ in range(n)] for _ in range(n)]
        values += [
            sum(b[i][k] * b[j][k] for k in range(n)) + (i == j) * (1 + i / 2) for i in range(n) for j in range(n)
        ]
    return values


_HOW = {
    "normal": _normal,
    "odd": _odd,
    "positive": _positive,
    "unit": _unit,
    "above one": _above_one,
    "spread": _spread,
    "steps": _steps,
    "dominant": _dominant,
    "positive definite": _positive_definite,
}


def normal(*shape, **options):
    """Return a draw of both signs, away from 0."""
    return Draw(shape, "normal", **options)


def complexes(*shape, **options):
    """Return a draw of complex numbers away from both axes."""
    return Draw(shape, "normal", complex=True, **options)


def positive(*shape, **options):
    """Return a draw between 3/8 and 5/2."""
    return Draw(shape, "positive", **options)


def odd(*shape, **options):
    """Return a draw of odd multiples of 1/128: none is a whole multiple of what `normal` and `positive` draw."""
    return Draw(shape, "odd", **options)


def unit(*shape, **options):
    """Return a draw inside (-1, 1), away from 0."""
    return Draw(shape, "unit", **options)


def above_one(*shape, **options):
    """Return a draw between 1.1 and 3."""
    return Draw(shape, "above one", **options)


def spread(*shape, **options):
    """Return a draw without ties."""
    return Draw(shape, "spread", **options)


def steps(*shape, **options):
    """Return a draw away from where floor, ceil, round and trunc jump."""
    return Draw(shape, "steps", **options)


def dominant(*shape, **options):
    """Return a draw of well-conditioned square matrices."""
    return Draw(shape, "dominant", **options)


def positive_definite(*shape, **options):
    """Return a draw of symmetric positive definite matrices."""
    return Draw(shape, "positive definite", **options)


def fixed(values, shape=None, **options):
    """Return given numbers: a flat list, with a shape if it is not a vector; complex ones as pairs."""
    values = [values] if not isinstance(values, list) else values
    kind = "complex" if values and isinstance(values[0], list) else "real"
    return Draw((len(values),) if shape is None else shape, kind, values=values, **options)


def integers(values, shape=None):
    """Return a constant array of integers."""
    return Draw((len(values),) if shape is None else shape, "integer", values=values)


def boolean(values, shape=None):
    """Return a constant array of truth values."""
    return Draw((len(values),) if shape is None else shape, "boolean", values=values)


def constant(draw):
    """Return a draw that nothing is differentiated by."""
    return replace(draw, constant=True)
