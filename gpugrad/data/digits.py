"""Handwritten digits, which come with the package: nothing is downloaded."""

from __future__ import annotations

from importlib.resources import files

import numpy as np

from gpugrad.data.dataset import Dataset

__all__ = ["load_digits"]


def load_digits() -> Dataset:
    """Return 1,797 images of handwritten digits: x (1797, 64) of 0 to 16, y (1797,) of 0 to 9.

    Each row of x is an image of 8 by 8 pixels. From Alpaydin and Kaynak (1998), UCI Machine Learning Repository,
    https://doi.org/10.24432/C50P49, CC BY 4.0.

    >>> x, y = load_digits()
    >>> x.shape, x.dtype.name, y[:5].tolist()
    ((1797, 64), 'uint8', [0, 1, 2, 3, 4])
    """
    with (files("gpugrad") / "data" / "digits.npz").open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        x, y = arrays["x"], arrays["y"].astype(np.int64)
    names = tuple(f"pixel_{i // 8}_{i % 8}" for i in range(64))
    return Dataset(x, y, tuple(range(10)), names, "digit")
