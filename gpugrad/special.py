"""Special functions under SciPy's names and with its arguments.

Some of them take their values from SciPy, which `pip install "gpugrad[scipy]"` brings, or from CuPy on a GPU.
"""

from __future__ import annotations

import math
from typing import Any

from gpugrad import _ops as ops
from gpugrad._ops import (
    beta,
    betainc,
    betaln,
    entr,
    erf,
    erfc,
    erfinv,
    gamma,
    gammainc,
    gammaincc,
    gammaln,
    i0,
    i0e,
    i1,
    i1e,
    kl_div,
    log_ndtr,
    logit,
    ndtr,
    ndtri,
    polygamma,
    psi,
    rel_entr,
    sinc,
    stdtr,
    xlog1py,
    xlogy,
)
from gpugrad._ops import log_sigmoid as log_expit
from gpugrad._ops import sigmoid as expit
from gpugrad._ops.statistical import Axis

__all__ = [
    "beta",
    "betainc",
    "betaln",
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfinv",
    "expit",
    "gamma",
    "gammainc",
    "gammaincc",
    "gammaln",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "kl_div",
    "log_expit",
    "log_ndtr",
    "log_softmax",
    "logit",
    "logsumexp",
    "ndtr",
    "ndtri",
    "polygamma",
    "psi",
    "rel_entr",
    "sinc",
    "softmax",
    "stdtr",
    "xlog1py",
    "xlogy",
]

digamma = psi


def softmax(x: Any, axis: Axis = None) -> Any:
    """Return exp(x) over its sum along `axis`, an axis or a tuple of them; by default over all of them.

    >>> import gpugrad
    >>> softmax(gpugrad.tensor([1e4, 1e4]))
    tensor([0.5000, 0.5000])
    """
    return ops.softmax(x, axis=axis)


def log_softmax(x: Any, axis: Axis = None) -> Any:
    """Return the logarithm of softmax(x, axis), accurate where softmax is nearly 0.

    >>> import gpugrad
    >>> log_softmax(gpugrad.tensor([0., 0.]))
    tensor([-0.6931, -0.6931])
    """
    return ops.log_softmax(x, axis=axis)


def logsumexp(a: Any, axis: Axis = None, b: Any = None, keepdims: bool = False, return_sign: bool = False) -> Any:
    """Return log(sum(b * exp(a))) over `axis`, by default over all, without overflow; `b` is 1 if it is not given.

    Weights may be negative: with `return_sign` the result is the logarithm of the absolute value and the sign of the
    sum, and without it NaN where the sum is negative. Where a weight is 0 the element counts for nothing.

    >>> import gpugrad
    >>> logsumexp(gpugrad.tensor([100., 100.]))
    tensor(100.6931)
    >>> logsumexp(gpugrad.tensor([0., 0.]), b=gpugrad.tensor([1., -3.]), return_sign=True)
    (tensor(0.6931), tensor(-1.))
    """
    if b is None and not return_sign:
        return ops.logsumexp(a, axis=axis, keepdims=keepdims)
    z, sign = ops.weighted_logsumexp(a, 1 if b is None else b, axis=axis, keepdims=keepdims)
    if return_sign:
        return z, sign
    return z * ops.where(sign < 0, sign * math.nan, 1.0)
