"""States in safetensors files: weights to PyTorch and back by name, and whole checkpoints, without a pickle."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gpugrad._tensor import Tensor, asarray
from gpugrad._tensor.making import from_host
from gpugrad.errors import DataError, OptionError
from gpugrad.nn._outlines import outlined, rebuilt
from gpugrad.nn._safetensors import decoded, encoded, header_of

__all__ = ["load_safetensors", "safetensors_metadata", "save_safetensors", "write_whole"]

_outline = "gpugrad.outline"


def save_safetensors(
    state: Mapping[Any, Any], path: str | os.PathLike[str], metadata: Mapping[str, str] | None = None
) -> None:
    """Write a state to a safetensors file; one of that name is replaced only by a whole one.

    Parameters
    ----------
    state
        The `state_dict` of a module: tensors, or arrays, by name. PyTorch reads the file by
        ``model.load_state_dict(safetensors.torch.load_file(path))``. Or a nested one, as that of an optimizer, or
        ``{"model": ..., "optimizer": ..., "epoch": 3}``: tensors, numbers, texts and None in dicts, lists and tuples.
        Then the names of tensors are dotted, and the metadata have an outline of the rest.
    path
        The file. Its folder must be there.
    metadata
        Texts by name. Some libraries look for ``{"format": "pt"}``.

    Raises
    ------
    TypeError, DtypeError, OptionError
        What cannot be saved, by name. safetensors has no complex128.
    DataError
        If the file cannot be written.

    >>> import gpugrad, pathlib, tempfile
    >>> model = gpugrad.nn.Linear(2, 1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "model.safetensors"
    ...     gpugrad.save_safetensors(model.state_dict(), path)
    ...     gpugrad.nn.Linear(2, 1).load_state_dict(gpugrad.load_safetensors(path))
    <All keys matched successfully>
    """
    if not isinstance(state, Mapping):
        raise TypeError(
            f"save_safetensors takes a dict of tensors, not {type(state).__name__}; of a module or an optimizer it is "
            ".state_dict()"
        )
    about = dict(metadata or {})
    if _outline in about:
        raise OptionError(f"the metadata have the name {_outline!r}, which gpugrad keeps for itself; take another one")
    try:
        tensors, outline = outlined(state)
        if outline is not None:
            about[_outline] = outline
        content = encoded({name: _on_host(value) for name, value in tensors.items()}, about)
    except RecursionError:
        raise OptionError("a state that is nested this deep, or within itself, cannot be saved") from None
    except UnicodeEncodeError as error:
        raise OptionError(f"a name or text of the state cannot be written as UTF-8: {error.object[:40]!r}") from None
    write_whole(path, content)


def _on_host(value: Any) -> np.ndarray[Any, Any]:
    return np.asarray(asarray(value).detach().cpu().numpy())


def load_safetensors(path: str | os.PathLike[str], device: Any = None) -> dict[Any, Any]:
    """Return the state in a safetensors file, as it was saved, on `device`, by default the one in use.

    A file of PyTorch's is a dict of its tensors by name, which `Module.load_state_dict` takes. Dtypes are kept, but
    bfloat16 becomes float32, with the same values.

    Raises
    ------
    DataError
        If there is no such file, it is broken, says a thing twice, has a dtype that gpugrad has not, or is another
        thing than safetensors. A pickle, which may run any program when it is read, is refused.
    """
    arrays, about = decoded(_content(path), os.fspath(path))
    tensors: dict[str, Tensor] = {name: from_host(array, device) for name, array in arrays.items()}
    if _outline not in about:
        return tensors
    try:
        return rebuilt(about[_outline], tensors)  # type: ignore[no-any-return]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise DataError(f"{os.fspath(path)}: the outline of this state and its tensors do not fit each other") from None


def safetensors_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """Return the texts that a safetensors file has about its tensors, by name.

    >>> import gpugrad, pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "weights.safetensors"
    ...     gpugrad.save_safetensors({"w": gpugrad.ones(2)}, path, {"trained on": "digits"})
    ...     gpugrad.safetensors_metadata(path)
    {'trained on': 'digits'}
    """
    about = header_of(_content(path), os.fspath(path)).get("__metadata__", {})
    return {name: text for name, text in about.items() if name != _outline}


def _content(path: str | os.PathLike[str]) -> bytes:
    """Return what stands in a file."""
    file = Path(path)
    try:
        if file.exists() and not file.is_file():
            raise DataError(f"{file}: this is {'a folder' if file.is_dir() else 'no regular file'}; name a file")
        return file.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{file}: there is no such file. Check the path") from None
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file beside its place and move it there, so that nobody meets half a file.

    Raises
    ------
    DataError
        If that cannot be; what was there before is there still.
    """
    try:
        whole = Path(os.path.realpath(path))  # through a link, which stays one
        part = whole.with_name(f".{os.getpid()}-{secrets.token_hex(4)}.part")
        try:
            with part.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(whole)
        finally:
            part.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or error
        raise DataError(f"{os.fspath(path)}: cannot be written: {told}") from None
