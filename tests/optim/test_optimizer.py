"""Groups, state and complaints: what a user gives an optimizer, and gets back."""

import copy
import inspect
import math
import pickle

import numpy as np
import pytest

import gpugrad
from gpugrad import nn, optim
from gpugrad.errors import OptionError, StateError

EVERY = [
    kind
    for kind in vars(optim).values()
    if isinstance(kind, type) and issubclass(kind, optim.Optimizer) and kind is not optim.Optimizer
]


def leaf(*shape):
    return gpugrad.ones(shape or (2,), requires_grad=True)


def trained(make, steps=3):
    gpugrad.manual_seed(1)
    parameters = [gpugrad.randn(s, dtype=gpugrad.float64).requires_grad_() for s in ((2, 3), (4,))]
    optimizer = make(parameters)
    train(optimizer, parameters, steps)
    return optimizer, parameters


def train(optimizer, parameters, steps, seed=2):
    gpugrad.manual_seed(seed)
    for _ in range(steps):
        for p in parameters:
            p.grad = gpugrad.randn(p.shape, dtype=gpugrad.float64)
        optimizer.step()


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"lr": -0.1}, r"lr must be .* not -0\.1"),
        ({"lr": math.nan}, "lr must be .* not nan"),
        ({"lr": math.inf}, "lr must be .* not inf"),
        ({"lr": "fast"}, "lr must be .* not 'fast'"),
        ({"lr": True}, "lr must be .* not True"),
        ({"weight_decay": -1}, "weight_decay must be .* not -1"),
    ],
)
def test_an_option_out_of_range_is_named_with_its_value(make, options, named):
    if not options.keys() <= inspect.signature(make).parameters.keys():
        return
    with pytest.raises(OptionError, match=named) as caught:
        make([leaf(2, 2)], **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"betas": (1.0, 0.9)}, r"betas\[0\] must be .* not 1\.0"),
        ({"betas": (0.9, -0.1)}, r"betas\[1\] must be .* not -0\.1"),
        ({"betas": 0.9}, r"betas must be two numbers, not 0\.9"),
        ({"eps": -1e-8}, "eps must be .* not -1e-08"),
    ],
)
@pytest.mark.parametrize("make", [optim.Adam, optim.AdamW, optim.Adamax, optim.NAdam, optim.RAdam, optim.LAMB])
def test_adam_and_its_kin_check_their_betas(make, options, named):
    with pytest.raises(OptionError, match=named):
        make([leaf()], **options)


@pytest.mark.parametrize(
    ("make", "options", "named"),
    [
        (optim.NAdam, {"momentum_decay": -1}, "momentum_decay must be .* not -1"),
        (optim.RMSprop, {"alpha": -0.5}, "alpha must be .* not -0.5"),
        (optim.RMSprop, {"momentum": math.nan}, "momentum must be .* not nan"),
        (optim.Adagrad, {"initial_accumulator_value": -1}, "initial_accumulator_value must be .* not -1"),
        (optim.Adadelta, {"rho": 1.5}, "rho must be from 0 to 1, not 1.5"),
        (optim.Rprop, {"etas": (1.5, 0.5)}, r"etas must be one between 0 and 1 and one above 1, not \(1.5, 0.5\)"),
        (optim.Rprop, {"etas": 0.5}, "etas must be two numbers, not 0.5"),
        (optim.Rprop, {"step_sizes": (2, 1)}, r"step_sizes must be the smallest and the largest, not \(2, 1\)"),
        (optim.Rprop, {"step_sizes": (-1, 1)}, r"step_sizes\[0\] must be .* not -1"),
        (optim.ASGD, {"t0": math.inf}, "t0 must be a finite number, not inf"),
        (optim.ASGD, {"alpha": "1"}, "alpha must be a finite number, not '1'"),
        (optim.Muon, {"ns_steps": 100}, "ns_steps must be below 100, not 100"),
        (optim.Muon, {"ns_steps": 2.5}, "ns_steps must be an integer of at least 0, not 2.5"),
        (optim.Muon, {"ns_coefficients": (1, 2)}, r"ns_coefficients must be three numbers, not \(1, 2\)"),
        (optim.Muon, {"adjust_lr_fn": "adamw"}, "adjust_lr_fn must be 'original', .* not 'adamw'"),
        (optim.LBFGS, {"max_iter": 0}, "max_iter must be an integer of at least 1, not 0"),
        (optim.LBFGS, {"max_iter": None}, "max_iter must be an integer of at least 1, not None"),
        (optim.LBFGS, {"max_eval": 0}, "max_eval must be an integer of at least 1, not 0"),
        (optim.LBFGS, {"history_size": 1.5}, "history_size must be an integer of at least 1, not 1.5"),
        (optim.LBFGS, {"line_search_fn": "wolfe"}, "line_search_fn must be 'strong_wolfe' or None, not 'wolfe'"),
    ],
)
def test_what_only_one_of_them_has_is_checked_too(make, options, named):
    with pytest.raises(OptionError, match=named):
        make([leaf(2, 2)], **options)


def test_numbers_of_numpy_are_numbers(backend):
    p = leaf()
    optimizer = optim.Adam([{"params": [p], "eps": np.float32(1e-3)}], lr=np.float64(0.5))
    assert type(optimizer.param_groups[0]["lr"]) is float
    assert type(optimizer.param_groups[0]["eps"]) is float
    p.grad = gpugrad.ones(2)
    optimizer.step()
    assert p.dtype == gpugrad.float32


@pytest.mark.parametrize(
    "options", [{"momentum": -0.9}, {"nesterov": True}, {"momentum": 0.9, "dampening": 0.1, "nesterov": True}]
)
def test_sgd_checks_its_momentum(options):
    with pytest.raises(OptionError, match="momentum"):
        optim.SGD([leaf()], lr=0.1, **options)


def test_parameters_that_cannot_be_trained_are_refused(backend):
    p = leaf()
    for parameters, error, named in [
        ([], OptionError, "SGD got an empty parameter list"),
        ([p, p], OptionError, r"shape \(2,\) and dtype float32 is among the parameters twice"),
        ([p * 2], OptionError, "not a leaf"),
        ([gpugrad.ones(2, dtype=gpugrad.int64)], OptionError, "int64: a real floating-point dtype is needed"),
        (p, TypeError, "put the single tensor in a list"),
        ([np.ones(2)], TypeError, "not ndarray"),
        ([{"params": {p}}], TypeError, "not a set"),
    ]:
        with pytest.raises(error, match=named):
            optim.SGD(parameters)


def test_a_bad_group_leaves_the_optimizer_as_it_was(backend):
    p = leaf()
    optimizer = optim.SGD([p])
    for group in ({"params": [p]}, {"params": [leaf()], "lr": -1}):
        with pytest.raises(OptionError):
            optimizer.add_param_group(group)
    assert len(optimizer.param_groups) == 1
    optimizer.step()


def test_groups_have_options_of_their_own(backend):
    p, q, r = leaf(), leaf(), leaf()
    optimizer = optim.SGD([{"params": [p]}, {"params": q, "lr": 0.5}], lr=0.25)
    optimizer.add_param_group({"params": [r], "lr": 1.0})
    for x in (p, q, r):
        x.grad = gpugrad.ones(2)
    optimizer.step()
    assert [x.tolist()[0] for x in (p, q, r)] == [0.75, 0.5, 0.0]


def test_named_parameters_keep_their_names(backend):
    net = nn.Linear(2, 1)
    optimizer = optim.Adam(net.named_parameters())
    assert optimizer.param_groups[0]["params"] == [net.weight, net.bias]
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]
    optim.Adam(net.parameters()).load_state_dict(optimizer.state_dict())
    with pytest.raises(TypeError, match="not tuple"):
        optim.Adam([("weight", net.weight), net.bias])


def test_a_rate_changed_in_the_group_counts_at_the_next_step(backend):
    p = leaf()
    optimizer = optim.SGD([p], lr=1.0)
    optimizer.param_groups[0]["lr"] = 0.5
    p.grad = gpugrad.ones(2)
    optimizer.step()
    assert p.tolist() == [0.5, 0.5]


def test_zero_grad_forgets_or_writes_zeros(backend):
    p = leaf()
    optimizer = optim.SGD([p])
    p.grad = mine = gpugrad.ones(2)
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is mine
    assert mine.tolist() == [0.0, 0.0]
    optimizer.zero_grad()
    assert p.grad is None


def test_the_closure_computes_gradients_even_under_no_grad(backend):
    p = leaf()
    optimizer = optim.SGD([p], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with gpugrad.no_grad():
        assert optimizer.step(closure).item() == 2.0
    assert p.tolist() == [0.0, 0.0]


MAKERS = [
    lambda p: optim.SGD(p, lr=0.1),
    lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
    lambda p: optim.Adam(p, lr=0.1),
    lambda p: optim.Adam(p, lr=0.1, amsgrad=True),
    lambda p: optim.AdamW(p, lr=0.1),
    lambda p: optim.Adamax(p, lr=0.1),
    lambda p: optim.NAdam(p, lr=0.1, momentum_decay=0.1),
    lambda p: optim.RAdam(p, lr=0.1, betas=(0.9, 0.99)),
    lambda p: optim.RMSprop(p, lr=0.1, momentum=0.9, centered=True),
    lambda p: optim.Adagrad(p, lr=0.1, initial_accumulator_value=1.0),
    lambda p: optim.Adadelta(p),
    lambda p: optim.Rprop(p, lr=0.1),
    lambda p: optim.ASGD(p, lr=0.1, t0=2, lambd=0.1),
    lambda p: optim.Lion(p, lr=0.1),
    lambda p: optim.LAMB(p, lr=0.1),
]


@pytest.mark.parametrize("make", MAKERS)
def test_a_run_taken_up_again_goes_on_as_if_never_interrupted(backend, make):
    optimizer, parameters = trained(make)
    saved = copy.deepcopy(optimizer.state_dict())
    others = [gpugrad.tensor(p.detach(), requires_grad=True) for p in parameters]
    resumed = make(others)
    resumed.load_state_dict(saved)
    train(optimizer, parameters, 3, seed=5)
    train(resumed, others, 3, seed=5)
    assert [p.tolist() for p in others] == [p.tolist() for p in parameters]
    assert str(resumed.state_dict()) == str(optimizer.state_dict())


@pytest.mark.parametrize("make", MAKERS)
def test_the_state_of_a_new_optimizer_makes_one_new(backend, make):
    optimizer, parameters = trained(make)
    fresh = [gpugrad.tensor(p.detach(), requires_grad=True) for p in parameters]
    new = make(fresh)
    optimizer.load_state_dict(new.state_dict())
    assert optimizer.state == {}
    train(optimizer, parameters, 2)
    train(new, fresh, 2)
    assert [p.tolist() for p in parameters] == [p.tolist() for p in fresh]


@pytest.mark.parametrize("make", MAKERS)
def test_loading_copies_the_state(backend, make):
    optimizer, parameters = trained(make)
    saved = optimizer.state_dict()
    other = make([gpugrad.tensor(p.detach(), requires_grad=True) for p in parameters])
    other.load_state_dict(saved)
    before = str(other.state_dict())
    train(optimizer, parameters, 1)
    assert str(other.state_dict()) == before


@pytest.mark.parametrize("make", MAKERS)
def test_a_pickled_optimizer_goes_on(make):
    optimizer, parameters = trained(make)
    others, resumed = pickle.loads(pickle.dumps((parameters, optimizer)))
    assert resumed.param_groups[0]["params"][0] is others[0]
    train(optimizer, parameters, 2)
    train(resumed, others, 2)
    assert [p.tolist() for p in others] == [p.tolist() for p in parameters]


def test_a_state_that_does_not_fit_changes_nothing(backend):
    optimizer, _ = trained(optim.Adam)
    before = str(optimizer.state_dict())
    few, _ = trained(lambda p: optim.Adam(p[:1]))
    with pytest.raises(StateError, match=r"fit Adam: it has groups of \[1\] parameters, and the optimizer of \[2\]"):
        optimizer.load_state_dict(few.state_dict())
    wrong = copy.deepcopy(optimizer.state_dict())
    wrong["state"][1]["exp_avg"] = gpugrad.zeros(7)
    with pytest.raises(StateError, match=r"parameter 1: exp_avg has shape \(7,\), and its parameter \(4,\)"):
        optimizer.load_state_dict(wrong)
    wrong["param_groups"][0]["lr"] = -1
    with pytest.raises(StateError, match=r"\n    group 0: lr must be .* not -1\n    parameter 1: exp_avg has shape"):
        optimizer.load_state_dict(wrong)
    assert str(optimizer.state_dict()) == before


def test_the_state_shows_the_moments_and_takes_writes(backend):
    optimizer, (p, _) = trained(lambda p: optim.SGD(p, lr=0.1, momentum=0.9))
    buffer = optimizer.state[p]["momentum_buffer"]
    assert buffer.shape == p.shape
    buffer.zero_()
    assert optimizer.state[p]["momentum_buffer"].tolist() == [[0.0] * 3] * 2


def test_an_optimizer_prints_its_groups():
    text = repr(optim.SGD(nn.Linear(1, 1).parameters(), lr=0.5))
    assert text.splitlines()[:2] == ["SGD (", "Parameter Group 0"]
    assert "    lr: 0.5" in text.splitlines()


def test_an_optimizer_without_a_rule_cannot_be_made():
    with pytest.raises(TypeError, match="abstract"):
        optim.Optimizer([leaf()], {})


def test_groups_that_a_user_edits_train_what_they_hold(backend):
    kept, dropped, added, moved = (leaf(2) for _ in range(4))
    optimizer = optim.SGD([{"params": [dropped]}, {"params": [kept, moved]}], lr=0.5, momentum=0.9)

    def step():
        optimizer.zero_grad()
        sum((p for p in (kept, dropped, added, moved)), gpugrad.zeros(())).sum().backward()
        optimizer.step()
        return [p.tolist()[0] for p in (kept, dropped, added, moved)]

    assert step() == [0.5, 0.5, 1, 0.5]
    del optimizer.param_groups[0]
    optimizer.param_groups[0]["params"].append(added)
    assert step() == pytest.approx([-0.45, 0.5, 0.5, -0.45])
    optimizer.param_groups[0]["params"] = [added]
    optimizer.param_groups.append({**optimizer.param_groups[0], "params": [moved], "lr": 1.0})
    assert step() == pytest.approx([-0.45, 0.5, -0.45, -0.45 - 2.71])
