"""Sorting: one stable permutation, by which values go forward and gradients go back."""

from __future__ import annotations

from gpugrad._op import TENSORS, interpreter_of, op
from gpugrad._ops.indexing import along_key, read_once, take_along_axis
from gpugrad._ops.statistical import axes_of, numbers
from gpugrad.backends import Array, backend_of
from gpugrad.errors import ShapeError

__all__ = ["argsort", "sort"]


@op(reals=True)
def argsort(x: Array, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
    """Return the indices that sort `x` along `axis`; equal elements keep their order, whatever `stable` says.

    NaN is the largest of all.

    >>> import gpugrad
    >>> gpugrad.argsort(gpugrad.tensor([3., 1., 2., 1.]), descending=True)
    tensor([0, 2, 1, 3])
    """
    if x.ndim == 0:
        raise ShapeError("sort and argsort: a 0-d array has no axis to sort along")
    (axis,) = axes_of(axis, x.ndim)
    x = numbers(x)
    xp = backend_of(x).namespace
    if not descending:
        return xp.argsort(x, axis=axis, stable=True)
    backwards = xp.argsort(xp.flip(x, axis=axis), axis=axis, stable=True)  # in it, equal elements are in reverse
    return x.shape[axis] - 1 - xp.flip(backwards, axis=axis)


def sort(x: Array, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
    """Return `x` sorted along `axis`; equal elements keep their order, whatever `stable` says, and so their gradients.

    NaN is the largest of all.

    >>> import gpugrad
    >>> x = gpugrad.tensor([3., 1., 2.], requires_grad=True)
    >>> (gpugrad.sort(x) * gpugrad.tensor([1., 10., 100.])).sum().backward()
    >>> x.grad
    tensor([100.,   1.,  10.])
    """
    order = argsort(x, axis=axis, descending=descending)
    if interpreter_of([order]) is not None:
        return take_along_axis(x, order, axis=axis)
    if type(order) in TENSORS:
        order = order._array
    return read_once(x, key=along_key(order, axis, order.shape))
