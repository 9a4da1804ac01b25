"""A classifier in one safetensors file: weights as arrays, all else as JSON in its metadata; nothing is executed."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from gpugrad.cli.model import Architecture, Classifier, Training, activations
from gpugrad.data.dataset import fault
from gpugrad.data.delimited import regular_file
from gpugrad.data.preparation import Standardizer
from gpugrad.errors import GpugradError
from gpugrad.nn.interchange import load_safetensors, safetensors_metadata, save_safetensors

__all__ = ["load", "save"]

_format = 1


def save(path: Path, classifier: Classifier, training: Training) -> None:
    """Write a classifier; a file of that name is replaced only by a whole one."""
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
    told = json.dumps(about, ensure_ascii=False, allow_nan=False)
    save_safetensors(classifier.module.state_dict(), path, {"gpugrad": told})


def load(path: str | Path) -> tuple[Classifier, Training]:
    """Return the classifier in a file, or in the model.safetensors of a folder, on the device in use.

    Raises
    ------
    DataError
        If there is none, or the file is not one that `gpugrad train` wrote.
    """
    path = Path(path)
    path = regular_file(path / "model.safetensors" if path.is_dir() else path)
    try:
        about = json.loads(safetensors_metadata(path)["gpugrad"])
        if about["format"] != _format:
            raise fault(path, f"format {about['format']} is newer than this gpugrad; upgrade it")
        classifier, training = _classifier(about), Training(**about["training"])
        state = load_safetensors(path)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, GpugradError):
            raise
        raise fault(path, "this is no model that `gpugrad train` wrote, or a broken one; train it again") from None
    try:
        classifier.module.load_state_dict(state)
    except GpugradError as error:
        raise fault(path, f"the weights do not fit the architecture ({error}); train the model again") from None
    return classifier, training


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
