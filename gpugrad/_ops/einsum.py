"""Sums of products whose axes are named by letters, made of ops that move axes, sum, and multiply matrices."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from gpugrad._ops.linear_algebra import matmul
from gpugrad._ops.manipulation import permute_dims, reshape, squeeze
from gpugrad._ops.statistical import sum as summed
from gpugrad.backends import Array
from gpugrad.errors import ShapeError

__all__ = ["einsum"]

Labels = list[str]
"""The name of each axis: a letter, or for an axis under the ellipsis ``...`` and its place, counted from the last."""


def _labels(term: str, ndim: int, what: str) -> Labels:
    """Return the label of each of the axes that a term such as ``ij`` or ``...k`` names."""
    if not re.fullmatch(r"[A-Za-z]*(\.\.\.)?[A-Za-z]*", term):
        raise ShapeError(f"einsum: {term!r} is not letters with at most one ellipsis among them")
    before, dots, after = term.partition("...")
    hidden = ndim - len(before) - len(after)
    if hidden < 0 or (hidden and not dots):
        raise ShapeError(f"einsum: {term!r} does not name the {ndim} axes of {what}")
    return [*before, *(f"...{i}" for i in range(hidden, 0, -1)), *after]


def _hidden(operands: Sequence[Labels]) -> Labels:
    """Return the labels of the axes under the ellipsis, which are those of the operand that has most of them."""
    return max(([x for x in labels if len(x) > 1] for labels in operands), key=len)


def _parsed(equation: str, operands: Sequence[Array]) -> tuple[list[Labels], Labels]:
    """Return the labels of every operand, and those of the result."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise ShapeError(f"einsum: {equation!r} names {len(terms)} operands, and {len(operands)} were given")
    labels = [
        _labels(term, len(x.shape), f"operand {i}, whose shape is {tuple(x.shape)}")
        for i, (term, x) in enumerate(zip(terms, operands, strict=True))
    ]
    hidden = _hidden(labels)
    if not arrow:  # the ellipsis, and in their order the letters that occur once
        letters = [x for x in left if x.isalpha()]
        return labels, [*hidden, *sorted(x for x in letters if letters.count(x) == 1)]
    if hidden and "..." not in right:
        raise ShapeError(f"einsum: the axes under the ellipsis of {equation!r} must stand in the result")
    output = _labels(right, len(right.replace("...", "")) + len(hidden), "the result")
    for x in output:
        if output.count(x) > 1 or not any(x in one for one in labels):
            raise ShapeError(f"einsum: the result of {equation!r} must name axes of the operands, each once: {x!r}")
    return labels, output


def _sizes(equation: str, operands: Sequence[Array], labels: Sequence[Labels]) -> dict[str, int]:
    """Return the size behind each label; a size of 1 goes with any other."""
    sizes: dict[str, int] = {}
    for operand, names in zip(operands, labels, strict=True):
        for name, size in zip(names, operand.shape, strict=True):
            known = sizes.setdefault(name, size)
            if size != known and 1 not in (size, known):
                raise ShapeError(f"einsum: axis {name!r} of {equation!r} has the sizes {known} and {size}")
            sizes[name] = size if known == 1 else known
    return sizes


def _arranged(x: Array, labels: Labels, order: Labels) -> Array:
    """Return `x` with its axes in another order."""
    return x if labels == order else permute_dims(x, tuple(labels.index(name) for name in order))


def _without_repeats(x: Array, labels: Labels) -> tuple[Array, Labels]:
    """Return the diagonal over axes of one label."""
    for name in dict.fromkeys(labels):
        while labels.count(name) > 1:
            first = labels.index(name)
            second = labels.index(name, first + 1)
            rest = [i for i in range(len(labels)) if i not in (first, second)]
            n = x.shape[first]
            if x.shape[second] != n:
                raise ShapeError(f"einsum: axis {name!r} has the sizes {n} and {x.shape[second]} in one operand")
            x = permute_dims(x, (*rest, first, second))
            x = reshape(x, (*x.shape[:-2], n * n))
            x = x[..., :: n + 1]
            labels = [*(labels[i] for i in rest), name]
    return x, labels


def _unstretched(x: Array, labels: Labels, sizes: dict[str, int]) -> tuple[Array, Labels]:
    """Return `x` without the axes whose size of 1 goes with any other."""
    stretched = tuple(i for i, name in enumerate(labels) if x.shape[i] == 1 and sizes[name] != 1)
    if stretched:
        x = squeeze(x, axis=stretched)
        labels = [name for i, name in enumerate(labels) if i not in stretched]
    return x, labels


def _reduced(x: Array, labels: Labels, needed: set[str]) -> tuple[Array, Labels]:
    """Return `x` without the axes that nobody else names, summed."""
    alone = tuple(i for i, name in enumerate(labels) if name not in needed)
    if alone:
        x = summed(x, axis=alone, dtype=x.dtype)
        labels = [name for i, name in enumerate(labels) if i not in alone]
    return x, labels


def _contracted(x1: Array, labels1: Labels, x2: Array, labels2: Labels, needed: set[str]) -> tuple[Array, Labels]:
    """Return the product of two operands, summed over what they share and nobody else needs, as one of matrices."""
    batch = [x for x in labels1 if x in labels2 and x in needed]
    inner = [x for x in labels1 if x in labels2 and x not in needed]
    outer1 = [x for x in labels1 if x not in labels2]
    outer2 = [x for x in labels2 if x not in labels1]
    x1, x2 = _arranged(x1, labels1, batch + outer1 + inner), _arranged(x2, labels2, batch + inner + outer2)
    stack, rows, columns = x1.shape[: len(batch)], x1.shape[len(batch) :][: len(outer1)], x2.shape[len(batch + inner) :]
    shared = math.prod(x1.shape[len(batch + outer1) :])
    z = matmul(
        reshape(x1, (*stack, math.prod(rows), shared)),
        reshape(x2, (*stack, shared, math.prod(columns))),
    )
    return reshape(z, (*stack, *rows, *columns)), batch + outer1 + outer2


def einsum(equation: str, /, *operands: Array) -> Array:
    """Return the sum of products that `equation` names: one letter per axis, an ellipsis for those without a name.

    Letters that the result does not name are summed over. Operands are multiplied from left to right.

    Parameters
    ----------
    equation
        Such as ``"ij,jk->ik"``. Without an arrow the result has the letters that occur once, in their order.
    operands
        One for each term. A letter has one size everywhere, or 1, which goes with any other.

    Raises
    ------
    ShapeError
        If the equation does not fit the operands.

    >>> import gpugrad
    >>> gpugrad.einsum("ij,j->i", gpugrad.tensor([[1., 2.], [3., 4.]]), gpugrad.tensor([10., 1.]))
    tensor([12., 34.])
    >>> gpugrad.einsum("ii", gpugrad.tensor([[1., 2.], [3., 4.]]))
    tensor(5.)
    """
    if not isinstance(equation, str):
        raise TypeError(f"einsum: the equation comes first, as a string such as 'ij,jk->ik', not a {type(equation).__name__}")
    for i, x in enumerate(operands):
        if not hasattr(x, "shape"):
            raise TypeError(f"einsum: operand {i} is a {type(x).__name__}; it must be a tensor or an array")
    labels, output = _parsed(equation, operands)
    sizes = _sizes(equation, operands, labels)
    parts = [_unstretched(*_without_repeats(x, names), sizes) for x, names in zip(operands, labels, strict=True)]
    result: tuple[Array, Labels] | None = None
    for i, (x, names) in enumerate(parts):
        later = {name for _, others in parts[i + 1 :] for name in others}.union(output)
        mine = _reduced(x, names, later.union(result[1] if result else ()))
        result = _contracted(*result, *mine, later) if result else mine
    assert result is not None
    return _arranged(*result, output)
