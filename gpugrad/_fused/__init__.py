"""Pairs of functions on arrays: a readable reference and a CUDA kernel of one name.

``gpugrad/_fused/name.py`` pairs with ``kernels/name.cu``: a new pair is one file here, named below, and one
there.
"""

from __future__ import annotations

from gpugrad._fused import clip, sigmoid
from gpugrad._fused._pair import Fused, registry

__all__ = ["Fused", "clip", "registry", "sigmoid"]
