"""A table of numbers with a label in each row: what a classifier learns from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from gpugrad.errors import DataError

__all__ = ["Classes", "Dataset", "Host", "fault"]

Host: TypeAlias = np.ndarray[Any, Any]
"""An array in host memory: files are read there, whatever the backend."""

Classes: TypeAlias = tuple[int, ...] | tuple[str, ...]
"""What labels stand for."""


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Features and labels in host memory; unpacks as ``x, y``.

    Attributes
    ----------
    x: the features, (rows, features).
    y: the labels as positions in `classes`, (rows,) of int64; -1 for a label that is not among them.
    classes: what the labels stand for, integers or texts, in rising order.
    features: the name of each feature.
    target: the name of the label.

    >>> import numpy as np
    >>> x, y = Dataset(np.zeros((2, 1)), np.array([0, 1]), ("cat", "dog"), ("weight",), "animal")
    >>> x.shape, y.tolist()
    ((2, 1), [0, 1])
    """

    x: Host
    y: Host | None
    classes: Classes
    features: tuple[str, ...]
    target: str

    def __iter__(self) -> Iterator[Host | None]:
        return iter((self.x, self.y))

    def __len__(self) -> int:
        return len(self.x)


def fault(path: Path, problem: str, *, line: int | None = None, column: str | None = None) -> DataError:
    """Return the error that says where in which file the problem is; the problem says what to do.

    >>> fault(Path("a.csv"), "'x' is not a number", line=3, column="age")
    DataError("a.csv, line 3, column 'age': 'x' is not a number")
    """
    where = [str(path)]
    if line is not None:
        where.append(f"line {line}")
    if column is not None:
        where.append(f"column {column!r}")
    return DataError(f"{', '.join(where)}: {problem}")
