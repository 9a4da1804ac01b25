"""Delimited text as rows of cells: which encoding, which delimiter, where a header is."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from gpugrad.data.dataset import fault

__all__ = ["Row", "Text", "is_number", "open_text", "regular_file"]

_delimiters = "\t;,"
_names = {"\t": "tabs", ";": "semicolons", ",": "commas"}
_sample = 1 << 16
_looked_at = 20


class Row(NamedTuple):
    """The cells of one row and the number of the line it ends on, counted from 1."""

    line: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Text:
    """A delimited file: its path, its delimiter, and its first rows."""

    path: Path
    delimiter: str
    first: tuple[Row, ...]

    @property
    def width(self) -> int:
        """The number of cells in the first row."""
        return len(self.first[0].cells)

    def rows(self) -> Iterator[Row]:
        """Return every row that is not blank; one with another number of cells than the first raises DataError."""
        width = self.width
        for row in _rows(self.path, self.delimiter):
            if len(row.cells) != width:
                raise fault(
                    self.path,
                    f"{_fields(len(row.cells))}, where line {self.first[0].line} has {width} (separated by "
                    f"{_names[self.delimiter]}); every row needs as many",
                    line=row.line,
                )
            yield row


def regular_file(path: str | Path) -> Path:
    """Return the path of a file that can be read, or raise DataError saying why it cannot."""
    path = Path(path)
    try:
        if path.is_dir():
            raise fault(path, "this is a folder; name a file in it")
        if not path.exists():
            beside = [entry.name for entry in islice(path.parent.iterdir(), 1000)] if path.parent.is_dir() else []
            near = difflib.get_close_matches(path.name, beside, n=1)
            raise fault(path, "there is no such file." + (f" Did you mean {near[0]}?" if near else " Check the path"))
        if not path.is_file():
            raise fault(path, "this is not a regular file; save the data in one first")
        with path.open("rb") as file:
            if not file.read(1):
                raise fault(path, "the file is empty; it needs a header or rows of numbers, each with a label")
    except (OSError, ValueError) as error:
        if isinstance(error, OSError):
            raise fault(path, f"cannot be read: {error.strerror or error}") from None
        raise
    return path


def open_text(path: str | Path) -> Text:
    """Return a delimited file with its delimiter found: a comma, a semicolon or a tab."""
    path = regular_file(path)
    with path.open("rb") as file:
        start = file.read(_sample)
    lines = start.decode("utf-8-sig", errors="replace").splitlines(keepends=True)
    lines = lines[:-1] if len(start) == _sample and len(lines) > 1 else lines
    delimiter = max(_delimiters, key=lambda delimiter: _evenness(lines, delimiter))
    first = tuple(islice(_rows(path, delimiter), _looked_at))
    if not first:
        raise fault(path, "the file holds nothing but blank lines; it needs rows of numbers, each with a label")
    return Text(path, delimiter, first)


def is_number(cell: str) -> bool:
    """Return whether a cell reads as a number.

    >>> [is_number(cell) for cell in (" 1.5 ", "-2e3", "nan", "x", "")]
    [True, True, True, False, False]
    """
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _evenness(lines: list[str], delimiter: str) -> tuple[bool, int]:
    """Return how well a delimiter suits: rows of one length above 1 first, then the number of cells."""
    try:
        widths = [len(cells) for cells in islice(csv.reader(lines, delimiter=delimiter), _looked_at) if cells]
    except csv.Error:
        return False, 0
    return len(set(widths)) == 1 and widths[0] > 1, max(widths, default=0)


def _rows(path: Path, delimiter: str) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                if len(cells) > 1 or (cells and cells[0].strip()):
                    yield Row(reader.line_num, cells)
        except UnicodeDecodeError:
            raise _not_utf8(path) from None
        except csv.Error as error:
            raise fault(
                path, f"the quotes do not fit ({error}); close each, or double it inside a text", line=reader.line_num
            ) from None


def _not_utf8(path: Path) -> Exception:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                byte = f"byte 0x{line[error.start]:02x}"
                if line.startswith(b"PK\x03\x04"):
                    return fault(path, "this is an archive, not text; an NPZ archive's name must end in .npz")
                return fault(path, f"not UTF-8 text ({byte}); save the file as UTF-8", line=number)
    return fault(path, "not UTF-8 text; save the file as UTF-8")


def _fields(count: int) -> str:
    return f"{count} field" if count == 1 else f"{count} fields"
