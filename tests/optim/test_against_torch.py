"""Two hundred steps beside PyTorch's, with options drawn at random, from gradients that are the same for both.

Gradients of a loss would carry the rounding of one step into the next, and part the two for that reason alone.
"""

import inspect
import warnings

import numpy as np
import pytest

import gpugrad
from gpugrad import optim
from gpugrad.errors import OptionError
from gpugrad.optim import lr_scheduler as lr

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # many threads on small arrays only wait for each other

SHAPES = [(3, 4), (5,), (), (2, 1, 3), (0, 3), (30, 20)]
MATRICES = [(3, 4), (5, 2), (1, 6), (4, 1), (0, 3), (30, 20)]

COMMON = {"lr": [1e-3, 0.01, 0.1], "maximize": [False, True]}
DECAY = {"weight_decay": [0.0, 0.1]}
MEANS = {"betas": [(0.0, 0.5), (0.5, 0.999), (0.9, 0.999), (0.9, 0.9)], "eps": [1e-8, 1e-3]}
TABLE = {
    "SGD": {**COMMON, **DECAY, "momentum": [0.0, 0.5, 0.9], "dampening": [0.0, 0.3], "nesterov": [False, True]},
    "Adam": {**COMMON, **DECAY, **MEANS, "amsgrad": [False, True]},
    "AdamW": {**COMMON, **DECAY, **MEANS, "amsgrad": [False, True]},
    "Adamax": {**COMMON, **DECAY, **MEANS},
    "NAdam": {
        **COMMON, **DECAY, **MEANS, "momentum_decay": [0.0, 4e-3, 0.5], "decoupled_weight_decay": [False, True],
    },
    "RAdam": {**COMMON, **DECAY, **MEANS, "decoupled_weight_decay": [False, True]},
    "RMSprop": {
        **COMMON, **DECAY,
        "alpha": [0.5, 0.99, 0.0], "eps": [1e-8, 1e-3], "momentum": [0.0, 0.9], "centered": [False, True],
    },
    "Adagrad": {
        **COMMON, **DECAY, "lr_decay": [0.0, 0.1], "initial_accumulator_value": [0.0, 2.0], "eps": [1e-10, 0.1],
    },
    "Adadelta": {**COMMON, **DECAY, "lr": [0.1, 1.0], "rho": [0.0, 0.9, 1.0], "eps": [1e-6, 1e-2]},
    "Rprop": {**COMMON, "etas": [(0.5, 1.2), (0.1, 1.5)], "step_sizes": [(1e-6, 50), (0.01, 0.5)]},
    "ASGD": {**COMMON, **DECAY, "lambd": [1e-4, 0.1], "alpha": [0.75, 1.0], "t0": [1e6, 20.0, 0.0]},
    "Muon": {
        **DECAY, "lr": [1e-3, 0.1], "momentum": [0.0, 0.95], "nesterov": [False, True],
        "adjust_lr_fn": [None, "original", "match_rms_adamw"], "ns_steps": [1, 5],
    },
}  # fmt: skip
NAMES = list(TABLE)


def options_of(name, random):
    options = {key: choices[random.integers(len(choices))] for key, choices in TABLE[name].items()}
    if name == "SGD" and options["nesterov"]:
        options.update(dampening=0.0, momentum=options["momentum"] or 0.5)
    if name == "RMSprop" and options["centered"]:
        # The variance of one gradient alone is 0, where PyTorch has the root of what rounding leaves of it.
        options.update(alpha=options["alpha"] or 0.5, eps=1e-3)
    return options


@pytest.fixture(autouse=True)
def _state_in_full(request, monkeypatch):
    """Let PyTorch keep eta, mu and mu_product as exactly as the rest, and iterate in Muon in the parameter's dtype."""
    wide = getattr(request.node, "callspec", None) and request.node.callspec.params.get("dtype") is np.float64
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64 if wide else torch.float32)
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda t: t.clone())
    yield
    torch.set_default_dtype(before)


def leaves(name, dtype, random):
    values = [random.standard_normal(shape).astype(dtype) for shape in (MATRICES if name == "Muon" else SHAPES)]
    return ([library.tensor(v, requires_grad=True) for v in values] for library in (gpugrad, torch))


def pair(name, options, dtype, random):
    ours, theirs = leaves(name, dtype, random)
    return ours, theirs, getattr(optim, name)(ours, **options), getattr(torch.optim, name)(theirs, **options)


def pair_of_two_groups(name, dtype, random):
    """Return parameters and optimizers; every other parameter is in a group with options of its own."""
    ours, theirs = leaves(name, dtype, random)
    drawn = [options_of(name, random) for _ in range(2)]
    made = []
    for library, parameters in ((gpugrad, ours), (torch, theirs)):
        groups = [{"params": parameters[i::2], **options} for i, options in enumerate(drawn)]
        # PyTorch takes this one from the optimizer, whatever the group says.
        common = {k: v for k, v in drawn[0].items() if k == "initial_accumulator_value"}
        made.append(getattr(library.optim, name)([{**group, **common} for group in groups], **common))
    return ours, theirs, *made


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
        largest = np.abs(value).max(initial=0.0)
        got = np.asarray(p.tolist()).reshape(p.shape)
        np.testing.assert_allclose(got, value, rtol=rtol, atol=rtol * (largest + 1e-3))


def compare_state(mine, its, ours, theirs, rtol):
    for p, q in zip(ours, theirs, strict=True):
        state = {k: v for k, v in its.state[q].items() if v is not None}
        assert mine.state.get(p, {}).keys() == state.keys()
        for key, value in state.items():
            wanted = value.numpy()
            scale = np.abs(wanted).max(initial=0.0) + 1e-6
            got = np.asarray(mine.state[p][key].tolist()).reshape(wanted.shape)
            np.testing.assert_allclose(got, wanted, rtol=20 * rtol, atol=20 * rtol * scale)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 1e-5), (np.float64, 1e-10)])
def test_two_hundred_steps(backend, name, seed, dtype, rtol):
    random = np.random.default_rng([seed, NAMES.index(name)])
    ours, theirs, mine, its = pair_of_two_groups(name, dtype, random)
    for _ in range(200):
        step_both(ours, theirs, random, dtype, mine, its, skip=0.2 if seed % 2 else 0.0)
    compare(ours, theirs, rtol)
    compare_state(mine, its, ours, theirs, rtol)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float64])
@pytest.mark.parametrize("as_they_are", [True, False])
def test_a_state_of_pytorch_is_taken_over(backend, name, dtype, as_they_are):
    random = np.random.default_rng(3)
    options = {"momentum": 0.9} if name == "SGD" else {"amsgrad": True} if name == "Adam" else {}
    ours, theirs, mine, its = pair(name, {"lr": 0.01, **options}, dtype, random)
    for _ in range(5):
        step_both(ours, theirs, random, dtype, its)
    state = its.state_dict()
    if not as_they_are:
        state = {**state, "state": {i: as_arrays(values) for i, values in state["state"].items()}}
    mine.load_state_dict(state)
    for p, q in zip(ours, theirs, strict=True):
        p.data.copy_(gpugrad.tensor(q.detach().numpy()))
    for _ in range(5):
        step_both(ours, theirs, random, dtype, mine, its)
    compare(ours, theirs, 1e-10)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float64])
def test_pytorch_takes_over_a_state(name, dtype):
    random = np.random.default_rng(4)
    options = {"momentum": 0.9} if name == "SGD" else {}
    ours, theirs, mine, its = pair(name, {"lr": 0.01, **options}, dtype, random)
    for _ in range(3):
        step_both(ours, theirs, random, dtype, mine)
    saved = mine.state_dict()
    as_torch = {i: {k: torch.tensor(v.numpy()) for k, v in s.items()} for i, s in saved["state"].items()}
    groups = [{**its.param_groups[0], **group} for group in saved["param_groups"]]
    its.load_state_dict({"state": as_torch, "param_groups": groups})
    with torch.no_grad():
        for p, q in zip(ours, theirs, strict=True):
            q.copy_(torch.tensor(np.asarray(p.detach())))
    for _ in range(3):
        step_both(ours, theirs, random, dtype, mine, its)
    compare(ours, theirs, 1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_a_state_dict_has_pytorchs_arrangement(name):
    options = {"momentum": 0.9} if name == "SGD" else {}
    ours, theirs, mine, its = pair(name, options, np.float32, np.random.default_rng(0))
    step_both(ours, theirs, np.random.default_rng(0), np.float32, mine, its)
    a, b = mine.state_dict(), its.state_dict()
    assert a.keys() == b.keys()
    assert a["state"].keys() == b["state"].keys()
    assert a["state"][0].keys() == b["state"][0].keys()
    assert {k: v.shape for k, v in a["state"][1].items()} == {k: tuple(v.shape) for k, v in b["state"][1].items()}
    assert a["param_groups"][0]["params"] == b["param_groups"][0]["params"]
    assert a["param_groups"][0].keys() <= b["param_groups"][0].keys()
    assert all(b["param_groups"][0][k] == v for k, v in a["param_groups"][0].items())


@pytest.mark.parametrize("name", [*NAMES, "LBFGS"])
def test_arguments_and_their_defaults_are_pytorchs(name):
    ours, theirs = (inspect.signature(getattr(module, name)).parameters for module in (optim, torch.optim))
    assert [n for n in theirs if n in ours] == list(ours)
    for key, parameter in ours.items():
        assert parameter.default == theirs[key].default
    left_out = {"foreach", "capturable", "differentiable", "fused"}
    assert set(theirs) - set(ours) <= left_out


def test_muon_in_bfloat16_goes_the_same_way(monkeypatch):
    monkeypatch.undo()
    random = np.random.default_rng(6)
    options = {"lr": 1.0, "weight_decay": 0.0}
    ours, theirs, mine, its = pair("Muon", options, np.float32, random)
    step_both(ours, theirs, random, np.float32, mine, its)
    for p, q in zip(ours, theirs, strict=True):
        assert np.abs(np.asarray(p.tolist()).reshape(p.shape) - q.detach().numpy()).max(initial=0.0) < 0.05


BAD = [
    *[(name, "lr", value) for name in NAMES for value in (-0.1,)],
    *[(name, "weight_decay", -1.0) for name in NAMES if "weight_decay" in TABLE[name]],
    *[(name, "eps", -1.0) for name in NAMES if "eps" in TABLE[name]],
    *[(name, "betas", value) for name in NAMES if "betas" in TABLE[name] for value in ((1.0, 0.9), (0.9, -0.1))],
    ("SGD", "momentum", -0.5),
    ("NAdam", "momentum_decay", -1.0),
    ("RMSprop", "alpha", -0.1),
    ("RMSprop", "momentum", -0.1),
    ("Adagrad", "lr_decay", -0.1),
    ("Adagrad", "initial_accumulator_value", -0.1),
    ("Adadelta", "rho", 1.5),
    ("Adadelta", "rho", -0.5),
    ("Rprop", "etas", (1.2, 0.5)),
    ("Rprop", "etas", (0.0, 1.2)),
    ("Muon", "momentum", -0.5),
    ("Muon", "adjust_lr_fn", "adamw"),
    ("LBFGS", "lr", -1.0),
]


@pytest.mark.parametrize(("name", "option", "value"), BAD)
def test_what_pytorch_refuses_is_refused_by_name(name, option, value):
    with pytest.raises(ValueError, match="."):
        getattr(torch.optim, name)([torch.ones(2, 2, requires_grad=True)], **{option: value})
    with pytest.raises(OptionError, match=option) as caught:
        getattr(optim, name)([gpugrad.ones((2, 2), requires_grad=True)], **{option: value})
    assert "\n" not in str(caught.value)


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
