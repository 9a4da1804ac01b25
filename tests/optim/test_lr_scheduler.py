"""Learning rates by hand, in every epoch."""

import math

import pytest

import gpugrad
from gpugrad import optim
from gpugrad.errors import OptionError
from gpugrad.optim import lr_scheduler as lr


def sgd(*rates):
    return optim.SGD([{"params": [gpugrad.ones(1, requires_grad=True)], "lr": rate} for rate in rates])


def rates(optimizer, schedule, epochs):
    seen = [[group["lr"] for group in optimizer.param_groups]]
    for _ in range(epochs):
        optimizer.step()
        schedule.step()
        seen.append(schedule.get_last_lr())
        assert seen[-1] == [group["lr"] for group in optimizer.param_groups]
    return [value for (value,) in seen] if len(optimizer.param_groups) == 1 else seen


def test_step_lr_goes_down_in_stairs():
    optimizer = sgd(8.0)
    assert rates(optimizer, lr.StepLR(optimizer, 2, 0.5), 5) == [8, 8, 4, 4, 2, 2]


def test_linear_lr_warms_up_and_stays():
    optimizer = sgd(8.0)
    schedule = lr.LinearLR(optimizer, start_factor=0.25, total_iters=3)
    assert rates(optimizer, schedule, 5) == pytest.approx([2, 4, 6, 8, 8, 8])


def test_cosine_goes_to_the_minimum_and_back():
    optimizer = sgd(5.0)
    schedule = lr.CosineAnnealingLR(optimizer, T_max=4, eta_min=1.0)
    down = [5, 3 + math.sqrt(2), 3, 3 - math.sqrt(2), 1]
    assert rates(optimizer, schedule, 9) == pytest.approx([*down, *down[3::-1], down[1]])


def test_a_lambda_for_each_group():
    optimizer = sgd(1.0, 10.0)
    schedule = lr.LambdaLR(optimizer, [lambda e: 1 / (1 + e), lambda e: 0.5**e])
    assert rates(optimizer, schedule, 2) == [[1, 10], [0.5, 5], [pytest.approx(1 / 3), 2.5]]


def test_warm_up_and_then_cosine():
    optimizer = sgd(4.0)
    parts = [lr.LinearLR(optimizer, 0.5, total_iters=2), lr.CosineAnnealingLR(optimizer, T_max=2)]
    schedule = lr.SequentialLR(optimizer, parts, milestones=[2])
    assert rates(optimizer, schedule, 4) == pytest.approx([2, 3, 4, 2, 0])


def test_schedules_act_together():
    optimizer = sgd(8.0)
    warm_up = lr.LinearLR(optimizer, 0.5, total_iters=2)
    stairs = lr.StepLR(optimizer, 2, 0.5)
    seen = [optimizer.param_groups[0]["lr"]]
    for _ in range(4):
        optimizer.step()
        warm_up.step()
        stairs.step()
        seen.append(optimizer.param_groups[0]["lr"])
    assert seen == pytest.approx([4, 6, 4, 4, 2])


def test_a_rate_set_by_hand_is_gone_on_from():
    optimizer = sgd(8.0)
    schedule = lr.StepLR(optimizer, 2, 0.5)
    optimizer.param_groups[0]["lr"] = 100.0
    assert rates(optimizer, schedule, 2) == [100, 100, 50]


@pytest.mark.parametrize(
    "make",
    [
        lambda o: lr.StepLR(o, 2, 0.5),
        lambda o: lr.LinearLR(o, 0.25, total_iters=7),
        lambda o: lr.CosineAnnealingLR(o, 6, 0.5),
        lambda o: lr.LambdaLR(o, lambda e: 0.9**e),
        lambda o: lr.SequentialLR(o, [lr.LinearLR(o, 0.5), lr.StepLR(o, 1, 0.5)], [3]),
    ],
)
def test_a_schedule_taken_up_again_goes_on(make):
    optimizer = sgd(8.0)
    schedule = make(optimizer)
    rates(optimizer, schedule, 2)
    saved, options = schedule.state_dict(), optimizer.state_dict()
    other = sgd(8.0)
    resumed = make(other)
    other.load_state_dict(options)
    resumed.load_state_dict(saved)
    assert resumed.last_epoch == 2
    assert rates(other, resumed, 5) == rates(optimizer, schedule, 5)


def test_last_epoch_resumes_from_the_initial_rate():
    with pytest.raises(OptionError, match="group 0 has no 'initial_lr'"):
        lr.StepLR(sgd(1.0), 2, last_epoch=3)
    optimizer = sgd(8.0)
    rates(optimizer, lr.StepLR(optimizer, 2, 0.5), 3)
    resumed = lr.StepLR(optimizer, 2, 0.5, last_epoch=3)
    assert resumed.base_lrs == [8.0]
    assert resumed.get_last_lr() == [2.0]


def test_the_wrong_order_is_warned_of_once():
    optimizer = sgd(1.0)
    schedule = lr.StepLR(optimizer, 2)
    with pytest.warns(UserWarning, match=r"lr_scheduler.step\(\) was called before optimizer.step\(\)"):
        schedule.step()
    schedule.step()


def test_the_right_order_is_not_warned_of():
    optimizer = sgd(1.0)
    schedule = lr.StepLR(optimizer, 2)
    optimizer.clip_and_step(1.0)
    schedule.step()


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda o: lr.StepLR(o, 0), "step_size must be at least 1, not 0"),
        (lambda o: lr.LinearLR(o, start_factor=0.0), "start_factor"),
        (lambda o: lr.LinearLR(o, end_factor=1.5), "end_factor"),
        (lambda o: lr.LinearLR(o, total_iters=0), "total_iters"),
        (lambda o: lr.CosineAnnealingLR(o, 0), "T_max"),
        (lambda o: lr.LambdaLR(o, []), "0 functions for 1 parameter groups"),
        (lambda o: lr.SequentialLR(o, [lr.StepLR(o, 1)], [1]), "milestones"),
        (lambda o: lr.SequentialLR(o, [lr.StepLR(o, 1)] * 3, [3, 1]), "increase"),
        (lambda o: lr.SequentialLR(o, [lr.StepLR(sgd(1.0), 1)], []), "the optimizer that SequentialLR is given"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(make, named):
    with pytest.raises(OptionError, match=named):
        make(sgd(1.0))


def test_a_schedule_needs_an_optimizer():
    with pytest.raises(TypeError, match="needs an optimizer, not list"):
        lr.StepLR([1.0], 2)
