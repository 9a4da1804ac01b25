"""Gradients without derivative rules: central differences of functions of mpmath numbers, at 60 digits.

Arrays are NumPy's with mpf and mpc elements. A difference over 1e-16 is then right to 30 digits, one of differences to
25: to float64 they are exact, and no formula of calculus has been used that could be wrong.
"""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np

__all__ = ["gradients", "lift", "second_gradients", "tangent"]

mpmath.mp.dps = 60
STEP, OUTER_STEP = mpmath.mpf("1e-16"), mpmath.mpf("1e-14")


def lift(z: Any) -> np.ndarray:
    """Return numbers as an array of mpf and mpc."""
    z = np.asarray(z, dtype=object)
    lifted = np.empty(z.shape, dtype=object)
    for i in np.ndindex(z.shape):
        lifted[i] = mpmath.mpmathify(z[i])
    return lifted


def _moved(xs, directions, step):
    return [lift(x + step * d) for x, d in zip(xs, directions, strict=True)]


def _scalar(function, xs, ws):
    """Return sum Re(conj(w) z)."""
    total = mpmath.mpf(0)
    for z, w in zip(function(*xs), ws, strict=True):
        for a, b in zip(z.reshape(-1), w.reshape(-1), strict=True):
            total += mpmath.re(mpmath.conj(b) * a)
    return total


def tangent(function, xs, vs):
    """Return the derivatives of the outputs along vs."""
    ahead, behind = function(*_moved(xs, vs, STEP)), function(*_moved(xs, vs, -STEP))
    return [lift((a - b) / (2 * STEP)) for a, b in zip(ahead, behind, strict=True)]


def _gradient(scalar, xs, step):
    """Return dL/dRe x + i dL/dIm x for each input, coordinate by coordinate."""
    found = []
    for k, x in enumerate(xs):
        g = np.empty(x.shape, dtype=object)
        for i in np.ndindex(x.shape):
            parts = [1] if isinstance(x[i], mpmath.mpf) else [1, 1j]
            slopes = []
            for unit in parts:
                values = []
                for signed in (step, -step):
                    moved = x.copy()
                    moved[i] = x[i] + mpmath.mpmathify(unit) * signed
                    values.append(scalar([*xs[:k], moved, *xs[k + 1 :]]))
                slopes.append((values[0] - values[1]) / (2 * step))
            g[i] = slopes[0] if len(parts) == 1 else mpmath.mpc(*slopes)
        found.append(g)
    return found


def gradients(function, xs, ws):
    """Return the gradients of sum Re(conj(w) z) with respect to the inputs."""
    return _gradient(lambda moved: _scalar(function, moved, ws), xs, STEP)


def second_gradients(function, xs, ws, vs):
    """Return the gradients of sum Re(conj(v) gradient) with respect to the inputs, and to the cotangents.

    That sum is the derivative of the scalar along v, and its gradient in w, on which it depends linearly, that of
    the outputs along v.
    """

    def along(moved):
        ahead, behind = (_scalar(function, _moved(moved, vs, s), ws) for s in (STEP, -STEP))
        return (ahead - behind) / (2 * STEP)

    return _gradient(along, xs, OUTER_STEP), tangent(function, xs, vs)
