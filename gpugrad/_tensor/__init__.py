"""The Tensor: the only place where an array meets the graph."""

from __future__ import annotations

from gpugrad._tensor.backward import backward, grad
from gpugrad._tensor.dlpack import from_dlpack
from gpugrad._tensor.making import asarray, tensor
from gpugrad._tensor.tensor import Tensor

__all__ = ["Tensor", "asarray", "backward", "from_dlpack", "grad", "tensor"]
