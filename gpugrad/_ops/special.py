"""Special functions that are array code of ours: logarithms, entropies, the normal distribution, sinc.

They take real values. Those that need more of a library than the standard has are in `special_library`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import zip_longest
from typing import Any

from gpugrad._fused._half import widened
from gpugrad._op import SCALARS, binary, op, unary
from gpugrad._ops.activations import normal_distribution
from gpugrad._ops.gaussians import normal_density
from gpugrad._ops.statistical import Axis, axes_of, kept
from gpugrad.backends import Array, backend_of, together
from gpugrad.errors import DtypeError

__all__ = [
    "array_of",
    "entr",
    "kl_div",
    "log_ndtr",
    "logit",
    "ndtr",
    "of_reals",
    "rel_entr",
    "sinc",
    "sinc_derivative",
    "weighted_logsumexp",
    "xlog1py",
    "xlogy",
]

_log_root_two_pi = 0.5 * math.log(2 * math.pi)


def array_of(x: Any, like: Array, xp: Any) -> Array:
    """Return an operand of a floating op as an array in the dtype of `like`."""
    if type(x) in SCALARS:
        device = getattr(like, "device", None)  # which the scalars of NumPy 2.0 lack
        return xp.full((), x, dtype=like.dtype, device=device)
    return x if x.dtype == like.dtype else xp.astype(x, like.dtype)


def _reals(name: str, operands: tuple[Any, ...], xp: Any) -> tuple[list[Array], Any]:
    """Return operands as arrays of one real floating dtype, float16 as float32, and the dtype of the result."""
    backend = backend_of(next(x for x in operands if type(x) not in SCALARS))
    alike = together(backend, operands, float_result=True)
    like = next(x for x in alike if type(x) not in SCALARS)
    if backend.dtype_of(like).kind == "c":
        raise DtypeError(f"{name}: takes real values, not {like.dtype}")
    return [widened(array_of(x, like, xp)) for x in alike], like.dtype


def of_reals(name: str, f: Callable[..., Array]) -> Callable[..., Array]:
    """Let `f`, array code that takes `xp` last, take real operands: arrays of any dtypes and Python scalars.

    They become arrays of one floating dtype, float16 goes through float32, and nothing warns.
    """

    def of_any(*operands: Array) -> Array:
        backend = backend_of(next(x for x in operands if type(x) not in SCALARS))
        arrays, dtype = _reals(name, operands, backend.namespace)
        with backend.quiet():
            z = f(*arrays, backend.namespace)
        return z if z.dtype == dtype else backend.namespace.astype(z, dtype)

    return of_any


# Logarithms, alone and with a factor


def _logit(x: Array, xp: Any) -> Array:
    """Log(x / (1 - x)); around 1/2, where the result is small, from its distance to it."""
    middle = (x > 0.3) & (x < 0.65)
    s = xp.where(middle, 2 * x - 1, xp.zeros_like(x))
    return xp.where(middle, xp.log1p(s) - xp.log1p(-s), xp.log(x / (1 - x)))


def _xlogy(x1: Array, x2: Array, xp: Any) -> Array:
    nothing = (x1 == 0) & ~xp.isnan(x2)
    return xp.where(nothing, xp.zeros_like(x1), x1 * xp.log(xp.where(nothing, xp.ones_like(x2), x2)))


def _xlog1py(x1: Array, x2: Array, xp: Any) -> Array:
    nothing = (x1 == 0) & ~xp.isnan(x2)
    return xp.where(nothing, xp.zeros_like(x1), x1 * xp.log1p(xp.where(nothing, xp.zeros_like(x2), x2)))


def _xlog_x1(log: str, shift: int) -> Callable[..., Array]:
    """Return the rule of x1 * log(x2 + shift): the logarithm; 0 where x1 is 0 and it is infinite, or there is none."""

    def rule(g: Array, x1: Array, x2: Array, xp: Any) -> Array:
        """`g` times the logarithm; 0 where x1 is 0 and it is infinite, or there is none."""
        x1, x2 = array_of(x1, g, xp), array_of(x2, g, xp)
        edge = (x1 == 0) & (x2 + shift <= 0)
        return g * getattr(xp, log)(xp.where(edge, xp.ones_like(x2) - shift, x2))

    return rule


def _xlog_x2(shift: int) -> Callable[..., Array]:
    """Return the rule of the other input: x1 / (x2 + shift), with 0 / 0 = 0."""

    def rule(g: Array, x1: Array, x2: Array, xp: Any) -> Array:
        """`g` times x1 over what the logarithm is taken of, with 0 / 0 = 0."""
        x1, below = array_of(x1, g, xp), array_of(x2, g, xp) + shift
        edge = (below == 0) & (x1 == 0)
        part = x1 / xp.where(edge, xp.ones_like(below), below)
        return g * xp.where(edge, xp.zeros_like(part), part)

    return rule


# Entropies


def _entr(x: Array, xp: Any) -> Array:
    inside = -x * xp.log(xp.where(x > 0, x, xp.ones_like(x)))
    return xp.where(x > 0, inside, xp.where(x < 0, xp.full_like(x, -math.inf), x * 0))


def _log_ratio(x1: Array, x2: Array, xp: Any) -> Array:
    """Log(x1 / x2) for positive numbers, whether they are nearly equal or too far apart to be divided."""
    ratio = x1 / x2
    near = (ratio > 0.5) & (ratio < 2)
    divisible = (ratio >= xp.finfo(ratio.dtype).smallest_normal) & (ratio < math.inf)
    apart = xp.where(divisible, xp.log(ratio), xp.log(x1) - xp.log(x2))
    return xp.where(near, xp.log1p((x1 - x2) / x2), apart)


def _on_quadrant(x1: Array, x2: Array, inside: Array, at_zero: Array, xp: Any) -> Array:
    """Return `inside` for positive inputs, `at_zero` where x1 is 0, and inf where an input is negative or x2 alone is 0."""
    edge = xp.where((x1 == 0) & (x2 >= 0), at_zero, xp.full_like(inside, math.inf))
    z = xp.where((x1 > 0) & (x2 > 0), inside, edge)
    return xp.where(xp.isnan(x1) | xp.isnan(x2), xp.full_like(z, math.nan), z)


def _rel_entr(x1: Array, x2: Array, xp: Any) -> Array:
    return _on_quadrant(x1, x2, x1 * _log_ratio(x1, x2, xp), xp.zeros_like(x2), xp)


def _kl_div(x1: Array, x2: Array, xp: Any) -> Array:
    """X1 * log(x1 / x2) - x1 + x2; where its terms nearly cancel, by the series of log((1 + s) / (1 - s)).

    With s = (x1 - x2) / (x1 + x2) it is (x1 - x2) s (1 + (1 + s) s (1/3 + s^2/5 + s^4/7 + ...)).
    """
    distance = x1 - x2
    s = distance / x2
    s = s / (2 + s)
    near = xp.abs(s) < 1 / 3
    s = xp.where(near, s, xp.zeros_like(s))
    series = xp.full_like(s, 1 / 35)
    for k in range(33, 1, -2):
        series = series * s * s + 1 / k
    inside = xp.where(near, distance * s * (1 + (1 + s) * s * series), x1 * _log_ratio(x1, x2, xp) - distance)
    return _on_quadrant(x1, x2, inside, x2, xp)


def _inside(x1: Array, x2: Array, g: Array, xp: Any) -> tuple[Array, Array, Array, Array]:
    """Return where both inputs are positive, where x1 is 0 and x2 is not negative, and the inputs, 1 outside of these."""
    x1, x2 = array_of(x1, g, xp), array_of(x2, g, xp)
    positive = (x1 > 0) & (x2 > 0)
    edge = (x1 == 0) & (x2 >= 0)
    one = xp.ones_like(g)
    return positive, edge, xp.where(positive, x1, one), xp.where(positive, x2, one)


def _divergence_x1(g: Array, x1: Array, x2: Array, xp: Any, add: float) -> Array:
    """Log(x1 / x2) + add; -inf where x1 is 0, and at (0, 0) zero by convention."""
    positive, edge, safe1, safe2 = _inside(x1, x2, g, xp)
    outside = xp.where(edge, xp.full_like(g, -math.inf), xp.full_like(g, math.nan))
    outside = xp.where(edge & (array_of(x2, g, xp) == 0), xp.zeros_like(g), outside)
    return g * xp.where(positive, rel_entr(safe1, safe2) / safe1 + add, outside)


def _divergence_x2(g: Array, x1: Array, x2: Array, xp: Any, add: float) -> Array:
    """Add - x1 / x2; at (0, 0) zero by convention."""
    positive, edge, safe1, safe2 = _inside(x1, x2, g, xp)
    outside = xp.where(edge, xp.full_like(g, add), xp.full_like(g, math.nan))
    outside = xp.where(edge & (array_of(x2, g, xp) == 0), xp.zeros_like(g), outside)
    return g * xp.where(positive, add - safe1 / safe2, outside)


# The normal distribution

_gap = (
    1.8048571559157687, -1.1822045015192797, 0.40195670380622867, 0.06751792792284092, -0.1382244914787236,
    0.03370366765042331, 0.0316565274787675, -0.02080045425152267, -0.0044885897435439, 0.0079614104893639,
    -0.00037358714601774, -0.00248578767639505, 0.00059486208819019, 0.0006654747117992, -0.00028931324063017,
    -0.00015026385717651, 0.00010494007142868, 2.544569405562e-05, -3.179922158522e-05, -1.21002873082e-06,
    8.22387971311e-06, -1.40845008089e-06, -1.78174841234e-06, 7.8328190685e-07, 3.0524847781e-07, -2.5109295816e-07,
    -3.656939554e-08, 5.043456243e-08, 2.26546467e-09, -4.91453909e-09,
)
"""(t + 4) times the gap between the hazard at t and t, as a polynomial in (t - 4) / (t + 4): a Chebyshev fit to 2**-53."""


def _hazard(t: Array) -> Array:
    """Return density / distribution of the normal distribution at -t, for t >= 0: t plus a gap that goes to 0.

    The gap is computed as such, so that no derivative cancels.
    """
    u = 1 - 8 / (t + 4)
    z: Any = _gap[-1]
    for coefficient in _gap[-2::-1]:
        z = z * u + coefficient
    return t + z / (t + 4)


def _log_ndtr(x: Array, xp: Any) -> Array:
    t = xp.where(x < 0, -x, xp.zeros_like(x))
    below = -0.5 * t * t - _log_root_two_pi - xp.log(_hazard(t))
    return xp.where(x < 0, below, xp.log1p(-normal_distribution(-xp.abs(x))))


def _log_ndtr_x(g: Array, x: Array, xp: Any) -> Array:
    """`g * normal_density(x) / ndtr(x)`, which is smooth, and as large as -x in the tail."""
    low = x < 0
    below, above = xp.where(low, -x, xp.zeros_like(x)), xp.where(low, xp.zeros_like(x), x)
    return g * xp.where(low, _hazard(below), normal_density(above) / ndtr(above))


# fmt: off
logit    = unary("logit",    "Return log(x / (1 - x)), element by element; its derivative at 0 and 1 is infinite.", forward=of_reals("logit", _logit),
                 x=lambda g, x: g / x / (1 - x))
xlogy    = binary("xlogy",   "Return x1 * log(x2), element by element, and 0 where x1 is 0.", forward=of_reals("xlogy", _xlogy),
                 x1=_xlog_x1("log", 0),
                 x2=_xlog_x2(0))
xlog1py  = binary("xlog1py", "Return x1 * log(1 + x2), element by element, and 0 where x1 is 0.", forward=of_reals("xlog1py", _xlog1py),
                 x1=_xlog_x1("log1p", 1),
                 x2=_xlog_x2(1))
entr     = unary("entr",     "Return -x * log(x), element by element, and -inf where x is negative; its derivative at 0 is infinite.", forward=of_reals("entr", _entr),
                 x=lambda g, x, xp: -g * (xp.log(x) + 1))
rel_entr = binary("rel_entr", "Return x1 * log(x1 / x2), element by element: 0 where x1 is 0, inf where an input is negative.", forward=of_reals("rel_entr", _rel_entr),
                 x1=lambda g, x1, x2, xp: _divergence_x1(g, x1, x2, xp, 1),
                 x2=lambda g, x1, x2, xp: _divergence_x2(g, x1, x2, xp, 0))
kl_div   = binary("kl_div",  "Return x1 * log(x1 / x2) - x1 + x2, element by element: x2 where x1 is 0, inf where an input is negative.", forward=of_reals("kl_div", _kl_div),
                 x1=lambda g, x1, x2, xp: _divergence_x1(g, x1, x2, xp, 0),
                 x2=lambda g, x1, x2, xp: _divergence_x2(g, x1, x2, xp, 1))
ndtr     = unary("ndtr",     "Return the normal distribution function, element by element, accurate in the tail.", forward=of_reals("ndtr", lambda x, xp: normal_distribution(x)),
                 x=lambda g, x: g * normal_density(x))
log_ndtr = unary("log_ndtr", "Return the logarithm of the normal distribution function, element by element, however far in the tail.", forward=of_reals("log_ndtr", _log_ndtr),
                 x=_log_ndtr_x)
sinc     = unary("sinc",     "Return sin(pi x) / (pi x), element by element, and 1 at 0.", forward=of_reals("sinc", lambda x, xp: _sinc(x, 0, xp)),
                 x=lambda g, x: g * sinc_derivative(x, order=1))
# fmt: on


# sinc, and all its derivatives


def _sinc(x: Array, order: int, xp: Any) -> Array:
    """Return the derivative of this order.

    With y = pi x, f = sin(y) / y, and y f = sin(y) differentiated n times, f_n = (sin(y + n pi/2) - n f_(n-1)) / y. For
    small y, where this cancels, the series of f, differentiated term by term.
    """
    seam = 1 + order / 2
    y = math.pi * x
    small = xp.abs(y) < seam
    near = xp.where(small, y, xp.zeros_like(y))
    far = xp.where(small, xp.ones_like(y), y)
    # Half turns are taken off before the product with pi, which is exact: the sine of whole numbers is 0.
    turns = xp.round(x)
    sign = 1 - 4 * (turns / 2 - xp.floor(turns / 2))
    sine, cosine = sign * xp.sin(math.pi * (x - turns)), sign * xp.cos(math.pi * (x - turns))
    z = sine / far
    for n in range(1, order + 1):
        z = ((sine, cosine, -sine, -cosine)[n % 4] - n * z) / far
    first = (order + 1) // 2
    terms = [(-1) ** k / (math.factorial(2 * k - order) * (2 * k + 1)) for k in range(first, first + 10 + order)]
    square = near * near
    series = xp.full_like(y, terms[-1])
    for term in terms[-2::-1]:
        series = series * square + term
    if order % 2:
        series = series * near
    return math.pi**order * xp.where(small, series, z)


@op(x=lambda g, x, order: g * sinc_derivative(x, order=order + 1), elementwise=True)
def sinc_derivative(x: Array, /, *, order: int) -> Array:
    """Return the derivative of sinc of this order, accurate at 0 as elsewhere.

    >>> import gpugrad
    >>> gpugrad._ops.sinc_derivative(gpugrad.tensor(0.), order=2) * 3 / gpugrad.pi**2
    tensor(-1.)
    """
    return of_reals("sinc_derivative", lambda x, xp: _sinc(x, order, xp))(x)


# Sums of exponentials with weights


def _weighted_part(z: Any, a: Array, shape: Any, axis: Axis, keepdims: bool, xp: Any) -> Array:
    """Return sign * exp(a - z), the derivative by a weight; where z is -inf it is 0 by convention."""
    top, sign = (kept(output, shape, axis, keepdims, xp) for output in z)
    empty = top == -math.inf
    part = xp.exp(a - xp.where(empty, xp.zeros_like(top), top))
    return xp.where(empty, xp.zeros_like(part), part) * sign


def _met(shape1: tuple[int, ...], shape2: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape in which two shapes meet."""
    sizes = zip_longest(reversed(shape1), reversed(shape2), fillvalue=1)
    return tuple(n if m == 1 else m for m, n in sizes)[::-1]


def _weighted_x1(
    g: Any, z: Any, x1: Array, x2: Array, x1_shape: Any, x2_shape: Any, axis: Axis, keepdims: bool, xp: Any
) -> Array:
    """Return the weight times that; where there is no weight, what is far above the result counts for nothing."""
    shape, x2 = _met(x1_shape, x2_shape), array_of(x2, g[0], xp)
    beyond = (x2 == 0) & ~(x1 - kept(z[0], shape, axis, keepdims, xp) < 80)
    part = _weighted_part(z, xp.where(beyond, xp.zeros_like(x1), x1), shape, axis, keepdims, xp)
    return kept(g[0], shape, axis, keepdims, xp) * xp.where(beyond, xp.zeros_like(part), x2 * part)


def _weighted_x2(
    g: Any, z: Any, x1: Array, x1_shape: Any, x2_shape: Any, axis: Axis, keepdims: bool, xp: Any
) -> Array:
    """`g * sign * exp(x1 - z)`."""
    shape = _met(x1_shape, x2_shape)
    return kept(g[0], shape, axis, keepdims, xp) * _weighted_part(z, array_of(x1, g[0], xp), shape, axis, keepdims, xp)


@op(x1=_weighted_x1, x2=_weighted_x2)
def weighted_logsumexp(x1: Array, x2: Array, /, *, axis: Axis = None, keepdims: bool = False) -> tuple[Array, Array]:
    """Return log(abs(s)) and the sign of s, where s is the sum of x2 * exp(x1) over `axis`.

    An element whose weight x2 is 0 counts for nothing, whatever it is. Where s is 0 the gradient is 0 by convention.

    >>> import gpugrad
    >>> gpugrad._ops.weighted_logsumexp(gpugrad.zeros(3), gpugrad.tensor([1., -2., -1.]))
    (tensor(0.6931), tensor(-1.))
    """
    backend = backend_of(next(x for x in (x1, x2) if type(x) not in SCALARS))
    xp = backend.namespace
    (a, b), dtype = _reals("logsumexp", (x1, x2), xp)
    axes = axes_of(axis, len(_met(a.shape, b.shape)))
    with backend.quiet():
        a = xp.where(b == 0, xp.full_like(a, -math.inf), a)
        peak = xp.max(a, axis=axes, keepdims=True)
        peak = xp.where(xp.isfinite(peak), peak, xp.zeros_like(peak))
        s = xp.sum(b * xp.exp(a - peak), axis=axes, keepdims=True)
        z, sign = (xp.astype(part, dtype) for part in (xp.log(xp.abs(s)) + peak, xp.sign(s)))
    return (z, sign) if keepdims else (xp.squeeze(z, axis=axes), xp.squeeze(sign, axis=axes))
