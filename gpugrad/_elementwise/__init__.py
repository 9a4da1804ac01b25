"""Elementwise ops from expressions in C, printed as array code and as CUDA kernels, and differentiated."""

from __future__ import annotations

from gpugrad._elementwise._define import Elementwise, elementwise

__all__ = ["Elementwise", "elementwise"]
