"""Every part of nn, by its name: a gradient of first and of second order, a repr, a copy, a state that loads back.

A new part without a row here fails.
"""

import copy
import inspect
import pickle

import numpy as np
import pytest

import gpugrad
from gpugrad import nn
from gpugrad.autograd import gradcheck, gradgradcheck

double = {"dtype": gpugrad.float64}


def normal(random, *shape):
    x = random.standard_normal(shape)
    return x + 0.1 * np.sign(x)


def leaf(x, tracked=True):
    return gpugrad.tensor(x, requires_grad=tracked)


def floats(*shape):
    """Return a maker of one tracked input."""
    return lambda random: [leaf(normal(random, *shape))]


def signs(random, *shape):
    return leaf(random.choice([-1.0, 1.0], shape), False)


def unit(random, *shape, tracked=True):
    return leaf(random.uniform(0.1, 0.9, shape), tracked)


matrix = floats(4, 3)


def inputs_of(*makers):
    """Return a maker of several inputs, each made by a function of the random numbers."""
    return lambda random: [make(random) for make in makers]


def values(*shape):
    return lambda random: leaf(normal(random, *shape))


def numbers(below, *shape):
    return lambda random: gpugrad.asarray(random.integers(0, below, shape))


two = inputs_of(values(4, 3), values(4, 3))
three = inputs_of(values(4, 3), values(4, 3), values(4, 3))
classes = inputs_of(values(4, 3), numbers(3, 4))
probabilities = inputs_of(values(4, 3), lambda r: unit(r, 4, 3))
signed = inputs_of(values(4, 3), lambda r: signs(r, 4, 3))

PLAIN = (
    "ReLU ReLU6 Sigmoid Tanh LeakyReLU SiLU GELU Mish Softplus LogSigmoid Softsign Tanhshrink Hardtanh Hardsigmoid "
    "Hardswish Hardshrink Softshrink ELU CELU SELU Softmax LogSoftmax Softmin RReLU Identity"
)
LAYERS = {
    **dict.fromkeys(PLAIN.split(), ({}, matrix)),
    "Threshold": ({"threshold": 0.3, "value": -1.0}, matrix),
    "PReLU": ({**double, "num_parameters": 3}, matrix),
    "GLU": ({}, floats(3, 4)),
    "Linear": ({"in_features": 3, "out_features": 2, **double}, matrix),
    "Bilinear": (
        {"in1_features": 2, "in2_features": 3, "out_features": 2, **double},
        inputs_of(values(4, 2), values(4, 3)),
    ),
    "Flatten": ({}, floats(2, 2, 3)),
    "Unflatten": ({"dim": 1, "unflattened_size": (3, 2)}, floats(2, 6)),
    "Dropout": ({"p": 0.4}, matrix),
    "Dropout1d": ({"p": 0.4}, floats(3, 4, 2)),
    "AlphaDropout": ({"p": 0.4}, matrix),
    "FeatureAlphaDropout": ({"p": 0.4}, floats(3, 4, 2)),
    "LayerNorm": ({"normalized_shape": 3, **double}, matrix),
    "RMSNorm": ({"normalized_shape": 3, **double}, matrix),
    "GroupNorm": ({"num_groups": 2, "num_channels": 4, **double}, floats(2, 4, 3)),
    "BatchNorm1d": ({"num_features": 3, **double}, floats(5, 3)),
    "Embedding": ({"num_embeddings": 4, "embedding_dim": 2, **double}, inputs_of(numbers(4, 5))),
    "TabularInput": (
        {"cardinalities": [3], "numeric_features": 2, **double},
        inputs_of(numbers(3, 5, 1), values(5, 2)),
    ),
    "Residual": ({"module": nn.Tanh()}, matrix),
    "CosineSimilarity": ({}, two),
    "PairwiseDistance": ({}, two),
}
LOSSES = {
    **dict.fromkeys("L1Loss MSELoss SmoothL1Loss HuberLoss HalfSquaredErrorLoss".split(), ({}, two)),
    "CrossEntropyLoss": ({"label_smoothing": 0.1}, classes),
    "NLLLoss": ({}, classes),
    "FocalLoss": ({}, classes),
    "BCELoss": ({}, inputs_of(lambda r: unit(r, 4, 3), lambda r: unit(r, 4, 3))),
    "BCEWithLogitsLoss": ({}, probabilities),
    "SigmoidFocalLoss": ({}, inputs_of(values(4, 3), lambda r: unit(r, 4, 3, tracked=False))),
    "SoftMarginLoss": ({}, signed),
    "MultiLabelSoftMarginLoss": ({}, probabilities),
    "KLDivLoss": ({"reduction": "batchmean"}, probabilities),
    "PoissonNLLLoss": ({"full": True}, inputs_of(values(4, 3), lambda r: leaf(r.integers(0, 5, (4, 3)) * 1.0, False))),
    "GaussianNLLLoss": ({}, inputs_of(values(4, 3), values(4, 3), lambda r: unit(r, 4, 1))),
    "HingeEmbeddingLoss": ({}, signed),
    "MarginRankingLoss": ({"margin": 0.2}, inputs_of(values(5), values(5), lambda r: signs(r, 5))),
    "MultiMarginLoss": ({"p": 2}, classes),
    "MultiLabelMarginLoss": (
        {},
        inputs_of(values(2, 4), lambda r: gpugrad.asarray([[3, 0, -1, 1], [1, -1, 0, 0]])),
    ),
    "CosineEmbeddingLoss": ({}, inputs_of(values(5, 3), values(5, 3), lambda r: signs(r, 5))),
    "TripletMarginLoss": ({"swap": True}, three),
    "TripletMarginWithDistanceLoss": ({}, three),
}
PARTS = {**LAYERS, **LOSSES}
NO_FORWARD = {"Module", "Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"}


def made(name, seed=0):
    options, inputs = PARTS[name]
    module = getattr(nn, name)(**options)
    return module, inputs(np.random.default_rng([seed, len(name)]))


def test_no_part_was_forgotten():
    parts = {n for n in nn.__all__ if inspect.isclass(getattr(nn, n)) and issubclass(getattr(nn, n), nn.Module)}
    assert set(PARTS) | NO_FORWARD == parts


def as_function(module):
    """Return a module as a function of its parameters and inputs, whose random numbers are the same at every call."""
    parameters = dict(module.named_parameters())

    def call(*given):
        gpugrad.manual_seed(5)
        before = {name: buffer.clone() for name, buffer in module.named_buffers()}
        z = gpugrad.func.functional_call(module, dict(zip(parameters, given, strict=False)), given[len(parameters) :])
        with gpugrad.no_grad():
            for name, buffer in module.named_buffers():
                buffer.copy_(before[name])
        return z

    return call, list(parameters.values())


@pytest.mark.parametrize("name", PARTS)
def test_its_gradients_of_first_and_second_order_are_right(name):
    module, inputs = made(name)
    call, parameters = as_function(module)
    assert gradcheck(call, [*parameters, *inputs])
    assert gradgradcheck(call, [*parameters, *inputs])


@pytest.mark.parametrize("name", PARTS)
def test_it_runs_where_its_inputs_are(backend, name):
    module, inputs = made(name)
    if all(x.dtype.kind == "f" for x in inputs):
        inputs = [x.detach().to(dtype=gpugrad.float32).requires_grad_(x.requires_grad) for x in inputs]
        module = module.to(gpugrad.float32)
    z = module(*inputs)
    tracked = [x for x in [*inputs, *module.parameters()] if x.requires_grad]
    assert z.device == inputs[0].device
    grads = gpugrad.autograd.grad(z.sum(), tracked, create_graph=True)
    assert all(
        (g.dtype, g.shape, g.device) == (x.dtype, x.shape, x.device) for g, x in zip(grads, tracked, strict=True)
    )
    if any(g.requires_grad for g in grads):
        sum((g * g).sum() for g in grads).backward()


@pytest.mark.parametrize("name", PARTS)
def test_it_can_be_copied_pickled_saved_and_printed(name):
    module, inputs = made(name)
    twins = [copy.deepcopy(module), pickle.loads(pickle.dumps(module))]
    module.eval()
    expected = np.asarray(module(*inputs).tolist())
    for twin in twins:
        twin.load_state_dict(module.state_dict())
        np.testing.assert_array_equal(np.asarray(twin.eval()(*inputs).tolist()), expected)
    assert repr(module).startswith(name)
