"""gpugrad's namespace, but that every float tensor it makes is a tracked result: calls and writes are recorded.

The suite makes its inputs by the creation functions and asarray, and writes into them. Here each of them comes out of a
recorded call, so that everything the suite does is done in the graph.
"""

from __future__ import annotations

from functools import wraps

import gpugrad

__all__ = ["CREATION"]

CREATION = (
    "arange asarray empty empty_like eye from_dlpack full full_like linspace ones ones_like zeros zeros_like"
).split()


def tracked(t):
    """Return a tensor as the result of a recorded call, if it can carry a gradient and is not one already."""
    if t.requires_grad or t.dtype.kind not in "fc":
        return t
    return gpugrad.positive(t.requires_grad_())


def _making(function):
    @wraps(function)
    def call(*args, **kwargs):
        return tracked(function(*args, **kwargs))

    return call


def __getattr__(name):
    value = getattr(gpugrad, name)
    return _making(value) if name in CREATION else value
