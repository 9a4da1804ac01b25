"""Layers beside Linear, compared with PyTorch's: results, gradients, buffers, state, with shapes drawn at random."""

import numpy as np
import pytest

import gpugrad
from gpugrad import nn
from gpugrad.nn import functional as F

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

TOLERANCE = {np.float32: 1e-5, np.float64: 1e-10}
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
SEEDS = pytest.mark.parametrize("seed", range(3))


def close(ours, theirs, dtype):
    theirs = np.asarray(theirs.detach())
    rtol = TOLERANCE[dtype]
    size = max(1e-30, float(np.abs(theirs).max(initial=0.0)))
    np.testing.assert_allclose(np.asarray(ours.tolist()).reshape(theirs.shape), theirs, rtol=rtol, atol=rtol * size)


def twins(ours, theirs, random, dtype):
    """Give two modules the same parameters and buffers, drawn at random."""
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state)
    for name, value in state.items():
        if value.dtype.is_floating_point:
            drawn = random.uniform(0.5, 1.5, tuple(value.shape)) * (1 if "var" in name else random.choice([-1, 1]))
            state[name] = torch.tensor(drawn.astype(dtype))
    theirs.to(state[next(iter(state))].dtype if state else torch.float32)
    theirs.load_state_dict(state)
    ours.to(gpugrad.float64 if dtype is np.float64 else gpugrad.float32)
    ours.load_state_dict({name: value.numpy() for name, value in state.items()})
    return ours, theirs


def compare(ours, theirs, arrays, random, dtype):
    """Compare results, and the gradients of inputs and parameters from a random cotangent."""
    mine = [gpugrad.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    its = [torch.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    z, y = ours(*mine), theirs(*its)
    close(z, y, dtype)
    g = random.standard_normal(tuple(y.shape)).astype(dtype)
    z.backward(gpugrad.tensor(g))
    y.backward(torch.tensor(g))
    for a, b in zip(mine, its, strict=True):
        if b.requires_grad:
            close(a.grad, b.grad, dtype)
    if hasattr(theirs, "named_parameters"):
        for (name, p), (other, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
            assert name == other
            if q.grad is not None:
                close(p.grad, q.grad, dtype)


@SEEDS
@DTYPES
@pytest.mark.parametrize("options", [{}, {"momentum": 0.3, "eps": 1e-2}, {"momentum": None}, {"affine": False}])
@pytest.mark.parametrize("length", [(), (3,)])
def test_batch_norm_follows_batches_and_then_stays(backend, options, length, dtype, seed):
    random = np.random.default_rng(seed)
    features = int(random.integers(1, 5))
    ours, theirs = twins(nn.BatchNorm1d(features, **options), torch.nn.BatchNorm1d(features, **options), random, dtype)
    for _ in range(3):
        x = random.standard_normal((int(random.integers(3, 8)), features, *length)) * 2 + 1
        compare(ours, theirs, [x.astype(dtype)], random, dtype)
    for name, value in theirs.state_dict().items():
        close(ours.state_dict()[name], value, dtype)
    ours.eval(), theirs.eval()
    compare(ours, theirs, [random.standard_normal((1, features, *length)).astype(dtype)], random, dtype)


@DTYPES
def test_batch_norm_without_running_values_uses_the_batch_in_evaluation_too(backend, dtype):
    random = np.random.default_rng(0)
    options = {"track_running_stats": False}
    ours, theirs = twins(nn.BatchNorm1d(3, **options), torch.nn.BatchNorm1d(3, **options), random, dtype)
    ours.eval(), theirs.eval()
    compare(ours, theirs, [random.standard_normal((5, 3)).astype(dtype)], random, dtype)


@SEEDS
@DTYPES
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("shape", [(4, 12), (2, 12, 3), (1, 12, 2, 2)])
def test_group_norm(backend, affine, shape, dtype, seed):
    random = np.random.default_rng(seed)
    groups = int(random.choice([1, 2, 3]))
    made = nn.GroupNorm(groups, 12, affine=affine), torch.nn.GroupNorm(groups, 12, affine=affine)
    compare(*twins(*made, random, dtype), [random.standard_normal(shape).astype(dtype)], random, dtype)


@SEEDS
@DTYPES
@pytest.mark.parametrize("options", [{}, {"eps": 1e-2}, {"elementwise_affine": False}])
@pytest.mark.parametrize("shape", [(4,), (3, 4)])
def test_rms_norm(backend, options, shape, dtype, seed):
    random = np.random.default_rng(seed)
    made = nn.RMSNorm(shape, **options), torch.nn.RMSNorm(shape, **options)
    compare(*twins(*made, random, dtype), [random.standard_normal((5, *shape)).astype(dtype)], random, dtype)


@SEEDS
@DTYPES
@pytest.mark.parametrize("bias", [True, False])
def test_bilinear(backend, bias, dtype, seed):
    random = np.random.default_rng(seed)
    a, b, c = (int(n) for n in random.integers(1, 5, 3))
    made = nn.Bilinear(a, b, c, bias=bias), torch.nn.Bilinear(a, b, c, bias=bias)
    rows = tuple(int(n) for n in random.integers(1, 4, int(random.integers(0, 3))))
    inputs = [random.standard_normal((*rows, n)).astype(dtype) for n in (a, b)]
    compare(*twins(*made, random, dtype), inputs, random, dtype)


EMBEDDINGS = [
    {},
    {"padding_idx": 2},
    {"padding_idx": -1},
    {"scale_grad_by_freq": True},
    {"max_norm": 1.2},
    {"max_norm": 2.0, "norm_type": 1.0},
]


@SEEDS
@DTYPES
@pytest.mark.parametrize("options", EMBEDDINGS)
def test_embedding(backend, options, dtype, seed):
    random = np.random.default_rng(seed)
    ours, theirs = twins(nn.Embedding(6, 3, **options), torch.nn.Embedding(6, 3, **options), random, dtype)
    numbers = random.integers(0, 6, tuple(random.integers(1, 5, 2)))
    compare(ours, theirs, [numbers], random, dtype)
    close(ours.weight, theirs.weight, dtype)


@pytest.mark.parametrize("kind", ["uint8", "int32", "int64"])
def test_embedding_takes_integers_of_any_width(backend, kind):
    layer = nn.Embedding(300, 2)
    close(
        layer(gpugrad.asarray([0, 255], dtype=getattr(gpugrad, kind))),
        torch.tensor(layer.weight.tolist())[[0, 255]],
        np.float32,
    )


@pytest.mark.parametrize(
    ("shape", "dim", "sizes"),
    [((2, 12), 1, (3, 4)), ((12,), 0, (2, -1)), ((2, 12, 3), -2, (2, 2, 3)), ((2, 0), 1, (0, 4))],
)
def test_unflatten(backend, shape, dim, sizes):
    random = np.random.default_rng(0)
    x = random.standard_normal(shape).astype(np.float32)
    compare(nn.Unflatten(dim, sizes), torch.nn.Unflatten(dim, sizes), [x], random, np.float32)


def on_same_running_values(module, tensor, mean, var):
    """Return batch_norm in evaluation as a function of input and weight."""
    return lambda x, w: module.batch_norm(x, tensor(mean), tensor(var), w)


@DTYPES
def test_functions_take_pytorchs_arguments(backend, dtype):
    random = np.random.default_rng(5)
    x, w, b = (random.standard_normal(s).astype(dtype) for s in ((4, 6), (6,), (6,)))
    running = random.standard_normal(6).astype(dtype), random.uniform(0.5, 2, 6).astype(dtype)

    def both(call, *arrays):
        compare(lambda *t: call(F, *t), lambda *t: call(torch.nn.functional, *t), arrays, random, dtype)

    both(lambda f, x, w, b: f.batch_norm(x, None, None, w, b, True), x, w, b)
    both(lambda f, x, w, b: f.group_norm(x, 3, w, b, 1e-3), x, w, b)
    both(lambda f, x, w: f.rms_norm(x, [6], w, 1e-3), x, w)
    ours, theirs = (
        on_same_running_values(*of, *running) for of in ((F, gpugrad.tensor), (torch.nn.functional, torch.tensor))
    )
    compare(ours, theirs, [x, w], random, dtype)
