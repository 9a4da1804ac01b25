"""What only a GPU has: kernels found, compiled and launched. CuPy is imported by the first launch."""

from __future__ import annotations

from gpugrad.cuda.launch import Kernel

__all__ = ["Kernel"]
