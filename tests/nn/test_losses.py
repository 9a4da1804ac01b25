"""Losses and their gradients by hand, at extremes, and for shapes that do not fit."""

import math

import pytest

import gpugrad
from gpugrad import nn
from gpugrad.errors import DtypeError, OptionError, ShapeError
from gpugrad.nn import functional as F


def loss_and_gradient(loss, values, *arguments, **options):
    x = gpugrad.tensor(values, dtype=gpugrad.float64, requires_grad=True)
    z = loss(x, *arguments, **options)
    z.backward()
    return z.item(), x.grad.tolist()


@pytest.mark.parametrize(
    ("loss", "module", "value", "gradient"),
    [
        (F.mse_loss, nn.MSELoss, 10 / 3, [2 / 3, 0, 2]),
        (F.l1_loss, nn.L1Loss, 4 / 3, [1 / 3, 0, 1 / 3]),
        (F.half_squared_error, nn.HalfSquaredErrorLoss, 5, [1, 0, 3]),
    ],
)
def test_regression_losses(backend, loss, module, value, gradient):
    target = gpugrad.tensor([0.0, 2.0, 1.0], dtype=gpugrad.float64)
    assert loss_and_gradient(loss, [1.0, 2.0, 4.0], target) == (pytest.approx(value), pytest.approx(gradient))
    assert loss_and_gradient(module(), [1.0, 2.0, 4.0], target) == (pytest.approx(value), pytest.approx(gradient))


@pytest.mark.parametrize("module", [nn.MSELoss, nn.L1Loss, nn.HalfSquaredErrorLoss, nn.BCEWithLogitsLoss])
def test_reductions_are_of_the_same_losses(backend, module):
    x, y = gpugrad.randn(3, 2), gpugrad.rand(3, 2)
    each = module(reduction="none")(x, y)
    assert each.shape == (3, 2)
    assert module(reduction="sum")(x, y).item() == pytest.approx(each.sum().item(), rel=1e-6)
    assert module(reduction="mean")(x, y).item() == pytest.approx(each.mean().item(), rel=1e-6)
    with pytest.raises(OptionError, match="reduction must be .* not 'avg'"):
        module(reduction="avg")(x, y)


@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss, F.half_squared_error, F.binary_cross_entropy_with_logits])
def test_a_column_against_a_row_is_an_error_not_a_matrix(backend, loss):
    with pytest.raises(ShapeError, match=r"input has shape \(3, 1\) and target \(3,\)"):
        loss(gpugrad.ones((3, 1)), gpugrad.ones(3))


def test_cross_entropy_by_hand(backend):
    target = gpugrad.tensor([0, 1])
    value, gradient = loss_and_gradient(F.cross_entropy, [[0.0, 0.0], [0.0, math.log(3)]], target)
    assert value == pytest.approx((math.log(2) - math.log(0.75)) / 2)
    assert gradient == [pytest.approx([-0.25, 0.25]), pytest.approx([0.125, -0.125])]
    weighted = nn.CrossEntropyLoss(gpugrad.tensor([1.0, 3.0], dtype=gpugrad.float64))
    value, _ = loss_and_gradient(weighted, [[0.0, 0.0], [0.0, math.log(3)]], target)
    assert value == pytest.approx((math.log(2) - 3 * math.log(0.75)) / 4)
    assert list(weighted.state_dict()) == ["weight"]


def test_cross_entropy_takes_every_layout(backend):
    x = gpugrad.randn(2, 3, 4, 5, dtype=gpugrad.float64)
    target = gpugrad.randint(0, 3, (2, 4, 5))
    each = F.cross_entropy(x, target, reduction="none")
    assert each.shape == (2, 4, 5)
    for i, j, k in ((0, 0, 0), (1, 3, 4), (1, 2, 0)):
        single = F.cross_entropy(x[i, :, j, k], target[i, j, k])
        assert single.shape == ()
        assert each[i, j, k].item() == pytest.approx(single.item())
    assert F.cross_entropy(x, target).item() == pytest.approx(each.mean().item())
    q = F.softmax(gpugrad.randn(2, 3, 4, 5, dtype=gpugrad.float64), dim=1)
    by_probability = F.cross_entropy(x, q, reduction="none")
    assert by_probability.shape == (2, 4, 5)
    composed = -(q * F.log_softmax(x, 1)).sum(1)
    assert by_probability.reshape(-1).tolist() == pytest.approx(composed.reshape(-1).tolist())
    with pytest.raises(ShapeError, match=r"\(2, 3\) does not fit a target of shape \(3,\)"):
        F.cross_entropy(gpugrad.ones((2, 3)), gpugrad.tensor([0, 1, 2]))
    with pytest.raises(OptionError, match=r"label_smoothing must be from 0 to 1, not 1\.5"):
        F.cross_entropy(gpugrad.ones((2, 3)), gpugrad.tensor([0, 1]), label_smoothing=1.5)


def test_ignored_targets_do_not_count(backend):
    x = [[0.0, 0.0], [5.0, 1.0]]
    for loss, options in ((F.cross_entropy, {}), (lambda x, t: F.nll_loss(F.log_softmax(x), t), {})):
        value, gradient = loss_and_gradient(loss, x, gpugrad.tensor([1, -100]), **options)
        assert value == pytest.approx(math.log(2))
        assert gradient == [pytest.approx([0.5, -0.5]), [0.0, 0.0]]


def test_nll_is_the_second_half_of_cross_entropy(backend):
    x = gpugrad.randn(4, 3, 2, dtype=gpugrad.float64)
    target = gpugrad.randint(0, 3, (4, 2))
    weight = gpugrad.tensor([1.0, 2.0, 0.5], dtype=gpugrad.float64)
    for reduction in ("none", "sum", "mean"):
        whole = F.cross_entropy(x, target, weight, reduction=reduction).reshape(-1).tolist()
        halves = nn.NLLLoss(weight, reduction=reduction)(F.log_softmax(x, 1), target).reshape(-1).tolist()
        assert halves == pytest.approx(whole)
    assert F.nll_loss(gpugrad.tensor([-math.inf, 0.0]), gpugrad.tensor(1)).item() == 0.0
    assert F.nll_loss(gpugrad.tensor([-math.inf, 0.0]), gpugrad.tensor(0)).item() == math.inf
    with pytest.raises(ShapeError, match="class indices"):
        F.nll_loss(x, x)
    with pytest.raises(OptionError, match="reduction"):
        F.nll_loss(x, target, reduction="avg")


def test_a_class_that_does_not_exist_is_named():
    for loss in (F.nll_loss, F.cross_entropy):
        with pytest.raises(IndexError, match="target 7 is not a class from 0 to 2"):
            loss(gpugrad.ones((2, 3)), gpugrad.tensor([0, 7]))


def test_binary_cross_entropy_by_hand(backend):
    target = gpugrad.tensor([1.0, 0.0], dtype=gpugrad.float64)
    value, gradient = loss_and_gradient(F.binary_cross_entropy_with_logits, [math.log(3), 0.0], target)
    assert value == pytest.approx((-math.log(0.75) + math.log(2)) / 2)
    assert gradient == pytest.approx([-0.125, 0.25])
    positive = gpugrad.tensor([4.0, 4.0], dtype=gpugrad.float64)
    value, gradient = loss_and_gradient(nn.BCEWithLogitsLoss(pos_weight=positive), [math.log(3), 0.0], target)
    assert value == pytest.approx((-4 * math.log(0.75) + math.log(2)) / 2)
    assert gradient == pytest.approx([-0.5, 0.25])


def test_truth_values_and_integers_are_targets(backend):
    x = gpugrad.tensor([0.5, -0.5])
    wanted = F.binary_cross_entropy_with_logits(x, gpugrad.tensor([1.0, 0.0])).item()
    for target in (gpugrad.tensor([1, 0]), gpugrad.tensor([True, False])):
        assert F.binary_cross_entropy_with_logits(x, target).item() == wanted


@pytest.mark.parametrize(
    ("logit", "target", "value", "gradient"),
    [
        (1e4, 1.0, 0.0, 0.0),
        (1e4, 0.0, 1e4, 1.0),
        (-1e4, 1.0, 1e4, -1.0),
        (-1e4, 0.0, 0.0, 0.0),
        (-80.0, 0.0, math.exp(-80), math.exp(-80)),
        (40.0, 1.0, math.exp(-40), -math.exp(-40)),
    ],
)
def test_binary_cross_entropy_at_both_ends(backend, logit, target, value, gradient):
    target = gpugrad.tensor([target], dtype=gpugrad.float64)
    found = loss_and_gradient(F.binary_cross_entropy_with_logits, [logit], target)
    assert found == (pytest.approx(value, rel=1e-12, abs=0), [pytest.approx(gradient, rel=1e-12, abs=0)])


@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_targets_of_few_bits_are_told_from_classes_that_these_cannot_count(backend, loss, dtype):
    x = gpugrad.randn(3, 300)
    expected = loss(x, gpugrad.tensor([0, 1, 100])).item()
    assert loss(x, gpugrad.tensor([0, 1, 100], dtype=dtype)).item() == expected


@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss])
def test_weights_leave_the_dtype_as_it_is_and_must_be_one_for_each_class(backend, loss):
    x = gpugrad.randn(3, 2).requires_grad_()
    z = loss(x, gpugrad.tensor([0, 1, 1]), weight=gpugrad.tensor([1.0, 3.0], dtype=gpugrad.float64))
    z.backward()
    assert z.dtype == x.grad.dtype == gpugrad.float32
    with pytest.raises(ShapeError, match=r"weight of shape \(3,\) is not \(2,\), one for each class"):
        loss(x, gpugrad.tensor([0, 1, 1]), weight=gpugrad.ones(3))


def test_integer_logits_are_refused(backend):
    with pytest.raises(DtypeError, match="real floating-point logits, not int64"):
        F.cross_entropy(gpugrad.tensor([[1, 2]]), gpugrad.tensor([0]))
