"""scikit-learn with array_api_dispatch is differentiable, where it returns arrays and not Python numbers."""

import warnings

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn", reason="scikit-learn is not installed: the extra interop")

from consumers import check, rows
from samples.draws import Draws, sample
from sklearn import decomposition, discriminant_analysis, kernel_approximation, linear_model, metrics, naive_bayes
from sklearn import preprocessing as pre
from sklearn.utils import extmath

import gpugrad
from gpugrad.errors import GradientError

draws = Draws()

pairwise = metrics.pairwise
KERNELS = """
cosine_similarity cosine_distances euclidean_distances manhattan_distances rbf_kernel polynomial_kernel linear_kernel
sigmoid_kernel laplacian_kernel chi2_kernel additive_chi2_kernel
""".split()
PAIRED = "paired_euclidean_distances paired_cosine_distances paired_manhattan_distances".split()


def classes():
    """Return six class labels, on the device in use."""
    return gpugrad.asarray([0, 1, 0, 1, 1, 0])


CALLS = [
    *(
        sample(f"pairwise.{name}", getattr(pairwise, name), draws.positive(4, 3), draws.positive(5, 3))
        for name in KERNELS
    ),
    *(
        sample(f"pairwise.{name}", getattr(pairwise, name), draws.positive(4, 3), draws.positive(4, 3))
        for name in PAIRED
    ),
    sample(
        "PCA.explained_variance_",
        lambda x: decomposition.PCA(2, svd_solver="full").fit(x).explained_variance_,
        draws.normal(9, 4),
    ),
    sample(
        "PCA by the covariance",
        lambda x: decomposition.PCA(2, svd_solver="covariance_eigh").fit(x).explained_variance_,
        draws.normal(9, 4),
    ),
    sample(
        "PCA.transform", lambda x: decomposition.PCA(2, svd_solver="full").fit_transform(x) ** 2, draws.normal(9, 4)
    ),
    sample(
        "PCA.get_covariance",
        lambda x: decomposition.PCA(2, svd_solver="full").fit(x).get_covariance(),
        draws.normal(9, 4),
    ),
    sample(
        "Ridge.coef_",
        lambda x, y: linear_model.Ridge(solver="svd").fit(x, y).coef_,
        draws.normal(9, 4),
        draws.normal(9),
    ),
    sample(
        "Ridge.predict",
        lambda x, y: linear_model.Ridge(solver="svd").fit(x, y).predict(x),
        draws.normal(9, 4),
        draws.normal(9),
    ),
    sample("RidgeCV.coef_", lambda x, y: linear_model.RidgeCV().fit(x, y).coef_, draws.normal(9, 4), draws.normal(9)),
    sample(
        "RidgeClassifier.coef_",
        lambda x: linear_model.RidgeClassifier(solver="svd").fit(x, classes()).coef_,
        draws.normal(6, 3),
    ),
    sample(
        "LinearDiscriminantAnalysis",
        lambda x: discriminant_analysis.LinearDiscriminantAnalysis().fit(x, classes()).decision_function(x),
        draws.normal(6, 2),
    ),
    sample("GaussianNB.var_", lambda x: naive_bayes.GaussianNB().fit(x, classes()).var_, draws.normal(6, 3)),
    sample(
        "Nystroem",
        lambda x: kernel_approximation.Nystroem(n_components=3, random_state=0).fit_transform(x),
        draws.normal(6, 3),
    ),
    *(
        sample(name, lambda x, name=name: getattr(pre, name)().fit_transform(x), draws.normal(4, 4))
        for name in "MinMaxScaler MaxAbsScaler Normalizer KernelCenterer PolynomialFeatures".split()
    ),
    *(sample(name, getattr(pre, name), draws.normal(5, 3)) for name in "minmax_scale maxabs_scale normalize".split()),
    sample("extmath.softmax", extmath.softmax, draws.normal(4, 3)),
    sample("extmath.row_norms", extmath.row_norms, draws.normal(4, 3)),
    sample("extmath.fast_logdet", extmath.fast_logdet, draws.definite(3)),
    sample("extmath.safe_sparse_dot", extmath.safe_sparse_dot, draws.normal(4, 3), draws.normal(3, 2)),
    sample(
        "extmath.randomized_svd",
        lambda x: extmath.randomized_svd(x, 2, power_iteration_normalizer="QR", random_state=0)[1],
        draws.normal(5, 4),
    ),
]

REFUSED = [
    sample("median_absolute_error", metrics.median_absolute_error, draws.normal(8), draws.normal(8)),
    sample("RobustScaler", lambda x: pre.RobustScaler().fit_transform(x), draws.normal(5, 3)),
    sample(
        "QuantileTransformer", lambda x: pre.QuantileTransformer(n_quantiles=4).fit_transform(x), draws.normal(5, 3)
    ),
    sample("scale", pre.scale, draws.normal(5, 3)),
    sample(
        "LinearRegression",
        lambda x, y: linear_model.LinearRegression().fit(x, y).coef_,
        draws.normal(9, 4),
        draws.normal(9),
    ),
]

NUMBERS = [
    *(
        sample(name, getattr(metrics, name), draws.positive(8), draws.positive(8))
        for name in """
        mean_squared_error root_mean_squared_error mean_absolute_error mean_absolute_percentage_error
        mean_squared_log_error mean_pinball_loss mean_poisson_deviance mean_gamma_deviance mean_tweedie_deviance
        r2_score explained_variance_score max_error d2_absolute_error_score d2_tweedie_score
        """.split()
    ),
    sample("log_loss", lambda p: metrics.log_loss(classes(), p), draws.unit(6)),
    sample("brier_score_loss", lambda p: metrics.brier_score_loss(classes(), p), draws.unit(6)),
    sample("PCA.score", lambda x: decomposition.PCA(2, svd_solver="full").fit(x).score(x), draws.normal(9, 4)),
]


@pytest.fixture(autouse=True)
def dispatch():
    with sklearn.config_context(array_api_dispatch=True), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


@pytest.mark.parametrize("one", rows(CALLS))
def test_the_gradient_is_that_of_finite_differences(one):
    check(one, rel=1e-5)


@pytest.mark.parametrize("one", rows(REFUSED))
def test_an_estimator_that_would_leave_the_graph_is_refused_by_name(one):
    leaves = [gpugrad.tensor(x, requires_grad=True) for x in one.inputs]
    with pytest.raises(GradientError, match="would leave the graph"):
        one.call(*leaves)


@pytest.mark.parametrize("one", rows(NUMBERS))
def test_a_metric_that_becomes_a_python_number_says_so(one):
    leaves = [gpugrad.tensor(x, requires_grad=True) for x in one.inputs]
    with pytest.warns(UserWarning, match="has left the graph"):
        number = one.call(*leaves)
    assert isinstance(number, float)
    expected = one.call(*(np.asarray(x) for x in one.inputs)) if "loss" not in one.label else number
    assert number == pytest.approx(expected)


def test_a_scaler_that_divides_0_by_0_in_a_branch_it_overwrites_has_a_gradient_of_nan():
    x = gpugrad.tensor(draws.normal(5, 3), requires_grad=True)
    z = pre.StandardScaler().fit_transform(x)
    (z * z).sum().backward()
    assert np.isfinite(z.detach().numpy()).all()
    assert np.isnan(x.grad.numpy()).all()


def test_strong_zero_gives_the_scaler_its_gradient():
    x, w = draws.normal(5, 3), draws.normal(5, 3)

    def loss(values):
        return float((pre.StandardScaler().fit_transform(values) * w).sum())

    t = gpugrad.tensor(x, requires_grad=True)
    z = pre.StandardScaler().fit_transform(t)
    with gpugrad.autograd.strong_zero():
        (z * gpugrad.tensor(w)).sum().backward()
    differences = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = 1e-5
        differences[i] = (loss(x + step) - loss(x - step)) / 2e-5
    np.testing.assert_allclose(t.grad.numpy(), differences, rtol=1e-6, atol=1e-7)
