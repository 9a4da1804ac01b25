"""What the gradient of picking elements costs: take, rows of a table, one element of each row, pairs of indices.

Beside it, in the same run and taken in turn: `np.add.at` alone on the same arrays, and torch, where it is installed.
Times are those of the processor, the read included. Goal: 1.5 times torch at most.

    python benchmarks/picking.py
"""

from __future__ import annotations

import os
import statistics
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

random = np.random.default_rng(0)
N = 1000
INDICES = random.integers(0, N, N)
EACH = random.integers(0, N, (N, N))
ROWS = np.arange(N)[:, None]
CASES = {  # name: shape of the table, key of the read
    "take along axis 1": ((N, N), (slice(None), INDICES)),
    "take along axis 0": ((N, N), (INDICES, slice(None))),
    "4096 rows of a table of 10000": ((10_000, 64), (random.integers(0, 10_000, 4096), slice(None))),
    "a million elements of their rows": ((N, N), (ROWS, EACH)),
    "100000 pairs": ((N, N), (random.integers(0, N, 100_000), random.integers(0, N, 100_000))),
}


def backward(library, shape, key):
    """Return a function that takes the gradient of the elements at `key`, recorded anew each time."""
    x = library.zeros(shape, requires_grad=True)
    if library is torch:
        key = tuple(torch.asarray(k) if isinstance(k, np.ndarray) else k for k in key)
    return lambda: library.autograd.grad(x[key].sum(), x)


def added(shape, key):
    """Return a function that adds the same gradients by NumPy alone."""
    values = np.ones(np.empty(shape, np.float32)[key].shape, np.float32)

    def add():
        np.add.at(np.zeros(shape, np.float32), key, values)

    return add


def measured(functions, rounds=7):
    """Return the median processor time in milliseconds of each function, all of them taken in turn."""
    times = [[] for _ in functions]
    for _ in range(rounds):
        for function, spent in zip(functions, times, strict=True):
            start = time.process_time()
            function()
            spent.append(1e3 * (time.process_time() - start))
    return [statistics.median(spent) for spent in times]


def main():
    """Print a line for each case: milliseconds of gpugrad, and its ratios to the others."""
    print(f"{'gradient of':34} {'gpugrad':>10} {'/ np.add.at':>12} {'/ torch':>8}")
    for name, (shape, key) in CASES.items():
        functions = [backward(gpugrad, shape, key), added(shape, key)]
        if torch is not None:
            functions.append(backward(torch, shape, key))
        ours, numpy, *theirs = measured(functions)
        last = f"{ours / theirs[0]:8.2f}" if theirs else f"{'-':>8}"
        print(f"{name:34} {ours:7.2f} ms {ours / numpy:12.2f} {last}")


if __name__ == "__main__":
    main()
