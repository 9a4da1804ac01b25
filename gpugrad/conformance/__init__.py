"""The gradient-conformance suite: which gradients of the array API standard a library gets right.

The cases are one data file: functions of the standard 2025.12, arguments, and the gradients that belong to them to
first and second order, worked out without any derivative rule. An adapter runs them on a library. On the command line:
``python -m gpugrad.conformance --namespace jax.numpy``.

>>> from gpugrad import conformance
>>> report = conformance.run(conformance.adapter("gpugrad"), only="exp*")
>>> report.clean
True
"""

from __future__ import annotations

from gpugrad.conformance._adapters import NAMESPACES, Adapter, Unsupported, adapter
from gpugrad.conformance._case import Case, Variable, cases
from gpugrad.conformance._judge import STATUSES, Verdict
from gpugrad.conformance._report import Report
from gpugrad.conformance._run import Result, run, run_case

__all__ = [
    "NAMESPACES",
    "STATUSES",
    "Adapter",
    "Case",
    "Report",
    "Result",
    "Unsupported",
    "Variable",
    "Verdict",
    "adapter",
    "cases",
    "run",
    "run_case",
]
