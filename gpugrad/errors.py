"""What gpugrad raises on purpose: every message names the thing, what it was, and what to do."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "AnomalyError",
    "AxisError",
    "BackendUnavailable",
    "DataError",
    "DeviceError",
    "DtypeError",
    "ExpressionError",
    "GpugradError",
    "GradcheckError",
    "GradientError",
    "LinAlgError",
    "MissingPackage",
    "OptionError",
    "ShapeError",
    "StateError",
]


class GpugradError(Exception):
    """The root of all errors that gpugrad raises on purpose."""


class BackendUnavailable(GpugradError, RuntimeError):
    """A backend was asked for by name and cannot run here.

    `cause` is a short slug that programs may compare: ``unknown``, ``not-installed``, ``no-driver``,
    ``driver-too-old``, ``library-missing`` or ``two-wheels``.
    """

    def __init__(self, message: str, cause: str) -> None:
        super().__init__(message)
        self.cause = cause


class DeviceError(GpugradError, RuntimeError):
    """Arrays of different devices met, or a device does not exist."""


class DtypeError(GpugradError, TypeError):
    """A dtype does not fit what was asked."""


class ExpressionError(GpugradError, ValueError):
    """An elementwise expression is not in the grammar; `line` and `column`, counted from 1, say where."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class ShapeError(GpugradError, ValueError):
    """Shapes do not fit each other."""


class AxisError(ShapeError, IndexError):
    """An axis does not exist, or is named twice."""


class GradientError(GpugradError, RuntimeError):
    """The graph cannot give the gradient that was asked for."""


class GradcheckError(GpugradError, RuntimeError):
    """Gradients are not what differences say. `report`, a GradientReport, has the derivatives one by one."""

    def __init__(self, message: str, report: Any = None) -> None:
        super().__init__(message)
        self.report = report


class AnomalyError(GpugradError, RuntimeError):
    """A NaN or an Inf, found in anomaly mode. What the message says, programs find in attributes.

    `op` is the op's name, or what else it was (``hook``, ``assign``, ``seed`` ...); `phase` is ``forward``,
    ``backward``, or ``input`` where the value came in and no operation made it; `kind` is ``NaN`` or ``Inf``; `index`
    is where the first one is and `count` how many there are; `file` and `line` are the user's, None if not known.
    """

    op: str = ""
    phase: str = ""
    kind: str = ""
    index: tuple[int, ...] = ()
    count: int = 0
    file: str | None = None
    line: int | None = None


class LinAlgError(GpugradError, np.linalg.LinAlgError):
    """A matrix is not what a decomposition needs: it is singular, or not positive definite. Also NumPy's own error."""


class MissingPackage(GpugradError, ImportError):
    """An optional package is needed for what was asked, and is not installed."""


class OptionError(GpugradError, ValueError):
    """An argument or a flag has a value that makes no sense."""


class DataError(GpugradError, ValueError):
    """A file of data cannot be used as it is."""


class StateError(GpugradError, RuntimeError):
    """A saved state does not fit what it is loaded into."""
