"""Averages of weights: what comes in, what is copied, and what batch normalisation makes of them."""

import copy

import numpy as np
import pytest

import gpugrad
from gpugrad import nn, optim
from gpugrad.errors import OptionError, ShapeError
from gpugrad.optim.lr_scheduler import SWALR
from gpugrad.optim.swa_utils import (
    AveragedModel,
    get_ema_avg_fn,
    get_ema_multi_avg_fn,
    get_swa_multi_avg_fn,
    update_bn,
)


def models(count=4, dtype=gpugrad.float64):
    model = nn.Sequential(nn.Linear(2, 3, dtype=dtype), nn.BatchNorm1d(3, dtype=dtype), nn.Linear(3, 1, dtype=dtype))
    states = []
    for i in range(count):
        gpugrad.manual_seed(i)
        states.append({k: gpugrad.randn(v.shape, dtype=dtype) for k, v in model.state_dict().items() if "num" not in k})
        states[-1]["1.num_batches_tracked"] = gpugrad.asarray(i)
    return model, states


def averaged_over(average, model, states):
    for state in states:
        model.load_state_dict(state)
        average.update_parameters(model)
    return {k: np.asarray(v.tolist()) for k, v in average.module.state_dict().items()}


def mean(states, name):
    return np.mean([np.asarray(s[name].tolist()) for s in states], axis=0)


def faded(states, name, decay):
    value = np.asarray(states[0][name].tolist())
    for s in states[1:]:
        value = decay * value + (1 - decay) * np.asarray(s[name].tolist())
    return value


@pytest.mark.parametrize("use_buffers", [False, True])
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, mean),
        ({"multi_avg_fn": get_swa_multi_avg_fn()}, mean),
        ({"avg_fn": get_ema_avg_fn(0.75)}, lambda s, n: faded(s, n, 0.75)),
        ({"multi_avg_fn": get_ema_multi_avg_fn(0.75)}, lambda s, n: faded(s, n, 0.75)),
        ({"avg_fn": lambda averaged, current, n: averaged + n * current * 0}, lambda s, n: faded(s, n, 1.0)),
    ],
)
def test_weights_are_averaged_and_buffers_are_if_asked_for(backend, options, expected, use_buffers):
    model, states = models()
    average = AveragedModel(model, use_buffers=use_buffers, **options)
    found = averaged_over(average, model, states)
    for name in ("0.weight", "1.bias", "2.bias"):
        assert found[name] == pytest.approx(expected(states, name), rel=1e-12)
    running = expected(states, "1.running_mean") if use_buffers else np.asarray(states[-1]["1.running_mean"].tolist())
    assert found["1.running_mean"] == pytest.approx(running)
    assert average.n_averaged.item() == len(states)


def test_an_average_stays_in_the_dtype_of_the_model(backend):
    model, states = models(dtype=gpugrad.float32)
    average = AveragedModel(model)
    averaged_over(average, model, states)
    assert {p.dtype for p in average.parameters()} == {gpugrad.float32}
    assert average.module[1].num_batches_tracked.dtype == model[1].num_batches_tracked.dtype


def test_an_average_is_taken_up_again(backend):
    model, states = models()
    average = AveragedModel(model)
    averaged_over(average, model, states[:2])
    resumed = AveragedModel(copy.deepcopy(model))
    resumed.load_state_dict(average.state_dict())
    assert next(iter(resumed.state_dict())).startswith(("module.", "n_averaged"))
    for one in (average, resumed):
        found = averaged_over(one, model, states[2:])
        assert found["0.weight"] == pytest.approx(mean(states, "0.weight"), rel=1e-12)


def test_the_model_trains_on_while_its_average_stays(backend):
    model, _ = models()
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    average = AveragedModel(model)
    average.update_parameters(model)
    x = gpugrad.randn(6, 2, dtype=gpugrad.float64)
    before = average.eval()(x).tolist()
    model(x).sum().backward()
    optimizer.step()
    assert average(x).tolist() == before
    assert model.eval()(x).tolist() != before


def test_an_average_may_be_kept_elsewhere(devices):
    model, states = models(dtype=gpugrad.float32)
    average = AveragedModel(model, device=devices[-1])
    found = averaged_over(average, model, states)
    assert {str(p.device) for p in average.parameters()} == {devices[-1]}
    assert found["0.weight"] == pytest.approx(mean(states, "0.weight"), rel=1e-5)


def test_models_that_do_not_belong_together_are_refused(backend):
    average = AveragedModel(nn.Linear(2, 3))
    before = [p.tolist() for p in average.parameters()]
    with pytest.raises(
        ShapeError, match=r"parameter weight has shape \(3, 2\) in the average and \(3, 4\) in the model"
    ):
        average.update_parameters(nn.Linear(4, 3))
    with pytest.raises(ShapeError, match=r"parameter bias has shape \(3,\) in the average and none in the model"):
        average.update_parameters(nn.Linear(2, 3, bias=False))
    assert [p.tolist() for p in average.parameters()] == before
    assert average.n_averaged.item() == 0


def test_bad_arguments_are_named():
    with pytest.raises(OptionError, match="avg_fn and multi_avg_fn"):
        AveragedModel(nn.Linear(1, 1), avg_fn=get_ema_avg_fn(), multi_avg_fn=get_ema_multi_avg_fn())
    with pytest.raises(TypeError, match="an average is made of a Module, not list"):
        AveragedModel([])
    for decay in (1.5, -0.1, "slow"):
        with pytest.raises(OptionError, match="decay must be .* not"):
            get_ema_avg_fn(decay)
    optimizer = optim.SGD([{"params": [gpugrad.ones(1, requires_grad=True)]}])
    for options, named in [
        ({"swa_lr": 0.1, "anneal_strategy": "log"}, "anneal_strategy must be 'cos' or 'linear', not 'log'"),
        ({"swa_lr": 0.1, "anneal_epochs": -1}, "anneal_epochs must be an integer of at least 0, not -1"),
        ({"swa_lr": [0.1, 0.2]}, "swa_lr has 2 values for 1 parameter groups"),
    ]:
        with pytest.raises(OptionError, match=named):
            SWALR(optimizer, **options)
    assert "swa_lr" not in optimizer.param_groups[0]


def test_update_bn_sees_every_batch_once_and_puts_everything_back(backend):
    model = nn.Sequential(nn.BatchNorm1d(2, momentum=0.3), nn.Dropout(0.5), nn.Linear(2, 1))
    model.eval()
    model[2].train()
    batches = [gpugrad.randn(8, 2) * 3 + 1 for _ in range(5)]
    update_bn([(x, None) for x in batches], model)
    wanted = np.mean([np.asarray(x.tolist()).mean(0) for x in batches], axis=0)
    assert np.asarray(model[0].running_mean.tolist()) == pytest.approx(wanted, rel=1e-5)
    assert (model[0].momentum, model[0].num_batches_tracked.item()) == (0.3, 5)
    assert [m.training for m in model] == [False, False, True]
    with pytest.raises(ShapeError):
        update_bn([gpugrad.ones((4, 7))], model)
    assert (model[0].momentum, model[2].training, model[0].training) == (0.3, True, False)


def test_swalr_goes_from_where_another_schedule_has_taken_the_rate():
    optimizer = optim.SGD([gpugrad.ones(1, requires_grad=True)], lr=1.0)
    schedule = SWALR(optimizer, swa_lr=0.1, anneal_epochs=4, anneal_strategy="linear")
    optimizer.step()
    optimizer.param_groups[0]["lr"] = 0.5
    rates = []
    for _ in range(6):
        schedule.step()
        rates.append(schedule.get_last_lr()[0])
    assert rates == pytest.approx([0.4, 0.3, 0.2, 0.1, 0.1, 0.1])
    assert [schedule.as_function()(epoch) for epoch in (0, 2, 4, 9)] == pytest.approx([1.0, 0.55, 0.1, 0.1])
