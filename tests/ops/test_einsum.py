"""einsum gives what NumPy's does, with gradients, and refuses equations that do not fit."""

import numpy as np
import pytest

import gpugrad
from gpugrad.autograd import grad
from gpugrad.errors import ShapeError

CASES = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ii", (3, 3)),
    ("ii->i", (3, 3)),
    ("iii->i", (3, 3, 3)),
    ("ij->ji", (2, 3)),
    ("ji", (2, 3)),
    ("ij->", (2, 3)),
    ("i,i", (3,), (3,)),
    ("i,j", (3,), (2,)),
    ("i,i->i", (1,), (3,)),
    ("ij,j->i", (2, 1), (3,)),
    ("ij,j", (2, 3), (1,)),
    ("ij,jk,j->ik", (2, 3), (1, 4), (3,)),
    ("...ij,...jk", (5, 2, 3), (3, 4)),
    ("...ij,...jk->...ik", (5, 2, 3), (7, 1, 3, 4)),
    ("i...->...", (2, 3, 4)),
    ("...->...", (2, 3)),
    ("bij,bjk,bkl->il", (2, 3, 4), (2, 4, 5), (2, 5, 6)),
    ("a,b,c->cab", (2,), (3,), (4,)),
    ("ij,kj,lj->ikl", (2, 5), (3, 5), (4, 5)),
    ("ab,ab,ab->a", (2, 3), (2, 3), (2, 3)),
    ("iji,ik->kj", (2, 3, 2), (2, 4)),
    ("ij,jk->", (2, 0), (0, 3)),
    (",", (), ()),
    (" i , -> i ", (3,), ()),
]


@pytest.mark.parametrize(("equation", "shapes"), [(e, s) for e, *s in CASES], ids=[e for e, *_ in CASES])
@pytest.mark.parametrize("kind", ["float64", "complex128"])
def test_result_and_gradients_are_those_of_the_sums(equation, shapes, kind, backend):
    random = np.random.default_rng(3)

    def draw(shape):
        return random.normal(size=shape) + (1j * random.normal(size=shape) if kind == "complex128" else 0)

    arrays = [np.asarray(draw(shape)) for shape in shapes]
    leaves = [gpugrad.tensor(x, requires_grad=True) for x in arrays]
    z = gpugrad.einsum(equation, *leaves)
    expected = np.einsum(equation, *arrays)
    assert z.shape == expected.shape
    assert z.dtype == expected.dtype
    np.testing.assert_allclose(np.asarray(z.tolist()).reshape(z.shape), expected, rtol=1e-12, atol=1e-12)
    # einsum is linear in each operand: the slope along d is einsum with d in its place.
    w = np.asarray(draw(expected.shape))
    gradients = grad(gpugrad.sum(gpugrad.real(z * gpugrad.tensor(w))), leaves)
    for i, g in enumerate(gradients):
        d = np.asarray(draw(shapes[i]))
        slope = np.sum(np.real(np.conj(np.asarray(g.tolist()).reshape(d.shape)) * d))
        moved = np.einsum(equation, *arrays[:i], d, *arrays[i + 1 :])
        assert slope == pytest.approx(np.sum(np.real(moved * w)), rel=1e-10, abs=1e-10)


def test_integers_stay_integers(backend):
    x = gpugrad.arange(4, dtype=gpugrad.int32)
    assert gpugrad.einsum("i->", x).dtype == gpugrad.int32
    assert gpugrad.einsum("i,j", x, x).tolist() == np.outer(range(4), range(4)).tolist()


def test_plain_arrays_give_a_plain_array():
    z = gpugrad.einsum("ij,jk", np.ones((2, 3)), np.ones((3, 4)))
    assert type(z) is np.ndarray
    assert (z == 3).all()


@pytest.mark.parametrize(
    ("equation", "shapes", "said"),
    [
        ("ij,jk", [(2, 3)], "names 2 operands, and 1 were given"),
        ("ij->k", [(2, 3)], "'k'"),
        ("ij->ii", [(2, 3)], "each once: 'i'"),
        ("i", [(2, 3)], "'i' does not name the 2 axes of operand 0, whose shape is (2, 3)"),
        ("ijk", [(2, 3)], "'ijk' does not name the 2 axes"),
        ("i,i", [(2,), (3,)], "axis 'i' of 'i,i' has the sizes 2 and 3"),
        ("ii", [(2, 3)], "axis 'i' of 'ii' has the sizes 2 and 3"),
        ("ii", [(1, 3)], "axis 'i' has the sizes 1 and 3 in one operand"),
        ("1j", [(2, 3)], "'1j' is not letters"),
        ("....i", [(2, 3)], "'....i' is not letters"),
        ("...i->i", [(2, 3)], "must stand in the result"),
    ],
)
def test_an_equation_that_does_not_fit_is_refused(equation, shapes, said):
    with pytest.raises(ShapeError) as caught:
        gpugrad.einsum(equation, *(gpugrad.zeros(shape) for shape in shapes))
    assert said in str(caught.value)
