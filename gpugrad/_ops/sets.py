"""Sets: the distinct elements of an array, and which elements are among others.

Distinct elements come in ascending order on every backend; each NaN is one of its own. Which of several equal elements
one of them is has no answer, so no gradient goes back through them: it is an error, where it is asked for.
"""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

from gpugrad._op import SCALARS, op
from gpugrad.backends import Array, backend_of, together
from gpugrad.errors import GradientError

__all__ = [
    "UniqueAll",
    "UniqueCounts",
    "UniqueInverse",
    "isin",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
]


class UniqueAll(NamedTuple):
    """The distinct elements, where each is first, which of them each element is, and how often each is there."""

    values: Any
    indices: Any
    inverse_indices: Any
    counts: Any


class UniqueCounts(NamedTuple):
    """The distinct elements, and how often each is there."""

    values: Any
    counts: Any


class UniqueInverse(NamedTuple):
    """The distinct elements, and which of them each element is."""

    values: Any
    inverse_indices: Any


def _refuse(g: Any) -> NoReturn:
    """Raise an error: which of several equal elements a distinct one is has no answer."""
    raise GradientError(
        "the values of unique_all, unique_counts and unique_inverse have no gradient. Call .detach() on the input, or "
        "take x[indices] with the indices of unique_all for the gradient of first occurrences"
    )


@op(x=_refuse)
def unique_all(x: Array, /) -> UniqueAll:
    """Return the distinct elements of `x` with the index of the first of each, the way back to `x`, and their counts.

    >>> import gpugrad
    >>> found = gpugrad.unique_all(gpugrad.tensor([3, 1, 3]))
    >>> found.values, found.indices
    (tensor([1, 3]), tensor([1, 0]))
    >>> found.inverse_indices, found.counts
    (tensor([1, 0, 1]), tensor([1, 2]))
    """
    return UniqueAll(*backend_of(x).namespace.unique_all(x))


@op(x=_refuse)
def unique_counts(x: Array, /) -> UniqueCounts:
    """Return the distinct elements of `x`, and how often each is there.

    >>> import gpugrad
    >>> gpugrad.unique_counts(gpugrad.tensor([3, 1, 3])).counts
    tensor([1, 2])
    """
    return UniqueCounts(*backend_of(x).namespace.unique_counts(x))


@op(x=_refuse)
def unique_inverse(x: Array, /) -> UniqueInverse:
    """Return the distinct elements of `x`, and for each element of `x` which of them it is.

    >>> import gpugrad
    >>> values, inverse = gpugrad.unique_inverse(gpugrad.tensor([3, 1, 3]))
    >>> values[inverse]
    tensor([3, 1, 3])
    """
    return UniqueInverse(*backend_of(x).namespace.unique_inverse(x))


@op()
def unique_values(x: Array, /) -> Array:
    """Return the distinct elements of `x`, ascending; of a tensor that requires grad it raises GradientError.

    >>> import gpugrad
    >>> gpugrad.unique_values(gpugrad.tensor([3, 1, 3]))
    tensor([1, 3])
    """
    return backend_of(x).namespace.unique_counts(x)[0]  # NumPy's unique_values leaves them in any order


@op()
def isin(x1: Array | int, x2: Array | int, /, *, invert: bool = False) -> Array:
    """Return for each element of `x1` whether it equals one of `x2`, or, with `invert`, whether it equals none.

    >>> import gpugrad
    >>> gpugrad.isin(gpugrad.tensor([1, 2, 3]), gpugrad.tensor([3, 1]))
    tensor([ True, False,  True])
    """
    array: Any = x2 if type(x1) in SCALARS else x1
    backend = backend_of(array)
    xp = backend.namespace
    x1, x2 = together(backend, (x1, x2))
    (like,) = {x.dtype for x in (x1, x2) if type(x) not in SCALARS}
    x1, x2 = (xp.full((), x, dtype=like, device=array.device) if type(x) in SCALARS else x for x in (x1, x2))
    found = xp.isin(x1, x2)
    return xp.logical_not(found) if invert else found
