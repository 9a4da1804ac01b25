"""Kernels whose text is made while the program runs: nobody can know what they do, so they are executed.

cuda_on_cpu compiles them for this machine's processor, from the source or, as GPUGRAD_TEST_KERNELS says, from its PTX.
"""

from __future__ import annotations

import os
from functools import cache

__all__ = ["Generated"]

_chosen = os.environ.get("GPUGRAD_TEST_KERNELS", "") or "source"


@cache
def _program(code, name):
    from cuda_on_cpu import Program, runners
    from cuda_on_cpu.ptx import PtxProgram

    if reason := runners.lacks(_chosen):
        raise RuntimeError(f"{name} is made of a text, and to execute one this machine {reason}")
    if _chosen == "source":
        return Program(code, name)
    architecture, *perturbed = _chosen.removeprefix("sm_").split("-")
    return PtxProgram(code, name, f"compute_{architecture}", int([*perturbed, 1][1]) if perturbed else 0)


class Generated:
    """What runs the kernels of one text, as `runner.plugged` runs those of kernels/."""

    def __init__(self, code, name):
        self.program = _program(code, name)

    def parameters(self, file, entry):
        """Return (name, dtype, whether it is a pointer) of every parameter of an entry point."""
        if entry not in self.program.entries:
            raise RuntimeError(f"CUDA_ERROR_NOT_FOUND: named symbol not found: {entry} in {file}")
        listed = self.program.entries[entry].parameters
        return tuple(
            (f"argument {i}", said.removeprefix("const ").rstrip("*"), said.endswith("*"))
            for i, said in enumerate(listed)
        )

    def run(self, file, entry, grid, block, args):
        """Do what the kernel does, on NumPy arrays and scalars."""
        from cuda_on_cpu import Launch

        self.program.run(Launch(entry, grid, block, args))
