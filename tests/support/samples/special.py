"""Samples of the special functions."""

from __future__ import annotations

import numpy as np

import gpugrad
from gpugrad import _ops as ops
from samples.draws import Draws, Sample, constant, sample

draws = Draws()


def unit(*shape):
    """Return values between 0.05 and 0.95."""
    return draws.random.uniform(0.05, 0.95, shape)


def by_last(f, draw, *parameters):
    """Return calls of a distribution function, which is differentiable by its last input alone."""
    shapes = [("matrix", (2, 3), ()), ("broadcast", (4, 1), (2, 1, 3)), ("0-d", (), ()), ("size 0", (0, 2), ())]
    drawn = [(label, draw(*shape), [p(*other) for p in parameters]) for label, shape, other in shapes]
    rows = [sample(label, lambda x, q=q: f(*(constant(p, x) for p in q), x), x) for label, x, q in drawn]
    return [*rows, sample("scalars", lambda x: f(*[2.5] * len(parameters), x), draw(5))]


_zero = ("at 0", np.zeros(1))
_tail = ("tail", np.array([-30.0, -12.0, -5.1, -4.9, -2.0, 3.0, 8.0]))
_wide = ("wide", np.array([-20.0, -9.5, -3.0, 0.0, 1e-3, 6.0, 14.0, 40.0]))
_orders = np.array([0, 1, 2, 3])

SAMPLES: dict[str, list[Sample]] = {
    "logit": draws.one(ops.logit, unit, ("seams", np.array([0.04, 0.3, 0.5, 0.65, 0.96]))),
    "xlogy": [*draws.broadcasting(ops.xlogy, draws.normal, draws.positive), sample("x1 is 0", ops.xlogy, np.zeros(3), draws.positive(3))],
    "xlog1py": [*draws.broadcasting(ops.xlog1py, draws.normal, draws.positive), sample("x1 is 0", ops.xlog1py, np.zeros(3), draws.inside(3))],
    "entr": draws.one(ops.entr, draws.positive),
    "rel_entr": draws.broadcasting(ops.rel_entr, draws.positive),
    "kl_div": draws.broadcasting(ops.kl_div, draws.positive),
    "ndtr": draws.one(ops.ndtr, draws.normal),
    "gaussian": draws.one(ops.gaussian, draws.normal, ("tail", np.array([-4.0, 3.5]))),
    "normal_density": draws.one(ops.normal_density, draws.normal, ("tail", np.array([-6.0, 5.0]))),
    "log_ndtr": draws.one(ops.log_ndtr, draws.normal, _tail),
    "sinc": draws.one(ops.sinc, draws.normal, _zero, ("near 0", np.array([1e-4, -1e-3, 0.3, 0.35, 0.7])), ("far", np.array([7.3, -20.6]))),
    "sinc_derivative": [
        sample(f"order {n}", lambda x, n=n: ops.sinc_derivative(x, order=n), np.array([0.0, 1e-3, 0.2, -0.4, 0.64, 1.3, -8.1])) for n in (1, 2, 3, 6)
    ],
    "weighted_logsumexp": [
        sample(label, lambda x1, x2, kw=kw: ops.weighted_logsumexp(x1, x2, **kw)[0], draws.normal(2, 3, 4), draws.positive(*shape))
        for label, kw, shape in [
            ("all", {}, (2, 3, 4)), ("axis", {"axis": 1}, (4,)), ("kept", {"axis": (0, -1), "keepdims": True}, (3, 1)),
            ("more axes in x2", {"axis": -1}, (5, 2, 3, 4)),
        ]
    ] + [
        sample("scalar weights", lambda x: ops.weighted_logsumexp(x, 2.0, axis=0)[0], draws.normal(3, 2)),
        sample("scalar exponents", lambda x: ops.weighted_logsumexp(0.5, x, axis=0)[0], draws.positive(3, 2)),
        sample("a weight of 0", lambda x1, x2: ops.weighted_logsumexp(x1, x2)[0], draws.normal(3), np.array([0.0, 1.0, 2.0])),
        sample("negative weights", lambda x1, x2: ops.weighted_logsumexp(x1, x2, axis=1)[0], draws.normal(2, 3), np.array([0.5, -4.0, 1.5])),
        sample("the sign", lambda x1, x2: ops.weighted_logsumexp(x1, x2)[1], draws.normal(3), draws.positive(3)),
    ],
    "erfinv": draws.one(ops.erfinv, draws.inside),
    "ndtri": draws.one(ops.ndtri, unit),
    "gamma": draws.one(ops.gamma, draws.positive, ("negative", np.array([-0.5, -1.3, -2.6]))),
    "gammaln": draws.one(ops.gammaln, draws.positive, ("negative", np.array([-0.5, -1.3, -2.6])), ("large", np.array([30.0, 1e4]))),
    "psi": draws.one(ops.psi, draws.positive, ("negative", np.array([-0.5, -1.3, -2.6]))),
    "polygamma": [
        *[sample(f"order {n}", lambda x, n=n: ops.polygamma(n, x), draws.positive(2, 3)) for n in (0, 1, 2, 5)],
        sample("negative", lambda x: ops.polygamma(1, x), np.array([-0.5, -1.3])),
        sample("orders", lambda x: ops.polygamma(constant(_orders, x), x), draws.positive(2, 4)),
        sample("whole orders", lambda x: ops.polygamma(gpugrad.tensor(_orders, device=x.device), x), draws.positive(4)),
        sample("0-d", lambda x: ops.polygamma(1, x), draws.positive()),
        sample("size 0", lambda x: ops.polygamma(1, x), draws.positive(0, 2)),
    ],
    "beta": draws.broadcasting(ops.beta, draws.positive),
    "betaln": draws.broadcasting(ops.betaln, draws.positive),
    "gammainc": by_last(ops.gammainc, draws.positive, draws.positive),
    "gammaincc": by_last(ops.gammaincc, draws.positive, draws.positive),
    "gamma_density": [
        sample(f"order {n}", lambda x, n=n: ops.gamma_density(constant([[1.0], [2.0], [2.6]], x), x, order=n), draws.positive(4)) for n in (0, 1, 2)
    ],
    "betainc": by_last(ops.betainc, unit, draws.positive, draws.positive),
    "beta_density": [
        sample(f"orders {n} {m}", lambda x, n=n, m=m: ops.beta_density(constant([[1.0], [2.6]], x), 3, x, order=n, order_right=m), unit(4))
        for n, m in ((0, 0), (1, 0), (0, 1), (2, 1))
    ],
    "stdtr": [*by_last(ops.stdtr, draws.normal, draws.positive), sample("inf degrees", lambda t: ops.stdtr(np.inf, t), draws.normal(4))],
    "i0": draws.one(ops.i0, draws.normal, ("wide", _wide[1] / 4)),
    "i0e": draws.one(ops.i0e, draws.normal, ("wide", _wide[1] + 0.01)),
    "i1": draws.one(ops.i1, draws.normal, ("wide", _wide[1] / 4)),
    "i1e": draws.one(ops.i1e, draws.normal, ("wide", _wide[1] + 0.01)),
    "bessel_i": [
        *[sample(f"order {n}", lambda x, n=n: ops.bessel_i(x, order=n), _wide[1] / 4) for n in (0, 1, 2, 4)],
        *[sample(f"order {n}, damped", lambda x, n=n: ops.bessel_i(x, order=n, damped=True), _wide[1] + 0.01) for n in (0, 1, 2, 4)],
    ],
}
