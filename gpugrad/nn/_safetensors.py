"""The safetensors format: host arrays by name, and texts about them, as bytes and back; nothing in them is executed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from gpugrad.errors import DataError, DtypeError, OptionError

__all__ = ["decoded", "encoded", "header_of"]

_dtypes = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "U16": "uint16", "I16": "int16", "U32": "uint32", "I32": "int32",
    "U64": "uint64", "I64": "int64", "F16": "float16", "F32": "float32", "F64": "float64", "C64": "complex64",
}  # fmt: skip
_names = set(_dtypes.values())

_foreign = {
    b"PK\x03\x04": "an archive, such as torch.save and np.savez write",
    b"\x80": "a pickle, such as torch.save wrote long ago",
    b"\x93NUMPY": "an array of NumPy's",
    b"\x89HDF": "a file of HDF5",
    b"version https://git-lfs": "the place holder that Git LFS left; fetch the file itself (git lfs pull)",
}
_conversion = (
    ". A pickle may run any program when it is read, and is not read here; where PyTorch is installed, "
    "safetensors.torch.save_file(torch.load({0!r}, weights_only=True), {1!r}) converts the weights"
)
_longest_header = 100_000_000


def encoded(arrays: Mapping[str, np.ndarray[Any, Any]], metadata: Mapping[str, str] | None = None) -> bytes:
    """Return the content of a file with these host arrays.

    Raises
    ------
    DtypeError, OptionError, TypeError
        A dtype that the format has not, a name that it keeps for itself, metadata that are no texts.
    """
    from safetensors.numpy import save

    if not all(isinstance(x, str) for pair in (metadata or {}).items() for x in pair):
        raise TypeError("the metadata of safetensors are texts by name; make others texts, by json.dumps say")
    ready = {}
    for name, array in arrays.items():
        if name == "__metadata__":
            raise OptionError("no tensor can be named '__metadata__' in safetensors; give it another name")
        if array.dtype.name not in _names:
            raise DtypeError(f"safetensors has no dtype {array.dtype}, which {name!r} has; save it in another one")
        # np.array, because safetensors writes the memory of a transposed array as it lies, and because
        # np.ascontiguousarray would give a 0-d array an axis.
        ready[name] = np.array(array, dtype=array.dtype.newbyteorder("="), order="C")
    return save(ready, metadata=dict(metadata) if metadata else None)


def header_of(content: bytes, name: str) -> dict[str, Any]:
    """Return the header of a file, which must not say a thing twice; DataError, with the file's name, if it is none."""
    size = int.from_bytes(content[:8], "little")
    if not 2 <= size <= min(len(content) - 8, _longest_header) or content[8:9] != b"{":
        raise DataError(f"{name}: {_other_than(content, name)}")
    try:
        header = json.loads(content[8 : 8 + size].decode("utf-8"), object_pairs_hook=_without_duplicates)
        about = header.get("__metadata__", {})
        if not all(isinstance(value, str) for value in about.values()):
            raise ValueError("metadata that are no texts")
    except (ValueError, AttributeError, RecursionError) as error:
        twice = f": {error}" if isinstance(error, _Twice) else ""
        raise DataError(f"{name}: the header of this safetensors file is broken{twice}") from None
    return header  # type: ignore[no-any-return]


def _other_than(content: bytes, name: str) -> str:
    """Return what to say of a file that cannot be safetensors."""
    what = next((what for start, what in _foreign.items() if content.startswith(start)), None)
    if what is None:
        return "this is no safetensors file, or one that was cut off"
    stem = name.rpartition(".")[0] or name
    how = _conversion.format(name, f"{stem}.safetensors") if "torch" in what else ""
    return f"this is no safetensors file but {what}{how}"


class _Twice(ValueError):
    """A key stands twice in one object."""


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        raise _Twice(f"{next(key for key in keys if keys.count(key) > 1)!r} is there twice, and one would be lost")
    return found


def decoded(content: bytes, name: str) -> tuple[dict[str, np.ndarray[Any, Any]], dict[str, str]]:
    """Return the arrays of a file by name, and its metadata; DataError, with the file's name, if it is broken.

    bfloat16, which NumPy has not, becomes float32, which holds all its values.
    """
    from safetensors import SafetensorError, deserialize

    header = header_of(content, name)
    for key, entry in header.items():
        dtype = entry.get("dtype") if isinstance(entry, dict) and key != "__metadata__" else "F32"
        if dtype not in (*_dtypes, "BF16"):
            raise DataError(
                f"{name}: {key!r} has the dtype {str(dtype)[:40]}, which gpugrad has not; convert it to float32 before "
                "it is saved"
            )
    try:
        parts = deserialize(content)  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        told = " ".join(str(error).split())  # it may quote names, and they may have lines
        raise DataError(f"{name}: this safetensors file is broken: {told[:200]}") from None
    arrays = {key: _array(part) for key, part in parts}
    order = [key for key in header if key != "__metadata__"]
    return {key: arrays[key] for key in order}, header.get("__metadata__", {})


def _array(part: dict[str, Any]) -> np.ndarray[Any, Any]:
    """Return one array; those of bfloat16 are the upper halves of float32."""
    if part["dtype"] == "BF16":
        halves = np.frombuffer(part["data"], dtype="<u2").astype(np.uint32)
        return (halves << np.uint32(16)).view(np.float32).reshape(part["shape"])
    array = np.frombuffer(part["data"], dtype=np.dtype(_dtypes[part["dtype"]]).newbyteorder("<"))
    return array.astype(array.dtype.newbyteorder("="), copy=False).reshape(part["shape"])
