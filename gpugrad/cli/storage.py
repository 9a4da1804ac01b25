"""A classifier in one safetensors file: weights as arrays, all else as JSON in its metadata; nothing is executed."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from gpugrad._tensor.making import from_host
from gpugrad.cli.model import Architecture, Classifier, Training, activations
from gpugrad.data.dataset import fault
from gpugrad.data.delimited import regular_file
from gpugrad.data.preparation import Standardizer
from gpugrad.errors import GpugradError

__all__ = ["load", "save", "write_whole"]

_format = 1


def save(path: Path, classifier: Classifier, training: Training) -> None:
    """Write a classifier; a file of that name is replaced only by a whole one."""
    # np.array, because safetensors writes the memory of a transposed array as it lies, and because
    # np.ascontiguousarray would give a 0-d array an axis.
    state = classifier.module.state_dict()
    arrays = {name: np.array(tensor.detach().cpu().numpy(), order="C") for name, tensor in state.items()}
    standardizer = classifier.standardizer
    about = {
        "format": _format,
        "architecture": asdict(classifier.architecture),
        "classes": classifier.classes,
        "features": classifier.features,
        "target": classifier.target,
        "standardizer": {"mean": standardizer.mean.tolist(), "scale": standardizer.scale.tolist()},
        "training": asdict(training),
    }
    write_whole(path, save_arrays(arrays, metadata={"gpugrad": json.dumps(about, ensure_ascii=False, allow_nan=False)}))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place and move it there, so that nobody meets half a file."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def load(path: str | Path) -> tuple[Classifier, Training]:
    """Return the classifier in a file, or in the model.safetensors of a folder, on the device in use.

    Raises
    ------
    DataError
        If there is none, or the file is not one that `gpugrad train` wrote.
    """
    path = Path(path)
    path = regular_file(path / "model.safetensors" if path.is_dir() else path)
    content = path.read_bytes()
    try:
        about = json.loads(_metadata(content)["gpugrad"])
        if about["format"] != _format:
            raise fault(path, f"format {about['format']} is newer than this gpugrad; upgrade it")
        classifier, training = _classifier(about), Training(**about["training"])
        arrays = load_arrays(content)
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, GpugradError):
            raise
        raise fault(path, "this is no model that `gpugrad train` wrote, or a broken one; train it again") from None
    try:
        classifier.module.load_state_dict({name: from_host(array) for name, array in arrays.items()})
    except GpugradError as error:
        raise fault(path, f"the weights do not fit the architecture ({error}); train the model again") from None
    return classifier, training


def _metadata(content: bytes) -> dict[str, str]:
    """Return the metadata of a safetensors file, whose header must not say a thing twice."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size].decode("utf-8"), object_pairs_hook=_without_duplicates)
    return header["__metadata__"]  # type: ignore[no-any-return]


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _classifier(about: dict[str, Any]) -> Classifier:
    given = about["architecture"]
    architecture = Architecture(**{**given, "hidden": tuple(given["hidden"])})
    standardizer = Standardizer(*(np.array(about["standardizer"][key], dtype=np.float64) for key in ("mean", "scale")))
    classes, features = tuple(about["classes"]), tuple(about["features"])
    fits = (
        len(features) == architecture.features
        and len(classes) == architecture.classes
        and standardizer.mean.shape == standardizer.scale.shape == (len(features),)
        and bool(np.isfinite(standardizer.mean).all() and (standardizer.scale > 0).all())
        and all(type(name) is str for name in (*features, about["target"]))
        and all(type(size) is int and size > 0 for size in (*architecture.hidden, architecture.features))
        and architecture.activation in activations
        and architecture.dtype in ("float32", "float64")
    )
    if not fits:
        raise ValueError("the parts of the description do not fit each other")
    return Classifier(
        architecture=architecture,
        module=architecture.build(),
        standardizer=standardizer,
        features=features,
        classes=classes,
        target=about["target"],
    )
