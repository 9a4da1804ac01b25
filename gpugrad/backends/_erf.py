"""The error function and its complement, which neither NumPy nor the array API standard has, as array code.

Two polynomials cover the line, as in W. J. Cody, "Rational Chebyshev approximations for the error function"
(Math. Comp. 23, 1969) and in fdlibm: one for the core, |x| < 3/4, and one for the tail,

    erf(x)  = x + x P(x^2)                                        in the core,
    erfc(a) = exp(-a^2) / a * T((a - 2) / (a + 2)),  a = |x|,     in the tail.

The variable of T is that of M. M. Shepherd and J. G. Laframboise (Math. Comp. 36, 1981): it maps the whole
tail to (-0.46, 0.87), so that one T is enough; and T is nearly constant, which hides its rounding errors. The
coefficients were fitted for this file by the Remez exchange in 70 digits, to the least relative error of erf
and of erfc, and then rounded to the dtype. The fits leave 2**-29 (P) and 2**-27 (T) in float32, 2**-60 and
2**-55 in float64.

Every operation below must be rounded on its own: a compiler that fuses a multiplication with an addition
would break the exact steps of `_exact_square` and `_gaussian_float32`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gpugrad.backends._base import Array
from gpugrad.errors import DtypeError

__all__ = ["erf", "erfc"]

_seam = 0.75
_block = 1 << 15
_log_2 = math.log(2)


class _Fit(NamedTuple):
    """The coefficients for one dtype, that of the lowest power first."""

    core: tuple[float, ...]  # P
    tail: tuple[float, ...]  # T
    zero_from: float  # where exp(-a^2) has become exactly 0: beyond it a is clipped
    gaussian: Callable[[Array, Any], tuple[Array, Array]]


def erf(x: Array, xp: Any) -> Array:
    """Return 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x, element by element.

    Errors stay below 2.5 ulp. float16 goes through float32.

    Parameters
    ----------
    x: any shape, of a real floating dtype; nan, infinities and signed zeros are respected.
    xp: the array API namespace of `x`.

    >>> import numpy as np
    >>> [f"{y:.6f}" for y in erf(np.asarray([-0.5, 0.0, 2.0]), np)]
    ['-0.520500', '0.000000', '0.995322']
    """
    return _elementwise(_erf, x, xp)


def erfc(x: Array, xp: Any) -> Array:
    """Return 1 - erf(x), element by element, with all its digits where erf(x) is nearly 1.

    Errors stay below 4 ulp, down to the smallest normal number. float16 goes through float32.

    Parameters
    ----------
    x: any shape, of a real floating dtype; nan and infinities are respected.
    xp: the array API namespace of `x`.

    >>> import numpy as np
    >>> [f"{y:.6g}" for y in erfc(np.asarray([-np.inf, 0.0, 2.0, 20.0]), np)]
    ['2', '1', '0.00467773', '5.39587e-176']
    """
    return _elementwise(_erfc, x, xp)


def _elementwise(function: Callable[[Array, _Fit, Any], Array], x: Array, xp: Any) -> Array:
    """Apply `function` in a dtype that has a fit, and to large NumPy arrays block by block, in the cache."""
    if isinstance(x, np.ndarray) and x.size > _block:
        y = np.empty(x.shape, x.dtype)
        flat_x, flat_y = x.reshape(-1), y.reshape(-1)
        for start in range(0, x.size, _block):
            part = slice(start, start + _block)
            flat_y[part] = _elementwise(function, flat_x[part], xp)
        return y
    if x.dtype == xp.float32:
        return function(x, _float32, xp)
    if x.dtype == xp.float64:
        return function(x, _float64, xp)
    if not xp.isdtype(x.dtype, "real floating"):
        raise DtypeError(f"{function.__name__[1:]} needs a real floating dtype, not {x.dtype}: convert x first")
    return xp.astype(function(xp.astype(x, xp.float32), _float32, xp), x.dtype)


def _erf(x: Array, fit: _Fit, xp: Any) -> Array:
    size = xp.abs(x)
    inside, excess = _core(x, fit, xp)
    inside += excess
    a = xp.clip(size, _seam, fit.zero_from)
    missing = _tail_less_constant(a, fit)
    missing += fit.tail[0]
    # erfc is small beside 1 here, so the rounding of a * a does not matter.
    missing *= xp.exp(-(a * a))
    missing /= a
    return xp.where(size < _seam, inside, xp.copysign(1.0 - missing, x))


def _erfc(x: Array, fit: _Fit, xp: Any) -> Array:
    inside, excess = _core(x, fit, xp)
    # Counted from 1/2, the core keeps the digits that 1 - erf(x) would cancel.
    inside -= 0.5
    inside += excess
    inside = 0.5 - inside

    size = xp.abs(x)
    a = xp.clip(size, _seam, fit.zero_from)
    scale, loss = fit.gaussian(a, xp)
    # scale (1 - loss) T / a, with the constant of T added last: all that comes before it is small.
    tail = _tail_less_constant(a, fit)
    loss *= tail + fit.tail[0]
    tail -= loss
    tail += fit.tail[0]
    tail /= a
    tail *= scale
    # 2 - tail where x < 0; another where would take longer.
    twice = xp.astype(x < 0, x.dtype) * 2.0
    tail -= twice * tail
    tail += twice
    return xp.where(size < _seam, inside, tail)


def _core(x: Array, fit: _Fit, xp: Any) -> tuple[Array, Array]:
    """Return x, clipped to the core, and erf(x) - x."""
    inside = xp.clip(x, -_seam, _seam)
    excess = _polynomial(fit.core, inside * inside)
    excess *= inside
    return inside, excess


def _tail_less_constant(a: Array, fit: _Fit) -> Array:
    """Return T without its constant coefficient."""
    t = a - 2.0
    t /= a + 2.0
    y = _polynomial(fit.tail[1:], t)
    y *= t
    return y


def _polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    """Evaluate by Horner's rule, in place: memory is what array code waits for."""
    y = x * coefficients[-1]
    for c in coefficients[-2:0:-1]:
        y += c
        y *= x
    y += coefficients[0]
    return y


def _exact_square(a: Array, splitter: float) -> tuple[Array, Array]:
    """Return a^2 as an exact head of few bits and a small rest.

    exp(-a^2) would inherit the rounding of a * a multiplied by a^2. T. J. Dekker, Numer. Math. 18, 1971.
    """
    scaled = a * splitter
    head = scaled - (scaled - a)
    rest = a - head
    rest *= a + head
    head *= head
    return head, rest


def _gaussian_float64(a: Array, xp: Any) -> tuple[Array, Array]:
    """Return (scale, loss) with exp(-a^2) = scale (1 - loss)."""
    head, rest = _exact_square(a, 2.0**27 + 1)
    square = a * a
    head -= square
    rest += head
    return xp.exp(-square), rest


def _gaussian_float32(a: Array, xp: Any) -> tuple[Array, Array]:
    """Return (scale, loss) with exp(-a^2) = scale (1 - loss), where scale is a power of two.

    A library's own float32 exp may be off by 2.5 ulp, too much for 4 ulp in all. So a^2 = k log 2 + r, and
    exp(-r) is computed here; log 2 is split so that k times its head (15 bits) and the subtraction are exact.
    """
    head, rest = _exact_square(a, 2.0**12 + 1)
    k = xp.round(head * (1 / _log_2))
    head -= k * 0.69314575
    rest -= k * 1.4286068e-06
    head += rest
    loss = _polynomial(_exp_loss, head)
    loss *= head
    # About sqrt(2) 2**(23 - k): minus its predecessor that is one unit in its last place, exactly 2**-k.
    k *= -_log_2
    k += 23.5 * _log_2
    above = xp.exp(k)
    return above - above * (1 - 2.0**-24), loss


_float32 = _Fit(
    core=(0.12837917, -0.3761262, 0.11283376, -0.02683458, 0.0051142448, -0.00067487225),
    tail=(
        0.51079136,
        0.16721104,
        -0.20384394,
        0.1215136,
        -0.02898402,
        -0.0074949246,
        0.0048345006,
        0.0009933327,
        -0.00083313044,
    ),
    zero_from=12.0,
    gaussian=_gaussian_float32,
)

_float64 = _Fit(
    core=(
        0.1283791670955126,
        -0.37612638903183715,
        0.11283791670952469,
        -0.026866170644399646,
        0.0052239776150872766,
        -0.0008548326166617281,
        0.00012055288671235294,
        -1.4924173836781781e-05,
        1.6430343636281537e-06,
        -1.5937208167464428e-07,
        1.1462297427981992e-08,
    ),
    tail=(
        0.5107913526210115,
        0.16721101041410616,
        -0.20384429592887096,
        0.12151493052459188,
        -0.028976446698841245,
        -0.007515738410784907,
        0.0047848985876397625,
        0.0011266579820718332,
        -0.0007501852279927906,
        -0.0003143505215523147,
        8.942559454409515e-05,
        8.930242867271779e-05,
        6.2010168053830845e-06,
        -1.885140735230263e-05,
        -8.554219267656093e-06,
        1.0157513066673608e-06,
        2.8028959349282276e-06,
        1.5329096879569688e-06,
        -6.028787034433196e-07,
        -8.879822909090672e-07,
        3.661036458558964e-07,
    ),
    zero_from=28.0,
    gaussian=_gaussian_float64,
)

# (1 - exp(-r)) / r for |r| < 0.3475, fitted in the same way, to 2**-26.
_exp_loss = (1.0, -0.49999997, 0.16666505, -0.04166714, 0.0083692605, -0.0013888872)
