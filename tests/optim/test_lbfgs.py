"""What LBFGS asks of a user, and what it leaves behind when something goes wrong."""

import copy

import numpy as np
import pytest

import gpugrad
from gpugrad import optim
from gpugrad._graph import watching
from gpugrad.errors import OptionError, StateError


def problem(**options):
    p = gpugrad.tensor([3.0, -2.0, 1.0], dtype=gpugrad.float64, requires_grad=True)
    optimizer = optim.LBFGS([p], **{"line_search_fn": "strong_wolfe", **options})

    def closure():
        optimizer.zero_grad()
        loss = ((p - 1) ** 4).sum() + (p * p).sum()
        loss.backward()
        return loss

    return p, optimizer, closure


def test_a_step_needs_a_closure(backend):
    _p, optimizer, _ = problem()
    for step in (optimizer.step, lambda: optimizer.clip_and_step(1.0)):
        with pytest.raises(TypeError, match=r"LBFGS\.step needs a closure that clears the gradients"):
            step()


def test_groups_and_mixtures_are_refused_in_one_line(backend):
    p, q = gpugrad.ones(2, requires_grad=True), gpugrad.ones(2, dtype=gpugrad.float64, requires_grad=True)
    with pytest.raises(OptionError, match="one dtype on one device, and these are float32 on .*, float64 on "):
        optim.LBFGS([p, q])
    with pytest.raises(OptionError, match="LBFGS takes one group of parameters, not 2"):
        optim.LBFGS([{"params": [p]}, {"params": [q]}])
    with pytest.raises(OptionError, match="LBFGS has one group of parameters"):
        optim.LBFGS([p]).add_param_group({"params": [q]})


@pytest.mark.parametrize("line_search_fn", [None, "strong_wolfe"])
@pytest.mark.parametrize("call", [1, 2, 4])
def test_a_closure_that_raises_leaves_everything_as_it_was(backend, line_search_fn, call):
    p, optimizer, closure = problem(line_search_fn=line_search_fn, lr=0.1)
    optimizer.step(closure)
    before, state, left = p.tolist(), str(optimizer.state_dict()), [call]

    def failing():
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return closure()

    with pytest.raises(KeyboardInterrupt):
        optimizer.step(failing)
    assert p.tolist() == before
    assert str(optimizer.state_dict()) == state


def test_a_loss_that_is_nan_ends_the_search_and_not_the_program(backend):
    p = gpugrad.tensor([4.0], dtype=gpugrad.float64, requires_grad=True)
    optimizer = optim.LBFGS([p], lr=10.0, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        with np.errstate(invalid="ignore"):
            loss = (gpugrad.sqrt(p) - 1).sum() ** 2  # NaN beyond 0
        loss.backward()
        return loss

    optimizer.step(closure)


def test_nothing_to_do_costs_one_call(backend):
    p, optimizer, closure = problem(tolerance_grad=1e9)
    before = p.tolist()
    assert optimizer.step(closure).item() > 0
    assert p.tolist() == before
    assert optimizer.state[p] == {"func_evals": 1, "n_iter": 0}


def test_parameters_without_a_gradient_or_without_elements_stay(backend):
    p, still, empty = (gpugrad.ones(n, dtype=gpugrad.float64, requires_grad=True) for n in (2, 3, 0))
    optimizer = optim.LBFGS([empty, still, p], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (p * p * p * p).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert still.tolist() == [1.0] * 3 and p.tolist()[0] < 1


def test_a_loss_may_be_a_number(backend):
    _p, optimizer, closure = problem()
    assert type(optimizer.step(lambda: closure().item())) is float


def test_a_model_that_moves_takes_its_history_along(devices):
    p, optimizer, closure = problem()
    optimizer.step(closure)
    p.data = p.detach().to(dtype=gpugrad.float32, device=devices[-1])
    p.grad = None
    optimizer.step(closure)
    assert optimizer.state[p]["d"].device == p.device
    assert optimizer.state[p]["old_dirs"][0].dtype == gpugrad.float32
    assert p.tolist() == pytest.approx([0.4102454876] * 3, rel=1e-4)


def test_a_history_of_other_parameters_is_refused(backend):
    _p, optimizer, closure = problem()
    optimizer.step(closure)
    optimizer.param_groups[0]["params"].append(gpugrad.ones(2, dtype=gpugrad.float64, requires_grad=True))
    with pytest.raises(OptionError, match="have 5 elements, and had 3 in earlier steps"):
        optimizer.step(closure)


def test_the_history_keeps_to_its_size(backend):
    p, optimizer, closure = problem(history_size=2, max_iter=8, tolerance_change=0.0)
    optimizer.step(closure)
    assert len(optimizer.state[p]["old_dirs"]) == len(optimizer.state[p]["ro"]) == 2
    optimizer.param_groups[0]["history_size"] = 1
    p.data.fill_(5.0)
    optimizer.step(closure)
    assert len(optimizer.state[p]["old_stps"]) == 1


def test_a_state_that_does_not_fit_is_refused_with_every_fault(backend):
    _p, optimizer, closure = problem()
    optimizer.step(closure)
    before, wrong = str(optimizer.state_dict()), copy.deepcopy(optimizer.state_dict())
    wrong["state"][0].update(d=gpugrad.zeros(4), ro=[], H_diag="much", colour="red")
    with pytest.raises(StateError) as caught:
        optimizer.load_state_dict(wrong)
    for fault in (
        r"parameter 0: d has shape (4,), and its parameter (3,)",
        "parameter 0: H_diag must be a finite number, not 'much'",
        "parameter 0: 'colour' is nothing that LBFGS keeps",
        "parameter 0: old_dirs, old_stps and ro differ in length",
    ):
        assert fault in str(caught.value)
    assert str(optimizer.state_dict()) == before
    with pytest.raises(StateError, match="with the first parameter"):
        optimizer.load_state_dict({**wrong, "state": {0: 7}})


def test_watchers_are_told_of_every_move(backend):
    seen = []

    class Moves(watching.Watcher):
        def act(self, name, node, values, run):
            seen.append((name, len(values)))
            return run()

    _, optimizer, closure = problem(max_iter=2)
    with watching.watch(Moves()):
        optimizer.step(closure)
    assert seen.count(("LBFGS.step", 1)) >= 3


@pytest.mark.parametrize(("gradient", "step"), [([3.0, -1.0], 0.5 / 4), ([0.25, 0.25], 0.5)])
def test_the_first_step_is_no_longer_than_the_rate(backend, gradient, step):
    p = gpugrad.zeros(2, dtype=gpugrad.float64, requires_grad=True)
    g = gpugrad.tensor(gradient, dtype=gpugrad.float64)
    optimizer = optim.LBFGS([p], lr=0.5, max_iter=1)

    def closure():
        optimizer.zero_grad()
        loss = (p * g).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert p.tolist() == pytest.approx([-step * value for value in gradient])
