"""Calls of other libraries, differentiated: what the interop tests share."""

from __future__ import annotations

import numpy as np
import pytest

import gpugrad
from gpugrad.autograd import grad

__all__ = ["check", "rows"]


def rows(samples):
    """Return samples as parameters of a test, named by their labels, which are unique."""
    assert len({one.label for one in samples}) == len(samples)
    return [pytest.param(one, id=one.label) for one in samples]


def _weighted(z):
    """Return a scalar that depends on every element of a result, with the imaginary parts."""
    w = gpugrad.tensor(np.random.default_rng(1).normal(size=z.shape), dtype=gpugrad.float64)
    return gpugrad.sum(gpugrad.real(z * (1 - 0.5j)) * w) if z.dtype.kind == "c" else gpugrad.sum(z * w)


def check(one, rel=2e-6, step=1e-6):
    """Compare the gradient of a sample along a random direction with a central difference."""
    leaves = [gpugrad.tensor(x, requires_grad=True) for x in one.inputs]
    z = one.call(*leaves)
    assert isinstance(z, gpugrad.Tensor), f"a {type(z).__name__}, which has left the graph"
    assert z.requires_grad, "the result has left the graph"
    gradients = grad(_weighted(z), leaves)
    directions = [np.random.default_rng(2 + i).normal(size=x.shape) for i, x in enumerate(one.inputs)]
    slope = sum(np.sum(np.asarray(g.tolist()).reshape(d.shape) * d) for g, d in zip(gradients, directions, strict=True))

    def at(s):
        moved = (gpugrad.tensor(x + s * d) for x, d in zip(one.inputs, directions, strict=True))
        return _weighted(one.call(*moved)).item()

    numeric = (at(step) - at(-step)) / (2 * step)
    assert abs(numeric) > 1e-6, "a slope of 0 shows nothing"
    assert slope == pytest.approx(numeric, rel=rel, abs=1e-7)
