"""SciPy's functions, with its array API support on, are differentiable; where one leaves the namespace we say so.

SCIPY_ARRAY_API is set in tests/conftest.py, before anything imports SciPy.
"""

import os

import numpy as np
import pytest

pytest.importorskip("scipy", reason="SciPy is not installed: the extra interop")

import scipy.cluster.vq
import scipy.constants
import scipy.fft
import scipy.integrate
import scipy.linalg
import scipy.ndimage
import scipy.optimize
import scipy.signal
import scipy.spatial.distance
import scipy.stats
from consumers import check, rows
from samples.draws import Draws, sample
from scipy.spatial.transform import RigidTransform, Rotation

import gpugrad
from gpugrad.errors import GradientError

draws = Draws()

stats, signal, integrate = scipy.stats, scipy.signal, scipy.integrate

SAMPLE_STATISTICS = """
gmean hmean skew kurtosis variation sem zscore gzscore gstd kstatvar circmean circvar circstd tmean tvar tstd tsem
tmin tmax iqr lmoment differential_entropy entropy median_abs_deviation kstat
""".split()

TEST_STATISTICS = "skewtest kurtosistest normaltest jarque_bera chisquare power_divergence".split()

OF_TWO_SAMPLES = "ttest_ind ttest_rel bartlett pearsonr alexandergovern".split()

STATISTICS = [
    *(
        sample(f"stats.{name}", getattr(stats, name), draws.positive(12))
        for name in SAMPLE_STATISTICS
        if hasattr(stats, name)
    ),
    *(sample(f"stats.moment {k}", lambda x, k=k: stats.moment(x, k), draws.positive(12)) for k in (2, 3, 4)),
    *(sample(f"stats.kstat {k}", lambda x, k=k: stats.kstat(x, k), draws.positive(12)) for k in (2, 3, 4)),
    sample("stats.zmap", stats.zmap, draws.positive(12), draws.positive(9)),
    sample("stats.pmean", lambda x: stats.pmean(x, 2.5), draws.positive(10)),
    sample("stats.describe", lambda x: stats.describe(x).variance, draws.positive(9)),
    sample("stats.boxcox_llf", lambda x: stats.boxcox_llf(0.7, x), draws.positive(12)),
    sample("stats.quantile", lambda x: stats.quantile(x, 0.3), draws.positive(12)),
    sample("stats.trim_mean", lambda x: stats.trim_mean(x, 0.1), draws.positive(12)),
    sample("stats.directional_stats", lambda x: stats.directional_stats(x).mean_direction, draws.positive(6, 3)),
    *(
        sample(
            f"stats.{name}, {part}",
            lambda x, f=name, part=part: getattr(getattr(stats, f)(x), part),
            draws.positive(30),
        )
        for name in TEST_STATISTICS
        for part in ("statistic", "pvalue")
    ),
    *(
        sample(
            f"stats.{name}, {part}",
            lambda x, y, f=name, part=part: getattr(getattr(stats, f)(x, y), part),
            draws.positive(10),
            draws.positive(10),
        )
        for name in OF_TWO_SAMPLES
        for part in ("statistic", "pvalue")
    ),
    *(
        sample(f"stats.combine_pvalues {m}", lambda p, m=m: stats.combine_pvalues(p, method=m).statistic, draws.unit(6))
        for m in ("fisher", "pearson", "tippett", "stouffer", "mudholkar_george")
    ),
]

_events = np.linspace(0.0, 1.0, 7) ** 1.3

CALCULUS = [
    sample("integrate.trapezoid", lambda y: integrate.trapezoid(y, dx=0.3), draws.normal(7)),
    sample("integrate.trapezoid at points", integrate.trapezoid, draws.normal(7), _events),
    sample("integrate.cumulative_trapezoid", lambda y: integrate.cumulative_trapezoid(y, dx=0.3), draws.normal(7)),
    sample("integrate.cumulative_simpson", lambda y: integrate.cumulative_simpson(y, dx=0.3), draws.normal(7)),
    sample("integrate.romb", integrate.romb, draws.normal(9)),
    sample("optimize.rosen", scipy.optimize.rosen, draws.normal(4)),
    sample("optimize.rosen_der", scipy.optimize.rosen_der, draws.normal(4)),
    sample("optimize.rosen_hess", scipy.optimize.rosen_hess, draws.normal(4)),
    sample(
        "constants.convert_temperature", lambda x: scipy.constants.convert_temperature(x, "C", "F"), draws.normal(3)
    ),
    sample("constants.lambda2nu", lambda x: scipy.constants.lambda2nu(x) * 1e-8, draws.positive(3)),
    sample("cluster.vq.whiten", scipy.cluster.vq.whiten, draws.normal(6, 3)),
    *(
        sample(f"fft.{name}", getattr(scipy.fft, name), draws.normal(4, 6))
        for name in "fft ifft fftn ifftn fft2 ifft2 rfft rfftn hfft irfft irfftn fftshift".split()
    ),
    sample("fft.fht", lambda x: scipy.fft.fht(x, 0.1, 0.0), draws.normal(8)),
]

SIGNALS = [
    *(
        sample(f"signal.{name}", getattr(signal, name), draws.normal(7), draws.normal(3))
        for name in ("fftconvolve", "oaconvolve")
    ),
    sample("signal.hilbert", signal.hilbert, draws.normal(8)),
    sample("signal.envelope", signal.envelope, draws.normal(8)),
    sample("signal.resample", lambda x: signal.resample(x, 6), draws.normal(12)),
    sample("signal.gauss_spline", lambda x: signal.gauss_spline(x, 3), draws.normal(5)),
    sample("signal.firwin", lambda x: signal.firwin(5, x), draws.unit()),
    sample(
        "signal.vectorstrength",
        lambda x: signal.vectorstrength(x, gpugrad.tensor(2.0, dtype=x.dtype))[0],
        draws.normal(5),
    ),
]

_quaternions = draws.normal(5, 4)
_vectors = draws.normal(5, 3)


def _there_and_back(x):
    return Rotation.from_matrix(Rotation.from_rotvec(x).as_matrix()).as_quat()


ROTATIONS = [
    sample("Rotation.from_quat", lambda x: Rotation.from_quat(x).as_matrix(), _quaternions),
    sample("Rotation.as_rotvec", lambda x: Rotation.from_quat(x).as_rotvec(), _quaternions),
    sample("Rotation.as_euler", lambda x: Rotation.from_quat(x).as_euler("xyz"), _quaternions),
    sample("Rotation.from_rotvec", lambda x: Rotation.from_rotvec(x).as_matrix(), _vectors),
    sample("Rotation.from_matrix", _there_and_back, _vectors),
    sample("Rotation.from_euler", lambda x: Rotation.from_euler("xyz", x).as_matrix(), _vectors),
    sample("Rotation.from_mrp", lambda x: Rotation.from_mrp(x).as_matrix(), _vectors * 0.3),
    sample("Rotation.as_mrp", lambda x: Rotation.from_quat(x).as_mrp(), _quaternions),
    sample("Rotation.apply", lambda x, v: Rotation.from_rotvec(x).apply(v), _vectors, draws.normal(5, 3)),
    sample("Rotation.inv", lambda x: Rotation.from_rotvec(x).inv().as_matrix(), _vectors),
    sample("Rotation *", lambda x: (Rotation.from_rotvec(x) * Rotation.from_rotvec(x * 2)).as_matrix(), _vectors),
    sample("Rotation **", lambda x: (Rotation.from_rotvec(x) ** 0.5).as_matrix(), draws.normal(3)),
    sample("Rotation.magnitude", lambda x: Rotation.from_rotvec(x).magnitude(), _vectors),
    sample("Rotation.mean", lambda x: Rotation.from_rotvec(x * 0.1).mean().as_matrix(), _vectors),
    sample(
        "RigidTransform.from_components",
        lambda x, t: RigidTransform.from_components(t, Rotation.from_rotvec(x)).as_matrix(),
        draws.normal(3),
        draws.normal(3),
    ),
    sample("RigidTransform.from_exp_coords", lambda x: RigidTransform.from_exp_coords(x).as_matrix(), draws.normal(6)),
    sample(
        "RigidTransform.apply",
        lambda x, v: RigidTransform.from_exp_coords(x).apply(v),
        draws.normal(6),
        draws.normal(3),
    ),
]

DIFFERENTIABLE = [*STATISTICS, *CALCULUS, *SIGNALS, *ROTATIONS]


def test_array_api_support_is_on():
    assert os.environ["SCIPY_ARRAY_API"] == "1"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("one", rows(DIFFERENTIABLE))
def test_the_gradient_is_that_of_finite_differences(one):
    check(one)


REFUSED = [
    sample("stats.expectile", lambda x: stats.expectile(x, 0.3), draws.positive(12)),
    sample("stats.bayes_mvs", stats.bayes_mvs, draws.positive(12)),
    sample("stats.f_oneway", stats.f_oneway, draws.positive(9), draws.positive(9)),
    sample("stats.levene", stats.levene, draws.positive(9), draws.positive(9)),
    sample("stats.linregress", stats.linregress, draws.positive(9), draws.positive(9)),
    sample("stats.spearmanr", stats.spearmanr, draws.positive(9), draws.positive(9)),
    sample("stats.kendalltau", stats.kendalltau, draws.positive(9), draws.positive(9)),
    sample("stats.wasserstein_distance", stats.wasserstein_distance, draws.positive(9), draws.positive(9)),
    sample("stats.Normal.pdf", lambda x, mu: stats.Normal(mu=mu, sigma=1.3).pdf(x), draws.unit(4), draws.normal(4)),
    sample("integrate.simpson", integrate.simpson, draws.normal(7)),
    sample("fft.dct", scipy.fft.dct, draws.normal(8)),
    sample("fft.idst", scipy.fft.idst, draws.normal(8)),
    sample("signal.convolve", signal.convolve, draws.normal(7), draws.normal(3)),
    sample("signal.lfilter", lambda b, x: signal.lfilter(b, 1.0, x), draws.normal(3), draws.normal(9)),
    sample("signal.savgol_filter", lambda x: signal.savgol_filter(x, 5, 2), draws.normal(12)),
    sample("signal.welch", lambda x: signal.welch(x, nperseg=8), draws.normal(16)),
    sample("signal.detrend", signal.detrend, draws.normal(8)),
    sample("ndimage.gaussian_filter", lambda x: scipy.ndimage.gaussian_filter(x, 1.0), draws.normal(6, 6)),
    sample("distance.euclidean", scipy.spatial.distance.euclidean, draws.normal(4), draws.normal(4)),
    sample("distance.pdist", scipy.spatial.distance.pdist, draws.normal(4, 3)),
    sample("distance.cdist", scipy.spatial.distance.cdist, draws.normal(4, 3), draws.normal(5, 3)),
    *(
        sample(f"linalg.{name}", getattr(scipy.linalg, name), draws.definite(3))
        for name in "inv det svdvals pinv expm norm cholesky qr lu sqrtm logm".split()
    ),
    sample("linalg.solve", scipy.linalg.solve, draws.definite(3), draws.normal(3)),
]


@pytest.mark.filterwarnings("ignore:.*left the graph:UserWarning")
@pytest.mark.parametrize("one", rows(REFUSED))
def test_a_function_that_would_leave_the_graph_is_refused_by_name(one):
    leaves = [gpugrad.tensor(x, requires_grad=True) for x in one.inputs]
    with pytest.raises(GradientError, match=r"would leave the graph. Use tensor.detach\(\).numpy\(\)"):
        one.call(*leaves)


@pytest.mark.parametrize("one", rows(REFUSED))
def test_the_same_function_takes_a_tensor_that_is_not_tracked(one):
    one.call(*(gpugrad.tensor(x) for x in one.inputs))


@pytest.mark.parametrize("name", ["rankdata", "kruskal", "fligner", "mood", "ansari"])
def test_what_depends_on_ranks_alone_is_constant(name):
    x, y = (gpugrad.tensor(draws.positive(9), requires_grad=True) for _ in "xy")
    f = getattr(stats, name)
    z = f(x) if name == "rankdata" else f(x, y).statistic
    assert not z.requires_grad
