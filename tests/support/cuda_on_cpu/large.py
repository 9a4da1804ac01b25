"""The end of launches over more than 2**31 elements, which 32 bits cannot count; what is not reached is not there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from cuda_on_cpu.cases import Arrays, Case
from cuda_on_cpu.program import Launch, Program
from gpugrad.cuda import Kernel

__all__ = ["LargeCase", "large_cases"]

START: Final = 2**31
"""The number of the first element that is there."""

BLOCKS: Final = 2
"""How many blocks are run."""


@dataclass(frozen=True)
class LargeCase(Case):
    """The last blocks of a grid in which each thread has one pack, or one element where the arrays are apart."""

    def __str__(self) -> str:
        return f"{super().__str__()}, from element {START} on"

    def launch(self, program: Program) -> tuple[Launch, Arrays]:
        """Return the launch, and those elements of its arguments that its blocks reach, by their names."""
        given, named = super().launch(program)
        before = START * BLOCKS // self.size
        distances = {"n": START, "blocks": before}
        parameters = list(enumerate(self.kernel.parameters))
        args: Sequence[object] = [
            START + self.size if parameter.name == "n" else given.args[number] for number, parameter in parameters
        ]
        return replace(
            given,
            args=args,
            grid=(before + BLOCKS,),
            first_block=before,
            before={number: distances.get(parameter.length or "", 0) for number, parameter in parameters},
        ), named


def large_cases(kernel: Kernel, dtype: str) -> Iterator[LargeCase]:
    """Yield the large cases of an entry point: none for a kernel that one block finishes."""
    arrays = [parameter for parameter in kernel.parameters if parameter.dtype == "T" and parameter.length == "n"]
    if not arrays:
        return
    for apart in (False, True) if len(arrays) > 1 else (False,):
        each = 1 if apart else 16 // np.dtype(dtype).itemsize
        yield LargeCase(kernel, dtype, BLOCKS * kernel.threads * each, 0, apart, blocks=BLOCKS)
