"""Lion, LAMB and Muon, which no library fixes the numbers of, beside the formulas of their papers in plain NumPy."""

import numpy as np
import pytest

import gpugrad
from gpugrad import optim
from gpugrad.errors import OptionError

SHAPES = [(3, 4), (5,), (), (40, 30)]


def lion(p, g, m, t, *, lr, betas, weight_decay):
    """Chen et al. (2023), algorithm 2."""
    c = betas[0] * m + (1 - betas[0]) * g
    return p - lr * (np.sign(c) + weight_decay * p), betas[1] * m + (1 - betas[1]) * g


def lamb(p, g, state, t, *, lr, betas, eps, weight_decay):
    """You et al. (2020), algorithm 2, phi(z) = z."""
    m, v = state if isinstance(state, tuple) else (state, state)
    m, v = betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g * g
    r = (m / (1 - betas[0] ** t)) / (np.sqrt(v / (1 - betas[1] ** t)) + eps) + weight_decay * p
    lengths = np.sqrt((p * p).sum()), np.sqrt((r * r).sum())
    return p - lr * (lengths[0] / lengths[1] if all(lengths) else 1.0) * r, (m, v)


CASES = [
    (optim.Lion, lion, {"lr": 0.01, "betas": (0.9, 0.99), "weight_decay": 0.0}),
    (optim.Lion, lion, {"lr": 1e-3, "betas": (0.5, 0.0), "weight_decay": 0.3}),
    (optim.LAMB, lamb, {"lr": 0.01, "betas": (0.9, 0.999), "eps": 1e-6, "weight_decay": 0.01}),
    (optim.LAMB, lamb, {"lr": 0.1, "betas": (0.0, 0.5), "eps": 1e-3, "weight_decay": 0.0}),
]


@pytest.mark.parametrize(("make", "formula", "options"), CASES)
@pytest.mark.parametrize("skip", [0.0, 0.3])
@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-5), ("float64", 1e-10)])
def test_many_steps_follow_the_paper(backend, make, formula, options, skip, dtype, rtol):
    random = np.random.default_rng(7)
    wanted = [random.standard_normal(shape).astype(dtype).astype("float64") for shape in SHAPES]
    wanted[1] *= 0  # a parameter of length 0
    ours = [gpugrad.tensor(v, dtype=getattr(gpugrad, dtype), requires_grad=True) for v in wanted]
    states, steps = [np.zeros(shape) for shape in SHAPES], [0] * len(SHAPES)
    optimizer = make(ours, **options)
    for _ in range(200 if backend == "numpy" else 50):
        for i, shape in enumerate(SHAPES):
            if random.random() < skip:
                ours[i].grad = None
                continue
            # Powers of two and few digits: so float32 has Lion's mean on the same side of 0.
            g = random.choice([-1.0, 1.0], shape) * 2.0 ** random.integers(-3, 2, shape)
            steps[i] += 1
            wanted[i], states[i] = formula(wanted[i], g, states[i], steps[i], **options)
            ours[i].grad = gpugrad.tensor(g, dtype=ours[i].dtype, device=ours[i].device)
        optimizer.step()
    for p, value in zip(ours, wanted, strict=True):
        np.testing.assert_allclose(np.asarray(p.tolist()), value, rtol=rtol, atol=rtol * (np.abs(value).max() + 1e-3))


def test_lamb_takes_the_length_of_each_parameter_alone(backend):
    p = gpugrad.tensor([3.0, 4.0], dtype=gpugrad.float64, requires_grad=True)
    q = gpugrad.tensor([300.0, 400.0], dtype=gpugrad.float64, requires_grad=True)
    optimizer = optim.LAMB([p, q], lr=0.1, weight_decay=0.0, eps=0.0)
    p.grad = q.grad = gpugrad.tensor([1.0, -1.0], dtype=gpugrad.float64)
    optimizer.step()
    step = 0.1 * 5 / np.sqrt(2)
    assert p.tolist() == pytest.approx([3 - step, 4 + step])
    assert q.tolist() == pytest.approx([300 - 100 * step, 400 + 100 * step])


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_lamb_keeps_lengths_that_float32_cannot_square(backend, scale):
    p = gpugrad.tensor([3 * scale, 4 * scale], requires_grad=True)
    p.grad = gpugrad.ones(2)
    optim.LAMB([p], lr=0.1, weight_decay=0.0).step()
    assert np.asarray(p.tolist()) / scale == pytest.approx([3 - 0.5 / np.sqrt(2), 4 - 0.5 / np.sqrt(2)], rel=1e-5)


@pytest.mark.parametrize("shape", [(6, 6), (4, 9), (9, 4), (1, 5), (5, 1)])
@pytest.mark.parametrize("nesterov", [False, True])
def test_muon_steps_by_a_matrix_that_is_nearly_orthogonal(backend, shape, nesterov):
    random = np.random.default_rng(8)
    start, g = random.standard_normal(shape), random.standard_normal(shape)
    p = gpugrad.tensor(start, requires_grad=True)
    p.grad = gpugrad.tensor(g)
    optim.Muon([p], lr=1.0, weight_decay=0.0, nesterov=nesterov).step()
    step = (start - np.asarray(p.tolist())) / np.sqrt(max(1, shape[0] / shape[1]))
    u, s, vh = np.linalg.svd(step, full_matrices=False)
    assert ((s > 0.65) & (s < 1.25)).all(), s
    a, _, b = np.linalg.svd(g, full_matrices=False)
    assert np.abs(np.sum((a @ b) * (u @ vh)) / min(shape)) == pytest.approx(1, abs=1e-6), "the same singular vectors"


@pytest.mark.parametrize("shape", [(3,), (), (2, 3, 4)])
def test_muon_refuses_what_is_no_matrix_in_one_line(backend, shape):
    p, q = gpugrad.ones((2, 2), requires_grad=True), gpugrad.ones(shape, requires_grad=True)
    optimizer = optim.Muon([p])
    for refused in (lambda: optim.Muon([p, q]), lambda: optimizer.add_param_group({"params": [q]})):
        with pytest.raises(OptionError, match="Muon changes matrices, not a parameter of shape .*; give it to AdamW"):
            refused()
    assert len(optimizer.param_groups) == 1


def test_muon_of_a_gradient_of_zeros_stays_where_it_is(backend):
    p = gpugrad.ones((2, 3), requires_grad=True)
    p.grad = gpugrad.zeros((2, 3))
    optim.Muon([p], weight_decay=0.0).step()
    assert p.tolist() == [[1.0] * 3] * 2


def test_rprop_lets_an_infinite_gradient_turn(backend):
    p = gpugrad.tensor([1.0, 1.0], requires_grad=True)
    optimizer = optim.Rprop([p], lr=0.5)
    for g in ([np.inf, -np.inf], [-np.inf, np.inf], [1.0, -1.0]):
        p.grad = gpugrad.tensor(g)
        optimizer.step()
    assert p.tolist() == pytest.approx([1 - 0.5 - 0.25, 1 + 0.5 + 0.25])


def test_rprop_sees_the_signs_of_gradients_whose_product_is_0(backend):
    p = gpugrad.tensor([1.0], requires_grad=True)
    optimizer = optim.Rprop([p], lr=0.5)
    for _ in range(2):
        p.grad = gpugrad.tensor([1e-30])
        optimizer.step()
    assert p.item() == pytest.approx(1 - 0.5 - 0.6)


def test_centered_rmsprop_has_no_root_of_a_negative_variance(backend):
    p = gpugrad.tensor([1.0, 2.0, 3.0], requires_grad=True)
    optimizer = optim.RMSprop([p], alpha=0.3, centered=True, eps=0.1)
    for _ in range(40):
        p.grad = gpugrad.tensor([0.1, 1 / 3, 1e4 / 7])
        optimizer.step()
    assert np.isfinite(p.tolist()).all()
