"""Sample calls of every op: what the sweeps over the table differentiate. An op without a row here fails them.

A sample is a function of tensors and the arrays to call it with; the values keep away from kinks, which have tests of
their own. Values are drawn once, from a fixed seed for each chapter. A chapter's NO_GRADIENT holds the ops whose
results are never part of the graph, with operands to call them with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from samples import (
    decompositions,
    elementwise,
    fourier,
    indexing,
    layers,
    linear_algebra,
    manipulation,
    neural,
    piecewise,
    searching,
    sorting,
    special,
    statistical,
)
from samples.draws import Sample

__all__ = ["NO_GRADIENT", "SAMPLES", "Sample", "each"]

CHAPTERS = (
    elementwise,
    statistical,
    manipulation,
    searching,
    indexing,
    sorting,
    linear_algebra,
    decompositions,
    neural,
    piecewise,
    layers,
    fourier,
    special,
)

SAMPLES: dict[str, list[Sample]] = {name: rows for chapter in CHAPTERS for name, rows in chapter.SAMPLES.items()}

NO_GRADIENT: dict[str, tuple[Any, ...]] = {
    name: operands for chapter in CHAPTERS for name, operands in getattr(chapter, "NO_GRADIENT", {}).items()
}


def each(
    name: str, check: Callable[[Sample], Any], leaving_out: Callable[[Sample], bool] = lambda sample: False
) -> None:
    """Check every sample of an op, and say at which of them an error came.

    A test of its own for each of thousands would cost more than what it does.
    """
    for sample in SAMPLES[name]:
        if leaving_out(sample):
            continue
        try:
            check(sample)
        except BaseException as error:
            error.add_note(f"at the sample {sample.label!r} of {name}")
            raise
