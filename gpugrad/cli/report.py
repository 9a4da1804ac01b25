"""What a training run shows: plain lines, and in a terminal colours and a bar that moves."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import TracebackType
from typing import Any

from gpugrad import nn
from gpugrad.cli.loop import Epoch

__all__ = ["Report"]


class Report:
    """Writes a run to standard output, line by line.

    The words are the same everywhere. In a terminal rich adds colours, which it leaves out when NO_COLOR is set,
    and a bar under the lines.
    """

    def __init__(self, epochs: int, quiet: bool = False) -> None:
        self._epochs = epochs
        self._quiet = quiet
        self._bar: Any = None
        self._console: Any = None
        if sys.stdout.isatty() and not quiet:
            from rich.console import Console
            from rich.progress import Progress

            self._console = Console(highlight=False)
            self._bar = Progress(console=self._console, transient=True)
            self._task = self._bar.add_task("training", total=epochs)

    def __enter__(self) -> Report:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def line(self, text: str, style: str = "") -> None:
        """Write one line."""
        if self._quiet:
            return
        if self._console is None:
            print(text, flush=True)
        else:
            self._console.print(text, style=style, markup=False, emoji=False, soft_wrap=True)

    def opening(self, facts: dict[str, str], module: nn.Sequential) -> None:
        """Write what is trained on what: facts, and the layers with their numbers of parameters."""
        for name, fact in facts.items():
            self.line(f"{name:<10}{fact}")
        self.line("")
        sizes = [sum(p.size for p in layer.parameters()) for layer in module]
        rows = [("layer", "parameters"), *((repr(layer), f"{n:,}") for layer, n in zip(module, sizes, strict=True))]
        self._table([*rows, ("all", f"{sum(sizes):,}")])
        self.line("")
        self.line(f"{'epoch':>7} {'loss':>9} {'train acc':>10} {'test acc':>9} {'rate':>9} {'seconds':>8}", "bold")

    def _table(self, rows: Iterable[tuple[str, str]]) -> None:
        rows = list(rows)
        left, right = (max(len(row[i]) for row in rows) for i in (0, 1))
        for i, (name, number) in enumerate(rows):
            self.line(f"{name:<{left}}  {number:>{right}}", "bold" if i == 0 else "")

    def epoch(self, epoch: Epoch) -> None:
        """Write what an epoch has come to."""
        number = f"{epoch.epoch}/{self._epochs}"
        self.line(
            f"{number:>7} {epoch.loss:>9.4f} {epoch.train_accuracy:>10.4f} {epoch.test_accuracy:>9.4f} "
            f"{epoch.learning_rate:>9.2e} {epoch.seconds:>8.2f}"
        )
        if self._bar is not None:
            self._bar.advance(self._task)
