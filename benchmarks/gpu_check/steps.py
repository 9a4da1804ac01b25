"""The time of a training step of three MLPs, beside torch's at the same precision, from the same weights and batch.

A step is forward, cross-entropy, backward, clipping by the global norm, and AdamW. Everything is float32; TF32 is off
on both sides, and both are used eagerly: torch with its fused AdamW, gpugrad with `clip_and_step`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import gpugrad
from gpu_check.part import FAILED, NOT_RUN, PASSED, Part, Table
from gpu_check.timing import seconds

_rate, _decay, _max_norm = 1e-3, 0.01, 1.0
_agreement = 1e-3
"""The largest relative difference between the losses of the two, after the same few steps."""


@dataclass(frozen=True)
class Problem:
    """The sizes of an MLP's layers, and of a batch."""

    sizes: tuple[int, ...]
    batch: int

    def __str__(self) -> str:
        return f"{'-'.join(map(str, self.sizes))}, batch {self.batch}"

    def data(self) -> tuple[Any, Any, list[tuple[Any, Any]]]:
        """Return a batch, its labels, and weights (out, in) with biases, all on the host."""
        random = np.random.default_rng(0)
        x = random.standard_normal((self.batch, self.sizes[0]), dtype=np.float32)
        y = random.integers(0, self.sizes[-1], self.batch)
        layers = []
        for fan_in, fan_out in zip(self.sizes, self.sizes[1:], strict=False):
            shapes, bound = ((fan_out, fan_in), fan_out), fan_in**-0.5
            layers.append(tuple(random.uniform(-bound, bound, shape).astype(np.float32) for shape in shapes))
        return x, y, layers


PROBLEMS = (
    Problem((784, 128, 10), 64),
    Problem((784, 512, 512, 10), 256),
    Problem((1024, 4096, 4096, 10), 8192),
)


def _layers(nn: Any, problem: Problem) -> list[Any]:
    """Return an MLP's layers, made by either library: both know them by the same names."""
    made = []
    for fan_in, fan_out in zip(problem.sizes, problem.sizes[1:], strict=False):
        made += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return made[:-1]


def ours(problem: Problem) -> Callable[[], Any]:
    """Return a function that does a step with gpugrad, on the device of new tensors, and returns the loss."""
    x, y, layers = problem.data()
    model = gpugrad.nn.Sequential(*_layers(gpugrad.nn, problem))
    with gpugrad.autograd.no_grad():
        for layer, (weight, bias) in zip(list(model)[::2], layers, strict=True):
            layer.weight.copy_(gpugrad.asarray(weight))
            layer.bias.copy_(gpugrad.asarray(bias))
    inputs, labels = gpugrad.asarray(x), gpugrad.asarray(y)
    optimizer = gpugrad.optim.AdamW(model.parameters(), lr=_rate, weight_decay=_decay)

    def step() -> Any:
        optimizer.zero_grad()
        loss = gpugrad.nn.functional.cross_entropy(model(inputs), labels)
        loss.backward()
        optimizer.clip_and_step(_max_norm)
        return loss

    return step


def theirs(torch: Any, problem: Problem, device: str) -> Callable[[], Any]:
    """Return a function that does the same step with torch."""
    torch.set_float32_matmul_precision("highest")
    x, y, layers = problem.data()
    model = torch.nn.Sequential(*_layers(torch.nn, problem)).to(device)
    with torch.no_grad():
        for layer, (weight, bias) in zip(list(model)[::2], layers, strict=True):
            layer.weight.copy_(torch.from_numpy(weight))
            layer.bias.copy_(torch.from_numpy(bias))
    inputs, labels = torch.from_numpy(x).to(device), torch.from_numpy(y).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=_rate, weight_decay=_decay, fused=True)

    def step() -> Any:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(inputs), labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), _max_norm)
        optimizer.step()
        return loss

    return step


def torch_or_reason(device: str) -> tuple[Any, str]:
    """Return torch where it can compute on the device, else None and why not."""
    try:
        torch = importlib.import_module("torch")
    except Exception as error:  # a torch whose libraries are missing raises what it likes
        return None, "torch is not installed" if isinstance(error, ModuleNotFoundError) else f"torch: {error}"
    if device == "cuda" and not torch.cuda.is_available():
        return None, f"torch {torch.__version__} sees no CUDA device"
    return torch, ""


def _median(step: Callable[[], Any], windows: int, window: float, most: int) -> float:
    """Return the seconds of a step, from windows of as many steps as fill `window` seconds, and `most` at most."""
    once = seconds(lambda i: step(), calls=3, windows=1)
    calls = max(3, min(most, round(window / once)))
    return seconds(lambda i: step(), calls, windows, warm_up=max(3, calls // 5))


def compared(
    problem: Problem, torch: Any, device: str, windows: int, window: float, most: int
) -> tuple[tuple[str, ...], bool]:
    """Return a row of the table, and whether both libraries came to the same loss."""
    step = ours(problem)
    losses = [step().item() for _ in range(5)]
    our_time = _median(step, windows, window, most)
    del step
    if torch is None:
        return (str(problem), f"{1e3 * our_time:.3f}", "-", "-", f"{losses[-1]:.6f}"), bool(np.isfinite(losses[-1]))
    step = theirs(torch, problem, device)
    expected = [step().item() for _ in range(5)]
    their_time = _median(step, windows, window, most)
    same = bool(np.allclose(losses, expected, rtol=_agreement))
    shown = f"{losses[-1]:.6f}, " + (f"torch {expected[-1]:.6f}" if same else f"and torch's is {expected[-1]:.6f}")
    times = f"{1e3 * our_time:.3f}", f"{1e3 * their_time:.3f}", f"{our_time / their_time:.2f}"
    return (str(problem), *times, shown), same


def check(
    problems: tuple[Problem, ...] = PROBLEMS,
    device: str = "cuda",
    windows: int = 7,
    window: float = 0.4,
    most: int = 400,
) -> Part:
    """Time every problem, beside torch where it is installed."""
    torch, why = torch_or_reason(device)
    rows, different = [], []
    for problem in problems:
        row, same = compared(problem, torch, device, windows, window, most)
        rows.append(row)
        if not same:
            different.append(row[0])
    columns = ("MLP", "gpugrad, ms", "torch, ms", "gpugrad / torch", "loss after 5 steps")
    summary = "both eager, float32 without TF32" if torch else f"float32 without TF32; torch: {NOT_RUN}, {why}"
    if different:
        summary += f"; the losses differ or are not finite: {'; '.join(different)}"
    return Part("steps", FAILED if different else PASSED, summary, [Table("steps", columns, rows)])
