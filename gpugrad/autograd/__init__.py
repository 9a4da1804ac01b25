"""The graph from outside: recording modes, gradients as values."""

from __future__ import annotations

from typing import Any as _Any

from gpugrad._graph import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
    set_strong_zero,
    strong_zero,
)
from gpugrad._tensor import backward, grad
from gpugrad.autograd import graph
from gpugrad.autograd._checkpoint import checkpoint, checkpoint_sequential
from gpugrad.autograd._custom_op import custom_op
from gpugrad.autograd.anomaly import detect_anomaly, is_anomaly_enabled, set_detect_anomaly
from gpugrad.autograd.foreign_writes import detect_foreign_writes
from gpugrad.autograd.function import Function, once_differentiable

__all__ = [
    "Function",
    "backward",
    "checkpoint",
    "checkpoint_sequential",
    "custom_op",
    "detect_anomaly",
    "detect_foreign_writes",
    "enable_grad",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "gradient_report",
    "graph",
    "inference_mode",
    "is_anomaly_enabled",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "once_differentiable",
    "set_detect_anomaly",
    "set_grad_enabled",
    "set_strong_zero",
    "strong_zero",
]

_checking = ("gradcheck", "gradgradcheck", "gradient_report")


def __dir__() -> list[str]:
    """Name what is imported later as well."""
    return sorted({*globals(), *_checking})


def __getattr__(name: str) -> _Any:
    """Import what checks gradients when it is first asked for."""
    if name in _checking:
        from gpugrad.autograd import _gradcheck

        return getattr(_gradcheck, name)
    raise AttributeError(f"module 'gpugrad.autograd' has no attribute {name!r}")
