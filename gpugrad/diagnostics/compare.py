"""One function on two backends, or in two dtypes: how far apart each op is, forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from gpugrad._graph.watching import Origin
from gpugrad._op import TENSORS
from gpugrad.backends import default_generator, is_array_type
from gpugrad.diagnostics._compare_errors import Difference, difference
from gpugrad.diagnostics._compare_recorder import Note
from gpugrad.diagnostics._compare_sides import Run, run_on, side_named
from gpugrad.diagnostics._displays import table as html_table
from gpugrad.errors import OptionError

__all__ = ["BackendComparison", "ComparedOp", "compare_backends"]


@dataclass(frozen=True, slots=True)
class ComparedOp:
    """One op as both runs had it: forward its results, backward the gradients that its rules gave.

    `ulp`, `relative` and `scaled` are the largest differences, element by element: in units in the last place of the
    coarser dtype, in parts of the element, and in parts of the largest element. `differs` says whether `scaled` is
    above the tolerance. `line` is the user's, for rules that of the call forward; results and gradients of the whole
    have none.
    """

    op: str
    backward: bool
    line: Origin | None
    shape: tuple[int, ...]
    dtypes: tuple[str, str]
    ulp: float
    relative: float
    scaled: float
    index: tuple[int, ...] | None
    differs: bool

    @property
    def name(self) -> str:
        """The name of the op, and whether it is meant backward."""
        return f"{self.op} backward" if self.backward else self.op


class BackendComparison:
    """What `compare_backends` found: a row for each op in order, and what is named the first difference."""

    def __init__(self, names: tuple[str, str], rows: list[ComparedOp], parting: str | None, tolerance: float) -> None:
        self.names, self.rows, self.parting, self.tolerance = names, rows, parting, tolerance

    @property
    def first_difference(self) -> ComparedOp | None:
        """The first row that differs by more than the tolerance; None where none does."""
        return next((row for row in self.rows if row.differs), None)

    @property
    def agrees(self) -> bool:
        """Whether both runs did the same ops with the same results, but for the tolerance."""
        return self.parting is None and self.first_difference is None

    def _verdict(self) -> list[str]:
        first, (ours, theirs) = self.first_difference, self.names
        lines = []
        if first is not None:
            place = "" if first.line is None else f", called at {first.line}"
            lines.append(f"first difference: {first.name}{place}, by {_number(first.scaled)} of its largest element")
        if self.parting is not None:
            lines.append(self.parting)
        return lines or [f"{ours} and {theirs} agree: no op differs by more than {self.tolerance:.1g}"]

    def _cells(self, row: ComparedOp) -> list[str]:
        ours, theirs = row.dtypes
        dtype = ours if ours == theirs else f"{ours} | {theirs}"
        line = "" if row.line is None else f"{Path(row.line.file).name}:{row.line.line}"
        numbers = [_number(x) for x in (row.ulp, row.relative, row.scaled)]
        return [row.name, line, str(row.shape), dtype, *numbers, "differs" if row.differs else ""]

    def __str__(self) -> str:
        lines = [_head, *map(self._cells, self.rows)]
        widths = [max(len(line[k]) for line in lines) for k in range(len(_head))]
        texts = [
            "  ".join(
                c.rjust(w) if 4 <= k <= 6 else c.ljust(w) for k, (c, w) in enumerate(zip(line, widths, strict=True))
            )
            for line in lines
        ]
        rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
        return "\n".join([*(text.rstrip() for text in [texts[0], rule, *texts[1:], rule]), *self._verdict()])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        verdict = "<br>".join(escape(line) for line in self._verdict())
        return f"{html_table([self._cells(row) for row in self.rows], _head)}<div>{verdict}</div>"


_head = ["op", "line", "shape", "dtype", "ulp", "relative", "of largest", ""]


def _number(x: float) -> str:
    return "0" if x == 0 else f"{x:.3g}"


def compare_backends(
    func: Callable[..., Any],
    inputs: Any,
    backends: Sequence[Any] = ("numpy", "cupy"),
    *,
    tolerance: float | None = None,
    isolated: bool = False,
    seed: int = 0,
) -> BackendComparison:
    """Return how far apart `func` is on two backends, op by op, forward and backward.

    `backends` are two names of backends or devices, or two floating dtypes, as in ``("float32", "float64")``. For
    each, `func` gets copies of the inputs there, and the cotangents of its results are drawn from `seed`; where `func`
    is a Module, it is copied as well. Rows stand in the order of the calls: each op, each rule on the way back, then
    the gradients of the inputs (of the parameters, for a Module). The first row is named that differs by more than
    `tolerance`, in parts of its largest element: by default 7e-5 for float32 and 4e-10 for float64. Errors add up from
    op to op; with `isolated` each op of the second run gets the operands that the first had, and is seen with its own
    error alone.

    Where the runs do not call the same ops, the comparison ends and says where they part. What `func` has other threads
    do is compared by its results alone. OptionError for another
    number of backends than two; BackendUnavailable for one that is not there.

    >>> import gpugrad
    >>> x = gpugrad.tensor([0.5, 2.0], requires_grad=True)
    >>> found = gpugrad.compare_backends(lambda x: gpugrad.exp(x) * x, x, ("float32", "float64"))
    >>> [row.name for row in found.rows], found.agrees
    (['exp', 'multiply', 'multiply backward', 'exp backward', 'output 0', 'gradient of input 0'], True)
    """
    if not callable(func):
        raise TypeError(f"compare_backends: func is {type(func).__name__}, and must be a function of the inputs")
    given: Any = 0 if tolerance is None else tolerance
    if not (isinstance(given, int | float | np.floating) and given >= 0):
        raise OptionError(f"compare_backends: tolerance is a number, 0 or more, or None, not {tolerance!r}")
    if not isinstance(backends, tuple | list) or len(backends) != 2:
        raise OptionError(f"compare_backends takes two backends, devices or dtypes, not {backends!r}")
    sides = [side_named(b) for b in backends]
    if len({side.dtype is None for side in sides}) == 2:
        raise OptionError(f"compare_backends takes two backends or two dtypes, not one of each: {tuple(backends)!r}")
    alone = type(inputs) in TENSORS or is_array_type(type(inputs)) or not isinstance(inputs, Iterable)
    arguments = [inputs] if alone else list(inputs)
    state = default_generator.get_state()
    ours, theirs = sides
    with default_generator.rewound(state):
        first = run_on(func, arguments, ours, seed)
    with default_generator.rewound(state):
        second = run_on(func, arguments, theirs, seed, first.notes if isolated else ())
    return _compared((ours.name, theirs.name), first, second, tolerance, ours.dtype is None)


def _compared(
    names: tuple[str, str], first: Run, second: Run, tolerance: float | None, same_dtypes: bool
) -> BackendComparison:
    rows: list[ComparedOp] = []
    parting = None
    for ours, theirs in zip(first.notes, second.notes, strict=False):
        parting = _parting(names, ours, theirs, same_dtypes)
        if parting is not None:
            break
        rows.append(_row(ours, theirs, tolerance))
    if parting is None and len(first.notes) != len(second.notes):
        parting = _end(names, first.notes, second.notes)
    for name in dict.fromkeys((*first.ends, *second.ends)):
        ours, theirs = (Note(name, False, None, _end_of(run, name)) for run in (first, second))
        if [x.shape for x in ours.results] == [x.shape for x in theirs.results]:
            rows.append(_row(ours, theirs, tolerance))
        elif parting is None:
            parting = _parting(names, ours, theirs, same_dtypes)
    units = [_unit((*run.ends.values(), *(x for note in run.notes for x in note.results))) for run in (first, second)]
    return BackendComparison(names, rows, parting, tolerance if tolerance is not None else max([*units, 0.0]) ** 0.6)


def _end_of(run: Run, name: str) -> tuple[np.ndarray[Any, Any], ...]:
    return (run.ends[name],) if name in run.ends else ()


def _told(note: Note) -> str:
    place = "" if note.line is None else f" at {note.line}"
    shapes = ", ".join(f"{x.shape} {x.dtype}" for x in note.results)
    return f"{note.op}{' backward' if note.backward else ''}{place}, giving {shapes or 'nothing'}"


def _parting(names: tuple[str, str], ours: Note, theirs: Note, same_dtypes: bool) -> str | None:
    """Return where two runs part, None where these notes are of the same op."""

    def forms(note: Note) -> list[Any]:
        return [(x.shape, x.dtype if same_dtypes else x.dtype.kind) for x in note.results]

    if (ours.op, ours.backward) == (theirs.op, theirs.backward) and forms(ours) == forms(theirs):
        return None
    return f"the runs part: {names[0]} has {_told(ours)}; {names[1]} has {_told(theirs)}"


def _end(names: tuple[str, str], ours: list[Note], theirs: list[Note]) -> str:
    longer, name, other = (ours, *names) if len(ours) > len(theirs) else (theirs, names[1], names[0])
    note = longer[min(len(ours), len(theirs))]
    return f"the runs part: {name} goes on with {_told(note)}; {other} is at its end"


def _unit(results: tuple[np.ndarray[Any, Any], ...]) -> float:
    return max([float(np.finfo(x.dtype).eps) for x in results if x.dtype.kind in "fc"], default=0.0)


def _row(ours: Note, theirs: Note, tolerance: float | None) -> ComparedOp:
    """Return two notes of one op, compared."""
    worst = Difference(0.0, 0.0, 0.0)
    for x, y in zip(ours.results, theirs.results, strict=True):
        worst = worst.or_worse(difference(x, y))
    allowed = max(_unit(ours.results), _unit(theirs.results)) ** 0.6 if tolerance is None else tolerance
    shape = ours.results[0].shape if ours.results else ()
    kinds = tuple(str(n.results[0].dtype) if n.results else "" for n in (ours, theirs))
    return ComparedOp(
        ours.op,
        ours.backward,
        ours.line,
        shape,
        (kinds[0], kinds[1]),
        worst.ulp,
        worst.relative,
        worst.scaled,
        worst.first,
        worst.scaled > allowed,
    )
