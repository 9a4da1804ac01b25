"""A file of the same kind as the one that a model learned from: its columns found by name or by place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gpugrad.data.arrays import checked_features, checked_labels
from gpugrad.data.dataset import Classes, Dataset, Host, fault
from gpugrad.data.delimited import open_text
from gpugrad.data.files import header_of, load_arrays, numbered, position_of, read_columns

__all__ = ["read_matching"]


def read_matching(path: str | Path, features: Sequence[str], target: str, classes: Classes) -> Dataset:
    r"""Return the rows of a file with the features asked for; y is None where the file has no labels.

    A header is matched by name, in any order, and further columns are left out. Without one the columns are taken
    as they stand, with or without the label. The labels become positions in `classes`, -1 for one not among them.

    Raises
    ------
    DataError
        One line that says where the fault is and what to do.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "new.csv")
    ...     _ = path.write_text("4.5,3\n20,9\n")
    ...     read_matching(path, ["weight", "age"], "animal", ("cat", "dog")).x.tolist()
    [[4.5, 3.0], [20.0, 9.0]]
    """
    if Path(path).suffix.lower() == ".npz":
        found = _from_arrays(Path(path), len(features), target)
    else:
        found = _from_text(path, features, target)
    y = None if found.y is None else _known(found.y, found.classes, classes)
    return Dataset(found.x, y, classes, tuple(features), target)


def _from_text(path: str | Path, features: Sequence[str], target: str) -> Dataset:
    text = open_text(path)
    header = header_of(text, target)
    names = header or numbered(text.width)
    if header is not None and set(features) <= set(header):
        columns = [position_of(text.path, header, name) for name in features]
        label = header.index(target) if target in header else None
        return read_columns(text, True, header, columns, label)
    named = tuple(features) != numbered(len(features)) and target not in numbered(len(features) + 1)
    if header is not None and named:
        missing = next(name for name in features if name not in header)
        position_of(text.path, header, missing)
    if text.width == len(features):
        return read_columns(text, header is not None, names, range(text.width), None)
    if text.width != len(features) + 1:
        wanted = f"the model was trained on {len(features)} features"
        raise fault(text.path, f"{text.width} columns, and {wanted}; give these, with or without the label")
    label = numbered(text.width).index(target) if target in numbered(text.width) else text.width - 1
    return read_columns(text, header is not None, names, [i for i in range(text.width) if i != label], label)


def _from_arrays(path: Path, count: int, key: str) -> Dataset:
    arrays = load_arrays(path)
    position_of(path, tuple(arrays), "x", "array")
    x = checked_features(path, arrays["x"])
    if x.shape[1] != count:
        raise fault(path, f"x has {x.shape[1]} features, and the model was trained on {count}; give these")
    key = key if key in arrays else "y"
    if key not in arrays:
        return Dataset(x, None, (), (), "")
    classes, y = checked_labels(path, arrays[key], key)
    if len(x) != len(y):
        raise fault(path, f"x has {len(x)} rows and {key} has {len(y)} labels; each row needs one label")
    return Dataset(x, y, classes, (), key)


def _known(y: Host, found: Classes, classes: Classes) -> Host:
    """Return positions in `found` as positions in `classes`; 7 and "7" are one class, as files tell no difference."""
    place = {str(value): i for i, value in enumerate(classes)}
    return np.array([place.get(str(value), -1) for value in found], dtype=np.int64)[y]
