"""What a step of each optimizer costs: 200 tensors like those of an MLP, 784-512-512-10 and many small layers.

Beside it, in the same run and taken in turn: torch's of the same name where it is installed, as it is by default on a
CPU (its loop over the tensors) and, where it has one, fused; one thread each. Goal: at most torch's loop.

    python benchmarks/optimizers.py [name ...]
"""

from __future__ import annotations

import os
import statistics
import sys
import time

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np

import gpugrad

try:
    import torch

    torch.set_num_threads(1)
except ImportError:
    torch = None

# Six tensors of the three large layers, and 97 small layers of a weight and a bias each.
SHAPES = [(512, 784), (512,), (512, 512), (512,), (10, 512), (10,)] + [(64, 64), (64,)] * 97
OPTIONS = {
    "SGD": {},
    "SGD momentum": {"momentum": 0.9},
    "Adam": {},
    "AdamW": {},
    "Adamax": {},
    "NAdam": {},
    "RAdam": {},
    "RMSprop": {},
    "Adagrad": {},
    "Adadelta": {},
    "Rprop": {},
    "ASGD": {},
    "Lion": {},
    "LAMB": {},
    "Muon": {},
}


def steps_of(name):
    """Return what is timed: our step, torch's, and torch's fused one, as far as they are there."""
    kind, options = name.split()[0], {"lr": 1e-5, **OPTIONS[name]}
    shapes = [shape for shape in SHAPES if len(shape) == 2] if kind == "Muon" else SHAPES
    random = np.random.default_rng(0)
    values = [random.standard_normal(shape).astype(np.float32) for shape in shapes]
    steps = {"gpugrad": made(gpugrad, kind, values, options)}
    if torch is not None and hasattr(torch.optim, kind):
        steps["torch"] = made(torch, kind, values, options)
        if kind in ("SGD", "Adam", "AdamW", "Adagrad"):
            steps["torch, fused"] = made(torch, kind, values, {**options, "fused": True})
    return steps


def made(library, kind, values, options):
    parameters = [library.tensor(value, requires_grad=True) for value in values]
    for p, value in zip(parameters, values, strict=True):
        p.grad = library.tensor(value)
    return getattr(library.optim, kind)(parameters, **options).step


def measured(steps, rounds=15):
    """Return the median milliseconds of each step and of the ratios within each round."""
    for step in steps.values():
        for _ in range(7):  # RAdam goes without its scaling for five steps
            step()
    times = {who: [] for who in steps}
    for _ in range(rounds):
        for who, step in steps.items():
            start = time.perf_counter()
            step()
            times[who].append(1e3 * (time.perf_counter() - start))
    ours = times["gpugrad"]
    ratios = {who: statistics.median(a / b for a, b in zip(ours, t, strict=True)) for who, t in times.items()}
    return statistics.median(ours), ratios


def main(names):
    count = sum(int(np.prod(shape)) for shape in SHAPES)
    print(f"{len(SHAPES)} float32 tensors, {count / 1e6:.2f} million elements; numpy {np.__version__}, "
          f"torch {torch.__version__ if torch else 'not here'}")  # fmt: skip
    print(f"{'':14} {'gpugrad':>10} {'/ torch':>8} {'/ torch, fused':>15}")
    for name in names or OPTIONS:
        ours, ratios = measured(steps_of(name))
        shown = [f"{ratios[who]:.2f}" if who in ratios else "-" for who in ("torch", "torch, fused")]
        print(f"{name:14} {ours:7.2f} ms {shown[0]:>8} {shown[1]:>15}")


if __name__ == "__main__":
    main(sys.argv[1:])
