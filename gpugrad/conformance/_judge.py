"""The judge: whether a gradient is right, another open choice, NaN, wrong, or right but of another shape or dtype."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["STATUSES", "Verdict", "close", "judge"]

Host = np.ndarray[Any, Any]

# From best to worst; `unsupported` is a function that is missing, or a call that raises.
STATUSES = ("right", "other", "misfit", "nan", "wrong", "unsupported")

# Bounds on the error over the largest expected element of an array, or over 1/8 where all are smaller.
_BOUNDS = {"single": 1e-4, "double": 1e-10}
_FLOOR = 0.125


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a case: one of STATUSES, and why."""

    status: str
    reason: str = ""


def close(found: Host, expected: Host, precision: str, tolerance: float = 1.0) -> bool:
    """Return whether arrays of one shape agree to the bound of a precision; NaN agrees with NaN, infinity with itself.

    >>> close(np.array([1.0, np.inf]), np.array([1.0 + 1e-12, np.inf]), "double")
    True
    >>> close(np.array([1.001]), np.array([1.0]), "single")
    False
    """
    finite = np.isfinite(expected)
    if not np.array_equal(found[~finite], expected[~finite], equal_nan=True):
        return False
    scale = max(_FLOOR, float(np.max(np.abs(expected[finite]), initial=0.0)))
    return bool(np.all(np.abs(found[finite] - expected[finite]) <= _BOUNDS[precision] * tolerance * scale))


def _short(array: Host) -> str:
    return np.array2string(array, precision=6, threshold=8, separator=", ").replace("\n", "")


def judge(
    found: Sequence[Host],
    expected: Sequence[Host],
    precision: str,
    tolerance: float = 1.0,
    admissible: dict[str, Any] | None = None,
) -> Verdict:
    """Return the verdict on gradients; those expected have the shapes and dtypes that are due.

    >>> judge([np.array([0.5])], [np.array([1.0])], "double").status
    'wrong'
    >>> judge([np.array([0.5])], [np.array([1.0])], "double", admissible={"between": [[[0.0], [1.0]]]}).status
    'other'
    """
    fits = all(f.shape == e.shape and f.dtype == e.dtype for f, e in zip(found, expected, strict=True))
    pairs = [(f.reshape(e.shape) if f.size == e.size else f, e) for f, e in zip(found, expected, strict=True)]
    if any(f.shape != e.shape for f, e in pairs):
        shapes = ", ".join(f"{f.shape} for {e.shape}" for f, e in zip(found, expected, strict=True))
        return Verdict("wrong", f"shape {shapes}")
    if all(close(f, e, precision, tolerance) for f, e in pairs):
        if fits:
            return Verdict("right")
        given = ", ".join(f"{f.dtype}{list(f.shape)}" for f in found)
        due = ", ".join(f"{e.dtype}{list(e.shape)}" for e in expected)
        return Verdict("misfit", f"{given} for {due}")
    says = "; ".join(f"{_short(f)} for {_short(e)}" for f, e in pairs)
    if any(np.isnan(f[~np.isnan(e)]).any() for f, e in pairs):
        return Verdict("nan", says)
    if admissible is not None and _admitted([f for f, _ in pairs], admissible, precision):
        return Verdict("other", says)
    return Verdict("wrong", says)


def _admitted(found: Sequence[Host], admissible: dict[str, Any], precision: str) -> bool:
    """Return whether gradients lie in the set that a case admits: a box, shares of a total, or a ball around 0."""
    slack = _BOUNDS[precision]
    if "between" in admissible:
        return all(
            bool(np.all((f.reshape(-1) >= np.asarray(low) - slack) & (f.reshape(-1) <= np.asarray(high) + slack)))
            for f, (low, high) in zip(found, admissible["between"], strict=True)
        )
    together = np.concatenate([f.reshape(-1) for f in found])
    if "shares" in admissible:
        total = admissible["shares"]
        return bool(np.all(together * np.sign(total) >= -slack) and abs(np.sum(together) - total) <= slack * abs(total))
    return bool(np.linalg.norm(together) <= admissible["ball"] + slack)
