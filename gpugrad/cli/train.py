"""`gpugrad train`: read, split, standardise, train, write, and say how well it went."""

from __future__ import annotations

import math
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpugrad.autograd import detect_anomaly
from gpugrad.backends import backend_of_device, default_device, manual_seed, use_backend
from gpugrad.cli.blas import one_thread_if_small
from gpugrad.cli.folder import run_folder, write_run
from gpugrad.cli.interrupt import interruption
from gpugrad.cli.loop import Epoch, accuracy, fit
from gpugrad.cli.model import Architecture, Classifier, Training, rows_at_once
from gpugrad.cli.options import TrainOptions, spelled
from gpugrad.cli.report import Report
from gpugrad.cli.step_times import StepTimes
from gpugrad.data import Batches, Dataset, Standardizer, load_digits, read_file, stratified_split
from gpugrad.errors import AnomalyError, DataError, OptionError

__all__ = ["Problem", "chosen", "learn", "prepare", "test_fraction", "train"]

test_fraction = 0.2


@dataclass(frozen=True, slots=True)
class Problem:
    """A classifier with fresh weights, and the batches to train and test it on."""

    classifier: Classifier
    train: Batches
    test: Batches


def chosen(backend: str | None) -> AbstractContextManager[Any]:
    """Return a block in which new tensors go to the backend asked for, or else to the one in use."""
    return nullcontext() if backend is None else use_backend(backend)


def read(options: TrainOptions) -> Dataset:
    """Return the dataset that the options name."""
    if options.data is not None:
        return read_file(options.data, options.target)
    if options.target is not None:
        raise OptionError("--target names a column of a file, and there is no --data; leave it out, or name the file")
    return load_digits()


def prepare(options: TrainOptions) -> Problem:
    """Return the problem that the options describe, on the device in use; the seed decides split and weights."""
    dataset = read(options)
    assert dataset.y is not None
    try:
        train, test = stratified_split(dataset.y, test_fraction, options.seed, dataset.classes)
    except DataError as error:
        raise DataError(f"{options.data}, column {dataset.target!r}: {error}") from None
    if options.batch_size > len(train):
        raise OptionError(f"--batch-size {options.batch_size}: there are {len(train)} training rows; give at most that")
    standardizer = Standardizer.fit(dataset.x[train])
    manual_seed(options.seed)
    architecture = Architecture(
        features=dataset.x.shape[1],
        hidden=options.hidden,
        classes=len(dataset.classes),
        activation=options.activation,
        dropout=options.dropout,
        dtype=options.dtype,
    )
    parts = [(standardizer(dataset.x[rows], options.dtype), dataset.y[rows]) for rows in (train, test)]
    return Problem(
        Classifier.untrained(architecture, dataset, standardizer),
        Batches(*parts[0], batch_size=options.batch_size, seed=options.seed),
        Batches(*parts[1], batch_size=rows_at_once, shuffle=False),
    )


def learn(
    problem: Problem, options: TrainOptions, report: Report, times: StepTimes | None = None
) -> tuple[list[Epoch], bool]:
    """Train the classifier of a problem; return its epochs, and whether Ctrl-C ended them."""
    device = default_device()
    facts = {
        "backend": f"{backend_of_device(device).name} on {device}, {options.dtype}",
        "data": f"{options.data or 'digits'}: {problem.train.rows} rows to train on, {problem.test.rows} to test on, "
        f"{len(problem.classifier.features)} features, {len(problem.classifier.classes)} classes",
    }
    module = problem.classifier.module
    work = options.batch_size * problem.classifier.architecture.largest_layer
    looking = detect_anomaly() if options.detect_anomaly else nullcontext()
    with report, interruption() as stop, backend_of_device(device).quiet(), one_thread_if_small(work), looking:
        report.opening(facts, module)
        try:
            around = times or nullcontext()
            history = fit(module, problem.train, problem.test, options, report.epoch, stop.__bool__, around)
        except AnomalyError as error:
            found = "; ".join(line.strip() for line in str(error).splitlines())
            raise OptionError(f"training stopped and nothing is written: {found}") from None
    if history and not math.isfinite(history[-1].loss):
        raise OptionError(
            f"the loss is {history[-1].loss} in epoch {len(history)}, so training stopped and nothing is written; "
            f"--lr {options.learning_rate:g} may be too high"
        )
    return history, len(history) < options.epochs


def train(options: TrainOptions) -> int:
    """Run `gpugrad train` and return its exit status; the accuracy on the test part is its last line."""
    with chosen(options.backend):
        problem = prepare(options)
        folder = run_folder(options)
        report = Report(options.epochs)
        times = StepTimes() if options.profile else None
        history, stopped = learn(problem, options, report, times)
        if not history:
            print("gpugrad: interrupted before the first epoch was over; nothing is written", file=sys.stderr)
            return 130
        result = accuracy(problem.classifier.module, problem.test)
        training = Training(
            data=spelled(options.data or Path("digits")),
            seed=options.seed,
            test_fraction=test_fraction,
            test_accuracy=result,
        )
        files = write_run(folder, options, problem.classifier, training, history)
        files += times.write(folder) if times else []
    if stopped:
        done = f"after epoch {len(history)} of {options.epochs}"
        print(f"gpugrad: interrupted {done}; test accuracy {result:.4f}, saved in {folder}", file=sys.stderr)
        return 130
    report.line("")
    for file in files:
        report.line(f"wrote {file}")
    report.line(f"test accuracy: {result:.4f}", "bold green")
    return 0
