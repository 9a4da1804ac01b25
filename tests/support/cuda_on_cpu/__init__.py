"""The project's CUDA kernels, executed on this machine's processor: see tests/cuda_on_cpu/README.md."""

from cuda_on_cpu.build import CompileError, missing
from cuda_on_cpu.checkers import SANITIZERS, check, unavailable
from cuda_on_cpu.program import Entry, KernelFault, Launch, Program, run

__all__ = [
    "SANITIZERS",
    "CompileError",
    "Entry",
    "KernelFault",
    "Launch",
    "Program",
    "check",
    "missing",
    "run",
    "unavailable",
]
