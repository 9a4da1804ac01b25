"""Losses compared with PyTorch: values and gradients, every reduction, with shapes and options drawn at random."""

import warnings

import numpy as np
import pytest

import gpugrad
from gpugrad import nn
from gpugrad.nn import functional as F

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

TOLERANCE = {np.float32: 1e-5, np.float64: 1e-10}
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
SEEDS = pytest.mark.parametrize("seed", range(2))


def close(ours, theirs, dtype):
    theirs = np.asarray(theirs.detach())
    rtol = TOLERANCE[dtype]
    size = max(1e-30, float(np.abs(theirs).max(initial=0.0)))
    np.testing.assert_allclose(np.asarray(ours.tolist()).reshape(theirs.shape), theirs, rtol=rtol, atol=rtol * size)


def compare(ours, theirs, arrays, tracked, random, dtype):
    """Compare losses, and the gradients of the first `tracked` arrays."""
    mine = [gpugrad.tensor(a, requires_grad=i < tracked) for i, a in enumerate(arrays)]
    its = [torch.tensor(a, requires_grad=i < tracked) for i, a in enumerate(arrays)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's own, about the mean of KLDivLoss
        y = theirs(*its)
    z = ours(*mine)
    close(z, y, dtype)
    g = random.standard_normal(tuple(y.shape)).astype(dtype)
    z.backward(gpugrad.tensor(g))
    y.backward(torch.tensor(g))
    for a, b in zip(mine[:tracked], its[:tracked], strict=True):
        close(a.grad, b.grad, dtype)


def rows(random, features=True):
    shape = tuple(int(n) for n in random.integers(2, 6, 2))
    return shape if features else shape[:1]


def normal(random, shape):
    return random.standard_normal(shape) * 2


def unit(random, shape):
    return random.uniform(0.05, 0.95, shape)


def signs(random, shape):
    return random.choice([-1.0, 1.0], shape)


def number(random, low, high):
    return float(random.uniform(low, high))


def two(first, second, tracked=1):
    """Return a maker of two arrays of one shape, of which the first `tracked` are tracked."""

    def make(random):
        shape = rows(random)
        return [first(random, shape), second(random, shape)], tracked

    return make


def vectors(count, target):
    def make(random):
        n, features = rows(random)
        return [*(normal(random, (n, features)) for _ in range(count)), *([signs(random, n)] if target else [])], count

    return make


def classes(random):
    n, k = rows(random)
    return [normal(random, (n, k)), random.integers(0, k, n)], 1


def labels(random):
    n, k = rows(random)
    target = np.stack([random.permutation(k) for _ in range(n)])
    for row in target:
        row[int(random.integers(0, k)) :] = -1
    return [normal(random, (n, k)), target], 1


def counts(random, shape):
    return random.integers(0, 6, shape) * 1.0


def pairs(random):
    return [normal(random, 5), normal(random, 5), signs(random, 5)], 2


def gaussians(random):
    shape = rows(random)
    var = random.uniform(0.1, 2, [shape, (shape[0], 1), shape[:1]][int(random.integers(0, 3))])
    var.flat[0] = 1e-9
    return [normal(random, shape), normal(random, shape), var], 3


LOSSES = {
    "L1Loss": (two(normal, normal, 2), lambda r: {}),
    "MSELoss": (two(normal, normal, 2), lambda r: {}),
    "SmoothL1Loss": (two(normal, normal, 2), lambda r: {"beta": number(r, 0.1, 3)}),
    "HuberLoss": (two(normal, normal, 2), lambda r: {"delta": number(r, 0.1, 3)}),
    "BCELoss": (two(unit, unit), lambda r: {}),
    "BCEWithLogitsLoss": (two(normal, unit), lambda r: {}),
    "SoftMarginLoss": (two(normal, signs), lambda r: {}),
    "MultiLabelSoftMarginLoss": (two(normal, unit), lambda r: {}),
    "KLDivLoss": (two(normal, unit, 2), lambda r: {}),
    "KLDivLoss of logarithms": (two(normal, normal, 2), lambda r: {"log_target": True}),
    "PoissonNLLLoss": (two(normal, counts), lambda r: {"full": bool(r.integers(0, 2))}),
    "PoissonNLLLoss of rates": (two(unit, counts), lambda r: {"log_input": False, "eps": 1e-3}),
    "GaussianNLLLoss": (gaussians, lambda r: {"full": bool(r.integers(0, 2)), "eps": 1e-3}),
    "HingeEmbeddingLoss": (two(normal, signs), lambda r: {"margin": number(r, 0.1, 3)}),
    "MarginRankingLoss": (pairs, lambda r: {"margin": number(r, 0, 1)}),
    "MultiMarginLoss": (classes, lambda r: {"p": int(r.integers(1, 3)), "margin": number(r, 0.1, 3)}),
    "MultiLabelMarginLoss": (labels, lambda r: {}),
    "CosineEmbeddingLoss": (vectors(2, True), lambda r: {"margin": number(r, -0.5, 0.5)}),
    "TripletMarginLoss": (
        vectors(3, False),
        lambda r: {"margin": number(r, 0.5, 3), "p": float(r.choice([1, 2, 3])), "swap": bool(r.integers(0, 2))},
    ),
    "TripletMarginWithDistanceLoss": (
        vectors(3, False),
        lambda r: {"swap": bool(r.integers(0, 2)), "distance_function": lambda x, y: ((x - y) ** 2).sum(-1)},
    ),
}


@SEEDS
@DTYPES
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_and_its_gradients_are_pytorchs(backend, name, reduction, dtype, seed):
    random = np.random.default_rng([seed, len(name)])
    make, options = LOSSES[name]
    arrays, tracked = make(random)
    arrays = [a if a.dtype.kind == "i" else a.astype(dtype) for a in arrays]
    chosen = {**options(random), "reduction": reduction}
    kind = name.split()[0]
    compare(getattr(nn, kind)(**chosen), getattr(torch.nn, kind)(**chosen), arrays, tracked, random, dtype)


WEIGHTED = {"BCELoss": (unit, unit), "BCEWithLogitsLoss": (normal, unit), "MultiLabelSoftMarginLoss": (normal, unit)}


@DTYPES
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", [*WEIGHTED, "MultiMarginLoss", "NLLLoss", "CrossEntropyLoss"])
def test_weights_count_as_pytorchs_do(backend, name, reduction, dtype):
    random = np.random.default_rng(7)
    arrays, tracked = two(*WEIGHTED[name])(random) if name in WEIGHTED else classes(random)
    weight = random.uniform(0.5, 2, arrays[0].shape[1]).astype(dtype)
    arrays = [a if a.dtype.kind == "i" else a.astype(dtype) for a in arrays]
    ours = getattr(nn, name)(weight=gpugrad.tensor(weight), reduction=reduction)
    theirs = getattr(torch.nn, name)(weight=torch.tensor(weight), reduction=reduction)
    compare(ours, theirs, arrays, tracked, random, dtype)
    assert list(ours.state_dict()) == list(theirs.state_dict())


@DTYPES
@pytest.mark.parametrize("shape", [(), (4,), (2, 3, 4)])
@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("SmoothL1Loss", unit),
        ("HuberLoss", unit),
        ("BCELoss", unit),
        ("SoftMarginLoss", signs),
        ("KLDivLoss", unit),
        ("HingeEmbeddingLoss", signs),
        ("PoissonNLLLoss", unit),
    ],
)
def test_losses_take_any_shape(backend, name, target, shape, dtype):
    random = np.random.default_rng(3)
    arrays = [np.asarray(draw(random, shape), dtype) for draw in (unit, target)]
    compare(getattr(nn, name)(), getattr(torch.nn, name)(), arrays, 1, random, dtype)


@DTYPES
def test_single_samples_need_no_axis_of_their_own(backend, dtype):
    random = np.random.default_rng(4)
    x = random.standard_normal(4).astype(dtype)
    compare(nn.MultiMarginLoss(), torch.nn.MultiMarginLoss(), [x, np.asarray(2)], 1, random, dtype)
    compare(
        nn.MultiLabelMarginLoss(), torch.nn.MultiLabelMarginLoss(), [x, np.asarray([3, 0, -1, 1])], 1, random, dtype
    )
    y = random.standard_normal(4).astype(dtype)
    compare(nn.CosineEmbeddingLoss(), torch.nn.CosineEmbeddingLoss(), [x, y, np.asarray(1.0, dtype)], 2, random, dtype)


@DTYPES
def test_the_divergence_of_batches(backend, dtype):
    random = np.random.default_rng(5)
    arrays = [normal(random, (4, 3)).astype(dtype), unit(random, (4, 3)).astype(dtype)]
    arrays[1][0, 0] = 0
    compare(nn.KLDivLoss("batchmean"), torch.nn.KLDivLoss(reduction="batchmean"), arrays, 1, random, dtype)


@DTYPES
@pytest.mark.parametrize("p", [1.0, 2.0, 3.5])
def test_distances_and_similarities(backend, p, dtype):
    random = np.random.default_rng(6)
    arrays = [normal(random, (5, 3)).astype(dtype) for _ in range(2)]
    compare(nn.PairwiseDistance(p, keepdim=True), torch.nn.PairwiseDistance(p, keepdim=True), arrays, 2, random, dtype)
    compare(nn.CosineSimilarity(0), torch.nn.CosineSimilarity(0), arrays, 2, random, dtype)


def plain_focal(x, t, gamma):
    """Return the focal loss of two classes by PyTorch's parts."""
    log_p = torch.nn.functional.log_softmax(x, 1).gather(1, t[:, None])[:, 0]
    return (-((1 - log_p.exp()) ** gamma) * log_p).mean()


@DTYPES
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_losses(backend, gamma, dtype):
    random = np.random.default_rng(8)
    x, t = normal(random, (6, 3)).astype(dtype), random.integers(0, 3, 6)
    compare(nn.FocalLoss(gamma), lambda x, t: plain_focal(x, t, gamma), [x, t], 1, random, dtype)
    y = (random.random((6, 3)) < 0.5).astype(dtype)

    def theirs(x, y):
        ce = torch.nn.functional.binary_cross_entropy_with_logits(x, y, reduction="none")
        p = torch.sigmoid(x)
        p_t = p * y + (1 - p) * (1 - y)
        return ((0.25 * y + 0.75 * (1 - y)) * ce * (1 - p_t) ** gamma).mean()

    compare(nn.SigmoidFocalLoss(gamma=gamma), theirs, [x, y], 1, random, dtype)


def test_a_probability_of_0_or_1_costs_100_as_in_pytorch(backend):
    x = np.asarray([0.0, 1.0, 0.0, 1.0, 1e-30, 1 - 1e-12])
    t = np.asarray([1.0, 0.0, 0.0, 1.0, 1.0, 0.3])
    mine, its = gpugrad.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    z = F.binary_cross_entropy(mine, gpugrad.tensor(t), reduction="none")
    y = torch.nn.functional.binary_cross_entropy(its, torch.tensor(t), reduction="none")
    np.testing.assert_allclose(z.tolist(), y.detach().numpy(), rtol=1e-12)
    z.sum().backward()
    y.sum().backward()
    np.testing.assert_allclose(mine.grad.tolist(), its.grad.numpy(), rtol=1e-8)  # its 1e-12 is one in float32
