"""Cells of text become numbers and classes, fast where all is well and precise about what is not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from gpugrad.data.dataset import Classes, Host, fault
from gpugrad.data.delimited import Row, is_number

__all__ = ["Labels", "integer", "numbers", "rows_at_a_time"]

_many_cells = 1 << 18


def rows_at_a_time(rows: Iterable[Row], width: int) -> Iterator[list[Row]]:
    """Return the rows in lists of about a quarter of a million cells."""
    size = max(1, _many_cells // width)
    part: list[Row] = []
    for row in rows:
        part.append(row)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


def numbers(path: Path, rows: list[Row], columns: Sequence[int], names: Sequence[str]) -> Host:
    """Return the given columns of the rows as float64, (rows, columns); each cell must be a finite number."""
    cells = [[row.cells[i] for i in columns] for row in rows]
    try:
        flat = np.fromiter(map(float, chain.from_iterable(cells)), np.float64, len(rows) * len(columns))
    except ValueError:
        raise _first_fault(path, rows, columns, names) from None
    if not np.isfinite(flat).all():
        raise _first_fault(path, rows, columns, names)
    return flat.reshape(len(rows), len(columns))


def _first_fault(path: Path, rows: list[Row], columns: Sequence[int], names: Sequence[str]) -> Exception:
    for row in rows:
        for i in columns:
            problem = _problem(row.cells[i])
            if problem:
                return fault(path, problem, line=row.line, column=names[i])
    raise AssertionError("every cell is a finite number")


def _problem(cell: str) -> str:
    """Return what keeps a cell from being a finite number, or nothing."""
    if not cell.strip():
        return "the cell is empty; fill it in, or leave the row out"
    if not is_number(cell):
        if is_number(cell.replace(",", ".")):
            return f"{cell!r} has a decimal comma; write it with a point"
        return f"{cell!r} is not a number; every column but the label must hold numbers"
    if not np.isfinite(float(cell)):
        return f"{cell.strip()} is not a finite number; replace it, or leave the row out"
    return ""


class Labels:
    """Gathers a column of labels: how each is spelled, on which line first, and the order they come in."""

    def __init__(self) -> None:
        self._number: dict[str, int] = {}
        self._line: list[int] = []
        self._parts: list[Host] = []

    def add(self, rows: list[Row], column: int) -> None:
        """Take the labels of further rows."""
        for row in rows:
            if self._number.setdefault(row.cells[column], len(self._line)) == len(self._line):
                self._line.append(row.line)
        numbers = (self._number[row.cells[column]] for row in rows)
        self._parts.append(np.fromiter(numbers, np.int64, len(rows)))

    def finished(self, path: Path, name: str) -> tuple[Classes, Host]:
        """Return the classes and the labels as positions in them."""
        spelled = [text.strip() for text in self._number]
        for text, line in zip(spelled, self._line, strict=True):
            if not text or text.lower() == "nan":
                raise fault(path, "the label is missing; fill it in, or leave the row out", line=line, column=name)
        values: list[Any] = spelled
        if all(map(is_number, spelled)):
            values = [integer(text) for text in spelled]
            if None in values:
                first = values.index(None)
                problem = f"the label {spelled[first]} is not an integer; labels are integers or texts"
                raise fault(path, f"{problem}. Is {name!r} the label's column?", line=self._line[first], column=name)
        classes = sorted(set(values))
        place = {value: i for i, value in enumerate(classes)}
        positions = np.array([place[value] for value in values], dtype=np.int64)
        return tuple(classes), positions[np.concatenate(self._parts)]


def integer(text: str) -> int | None:
    """Return the integer that a number spells, None for a fraction.

    >>> integer("7"), integer("7.0"), integer("7.5"), integer("inf")
    (7, 7, None, None)
    """
    try:
        return int(text)
    except ValueError:
        number = float(text)
        return int(number) if number.is_integer() else None
