"""The instructions of PTX, each with what it must give, by the PTX ISA in plain Python: for tests."""

from __future__ import annotations

from cuda_on_cpu.isa.case import Case, read, written
from cuda_on_cpu.isa.conversions import comparisons, conversions, moves
from cuda_on_cpu.isa.exact import FORMATS, pattern, rounded
from cuda_on_cpu.isa.floats import approximations, floats
from cuda_on_cpu.isa.integers import integers, of_bits

__all__ = ["CHAPTERS", "FORMATS", "Case", "pattern", "read", "rounded", "written"]

CHAPTERS = {
    function.__name__: tuple(function())
    for function in (integers, of_bits, floats, approximations, comparisons, conversions, moves)
}
"""The cases, by what they are about."""
