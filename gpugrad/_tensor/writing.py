"""Writes: x[key] = v, x += y and their like, through views too, recorded, and harmless to every graph.

A write first puts aside what backward still needs, then changes the memory, then, where gradients are recorded, gives
the base a new node: the old value with the region replaced. Views find out when they are next used.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from gpugrad._graph import Entry, Leaf, mode, put_aside, watching
from gpugrad._op import TENSORS, as_operand, interpreter_of, node_of, on_one_device, table
from gpugrad._ops.indexing import complete_key
from gpugrad.backends import backend_of, is_inexact
from gpugrad.errors import DeviceError, DtypeError, GradientError, OptionError, ShapeError

__all__ = ["overwrite", "write"]


def _owner(tensor: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return the Tensor whose node a recorded write replaces, and the path from it to `tensor`."""
    alias = tensor._alias
    return (tensor, ()) if alias is None or alias.base is None else (alias.base, alias.path)


def _check_writable(tensor: Any) -> None:
    owner, path = _owner(tensor)
    if tensor.is_inference() and not mode.inference:
        raise GradientError(
            f"an inference tensor (shape {tensor.shape}) cannot be written in place outside of inference_mode(); work "
            "on a .clone()"
        )
    if mode.recording and type(owner._node) is Entry:
        raise GradientError(
            f"an input of a function that is differentiated (shape {tensor.shape}) cannot be written in place: it "
            "shares the memory of what the function was called with. Work on a .clone()"
        )
    if mode.recording and type(owner._node) is Leaf:
        what = "a leaf tensor" if owner is tensor else "a view of a leaf tensor"
        raise GradientError(
            f"{what} that requires grad (shape {tensor.shape}) cannot be written in place; do it under no_grad(), or "
            "work on a .clone()"
        )
    if tensor._alias is not None and tensor._alias.memory.lent:
        raise GradientError(
            f"a tensor that was lent to be read (shape {tensor.shape}), to a saved-tensors hook or to a function that "
            "checkpoint calls again, cannot be written in place: backward needs what it holds; .clone() it first"
        )
    repeats = backend_of(tensor._array).overlaps_itself(tensor._array)
    if repeats or any(step.name == "broadcast_to" for step, _, _ in path):
        raise GradientError(
            "the result of broadcast_to cannot be written: its elements share memory; .clone() it first"
        )
    if not getattr(getattr(tensor._array, "flags", None), "writeable", True):
        raise OptionError("the array or buffer that this tensor shares its memory with is read-only; .clone() it first")


def _fitting(tensor: Any, value: Any) -> Any:
    """Return the value to be written as a Tensor or a scalar on the tensor's device, of a kind that it can hold."""
    value = on_one_device([tensor, as_operand(value, "a write")], "a write")[1]
    kinds = "biufc"
    if type(value) in TENSORS:
        if value.device != tensor.device:
            raise DeviceError(
                f"a write: the value is on '{value.device}' and the tensor on '{tensor.device}'; move it with "
                f".to('{tensor.device}')"
            )
        kind = "i" if value.dtype.kind in "iu" else value.dtype.kind
    else:
        kind = {bool: "b", int: "i", float: "f", complex: "c"}[type(value)]
    if kind == "c" and kinds.index(tensor.dtype.kind) < kinds.index("c"):
        raise DtypeError(f"a complex value cannot be written into a tensor of dtype {tensor.dtype}")
    return value


def _store(tensor: Any, key: Any, value: Any, act: str = "assign") -> None:
    """Change the memory, after putting aside what graphs still need of it."""
    array = tensor._array
    backend = backend_of(array)
    raw = value
    with backend.on(tensor.device):
        if type(value) in TENSORS:
            raw = value._array
            if raw.dtype != array.dtype:
                raw = backend.namespace.astype(raw, array.dtype)
            if backend.shares_memory(raw, array):  # CuPy, and NumPy 2.0 with integer keys, read what was just written
                raw = backend.copy(raw)
        if watching.watchers:
            watching.watched_act(act, None, (array, value, raw), partial(_written, tensor, key, raw))
        else:
            _written(tensor, key, raw)


def _written(tensor: Any, key: Any, raw: Any) -> None:
    put_aside(tensor)
    backend_of(tensor._array).write(tensor._array, key, raw)


def _region_shape(tensor: Any, key: Any) -> tuple[int, ...]:
    with backend_of(tensor._array).on(tensor.device):
        return tuple(backend_of(tensor._array).read(tensor._array, key).shape)


def write(tensor: Any, key: Any, value: Any) -> None:
    """Change ``tensor[key]`` to `value`, which broadcasts; where the key repeats a place, the last value wins."""
    interpreter = interpreter_of([tensor, value])
    if interpreter is not None:
        interpreter.write(tensor, key, value)
        return
    _check_writable(tensor)
    key = complete_key(key, tensor._array)
    value = _fitting(tensor, value)
    if type(value) in TENSORS:
        region = _region_shape(tensor, key)
        extra = value.ndim - len(region)
        if extra > 0 and all(n == 1 for n in value.shape[:extra]):
            value = value.reshape(value.shape[extra:])
        if not _broadcasts(value.shape, region):
            raise ShapeError(
                f"a value of shape {value.shape} does not fit the region of shape {region} it is written to"
            )
    owner, path = _owner(tensor)
    node = None
    tracked = node_of(owner) is not None or (type(value) in TENSORS and node_of(value) is not None)
    if mode.recording and tracked and is_inexact(tensor.dtype):
        op: Any = table["assign"]
        node = op.record({"x": owner, "value": value}, {"path": path, "key": key}, None)
    _store(tensor, key, value)
    if node is not None:
        owner._node = node  # its views derive theirs afresh


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    return len(shape) <= len(to) and all(a in (1, b) for a, b in zip(reversed(shape), reversed(to), strict=False))


def overwrite(tensor: Any, z: Any) -> Any:
    """Change all of `tensor` to the result `z` of an operation on it, and return it: what ``x += y`` does."""
    interpreter = interpreter_of([tensor, z])
    if interpreter is not None:
        interpreter.write(tensor, ..., z)
        return tensor
    _check_writable(tensor)
    if z.shape != tensor.shape:
        raise ShapeError(f"in place: the result has shape {z.shape}, which does not fit the tensor's {tensor.shape}")
    if "biufc".index(z.dtype.kind) > "biufc".index(tensor.dtype.kind) and not (
        z.dtype.kind in "iu" and tensor.dtype.kind in "iu"
    ):
        raise DtypeError(f"in place: a result of dtype {z.dtype} cannot be held by a tensor of dtype {tensor.dtype}")
    if not mode.recording or (_owner(tensor)[1] or _owner(tensor)[0] is not tensor) or z._node is None:
        write(tensor, ..., z)
        return tensor
    if z.dtype != tensor.dtype:
        z = z.to(tensor.dtype)
    _store(tensor, (slice(None),) * tensor.ndim, z, "overwrite")
    tensor._node = z._node
    return tensor
