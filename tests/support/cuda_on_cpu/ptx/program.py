"""Run what NVRTC makes of CUDA kernels: their PTX, on NumPy arrays, on this machine's processor."""

from __future__ import annotations

import ctypes
import dataclasses
import functools
from pathlib import Path
from typing import Final

from cuda_on_cpu import build
from cuda_on_cpu.build import HERE, CompileError, Language, cached, compiled, headers
from cuda_on_cpu.program import Entry, Launch, Program
from cuda_on_cpu.ptx.translate import translated
from gpugrad.cuda import nvrtc, source

__all__ = ["ARCHITECTURES", "PTX", "PtxProgram", "missing"]

ARCHITECTURES: Final = ("compute_75", "compute_90", "compute_120")
"""The oldest that NVRTC knows, and two of today's, whose compilers differ."""


@functools.cache
def missing() -> str | None:
    """Return what this machine lacks to run PTX, None where it lacks nothing."""
    if reason := build.missing():
        return reason
    return None if nvrtc.available() else "needs NVIDIA's compiler: the wheel nvidia-cuda-nvrtc"


def _unit(text: str, name: str, flags: list[str]) -> str:
    return compiled(["-E", *flags, "-I", str(HERE), "-x", "c++", "-"], name, translated(text, name))


PTX: Final = Language(
    unit=_unit,
    flags=("-O1", "-fwrapv", "-fno-strict-aliasing"),
    sources=("ptx/*.h", "ptx/*.py"),
)
"""What NVRTC emits."""


class _Perturbation(ctypes.Structure):
    _fields_ = [("seed", ctypes.c_uint64), ("units", ctypes.c_double)]


class PtxProgram(Program):
    """The kernels of one file as NVRTC compiles them for an architecture, run instruction by instruction.

    Arguments are checked as for the source, whose parameters must have the same widths.

    Parameters
    ----------
    text, name
        The CUDA source, and the file name that stands in messages.
    architecture
        A virtual one, such as ``"compute_90"``.
    seed
        If not 0, each result that a GPU computes approximately is moved. The seed chooses how.
    units
        How far from the exact result, in units in the last place: 2.5 is what the PTX ISA allows most instructions, and
        those that it allows more have that. See ptx/approximate.h.
    ptx
        To be run in the place of what NVRTC emits.
    """

    language = PTX

    def __init__(
        self,
        text: str,
        name: str,
        architecture: str,
        *,
        seed: int = 0,
        units: float = 2.5,
        ptx: str | None = None,
        portable: bool = False,
    ) -> None:
        self._source = Program(text, name, portable=portable)
        self.seed, self.units = seed, units
        super().__init__(emitted(text, name, architecture) if ptx is None else ptx, name, portable=portable)
        self._perturbation = _Perturbation.in_dll(self._library, "cuda_on_cpu_perturbation")

    @staticmethod
    @functools.cache
    def of(file: str, architecture: str = "compute_90", seed: int = 0) -> PtxProgram:
        """Return the program of a file in kernels/ for an architecture, compiled once."""
        return PtxProgram(source.read(file), file, architecture, seed=seed)

    def _read_entries(self) -> dict[str, Entry]:
        """Return the entries, whose parameters are named as in the source."""
        entries = {}
        for name, entry in super()._read_entries().items():
            theirs = self._source.entries[name]
            widths, wanted = self._widths(entry), self._source._widths(theirs)
            if widths != wanted:
                raise CompileError(f"{name} has parameters of {widths} bytes in PTX, and of {wanted} in its source")
            entries[name] = dataclasses.replace(entry, parameters=theirs.parameters)
        return entries

    def run(self, launch: Launch) -> None:
        """Launch, as `Program.run` does."""
        self._perturbation.seed, self._perturbation.units = self.seed, self.units
        super().run(launch)


def emitted(text: str, name: str, architecture: str) -> str:
    """Return the PTX that NVRTC emits, from the cache if it was asked for before."""

    def make(folder: Path) -> Path:
        made = folder / "made.ptx"
        made.write_text(nvrtc.compile_ptx(text, name, architecture), encoding="utf-8")
        return made

    parts = (text, name, architecture, repr(nvrtc.version()), str(headers()))
    return cached(make, *parts).read_text("utf-8")
