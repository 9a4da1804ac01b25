"""A state that does not fit is refused with all that is wrong with it, and changes nothing."""

import copy
import math

import numpy as np
import pytest

import gpugrad
from gpugrad import optim
from gpugrad.errors import StateError


def trained(make, steps=2, **options):
    parameters = [gpugrad.ones(s, dtype=gpugrad.float64, requires_grad=True) for s in ((2, 3), (4,))]
    optimizer = make(parameters, **options)
    for i in range(steps):
        for p in parameters:
            p.grad = gpugrad.full(p.shape, i + 0.5, dtype=gpugrad.float64)
        optimizer.step()
    return optimizer, parameters


@pytest.mark.parametrize(
    ("make", "change", "fault"),
    [
        (optim.Adam, lambda s: s["state"][0].update(step=-1.0), "parameter 0: step must be a whole number of steps"),
        (optim.Adam, lambda s: s["state"][0].update(step=1.5), "parameter 0: step must be a whole number .* not 1.5"),
        (optim.Adam, lambda s: s["state"][0].update(step=math.nan), "step must be a whole number of steps, not nan"),
        (optim.Adam, lambda s: s["state"][0].update(step="two"), "step must be a whole number of steps, not 'two'"),
        (optim.Adam, lambda s: s["state"][0].update(step=gpugrad.ones(3)), "step must be a whole number of steps"),
        (optim.Adam, lambda s: s["state"][1].update(exp_avg="x"), "parameter 1: exp_avg must be an array .* not str"),
        (optim.Adam, lambda s: s["state"][1].update(exp_avg=[1, 2, 3, 4]), "exp_avg has dtype int64"),
        (optim.Adam, lambda s: s["state"][1].update(exp_avg=np.ones(4) + 1j), "exp_avg has dtype complex128"),
        (optim.SGD, lambda s: s["state"].update({0: {"exp_avg": 1.0}}), "'exp_avg' is nothing that this optimizer"),
        (optim.Adam, lambda s: s["state"].update({7: {}}), "parameter 7 is in its state and in no group"),
        (optim.Adam, lambda s: s["state"].update({0: [1]}), "parameter 0: it is list, not a dict"),
        (optim.NAdam, lambda s: s["state"][0].update(mu_product=math.inf), "mu_product must be a finite number"),
        (optim.Adam, lambda s: s.pop("state"), "it has no 'state', which a state_dict"),
        (optim.Adam, lambda s: s.update(param_groups=None), "it has no 'param_groups'"),
        (optim.Adam, lambda s: s.update(param_groups=[3]), "its param_groups are not dicts with a list of 'params'"),
        (optim.Adam, lambda s: s["param_groups"][0].update(betas=3), "group 0: betas must be two numbers, not 3"),
        (optim.Adam, lambda s: s["param_groups"].append(s["param_groups"][0]), r"groups of \[2, 2\] parameters"),
    ],
)
def test_a_fault_is_named_in_one_line_and_changes_nothing(backend, make, change, fault):
    optimizer, parameters = trained(make)
    before, values = str(optimizer.state_dict()), [p.tolist() for p in parameters]
    state = copy.deepcopy(optimizer.state_dict())
    change(state)
    with pytest.raises(StateError, match=fault) as caught:
        optimizer.load_state_dict(state)
    assert "\n" not in str(caught.value)
    assert str(optimizer.state_dict()) == before
    assert [p.tolist() for p in parameters] == values


@pytest.mark.parametrize("state", [None, 3, [], {}])
def test_what_is_no_state_is_refused(state):
    optimizer, _ = trained(optim.SGD)
    with pytest.raises(StateError, match="which a state_dict"):
        optimizer.load_state_dict(state)


def test_all_faults_come_at_once(backend):
    optimizer, _ = trained(optim.AdamW)
    state = copy.deepcopy(optimizer.state_dict())
    state["param_groups"][0]["eps"] = -1
    state["state"][0].update(exp_avg=gpugrad.zeros(5), exp_avg_sq=gpugrad.zeros(6))
    state["state"][1]["moment"] = gpugrad.zeros(4)
    with pytest.raises(StateError) as caught:
        optimizer.load_state_dict(state)
    lines = [line.strip() for line in str(caught.value).splitlines()]
    assert lines[0] == "the state does not fit AdamW:"
    assert [line.partition(" ")[0] for line in lines[1:]] == ["group", "parameter", "parameter", "parameter"]


def test_a_state_may_come_as_arrays_of_numpy_in_another_dtype(backend):
    optimizer, _ = trained(optim.Adam)
    other, parameters = trained(optim.Adam, steps=0)
    saved = optimizer.state_dict()
    as_numpy = {
        n: {k: np.asarray(v.to("cpu")).astype("float32") for k, v in values.items()}
        for n, values in saved["state"].items()
    }
    other.load_state_dict({**saved, "state": as_numpy})
    state = other.state[parameters[0]]
    assert state["exp_avg"].dtype == gpugrad.float64
    assert state["step"].item() == 2
    assert np.allclose(state["exp_avg"].tolist(), next(iter(optimizer.state.values()))["exp_avg"].tolist(), rtol=1e-6)


def test_a_parameter_that_the_state_leaves_out_begins_anew(backend):
    optimizer, (p, q) = trained(optim.Adagrad, initial_accumulator_value=2.0)
    saved = copy.deepcopy(optimizer.state_dict())
    del saved["state"][0]
    optimizer.load_state_dict(saved)
    assert list(optimizer.state) == [q]
    optimizer.step()
    assert optimizer.state[p]["sum"].tolist() == [[2.0 + 1.5**2] * 3] * 2


def test_a_new_parameter_of_a_group_begins_with_the_rate_of_that_step(backend):
    optimizer, _ = trained(optim.Rprop, lr=0.5)
    r = gpugrad.ones(2, dtype=gpugrad.float64, requires_grad=True)
    optimizer.param_groups[0]["params"].append(r)
    optimizer.param_groups[0]["lr"] = 0.25
    r.grad = gpugrad.ones(2, dtype=gpugrad.float64)
    optimizer.step()
    assert r.tolist() == [0.75, 0.75]
