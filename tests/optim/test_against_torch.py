"""A hundred steps beside PyTorch's, with options drawn at random."""

import warnings

import numpy as np
import pytest

import gpugrad
from gpugrad import optim
from gpugrad.optim import lr_scheduler as lr

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # many threads on small arrays only wait for each other

SHAPES = [(3, 4), (5,), (), (2, 1, 3), (130, 70)]


def options_of(name, random):
    pick = random.choice
    options = {
        "lr": float(pick([1e-3, 0.01, 0.1])),
        "weight_decay": float(pick([0.0, 0.1])),
        "maximize": bool(pick([False, True])),
    }
    if name == "SGD":
        momentum = float(pick([0.0, 0.5, 0.9]))
        nesterov = bool(momentum and pick([False, True]))
        return {
            **options,
            "momentum": momentum,
            "nesterov": nesterov,
            "dampening": 0.0 if nesterov else float(pick([0.0, 0.3])),
        }
    betas = (float(pick([0.0, 0.5, 0.9])), float(pick([0.5, 0.999])))
    return {**options, "betas": betas, "eps": float(pick([1e-8, 1e-3])), "amsgrad": bool(pick([False, True]))}


def pair(name, options, dtype, random):
    values = [random.standard_normal(shape).astype(dtype) for shape in SHAPES]
    ours = [gpugrad.tensor(v, requires_grad=True) for v in values]
    theirs = [torch.tensor(v, requires_grad=True) for v in values]
    return ours, theirs, getattr(optim, name)(ours, **options), getattr(torch.optim, name)(theirs, **options)


def step_both(ours, theirs, random, dtype, *optimizers, skip=0.0):
    for p, q in zip(ours, theirs, strict=True):
        if random.random() < skip:
            p.grad = q.grad = None
            continue
        g = random.standard_normal(q.shape).astype(dtype) * dtype(10.0 ** random.integers(-3, 2))
        p.grad, q.grad = gpugrad.tensor(g), torch.tensor(g)
    for optimizer in optimizers:
        optimizer.step()


def as_arrays(values):
    return {k: v.numpy().copy() for k, v in values.items() if v is not None}


def compare(ours, theirs, rtol):
    for p, q in zip(ours, theirs, strict=True):
        value = q.detach().numpy()
        np.testing.assert_allclose(np.asarray(p.tolist()), value, rtol=rtol, atol=rtol * (np.abs(value).max() + 1e-3))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 1e-5), (np.float64, 1e-10)])
def test_a_hundred_steps(backend, name, seed, dtype, rtol):
    random = np.random.default_rng([seed, len(name)])
    ours, theirs, mine, its = pair(name, options_of(name, random), dtype, random)
    for _ in range(100):
        step_both(ours, theirs, random, dtype, mine, its, skip=0.2 if seed % 2 else 0.0)
    compare(ours, theirs, rtol)
    if name == "SGD" and not mine.defaults["momentum"]:
        assert not mine.state and not any(its.state.values())
        return
    for p, q in zip(ours, theirs, strict=True):
        state = {k: v for k, v in its.state[q].items() if v is not None}
        assert {"step", *mine.state[p]} == {"step", *state}
        for key in state:
            wanted = state[key].numpy()
            scale = np.abs(wanted).max() + 1e-6
            np.testing.assert_allclose(
                np.asarray(mine.state[p][key].tolist()), wanted, rtol=20 * rtol, atol=20 * rtol * scale
            )


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_a_state_of_pytorch_is_taken_over(backend, name):
    random = np.random.default_rng(3)
    options = {"lr": 0.01, **({"momentum": 0.9} if name == "SGD" else {"amsgrad": True})}
    ours, theirs, mine, its = pair(name, options, np.float64, random)
    for _ in range(5):
        step_both(ours, theirs, random, np.float64, its)
    state = its.state_dict()
    mine.load_state_dict({**state, "state": {i: as_arrays(values) for i, values in state["state"].items()}})
    for p, q in zip(ours, theirs, strict=True):
        p.data.copy_(gpugrad.tensor(q.detach().numpy()))
    for _ in range(5):
        step_both(ours, theirs, random, np.float64, mine, its)
    compare(ours, theirs, 1e-10)


def test_a_state_dict_has_pytorchs_arrangement():
    ours, theirs, mine, its = pair("Adam", {"amsgrad": True}, np.float64, np.random.default_rng(0))
    step_both(ours, theirs, np.random.default_rng(0), np.float64, mine, its)
    a, b = mine.state_dict(), its.state_dict()
    assert a.keys() == b.keys()
    assert a["state"].keys() == b["state"].keys()
    assert a["state"][0].keys() == b["state"][0].keys()
    assert a["param_groups"][0]["params"] == b["param_groups"][0]["params"]
    assert a["param_groups"][0].keys() <= b["param_groups"][0].keys()
    assert all(b["param_groups"][0][k] == v for k, v in a["param_groups"][0].items())


def same_schedules(make):
    value = np.ones(1)
    mine = optim.SGD([gpugrad.tensor(value, requires_grad=True)], lr=0.7)
    its = torch.optim.SGD([torch.tensor(value, requires_grad=True)], lr=0.7)
    return (mine, make(mine, lr)), (its, make(its, torch.optim.lr_scheduler))


@pytest.mark.parametrize(
    "make",
    [
        lambda o, m: m.StepLR(o, 3, 0.3),
        lambda o, m: m.LinearLR(o),
        lambda o, m: m.LinearLR(o, 0.2, 0.0, 4),
        lambda o, m: m.CosineAnnealingLR(o, 7, 0.01),
        lambda o, m: m.CosineAnnealingLR(o, 1),
        lambda o, m: m.LambdaLR(o, lambda e: 1 / (1 + e)),
        lambda o, m: m.SequentialLR(o, [m.LinearLR(o, 0.1, total_iters=3), m.CosineAnnealingLR(o, 6)], [4]),
        lambda o, m: m.SequentialLR(o, [m.LambdaLR(o, lambda e: e), m.StepLR(o, 2), m.LinearLR(o)], [3, 9]),
    ],
)
def test_a_schedule_gives_the_same_rates(make):
    ours, theirs = same_schedules(make)
    for _ in range(25):
        rates = []
        for optimizer, schedule in (ours, theirs):
            rates.append(optimizer.param_groups[0]["lr"])
            assert schedule.get_last_lr() == [rates[-1]]
            optimizer.step()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # PyTorch's own, about SequentialLR's step(epoch)
                schedule.step()
        assert rates[0] == pytest.approx(rates[1], rel=1e-12, abs=1e-15)
