"""The norm over a list of arrays, and clipping by it (pairs with kernels/clip.cu)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gpugrad._fused._half import widened
from gpugrad._fused._pair import Fused
from gpugrad.backends import Array, namespace
from gpugrad.cuda import Kernel
from gpugrad.errors import DtypeError

__all__ = ["clip_by_global_norm", "clip_coefficient", "global_norm", "scale"]

_sum_of_squares = Kernel("clip.cu", "sum_of_squares", "T[n] x, float64[blocks] partials, int64 n")
_finish = Kernel(
    "clip.cu",
    "norm_and_coefficient",
    "float64[n] partials, float64 max_norm, T[1] norm, T[1] coefficient, int64 n",
    threads=1024,
)
_scale = Kernel("clip.cu", "scale", "T[n] x, A[1] coefficient, int64 n")

_row = 4096
"""Elements per float32 dot product. Equal elements round alike, so longer ones drift; rows are added in float64."""


def global_norm(arrays: Sequence[Array], /) -> Array:
    """Return the 2-norm of all elements of `arrays` together, a 0-d array on their device.

    Parameters
    ----------
    arrays
        Real floating-point arrays of any shapes, on one device. The result has the widest of their dtypes,
        and at least float32. An empty list has the norm 0.

    Examples
    --------
    >>> import numpy as np
    >>> global_norm([np.asarray([3e30], dtype=np.float32), np.asarray([[4e30]], dtype=np.float32)])
    array(5.e+30, dtype=float32)
    """
    norm, _ = clip_coefficient(arrays, math.inf)
    return norm


def clip_by_global_norm(arrays: Sequence[Array], max_norm: float, /) -> Array:
    """Scale `arrays` in place so that their common norm is at most `max_norm`; return the norm from before.

    On a GPU nothing waits for the host. As in PyTorch, a norm of NaN makes every element NaN, and an infinite
    one makes the finite elements 0 and the infinite ones NaN.

    Examples
    --------
    >>> import numpy as np
    >>> gradient = np.asarray([30.0, 40.0], dtype=np.float32)
    >>> clip_by_global_norm([gradient], 5.0)
    array(50., dtype=float32)
    >>> gradient
    array([3., 4.], dtype=float32)
    """
    norm, coefficient = clip_coefficient(arrays, max_norm)
    scale(arrays, coefficient)
    return norm


@Fused
def clip_coefficient(arrays: Sequence[Array], max_norm: float, /) -> tuple[Array, Array]:
    """Return the norm of `arrays` and the factor that clips them: max_norm / (norm + 1e-6), at most 1.

    Both are 0-d arrays as `global_norm` describes them, for an optimizer that multiplies as it reads the
    gradients. The relative error of the norm is at most 1e-6, for elements of 1e30 and 1e-30 too. A NaN among
    the elements makes both NaN; an infinite norm has the coefficient 0. On a GPU a float64 norm beyond 1e154
    is infinite, and below 1e-154 it loses digits until it is 0.

    Examples
    --------
    >>> import numpy as np
    >>> clip_coefficient([np.asarray([3.0, 4.0], dtype=np.float32)], 10.0)
    (array(5., dtype=float32), array(1., dtype=float32))
    """
    xp = namespace(arrays[0]) if arrays else np
    like: dict[str, Any] = {"dtype": _norm_dtype(arrays), "device": arrays[0].device if arrays else None}
    with np.errstate(over="ignore"):
        norm = xp.asarray(_norm(arrays), **like)
        ratio = float(max_norm) / (float(norm) + 1e-6)
        return norm, xp.asarray(1.0 if ratio > 1.0 else ratio, **like)


@clip_coefficient.cuda
def _clip_coefficient_on_cuda(arrays: Sequence[Array], max_norm: float, /) -> tuple[Array, Array]:
    xp = namespace(arrays[0])
    dtype = _norm_dtype(arrays)
    # A number of blocks that depends on the sizes alone: every GPU adds in the same order.
    blocks = [min(-(-array.size // 4096), 1024) for array in arrays]
    partials = xp.empty(sum(blocks), dtype=xp.float64)
    start = 0
    for array, count in zip(arrays, blocks, strict=True):
        array = xp.asarray(array, order="C")
        _sum_of_squares(array, partials[start : start + count], n=array.size, blocks=count)
        start += count
    norm, coefficient = xp.empty((), dtype=dtype), xp.empty((), dtype=dtype)
    _finish(partials, max_norm, norm, coefficient, n=start, blocks=1)
    return norm, coefficient


@Fused
def scale(arrays: Sequence[Array], coefficient: Array, /) -> None:
    """Multiply every array in place by the 0-d array `coefficient`.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([2.0, 4.0])
    >>> scale([x], np.asarray(0.5))
    >>> x
    array([1., 2.])
    """
    if not arrays or float(coefficient) == 1:
        return
    for array in arrays:
        array *= _factor(coefficient, array)


@scale.cuda
def _scale_on_cuda(arrays: Sequence[Array], coefficient: Array, /) -> None:
    for array in arrays:
        factor = _factor(coefficient, array)
        if array.flags.c_contiguous:
            _scale(array, factor, n=array.size)
        else:
            array *= factor


def _factor(coefficient: Array, array: Array) -> Array:
    """Return the coefficient in the dtype that arithmetic on `array` is done in."""
    xp = namespace(array)
    return xp.astype(coefficient, xp.result_type(array.dtype, xp.float32), copy=False)


def _norm_dtype(arrays: Sequence[Array]) -> Any:
    """Return the widest dtype of the arrays, at least float32."""
    if not arrays:
        return np.float32
    xp = namespace(arrays[0])
    dtypes = {array.dtype for array in arrays}
    for dtype in dtypes:
        if not xp.isdtype(dtype, "real floating"):
            raise DtypeError(f"a norm is taken of real floating-point arrays, and one of these is {dtype}")
    return xp.result_type(xp.float32, *dtypes)


def _norm(arrays: Sequence[Array]) -> float:
    """Return the norm; where the squares leave the range of float32, once more from scaled elements."""
    total = sum(_squares(arrays), 0.0)
    if 1e-30 < total < math.inf:
        return math.sqrt(total)
    if math.isnan(total):
        return total
    largest = max((_largest(array) for array in arrays), default=0.0)
    if largest in (0.0, math.inf):
        return largest
    return largest * math.sqrt(sum(_squares(arrays, largest), 0.0))


def _squares(arrays: Sequence[Array], unit: float = 1.0) -> Iterator[float]:
    """Yield the sum of the squares, measured in `unit`, of row after row, and of what is left of each array."""
    for array in arrays:
        xp = namespace(array)
        x = widened(xp.reshape(array, (-1,)))
        if unit != 1.0:
            x = x / unit
        whole = array.size // _row * _row
        if whole:
            rows = xp.reshape(x[:whole], (-1, _row))
            yield from map(float, xp.vecdot(rows, rows))
        rest = x[whole:]
        yield float(xp.vecdot(rest, rest))


def _largest(array: Array) -> float:
    xp = namespace(array)
    return float(xp.max(xp.abs(array))) if array.size else 0.0
