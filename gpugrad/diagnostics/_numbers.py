"""Arrays as a few short lines: their elements where they are few, else their norm."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpugrad.backends import Array, backend_of

__all__ = ["element", "elements", "few", "norm", "on_host", "shape_text"]

_most_columns = 6
_most_rows = 4


def on_host(array: Array) -> np.ndarray[Any, Any]:
    """Return the contents of an array, or a Python number, as a NumPy array."""
    if not hasattr(array, "shape"):
        return np.asarray(array)
    return np.asarray(backend_of(array).to_host(array))


def element(value: Any) -> str:
    """Return a number with four significant digits.

    >>> element(-12.0), element(0.7310586), element(float("nan")), element(1 - 2.5j), element(7)
    ('-12', '0.7311', 'nan', '1-2.5j', '7')
    """
    if isinstance(value, bool | np.bool_ | int | np.integer):
        return str(value)
    if isinstance(value, complex | np.complexfloating):
        imaginary = element(value.imag)
        return element(value.real) + (imaginary if imaginary[0] == "-" else "+" + imaginary) + "j"
    return f"{float(value) + 0.0:.4g}"


def few(shape: tuple[int, ...]) -> bool:
    """Return whether an array of this shape is shown by its elements."""
    if 0 in shape:
        return True
    return len(shape) <= 2 and (
        not shape or (shape[-1] <= _most_columns and (len(shape) == 1 or shape[0] <= _most_rows))
    )


def elements(values: np.ndarray[Any, Any]) -> list[str]:
    """Return the elements of a small array, a line for each row, in columns.

    >>> elements(np.asarray([[1.0, 20.0], [3.0, 4.5]]))
    ['[1,  20]', '[3, 4.5]']
    """
    if values.ndim == 0:
        return [element(values[()])]
    written = [[element(v) for v in row] for row in np.atleast_2d(values)]
    widths = [max(len(text) for text in column) for column in zip(*written, strict=True)]
    return ["[" + ", ".join(t.rjust(w) for t, w in zip(row, widths, strict=True)) + "]" for row in written]


def norm(values: np.ndarray[Any, Any]) -> tuple[str, int]:
    """Return the Euclidean norm of all elements, and how many of them are NaN or infinite."""
    numbers = np.abs(values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)).ravel()
    with np.errstate(all="ignore"):
        largest = numbers.max(initial=0.0)
        scale = largest if np.isfinite(largest) and largest > 0 else 1.0  # squares neither overflow nor vanish
        length = float(scale * np.linalg.norm(numbers / scale))
    return element(length), int(np.count_nonzero(~np.isfinite(numbers)))


def shape_text(shape: tuple[int, ...], dtype: Any) -> str:
    """Return a shape and a dtype as they are shown."""
    return f"{tuple(shape)} {dtype}"
