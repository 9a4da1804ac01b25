"""Eigenvalues, or singular values, that are equal but for rounding: which gradients can be had there.

The vectors of equal values are not determined, only the space that they span. So a loss has a gradient there if it
does not depend on a turn of them among themselves; what rounding makes it say about such a turn is left out. Of several
equal values the mean alone has a derivative, and so they share their gradients evenly. A loss that depends on vectors
and unequally on their equal values, such as v f(w) v^H, would need more than the values and vectors say: its gradient
is NaN.
"""

from __future__ import annotations

import math
from typing import Any

from gpugrad._op import TENSORS, op
from gpugrad._ops.matrices import as_columns, as_rows, embed_diagonal, epsilon
from gpugrad.backends import Array, backend_of
from gpugrad.errors import GradientError

__all__ = ["once"]


def rounding(w: Array, xp: Any) -> Array:
    """Return by how much computed eigenvalues or singular values (..., n) may be off, as (..., 1)."""
    size = xp.abs(w)
    if 0 in w.shape:
        return xp.sum(size, axis=-1, keepdims=True)
    return (10 + math.sqrt(w.shape[-1])) * epsilon(w) * xp.max(size, axis=-1, keepdims=True)


def equal_pairs(w: Array, xp: Any) -> Array:
    """Return which pairs of values (..., n) are equal but for rounding, (..., n, n); each one equals itself."""
    return xp.abs(as_rows(w, xp) - as_columns(w, xp)) <= as_columns(rounding(w, xp), xp)


def bound_pairs(w: Array, turns: Array, size: Array, xp: Any) -> Array:
    """Return the pairs of equal values that a loss does not want to turn, but for rounding; each value with itself.

    `turns` at (i, j) is what it says about adding some of the vector i to the vector j, of which `size` at j is the
    size of what it was computed from. A loss that says more may still be a function of slightly different values.
    """
    one = embed_diagonal(xp.ones_like(size), shape=(w.shape[-1], w.shape[-1]))
    noise = 10 * epsilon(w) * (as_rows(size, xp) + as_columns(size, xp))
    return equal_pairs(w, xp) & ((xp.abs(turns) <= noise) | (one != 0))


def inverse_gaps(w: Array, bound: Array, xp: Any) -> Array:
    """Return 1 / (w_j - w_i), and 0 for bound pairs."""
    gap = as_rows(w, xp) - as_columns(w, xp)
    return xp.where(bound, xp.zeros_like(gap), 1 / xp.where(bound, xp.ones_like(gap), gap))


def shared(gw: Array, pairs: Array, xp: Any) -> Array:
    """Return the gradients of values with those of paired ones replaced by their mean."""
    row = as_rows(gw, xp)
    return xp.sum(xp.where(pairs, row, xp.zeros_like(row)), axis=-1) / _count(pairs, xp.abs(gw).dtype, xp)


def shared_beside(gw: Array, uses: Array, bound: Array, xp: Any) -> Array:
    """Return the same, and NaN where a loss depends unequally on bound values and also, by `uses`, on their vectors."""
    spread = xp.abs(as_rows(gw, xp) - as_columns(gw, xp))
    limit = math.sqrt(epsilon(gw)) * as_columns(xp.sum(xp.abs(gw), axis=-1, keepdims=True), xp)
    unequal = xp.any(bound & (spread > limit), axis=-1)
    both = unequal & xp.any(bound & (uses != 0), axis=-1)
    mean = shared(gw, bound, xp)
    return xp.where(both, xp.zeros_like(mean) + math.nan, mean)


def _count(pairs: Array, dtype: Any, xp: Any) -> Array:
    return xp.sum(xp.astype(pairs, dtype), axis=-1)


def _second_derivative(g: Array) -> Array:
    """Raise an error: what the rule of the first order does not know it does not guess."""
    raise GradientError(
        "second derivatives of eigenvalues and eigenvectors, or of singular values and vectors, are not known where "
        "some of the values are equal (but for rounding)"
    )


@op(x=_second_derivative)
def once(x: Array, /) -> Array:
    """Return a copy of `x` that refuses to be differentiated."""
    return backend_of(x).copy(x)


def differentiable_once(values: list[Array], bound: Array, xp: Any) -> list[Array]:
    """Return values for a rule that is itself recorded: they refuse a second derivative where pairs are bound."""
    if type(values[0]) not in TENSORS or 0 in bound.shape:
        return values
    some = xp.any(_count(bound, xp.abs(values[0]).dtype, xp) > 1)
    return [once(x) for x in values] if bool(some) else values


def shared_alone(gw: Array, values: list[Array], xp: Any) -> tuple[Array, list[Array]]:
    """Return the gradients of values that are all a loss depends on, shared, and what `differentiable_once` does."""
    gw = shared(gw, equal_pairs(values[0], xp), xp)
    bound = bound_pairs(values[0], as_rows(gw, xp) - as_columns(gw, xp), xp.abs(gw), xp)
    return gw, differentiable_once(values, bound, xp)
