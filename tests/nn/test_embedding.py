"""Rows for numbers, and the first layer for tables."""

import numpy as np
import pytest

import gpugrad
from gpugrad import nn
from gpugrad.errors import DtypeError, OptionError, ShapeError
from gpugrad.nn import functional as F


def test_the_row_for_padding_is_zero_and_is_not_trained(backend):
    layer = nn.Embedding(4, 2, padding_idx=-1)
    assert layer.padding_idx == 3
    optimizer = gpugrad.optim.SGD(layer.parameters(), lr=1.0)
    layer(gpugrad.asarray([[0, 3], [3, 3]])).sum().backward()
    assert layer.weight.grad.tolist() == [[1, 1], [0, 0], [0, 0], [0, 0]]
    optimizer.step()
    assert layer(gpugrad.asarray(3)).tolist() == [0, 0]


def test_rows_named_several_times_add_up_or_are_averaged(backend):
    w = gpugrad.ones((3, 1), requires_grad=True)
    cotangent = gpugrad.asarray([[1.0], [10.0], [100.0]])
    F.embedding(gpugrad.asarray([2, 0, 2]), w).backward(cotangent)
    assert w.grad.tolist() == [[10], [0], [101]]
    w.grad = None
    F.embedding(gpugrad.asarray([2, 0, 2]), w, scale_grad_by_freq=True).backward(cotangent)
    assert w.grad.tolist() == [[10], [0], [50.5]]


def test_the_number_of_no_row_raises_on_the_cpu_and_is_nan_on_a_device(backend):
    w = gpugrad.ones((3, 1))
    for number in (-1, 3):
        if backend == "numpy":
            with pytest.raises(IndexError, match=f"embedding: {number} is not the number of one of 3 rows"):
                F.embedding(gpugrad.asarray([0, number]), w)
        else:
            values = F.embedding(gpugrad.asarray([0, number]), w).tolist()
            assert values[0] == [1] and np.isnan(values[1][0])


def test_long_rows_are_scaled_down_in_place_and_the_graph_does_not_notice(backend):
    layer = nn.Embedding(3, 2, max_norm=1.0)
    with gpugrad.no_grad():
        layer.weight.copy_(gpugrad.asarray([[3.0, 4.0], [0.3, 0.4], [6.0, 8.0]]))
    z = layer(gpugrad.asarray([0, 1, 0]))
    np.testing.assert_allclose(z.tolist(), [[0.6, 0.8], [0.3, 0.4], [0.6, 0.8]], rtol=1e-6)
    np.testing.assert_allclose(layer.weight.tolist(), [[0.6, 0.8], [0.3, 0.4], [6, 8]], rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "named"),
    [
        (lambda: nn.Embedding(3, 2, padding_idx=3), OptionError, "padding_idx is 3, and there are 3 rows"),
        (lambda: nn.Embedding(3, 2, sparse=True), OptionError, "sparse"),
        (lambda: F.embedding(gpugrad.ones(2), gpugrad.ones((3, 2))), DtypeError, "integers, not float32"),
        (lambda: F.embedding(gpugrad.asarray([0]), gpugrad.ones(3)), ShapeError, r"\(rows, features\), got \(3,\)"),
        (lambda: nn.Embedding.from_pretrained(gpugrad.ones(3)), ShapeError, "got"),
        (lambda: nn.TabularInput([]), OptionError, "no column"),
        (lambda: nn.TabularInput([3, 4], embedding_dims=[2]), OptionError, "1 embedding_dims for 2 categorical"),
        (
            lambda: nn.TabularInput([3], 2)(gpugrad.asarray([[0]])),
            ShapeError,
            r"numeric values of shape \(n, 2\), got None",
        ),
        (
            lambda: nn.TabularInput([3])(gpugrad.asarray([0])),
            ShapeError,
            r"categorical values of shape \(n, 1\), got \(1,\)",
        ),
        (lambda: nn.BatchNorm1d(3)(gpugrad.ones((1, 3))), ShapeError, "more than one value per channel"),
        (lambda: nn.BatchNorm1d(3)(gpugrad.ones((4, 2))), ShapeError, r"\(n, 3\) or \(n, 3, length\), got \(4, 2\)"),
        (lambda: nn.GroupNorm(2, 5), OptionError, "5 channels cannot be parted into 2 groups"),
        (lambda: nn.RMSNorm(3)(gpugrad.ones((2, 4))), ShapeError, "rms_norm"),
        (lambda: nn.Unflatten(1, (2, 5))(gpugrad.ones((2, 12))), ShapeError, "Unflatten"),
        (lambda: nn.Unflatten(4, (2, 5))(gpugrad.ones((2, 12))), ShapeError, "Unflatten"),
        (lambda: nn.Bilinear(2, 3, 4)(gpugrad.ones((5, 2)), gpugrad.ones((4, 3))), ShapeError, "bilinear"),
        (lambda: nn.Bilinear(0, 3, 4), OptionError, "in1_features"),
    ],
)
def test_what_does_not_fit_is_named(call, error, named):
    with pytest.raises(error, match=named):
        call()


def test_a_failed_batch_changes_no_running_value(backend):
    layer = nn.BatchNorm1d(2)
    for x in (gpugrad.ones((1, 2)), gpugrad.ones((4, 3))):
        with pytest.raises(ShapeError):
            layer(x)
    assert layer.num_batches_tracked.item() == 0
    assert layer.running_mean.tolist() == [0, 0] and layer.running_var.tolist() == [1, 1]


def test_a_table_is_learned(backend):
    random = np.random.default_rng(0)
    kind, numbers = random.integers(0, 3, (200, 2)), random.standard_normal((200, 2)) * 50 + 10
    target = (kind[:, 0] == 1) * 2.0 - (kind[:, 1] == 2) + (numbers[:, 0] - 10) / 50
    gpugrad.manual_seed(1)
    table = nn.TabularInput([3, 3], numeric_features=2)
    model = nn.Sequential(nn.Linear(table.out_features, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = gpugrad.optim.Adam([*table.parameters(), *model.parameters()], lr=0.02)
    y = gpugrad.tensor(target[:, None], dtype=gpugrad.float32)
    losses = []
    for _ in range(100):
        loss = F.mse_loss(model(table(gpugrad.asarray(kind), gpugrad.tensor(numbers, dtype=gpugrad.float32))), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.02 * losses[0]
    assert table.eval()(gpugrad.asarray(kind[:1]), gpugrad.ones((1, 2))).shape == (1, table.out_features)
    assert nn.TabularInput([3])(gpugrad.asarray([[1]])).shape == (1, 3)
    assert nn.TabularInput([], 2, normalize=False)(numeric=gpugrad.ones((1, 2))).tolist() == [[1, 1]]
