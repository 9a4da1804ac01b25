"""array-api-extra's functions are differentiable."""

import pytest

xpx = pytest.importorskip("array_api_extra", reason="array-api-extra is not installed: the extra interop")

from consumers import check, rows
from samples.draws import Draws, sample

import gpugrad

draws = Draws()


def _at(method, value):
    return lambda x: getattr(xpx.at(x * 1, slice(0, 2)), method)(value) ** 2


CALLS = [
    sample("angle", lambda x, y: xpx.angle(x + 1j * y), draws.normal(4), draws.normal(4)),
    sample("apply_where", lambda x: xpx.apply_where(x > 0, (x,), gpugrad.log, lambda a: a * 2), draws.normal(6)),
    sample(
        "apply_where, filled", lambda x: xpx.apply_where(x > 0, (x,), gpugrad.sqrt, fill_value=0.0), draws.normal(6)
    ),
    sample("argpartition", lambda x: gpugrad.take(x, xpx.argpartition(x, 2)) ** 2, draws.normal(5)),
    *(
        sample(f"at.{name}", _at(name, 2.0), draws.positive(4))
        for name in "set add subtract multiply divide power".split()
    ),
    sample("at.max", _at("max", 0.5), draws.normal(4)),
    sample("at.min", _at("min", 0.5), draws.normal(4)),
    sample("at.set of a copy", lambda x: xpx.at(x, slice(0, 2)).set(0.0, copy=True) ** 2, draws.normal(4)),
    sample(
        "at.set of a tensor",
        lambda x, v: xpx.at(x, slice(0, 2)).set(v, copy=True) ** 2,
        draws.normal(4),
        draws.normal(2),
    ),
    sample("atleast_nd", lambda x: xpx.atleast_nd(x, ndim=3) ** 2, draws.normal(3)),
    sample("cov", xpx.cov, draws.normal(3, 5)),
    sample("create_diagonal", lambda x: xpx.create_diagonal(x, offset=1) ** 2, draws.normal(3)),
    sample("kron", xpx.kron, draws.normal(2, 2), draws.normal(3, 2)),
    sample("lazy_apply", lambda x: xpx.lazy_apply(lambda a: a * a, x), draws.normal(3)),
    sample("nan_to_num", lambda x: xpx.nan_to_num(x) ** 2, draws.normal(4)),
    sample("pad", lambda x: xpx.pad(x, 2) ** 2, draws.normal(3)),
    sample("pad with a value", lambda x: xpx.pad(x, (1, 2), constant_values=3.0) ** 2, draws.normal(3)),
    sample("partition", lambda x: xpx.partition(x, 2) ** 2, draws.normal(6)),
    sample("sinc", xpx.sinc, draws.normal(4)),
]


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@pytest.mark.parametrize("one", rows(CALLS))
def test_the_gradient_is_that_of_finite_differences(one, backend):
    check(one)


def test_what_gives_integers_or_truth_values_works(backend):
    x = gpugrad.tensor([1.0, 2.0, 2.0], requires_grad=True)
    assert xpx.nunique(x) == 2
    assert xpx.isclose(x, x + 1e-12).tolist() == [True] * 3
    assert xpx.one_hot(gpugrad.asarray([0, 2]), 3).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert xpx.setdiff1d(gpugrad.asarray([3, 1, 2]), gpugrad.asarray([2])).tolist() == [1, 3]
