"""Matrices at which libraries choose: singular, with equal eigenvalues, of low rank, of norm 0; and what is refused."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import gpugrad as gg
from gpugrad import linalg
from gpugrad.autograd import grad
from gpugrad.errors import BackendUnavailable, DtypeError, GradientError, LinAlgError, OptionError, ShapeError

inf, nan = float("inf"), float("nan")
random = np.random.default_rng(5)


def turned(values, seed=1):
    """Return a symmetric matrix with these eigenvalues."""
    q = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(values), len(values))))[0]
    return q * np.asarray(values) @ q.T


def between(values, seed=2):
    """Return a matrix with these singular values."""
    draw = np.random.default_rng(seed).normal
    u, v = (np.linalg.qr(draw(size=(len(values), len(values))))[0] for _ in range(2))
    return u * np.asarray(values) @ v


def slope(function, x):
    """Return the gradient of a function of one matrix, as an array."""
    leaf = gg.tensor(x, requires_grad=True)
    with np.errstate(all="ignore"):  # NumPy's warnings about NaN
        function(leaf).sum().backward()
    return np.asarray(leaf.grad.tolist()).reshape(leaf.shape)


def numeric(function, x, h=1e-6):
    """Return the same by central differences."""
    found = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[i] = h
        found[i] = (function(gg.tensor(x + step)).sum().item() - function(gg.tensor(x - step)).sum().item()) / (2 * h)
    return found


def symmetric(g):
    return (g + g.T) / 2


def close(found, expected, atol=1e-7):
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=atol)


# Equal eigenvalues and singular values


@pytest.mark.parametrize("values", [(1, 1, 3), (2, 2, 2), (0, 0, 0), (-1, -1, 4, 4)])
def test_a_symmetric_function_of_equal_eigenvalues_has_its_gradient(backend, values):
    x = turned(values)
    close(slope(lambda x: linalg.eigvalsh(x) ** 2, x), 2 * x)
    close(slope(lambda x: linalg.eigh(x).eigenvalues ** 2, x), 2 * x)
    close(slope(lambda x: gg.real(linalg.eigvals(x) ** 2), x), 2 * x)
    close(slope(lambda x: gg.real(linalg.eig(x)[0] ** 2), x), 2 * x)


def test_a_loss_of_the_space_of_equal_eigenvalues_has_its_gradient(backend):
    x, w = turned((1, 1, 3)), symmetric(random.normal(size=(3, 3)))

    def projected(x):
        v = linalg.eigh((x + x.T) / 2).eigenvectors[:, :2]
        return (v @ v.T) * gg.tensor(w)

    found = slope(projected, x)
    assert np.abs(found).max() > 0.1
    close(found, numeric(projected, x))


@pytest.mark.parametrize("values", [(2, 2, 1), (1, 1, 1), (3, 1, 1)])
@pytest.mark.parametrize("complex_too", [False, True])
def test_the_polar_factor_at_equal_singular_values_has_its_gradient(backend, values, complex_too):
    x, w = between(values), random.normal(size=(3, 3))

    def polar(x):
        u, _, vh = linalg.svd(x * (1 + 1j) if complex_too else x)
        return gg.real((u @ vh) * gg.tensor(w))

    found = slope(polar, x)
    assert np.abs(found).max() > 0.1
    close(found, numeric(polar, x))


def test_singular_values_that_are_equal_have_their_gradient(backend):
    x = between((2, 2, 1))
    close(slope(lambda x: linalg.svdvals(x) ** 2, x), 2 * x)
    close(slope(lambda x: linalg.svd(x).S ** 2, x), 2 * x)


def test_vectors_that_an_input_determines_keep_their_gradient_beside_zeros(backend):
    """The first pair of singular vectors of a matrix of rank 1, while the other singular values are equal: 0."""
    x, w = np.outer([1.0, 2.0, -1.0], [0.5, 1.0, 3.0]), random.normal(size=(3, 3))

    def first(x):
        u, _, vh = linalg.svd(x)
        return (u[:, :1] @ vh[:1, :]) * gg.tensor(w)

    close(slope(first, x), numeric(first, x))


@pytest.mark.parametrize("values", [(1, 1, 3), (3, 1, 1), (2, 2, 2)])
def test_equal_values_share_their_gradients_evenly(backend, values):
    """The mean of equal ones has a derivative, and it does not depend on the basis that the library found."""
    x, largest = turned(values), float(max(values))
    share = (np.isclose(np.linalg.eigvalsh(x), largest) / list(values).count(largest)).astype(float)
    v = np.linalg.eigh(x)[1]
    expected = v * share @ v.T
    close(slope(lambda x: linalg.eigvalsh(x)[-1], x), expected)
    close(slope(lambda x: linalg.eigh(x).eigenvalues[-1], x), expected)
    close(slope(lambda x: linalg.svdvals(x)[0], x), expected)
    close(slope(lambda x: linalg.svd(x).S[0], x), expected)
    close(slope(lambda x: linalg.matrix_norm(x, ord=2), x), expected)
    close(slope(lambda x: gg.real(linalg.eigvals(x))[0], 2 * np.eye(3)), np.eye(3) / 3)
    close(slope(lambda x: gg.real(linalg.eig(x)[0])[0], 2 * np.eye(3)), np.eye(3) / 3)


@pytest.mark.parametrize("values", [(1, 1, 3), (2, 2, 2)])
def test_a_function_of_equal_values_times_their_vectors_has_no_gradient_here(backend, values):
    """It has one, but values and vectors do not say what it is: NaN, and no wrong number."""
    w = gg.tensor(random.normal(size=(3, 3)))

    def root(x):
        s, v = linalg.eigh((x + x.T) / 2)
        return ((v * gg.sqrt(s)) @ v.T) * w

    def product(x):
        u, s, vh = linalg.svd(x)
        return ((u * s**2) @ vh) * w

    def sine(x):
        s, v = linalg.eig(x)
        return gg.real((v * gg.sin(s)) @ linalg.inv(v)) * w

    for function in (root, product, sine):
        assert np.isnan(slope(function, turned(values))).all()
        distinct = turned((1, 2, 3.5))
        close(slope(function, distinct), numeric(function, distinct))


def test_values_that_a_loss_tells_apart_are_not_equal(backend):
    """Beside an eigenvalue of 1 these small ones are alike; their square roots are not, and neither is the gradient."""
    w = np.array([1e-18, 4e-18, 1.0])
    weights = random.normal(size=(3, 3))

    def root(x):
        s, v = linalg.eigh(x)
        return ((v * gg.sqrt(s)) @ v.T) * gg.tensor(weights)

    close(slope(root, np.diag(w)), symmetric(weights) / (np.sqrt(w) + np.sqrt(w)[:, None]))


@pytest.mark.parametrize("name", ["eigvalsh", "eigh", "svdvals", "svd", "eigvals", "eig"])
def test_second_derivatives_at_equal_values_are_refused(backend, name):
    def values(x):
        z = getattr(linalg, name)(x)
        z = z if isinstance(z, gg.Tensor) else z.S if name == "svd" else z.eigenvalues
        return gg.sum(gg.real(z) ** 2)

    def second(x):
        leaf = gg.tensor(x, requires_grad=True)
        (first,) = grad(values(leaf), leaf, create_graph=True)
        close(first.tolist(), 2 * x)
        return np.asarray(grad(first[0, 1] + first[1, 0], leaf)[0].tolist())

    close(symmetric(second(turned((1, 2, 3.5)))), np.eye(3)[[1, 0, 2]] * [2, 2, 0])
    with pytest.raises(GradientError, match="second derivatives"):
        second(turned((2, 2, 3)))


def test_a_matrix_without_enough_eigenvectors_is_named():
    x = gg.tensor([[0.0, 1.0], [0.0, 0.0]], requires_grad=True)
    with pytest.raises(GradientError, match="too few eigenvectors"):
        gg.real(linalg.eigvals(x)).sum().backward()


# What the input does not determine


@pytest.mark.parametrize("shape", [(3, 2), (2, 3)])
def test_full_singular_vectors_beyond_the_rank_have_no_gradient(backend, shape):
    x = gg.tensor(random.normal(size=shape), requires_grad=True)
    u, s, vh = linalg.svd(x)
    extra = u[:, 2] if shape[0] > shape[1] else vh[2]
    with pytest.raises(GradientError, match="full_matrices=False"):
        (extra.sum() + s.sum()).backward()
    assert x.grad is None
    linalg.svd(x).S.sum().backward()
    u, _, vh = linalg.svd(x.detach(), full_matrices=False)
    close(x.grad.tolist(), (u @ vh).tolist())


def test_the_complete_q_beyond_the_rank_has_no_gradient(backend):
    x = gg.tensor(random.normal(size=(3, 2)), requires_grad=True)
    with pytest.raises(GradientError, match="mode='reduced'"):
        linalg.qr(x, mode="complete").Q.sum().backward()
    assert x.grad is None
    linalg.qr(x, mode="complete").R.sum().backward()
    complete, x.grad = x.grad, None
    linalg.qr(x).R.sum().backward()
    close(x.grad.tolist(), complete.tolist())


def test_dependent_columns_have_no_qr_gradient(backend):
    x = gg.tensor([[1.0, 1.0], [0.0, 0.0]], requires_grad=True)
    with pytest.raises(GradientError, match="first 2 columns are linearly dependent"):
        linalg.qr(x).R.sum().backward()


# Determinants


def test_det_of_a_singular_matrix_has_its_cofactors(backend):
    close(slope(linalg.det, np.array([[1.0, 2.0], [2.0, 4.0]])), [[4, -2], [-2, 1]])
    close(slope(linalg.det, np.diag([0.0, 2.0, 3.0])), np.diag([6.0, 0, 0]))
    close(slope(linalg.det, np.diag([0.0, 0.0, 3.0])), np.zeros((3, 3)))


def test_det_has_its_second_derivative_everywhere(backend):
    for x in (np.zeros((2, 2)), np.array([[1.0, 2.0], [2.0, 4.0]]), np.eye(2)):
        leaf = gg.tensor(x, requires_grad=True)
        (first,) = grad(linalg.det(leaf), leaf, create_graph=True)
        close(grad(first[0, 0], leaf, retain_graph=True)[0].tolist(), [[0, 0], [0, 1]])
        close(grad(first[0, 1], leaf)[0].tolist(), [[0, 0], [-1, 0]])


def test_det_of_a_nearly_singular_matrix_keeps_its_second_derivative(backend):
    leaf = gg.tensor(np.diag([1e-13, 1.0, 2.0]), requires_grad=True)
    (first,) = grad(linalg.det(leaf), leaf, create_graph=True)
    second = np.asarray(grad(first[1, 1], leaf)[0].tolist())
    close(second, [[2, 0, 0], [0, 0, 0], [0, 0, 1e-13]])


def test_the_third_derivative_of_det_is_right_or_refused(backend):
    def third(x):
        leaf = gg.tensor(x, requires_grad=True)
        (first,) = grad(linalg.det(leaf), leaf, create_graph=True)
        (second,) = grad(first[0, 0], leaf, create_graph=True)
        return np.asarray(grad(second[1, 1], leaf)[0].tolist())

    close(third(np.eye(3)), np.diag([0.0, 0, 1]))
    for singular in ([1.0, 1.0, 0.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0]):
        close(third(np.diag(singular)), np.diag([0.0, 0, 1]))
    close(third(np.zeros((2, 2))), np.zeros((2, 2)))
    with pytest.raises(GradientError, match=r"third derivative at a matrix of shape \(4, 4\)"):
        third(np.diag([1.0, 1.0, 0.0, 2.0]))


def test_every_derivative_of_a_small_det_is_right_where_it_is_singular(backend):
    x = gg.tensor(np.outer([1.0, -2.0, 0.5], [3.0, 1.0, 2.0]), requires_grad=True)
    w = gg.tensor(np.random.default_rng(3).normal(size=(3, 3)))
    z = linalg.det(x)
    for _ in range(3):  # det(x + t w) is of third degree in t, and its last coefficient det(w)
        (g,) = grad(z, x, create_graph=True)
        z = (g * w).sum()
    assert z.item() == pytest.approx(6 * linalg.det(w).item())


def test_det_with_a_nan_beside_regular_matrices(backend):
    found = slope(linalg.det, np.stack([np.full((2, 2), nan), np.diag([2.0, 3.0])]))
    assert np.isnan(found[0]).all()
    close(found[1], np.diag([3.0, 2.0]))


def test_slogdet_of_a_singular_matrix(backend):
    sign, logarithm = linalg.slogdet(gg.zeros((2, 2)))
    assert (sign.item(), logarithm.item()) == (0, -inf)
    found = slope(lambda x: linalg.slogdet(x).logabsdet, np.stack([np.zeros((2, 2)), np.diag([2.0, 4.0])]))
    assert np.isnan(found[0]).all()
    close(found[1], np.diag([0.5, 0.25]))


# Norms


@pytest.mark.parametrize("order", ["fro", "nuc", 1, -1, 2, -2, inf, -inf])
def test_matrix_norms_at_0_have_gradient_0(backend, order):
    assert not slope(lambda x: linalg.matrix_norm(x, ord=order), np.zeros((2, 3))).any()
    # Nothing is NaN to second order either.
    leaf = gg.tensor(np.zeros((2, 3)), requires_grad=True)
    (first,) = grad(linalg.matrix_norm(leaf, ord=order) ** 2, leaf, create_graph=True)
    assert np.isfinite(np.asarray(grad(first.sum(), leaf, materialize_grads=True)[0].tolist())).all()


def test_ties_of_singular_values_share_evenly(backend):
    close(slope(lambda x: linalg.matrix_norm(x, ord=2), between((3, 3, 1))) * 6, between((3, 3, 0)), 1e-6)
    close(slope(lambda x: linalg.matrix_norm(x, ord=2), np.eye(2)), np.eye(2) / 2)
    close(slope(lambda x: linalg.matrix_norm(x, ord=-2), 3 * np.eye(4)), np.eye(4) / 4)
    close(slope(lambda x: linalg.matrix_norm(x, ord=-2), np.diag([2.0, 0.0])), np.zeros((2, 2)))


def test_ties_of_sums_share_for_the_smallest_norm(backend):
    x = np.array([[1.0, 2.0], [-1.0, 0.0]])
    close(slope(lambda x: linalg.matrix_norm(x, ord=1), x), [[1 / 3, 2 / 3], [-1 / 3, 0]])
    close(slope(lambda x: linalg.matrix_norm(x, ord=inf), x.T), [[1 / 3, -1 / 3], [2 / 3, 0]])
    close(slope(lambda x: linalg.matrix_norm(x, ord=-1), np.array([[1.0, 0.0], [0.0, 1.0]])), np.eye(2) / 2)


def test_the_nuclear_norm_of_low_rank_leaves_the_rest_alone(backend):
    x = np.outer([3.0, 4.0], [0.6, 0.8, 0.0])
    close(slope(lambda x: linalg.matrix_norm(x, ord="nuc"), x), np.outer([0.6, 0.8], [0.6, 0.8, 0.0]))


def test_a_singular_value_of_0_has_gradient_0(backend):
    close(slope(linalg.svdvals, np.diag([2.0, 0.0])), np.diag([1.0, 0.0]))


def test_the_second_derivative_of_a_norm_at_elements_that_are_0(backend):
    for norm in (linalg.vector_norm, linalg.matrix_norm):
        leaf = gg.tensor([[2.0, 0.0]], requires_grad=True)
        (first,) = grad(norm(leaf), leaf, create_graph=True)
        close(grad(first[0, 1], leaf)[0].tolist(), [[0, 0.5]])


# Which triangle is read, and where the gradient goes


@pytest.mark.parametrize("name", ["cholesky", "eigvalsh"])
def test_the_lower_triangle_is_read_and_the_gradient_is_symmetric(backend, name):
    function = getattr(linalg, name)
    x = np.array([[4.0, 1.0], [1.0, 3.0]])
    assert function(gg.tensor(np.tril(x))).tolist() == function(gg.tensor(x)).tolist()
    found = slope(lambda x: function(x) ** 3, x)
    close(found, found.T)
    close(found, symmetric(numeric(lambda x: function((x + x.T) / 2) ** 3, x)))


def test_the_upper_factor_is_the_adjoint_of_the_lower_one(backend):
    x = gg.tensor([[2.0, 1j], [-1j, 3.0]])
    lower, upper = linalg.cholesky(x), linalg.cholesky(x, upper=True)
    close(np.asarray(upper.tolist()), np.conj(np.asarray(lower.tolist())).T)


def test_a_diagonal_is_a_view_of_its_matrix(backend):
    x = gg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x * 2
    linalg.diagonal(y, offset=1)[...] = 7
    linalg.diagonal(y)[0] += 1
    assert y.tolist() == [[3, 7], [6, 8]]
    y.sum().backward()
    assert x.grad.tolist() == [[2, 0], [2, 2]]


# Results


def test_results_have_the_names_of_the_standard(backend):
    x = gg.tensor([[2.0, 1.0], [1.0, 3.0]])
    names = {
        "eigh": ("eigenvalues", "eigenvectors"), "eig": ("eigenvalues", "eigenvectors"), "svd": ("U", "S", "Vh"),
        "qr": ("Q", "R"), "slogdet": ("sign", "logabsdet"),
    }  # fmt: skip
    for name, fields in names.items():
        result = getattr(linalg, name)(x)
        assert result._fields == fields
        assert all(isinstance(value, gg.Tensor) for value in result)


def test_linalg_has_all_functions_of_the_standard():
    standard = """cholesky cross det diagonal eig eigh eigvals eigvalsh inv matmul matrix_norm matrix_power matrix_rank
    matrix_transpose outer pinv qr slogdet solve svd svdvals tensordot trace vecdot vector_norm""".split()
    assert sorted(linalg.__all__) == sorted(["LinAlgError", *standard])
    assert inspect.signature(linalg.svd).parameters["full_matrices"].default is True


@pytest.mark.parametrize("dtype", [gg.float32, gg.complex64, gg.int64])
def test_dtypes_of_results(backend, dtype):
    x = gg.tensor([[2, 1], [1, 3]], dtype=dtype)
    whole = gg.complex64 if dtype == gg.complex64 else gg.float32
    for name in "cholesky inv det pinv".split():
        assert getattr(linalg, name)(x).dtype == whole
    assert linalg.matrix_power(x, 2).dtype == linalg.solve(x, x).dtype == whole
    assert [z.dtype for z in linalg.svd(x)] == [whole, gg.float32, whole]
    assert [z.dtype for z in linalg.eigh(x)] == [gg.float32, whole]
    assert [z.dtype for z in linalg.slogdet(x)] == [whole, gg.float32]
    assert [z.dtype for z in linalg.qr(x)] == [whole, whole]
    assert [z.dtype for z in linalg.eig(x)] == [gg.complex64, gg.complex64]
    assert linalg.eigvals(x).dtype == gg.complex64
    assert all(linalg.matrix_norm(x, ord=p).dtype == gg.float32 for p in ("fro", "nuc", 1, 2))
    assert linalg.svdvals(x).dtype == linalg.eigvalsh(x).dtype == gg.float32
    assert linalg.matrix_rank(x).dtype == gg.int64
    assert linalg.trace(x).dtype == linalg.diagonal(x).dtype == dtype


def test_small_integers_are_traced_as_the_default_integer(backend):
    assert linalg.trace(gg.tensor([[100, 0], [0, 100]], dtype=gg.int8)).item() == 200
    assert linalg.trace(gg.tensor([[1, 0], [0, 2]], dtype=gg.int8), dtype=gg.float32).dtype == gg.float32


def test_the_rank_follows_its_tolerance(backend):
    x = gg.tensor(np.stack([np.diag([1.0, 1e-3, 0]), np.diag([1.0, 1e-9, 1e-9])]))
    assert linalg.matrix_rank(x).tolist() == [2, 3]
    assert linalg.matrix_rank(x, rtol=1e-6).tolist() == [2, 1]
    assert linalg.matrix_rank(x, rtol=gg.tensor([1e-2, 1e-12], dtype=gg.float64)).tolist() == [1, 3]
    assert linalg.matrix_rank(gg.zeros((2, 0, 3))).tolist() == [0, 0]
    close(linalg.pinv(x, rtol=gg.tensor([1e-2, 1e-12], dtype=gg.float64)).tolist()[0], np.diag([1.0, 0, 0]))


def test_a_stack_of_vectors_is_a_stack_of_matrices_to_solve(backend):
    """Only what has one axis is a vector: a batch of square right sides must not be taken for vectors."""
    a = gg.tensor(2 * np.eye(3))
    assert linalg.solve(a, gg.ones((2, 3, 3))).shape == (2, 3, 3)
    assert linalg.solve(gg.tensor(np.stack([2 * np.eye(3)] * 3)), gg.ones((3, 3))).shape == (3, 3, 3)
    assert linalg.solve(gg.tensor(np.stack([2 * np.eye(3)] * 2)), gg.ones(3)).tolist() == [[0.5] * 3] * 2


# What is refused


@pytest.mark.parametrize(
    ("name", "x"),
    [("cholesky", [[1.0, 2.0], [2.0, 1.0]]), ("cholesky", np.diag([1.0, 0.0])), ("inv", np.zeros((2, 2))),
     ("inv", np.stack([np.eye(2), np.zeros((2, 2))])), ("cholesky", np.stack([np.eye(2), -np.eye(2)]))],
)  # fmt: skip
def test_what_cannot_be_decomposed_is_an_error_on_every_backend(backend, name, x):
    with pytest.raises(LinAlgError, match=name):
        getattr(linalg, name)(gg.tensor(x, requires_grad=True))
    with pytest.raises(np.linalg.LinAlgError):  # so that code written for NumPy catches it
        getattr(linalg, name)(gg.tensor(x))


def test_singular_equations_are_an_error_on_every_backend(backend):
    with pytest.raises(LinAlgError, match="solve of float32"):
        linalg.solve(gg.zeros((2, 2)), gg.ones(2))


@pytest.mark.parametrize("name", "cholesky det eig eigh eigvals eigvalsh inv slogdet".split())
def test_matrices_that_are_not_square_are_refused(backend, name):
    with pytest.raises(ShapeError, match=rf"{name}|eig.*square matrices, not shape \(2, 3\)"):
        getattr(linalg, name)(gg.ones((2, 3)))


@pytest.mark.parametrize(
    "name", "cholesky det eig eigh inv matrix_norm matrix_rank pinv qr slogdet svd svdvals".split()
)
def test_vectors_are_refused(backend, name):
    with pytest.raises(ShapeError, match=rf"{name}: takes .*matrices.*|{name}: takes a matrix .*\(3,\)"):
        getattr(linalg, name)(gg.ones(3))


@pytest.mark.parametrize("name", "cholesky det eig eigh inv matrix_norm pinv qr slogdet svd svdvals".split())
def test_float16_is_refused_with_its_cure(name):
    with pytest.raises(DtypeError, match=r"astype\(x, gpugrad.float32\)"):
        getattr(linalg, name)(gg.ones((2, 2), dtype=gg.float16))


def test_odd_arguments_are_refused(backend):
    x = gg.ones((2, 2))
    with pytest.raises(OptionError, match="ord is 3"):
        linalg.matrix_norm(x, ord=3)
    with pytest.raises(OptionError, match="ord is 'fro'"):
        linalg.vector_norm(x, ord="fro")
    with pytest.raises(OptionError, match="mode is 'full'"):
        linalg.qr(x, mode="full")
    with pytest.raises(OptionError, match=r"n is 0\.5"):
        linalg.matrix_power(x, 0.5)
    with pytest.raises(ShapeError, match="no smallest"):
        linalg.matrix_norm(gg.ones((2, 0)), ord=-2)
    with pytest.raises(ShapeError, match="2 equations .* and 3 right sides"):
        linalg.solve(x, gg.ones(3))
    with pytest.raises(ShapeError, match="size 3 along axis 0 < 0"):
        linalg.cross(gg.ones(3), gg.ones(3), axis=0)
    with pytest.raises(ShapeError, match="has no axes"):
        linalg.vecdot(x, 2.0)
    with pytest.raises(ShapeError, match="do not broadcast"):
        linalg.solve(gg.ones((2, 3, 3)), gg.ones((4, 3, 1)))


# On a GPU


def test_a_gpu_is_asked_whether_a_decomposition_failed(fake_cuda):
    cupy = fake_cuda.cupy
    x = cupy.asarray(-np.eye(2))
    assert np.isnan(cupy.linalg.cholesky(x).get()).all()  # which is all that CuPy says by itself
    with pytest.raises(LinAlgError):
        linalg.cholesky(gg.asarray(x))
    assert np.isnan(cupy.linalg.cholesky(x).get()).all()  # and what others call is left as it was


def test_an_old_cuda_without_the_decomposition_is_named(fake_cuda, monkeypatch):
    def eig(x):
        raise RuntimeError("geev is not available")

    monkeypatch.setattr(fake_cuda.namespace.linalg, "eig", eig)
    with pytest.raises(BackendUnavailable, match=r"too old.*geev is not available.*\.cpu\(\)"):
        linalg.eig(gg.ones((2, 2), device="cuda"))


def test_other_faults_of_the_library_stay_what_they_are(fake_cuda, monkeypatch):
    def eig(x):
        raise RuntimeError("CUSOLVER_STATUS_INTERNAL_ERROR")

    monkeypatch.setattr(fake_cuda.namespace.linalg, "eig", eig)
    with pytest.raises(RuntimeError, match="CUSOLVER_STATUS_INTERNAL_ERROR"):
        linalg.eig(gg.ones((2, 2), device="cuda"))
