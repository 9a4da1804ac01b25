"""Questions put to a graph or a model: its picture, and what its layers are."""

from __future__ import annotations

from gpugrad._tensor.displays import register_display
from gpugrad.diagnostics._displays import module_html, tensor_html
from gpugrad.diagnostics.drawing import Drawing, draw
from gpugrad.diagnostics.summary import LayerRow, Summary, summarize

__all__ = ["Drawing", "LayerRow", "Summary", "draw", "summarize"]

register_display("tensor", tensor_html)
register_display("module", module_html)
register_display("summary", summarize)
