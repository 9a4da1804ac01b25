"""LBFGS goes the way that PyTorch's goes: as many calls of the closure, the same points, the same memory."""

import numpy as np
import pytest

import gpugrad
from gpugrad import optim

torch = pytest.importorskip("torch")
torch.set_num_threads(1)


def quadratic(library, parameters):
    x, y = parameters
    scale = library.arange(1, 1 + 12, dtype=x.dtype)
    return (scale * (library.reshape(x, (-1,)) - 1) ** 2).sum() + ((y * y - 2) ** 2).sum() + (x.sum() * y.sum()) / 50


def rosenbrock(library, parameters):
    x, y = (library.reshape(p, (-1,)) for p in parameters)
    z = library.concat([x, y])
    return (100 * (z[1:] - z[:-1] ** 2) ** 2 + (1 - z[:-1]) ** 2).sum()


def logistic(library, parameters):
    x, y = parameters
    random = np.random.default_rng(5)
    a, b = (library.asarray(random.standard_normal((40, n)), dtype=x.dtype, device=x.device) for n in (12, 3))
    z = a @ library.reshape(x, (-1,)) + b @ y
    return library.log1p(library.exp(-z)).sum() + 0.1 * (x * x).sum() + 0.1 * (y * y).sum()


def closure_of(library, optimizer, parameters, loss_of, calls):
    def closure():
        optimizer.zero_grad()
        loss = loss_of(library, parameters)
        loss.backward()
        calls.append(loss.item())
        return loss

    return closure


def both(loss_of, options, steps, seed=0):
    random = np.random.default_rng(seed)
    values = [random.standard_normal((3, 4)) / 2, random.standard_normal(3) / 2]
    ours = [gpugrad.tensor(v, requires_grad=True) for v in values]
    theirs = [torch.tensor(v, requires_grad=True) for v in values]
    mine, its = optim.LBFGS(ours, **options), torch.optim.LBFGS(theirs, **options)
    calls, wanted = [], []
    for _ in range(steps):
        mine.step(closure_of(gpugrad, mine, ours, loss_of, calls))
        its.step(closure_of(torch, its, theirs, loss_of, wanted))
    return ours, theirs, mine, its, calls, wanted


@pytest.mark.parametrize(
    ("loss_of", "options", "steps"),
    [
        (quadratic, {"line_search_fn": "strong_wolfe"}, 3),
        (quadratic, {"lr": 0.1, "max_iter": 7}, 4),
        (quadratic, {"lr": 0.05, "history_size": 3, "max_iter": 12}, 3),
        (logistic, {"line_search_fn": "strong_wolfe", "history_size": 4, "max_iter": 4}, 5),
        (logistic, {"lr": 0.5}, 2),
        (logistic, {"line_search_fn": "strong_wolfe", "max_eval": 3}, 4),
        (logistic, {"line_search_fn": "strong_wolfe", "max_eval": 1, "max_iter": 2}, 2),
        (rosenbrock, {"line_search_fn": "strong_wolfe", "max_iter": 5}, 2),
        (rosenbrock, {"line_search_fn": "strong_wolfe", "lr": 30.0, "max_iter": 4}, 2),
        (rosenbrock, {"line_search_fn": "strong_wolfe", "lr": 1e-4, "max_iter": 4}, 2),
        (rosenbrock, {"lr": 1e-3, "tolerance_change": 1.0}, 3),
        (rosenbrock, {"lr": 1e-3, "tolerance_grad": 1e6}, 1),
    ],
)
def test_every_loss_that_the_closure_returns_is_the_same(backend, loss_of, options, steps):
    ours, theirs, mine, its, calls, wanted = both(loss_of, options, steps)
    assert len(calls) == len(wanted)
    np.testing.assert_allclose(calls, wanted, rtol=1e-9, atol=1e-12)
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(np.asarray(p.tolist()), q.detach().numpy(), rtol=1e-8, atol=1e-10)
    a, b = mine.state[ours[0]], its.state[theirs[0]]
    assert set(b) - set(a) <= {"al", *([] if b["n_iter"] else ["d", "t", "old_dirs", "old_stps", "ro", "H_diag"])}
    assert (a["func_evals"], a["n_iter"]) == (b["func_evals"], b["n_iter"])
    if "old_dirs" in b:
        assert len(a["old_dirs"]) == len(b["old_dirs"]) == len(a["ro"])


def test_rosenbrocks_valley_is_gone_through_in_as_many_calls():
    ours, theirs, _, _, calls, wanted = both(rosenbrock, {"line_search_fn": "strong_wolfe", "max_iter": 100}, 1, seed=2)
    assert abs(len(calls) - len(wanted)) <= 2, "at the bottom, where only rounding is left, they may part"
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(np.asarray(p.tolist()), q.detach().numpy(), rtol=1e-6)


@pytest.mark.parametrize("line_search_fn", [None, "strong_wolfe"])
def test_a_state_of_pytorch_is_taken_over(backend, line_search_fn):
    options = {"lr": 0.1, "max_iter": 3, "line_search_fn": line_search_fn}
    _ours, theirs, _mine, its, *_ = both(logistic, options, 2)
    fresh = [gpugrad.tensor(q.detach().numpy(), requires_grad=True) for q in theirs]
    resumed = optim.LBFGS(fresh, **options)
    resumed.load_state_dict(its.state_dict())
    for _ in range(2):
        resumed.step(closure_of(gpugrad, resumed, fresh, logistic, []))
        its.step(closure_of(torch, its, theirs, logistic, []))
    for p, q in zip(fresh, theirs, strict=True):
        np.testing.assert_allclose(np.asarray(p.tolist()), q.detach().numpy(), rtol=1e-9, atol=1e-11)
