"""What the cases of gpugrad.conformance are made from: rows of calls, values at 60 digits, and conventions by hand.

``./run gradient-cases`` writes gpugrad/conformance/cases.jsonl anew. No derivative rule is used: gradients are
differences of the functions' values, which mpmath computes.
"""

from __future__ import annotations

from gradient_cases import rows_arrays, rows_elementwise, rows_matrices
from gradient_cases.conventions import CONVENTIONS
from gradient_cases.row import Row, drawn, entry

__all__ = ["CONVENTIONS", "ROWS", "Row", "drawn", "entry"]

ROWS: list[Row] = [*rows_elementwise.ROWS, *rows_arrays.ROWS, *rows_matrices.ROWS]
