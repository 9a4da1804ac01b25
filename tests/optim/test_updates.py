"""One step and two, worked out by hand."""

import math

import numpy as np
import pytest

import gpugrad
from gpugrad import optim


def leaf(*values):
    return gpugrad.tensor(list(values), dtype=gpugrad.float64, requires_grad=True)


def steps(optimizer, p, *gradients):
    """Return the values of p after each step with these gradients."""
    seen = []
    for g in gradients:
        p.grad = gpugrad.tensor([g], dtype=gpugrad.float64)
        optimizer.step()
        seen.append(p.item())
    return seen


@pytest.mark.parametrize(
    ("options", "gradients", "values"),
    [
        ({"lr": 0.5}, [2, 4], [9, 7]),
        ({"lr": 0.5, "maximize": True}, [2, 4], [11, 13]),
        # g = 2 + 0.1 * 10 = 3, p = 7; g = 2 + 0.7 = 2.7
        ({"lr": 1.0, "weight_decay": 0.1}, [2, 2], [7, 4.3]),
        # b = 2, p = 8; b = 0.5 * 2 + 4 = 5
        ({"lr": 1.0, "momentum": 0.5}, [2, 4], [8, 3]),
        # b = 2 (the first is not damped); b = 1 + 0.75 * 4 = 4
        ({"lr": 1.0, "momentum": 0.5, "dampening": 0.25}, [2, 4], [8, 4]),
        # b = 2, step 2 + 1 = 3; b = 1 + 4 = 5, step 4 + 2.5
        ({"lr": 1.0, "momentum": 0.5, "nesterov": True}, [2, 4], [7, 0.5]),
    ],
)
def test_sgd_steps_as_its_formula_says(backend, options, gradients, values):
    p = leaf(10.0)
    assert steps(optim.SGD([p], **options), p, *gradients) == pytest.approx(values)


def test_adam_steps_by_lr_at_first_whatever_the_size_of_the_gradient(backend):
    for g in (1e-3, 5.0, -1e6):
        p = leaf(1.0)
        (value,) = steps(optim.Adam([p], lr=0.1, eps=0.0), p, g)
        assert value == pytest.approx(1.0 - math.copysign(0.1, g), rel=1e-12)


def test_the_second_step_of_adam(backend):
    # m = 0.5 * 0.5 + 0.5 * 3 = 1.75, corrected by 1 - 0.25; v = 0.75 * 0.25 + 0.25 * 9 = 2.4375, by 1 - 0.5625
    p = leaf(0.0)
    first, second = steps(optim.Adam([p], lr=1.0, betas=(0.5, 0.75), eps=0.5), p, 1.0, 3.0)
    assert first == pytest.approx(-1 / (1 + 0.5))
    assert second - first == pytest.approx(-(1.75 / 0.75) / (math.sqrt(2.4375 / 0.4375) + 0.5))


def test_amsgrad_divides_by_the_largest_second_mean(backend):
    p = leaf(0.0)
    first, second = steps(optim.Adam([p], lr=1.0, betas=(0.0, 0.5), eps=0.0, amsgrad=True), p, 4.0, 0.0)
    assert (first, second) == (-1.0, -1.0)
    _, third = steps(optim.Adam([p], lr=1.0, betas=(0.0, 0.5), eps=0.0, amsgrad=True), p, 4.0, 1.0)
    # v = 8, then 4.5: 8 stays, corrected by 1 - 0.25
    assert third - (first - 1) == pytest.approx(-1 / math.sqrt(8 / 0.75))


def test_adamw_decays_beside_the_step_and_adam_within_it(backend):
    p, q = leaf(10.0), leaf(10.0)
    assert steps(optim.AdamW([p], lr=0.1, weight_decay=0.5, eps=0.0), p, 3.0) == pytest.approx([10 * 0.95 - 0.1])
    assert steps(optim.Adam([q], lr=0.1, weight_decay=0.5, eps=0.0), q, 3.0) == pytest.approx([9.9])
    assert optim.AdamW([p]).defaults["weight_decay"] == 0.01


def test_maximize_is_the_step_with_the_sign_turned(backend):
    for make in (optim.Adam, optim.AdamW, optim.SGD):
        p, q = leaf(1.0), leaf(1.0)
        up = steps(make([p], lr=0.1, weight_decay=0.2, maximize=True), p, 3.0, -1.0)
        down = steps(make([q], lr=0.1, weight_decay=0.2), q, -3.0, 1.0)
        assert up == pytest.approx(down)


def test_a_long_run_descends_a_bowl(backend):
    for make in (lambda p: optim.SGD(p, lr=0.1, momentum=0.5), lambda p: optim.Adam(p, lr=0.3)):
        p = leaf(3.0, -2.0)
        optimizer = make([p])
        for _ in range(200):
            optimizer.zero_grad()
            ((p - 1) ** 2).sum().backward()
            optimizer.step()
        assert p.tolist() == pytest.approx([1.0, 1.0], abs=1e-3)


@pytest.mark.parametrize("make", [lambda p: optim.SGD(p, lr=0.1, momentum=0.9), optim.Adam, optim.AdamW])
@pytest.mark.parametrize("max_norm", [1.0, 1e9])
def test_clip_and_step_is_clipping_and_a_step(backend, make, max_norm):
    values = [gpugrad.randn(s, dtype=gpugrad.float64) for s in ((3, 2), (4,))]
    ours = [t.clone().requires_grad_() for t in values]
    theirs = [t.clone().requires_grad_() for t in values]
    a, b = make(ours), make(theirs)
    for i in range(5):
        for p, q in zip(ours, theirs, strict=True):
            g = gpugrad.randn(p.shape, dtype=gpugrad.float64) * (i + 1)
            p.grad, q.grad = g, g.clone()
        kept = [p.grad.tolist() for p in ours]
        norm = a.clip_and_step(max_norm)
        expected = gpugrad.nn.utils.clip_grad_norm_(theirs, max_norm)
        b.step()
        assert norm.item() == pytest.approx(expected.item(), rel=1e-12)
        assert norm.shape == () and norm.device == ours[0].device
        assert [p.grad.tolist() for p in ours] == kept
    for p, q in zip(ours, theirs, strict=True):
        assert np.asarray(p.tolist()) == pytest.approx(np.asarray(q.tolist()), rel=1e-12)


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam])
def test_a_gradient_of_nan_clipped_once_does_not_stay(backend, make):
    p, q = leaf(1.0, 2.0, 3.0), leaf(1.0)
    optimizer = make([p, q])
    p.grad = gpugrad.tensor([math.nan, 1.0, 1.0], dtype=gpugrad.float64)
    q.grad = gpugrad.tensor([1.0], dtype=gpugrad.float64)
    assert math.isnan(optimizer.clip_and_step(1.0).item())
    p.grad = gpugrad.tensor([3.0, 0.0, 4.0], dtype=gpugrad.float64)
    q.grad = gpugrad.tensor([12.0], dtype=gpugrad.float64)
    assert optimizer.clip_and_step(5.0).item() == 13.0


def test_momentum_switched_on_later_begins_afresh(backend):
    p = leaf(10.0)
    optimizer = optim.SGD([p], lr=1.0, dampening=0.5)
    steps(optimizer, p, 1.0)
    assert optimizer.state == {}
    optimizer.param_groups[0]["momentum"] = 0.5
    assert steps(optimizer, p, 2.0, 2.0) == [7.0, 5.0]


def test_clip_and_step_without_gradients_does_nothing(backend):
    p = leaf(1.0)
    assert optim.SGD([p]).clip_and_step(1.0).item() == 0.0
    assert p.item() == 1.0
