"""The functions as the long double of this machine knows them: the values that errors are measured against."""

from __future__ import annotations

import numpy as np

WIDER = np.finfo(np.longdouble).eps < 0.01 * np.finfo(np.float64).eps
"""Whether long double shows the errors of float64 at all."""


def wide(x):
    return np.asarray(x, np.longdouble)


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def logsumexp(x):
    peak = x.max(axis=1, keepdims=True)
    return (np.log(np.exp(x - peak).sum(axis=1, keepdims=True)) + peak)[:, 0]


def erf(x):
    near, size = np.abs(x) < 1, np.abs(x)
    return np.copysign(np.where(near, _series(np.where(near, size, 0)), 1 - _tail(np.where(near, 1, size))), x)


def erfc(x):
    size = np.abs(x)
    near = size < 1
    far = _tail(np.where(near, 1, size))
    return np.where(near, 1 - erf(np.where(near, x, 0)), np.where(x < 0, 2 - far, far))


def gelu(x):
    return x * erfc(-x / np.sqrt(wide(2))) / 2


def norm(x):
    return np.sqrt((x * x).sum())


def _series(x, terms=40):
    """Return erf of 0 <= x < 1 by a series whose terms are all positive (Abramowitz and Stegun, 7.1.6)."""
    term, total = x, x
    for n in range(1, terms):
        term = term * 2 * x * x / (2 * n + 1)
        total = total + term
    return 2 / np.sqrt(_pi) * np.exp(-x * x) * total


def _tail(x, terms=600):
    """Return erfc of x >= 1 by its continued fraction, from the inside out (Abramowitz and Stegun, 7.1.14)."""
    fraction = x
    for n in range(terms, 0, -1):
        fraction = x + n / wide(2) / fraction
    return np.exp(-x * x) / (np.sqrt(_pi) * fraction)


_pi = wide(4) * np.arctan(wide(1))
