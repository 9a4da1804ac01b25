"""How a Tensor is printed: in PyTorch's form, four digits, the middle left out above 1000 elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gpugrad._graph import Leaf
from gpugrad.backends import default_float, default_integer

__all__ = ["as_text"]


def _float_format(values: np.ndarray[Any, Any]) -> Callable[[Any], str]:
    """Return how each value is written: whole numbers as ``2.``, wide ranges in scientific form."""
    finite = np.abs(values[np.isfinite(values) & (values != 0)]).astype(np.float64)
    if finite.size == 0:
        return lambda v: f"{v:.0f}." if np.isfinite(v) else f"{v}"
    low, high = finite.min(), finite.max()
    whole = bool(np.all(finite == np.trunc(finite)))
    if high > 1e8 or high / low > 1000 or (not whole and low < 1e-4):
        return lambda v: f"{v:.4e}"
    if whole:
        return lambda v: f"{v:.0f}." if np.isfinite(v) else f"{v}"
    return lambda v: f"{v:.4f}"


def _formatter(values: np.ndarray[Any, Any]) -> Callable[[Any], str]:
    if values.dtype.kind == "f":
        write = _float_format(values)
    elif values.dtype.kind == "c":
        real, imaginary = _float_format(values.real), _float_format(values.imag)
        write = lambda v: f"{real(v.real)}{'-' if np.signbit(v.imag) else '+'}{imaginary(abs(v.imag))}j"  # noqa: E731
    else:
        write = str
    width = max((len(write(v)) for v in values.ravel()), default=0)
    return lambda v: write(v).rjust(width)


def _shown(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the elements that will be printed."""
    if values.size <= 1000:
        return values
    for axis, size in enumerate(values.shape):
        if size > 6:
            ends = [slice(None)] * axis
            values = np.concatenate([values[(*ends, slice(3))], values[(*ends, slice(-3, None))]], axis=axis)
    return values


def as_text(tensor: Any, values: np.ndarray[Any, Any]) -> str:
    """Return the printed form of a tensor whose contents are `values`."""
    notes = []
    if values.size == 0 and values.ndim > 1:
        notes.append(f"size={tuple(values.shape)}")
    if tensor.dtype not in (default_float, default_integer, np.dtype("bool")):
        notes.append(f"dtype=gpugrad.{tensor.dtype.name}")
    if tensor.device.kind != "cpu":
        notes.append(f"device='{tensor.device}'")
    if type(tensor._node) is Leaf:
        notes.append("requires_grad=True")
    elif tensor.grad_fn is not None:
        notes.append(f"grad_fn={tensor.grad_fn!r}")
    text = (
        "[]"
        if values.size == 0
        else np.array2string(
            values,
            separator=", ",
            prefix="tensor(",
            threshold=1000,
            edgeitems=3,
            max_line_width=80,
            formatter={"all": _formatter(_shown(values))},
        )
    )
    return f"tensor({', '.join([text, *notes])})"
