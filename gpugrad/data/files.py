"""Datasets from files: CSV with a label column, NPZ archives with arrays x and y."""

from __future__ import annotations

import difflib
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gpugrad.data.arrays import checked_features, checked_labels
from gpugrad.data.cells import Labels, numbers, rows_at_a_time
from gpugrad.data.dataset import Dataset, Host, fault
from gpugrad.data.delimited import Text, is_number, open_text, regular_file

__all__ = ["header_of", "load_arrays", "numbered", "position_of", "read_columns", "read_csv", "read_file", "read_npz"]


def read_file(path: str | Path, target: str | None = None) -> Dataset:
    """Return the dataset in a file: an NPZ archive if its name ends in .npz, delimited text otherwise."""
    return read_npz(path, target) if Path(path).suffix.lower() == ".npz" else read_csv(path, target)


def read_csv(path: str | Path, target: str | None = None) -> Dataset:
    r"""Return the dataset in delimited text: numbers, and a label in the column `target` or else the last one.

    Commas, semicolons and tabs are told apart, and so is whether there is a header; without one the columns are
    called "column 1", "column 2" ... The text is UTF-8. Labels are integers or texts.

    Raises
    ------
    DataError
        One line that says where the fault is and what to do.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "pets.csv")
    ...     _ = path.write_text("weight,animal\n4.5,cat\n20,dog\n")
    ...     read_csv(path).classes
    ('cat', 'dog')
    """
    text = open_text(path)
    header = header_of(text, target)
    names = header or numbered(text.width)
    if text.width < 2:
        raise fault(
            text.path,
            f"there is one column ({names[0]!r}); there must be one feature or more, and the label, separated by "
            "commas, semicolons or tabs",
        )
    label = len(names) - 1 if target is None else position_of(text.path, names, target)
    columns = [i for i in range(len(names)) if i != label]
    return trainable(text.path, read_columns(text, header is not None, names, columns, label))


def read_columns(text: Text, header: bool, names: Sequence[str], columns: Sequence[int], label: int | None) -> Dataset:
    """Return the dataset in the given columns; without a label column, y is None."""
    rows = text.rows()
    if header:
        next(rows)
    labels, parts = Labels(), []
    for part in rows_at_a_time(rows, text.width):
        parts.append(numbers(text.path, part, columns, names))
        if label is not None:
            labels.add(part, label)
    if not parts:
        raise fault(text.path, "there is a header and no row under it; add rows of numbers, each with a label")
    features = tuple(names[i] for i in columns)
    if label is None:
        return Dataset(np.concatenate(parts), None, (), features, "")
    classes, y = labels.finished(text.path, names[label])
    return Dataset(np.concatenate(parts), y, classes, features, names[label])


def read_npz(path: str | Path, target: str | None = None) -> Dataset:
    """Return the dataset in an NPZ archive: x (rows, features) of numbers, y (rows,) of integers or texts.

    `target` is another name for y. Nothing in the file is executed: arrays of Python objects are refused.

    Raises
    ------
    DataError
        One line that says what the fault is and what to do.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "pets.npz")
    ...     np.savez(path, x=np.array([[4.5], [20]]), y=np.array(["cat", "dog"]))
    ...     read_npz(path).classes
    ('cat', 'dog')
    """
    path = Path(path)
    key = target or "y"
    arrays = load_arrays(path)
    for name in ("x", key):
        position_of(path, tuple(arrays), name, "array")
    x = checked_features(path, arrays["x"])
    classes, y = checked_labels(path, arrays[key], key)
    if len(x) != len(y):
        raise fault(path, f"x has {len(x)} rows and {key} has {len(y)} labels; each row needs one label")
    return trainable(path, Dataset(x, y, classes, numbered(x.shape[1]), key))


def load_arrays(path: Path) -> dict[str, Host]:
    """Return every array of an NPZ archive that holds no Python objects."""
    path = regular_file(path)
    if not zipfile.is_zipfile(path):
        raise fault(path, "this is no NPZ archive, or a broken one; write it with numpy.savez(path, x=x, y=y)")
    name = ""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {}
            for name in archive.files:
                arrays[name] = archive[name]
            return arrays
    except (ValueError, OSError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        if "object" in str(error).lower():
            raise fault(
                path,
                f"array {name!r} holds Python objects, which are not read; store numbers (or labels as text) with "
                "numpy.savez",
            ) from None
        raise fault(path, f"array {name!r} cannot be read; write the archive again with numpy.savez") from None


def trainable(path: Path, dataset: Dataset) -> Dataset:
    """Return a dataset if a classifier can learn from it, and find its features again."""
    if len(set(dataset.features)) < len(dataset.features):
        position_of(path, dataset.features, max(dataset.features, key=dataset.features.count))
    if len(dataset.classes) < 2:
        raise fault(
            path,
            f"all {len(dataset)} labels are {dataset.classes[0]!r}; a classifier needs two classes or more",
            column=dataset.target,
        )
    return dataset


def numbered(count: int) -> tuple[str, ...]:
    """Return names for columns that have none."""
    return tuple(f"column {i + 1}" for i in range(count))


def position_of(path: Path, names: Sequence[str], name: str, what: str = "column") -> int:
    """Return where `name` is among the names; it must be there once."""
    found = [i for i, other in enumerate(names) if other == name]
    if not found and what == "column" and name.isdecimal() and f"column {name}" in names:
        return names.index(f"column {name}")
    if not found:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise fault(path, f"there is no {what} {name!r}.{hint} There is: {shown or 'none'}")
    if len(found) > 1:
        raise fault(path, f"there are {len(found)} columns {name!r}; give each its own name")
    return found[0]


def header_of(text: Text, target: str | None = None) -> tuple[str, ...] | None:
    """Return the names in the first row if it is a header: if none of its cells is a number.

    It is one too if it has the name `target`, if it counts 0, 1, 2 ..., or if the only text among its numbers is
    the name of the last column, which has numbers in the next rows.
    """
    first, *more = ([cell.strip() for cell in row.cells] for row in text.first)
    counted = len(first) > 2 and first == [str(i) for i in range(len(first))]
    names_numbers = bool(more) and not is_number(first[-1]) and all(row and is_number(row[-1]) for row in more)
    named_label = names_numbers and all(map(is_number, first[:-1]))
    if counted or named_label or target in first or not any(map(is_number, first)):
        return tuple(first)
    return None
