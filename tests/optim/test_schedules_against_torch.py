"""Two hundred steps of every schedule beside PyTorch's, with options drawn at random."""

import warnings

import numpy as np
import pytest

import gpugrad
from gpugrad import optim
from gpugrad.optim import lr_scheduler as lr

torch = pytest.importorskip("torch")

STEPS = 200


def options_of(name, random):
    number, whole = random.uniform, lambda low, high: int(random.integers(low, high))
    momenta = {"base_momentum": number(0.5, 0.8), "max_momentum": number(0.85, 0.99), "cycle_momentum": whole(0, 2) > 0}
    return {
        "StepLR": lambda: {"step_size": whole(1, 50), "gamma": number(0.5, 1)},
        "MultiStepLR": lambda: {"milestones": [whole(1, 150) for _ in range(5)], "gamma": number(0.3, 1)},
        "ConstantLR": lambda: {"factor": number(0.1, 1), "total_iters": whole(1, 250)},
        "LinearLR": lambda: {
            "start_factor": number(0.1, 1),
            "end_factor": number(0.1, 1),
            "total_iters": whole(1, 250),
        },
        "ExponentialLR": lambda: {"gamma": number(0.9, 1)},
        "PolynomialLR": lambda: {"total_iters": whole(1, 250), "power": number(0.5, 3)},
        "CosineAnnealingLR": lambda: {"T_max": whole(2, 150), "eta_min": number(0, 0.1)},
        "CosineAnnealingWarmRestarts": lambda: {
            "T_0": whole(1, 40),
            "T_mult": whole(1, 4),
            "eta_min": number(0, 0.1),
        },
        "CyclicLR": lambda: {
            "base_lr": number(0.01, 0.1),
            "max_lr": number(0.2, 1),
            "step_size_up": whole(1, 40),
            "step_size_down": [None, whole(1, 40)][whole(0, 2)],
            "mode": ["triangular", "triangular2", "exp_range"][whole(0, 3)],
            "gamma": number(0.95, 1),
            **momenta,
        },
        "OneCycleLR": lambda: {
            "max_lr": number(0.2, 1),
            "total_steps": STEPS + whole(1, 100),
            "pct_start": number(0.1, 0.45),
            "anneal_strategy": ["cos", "linear"][whole(0, 2)],
            "div_factor": number(2, 30),
            "final_div_factor": number(2, 1e4),
            "three_phase": whole(0, 2) > 0,
            **momenta,
        },
        "LambdaLR": lambda: {"lr_lambda": lambda epoch: 1 / (1 + 0.01 * epoch)},
        "MultiplicativeLR": lambda: {"lr_lambda": lambda epoch: 1 - 0.5 / (epoch + 1)},
    }[name]()


NAMES = (
    "StepLR MultiStepLR ConstantLR LinearLR ExponentialLR PolynomialLR CosineAnnealingLR CosineAnnealingWarmRestarts "
    "CyclicLR OneCycleLR LambdaLR MultiplicativeLR"
).split()


def optimizers(kind, rate):
    options = {"momentum": 0.9} if kind == "SGD" else {}
    values = [np.ones(2), np.ones(3)]
    ours = [{"params": [gpugrad.tensor(v, requires_grad=True)], "lr": rate / (i + 1)} for i, v in enumerate(values)]
    theirs = [{"params": [torch.tensor(v, requires_grad=True)], "lr": rate / (i + 1)} for i, v in enumerate(values)]
    return getattr(optim, kind)(ours, lr=rate, **options), getattr(torch.optim, kind)(theirs, lr=rate, **options)


def seen(optimizer):
    groups = optimizer.param_groups
    return [g["lr"] for g in groups] + [g["betas"][0] if "betas" in g else g["momentum"] for g in groups]


def run(optimizer, step, steps=STEPS):
    rows = [seen(optimizer)]
    for i in range(steps):
        optimizer.step()
        step(i)
        rows.append(seen(optimizer))
    return np.asarray(rows)


def compare(ours, theirs, step_ours, step_theirs, steps=STEPS):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        its = run(theirs, step_theirs, steps)
    np.testing.assert_allclose(run(ours, step_ours, steps), its, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("name", NAMES)
def test_two_hundred_steps_are_pytorchs(name, seed):
    random = np.random.default_rng([seed, len(name)])
    mine, its = optimizers(["SGD", "AdamW"][seed % 2], random.uniform(0.1, 1))
    options = options_of(name, random)
    schedule, theirs = getattr(lr, name)(mine, **options), getattr(torch.optim.lr_scheduler, name)(its, **options)
    compare(mine, its, lambda _: schedule.step(), lambda _: theirs.step())
    assert schedule.get_last_lr() == [g["lr"] for g in mine.param_groups]


@pytest.mark.parametrize("seed", range(12))
def test_a_plateau_is_pytorchs(seed):
    random = np.random.default_rng(seed)
    mine, its = optimizers("SGD", 1.0)
    options = {
        "mode": ["min", "max"][seed % 2],
        "factor": random.uniform(0.1, 0.9),
        "patience": int(random.integers(0, 6)),
        "threshold": random.uniform(0, 0.1),
        "threshold_mode": ["rel", "abs"][seed // 2 % 2],
        "cooldown": int(random.integers(0, 5)),
        "min_lr": [0.01, 0.001],
    }
    metrics = random.standard_normal(STEPS).cumsum() * 0.1 + random.uniform(-2, 2)
    metrics[50] = np.nan
    schedule = lr.ReduceLROnPlateau(mine, **options)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(its, **options)
    compare(mine, its, lambda i: schedule.step(metrics[i]), lambda i: theirs.step(metrics[i]))


@pytest.mark.parametrize("seed", range(8))
def test_one_after_the_other_is_pytorchs(seed):
    random = np.random.default_rng(seed)
    mine, its = optimizers("SGD", 1.0)
    names = random.choice(["StepLR", "LinearLR", "ExponentialLR", "CosineAnnealingLR", "ConstantLR"], 3)
    options = [options_of(name, random) for name in names]
    milestones = sorted(int(m) for m in random.integers(2, 150, 2))

    def made(optimizer, module):
        parts = [getattr(module, n)(optimizer, **o) for n, o in zip(names, options, strict=True)]
        return module.SequentialLR(optimizer, parts, milestones)

    schedule, theirs = made(mine, lr), made(its, torch.optim.lr_scheduler)
    compare(mine, its, lambda _: schedule.step(), lambda _: theirs.step())


@pytest.mark.parametrize("seed", range(8))
def test_all_at_once_is_pytorchs(seed):
    random = np.random.default_rng(seed)
    mine, its = optimizers("SGD", 1.0)
    names = random.choice(["StepLR", "LinearLR", "ExponentialLR", "ConstantLR", "MultiStepLR"], 3, replace=False)
    options = [options_of(name, random) for name in names]

    def made(optimizer, module):
        parts = [getattr(module, n)(optimizer, **o) for n, o in zip(names, options, strict=True)]
        return module.ChainedScheduler(parts)

    schedule, theirs = made(mine, lr), made(its, torch.optim.lr_scheduler)
    compare(mine, its, lambda _: schedule.step(), lambda _: theirs.step())


def test_restarts_go_to_fractions_of_an_epoch_as_pytorchs_do():
    mine, its = optimizers("SGD", 1.0)
    schedule = lr.CosineAnnealingWarmRestarts(mine, T_0=3, T_mult=2, eta_min=0.05)
    theirs = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(its, T_0=3, T_mult=2, eta_min=0.05)
    compare(mine, its, lambda i: schedule.step(i / 7), lambda i: theirs.step(i / 7))
