"""Layers and losses beside PyTorch's, forward and backward, with shapes and options drawn at random."""

import itertools

import numpy as np
import pytest

import gpugrad
from gpugrad import nn
from gpugrad.nn import functional as F

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # many threads on small arrays only wait for each other

TOLERANCE = {np.float32: 1e-5, np.float64: 1e-10}


def close(ours, theirs, dtype, scale=1.0):
    theirs = np.asarray(theirs.detach())
    size = max(1e-30, float(np.abs(theirs[np.isfinite(theirs)]).max(initial=0.0)))
    rtol = TOLERANCE[dtype] * scale
    np.testing.assert_allclose(np.asarray(ours.tolist()), theirs, rtol=rtol, atol=rtol * size)


def pair(values):
    return gpugrad.tensor(values, requires_grad=True), torch.tensor(values, requires_grad=True)


def compare(ours, theirs, values, dtype, random, scale=1.0):
    """Compare two functions of one array: result, and the gradient from a random cotangent."""
    x, t = pair(values)
    z, y = ours(x), theirs(t)
    close(z, y, dtype, scale)
    g = random.standard_normal(tuple(y.shape)).astype(dtype)
    z.backward(gpugrad.tensor(g))
    y.backward(torch.tensor(g))
    close(x.grad, t.grad, dtype, scale)


DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])

ACTIVATIONS = [
    ("ReLU", {}, {}),
    ("LeakyReLU", {"negative_slope": 0.2}, {}),
    ("Sigmoid", {}, {}),
    ("Tanh", {}, {}),
    ("SiLU", {}, {}),
    ("GELU", {}, {}),
    ("GELU", {"approximate": "tanh"}, {}),
    ("Softplus", {}, {"threshold": 1e9}),
    ("Softplus", {"beta": 1.5}, {"threshold": 1e9}),
    ("LogSigmoid", {}, {}),
    ("Softmax", {"dim": 1}, {}),
    ("LogSoftmax", {"dim": 0}, {}),
    ("Flatten", {}, {}),
    ("Flatten", {"start_dim": 0, "end_dim": 1}, {}),
    ("Identity", {}, {}),
    ("ReLU6", {}, {}),
    ("Hardtanh", {}, {}),
    ("Hardtanh", {"min_val": -0.3, "max_val": 1.2}, {}),
    ("Hardsigmoid", {}, {}),
    ("Hardswish", {}, {}),
    ("Hardshrink", {}, {}),
    ("Hardshrink", {"lambd": 1.1}, {}),
    ("Softshrink", {}, {}),
    ("Softshrink", {"lambd": 1.1}, {}),
    ("Threshold", {"threshold": 0.2, "value": -3.0}, {}),
    ("ELU", {}, {}),
    ("ELU", {"alpha": 1.7}, {}),
    ("SELU", {}, {}),
    ("CELU", {}, {}),
    ("CELU", {"alpha": 0.4}, {}),
    ("Mish", {}, {}),
    ("Softsign", {}, {}),
    ("Tanhshrink", {}, {}),
    ("Softmin", {"dim": 1}, {}),
]


# PyTorch's derivatives have constants in float32, 1 / 6 and 1 / alpha, whatever the dtype. The sweeps of the table hold
# ours against finite differences.
ROUGH = {"Hardsigmoid": 1e3, "CELU": 1e3}


@DTYPES
@pytest.mark.parametrize(("name", "options", "only_torch"), ACTIVATIONS)
def test_activations(backend, name, options, only_torch, dtype):
    random = np.random.default_rng(0)
    scale = ROUGH.get(name, 1) if dtype is np.float64 else 1
    layers = getattr(nn, name)(**options), getattr(torch.nn, name)(**options, **only_torch)
    for shape in ((3, 4), (2, 3, 5), (5, 1, 2)):
        compare(*layers, (random.standard_normal(shape) * 3).astype(dtype), dtype, random, scale)


@DTYPES
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_a_gated_linear_unit(backend, axis, dtype):
    random = np.random.default_rng(1)
    x = random.standard_normal((4, 6, 2)).astype(dtype)
    compare(nn.GLU(axis), torch.nn.GLU(axis), x, dtype, random)


@DTYPES
@pytest.mark.parametrize(("slopes", "shape"), [(1, (3, 4)), (4, (3, 4)), (3, (2, 3, 5)), (1, (5,)), (1, ())])
def test_learned_slopes(backend, slopes, shape, dtype):
    random = np.random.default_rng(2)
    weight = random.uniform(-0.5, 1.5, slopes)
    ours, theirs = (
        nn.PReLU(slopes, dtype=np.dtype(dtype).name),
        torch.nn.PReLU(slopes, dtype=torch.tensor(dtype(0)).dtype),
    )
    with gpugrad.no_grad(), torch.no_grad():
        ours.weight.copy_(gpugrad.tensor(weight.astype(dtype)))
        theirs.weight.copy_(torch.tensor(weight))
    compare(ours, theirs, random.standard_normal(shape).astype(dtype), dtype, random)
    close(ours.weight.grad, theirs.weight.grad, dtype)


@pytest.mark.parametrize(
    "name",
    [
        "ReLU",
        "LeakyReLU",
        "Sigmoid",
        "Tanh",
        "LogSigmoid",
        "SiLU",
        "Softplus",
        "ReLU6",
        "Hardtanh",
        "Hardsigmoid",
        "Hardswish",
        "Hardshrink",
        "Softshrink",
        "ELU",
        "SELU",
        "CELU",
        "Mish",
        "Softsign",
        "Tanhshrink",
    ],
)
def test_extremes(backend, name):
    values = np.asarray([-1e4, -88.0, -20.0, -0.0, 0.0, 20.0, 89.0, 1e4, -np.inf, np.inf, np.nan])
    x = gpugrad.tensor(values)
    layer = getattr(torch.nn, name)(**({"threshold": 1e9} if name == "Softplus" else {}))
    theirs = layer(torch.tensor(values)).numpy().copy()
    if name in ("SiLU", "Hardswish", "Mish"):
        theirs[8] = 0.0  # the limit at -inf; PyTorch says NaN
    if name == "Softsign":
        theirs[8:10] = -1.0, 1.0  # the limits; PyTorch says NaN
    if name == "Softplus":
        theirs[[6, 7, 9]] = values[[6, 7, 9]]  # PyTorch overflows there once its threshold is out of the way
    np.testing.assert_allclose(np.asarray(getattr(nn, name)()(x).tolist()), theirs, rtol=1e-10, atol=1e-300)


def copied(theirs, ours):
    """Give our module the values of PyTorch's."""
    ours.load_state_dict({name: value.numpy() for name, value in theirs.state_dict().items()})
    return ours, theirs


def gradients_agree(ours, theirs, dtype, scale=1.0):
    mine, its = dict(ours.named_parameters()), dict(theirs.named_parameters())
    assert mine.keys() == its.keys()
    for name, parameter in its.items():
        close(mine[name].grad, parameter.grad, dtype, scale)


@DTYPES
@pytest.mark.parametrize("seed", range(6))
def test_linear(backend, seed, dtype):
    random = np.random.default_rng(seed)
    n_in, n_out = (int(n) for n in random.integers(1, 40, 2))
    shape = (*random.integers(1, 7, random.integers(0, 3)), n_in)
    types = {"dtype": getattr(gpugrad, dtype.__name__)}, {"dtype": getattr(torch, dtype.__name__)}
    bias = bool(seed % 3)
    ours, theirs = copied(torch.nn.Linear(n_in, n_out, bias, **types[1]), nn.Linear(n_in, n_out, bias, **types[0]))
    compare(ours, theirs, random.standard_normal(shape).astype(dtype), dtype, random)
    gradients_agree(ours, theirs, dtype)


@DTYPES
@pytest.mark.parametrize(("affine", "bias"), [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("shape", [(7,), (3, 5)])
def test_layer_norm(backend, affine, bias, shape, dtype):
    random = np.random.default_rng(1)
    options = {"eps": 1e-3, "elementwise_affine": affine, "bias": bias}
    theirs = torch.nn.LayerNorm(shape, **options, dtype=getattr(torch, dtype.__name__))
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter)
    ours, theirs = copied(theirs, nn.LayerNorm(shape, **options, dtype=getattr(gpugrad, dtype.__name__)))
    compare(ours, theirs, random.standard_normal((4, 2, *shape)).astype(dtype), dtype, random)
    gradients_agree(ours, theirs, dtype)


LAYOUTS = [((5,), ()), ((4, 5), (4,)), ((2, 5, 3), (2, 3)), ((2, 5, 3, 2), (2, 3, 2))]


@DTYPES
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("weighted", "smoothing"), [(False, 0.0), (True, 0.0), (False, 0.2), (True, 0.3)])
def test_cross_entropy_of_classes(backend, layout, reduction, weighted, smoothing, dtype):
    random = np.random.default_rng(2)
    shape, rest = layout
    target = random.integers(0, 5, rest)
    if rest and target.size > 2:
        target.flat[1] = 3
        target.flat[0] = -100
    weight = random.random(5).astype(dtype) + dtype(0.1) if weighted else None
    options = {"reduction": reduction, "label_smoothing": smoothing}
    ours = nn.CrossEntropyLoss(None if weight is None else gpugrad.tensor(weight), **options)
    theirs = torch.nn.CrossEntropyLoss(None if weight is None else torch.tensor(weight), **options)
    compare(
        lambda x: ours(x, gpugrad.tensor(target)),
        lambda t: theirs(t, torch.tensor(target)),
        random.standard_normal(shape).astype(dtype),
        dtype,
        random,
    )


@DTYPES
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy_of_probabilities(backend, layout, reduction, weighted, dtype):
    random = np.random.default_rng(3)
    shape, _ = layout
    target = random.random(shape).astype(dtype)
    target /= target.sum(axis=0 if len(shape) == 1 else 1, keepdims=True)
    weight = random.random(5).astype(dtype) if weighted else None
    options = {"reduction": reduction, "label_smoothing": 0.1}
    ours = nn.CrossEntropyLoss(None if weight is None else gpugrad.tensor(weight), **options)
    theirs = torch.nn.CrossEntropyLoss(None if weight is None else torch.tensor(weight), **options)
    values = random.standard_normal(shape).astype(dtype)
    compare(
        lambda x: ours(x, gpugrad.tensor(target)), lambda t: theirs(t, torch.tensor(target)), values, dtype, random, 2
    )


@DTYPES
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("reduction", "weighted"), list(itertools.product(["mean", "sum", "none"], [False, True])))
def test_nll_loss(backend, layout, reduction, weighted, dtype):
    random = np.random.default_rng(4)
    shape, rest = layout
    target = random.integers(0, 5, rest)
    if rest:
        target.flat[0] = 9
        target.flat[1] = 3
    weight = random.random(5).astype(dtype) + dtype(0.1) if weighted else None
    options = {"reduction": reduction, "ignore_index": 9}
    ours = nn.NLLLoss(None if weight is None else gpugrad.tensor(weight), **options)
    theirs = torch.nn.NLLLoss(None if weight is None else torch.tensor(weight), **options)
    values = random.standard_normal(shape).astype(dtype)
    compare(lambda x: ours(x, gpugrad.tensor(target)), lambda t: theirs(t, torch.tensor(target)), values, dtype, random)


@DTYPES
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", ["MSELoss", "L1Loss", "BCEWithLogitsLoss"])
@pytest.mark.parametrize("weighted", [False, True])
def test_losses_of_one_shape(backend, name, reduction, weighted, dtype):
    random = np.random.default_rng(5)
    target = random.random((6, 4)).astype(dtype)
    weights = {}
    if weighted and name == "BCEWithLogitsLoss":
        weights = {"weight": random.random((6, 4)).astype(dtype), "pos_weight": random.random(4).astype(dtype) * 3}
    ours = getattr(nn, name)(reduction=reduction, **{k: gpugrad.tensor(v) for k, v in weights.items()})
    theirs = getattr(torch.nn, name)(reduction=reduction, **{k: torch.tensor(v) for k, v in weights.items()})
    values = (random.standard_normal((6, 4)) * 5).astype(dtype)
    compare(lambda x: ours(x, gpugrad.tensor(target)), lambda t: theirs(t, torch.tensor(target)), values, dtype, random)


@DTYPES
@pytest.mark.parametrize("norm_type", [2.0, 1.0, 3.0, float("inf")])
@pytest.mark.parametrize("max_norm", [0.5, 1e3])
def test_clipping(backend, norm_type, max_norm, dtype):
    random = np.random.default_rng(6)
    gradients = [random.standard_normal(shape).astype(dtype) for shape in ((3, 4), (), (5,))]
    ours, theirs = [], []
    for g in gradients:
        x, t = pair(g)
        x.grad, t.grad = gpugrad.tensor(g), torch.tensor(g)
        ours.append(x)
        theirs.append(t)
    norm = nn.utils.clip_grad_norm_(ours, max_norm, norm_type)
    close(norm, torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type), dtype)
    for x, t in zip(ours, theirs, strict=True):
        close(x.grad, t.grad, dtype)
    nn.utils.clip_grad_value_(ours, 0.1)
    torch.nn.utils.clip_grad_value_(theirs, 0.1)
    for x, t in zip(ours, theirs, strict=True):
        close(x.grad, t.grad, dtype)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_clipping_of_nan_and_inf(backend, value):
    g = np.asarray([value, 1.0, -2.0])
    x, t = pair(g)
    x.grad, t.grad = gpugrad.tensor(g), torch.tensor(g)
    nn.utils.clip_grad_norm_(x, 1.0)
    torch.nn.utils.clip_grad_norm_(t, 1.0)
    np.testing.assert_equal(np.asarray(x.grad.tolist()), t.grad.numpy())


@pytest.mark.parametrize("activation", ["ReLU", "Sigmoid", "Tanh", "GELU"])
@pytest.mark.parametrize("optimizer", ["SGD", "AdamW"])
def test_a_training_run(backend, activation, optimizer):
    random = np.random.default_rng(7)
    x, y = random.standard_normal((40, 6)), random.integers(0, 3, 40)

    def net(m, dtype):
        act = getattr(m, activation)
        layers = [m.Linear(6, 9, dtype=dtype), act(), m.LayerNorm(9, dtype=dtype), m.Linear(9, 3, dtype=dtype)]
        return m.Sequential(*layers)

    ours, theirs = copied(net(torch.nn, torch.float64), net(nn, gpugrad.float64))
    options = {"lr": 0.05, **({"momentum": 0.9} if optimizer == "SGD" else {})}
    mine = getattr(gpugrad.optim, optimizer)(ours.parameters(), **options)
    its = getattr(torch.optim, optimizer)(theirs.parameters(), **options)
    for _ in range(50):
        mine.zero_grad()
        its.zero_grad()
        loss = F.cross_entropy(ours(gpugrad.tensor(x)), gpugrad.tensor(y))
        other = torch.nn.functional.cross_entropy(theirs(torch.tensor(x)), torch.tensor(y))
        loss.backward()
        other.backward()
        nn.utils.clip_grad_norm_(ours.parameters(), 1.0)
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 1.0)
        mine.step()
        its.step()
    assert loss.item() == pytest.approx(other.item(), rel=1e-8)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        close(p, q, np.float64, scale=100)


@pytest.mark.parametrize(
    "make",
    [
        lambda m: m.Linear(3, 2),
        lambda m: m.Sequential(m.Linear(3, 2, bias=False), m.ReLU(), m.Sequential(m.Tanh(), m.Identity())),
        lambda m: m.LeakyReLU(0.2),
        lambda m: m.GELU(),
        lambda m: m.Softmax(dim=1),
        lambda m: m.Flatten(),
        lambda m: m.CrossEntropyLoss(),
        lambda m: m.SiLU(),
        lambda m: m.LogSigmoid(),
    ],
)
def test_modules_print_alike(make):
    assert repr(make(nn)) == repr(make(torch.nn))


@pytest.mark.parametrize("name", ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"])
def test_gains(name):
    assert nn.init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
