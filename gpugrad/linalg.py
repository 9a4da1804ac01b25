"""Linear algebra under the standard's names."""

from __future__ import annotations

from gpugrad._ops import matmul, matrix_transpose, outer, tensordot, vecdot, vector_norm

__all__ = ["matmul", "matrix_transpose", "outer", "tensordot", "vecdot", "vector_norm"]
