"""What gradcheck found, as one table: derivatives that differ, and kinks, jumps, edges and infinities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Derivative", "GradientReport"]

_most = 12


@dataclass(frozen=True, slots=True)
class Derivative:
    """One derivative: that of `output` by `input`, as the gradient has it and as differences have it.

    `kind` says what the point is: ``smooth``, ``kink``, ``jump``, ``edge`` (of the domain), ``infinite``, ``undefined``
    (the value itself is not finite) or ``unclear`` (differences are too inexact to tell). `numeric` ± `error` is the
    slope; at a kink `left` and `right` are the slopes to its two sides, and `smallest` is the element of smallest norm
    of the subdifferential, in all inputs that were checked jointly; None where it was not worked out.
    """

    output: str
    input: str
    analytic: float
    numeric: float
    error: float
    left: float
    right: float
    kind: str
    fits: bool
    smallest: float | None = None

    def slopes(self) -> str:
        """Return what differences say, as text."""
        if self.kind in ("kink", "jump", "infinite") and not _alike(self.left, self.right):
            return f"{_number(self.left)} | {_number(self.right)}"
        if self.kind == "undefined":
            return "none"
        return _number(self.numeric) if self.kind == "infinite" else f"{_number(self.numeric)} ± {self.error:.1g}"

    def what(self) -> str:
        """Return what the point is, and what is wrong with the gradient there."""
        said = {
            "smooth": "",
            "kink": "kink",
            "jump": "func jumps here",
            "edge": "edge of the domain",
            "infinite": "the slope has no bound",
            "undefined": "func is not finite here",
            "unclear": "differences are too inexact to tell",
        }[self.kind]
        wrong = ""
        if not self.fits and np.isnan(self.analytic):
            wrong = "the gradient is NaN"
        elif not self.fits and np.isinf(self.analytic) and self.kind not in ("infinite", "undefined", "unclear"):
            wrong = "the gradient is infinite, the slope is not"
        elif not self.fits and self.kind == "kink":
            wrong = "the gradient is not between the slopes"
        if self.fits and self.smallest is not None:
            same = abs(self.smallest - self.analytic) <= 1e-3 * max(1.0, abs(self.smallest))
            wrong = "smallest element" if same else f"the smallest element has {self.smallest + 0.0:.3g}"
        return "; ".join(text for text in (said, wrong) if text)


@dataclass(slots=True)
class GradientReport:
    """What was found of a function: `faults` in words, derivatives that are `wrong`, and `special` points that are not.

    `count` derivatives were compared, `largest` is the largest difference among them, in parts of derivatives above 1,
    and `how` says along what.
    """

    name: str
    how: str = ""
    count: int = 0
    largest: float = 0.0
    faults: list[str] = field(default_factory=list)
    wrong: list[Derivative] = field(default_factory=list)
    special: list[Derivative] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the gradient is right."""
        return not self.faults and not self.wrong

    @property
    def kinks(self) -> list[Derivative]:
        """The kinks at which the gradient lies in the subdifferential."""
        return [d for d in self.special if d.kind == "kink"]

    def __str__(self) -> str:
        parts = [self._verdict(), *self.faults]
        if self.wrong:
            parts.append(_table(self.wrong))
        parts += self.hints
        if self.special:
            parts += ["points without a derivative, where the gradient is one that they allow:", _table(self.special)]
        return "\n".join(parts)

    def _verdict(self) -> str:
        if self.wrong:
            return f"{self.name}: {len(self.wrong):,} of {self.count:,} derivatives are wrong ({self.how})"
        if self.faults:
            return f"{self.name}: the function cannot be differentiated as it is"
        special = f", {len(self.special):,} of them at points without one" if self.special else ""
        return (
            f"{self.name}: {self.count:,} derivatives are right{special} ({self.how}); largest difference "
            f"{self.largest:.1g}"
        )


def _alike(left: float, right: float) -> bool:
    return left == right or bool(np.isclose(left, right, rtol=1e-4, atol=1e-7)) or bool(np.isnan([left, right]).all())


def _number(x: float) -> str:
    return f"{x + 0.0:.8g}"


def _table(derivatives: Sequence[Derivative]) -> str:
    """Return derivatives as lines in columns, the first of them where there are many."""
    rows = [["output", "input", "analytic", "numeric", ""]]
    rows += [
        [d.output.removeprefix("output "), d.input.removeprefix("input "), _number(d.analytic), d.slopes(), d.what()]
        for d in derivatives[:_most]
    ]
    widths = [max(len(row[k]) for row in rows) for k in range(5)]
    lines = ["  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    rest = len(derivatives) - _most
    return "\n".join([*lines, *([f"  and {rest:,} more"] if rest > 0 else [])])
