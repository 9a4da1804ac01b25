"""How a Tensor is printed: in PyTorch's form, four digits, the middle left out above 1000 elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gpugrad._graph import Leaf
from gpugrad.backends import default_float, default_integer

__all__ = ["as_text"]

_line_width = 80
_edge = 3
_most = 1000
_usual = (default_float, default_integer, np.dtype("bool"), np.dtype("complex64"))


def _written_float(values: np.ndarray[Any, Any]) -> tuple[Callable[[Any], str], int]:
    """Return how each value is written, and how wide: whole numbers as ``2.``, wide ranges in scientific form."""
    counted = values[np.isfinite(values) & (values != 0)]
    sizes = np.abs(counted).astype(np.float64)
    digits = "f"
    if sizes.size:
        low, high = sizes.min(), sizes.max()
        whole = bool(np.all(sizes == np.trunc(sizes)))
        digits = "f" if whole else ".4f"
        if high > 1e8 or low < high / 1000 or (not whole and low < 1e-4):
            digits = ".4e"

    def write(v: Any) -> str:
        if digits != "f":
            return f"{v:{digits}}"
        return f"{v:.0f}." if np.isfinite(v) else f"{v}"

    return write, max((len(write(v)) for v in counted.ravel()), default=1)


def _written(values: np.ndarray[Any, Any]) -> Callable[[Any], str]:
    """Return how each value is written, all of them in one width."""
    if values.dtype.kind == "f":
        write, width = _written_float(values)
        return lambda v: write(v).rjust(width)
    if values.dtype.kind == "c":
        real, real_width = _written_float(values.real)
        imaginary, _ = _written_float(values.imag)
        return lambda v: (
            f"{real(v.real).rjust(real_width)}{'-' if np.signbit(v.imag) else '+'}{imaginary(abs(v.imag))}j"
        )
    width = max((len(str(v)) for v in values.ravel()), default=0)
    return lambda v: str(v).rjust(width)


def _shown(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the elements that will be printed."""
    for axis, size in enumerate(values.shape):
        if size > 2 * _edge:
            ends = [slice(None)] * axis
            parts = [values[(*ends, slice(_edge))], values[(*ends, slice(-_edge, None))]]
            values = np.concatenate(parts, axis=axis)
    return values


def _block(values: np.ndarray[Any, Any], indent: int, shortened: bool, write: Callable[[Any], str]) -> str:
    """Return nested brackets, the innermost rows broken into lines."""
    if values.ndim == 0:
        return write(values[()])
    cut = shortened and len(values) > 2 * _edge
    ends = [*values[:_edge], *values[-_edge:]] if cut else list(values)
    items = [_block(np.asarray(v), indent + 1, shortened, write) for v in ends]
    if values.ndim > 1:
        separator = "," + "\n" * (values.ndim - 1) + " " * (indent + 1)
        return "[" + separator.join([*items[:_edge], "...", *items[_edge:]] if cut else items) + "]"
    in_line = max(1, (_line_width - indent) // (max(map(len, items), default=0) + 2))
    items = [*items[:_edge], " ...", *items[_edge:]] if cut else items
    lines = [", ".join(items[i : i + in_line]) for i in range(0, len(items), in_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _notes(tensor: Any, values: np.ndarray[Any, Any]) -> list[str]:
    """Return what is told beside the elements."""
    notes = []
    if values.size == 0 and values.ndim > 1:
        notes.append(f"size={tuple(values.shape)}")
    if tensor.dtype not in (_usual if values.size else (default_float,)):
        notes.append(f"dtype=gpugrad.{tensor.dtype.name}")
    if tensor.device.kind != "cpu":
        notes.append(f"device='{tensor.device}'")
    if type(tensor._node) is Leaf:
        notes.append("requires_grad=True")
    elif tensor.grad_fn is not None:
        notes.append(f"grad_fn={tensor.grad_fn!r}")
    return notes


def as_text(tensor: Any, values: np.ndarray[Any, Any]) -> str:
    """Return the printed form of a tensor whose contents are `values`."""
    prefix = "tensor("
    indent, shortened = len(prefix), values.size > _most
    write = _written(_shown(values) if shortened else values)
    text = prefix + ("[]" if values.size == 0 else _block(values, indent, shortened, write))
    for note in _notes(tensor, values):
        room = _line_width - (len(text) - text.rfind("\n") + 1)
        text += (", " if len(note) + 2 <= room else ",\n" + " " * indent) + note
    return text + ")"
