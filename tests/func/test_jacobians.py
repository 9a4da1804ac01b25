# ruff: noqa: E501
"""Jacobians, Hessians and products with them: equal to each other, in every form of argument and result."""

import numpy as np
import pytest

import gpugrad
from gpugrad import func
from gpugrad.errors import DtypeError, OptionError


def t(values, **options):
    return gpugrad.tensor(values, dtype=gpugrad.float64, **options)


def leaves(tree):
    return func._trees.flattened(tree)


def same(a, b, **tolerance):
    assert func._trees.structure_of(a) == func._trees.structure_of(b)
    for x, y in zip(leaves(a), leaves(b), strict=True):
        assert x.shape == y.shape
        np.testing.assert_allclose(x.tolist(), y.tolist(), **{"rtol": 1e-12, "atol": 1e-13, **tolerance})


def of_a_tree(d, s):
    return {"y": gpugrad.tanh(d["w"] @ d["x"]) * s, "n": (d["x"] * 2, gpugrad.sum(d["w"]))}


TREE = ({"w": [[1.0, 0.5], [0.25, -0.5], [2.0, 1.0]], "x": [0.5, -1.0]}, 2.0)


def tree():
    d, s = TREE
    return {name: t(values) for name, values in d.items()}, t(s)


def test_both_ways_give_one_jacobian_in_the_form_of_result_and_argument(backend):
    for argnums in (0, 1, (0, 1), (1, 0), -1):
        ours, others = func.jacrev(of_a_tree, argnums)(*tree()), func.jacfwd(of_a_tree, argnums)(*tree())
        same(ours, others)
    j = func.jacrev(of_a_tree, (0, 1))(*tree())
    assert j["y"][0]["w"].shape == (3, 3, 2)
    assert j["n"][0][0]["x"].tolist() == [[2, 0], [0, 2]]
    assert j["n"][1][0]["w"].tolist() == [[1, 1]] * 3
    assert j["n"][1][1].shape == ()


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 100])
def test_chunks_change_nothing(chunk_size, backend):
    for transform in (func.jacrev, func.jacfwd):
        same(transform(of_a_tree, (0, 1), chunk_size=chunk_size)(*tree()), transform(of_a_tree, (0, 1))(*tree()))


def test_aux_is_handed_on(backend):
    for transform in (func.jacrev, func.jacfwd):
        j, aux = transform(lambda x: (x**2, {"x": x}), has_aux=True)(t([1.0, 2.0]))
        assert (j.tolist(), aux["x"].tolist(), aux["x"].requires_grad) == ([[2, 0], [0, 4]], [1, 2], False)


@pytest.mark.parametrize("transform", [func.jacrev, func.jacfwd])
def test_shapes_without_elements_or_axes(transform, backend):
    assert transform(lambda x: x * 2)(t(np.zeros(0))).shape == (0, 0)
    assert transform(lambda x: x.sum())(t(np.zeros((0, 2)))).shape == (0, 2)
    assert transform(lambda x: gpugrad.ones((2, 0)) * x)(t(1.0)).shape == (2, 0)
    assert transform(lambda x: x * x)(t(3.0)).tolist() == 6
    assert transform(lambda x: x * x)(t([3.0])).tolist() == [[6]]
    assert transform(lambda x: gpugrad.ones((2,)))(t([3.0])).tolist() == [[0], [0]]
    assert func.hessian(lambda x: x.sum())(t(np.zeros((2, 0)))).shape == (2, 0, 2, 0)


def test_rows_that_look_at_values_are_taken_one_by_one(backend):
    x = t([[2.0, 0.5], [0.5, 1.0]])
    for f in (lambda x: gpugrad.linalg.svd(x, full_matrices=False).U ** 2, gpugrad.linalg.eigvalsh):
        same(func.jacrev(f)(x), func.jacfwd(f)(x), atol=1e-12)
        both = func.vmap(func.jacrev(f))(gpugrad.stack([x, x * x]))
        same(both, gpugrad.stack([func.jacrev(f)(x), func.jacrev(f)(x * x)]), atol=1e-12)


def test_hessians_of_several_arguments(backend):
    f = lambda a, b: (a * b[0] * b[1]).sum() + (a**3).sum()  # noqa: E731
    a, b = t([1.0, 2.0]), t([3.0, 4.0])
    h = func.hessian(f, (0, 1))(a, b)
    same(h, func.jacfwd(func.jacrev(f, (0, 1)), (0, 1))(a, b))
    assert h[0][0].tolist() == [[6, 0], [0, 12]]
    np.testing.assert_allclose(h[0][1].tolist(), h[1][0].T.tolist())
    many = func.hessian(lambda x: x**3 * x.sum())(a)
    assert many.shape == (2, 2, 2)
    same(many, func.jacrev(func.jacrev(lambda x: x**3 * x.sum()))(a))


def test_a_product_is_that_of_the_matrix(backend):
    f = lambda x: (gpugrad.sin(x) * x.sum()).sum()  # noqa: E731
    x, v = t([1.0, 2.0, 3.0]), t([0.5, -1.0, 2.0])
    (product,) = func.hvp(f, (x,), (v,))
    np.testing.assert_allclose(product.tolist(), (func.hessian(f)(x) @ v).tolist(), rtol=1e-13)
    np.testing.assert_allclose(product.tolist(), func.jvp(func.grad(f), (x,), (v,))[1].tolist(), rtol=1e-13)
    p = func.hvp(lambda d, s: (d["w"] ** 2).sum() * s, ({"w": x}, t(2.0)), ({"w": v}, t(1.0)))
    np.testing.assert_allclose(p[0]["w"].tolist(), (4 * v + 2 * x).tolist())
    assert p[1].item() == pytest.approx((2 * x * v).sum().item())


def test_the_product_of_a_complex_argument_is_that_of_its_real_and_imaginary_parts():
    z = gpugrad.tensor([1 + 2j, 0.5 - 1j], dtype=gpugrad.complex128)
    v = gpugrad.tensor([1 - 1j, 2j], dtype=gpugrad.complex128)
    f = lambda z: gpugrad.sum(gpugrad.abs(z) ** 3 + gpugrad.real(z**3))  # noqa: E731
    of_parts = lambda p: f(p[0] + 1j * p[1])  # noqa: E731
    p, q = (gpugrad.stack([gpugrad.real(x), gpugrad.imag(x)]) for x in (z, v))
    (product,) = func.hvp(f, (z,), (v,))
    (parts,) = func.hvp(of_parts, (p,), (q,))
    np.testing.assert_allclose([product.real.tolist(), product.imag.tolist()], parts.tolist(), rtol=1e-12)


def test_the_gauss_newton_product_is_that_of_its_factors(backend):
    x, v = {"w": t([1.0, 2.0]), "b": t(0.5)}, {"w": t([0.5, -1.0]), "b": t(2.0)}
    net = lambda p: {"a": gpugrad.tanh(p["w"] * p["b"]), "c": (p["w"].sum(),)}  # noqa: E731
    loss = lambda y: (y["a"] ** 4).sum() * y["c"][0] + y["c"][0] ** 2  # noqa: E731
    (product,) = func.ggnvp(net, loss, (x,), (v,))

    def flat(net_or_loss_tree):
        return np.concatenate([np.atleast_1d(y.tolist()) for y in leaves(net_or_loss_tree)])

    j = func.jacrev(net)(x)
    rows = np.concatenate([np.concatenate([np.reshape(b.tolist(), (n, -1)) for b in leaves(block)], 1) for block, n in ((j["a"], 2), (j["c"][0], 1))])  # fmt: skip
    h = func.hessian(loss)(net(x))
    blocks = [[np.reshape(h[a][b].tolist() if b == "a" else h[a]["c"][0].tolist(), (m, n)) if a == "a" else np.reshape(h["c"][0][b].tolist() if b == "a" else h["c"][0]["c"][0].tolist(), (m, n)) for b, n in (("a", 2), ("c", 1))] for a, m in (("a", 2), ("c", 1))]  # fmt: skip
    expected = rows.T @ np.block(blocks) @ rows @ flat(v)
    np.testing.assert_allclose(flat(product), expected, rtol=1e-12)
    # Where the outputs are linear in the parameters it is the Hessian.
    g = func.ggnvp(lambda w: w * 3, lambda y: (y**3).sum(), (x["w"],), (v["w"],))
    same(g, func.hvp(lambda w: ((w * 3) ** 3).sum(), (x["w"],), (v["w"],)))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda x: func.jacrev(lambda x: x * 1j)(x), DtypeError, "jacrev: the result is complex"),
        (lambda x: func.jacfwd(gpugrad.abs)(x * 1j), DtypeError, "jacfwd: the argument is complex"),
        (lambda x: func.jacrev(lambda x: x > 0)(x), DtypeError, "the result of the function has dtype bool"),
        (lambda x: func.jacrev(lambda x: x)(gpugrad.tensor([1, 2])), DtypeError, "argument 0 has dtype int64"),
        (lambda x: func.jacrev(lambda x: x, chunk_size=0), OptionError, "chunk_size is None or a positive integer"),
        (lambda x: func.jacfwd(lambda x: x, chunk_size=1.5), OptionError, "chunk_size"),
        (lambda x: func.jacfwd(lambda x: x, randomness="no"), OptionError, "randomness"),
        (lambda x: func.hvp(lambda x: x.sum(), x, x), TypeError, "hvp: primals is Tensor; it is a tuple"),
        (lambda x: func.hvp(lambda x: x, (x,), (x,)), gpugrad.errors.GradientError, "must return a scalar"),
        (
            lambda x: func.ggnvp(lambda x: x, lambda y: y, (x,), (x,)),
            gpugrad.errors.GradientError,
            "must return a scalar",
        ),
    ],
)
def test_bad_input_gets_one_line(call, error, says):
    with pytest.raises(error, match=says) as caught:
        call(t([1.0, 2.0]))
    assert "\n" not in str(caught.value)
