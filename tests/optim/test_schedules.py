"""Schedules as functions of the step: of numbers what the classes set, of tensors the same on every device."""

import numpy as np
import pytest
from fake_cupy import counts

import gpugrad
from gpugrad import optim
from gpugrad.errors import OptionError
from gpugrad.optim import lr_scheduler as lr
from gpugrad.optim import schedules

FUNCTIONS = {
    "step_decay": lambda: schedules.step_decay(0.8, 7, 0.5),
    "multi_step": lambda: schedules.multi_step(0.8, [3, 9, 9, 20], 0.5),
    "constant": lambda: schedules.constant(0.8, 0.25, 6),
    "linear": lambda: schedules.linear(0.8, 0.1, 0.9, 11),
    "exponential": lambda: schedules.exponential(0.8, 0.95),
    "polynomial": lambda: schedules.polynomial(0.8, 17, 1.7),
    "cosine_annealing": lambda: schedules.cosine_annealing(0.8, 9, 0.05),
    "restarts": lambda: schedules.cosine_annealing_warm_restarts(0.8, 5, 1, 0.05),
    "longer restarts": lambda: schedules.cosine_annealing_warm_restarts(0.8, 3, 3, 0.05),
    "cyclic": lambda: schedules.cyclic(0.1, 0.9, 4, 7),
    "lower cycles": lambda: schedules.cyclic(0.1, 0.9, 4, mode="triangular2"),
    "shrinking cycles": lambda: schedules.cyclic(0.1, 0.9, 4, mode="exp_range", gamma=0.97),
    "cycles of the user's": lambda: schedules.cyclic(0.1, 0.9, 4, scale_fn=lambda n: 1 / n),
    "one_cycle": lambda: schedules.one_cycle(0.9, 60),
    "one_cycle in three": lambda: schedules.one_cycle(0.9, 60, 0.4, "linear", three_phase=True),
    "sequential": lambda: schedules.sequential(
        [schedules.linear(0.8, 0.1, 1.0, 5), schedules.cosine_annealing(0.8, 20), lambda t: 0.125 + 0 * t], [5, 25]
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_tensor_of_steps_gives_the_rates_of_its_numbers_on_its_device(backend, name):
    rate = FUNCTIONS[name]()
    expected = np.asarray([rate(n) for n in range(60)])
    steps = gpugrad.arange(60)
    rates = rate(steps)
    assert rates.device == steps.device
    assert rates.dtype == gpugrad.float32
    np.testing.assert_allclose(rates.tolist(), expected, rtol=2e-7, atol=1e-9)
    one = rate(gpugrad.asarray(31))
    assert one.shape == ()
    assert one.item() == pytest.approx(expected[31], rel=2e-7)


def test_a_step_on_a_gpu_never_comes_to_the_host(fake_cuda):
    with gpugrad.use_backend("cuda"):
        step = gpugrad.asarray(12)
        made = {name: make() for name, make in FUNCTIONS.items()}
        before = counts.to_host, counts.synchronisations
        assert all(rate(step).is_cuda for rate in made.values())
        assert (counts.to_host, counts.synchronisations) == before


def test_restarts_are_right_where_a_cycle_ends_however_long_it_is():
    rate = schedules.cosine_annealing_warm_restarts(1.0, 1, 2)
    ends = [2**n - 1 for n in range(50)]
    assert [rate(end) for end in ends] == [1.0] * 50
    rate = schedules.cosine_annealing_warm_restarts(1.0, 7, 3)
    assert [rate(7 * (3**n - 1) // 2) for n in range(30)] == [1.0] * 30


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: schedules.step_decay(1.0, 0), "step_size must be at least 1, not 0"),
        (lambda: schedules.constant(1.0, factor=1.5), "factor must be from 0 to 1, not 1.5"),
        (lambda: schedules.linear(1.0, start_factor=-1), "start_factor"),
        (lambda: schedules.polynomial(1.0, total_iters=0), "total_iters"),
        (lambda: schedules.cosine_annealing(1.0, T_max=float("nan")), "T_max must be at least 1, not nan"),
        (lambda: schedules.cosine_annealing_warm_restarts(1.0, T_0=2.5), "T_0 must be an integer of at least 1"),
        (lambda: schedules.cosine_annealing_warm_restarts(1.0, T_0=2, T_mult=0), "T_mult"),
        (lambda: schedules.cyclic(0.1, 0.9, 0), "step_size_up"),
        (lambda: schedules.cyclic(0.1, 0.9, mode="square"), "'triangular2' or 'exp_range', not 'square'"),
        (lambda: schedules.cyclic(0.1, 0.9, scale_mode="epoch"), "scale_mode"),
        (lambda: schedules.one_cycle(0.1, 10, pct_start=30), "pct_start must be from 0 to 1, not 30"),
        (lambda: schedules.one_cycle(0.1, 10, anneal_strategy="exp"), "anneal_strategy"),
        (lambda: schedules.sequential([schedules.exponential(1.0, 0.5)], [3]), "1 schedules need 0 milestones"),
    ],
)
def test_what_makes_no_sense_is_refused(make, named):
    with pytest.raises(OptionError, match=named):
        make()


def sgd(*rates, **options):
    groups = [{"params": [gpugrad.ones(1, requires_grad=True)], "lr": rate} for rate in rates]
    return optim.SGD(groups, **{"momentum": 0.9, **options})


MAKERS = {
    "MultiStepLR": lambda o: lr.MultiStepLR(o, [2, 4], 0.5),
    "ConstantLR": lambda o: lr.ConstantLR(o, 0.5, 3),
    "ExponentialLR": lambda o: lr.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda o: lr.PolynomialLR(o, 9, 2.0),
    "CosineAnnealingWarmRestarts": lambda o: lr.CosineAnnealingWarmRestarts(o, 2, 2),
    "CyclicLR": lambda o: lr.CyclicLR(o, 0.1, [0.5, 0.9], 3),
    "OneCycleLR": lambda o: lr.OneCycleLR(o, 0.9, epochs=2, steps_per_epoch=10),
    "MultiplicativeLR": lambda o: lr.MultiplicativeLR(o, lambda e: 1 / e),
    "ChainedScheduler": lambda o: lr.ChainedScheduler([lr.ExponentialLR(o, 0.9), lr.ConstantLR(o, 0.5)]),
}


def rates(optimizer, schedule, epochs):
    seen = []
    for _ in range(epochs):
        optimizer.step()
        schedule.step()
        seen.append([(g["lr"], g["momentum"]) for g in optimizer.param_groups])
    return seen


@pytest.mark.parametrize("name", MAKERS)
def test_what_a_class_sets_is_what_its_function_says(name):
    optimizer = sgd(0.8, 0.2)
    schedule = MAKERS[name](optimizer)
    seen = [[lr for lr, _ in groups] for groups in rates(optimizer, schedule, 9)]
    assert seen == [[pytest.approx(schedule.as_function(g)(n)) for g in range(2)] for n in range(1, 10)]


@pytest.mark.parametrize("name", MAKERS)
def test_a_schedule_taken_up_again_goes_on(name):
    optimizer = sgd(0.8, 0.2)
    schedule = MAKERS[name](optimizer)
    rates(optimizer, schedule, 3)
    saved, options = schedule.state_dict(), optimizer.state_dict()
    other = sgd(0.8, 0.2)
    resumed = MAKERS[name](other)
    other.load_state_dict(options)
    resumed.load_state_dict(saved)
    assert rates(other, resumed, 5) == rates(optimizer, schedule, 5)


def test_a_plateau_taken_up_again_goes_on():
    losses = [3.0, 2.0, 2.5, 2.5, 2.5, 2.5, 1.0, 1.5, 1.5, 1.5, 1.5]

    def run(schedule, values):
        return [(schedule.step(v), schedule.get_last_lr())[1] for v in values]

    whole = lr.ReduceLROnPlateau(sgd(0.8), patience=1, cooldown=1)
    expected = run(whole, losses)
    assert expected[2] == [0.8] != expected[3]
    first, optimizer = lr.ReduceLROnPlateau(sgd(0.8), patience=1, cooldown=1), sgd(0.8)
    run(first, losses[:4])
    second = lr.ReduceLROnPlateau(optimizer, patience=1, cooldown=1)
    optimizer.load_state_dict(first.optimizer.state_dict())
    second.load_state_dict(first.state_dict())
    assert run(second, losses[4:]) == expected[4:]


def test_a_plateau_takes_the_loss_itself(backend):
    schedule = lr.ReduceLROnPlateau(sgd(0.8), patience=0)
    schedule.step((gpugrad.ones(1, requires_grad=True) * 2).sum())
    assert schedule.best == 2.0


def test_one_step_too_many_says_how_many_there_are():
    optimizer = sgd(0.1)
    schedule = lr.OneCycleLR(optimizer, 0.9, total_steps=3)
    rates(optimizer, schedule, 3)
    with pytest.raises(OptionError, match="OneCycleLR was made for 3 steps, and is asked for 4"):
        schedule.step()
    assert (schedule.last_epoch, schedule.get_last_lr()) == (3, [optimizer.param_groups[0]["lr"]])


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda o: lr.OneCycleLR(o, 0.9), "needs total_steps, or both epochs and steps_per_epoch"),
        (lambda o: lr.OneCycleLR(o, [0.9, 0.8], 10), "max_lr has 2 values for 1 parameter groups"),
        (lambda o: lr.CyclicLR(o, 0.1, 0.9, mode="square"), "mode"),
        (lambda o: lr.CyclicLR(o, [], 0.9), "base_lr has 0 values"),
        (lambda o: lr.ReduceLROnPlateau(o, mode="low"), "mode must be 'min' or 'max', not 'low'"),
        (lambda o: lr.ReduceLROnPlateau(o, factor=1.0), "factor must be at least 0 and below 1, not 1.0"),
        (lambda o: lr.ReduceLROnPlateau(o, min_lr=[1, 2]), "min_lr has 2 values for 1"),
        (lambda o: lr.ChainedScheduler([]), "needs at least one schedule"),
        (lambda o: lr.ChainedScheduler([lr.ReduceLROnPlateau(o)]), "needs a metric"),
        (lambda o: lr.ChainedScheduler([lr.StepLR(o, 1), lr.StepLR(sgd(1.0), 1)]), "schedule 1 is of another"),
        (lambda o: lr.StepLR(o, 2).step(-1), "epoch must be at least 0, not -1"),
    ],
)
def test_a_class_that_makes_no_sense_is_refused_and_changes_nothing(make, named):
    optimizer = sgd(1.0)
    with pytest.raises(OptionError, match=named):
        make(optimizer)
    assert optimizer.param_groups[0]["lr"] == 1.0
    assert optimizer.param_groups[0]["momentum"] == 0.9
