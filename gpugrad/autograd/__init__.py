"""The graph from outside: recording modes, gradients as values."""

from __future__ import annotations

from gpugrad._graph import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from gpugrad._tensor import backward, grad

__all__ = ["backward", "enable_grad", "grad", "is_grad_enabled", "no_grad", "set_grad_enabled"]
