"""strong_zero: a gradient that is 0 stays 0 in elementwise ops, whatever the derivative there is."""

from __future__ import annotations

import numpy as np
import pytest
from samples import SAMPLES

import gpugrad as gg
from gpugrad._graph.modes import changed
from gpugrad._op import table
from gpugrad._op.elementwise import FlatOp
from gpugrad.autograd import grad, set_strong_zero, strong_zero

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the branch not taken divides by zero


def leaf(values):
    return gg.tensor(values, dtype=gg.float64, requires_grad=True)


def close(tensor, values):
    np.testing.assert_allclose(np.asarray(tensor.tolist()), np.asarray(values), rtol=1e-12, atol=0)


def derivatives(f, x, order):
    """Return the derivatives of the sum of f(x), the first to that of `order`."""
    found, y = [], f(x)
    for i in range(order):
        (y,) = grad(y.sum(), x, create_graph=i < order - 1)
        found.append(y.tolist())
    return found


MASKED = [  # a function with a branch that is not taken at 0, and its first three derivatives at 2
    ("log", lambda x: gg.where(x > 0, gg.log(x), 0.0), [1 / 2, -1 / 4, 1 / 4]),
    ("sqrt", lambda x: gg.where(x > 0, gg.sqrt(x), 0.0), [2**-0.5 / 2, -(2**-1.5) / 4, 3 * 2**-2.5 / 8]),
    ("1 / x", lambda x: gg.where(x > 0, 1 / x, 0.0), [-1 / 4, 2 / 8, -6 / 16]),
    ("power", lambda x: gg.where(x > 0, x**-2, 0.0), [-2 / 8, 6 / 16, -24 / 32]),
    ("sin(x) / x", lambda x: gg.where(x == 0, 1.0, gg.sin(x) / x), None),
    ("chain", lambda x: gg.where(x > 0, gg.exp(gg.sqrt(gg.log(x + 1)) / x), 0.0), None),
    ("clip", lambda x: gg.clip(gg.where(x > 0, gg.log(x), 0.0), -5, 5), [1 / 2, -1 / 4, 1 / 4]),
    ("times 0", lambda x: gg.log(x) * (x > 0), [1 / 2, -1 / 4, 1 / 4]),
    ("relu", lambda x: gg.relu(gg.where(x > 0, gg.log(x), -1.0)), [1 / 2, -1 / 4, 1 / 4]),
]


@pytest.mark.parametrize(("f", "expected"), [row[1:] for row in MASKED], ids=[row[0] for row in MASKED])
def test_where_x_is_not_taken_its_derivatives_are_0_to_third_order(backend, f, expected):
    with strong_zero():
        found = derivatives(f, leaf([0.0, 2.0]), 3)
    alone = expected or [d[0] for d in derivatives(f, leaf([2.0]), 3)]
    np.testing.assert_allclose(np.asarray(found), np.stack([np.zeros(3), alone], axis=1), rtol=1e-12)


def test_by_default_it_is_nan(backend):
    for f in (lambda x: gg.where(x > 0, gg.log(x), 0.0), lambda x: gg.where(x > 0, gg.sqrt(x), 0.0)):
        assert np.isnan(derivatives(f, leaf([0.0, 2.0]), 1)[0][0])


def test_an_infinite_derivative_that_something_comes_to_stays_infinite(backend):
    x = leaf([0.0, 4.0])
    with strong_zero():
        gg.sqrt(x).sum().backward()
    close(x.grad, [np.inf, 0.25])


def test_a_nan_that_comes_back_stays_nan(backend):
    x = leaf([1.0, 2.0])
    with strong_zero():
        (x * 3).backward(gg.tensor([np.nan, 0.0], dtype=gg.float64))
    close(x.grad, [np.nan, 0])


@pytest.mark.parametrize(
    ("f", "second"),
    [
        (lambda x: (x - 1) ** 2, 2.0),
        (lambda x: (x - 1) ** 3 + (x - 1) ** 2, 2.0),
        (lambda x: gg.cos(x - 1), -1.0),
        (lambda x: (gg.log(x) * 2) ** 2, 8.0),
        (lambda x: gg.where(x > 0, gg.log(x), 0.0) ** 2, 2.0),
    ],
)
def test_a_gradient_of_0_at_a_minimum_has_its_own_derivative(backend, f, second):
    """A zero that a finite derivative made 0 is no reason to forget what it depends on."""
    x = leaf([1.0])
    with strong_zero():
        (g,) = grad(f(x).sum(), x, create_graph=True)
        close(g, [0])
        close(grad(g.sum(), x)[0], [second])


def test_it_holds_for_operands_that_are_broadcast(backend):
    x, s = leaf([[0.0, 2.0], [1.0, 0.0]]), leaf(3.0)
    mask = gg.tensor([[False, True], [True, False]])
    with strong_zero():
        gg.where(mask, s / x, 0.0).sum().backward()
    close(s.grad, 1.5)
    close(x.grad, [[0, -0.75], [-3, 0]])


def test_it_holds_for_complex_numbers(backend):
    z = gg.tensor([0j, 1 + 1j], requires_grad=True)
    with strong_zero():
        gg.real(gg.where(gg.tensor([False, True]), 1 / z, 0j)).sum().backward()
    expected = np.conj(-1 / (1 + 1j) ** 2)
    np.testing.assert_allclose(np.asarray(z.grad.tolist()), [0, expected], rtol=1e-6)


def test_it_is_asked_for_in_backward_and_not_in_the_forward_pass(backend):
    x = leaf([0.0, 2.0])
    with strong_zero():
        y = gg.where(x > 0, gg.log(x), 0.0).sum()
    with gg.no_grad(), strong_zero():
        y.backward(retain_graph=True)
    close(x.grad, [0, 0.5])
    with strong_zero(), changed(strong_zero=False):
        assert np.isnan(grad(y, x)[0].tolist()[0])


def test_the_statement_holds_until_the_next_one(backend):
    x = leaf([0.0, 2.0])
    set_strong_zero(True)
    try:
        gg.where(x > 0, gg.log(x), 0.0).sum().backward()
    finally:
        set_strong_zero(False)
    close(x.grad, [0, 0.5])


def test_reductions_and_products_of_matrices_are_not_elementwise(backend):
    for name in ("matmul", "sum", "prod", "std", "vector_norm", "softmax", "cumulative_prod", "getitem"):
        assert not table[name].elementwise
    x = leaf([0.0, 0.0])
    with strong_zero():
        y = gg.where(gg.tensor([False, True]), gg.sqrt(x.reshape(2, 1) @ x.reshape(1, 2)).sum(axis=0), 0.0)
        y.sum().backward()
    assert np.isnan(x.grad.tolist()).all()  # sqrt's infinite slope meets a 1 in one column, and matmul mixes columns


def test_every_op_of_one_or_two_operands_element_by_element_is_marked():
    marked = {name for name, op in table.items() if op.elementwise and not isinstance(op, FlatOp)}
    assert marked >= {
        "where",
        "clip",
        "cast",
        "clone",
        "real",
        "imag",
        "leaky_relu",
        "polygamma",
        "gammainc",
        "betainc",
    }
    assert all(op.elementwise for op in table.values() if isinstance(op, FlatOp))


@pytest.mark.parametrize("name", sorted(name for name, op in table.items() if op.elementwise and name in SAMPLES))
def test_an_op_that_is_marked_keeps_its_elements_apart_and_its_gradients(name):
    """What comes to one element goes on from it alone, and where nothing is infinite the mode changes no bit."""
    for sample in SAMPLES[name]:
        leaves = [gg.tensor(x, requires_grad=True) if x.dtype.kind in "fc" else x for x in sample.inputs]
        tracked = [x for x in leaves if isinstance(x, gg.Tensor)]
        z = sample.call(*leaves)
        if z.size == 0:
            continue
        seed = np.zeros(z.shape, z.dtype)
        place = tuple(n // 2 for n in z.shape)
        seed[place] = 1.5
        plain = grad(z, tracked, gg.tensor(seed), retain_graph=True, allow_unused=True)
        with strong_zero():
            strong = grad(z, tracked, gg.tensor(seed), allow_unused=True)
        for x, g, h in zip(tracked, plain, strong, strict=True):
            if g is not None:
                assert g.tolist() == h.tolist()
                others = np.ones(z.shape, bool)
                others[place] = False
                if x.shape == z.shape:
                    assert not np.asarray(g.tolist())[others].any()
