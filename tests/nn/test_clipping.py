"""Clipping keeps the direction, tells the norm, and touches nothing but the gradients."""

import math

import pytest

import gpugrad
from gpugrad.errors import DeviceError, OptionError
from gpugrad.nn.utils import clip_grad_norm_, clip_grad_value_


def with_gradients(*gradients, dtype="float64"):
    parameters = []
    for g in gradients:
        g = gpugrad.tensor(g, dtype=getattr(gpugrad, dtype))
        parameters.append(gpugrad.ones(g.shape, dtype=g.dtype, requires_grad=True))
        parameters[-1].grad = g
    return parameters


def test_the_common_norm_is_brought_to_the_threshold(backend):
    parameters = with_gradients([3.0, 0.0], [[4.0]], 12.0)
    norm = clip_grad_norm_(iter(parameters), 6.5)
    assert (norm.item(), norm.shape, norm.device) == (13.0, (), parameters[0].device)
    assert parameters[0].grad.tolist() == pytest.approx([1.5, 0.0], rel=1e-6)
    assert parameters[1].grad.tolist() == [pytest.approx([2.0], rel=1e-6)]
    assert parameters[2].grad.item() == pytest.approx(6.0, rel=1e-6)


def test_below_the_threshold_nothing_changes(backend):
    (p,) = with_gradients([3.0, 4.0])
    mine = p.grad
    assert clip_grad_norm_(p, 100.0).item() == 5.0
    assert p.grad is mine and mine.tolist() == [3.0, 4.0]


def test_the_gradient_is_changed_in_place(backend):
    (p,) = with_gradients([3.0, 4.0])
    mine = p.grad
    clip_grad_norm_([p], 1.0)
    assert p.grad is mine
    assert mine.norm().item() == pytest.approx(1.0, rel=1e-6)


def test_without_gradients_the_norm_is_zero(backend):
    p = gpugrad.ones(2, requires_grad=True)
    assert clip_grad_norm_([p], 1.0).item() == 0.0
    assert clip_grad_norm_([], 1.0).item() == 0.0
    clip_grad_value_([p], 1.0)
    assert p.grad is None


@pytest.mark.parametrize(
    ("norm_type", "norm"), [(1, 7.0), (3, 91 ** (1 / 3)), (0.5, (3**0.5 + 2) ** 2), (math.inf, 4.0)]
)
def test_other_norms(backend, norm_type, norm):
    parameters = with_gradients([-3.0], [[0.0, 4.0]])
    assert clip_grad_norm_(parameters, 0.5, norm_type).item() == pytest.approx(norm)
    assert parameters[0].grad.item() == pytest.approx(-3 * 0.5 / norm, rel=1e-5)
    again = clip_grad_norm_(parameters, 10.0, norm_type)
    assert again.item() == pytest.approx(0.5, rel=1e-5)


@pytest.mark.parametrize("size", [1e30, 1e-30])
@pytest.mark.parametrize("norm_type", [2.0, 3.0])
def test_sizes_at_the_ends_of_float32(backend, size, norm_type):
    (p,) = with_gradients([size] * 4, dtype="float32")
    assert clip_grad_norm_(p, 1e-25, norm_type).item() == pytest.approx(size * 4 ** (1 / norm_type), rel=1e-6)
    if size > 1:
        assert p.grad.tolist() == pytest.approx([1e-25 / 4 ** (1 / norm_type)] * 4, rel=1e-5)


@pytest.mark.parametrize("norm_type", [2.0, 1.0, math.inf])
def test_nan_and_inf_are_not_hidden(backend, norm_type):
    for value, left in ((math.nan, [math.nan, math.nan]), (math.inf, [math.nan, 0.0])):
        (p,) = with_gradients([value, 1.0])
        with pytest.raises(RuntimeError, match="norm of the gradients is (nan|inf)"):
            clip_grad_norm_(p, 1.0, norm_type, error_if_nonfinite=True)
        assert p.grad.tolist()[1] == 1.0
        assert not math.isfinite(clip_grad_norm_(p, 1.0, norm_type).item())
        assert p.grad.tolist() == pytest.approx(left, nan_ok=True)


def test_a_graph_that_needs_a_gradient_gets_it_as_it_was(backend):
    (p,) = with_gradients([3.0, 4.0])
    x = gpugrad.ones(2, dtype=gpugrad.float64, requires_grad=True)
    for clip, limit in ((clip_grad_norm_, 2.0), (clip_grad_value_, 0.5)):
        values, x.grad = p.grad.tolist(), None
        loss = (x * p.grad).sum()
        clip(p, limit)
        assert p.grad.tolist() != values
        loss.backward()
        assert x.grad.tolist() == values


def test_values_are_limited_one_by_one(backend):
    parameters = with_gradients([[-3.0, 0.5], [math.nan, math.inf]], 7.0)
    clip_grad_value_(parameters, 1.0)
    assert parameters[0].grad.tolist()[0] == [-1.0, 0.5]
    assert parameters[0].grad.tolist()[1] == pytest.approx([math.nan, 1.0], nan_ok=True)
    assert parameters[1].grad.item() == 1.0


def test_thresholds_that_make_no_sense_are_refused():
    (p,) = with_gradients([1.0])
    for bad in (-1.0, math.nan):
        with pytest.raises(OptionError, match="max_norm"):
            clip_grad_norm_(p, bad)
        with pytest.raises(OptionError, match="clip_value"):
            clip_grad_value_(p, bad)
    with pytest.raises(OptionError, match="norm_type"):
        clip_grad_norm_(p, 1.0, 0)


def test_gradients_of_two_devices_are_refused():
    (p,) = with_gradients([1.0])
    with gpugrad.use_backend("strict"):
        (q,) = with_gradients([1.0])
    with pytest.raises(DeviceError, match="cpu, strict:CPU_DEVICE"):
        clip_grad_norm_([p, q], 1.0)
