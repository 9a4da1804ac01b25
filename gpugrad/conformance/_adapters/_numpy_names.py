"""The standard's names in libraries that have NumPy's: what is spelled otherwise, and nothing that is computed anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gpugrad.conformance._adapters._base import Unsupported, attribute

__all__ = ["numpy_function"]

_RENAMED = {
    "acos": "arccos",
    "acosh": "arccosh",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atan2": "arctan2",
    "atanh": "arctanh",
    "concat": "concatenate",
    "cumulative_prod": "cumprod",
    "cumulative_sum": "cumsum",
    "permute_dims": "transpose",
    "pow": "power",
    "linalg.diagonal": "diagonal",
    "linalg.matmul": "matmul",
    "linalg.matrix_norm": "linalg.norm",
    "linalg.outer": "outer",
    "linalg.tensordot": "tensordot",
    "linalg.trace": "trace",
    "linalg.vector_norm": "linalg.norm",
    "linalg.cross": "cross",
}
_KEYWORDS = {"correction": "ddof"}


def numpy_function(module: Any, name: str) -> Callable[..., Any]:
    """Return the function of `module` that does what the standard's `name` does, with NumPy's keywords.

    >>> import numpy
    >>> numpy_function(numpy, "var")([1.0, 3.0], correction=1).item()
    2.0
    """
    if name in ("matrix_transpose", "linalg.matrix_transpose"):
        swapaxes = attribute(module, "swapaxes")
        return lambda x: swapaxes(x, -1, -2)
    if name == "astype":
        return lambda x, dtype, **keywords: x.astype(dtype, **keywords)
    function = attribute(module, _RENAMED.get(name, name))
    if name == "clip":
        return lambda x, *bounds, **named: function(x, *bounds, *(named.get(k) for k in ("min", "max")[len(bounds) :]))
    if name == "linalg.matrix_norm":
        return lambda x, **keywords: function(x, axis=(x.ndim - 2, x.ndim - 1), **keywords)
    if name == "linalg.diagonal":
        return lambda x, offset=0: function(x, -offset, -1, -2)
    if name == "linalg.trace":
        return lambda x, offset=0: function(x, offset) if x.ndim == 2 else function(x, offset, -2, -1)
    if not callable(function):
        raise Unsupported(f"{name} is not a function")
    return lambda *arguments, **keywords: function(*arguments, **{_KEYWORDS.get(k, k): v for k, v in keywords.items()})
