"""Questions put to a graph or a model: its picture, its layers, what it keeps in memory, what takes how long."""

from __future__ import annotations

from gpugrad._tensor.displays import register_display
from gpugrad.diagnostics._displays import module_html, tensor_html
from gpugrad.diagnostics.compare import BackendComparison, ComparedOp, compare_backends
from gpugrad.diagnostics.drawing import Drawing, draw
from gpugrad.diagnostics.memory import KeptValue, MemoryReport, MemoryRow, memory_report
from gpugrad.diagnostics.profiler import profile, record_function
from gpugrad.diagnostics.summary import LayerRow, Summary, summarize

__all__ = [
    "BackendComparison",
    "ComparedOp",
    "Drawing",
    "KeptValue",
    "LayerRow",
    "MemoryReport",
    "MemoryRow",
    "Summary",
    "compare_backends",
    "draw",
    "memory_report",
    "profile",
    "record_function",
    "summarize",
]

register_display("tensor", tensor_html)
register_display("module", module_html)
register_display("summary", summarize)
