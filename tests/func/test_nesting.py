"""Transforms of transforms: in any order, to any depth, without one variable being taken for another."""

import itertools

import numpy as np
import pytest

import gpugrad
from gpugrad import func, nn
from gpugrad.func._batched import DependsOnExample


def t(values, **options):
    return gpugrad.tensor(values, dtype=gpugrad.float64, **options)


def forward(f):
    """Return the derivative of a function of a scalar, by forward mode."""
    return lambda x: func.jvp(f, (x,), (gpugrad.ones_like(x),))[1]


def pulled(f):
    return lambda x: func.vjp(f, x)[1](gpugrad.ones_like(x))[0]


def pushed(f):
    return lambda x: func.linearize(f, x)[1](gpugrad.ones_like(x))


def mapped(f):
    """Return the derivative by vmap of grad, over one example."""
    return lambda x: func.vmap(func.grad(f))(gpugrad.stack([x]))[0]


def around(f):
    """Return the derivative by grad of vmap, over two examples, of which one counts."""
    return lambda x: func.grad(lambda x: func.vmap(f)(gpugrad.stack([x, x * 0]))[0])(x)


DERIVATIVES = {
    "grad": func.grad, "jvp": forward, "vjp": pulled, "linearize": pushed, "jacrev": func.jacrev, "jacfwd": func.jacfwd,
    "vmap of grad": mapped, "grad of vmap": around,
}  # fmt: skip


@pytest.mark.parametrize(("outer", "inner"), list(itertools.product(DERIVATIVES, DERIVATIVES)))
def test_variables_are_not_confused(outer, inner, backend):
    d_outer, d_inner = DERIVATIVES[outer], DERIVATIVES[inner]
    x = t(3.0)
    assert d_outer(lambda x: x * d_inner(lambda y: x + y)(t(1.0)))(x).item() == 1
    assert d_outer(lambda x: x * d_inner(lambda y: x * y)(t(1.0)))(x).item() == 6
    assert d_outer(lambda x: x * d_inner(lambda y: x * y * y)(x))(x).item() == 6 * 9
    assert d_outer(d_inner(lambda x: x**4))(x).item() == 12 * 9


THREE = list(itertools.product(["grad", "jvp", "jacrev", "vmap of grad"], repeat=3))


@pytest.mark.parametrize(("first", "second", "third"), THREE)
@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: x**4, lambda x: 24 * x),
        (gpugrad.sin, lambda x: -np.cos(x)),
        (gpugrad.exp, np.exp),
        (gpugrad.sigmoid, lambda x: (lambda s: s * (1 - s) * (1 - 6 * s + 6 * s * s))(1 / (1 + np.exp(-x)))),
        (lambda x: 1 / x, lambda x: -6 / x**4),
    ],
)
def test_third_derivatives_are_those_of_closed_forms(f, expected, first, second, third):
    d = DERIVATIVES[first](DERIVATIVES[second](DERIVATIVES[third](f)))
    assert d(t(0.7)).item() == pytest.approx(expected(0.7), rel=1e-12)


def test_the_closures_of_three_levels_stay_apart(backend):
    # d/dx d/dy d/dz of x y^2 z^3, each level closing over the others, at z = x + y and y = x
    def f(x):
        return func.grad(lambda y: func.grad(lambda z: x * y**2 * z**3)(x + y))(x)

    # inner: 3 x y^2 (x + y)^2; its derivative in y: 6 x y (x + y)^2 + 6 x y^2 (x + y); at y = x: 24 x^4 + 12 x^4
    assert f(t(2.0)).item() == pytest.approx(36 * 2**4)
    assert func.grad(f)(t(2.0)).item() == pytest.approx(4 * 36 * 2**3)
    assert forward(f)(t(2.0)).item() == pytest.approx(4 * 36 * 2**3)


def test_logsumexp_to_third_order():
    x = t([0.3, -1.0, 2.0])
    p = np.exp(np.array(x.tolist()))
    p /= p.sum()
    hessian = np.diag(p) - np.outer(p, p)
    third = (
        np.einsum("ik,ij->ijk", hessian, np.eye(3))
        - np.einsum("ik,j->ijk", hessian, p)
        - np.einsum("i,jk->ijk", p, hessian)
    )
    for outer in (func.jacrev, func.jacfwd):
        for h in (func.hessian(gpugrad.logsumexp), func.jacfwd(func.jacfwd(gpugrad.logsumexp))):
            np.testing.assert_allclose(outer(h)(x).tolist(), third, atol=1e-14)


ORDERS = {
    "hessian": func.hessian,
    "forward over reverse": lambda f: func.jacfwd(func.jacrev(f)),
    "reverse over forward": lambda f: func.jacrev(func.jacfwd(f)),
    "forward over forward": lambda f: func.jacfwd(func.jacfwd(f)),
    "reverse over reverse": lambda f: func.jacrev(func.jacrev(f)),
    "reverse over grad": lambda f: func.jacrev(func.grad(f)),
    "forward over grad": lambda f: func.jacfwd(func.grad(f)),
}


def loss_of_an_mlp(backend="numpy"):
    gpugrad.manual_seed(3)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.LayerNorm(4), nn.Linear(4, 2)).to(gpugrad.float64)
    x, y = gpugrad.randn(5, 3, dtype=gpugrad.float64), gpugrad.tensor([0, 1, 1, 0, 1])
    shapes = {name: p.shape for name, p in model.named_parameters()}
    start = gpugrad.concat([p.detach().flatten() for p in model.parameters()])

    def loss(flat):
        parameters, at = {}, 0
        for name, shape in shapes.items():
            size = int(np.prod(shape))
            parameters[name] = flat[at : at + size].reshape(shape)
            at += size
        return nn.functional.cross_entropy(func.functional_call(model, parameters, x), y)

    return loss, start


def test_the_hessian_of_an_mlp_is_one_in_every_order_and_symmetric(backend):
    loss, start = loss_of_an_mlp()
    matrices = {name: np.array(of(loss)(start).tolist()) for name, of in ORDERS.items()}
    for name, matrix in matrices.items():
        np.testing.assert_allclose(matrix, matrices["hessian"], rtol=1e-9, atol=1e-12, err_msg=name)
    np.testing.assert_allclose(matrices["hessian"], matrices["hessian"].T, atol=1e-13)


def test_third_order_of_an_mlp_is_that_of_finite_differences():
    loss, start = loss_of_an_mlp()
    random = np.random.default_rng(0)
    u, v = (t(random.normal(size=start.shape)) for _ in range(2))

    def product(x):
        return func.hvp(loss, (x,), (v,))[0]

    h = 1e-5
    numeric = np.array(((product(start + h * u) - product(start - h * u)) / (2 * h)).tolist())
    forwards = func.jvp(product, (start,), (u,))[1]
    backwards = func.grad(lambda x: (product(x) * u).sum())(start)
    # The third derivative is symmetric, so the walk back along u is the derivative along u.
    for found in (forwards, backwards):
        np.testing.assert_allclose(found.tolist(), numeric, rtol=1e-6, atol=1e-8)


def test_backward_goes_through_transforms_of_transforms(backend):
    w = t([1.0, 2.0], requires_grad=True)

    def f(x):
        return (gpugrad.sin(x * w) ** 2).sum()

    x = t([0.3, 0.4])
    total = func.hessian(f)(x).sum() + func.hvp(f, (x,), (x,))[0].sum() + func.jvp(func.grad(f), (x,), (w,))[1].sum()
    total.backward()
    numeric = []
    for i in range(2):
        values = []
        for h in (1e-5, -1e-5):
            step = [v + h * (i == j) for j, v in enumerate([1.0, 2.0])]
            s = t(step)
            g = lambda x: (gpugrad.sin(x * s) ** 2).sum()  # noqa: B023, E731
            parts = (
                func.hessian(g)(x).sum(),
                func.hvp(g, (x,), (x,))[0].sum(),
                func.jvp(func.grad(g), (x,), (s,))[1].sum(),
            )
            values.append(sum(part.item() for part in parts))
        numeric.append((values[0] - values[1]) / 2e-5)
    assert w.grad.tolist() == pytest.approx(numeric, rel=1e-7)


def test_vmap_within_vmap_within_grad(backend):
    a, b = t([1.0, 2.0]), t([3.0, 4.0, 5.0])
    table = func.vmap(lambda x: func.vmap(lambda y: func.grad(lambda x: x**2 * y)(x))(b))(a)
    assert table.tolist() == [[6, 8, 10], [12, 16, 20]]
    g = func.grad(lambda a: func.vmap(lambda x: func.vmap(lambda y: func.grad(lambda x: x**2 * y)(x))(b))(a).sum())(a)
    assert g.tolist() == [24, 24]


def test_an_inner_gradient_of_a_shared_value_is_that_of_each_example(backend):
    w, xs = t([1.0, 2.0]), t([[1.0, 0.0], [2.0, 3.0]])
    rows = func.vmap(func.grad(lambda w, x: (w * x).sum() ** 2), in_dims=(None, 0))(w, xs)
    assert rows.tolist() == [[2.0, 0.0], [32.0, 48.0]]
    closed = func.vmap(lambda x: func.grad(lambda w: (w * x).sum() ** 2)(w))(xs)
    assert closed.tolist() == rows.tolist()
    h = func.vmap(lambda x: func.hessian(lambda w: (w * x).sum() ** 2)(w))(xs)
    assert h[1].tolist() == [[8.0, 12.0], [12.0, 18.0]]


def test_a_linearisation_made_outside_runs_under_vmap_and_under_grad(backend):
    x = t([1.0, 2.0, 3.0])
    _, push = func.linearize(lambda x: gpugrad.sin(x) * x.sum(), x)
    _, pull = func.vjp(lambda x: gpugrad.sin(x) * x.sum(), x)
    eye = gpugrad.eye(3, dtype=gpugrad.float64)
    columns, (rows,) = func.vmap(push)(eye), func.vmap(pull)(eye)
    np.testing.assert_allclose(columns.T.tolist(), rows.tolist(), atol=1e-14)
    np.testing.assert_allclose(func.vmap(push, in_dims=1, out_dims=1)(eye).tolist(), rows.tolist(), atol=1e-14)
    nested = func.vmap(func.vmap(pull))(gpugrad.stack([eye, eye * 2]))[0]
    np.testing.assert_allclose(nested[1].tolist(), (rows * 2).tolist(), atol=1e-14)
    slope = func.grad(lambda c: (pull(c)[0] ** 2).sum())(t([1.0, 0.0, 0.0]))
    np.testing.assert_allclose(slope.tolist(), (2 * (rows @ rows[0])).tolist(), atol=1e-13)


def test_a_graph_made_within_vmap_takes_stacks_of_cotangents(backend):
    xs = t([[1.0, 2.0], [3.0, 4.0]])

    def rows(x):
        _, pull = func.vjp(lambda x: x**2 * x.sum(), x)
        return func.vmap(pull)(gpugrad.eye(2, dtype=gpugrad.float64))[0]

    expected = [func.jacrev(lambda x: x**2 * x.sum())(x).tolist() for x in xs]
    assert func.vmap(rows)(xs).tolist() == expected
    assert func.vmap(func.jacrev(lambda x: x**2 * x.sum()))(xs).tolist() == expected
    assert func.vmap(func.jacfwd(lambda x: x**2 * x.sum()))(xs).tolist() == expected
    pushes = func.vmap(lambda x, v: func.jvp(lambda x: x**2 * x.sum(), (x,), (v,))[1], in_dims=(0, None))(
        xs, t([1.0, 0.0])
    )
    assert pushes.tolist() == [[row[0] for row in matrix] for matrix in expected]


class Cube(gpugrad.autograd.Function):
    """x ** 3 by a rule of the user's; its second output is no tensor."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3, "cubed"

    @staticmethod
    def backward(ctx, g, _):
        (x,) = ctx.saved_tensors
        return g * 3 * x**2


def test_functions_of_the_user_go_through_every_transform(backend):
    x = t([1.0, 2.0, 3.0])

    def cube(x):
        y, said = Cube.apply(x)
        assert said == "cubed"
        return y

    slopes, second = [3, 12, 27], [6, 12, 18]
    assert func.grad(lambda x: cube(x).sum())(x).tolist() == slopes
    assert func.jvp(cube, (x,), (gpugrad.ones_like(x),))[1].tolist() == slopes
    for jacobian in (func.jacrev, func.jacfwd):
        assert jacobian(cube)(x).tolist() == np.diag(slopes).tolist()
    assert func.hessian(lambda x: cube(x).sum())(x).tolist() == np.diag(second).tolist()
    assert func.vmap(cube)(x).tolist() == [1, 8, 27]
    assert func.vmap(func.grad(cube))(x).tolist() == slopes
    assert func.vmap(func.grad(func.grad(cube)))(x).tolist() == second
    assert func.grad(lambda x: func.vmap(cube)(x).sum())(x).tolist() == slopes
    _, pull = func.vjp(cube, x)
    with pytest.raises(DependsOnExample, match="Cube.backward takes one gradient at a time"):
        func.vmap(pull)(gpugrad.eye(3, dtype=gpugrad.float64))
