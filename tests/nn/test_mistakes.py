"""What users of layers, losses and initial values get wrong is said in one line that names the argument."""

import numpy as np
import pytest

import gpugrad
from gpugrad import nn, optim
from gpugrad.nn import functional as F
from gpugrad.nn import init
from gpugrad.optim import lr_scheduler as lr

x = gpugrad.ones((4, 3))


def sgd():
    return optim.SGD([gpugrad.ones(1, requires_grad=True)], lr=0.1)


@pytest.mark.parametrize(
    ("call", "error", "named"),
    [
        (lambda: F.mse_loss(x, None), TypeError, "mse_loss: target is None; it must be a tensor"),
        (lambda: F.mse_loss(x, [1, 2]), TypeError, "mse_loss: target is list; it must be a tensor"),
        (lambda: F.binary_cross_entropy([0.5], x), TypeError, "binary_cross_entropy: input is list"),
        (lambda: F.binary_cross_entropy(gpugrad.asarray([1]), gpugrad.ones(1)), TypeError, "probabilities, not int64"),
        (lambda: F.huber_loss(x, x, delta="a"), TypeError, "huber_loss: delta is 'a', a str; it must be a number"),
        (lambda: F.elu(x, alpha="a"), TypeError, "elu: alpha is 'a', a str; it must be a number"),
        (lambda: F.prelu(x, 0.25), TypeError, "prelu: weight is 0.25, a float; it must be a tensor"),
        (lambda: F.bilinear(x, 3.0, gpugrad.ones((2, 3, 3))), TypeError, "bilinear: input2 is 3.0, a float"),
        (lambda: F.embedding([0, 1], x), TypeError, "embedding: input is list"),
        (lambda: F.gaussian_nll_loss(x, x, "1"), TypeError, "gaussian_nll_loss: var is '1', a str"),
        (lambda: F.glu(x, dim=7), IndexError, "glu: axis 7 is out of range"),
        (lambda: F.relu(), TypeError, "input"),
        (
            lambda: F.multi_margin_loss(x, gpugrad.asarray([0, 1, 2, 9])),
            IndexError,
            "target 9 is not a class from 0 to 2",
        ),
        (lambda: nn.Dropout("half"), ValueError, "p must be a probability from 0 to 1, not 'half'"),
        (lambda: nn.Linear(3.0, 2), ValueError, "in_features must be a size, not 3.0"),
        (lambda: nn.BatchNorm1d(-3), ValueError, "num_features must be a size, not -3"),
        (lambda: nn.BatchNorm1d(3)([[1, 2, 3]]), ValueError, r"BatchNorm1d: expected .* got list"),
        (lambda: nn.GroupNorm("a", 3), ValueError, "num_groups must be a size, not 'a'"),
        (lambda: nn.Embedding(-3, 2), ValueError, "num_embeddings must be a size, not -3"),
        (lambda: nn.Unflatten(1, 3), TypeError, "unflattened_size is 3; it must be a tuple"),
        (lambda: nn.TabularInput(3), TypeError, "cardinalities is 3; it must be a list"),
        (lambda: nn.ModuleList(nn.ReLU()), TypeError, "ModuleList takes modules in a list"),
        (lambda: lr.MultiStepLR(sgd(), 3), TypeError, "milestones is 3; it must be a list"),
        (lambda: init.orthogonal_(3), TypeError, "orthogonal_: tensor is 3, a int; it must be a tensor"),
        (lambda: init.normal_(gpugrad.asarray([1])), TypeError, "a tensor of dtype int64 does not hold"),
        (lambda: init.uniform_(x, "a"), TypeError, "uniform_: a is 'a', a str; it must be a number"),
    ],
)
def test_the_argument_is_named(call, error, named):
    with pytest.raises(error, match=named):
        call()


def test_a_class_that_there_is_not_is_never_another_one(backend):
    scores = gpugrad.ones((2, 3))
    for loss, target in (
        (F.multi_margin_loss, gpugrad.asarray([1, 5])),
        (F.nll_loss, gpugrad.asarray([1, 5])),
        (F.focal_loss, gpugrad.asarray([1, -3])),
        (F.multilabel_margin_loss, gpugrad.asarray([[1, -1, 0], [2, 7, -1]])),
    ):
        if backend == "numpy":
            with pytest.raises(IndexError, match="is not a class from 0 to 2"):
                loss(scores, target)
        else:
            values = np.asarray(loss(scores, target, reduction="none").tolist())
            assert np.isnan(values).tolist() == [False, True]


def test_an_error_of_the_users_own_code_comes_through():
    def distance(a, b):
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        F.triplet_margin_with_distance_loss(x, x, x, distance_function=distance)
