"""The comparison of a function's gradients with its differences: all derivatives, or those along random directions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gpugrad.autograd._gradcheck_function import Block, Fault, RealFunction, Vector
from gpugrad.autograd._gradcheck_kinks import smallest_elements
from gpugrad.autograd._gradcheck_report import Derivative
from gpugrad.autograd._gradcheck_slopes import Judged, Line, Tolerance, judge

__all__ = ["Settings", "along_directions", "at_kinks", "of_all", "units_of"]

_directions = 4
_most_kinked = 6


@dataclass(frozen=True, slots=True)
class Settings:
    """What the caller asked for: the first step, and tolerances, None for those that suit the dtype."""

    eps: float
    atol: float | None
    rtol: float | None

    def within(self, units: Vector, scale: Vector) -> Tolerance:
        """Return the tolerance of values with these units, where derivatives are of this size."""
        atol = units**0.4 * np.minimum(scale, 1.0) + 16 * units if self.atol is None else np.full_like(units, self.atol)
        return Tolerance(atol, units**0.4 if self.rtol is None else np.full_like(units, self.rtol), units**0.2)

    def first(self, units: Vector) -> float:
        """Return the first step: `eps` in float64, more where the numbers are coarser."""
        unit = float(units.max(initial=0.0))
        return self.eps if unit <= 1e-15 else max(self.eps, unit**0.25)


def units_of(blocks: Iterable[Block]) -> Vector:
    """Return the unit of every coordinate."""
    return np.concatenate([np.full(b.stop - b.start, b.unit) for b in blocks] or [np.empty(0)])


def jacobian(fn: RealFunction, only: Sequence[int] | None = None) -> Vector:
    """Return the derivatives by walks back: a row for each output coordinate, a column for each of the inputs.

    With `only`, rows of other outputs are left 0.
    """
    rows = []
    for k, block in enumerate(fn.out):
        for i, seed in enumerate(np.eye(block.stop - block.start)):
            wanted = only is None or block.start + i in only
            rows.append(fn.pulled({k: seed}) if wanted else np.zeros(fn.point.shape))
    return np.stack(rows) if rows else np.zeros((0, len(fn.point)))


def check_together(fn: RealFunction, weights: dict[int, Vector], expected: Vector, sizes: Vector) -> None:
    """Raise Fault unless the gradient from all outputs at once is the sum of those from each."""
    together = fn.pulled(weights)
    unit = max(b.unit for b in (*fn.into, *fn.out))
    with np.errstate(invalid="ignore"):
        off = np.abs(together - expected) > unit**0.4 * (sizes + min(1.0, sizes.max(initial=0.0))) + 1e3 * unit
    for k in np.flatnonzero(off & np.isfinite(expected)):
        block = next(b for b in fn.into if b.start <= k < b.stop)
        raise Fault(
            f"the gradient from all outputs at once, {together[k]:.9g} at {block.label(int(k))}, is not the sum of "
            f"those from each output, {expected[k]:.9g}"
        )


def of_all(fn: RealFunction, slopes: Vector, settings: Settings, columns: Iterable[int]) -> dict[int, Judged]:
    """Return what differences along each input coordinate in `columns` say about that column of the Jacobian."""
    found = {}
    out_units = units_of(fn.out)
    for block in fn.into:
        inside = slopes[:, block.start : block.stop]
        units = np.maximum(out_units, block.unit)
        finite = np.where(np.isfinite(inside), np.abs(inside), 0.0)
        scale = np.concatenate([np.full(b.stop - b.start, finite[b.start : b.stop].max(initial=0.0)) for b in fn.out])
        within = settings.within(units, scale)
        for k in (c for c in columns if block.start <= c < block.stop):
            axis = np.zeros(len(fn.point))
            axis[k] = 1.0
            number = np.finfo(block.dtype).dtype.type
            line = line_through(fn, axis, abs(float(fn.point[k])), block.unit, settings.first(units))
            line = replace(line, start=number(fn.point[k]))
            found[k] = judge(line, slopes[:, k], fn.value, np.abs(fn.value), units, within)
    return found


def line_through(fn: RealFunction, direction: Vector, size: float, unit: float, first: float) -> Line:
    """Return the line through the point in a direction."""

    def values(t: float) -> tuple[Vector, Vector]:
        value = fn.at(fn.point + t * direction)
        return value, np.abs(value)

    return Line(values, size if np.isfinite(size) else 1.0, unit, first)


def row_of(judged: Judged, k: int, output: str, into: str, slope: float, smallest: float | None = None) -> Derivative:
    """Return one derivative for the report."""
    numeric, error, left, right = (float(x[k]) for x in (judged.numeric, judged.error, judged.left, judged.right))
    kind, fits = str(judged.kind[k]), bool(judged.fits[k])
    return Derivative(output, into, float(slope), numeric, error, left, right, kind, fits, smallest)


def at_kinks(
    fn: RealFunction, slopes: Vector, kinked: list[int], settings: Settings, random: np.random.Generator
) -> tuple[list[Derivative], Vector | None]:
    """Return what is wrong along directions that move all coordinates of kinks, and the smallest elements there.

    Between the slopes along each axis lies a box, of which the subdifferential is a part: [1, 1] is in the box of
    max([x, x]), and no gradient of it.
    """
    wrong: list[Derivative] = []
    smallest = None
    if len(kinked) <= _most_kinked:
        smallest = smallest_elements(fn.at, fn.point, np.asarray(kinked), random)
    units = np.maximum(units_of(fn.out), max(b.unit for b in fn.into))
    for direction in [np.ones(len(kinked)), *random.normal(size=(3, len(kinked)))] if len(kinked) > 1 else []:
        whole = np.zeros(len(fn.point))
        whole[kinked] = direction
        with np.errstate(invalid="ignore"):
            along = slopes[:, kinked] @ direction
        line = line_through(fn, whole, float(np.abs(fn.point[kinked]).max()), float(units.max()), settings.first(units))
        judged = judge(line, along, fn.value, np.abs(fn.value), units, settings.within(units, np.ones_like(units)))
        named = "along (" + ", ".join(f"{x:.3g}" for x in direction[:4]) + (", ..." if len(kinked) > 4 else "") + ")"
        for block in fn.out:
            for k in range(block.start, block.stop):
                if np.isfinite(along[k]) and not judged.fits[k] and judged.kind[k] in ("smooth", "kink"):
                    wrong.append(row_of(judged, k, block.label(k), named, along[k]))
    return wrong, smallest


def along_directions(fn: RealFunction, settings: Settings, random: np.random.Generator) -> Iterable[Derivative]:
    """Yield, for each input and output, derivatives of random sums of the output along random directions."""
    out_units = np.asarray([b.unit for b in fn.out])
    for probe in range(1, _directions + 1):
        weights = [random.normal(size=b.stop - b.start) for b in fn.out]
        rows = [fn.pulled({k: w}) for k, w in enumerate(weights)]
        sizes = np.sum([np.where(np.isfinite(row), np.abs(row), 0.0) for row in rows], axis=0)
        check_together(fn, dict(enumerate(weights)), np.sum(rows, axis=0), sizes)
        for block in fn.into:
            direction = np.zeros(len(fn.point))
            here = slice(block.start, block.stop)
            direction[here] = random.normal(size=block.stop - block.start) * np.maximum(1.0, np.abs(fn.point[here]))
            with np.errstate(invalid="ignore"):
                products = [row[here] * direction[here] for row in rows]
                slopes = np.asarray([x.sum() for x in products])
            scale = np.asarray([np.linalg.norm(x[np.isfinite(x)]) for x in products])
            units = np.maximum(out_units, block.unit)
            judged = _along(fn, direction, weights, slopes, units, settings.within(units, scale), block, settings)
            for k, out in enumerate(fn.out):
                named = (f"{out.name} (random sum {probe})", f"{block.name} (random direction {probe})")
                yield row_of(judged, k, *named, slopes[k])


def _along(
    fn: RealFunction,
    direction: Vector,
    weights: list[Vector],
    slopes: Vector,
    units: Vector,
    within: Tolerance,
    block: Block,
    settings: Settings,
) -> Judged:
    """Return what differences of the weighted sums along a direction say about their slopes."""

    def summed(value: Vector) -> tuple[Vector, Vector]:
        terms = [w * value[b.start : b.stop] for w, b in zip(weights, fn.out, strict=True)]
        return np.asarray([x.sum() for x in terms]), np.asarray([2 * np.linalg.norm(x) for x in terms])

    with np.errstate(all="ignore"):
        line = Line(lambda t: summed(fn.at(fn.point + t * direction)), 1.0, block.unit, settings.first(units))
        judged = judge(line, slopes, *summed(fn.value), units, within)
        if ((judged.kind == "kink") & ~judged.fits).any():
            _allow_each_kink(fn, direction, weights, slopes, judged, within, settings.first(units))
        return judged


def _allow_each_kink(
    fn: RealFunction,
    direction: Vector,
    weights: list[Vector],
    slopes: Vector,
    judged: Judged,
    within: Tolerance,
    h: float,
) -> None:
    """Accept what lies between the slopes of each output by itself: a sum of kinks up and down has less between."""
    ahead, far, behind, back = (fn.at(fn.point + t * direction) - fn.value for t in (h, 2 * h, -h, -2 * h))
    right, left = (4 * ahead - far) / (2 * h), (back - 4 * behind) / (2 * h)
    for k, (w, out) in enumerate(zip(weights, fn.out, strict=True)):
        ends = np.stack([w * side[out.start : out.stop] for side in (left, right)])
        lowest, highest = ends.min(axis=0).sum(), ends.max(axis=0).sum()
        slack = judged.error[k] + within(np.full_like(slopes, np.abs(ends).sum()))[k]
        if judged.kind[k] == "kink" and lowest - slack <= slopes[k] <= highest + slack:
            judged.fits[k], judged.left[k], judged.right[k] = True, lowest, highest
