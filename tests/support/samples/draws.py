"""Values to differentiate at, away from kinks, and the forms of call that many ops share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import gpugrad

__all__ = ["Draws", "Sample", "constant", "sample"]


@dataclass(frozen=True)
class Sample:
    """A call to differentiate: `call` takes as many tensors as there are `inputs`."""

    label: str
    call: Callable[..., Any]
    inputs: tuple[np.ndarray, ...]


def sample(label, call, *inputs):
    """Return a sample of these inputs."""
    return Sample(label, call, tuple(np.asarray(x) for x in inputs))


def constant(values, like):
    """Return a constant tensor of the dtype and device of another."""
    return gpugrad.tensor(values, dtype=like.dtype, device=like.device)


class Draws:
    """Random values, and samples made of them. Each chapter has its own, so that none moves another's values."""

    def __init__(self, seed=20):
        self.random = np.random.default_rng(seed)

    def normal(self, *shape):
        """Return values of either sign, none within 0.1 of zero."""
        x = self.random.normal(size=shape)
        return x + 0.1 * np.sign(x)

    def positive(self, *shape):
        """Return values from 0.3 to 2.3."""
        return self.random.random(shape) * 2 + 0.3

    def unit(self, *shape):
        """Return values from 0.1 to 0.9."""
        return self.random.random(shape) * 0.8 + 0.1

    def definite(self, n):
        """Return a symmetric matrix, positive definite."""
        x = self.random.normal(size=(n, n))
        return x @ x.T + n * np.eye(n)

    def inside(self, *shape):
        """Return values between -0.8 and 0.8, none within 0.05 of zero."""
        x = self.random.uniform(-0.75, 0.75, shape)
        return x + 0.05 * np.sign(x)

    def spread(self, *shape):
        """Return distinct values, no two within 0.05 of each other."""
        n = int(np.prod(shape))
        return (self.random.permutation(n) * 0.13 - 0.05 * n + 0.02).reshape(shape)

    def beside(self, *shape):
        """Return values none of which `spread` returns."""
        return self.spread(*shape) + 0.047

    def complexes(self, *shape):
        """Return complex values, no part of which is within 0.1 of zero."""
        return self.normal(*shape) + 1j * self.normal(*shape)

    def broadcasting(self, f, draw, second=None):
        """Return the ways in which two operands meet."""
        second = second or draw
        return [
            sample("same shape", f, draw(2, 3), second(2, 3)),
            sample("broadcast", f, draw(2, 1, 3), second(4, 1)),
            sample("0-d", f, draw(3), second()),
            sample("scalar right", lambda x: f(x, 1.7), draw(3)),
            sample("scalar left", lambda x: f(1.7, x), second(3)),
            sample("one tensor twice", lambda x: f(x, x), self.positive(3)),
            sample("size 0", f, draw(0, 3), second(1, 3)),
        ]

    def one(self, f, draw, *more):
        """Return calls of a function of one array, elementwise."""
        shapes = [("matrix", draw(2, 3)), ("0-d", draw()), ("size 0", draw(0, 2))]
        return [sample(label, f, x) for label, x in [*shapes, *more]]

    def reductions(self, f, draw, **options):
        """Return the axes that a function can reduce."""
        rows = [("all", {}), ("axis 0", {"axis": 0}), ("axis -1 kept", {"axis": -1, "keepdims": True})]
        rows += [("two axes", {"axis": (0, 2)}), ("kept", {"keepdims": True}), ("no axes", {"axis": ()})]
        rows = [(label, lambda x, kw=kw: f(x, **kw, **options)) for label, kw in rows]
        return [sample(label, call, draw(2, 3, 4)) for label, call in rows] + [sample("0-d", f, draw())]

    def complex_also(self, f, *operands):
        """Return a call with complex operands, one if not said."""
        return [sample("complex", f, *(self.complexes(2, 3) for _ in operands or (1,)))]
