"""A model as a table: its layers, the shapes that go in and come out, parameters and bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any

from gpugrad._creation import zeros
from gpugrad._graph import no_grad
from gpugrad._op import TENSORS
from gpugrad._tensor import asarray
from gpugrad.backends import default_device, default_float, is_array_type, is_float
from gpugrad.diagnostics._words import clean, words_of
from gpugrad.errors import OptionError
from gpugrad.nn import Module

__all__ = ["LayerRow", "Summary", "summarize"]


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One module of a model: its name and class, the shapes of its first call, what is its own, how often it ran."""

    name: str
    kind: str
    input: str
    output: str
    parameters: int
    bytes: int
    calls: int
    depth: int


class Summary:
    """The table of a model: `rows`, and `parameters`, `trainable`, `buffers` and `bytes` of the whole."""

    def __init__(self, rows: list[LayerRow], module: Module, ran: bool, language: str) -> None:
        parameters, buffers = list(module.parameters()), list(module.buffers())
        self.rows = rows
        self.parameters = sum(p.size for p in parameters)
        self.trainable = sum(p.size for p in parameters if p.requires_grad)
        self.buffers = sum(b.size for b in buffers)
        self.bytes = sum(t.nbytes for t in [*parameters, *buffers])
        self._ran, self._words = ran, words_of(language)
        self._repeats = sum(row.parameters for row in rows) != self.parameters

    def _head(self) -> list[str]:
        shapes = ("input", "output") if self._ran else ()
        return [self._words[key] for key in ("layer", "kind", *shapes, "parameters", "bytes")]

    def _cells(self, row: LayerRow, indent: str) -> list[str]:
        words = self._words
        kind = row.kind if row.calls < 2 else f"{row.kind} ({words['calls'].format(count=row.calls)})"
        shapes = [] if not self._ran else [row.input, row.output] if row.calls else [words["not called"], ""]
        counts = [f"{n:,}" if n else "" for n in (row.parameters, row.bytes)]
        return [indent * row.depth + row.name, kind, *shapes, *counts]

    def _totals(self) -> list[str]:
        words, frozen = self._words, self.parameters - self.trainable
        lines = [
            f"{words['parameters']}: {self.parameters:,} ({words['trainable']}: {self.trainable:,}, "
            f"{words['frozen']}: {frozen:,})"
        ]
        if self.buffers:
            lines.append(f"{words['buffers']}: {self.buffers:,}")
        lines.append(f"{words['bytes']}: {self.bytes:,}")
        return [*lines, words["shared"]] if self._repeats else lines

    def __str__(self) -> str:
        lines = [self._head(), *(self._cells(row, "  ") for row in self.rows)]
        widths = [max(_width(line[k]) for line in lines) for k in range(len(lines[0]))]
        numbers = (len(widths) - 2, len(widths) - 1)
        texts = ["  ".join(_padded(c, widths[k], k in numbers) for k, c in enumerate(line)).rstrip() for line in lines]
        rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
        return "\n".join([texts[0], rule, *texts[1:], rule, *self._totals()])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        def row(cells: list[str], tag: str) -> str:
            last = len(cells) - 2
            aligned = ("right" if k >= last else "left" for k in range(len(cells)))
            return "".join(
                f'<{tag} style="text-align:{a}">{escape(c)}</{tag}>' for c, a in zip(cells, aligned, strict=True)
            )

        lines = [row(self._head(), "th"), *(row(self._cells(r, "\N{NO-BREAK SPACE}" * 4), "td") for r in self.rows)]
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        totals = "<br>".join(escape(line) for line in self._totals())
        return f'<table style="font-family:ui-monospace,monospace;font-size:90%">{body}</table><div>{totals}</div>'


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes; Chinese takes two for a character."""
    return sum(2 if ord(c) >= 0x2E80 else 1 for c in text)


def _padded(text: str, width: int, to_the_right: bool) -> str:
    spaces = " " * (width - _width(text))
    return spaces + text if to_the_right else text + spaces


def _shape_of(value: Any) -> str:
    """Return the shape of a tensor, or of each in a tuple."""
    if type(value) in TENSORS:
        return str(value.shape)
    if isinstance(value, tuple | list):
        return ", ".join(_shape_of(item) for item in value)
    return type(value).__name__


def _example(value: Any, module: Module) -> Any:
    """Return an input: an example as it is, or zeros of a shape, like the parameters in dtype and device."""
    if type(value) in TENSORS:
        return value
    if is_array_type(type(value)):
        return asarray(value)
    if not isinstance(value, tuple | list) or not all(isinstance(n, int) and not isinstance(n, bool) for n in value):
        raise TypeError(
            f"summary takes example inputs or their shapes, batch axis included, such as (1, 64), not "
            f"{clean(repr(value), 60)}"
        )
    if any(n < 0 for n in value):
        raise OptionError(f"summary: {tuple(value)} is no shape")
    like = next((p for p in module.parameters() if is_float(p.dtype)), None)
    dtype, device = (default_float, default_device()) if like is None else (like.dtype, like.device)
    return zeros(tuple(value), dtype=dtype, device=device)


@contextmanager
def _evaluating(module: Module) -> Iterator[None]:
    """Put all modules into evaluation within the block, and each back into what it was."""
    before = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in before:
            part.training = training


def _run(module: Module, inputs: list[Any]) -> dict[int, tuple[str, str, int]]:
    """Return, by identity of each module, the shapes of its first call and the number of its calls."""
    seen: dict[int, tuple[str, str, int]] = {}

    def note(part: Module, args: tuple[Any, ...], result: Any) -> None:
        into, out, calls = seen.get(id(part), (_shape_of(args), _shape_of(result), 0))
        seen[id(part)] = (into, out, calls + 1)

    handles = [part.register_forward_hook(note) for part in module.modules()]
    try:
        with _evaluating(module), no_grad():
            module(*inputs)
    finally:
        for part, handle in zip(module.modules(), handles, strict=True):
            handle.remove()
            if not vars(part)["_hooks"]:
                vars(part).pop("_hooks")
    return seen


def summarize(module: Module, *inputs: Any, language: str = "en") -> Summary:
    """Return the table of a model's layers; with inputs, examples or their shapes, also what shapes go through them.

    The model runs once, in evaluation and without recording. It is left as it was.

    >>> from gpugrad import nn
    >>> print(summarize(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), (1, 4)))
    layer       kind        input   output  parameters  bytes
    ---------------------------------------------------------
    Sequential  Sequential  (1, 4)  (1, 2)
      0         Linear      (1, 4)  (1, 8)          40    160
      1         ReLU        (1, 8)  (1, 8)
      2         Linear      (1, 8)  (1, 2)          18     72
    ---------------------------------------------------------
    parameters: 58 (trainable: 58, not trainable: 0)
    bytes: 232
    """
    if not isinstance(module, Module):
        raise TypeError(f"summary takes a Module, not {type(module).__name__}")
    words_of(language)
    examples = [_example(value, module) for value in inputs]
    seen = _run(module, examples) if examples else {}
    rows = []
    for path, part in module.named_modules():
        own = [*part.parameters(recurse=False)]
        into, out, calls = seen.get(id(part), ("", "", 0))
        rows.append(
            LayerRow(
                clean(path.rpartition(".")[2]) or type(part).__name__,
                type(part).__name__,
                into,
                out,
                sum(p.size for p in own),
                sum(t.nbytes for t in [*own, *part.buffers(recurse=False)]),
                calls,
                path.count(".") + 1 if path else 0,
            )
        )
    return Summary(rows, module, bool(examples), language)
