"""How far two arrays are apart: in units in the last place, relatively, and in parts of the largest element."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

__all__ = ["Difference", "difference"]


@dataclass(frozen=True, slots=True)
class Difference:
    """The largest differences between two arrays, element by element.

    `ulp` counts steps between neighbouring numbers of the coarser dtype, at the larger of the two elements; `relative`
    is in parts of that element; `scaled` in parts of the largest finite element, which cancellation does not inflate.
    All are infinite where one element is NaN or infinite and the other is not the same, or where integers or truth
    values differ, and 0 where nothing does. `first` is the index of the element with the largest `scaled`.
    """

    ulp: float
    relative: float
    scaled: float
    first: tuple[int, ...] | None = None

    def or_worse(self, other: Difference) -> Difference:
        """Return the larger of each measure."""
        first = self.first if self.scaled >= other.scaled else other.first
        return Difference(
            max(self.ulp, other.ulp), max(self.relative, other.relative), max(self.scaled, other.scaled), first
        )


_infinite = (np.inf, np.inf, np.inf)


def difference(ours: np.ndarray[Any, Any], theirs: np.ndarray[Any, Any]) -> Difference:
    """Return how far two host arrays of one shape are apart.

    The parts of a complex number are compared each, in steps and parts of the larger of the two.

    >>> difference(np.array([1.0, 2.0]), np.array([1.0, np.nextafter(2.0, 3.0)])).ulp
    1.0
    """
    if ours.size == 0:
        return Difference(0.0, 0.0, 0.0)
    if "c" in (ours.dtype.kind, theirs.dtype.kind):
        a, b = (np.stack([x.real, x.imag], axis=-1) for x in (ours, theirs))
        found = _inexact(a, b, parts=True)
        return replace(found, first=found.first and found.first[:-1])
    if "f" not in (ours.dtype.kind, theirs.dtype.kind):
        return _exact(ours, theirs)
    return _inexact(ours, theirs)


def _exact(ours: np.ndarray[Any, Any], theirs: np.ndarray[Any, Any]) -> Difference:
    differs = ours != theirs
    return Difference(*_infinite, _first(differs)) if differs.any() else Difference(0.0, 0.0, 0.0)


def _first(values: np.ndarray[Any, Any]) -> tuple[int, ...]:
    return tuple(int(k) for k in np.unravel_index(int(np.argmax(values)), values.shape))


def _inexact(ours: np.ndarray[Any, Any], theirs: np.ndarray[Any, Any], parts: bool = False) -> Difference:
    dtypes = [x.dtype for x in (ours, theirs) if x.dtype.kind == "f"]
    coarse = max(dtypes, key=lambda dtype: float(np.finfo(dtype).eps))
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    with np.errstate(all="ignore"):
        alike = (a == b) | (np.isnan(a) & np.isnan(b))
        if np.asarray(alike).all():
            return Difference(0.0, 0.0, 0.0)
        broken = ~alike & ~(np.isfinite(a) & np.isfinite(b))
        if broken.any():
            return Difference(*_infinite, _first(broken))
        gap = np.where(alike, 0.0, np.abs(a - b))
        larger = np.maximum(np.abs(a), np.abs(b))
        if parts:
            larger = np.broadcast_to(np.max(larger, axis=-1, keepdims=True), a.shape)
        # Half of the largest number of all has a neighbour above it, at half the distance.
        half = np.minimum(larger / 2, float(np.finfo(coarse).max) / 2).astype(coarse)
        step = np.maximum(2 * np.spacing(half).astype(np.float64), float(np.finfo(coarse).smallest_subnormal))
        step = np.where(larger < 4 * np.finfo(coarse).tiny, np.spacing(larger.astype(coarse)), step)
        relative = np.where(larger > 0, gap / larger, 0.0)
        scale = float(np.max(larger, where=np.isfinite(larger), initial=0.0))
    return Difference(float((gap / step).max()), float(relative.max()), float(gap.max() / scale), _first(gap))
