"""The folder of a run: found and tried before training starts, filled when it has ended."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, astuple, fields
from itertools import count
from pathlib import Path
from typing import Any

from gpugrad.cli.loop import Epoch
from gpugrad.cli.model import Classifier, Training
from gpugrad.cli.options import TrainOptions, spelled
from gpugrad.cli.storage import save
from gpugrad.errors import OptionError
from gpugrad.nn.interchange import write_whole

__all__ = ["run_folder", "write_run"]


def run_folder(options: TrainOptions) -> Path:
    """Return the folder that a run writes to, made and writable, or raise OptionError.

    Without --out it is a new one, runs/NAME-1, runs/NAME-2 ... after the data.
    """
    folder = options.out
    try:
        if folder is not None:
            if folder.exists() and not folder.is_dir():
                raise OptionError(f"--out {folder}: this is a file; name a folder")
            folder.mkdir(parents=True, exist_ok=True)
        else:
            folder = _new_folder(Path("runs"), options.data.stem if options.data else "digits")
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except (OSError, ValueError) as error:
        if isinstance(error, OptionError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise OptionError(f"--out {folder or 'runs'}: cannot be written to ({reason}); name another folder") from None


def _new_folder(parent: Path, name: str) -> Path:
    parent.mkdir(exist_ok=True)
    for number in count(1):
        folder = parent / f"{name}-{number}"
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise AssertionError("counting does not end")


def write_run(
    folder: Path, options: TrainOptions, classifier: Classifier, training: Training, history: Sequence[Epoch]
) -> list[Path]:
    """Write model, metrics and options of a run and return the three files."""
    model, metrics, config = (folder / name for name in ("model.safetensors", "metrics.csv", "config.toml"))
    save(model, classifier, training)
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(field.name for field in fields(Epoch))
    rows.writerows(astuple(epoch) for epoch in history)
    write_whole(metrics, text.getvalue().encode())
    given = {key: value for key, value in asdict(options).items() if value is not None}
    lines = [f"{key} = {_toml(value)}\n" for key, value in {**given, "lr": options.learning_rate}.items()]
    write_whole(config, "".join(lines).encode())
    return [model, metrics, config]


def _toml(value: Any) -> str:
    """Return a value as TOML spells it: numbers and lists as JSON does, texts almost.

    >>> _toml((64, 32)), _toml(0.5), _toml(Path("a"))
    ('[64, 32]', '0.5', '"a"')
    """
    if isinstance(value, int | float | list | tuple):
        return json.dumps(value)
    return json.dumps(spelled(value), ensure_ascii=False).replace("\x7f", "\\u007f")
