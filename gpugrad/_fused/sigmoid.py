"""Sigmoid, and its derivative from the output (pairs with kernels/sigmoid.cu)."""

from __future__ import annotations

import numpy as np

from gpugrad._fused._half import float16_in_float32
from gpugrad._fused._pair import Fused
from gpugrad.backends import Array, namespace
from gpugrad.cuda import Kernel

__all__ = ["sigmoid", "sigmoid_backward"]

_forward = Kernel("sigmoid.cu", "sigmoid", "T[n] x, T[n] z, int64 n")
_backward = Kernel("sigmoid.cu", "sigmoid_backward", "T[n] g, T[n] z, T[n] gx, int64 n")


@Fused
@float16_in_float32
@np.errstate(over="ignore")  # of exp(-x): 1 / inf is the 0 that is wanted
def sigmoid(x: Array, /) -> Array:
    """Return 1 / (1 + exp(-x)), elementwise, in the dtype of `x`.

    In float32 within 4 units in the last place wherever the result is a normal number. float16 is computed in
    float32.

    Parameters
    ----------
    x
        A real floating-point array of any shape.

    Examples
    --------
    >>> import numpy as np
    >>> sigmoid(np.asarray([-np.inf, 0.0, 20.0], dtype=np.float32))
    array([0. , 0.5, 1. ], dtype=float32)
    """
    xp = namespace(x)
    z = xp.exp(-x)
    z += 1
    return xp.asarray(1 / z)


@sigmoid.cuda
def _sigmoid_on_cuda(x: Array, /) -> Array:
    xp = namespace(x)
    x = xp.asarray(x, order="C")  # not ascontiguousarray, which gives a 0-d array an axis
    z = xp.empty_like(x)
    _forward(x, z, n=x.size)
    return z


@Fused
@float16_in_float32
def sigmoid_backward(g: Array, z: Array, /) -> Array:
    """Return g * z * (1 - z), the gradient of the input of a sigmoid from its output.

    Parameters
    ----------
    g
        dL/dz, of a dtype that promotes with that of `z`, and of a shape that broadcasts with it.
    z
        The output of `sigmoid`.

    Examples
    --------
    >>> import numpy as np
    >>> sigmoid_backward(np.asarray([1.0, 2.0]), np.asarray([0.5, 1.0]))
    array([0.25, 0.  ])
    """
    return namespace(z).asarray((1 - z) * z * g)  # in this order NumPy makes one large array, and reuses it


@sigmoid_backward.cuda
def _sigmoid_backward_on_cuda(g: Array, z: Array, /) -> Array:
    xp = namespace(z)
    dtype = xp.result_type(g.dtype, z.dtype)
    if g.shape != z.shape:
        g, z = xp.broadcast_arrays(g, z)
    g, z = xp.asarray(g, dtype=dtype, order="C"), xp.asarray(z, dtype=dtype, order="C")
    gx = xp.empty_like(z)
    _backward(g, z, gx, n=z.size)
    return gx
