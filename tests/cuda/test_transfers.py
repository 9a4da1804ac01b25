"""Training on a device goes on without the host: on a stand-in for CuPy that counts; no GPU code is run."""

from types import SimpleNamespace

import cuda_on_cpu
import fake_cupy
import numpy as np
import pytest

import gpugrad as gg
from gpugrad import nn, optim
from gpugrad.nn.utils import clip_grad_norm_, clip_grad_value_

OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-4),
    "SGD maximize": lambda p: optim.SGD(p, lr=1e-3, maximize=True),
    "Adam": lambda p: optim.Adam(p, lr=1e-2, amsgrad=True, weight_decay=1e-3),
    "AdamW": lambda p: optim.AdamW(p, lr=1e-2),
}
CLIPPING = {
    "norm": lambda p, o: (clip_grad_norm_(p, 0.1), o.step()),
    "largest": lambda p, o: (clip_grad_norm_(p, 0.1, norm_type=float("inf")), o.step()),
    "norm 3": lambda p, o: (clip_grad_norm_(p, 0.1, norm_type=3), o.step()),
    "value": lambda p, o: (clip_grad_value_(p, 0.01), o.step()),
    "in the step": lambda p, o: o.clip_and_step(0.1),
}
LOSSES = {
    "cross_entropy": (nn.CrossEntropyLoss(label_smoothing=0.1), lambda y: y),
    "mse": (nn.MSELoss(), lambda y: gg.astype(y[:, None] == gg.arange(3), gg.float32)),
    "binary": (nn.BCEWithLogitsLoss(), lambda y: gg.astype(y[:, None] == gg.arange(3), gg.float32)),
}


def network():
    return nn.Sequential(
        nn.Linear(8, 16), nn.Sigmoid(), nn.LayerNorm(16), nn.Linear(16, 16), nn.GELU(), nn.Dropout(0.1),
        nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 3),
    )  # fmt: skip


def trained(steps, optimizer, clip, loss, meetings=None):
    """Return the parameters after some steps on one batch; into `meetings` goes what the steps after the first cost."""
    random = np.random.default_rng(0)
    gg.manual_seed(0)
    model = network()
    parameters = list(model.parameters())
    optimizer = OPTIMIZERS[optimizer](parameters)
    schedule = optim.lr_scheduler.StepLR(optimizer, step_size=10)
    function, target = LOSSES[loss]
    x = gg.tensor(random.normal(size=(12, 8)).astype(np.float32))
    y = target(gg.tensor(random.integers(0, 3, 12)))
    for step in range(steps):
        optimizer.zero_grad(set_to_none=step % 2 == 0)
        function(model(x), y).backward()
        CLIPPING[clip](parameters, optimizer)
        schedule.step()
        if step == 0:
            fake_cupy.counts.reset()
    if meetings is not None:
        meetings.append(fake_cupy.counts.meetings)
    return [p.tolist() for p in parameters]


ROWS = [
    *(pytest.param(100, name, "norm", "cross_entropy", id=name) for name in OPTIMIZERS),
    *(pytest.param(5, "AdamW", name, "cross_entropy", id=name) for name in CLIPPING),
    *(pytest.param(5, "SGD", "norm", name, id=name) for name in LOSSES),
]


@pytest.fixture(params=["python", "c++"])
def kernels(request, monkeypatch):
    """Run the kernels' equivalents in Python, and the kernels' own text, compiled for this machine's processor."""
    if request.param == "c++":
        if fault := cuda_on_cpu.missing():
            pytest.skip(f"the kernels cannot be run: it {fault}")
        by_name = fake_cupy.runner.plugged.parameters
        monkeypatch.setattr(fake_cupy.runner, "plugged", SimpleNamespace(parameters=by_name, run=cuda_on_cpu.run))


@pytest.mark.parametrize("dtype", [gg.float16, gg.float32, gg.float64])
def test_kernels_are_called_with_what_they_read(fake_cuda, kernels, dtype):
    values = np.random.default_rng(0).normal(size=(3, 1001))
    found = {}
    for place in ("cpu", "cuda"):
        x = gg.tensor(values, dtype=dtype, device=place, requires_grad=True)
        gg.sigmoid(x[:, 1:].T).sum().backward()
        norm = clip_grad_norm_([x], 1.0)
        found[place] = [*x.grad.tolist(), [norm.item()]]
    assert fake_cupy.counts.launches == 5
    for here, there in zip(found["cpu"], found["cuda"], strict=True):
        np.testing.assert_allclose(there, here, rtol=2e-3 if dtype == gg.float16 else 4e-6)


@pytest.mark.parametrize(("steps", "optimizer", "clip", "loss"), ROWS)
def test_training_steps_neither_move_a_number_nor_wait(fake_cuda, steps, optimizer, clip, loss):
    meetings = []
    with gg.use_backend("cuda"):
        there = trained(steps, optimizer, clip, loss, meetings)
    assert meetings == [(0, 0, 0)]
    here = trained(steps, optimizer, clip, loss)
    for ours, theirs in zip(there, here, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)
