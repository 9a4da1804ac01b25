"""Averages of weights and their schedule, beside PyTorch's."""

import warnings

import numpy as np
import pytest

import gpugrad
from gpugrad import nn, optim

torch = pytest.importorskip("torch")


def nets(library):
    parts = library.nn
    return parts.Sequential(parts.Linear(3, 4), parts.BatchNorm1d(4), parts.Tanh(), parts.Linear(4, 2))


# PyTorch's own mean of lists raises for the integer buffer of BatchNorm.
CASES = [(a, b) for a in ("swa", "swa multi", "ema", "ema multi", "default") for b in (False, True)]
CASES.remove(("swa multi", True))


@pytest.mark.parametrize(("average", "use_buffers"), CASES)
def test_the_average_and_what_it_computes_are_the_same(backend, average, use_buffers):
    swa, wanted = optim.swa_utils, torch.optim.swa_utils
    options = [
        {
            "swa": {"avg_fn": m.get_swa_avg_fn()},
            "swa multi": {"multi_avg_fn": m.get_swa_multi_avg_fn()},
            "ema": {"avg_fn": m.get_ema_avg_fn(0.9)},
            "ema multi": {"multi_avg_fn": m.get_ema_multi_avg_fn(0.9)},
            "default": {},
        }[average]
        for m in (swa, wanted)
    ]
    theirs = nets(torch)
    ours = nets(gpugrad)
    mine = swa.AveragedModel(ours, use_buffers=use_buffers, **options[0])
    its = wanted.AveragedModel(theirs, use_buffers=use_buffers, **options[1])
    random = np.random.default_rng(0)
    for _ in range(5):
        with torch.no_grad():
            for p in theirs.parameters():
                p.copy_(torch.tensor(random.standard_normal(p.shape)))
            theirs[1].running_mean.copy_(torch.tensor(random.standard_normal(4)))
        ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
        mine.update_parameters(ours)
        its.update_parameters(theirs)
    state = {k: v.numpy() for k, v in its.state_dict().items()}
    assert set(mine.state_dict()) == set(state)
    for name, value in mine.state_dict().items():
        np.testing.assert_allclose(np.asarray(value.tolist()), state[name], rtol=1e-5, atol=1e-6)
    x = random.standard_normal((3, 8, 3)).astype("float32")
    swa.update_bn([gpugrad.tensor(b) for b in x], mine)
    wanted.update_bn([torch.tensor(b) for b in x], its)
    found = mine.eval()(gpugrad.tensor(x[0]))
    np.testing.assert_allclose(np.asarray(found.tolist()), its.eval()(torch.tensor(x[0])).detach().numpy(), atol=1e-5)


@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("epochs", [0, 1, 7])
@pytest.mark.parametrize("swa_lr", [0.05, [0.05, 2.0]])
def test_the_schedule_gives_the_same_rates(strategy, epochs, swa_lr):
    rates = []
    for library in (gpugrad, torch):
        groups = [{"params": [library.ones(1, requires_grad=True)], "lr": lr} for lr in (0.3, 1.0)]
        optimizer = library.optim.SGD(groups, lr=0.1)
        decay = library.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
        schedule = library.optim.swa_utils.SWALR(optimizer, swa_lr, anneal_epochs=epochs, anneal_strategy=strategy)
        seen = [[group["lr"] for group in optimizer.param_groups]]
        for epoch in range(14):
            optimizer.step()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                (decay if epoch < 4 else schedule).step()
            seen.append([group["lr"] for group in optimizer.param_groups])
        rates.append(seen)
    np.testing.assert_allclose(rates[0], rates[1], rtol=1e-10)


def test_modules_have_the_names_of_pytorchs():
    assert set(torch.optim.swa_utils.__all__) == set(optim.swa_utils.__all__)
    assert issubclass(optim.swa_utils.AveragedModel, nn.Module)
