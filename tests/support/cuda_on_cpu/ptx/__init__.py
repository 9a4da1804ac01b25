"""The PTX that NVRTC makes of the kernels, translated to C++ and executed: see tests/cuda_on_cpu/README.md."""

from cuda_on_cpu.ptx.program import ARCHITECTURES, PtxProgram, missing
from cuda_on_cpu.ptx.syntax import PtxError

__all__ = ["ARCHITECTURES", "PtxError", "PtxProgram", "missing"]
