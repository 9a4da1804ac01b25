"""What the kernels can be run from, by names: their source, or what NVRTC makes of it for an architecture."""

from __future__ import annotations

import re
from typing import Final

from cuda_on_cpu.build import missing
from cuda_on_cpu.program import Program
from cuda_on_cpu.ptx import ARCHITECTURES, PtxProgram
from cuda_on_cpu.ptx import missing as missing_for_ptx

__all__ = ["RUNNERS", "lacks", "program_of"]

RUNNERS: Final = ("source", *(f"sm_{architecture.removeprefix('compute_')}" for architecture in ARCHITECTURES))
"""A name is one of these; behind an architecture ``-perturbed`` may stand, and a seed: ``-7``."""

_name = re.compile(r"sm_(?P<number>75|90|120)(?P<perturbed>-perturbed(?:-(?P<seed>[1-9]\d*))?)?")


def program_of(file: str, runner: str) -> Program:
    """Return the kernels of a file in kernels/ as a runner has them, compiled once.

    Perturbed, each result that a GPU computes approximately is as far from the exact one as the PTX ISA allows.

    Raises
    ------
    ValueError
        If there is no runner of that name.
    """
    if runner == "source":
        return Program.of(file)
    if not (found := _name.fullmatch(runner)):
        raise ValueError(
            f"{runner!r} runs no kernels: {', '.join(RUNNERS)} do, and an architecture with -perturbed or "
            "-perturbed-SEED"
        )
    seed = int(found["seed"] or 1) if found["perturbed"] else 0
    return PtxProgram.of(file, f"compute_{found['number']}", seed)


def lacks(runner: str) -> str | None:
    """Return what this machine lacks for a runner, None where it lacks nothing."""
    return missing() if runner == "source" else missing_for_ptx()
