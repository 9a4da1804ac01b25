"""Special functions whose values come from SciPy, or from CuPy on a GPU: gamma, beta and Bessel functions, and inverses.

Densities and Bessel functions are members of families that are closed under differentiation, so that no derivative, of
any order, divides 0 by 0 at the edge of its domain.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from gpugrad._op import SCALARS, binary, op, unary
from gpugrad._ops.special import array_of, of_reals, xlog1py, xlogy
from gpugrad.backends import Array, backend_of
from gpugrad.errors import OptionError

__all__ = [
    "bessel_i",
    "beta",
    "beta_density",
    "betainc",
    "betaln",
    "erfinv",
    "gamma",
    "gamma_density",
    "gammainc",
    "gammaincc",
    "gammaln",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "ndtri",
    "polygamma",
    "psi",
    "stdtr",
]


def _library(name: str) -> Any:
    """Return the library's function of this name, of any real operands."""
    return of_reals(name, lambda *operands: backend_of(operands[0]).special(name)(*operands[:-1]))


# Powers of the inputs and their exponentials


def _falling(a: Array, count: int) -> Any:
    """Return a (a - 1) (a - 2) ..., `count` factors."""
    product: Any = 1
    for k in range(count):
        product = product * (a - k)
    return product


def _times(coefficient: Any, exponent: Array, xp: Any) -> Array:
    """Return coefficient * exp(exponent), 0 where the coefficient is 0 whatever the exponent."""
    product = coefficient * xp.exp(exponent)
    return product if type(coefficient) is int else xp.where(coefficient == 0, xp.zeros_like(product), product)


def _gamma_density(a: Array, x: Array, order: int, xp: Any) -> Array:
    exponent = xlogy(a - 1 - order, x) - x - gammaln(a)
    return _times(_falling(a - 1, order), xp.where(x == math.inf, xp.full_like(exponent, -math.inf), exponent), xp)


@op(x=lambda g, a, x, order: g * (gamma_density(a, x, order=order + 1) - gamma_density(a, x, order=order)), elementwise=True)
def gamma_density(a: Array, x: Array, /, *, order: int = 0) -> Array:
    """Return exp(-x) / gamma(a) times the derivative of this order of x ** (a - 1).

    >>> import gpugrad
    >>> gpugrad._ops.gamma_density(2., gpugrad.tensor([0., 1.]))
    tensor([0.0000, 0.3679])
    """
    return of_reals("gamma_density", lambda a, x, xp: _gamma_density(a, x, order, xp))(a, x)


def _beta_density(a: Array, b: Array, x: Array, order: int, order_right: int, xp: Any) -> Array:
    exponent = xlogy(a - 1 - order, x) + xlog1py(b - 1 - order_right, -x) - betaln(a, b)
    return _times(_falling(a - 1, order) * _falling(b - 1, order_right), exponent, xp)


def _beta_density_x(g: Array, a: Array, b: Array, x: Array, order: int, order_right: int) -> Array:
    """`g` times the difference of the two densities whose orders are one higher."""
    left = beta_density(a, b, x, order=order + 1, order_right=order_right)
    return g * (left - beta_density(a, b, x, order=order, order_right=order_right + 1))


@op(x=_beta_density_x, elementwise=True)
def beta_density(a: Array, b: Array, x: Array, /, *, order: int = 0, order_right: int = 0) -> Array:
    """Return d^n/dx^n x ** (a - 1) times d^m/dy^m y ** (b - 1), y = 1 - x, over beta(a, b), n and m the two orders.

    >>> import gpugrad
    >>> gpugrad._ops.beta_density(2., 1., gpugrad.tensor([0., 0.5]))
    tensor([0., 1.])
    """
    return of_reals("beta_density", lambda a, b, x, xp: _beta_density(a, b, x, order, order_right, xp))(a, b, x)


# Bessel functions

def _bessel_i(x: Array, order: int, damped: bool, xp: Any) -> Array:
    """Return I_n(x) / x**n for n = order, times exp(-abs(x)) where it is damped.

    Near 0 by its series, whose terms are all positive; elsewhere by recurrence upwards, which loses no digits where x is
    large beside n: I_(n+1) = I_(n-1) - 2n/x I_n.
    """
    size, seam = xp.abs(x), 8.0 + order * order
    small = size < seam
    near, far = xp.where(small, size, xp.zeros_like(x)), xp.where(small, xp.full_like(x, seam), size)
    quarter = near * near / 4
    series = xp.ones_like(x)
    for m in range(40 + 2 * order * order, 0, -1):
        series = 1 + series * quarter / (m * (m + order))
    series = series / (2**order * math.factorial(order))
    special = backend_of(x).special
    previous, last = special("i0e")(far), special("i1e")(far)
    for n in range(1, order):
        previous, last = last, previous - 2 * n / far * last
    recurred = (last if order else previous) / far**order
    if damped:
        return xp.where(small, series * xp.exp(-near), recurred)
    grown = xp.exp(far / 2)  # its square overflows a little before the function does
    return xp.where(small, series, recurred * grown * grown)


def _bessel_i_x(g: Array, z: Array, x: Array, order: int, damped: bool, xp: Any) -> Array:
    """`g * x` times the function of the next order, less sign(x) z where it is damped."""
    slope = x * bessel_i(x, order=order + 1, damped=damped)
    return g * (slope - xp.sign(x) * z if damped else slope)


@op(x=_bessel_i_x, elementwise=True)
def bessel_i(x: Array, /, *, order: int, damped: bool = False) -> Array:
    """Return I_n(x) / x**n, the modified Bessel function of this order as an even function, smooth at 0.

    Its derivative is x I_(n+1)(x) / x**(n+1). With `damped` it is multiplied by exp(-abs(x)).

    >>> import gpugrad
    >>> gpugrad._ops.bessel_i(gpugrad.tensor([0., 1.]), order=1)
    tensor([0.5000, 0.5652])
    """
    return of_reals("bessel_i", lambda x, xp: _bessel_i(x, order, damped, xp))(x)


def _i1_x(g: Array, x: Array) -> Array:
    """I_1 = x (I_1 / x), by the product rule."""
    return g * (bessel_i(x, order=1) + x * x * bessel_i(x, order=2))


def _i1e_x(g: Array, x: Array, xp: Any) -> Array:
    """`g * (i1e(x) / x + i2e(x) - sign(x) * i1e(x))`, and its limit 1/2 at 0."""
    even = bessel_i(x, order=1, damped=True)
    return g * (even + x * x * bessel_i(x, order=2, damped=True) - xp.abs(x) * even)


# Gamma and beta


def _betaln_part(g: Array, mine: Array, other: Array, xp: Any) -> Array:
    """Psi(mine) - psi(mine + other), the derivative of the logarithm."""
    mine, other = array_of(mine, g, xp), array_of(other, g, xp)
    return g * (psi(mine) - psi(mine + other))


# fmt: off
erfinv  = unary("erfinv",  "Return the inverse of erf, element by element; its derivative at -1 and 1 is infinite.", forward=_library("erfinv"),
                x=lambda g, z, xp: g * (0.5 * math.sqrt(math.pi) * xp.exp(z * z)))
ndtri   = unary("ndtri",   "Return the inverse of ndtr, the normal quantile, element by element; its derivative at 0 and 1 is infinite.", forward=_library("ndtri"),
                x=lambda g, z, xp: g * (math.sqrt(2 * math.pi) * xp.exp(0.5 * z * z)))
gamma   = unary("gamma",   "Return the gamma function, element by element.", forward=_library("gamma"),
                x=lambda g, x, z: g * (z * psi(x)))
gammaln = unary("gammaln", "Return the logarithm of the absolute value of the gamma function, element by element.", forward=_library("gammaln"),
                x=lambda g, x: g * psi(x))
psi: Callable[..., Any] = unary("psi",     "Return the derivative of gammaln, element by element.", forward=_library("psi"),
                x=lambda g, x: g * polygamma(1, x))
beta    = binary("beta",   "Return gamma(x1) gamma(x2) / gamma(x1 + x2), element by element.", forward=_library("beta"),
                x1=lambda g, z, x1, x2, xp: _betaln_part(g * z, x1, x2, xp),
                x2=lambda g, z, x1, x2, xp: _betaln_part(g * z, x2, x1, xp))
betaln  = binary("betaln", "Return the logarithm of the absolute value of beta, element by element.", forward=_library("betaln"),
                x1=lambda g, x1, x2, xp: _betaln_part(g, x1, x2, xp),
                x2=lambda g, x1, x2, xp: _betaln_part(g, x2, x1, xp))
i0      = unary("i0",      "Return the modified Bessel function of the first kind of order 0, element by element.", forward=_library("i0"),
                x=lambda g, x: g * (x * bessel_i(x, order=1)))
i0e     = unary("i0e",     "Return exp(-abs(x)) i0(x), element by element; its derivative at 0 is 0.", forward=_library("i0e"),
                x=lambda g, x, z, xp: g * (x * bessel_i(x, order=1, damped=True) - xp.sign(x) * z))
i1      = unary("i1",      "Return the modified Bessel function of the first kind of order 1, element by element.", forward=_library("i1"),
                x=_i1_x)
i1e     = unary("i1e",     "Return exp(-abs(x)) i1(x), element by element.", forward=_library("i1e"),
                x=_i1e_x)
# fmt: on


def _polygamma(n: Array, x: Array, xp: Any) -> Array:
    special = backend_of(x).special
    factor = (2 * xp.remainder(n, xp.full_like(n, 2)) - 1) * special("gamma")(n + 1)
    return xp.where(n == 0, special("psi")(x), factor * special("zeta")(n + 1, x))


@op(x=lambda g, n, x: g * polygamma(n + 1, x), elementwise=True)
def polygamma(n: Array, x: Array, /) -> Array:
    """Return the n-th derivative of psi at `x`; n is a whole number, or an array of them, 0 or more.

    >>> import gpugrad
    >>> gpugrad.special.polygamma(1, gpugrad.tensor(1.)) * 6 / gpugrad.pi**2
    tensor(1.)
    """
    if type(n) in SCALARS and (n < 0 or n % 1 != 0):
        raise OptionError(f"polygamma: n is {n}; it is a whole number, 0 or more")
    return of_reals("polygamma", _polygamma)(n, x)


# Distributions. They have derivatives by the variable; by the parameters nobody has a closed form.


@op(x=lambda g, a, x: g * gamma_density(a, x), elementwise=True)
def gammainc(a: Array, x: Array, /) -> Array:
    """Return the gamma distribution function with shape `a` at `x`; differentiable by `x` alone.

    >>> import gpugrad
    >>> gpugrad.special.gammainc(1., gpugrad.tensor([0., 1.]))
    tensor([0.0000, 0.6321])
    """
    return _library("gammainc")(a, x)


@op(x=lambda g, a, x: -g * gamma_density(a, x), elementwise=True)
def gammaincc(a: Array, x: Array, /) -> Array:
    """Return 1 - gammainc(a, x), accurate in the tail; differentiable by `x` alone.

    >>> import gpugrad
    >>> gpugrad.special.gammaincc(1., gpugrad.tensor([0., 1.]))
    tensor([1.0000, 0.3679])
    """
    return _library("gammaincc")(a, x)


@op(x=lambda g, a, b, x: g * beta_density(a, b, x), elementwise=True)
def betainc(a: Array, b: Array, x: Array, /) -> Array:
    """Return the beta distribution function with shapes `a` and `b` at `x`; differentiable by `x` alone.

    >>> import gpugrad
    >>> gpugrad.special.betainc(1., 2., gpugrad.tensor([0., 0.5, 1.]))
    tensor([0.0000, 0.7500, 1.0000])
    """
    return _library("betainc")(a, b, x)


def _stdtr_t(g: Array, df: Array, t: Array, xp: Any) -> Array:
    """Return g times Student's density, which for an infinite `df` is the normal one."""
    df = array_of(df, g, xp)
    endless = df == math.inf
    finite = xp.where(endless, xp.ones_like(df), df)
    normalizer = -0.5 * xp.log(finite) - betaln(0.5 * finite, 0.5)
    student = normalizer - 0.5 * (finite + 1) * xp.log1p(t * (t / finite))
    normal = -0.5 * t * t - 0.5 * math.log(2 * math.pi)
    return g * xp.exp(xp.where(endless, normal, student))


@op(t=_stdtr_t, elementwise=True)
def stdtr(df: Array, t: Array, /) -> Array:
    """Return Student's distribution function with `df` degrees of freedom at `t`; differentiable by `t` alone.

    >>> import gpugrad
    >>> gpugrad.special.stdtr(1., gpugrad.tensor([-1., 0., 1.]))
    tensor([0.2500, 0.5000, 0.7500])
    """
    return _library("stdtr")(df, t)
