"""`gpugrad predict`: the classes that a saved model gives the rows of a file."""

from __future__ import annotations

import sys
from pathlib import Path

from gpugrad.cli.model import Classifier, Training
from gpugrad.cli.storage import load
from gpugrad.cli.train import chosen
from gpugrad.data import Dataset, load_digits, read_matching, stratified_split
from gpugrad.data.dataset import fault
from gpugrad.errors import DataError

__all__ = ["predict"]


def predict(model: Path, data: Path | None, held_out: bool, backend: str | None) -> int:
    """Print one class a line, and the accuracy on standard error where the labels are known; return the status."""
    with chosen(backend):
        classifier, training = load(model)
        dataset = _rows(classifier, data)
        if held_out:
            dataset = _held_out(dataset, training, data)
        found = classifier.predict(dataset.x)
    print("\n".join(str(classifier.classes[i]) for i in found), flush=True)
    if dataset.y is not None:
        accuracy = float((found == dataset.y).mean())
        print(f"accuracy on {len(found)} rows: {accuracy:.4f}", file=sys.stderr)
    return 0


def _rows(classifier: Classifier, data: Path | None) -> Dataset:
    if data is not None:
        return read_matching(data, classifier.features, classifier.target, classifier.classes)
    digits = load_digits()
    if classifier.features != digits.features:
        raise DataError("the model was not trained on the embedded digits: name a file with --data")
    return digits


def _held_out(dataset: Dataset, training: Training, data: Path | None) -> Dataset:
    if dataset.y is None:
        raise fault(Path(data or ""), "--held-out splits by the labels, and there are none; leave it out")
    if (dataset.y < 0).any():
        raise fault(Path(data or ""), "--held-out is for the file trained on, and this one has labels that one had not")
    _, rows = stratified_split(dataset.y, training.test_fraction, training.seed, dataset.classes)
    return Dataset(dataset.x[rows], dataset.y[rows], dataset.classes, dataset.features, dataset.target)
