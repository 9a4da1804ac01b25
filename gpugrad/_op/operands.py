"""What a call was given, brought into order: Tensors, plain arrays, Python scalars, and which devices they share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from gpugrad._graph import watch_array
from gpugrad._op.core import TENSORS, new_tensor
from gpugrad.backends import backend_of, is_array_type, is_inexact
from gpugrad.errors import AxisError, DeviceError, DtypeError, GpugradError, LinAlgError, ShapeError

__all__ = [
    "SCALARS",
    "as_computed",
    "as_operand",
    "as_operands",
    "on_one_device",
    "refusal",
    "refuse_complex",
]

SCALARS = frozenset({float, int, bool, complex})


def as_operand(x: Any, op: str) -> Any:
    """Return `x` as a Tensor, a plain array, or a Python scalar (which is weak); NumPy's scalars become Python's."""
    kind = type(x)
    if kind in TENSORS or kind in SCALARS:
        return x
    if isinstance(x, np.generic) and x.dtype.kind in "biufc":
        number = x.item()
        return number if type(number) in SCALARS else complex(x) if x.dtype.kind == "c" else float(x)  # longdouble
    if isinstance(x, np.ndarray):
        if x.dtype.kind not in "biufc":
            raise DtypeError(f"{op} takes numbers and truth values, not an array of {x.dtype}")
        return x if kind is np.ndarray else np.asarray(x)
    if not isinstance(x, np.generic) and is_array_type(kind):
        return x
    bases: tuple[Any, ...] = (int, float, complex)
    for base in bases:
        if isinstance(x, base):
            return base.__pos__(x)
    raise TypeError(
        f"{op} takes tensors, arrays and Python numbers, not {kind.__module__}.{kind.__qualname__}; make a tensor of "
        "it with gpugrad.asarray"
    )


def as_operands(operands: list[Any], op: str) -> tuple[list[Any], bool]:
    """Return the operands of a call in order, and whether there is a Tensor among them.

    Without a Tensor, NumPy's scalars stay what they are, 0-d arrays: rules meet them as gradients of 0-d values.
    """
    if not any(type(x) in TENSORS for x in operands):
        return [np.asarray(x) if isinstance(x, np.generic) else as_operand(x, op) for x in operands], False
    return [as_operand(x, op) for x in operands], True


def as_computed(x: Any, z: Any) -> Any:
    """Return an operand as what the result `z`, of floats, was computed with: integers and truth values as such floats.

    Rules are array code, and the standard mixes no kinds of numbers.
    """
    if type(x) not in TENSORS or is_inexact(backend_of(x._array).dtype_of(x._array)):
        return x
    backend = backend_of(x._array)
    with backend.on(backend.device_of(x._array)):
        return new_tensor(backend.namespace.astype(x._array, z.dtype))


def refuse_complex(op: str, operands: Iterable[Any]) -> None:
    """Raise where a complex number, of which none is larger than another, comes to an op of real numbers."""
    for x in operands:
        kind = type(x)
        if kind is complex or (kind not in SCALARS and x is not None and backend_of(x).dtype_of(x).kind == "c"):
            what = x if kind is complex else backend_of(x).dtype_of(x)
            raise DtypeError(f"{op}: takes real numbers, not {what}; take gpugrad.real or gpugrad.abs of it first")


def _constant(array: Any) -> Any:
    """Return a user's array as a Tensor."""
    tensor = new_tensor(array)
    watch_array(tensor)
    return tensor


def refusal(op: str, operands: Iterable[Any], error: Exception) -> Exception:
    """Return what an array library complained of as an error that names the op, and what it was given."""
    if isinstance(error, AxisError) and str(error).startswith("ax"):  # of code that many ops share
        return AxisError(f"{op}: {error}")
    if isinstance(error, GpugradError):
        return error
    given = [
        repr(x) if type(x) in SCALARS else f"{backend_of(x).dtype_of(x)} {tuple(x.shape)}"
        for x in operands
        if x is not None
    ]
    numerical = isinstance(error, np.linalg.LinAlgError)
    kind = LinAlgError if numerical else DtypeError if isinstance(error, TypeError) else ShapeError
    return kind(f"{op} of {' and '.join(given)}: {str(error).strip()}")


def on_one_device(operands: list[Any], op: str) -> list[Any]:
    """Return the operands, at least one of them a Tensor, with arrays as constant Tensors, all of one library.

    An untracked 0-d Tensor on the host may meet tensors on any device: it is passed as a Python scalar.
    """
    tensors = [x if type(x) in TENSORS or type(x) in SCALARS else _constant(x) for x in operands]
    types = {type(x._array) for x in tensors if type(x) in TENSORS}
    if len(types) == 1:
        return tensors
    far = next(x for x in tensors if type(x) in TENSORS and backend_of(x._array).device_kind != "cpu")
    library = type(far._array)
    for i, x in enumerate(tensors):
        if type(x) not in TENSORS or type(x._array) is library:
            continue
        if x._array.shape == () and x._node is None and backend_of(x._array).device_kind == "cpu":
            tensors[i] = x._array.item()
            continue
        here, there = backend_of(x._array).device_of(x._array), backend_of(far._array).device_of(far._array)
        raise DeviceError(f"{op}: operands are on '{here}' and '{there}'; move one with .to('{there}')")
    return tensors
