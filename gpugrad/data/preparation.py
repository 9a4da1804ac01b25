"""Before training: features of mean 0 and deviation 1, and a part of every class put aside for the test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpugrad.backends import Generator, as_dtype, default_float, is_float
from gpugrad.data.dataset import Host
from gpugrad.errors import DataError, DtypeError, OptionError, ShapeError

__all__ = ["Standardizer", "stratified_split"]


def stratified_split(
    y: Host, test_fraction: float = 0.2, seed: int = 0, classes: Sequence[int | str] | None = None
) -> tuple[Host, Host]:
    """Return the row numbers of the training part and of the test part, each in rising order.

    Every class is in both parts, in the same proportion as in `y`, (rows,), up to rounding. `classes` are the names
    of the labels 0, 1, 2 ... in a message.

    Raises
    ------
    DataError
        If a class has one row only.

    >>> train, test = stratified_split(np.array(["a"] * 8 + ["b"] * 4), test_fraction=0.25)
    >>> len(train), len(test), test[-1] >= 8
    (9, 3, np.True_)
    """
    if not 0 < test_fraction < 1:
        raise OptionError(f"test_fraction must lie between 0 and 1, and is {test_fraction}")
    values, positions, counts = np.unique(y, return_inverse=True, return_counts=True)
    if (counts < 2).any():
        value = values[np.argmax(counts < 2)].item()
        value = value if classes is None else classes[value]
        raise DataError(
            f"class {value!r} has one row only: a training part and a test part need two rows of every class; "
            "add rows, or leave this one out"
        )
    generator = Generator(seed)
    test = np.zeros(len(y), dtype=bool)
    for i, share in enumerate(_shares(counts, test_fraction)):
        rows = np.flatnonzero(positions == i)
        test[rows[generator.permutation(len(rows))[:share]]] = True
    return np.flatnonzero(~test), np.flatnonzero(test)


def _shares(counts: Host, fraction: float) -> Host:
    """Return how many rows of each class are tested, by largest remainder; the sum is rounded up."""
    exact = counts * fraction
    shares = np.floor(exact).astype(np.int64)
    missing = math.ceil(exact.sum() - 1e-9) - shares.sum()
    shares[np.argsort(shares - exact, kind="stable")[:missing]] += 1
    return np.clip(shares, 1, counts - 1)


@dataclass(frozen=True, slots=True, eq=False)
class Standardizer:
    """Shifts and scales each feature as the training rows ask for it; a constant feature becomes 0.

    >>> standardizer = Standardizer.fit(np.array([[1., 5.], [3., 5.]]))
    >>> standardizer(np.array([[1., 5.], [5., 5.]]))
    array([[-1.,  0.],
           [ 3.,  0.]], dtype=float32)
    """

    mean: Host
    scale: Host

    @classmethod
    def fit(cls, x: Host) -> Standardizer:
        """Return the standardizer of the training rows, x (rows, features)."""
        if x.ndim != 2 or 0 in x.shape:
            raise ShapeError(f"Standardizer.fit: x must be (rows, features), not empty, and has shape {x.shape}")
        low, high = x.min(0).astype(np.float64), x.max(0).astype(np.float64)
        # Told from its bounds, because the computed deviation of equal values need not be exactly 0. Divided
        # by the bound before squaring, so that no finite feature overflows.
        constant = low == high
        bound = np.where(constant, 1.0, np.maximum(np.abs(low), np.abs(high)))
        scaled = x / bound
        mean, deviation = scaled.mean(0) * bound, scaled.std(0) * bound
        return cls(np.where(constant, low, mean), np.where(constant | (deviation == 0), 1.0, deviation))

    def __call__(self, x: Host, dtype: Any = default_float) -> Host:
        """Return x (rows, features) standardised, in `dtype`; the arithmetic is float64's, on the host."""
        wanted = as_dtype(dtype)
        if not is_float(wanted):
            raise DtypeError(f"standardised features are floats, and dtype is {wanted}")
        if x.ndim != 2 or x.shape[1] != len(self.mean):
            raise ShapeError(f"x must be (rows, {len(self.mean)}) for this standardizer, and has shape {x.shape}")
        with np.errstate(over="ignore"):
            return ((x - self.mean) / self.scale).astype(wanted)
