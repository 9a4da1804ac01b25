"""What recording costs: one op of 16 elements, forward and backward, in chains of 1,000, 100,000 and 1,000,000.

Beside it, in the same run and taken in turn: a 30-line tape on bare NumPy, and torch where it is installed. Goals: at
most 2.0 times the tape (2.5 at 100,000) and at most 0.6 times torch.

    python benchmarks/overhead.py
"""

from __future__ import annotations

import gc
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

SIZE = 16
FACTOR = np.full(SIZE, 0.9999, np.float32)


# The tape: all that a chain of multiplications needs, and nothing else.


class Value:
    __slots__ = ("array", "parents")

    def __init__(self, array, parents=None):
        self.array = array
        self.parents = parents


def tape(n):
    x, factor = Value(np.ones(SIZE, np.float32)), Value(FACTOR)
    y, recorded = x, []
    for _ in range(n):
        y = Value(np.multiply(y.array, factor.array), (y, factor))
        recorded.append(y)
    gradients = {id(y): np.ones(SIZE, np.float32)}
    for z in reversed(recorded):
        g = gradients.pop(id(z))
        x1, x2 = z.parents
        for parent, g_parent in ((x1, g * x2.array), (x2, g * x1.array)):
            key = id(parent)
            gradients[key] = gradients[key] + g_parent if key in gradients else g_parent
    return gradients[id(factor)]


def ours(n):
    x = gpugrad.tensor(np.ones(SIZE, np.float32), requires_grad=True)
    factor = gpugrad.tensor(FACTOR, requires_grad=True)
    y = x
    for _ in range(n):
        y = y * factor
    y.backward(gpugrad.ones((SIZE,)))
    return factor.grad.numpy()


def theirs(n):
    x = torch.ones(SIZE, requires_grad=True)
    factor = torch.tensor(FACTOR, requires_grad=True)
    y = x
    for _ in range(n):
        y = y * factor
    y.backward(torch.ones(SIZE))
    return factor.grad.numpy()


def timed(function, n):
    gc.collect()
    start = time.perf_counter()
    function(n)
    return (time.perf_counter() - start) / n * 1e6


def compare(n, rounds):
    """Return the median microseconds per op of each, and of the ratios within each round."""
    functions = {"tape": tape, "gpugrad": ours, **({"torch": theirs} if torch else {})}
    for function in functions.values():
        np.testing.assert_allclose(function(100), tape(100), rtol=1e-5)
    times = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            times[name].append(timed(function, n))
    medians = {name: statistics.median(t) for name, t in times.items()}
    ratios = {
        name: statistics.median(a / b for a, b in zip(times["gpugrad"], t, strict=True))
        for name, t in times.items()
        if name != "gpugrad"
    }
    return medians, ratios


def long_chain(n=1_000_000):
    """Return the microseconds per op of forward, backward and freeing in a chain that recursion could not walk."""
    factor = gpugrad.tensor(FACTOR, requires_grad=True)
    start = time.perf_counter()
    y = gpugrad.tensor(np.ones(SIZE, np.float32), requires_grad=True)
    for _ in range(n):
        y = y * factor
    forward = time.perf_counter()
    y.backward(gpugrad.ones((SIZE,)))
    backward = time.perf_counter()
    del y
    freed = time.perf_counter()
    return [(b - a) / n * 1e6 for a, b in ((start, forward), (forward, backward), (backward, freed))]


def main():
    print(
        f"python {sys.version.split()[0]}, numpy {np.__version__}, torch {torch.__version__ if torch else 'not here'}"
    )
    print(f"one recorded op, {SIZE} float32 elements, forward + backward; medians, microseconds per op")
    for n, rounds, goal in ((1_000, 31, 2.0), (100_000, 5, 2.5)):
        medians, ratios = compare(n, rounds)
        shown = ", ".join(f"{name} {value:.2f}" for name, value in medians.items())
        goals = {"tape": goal, "torch": 0.6}
        verdicts = ", ".join(
            f"{ratio:.2f} x {name} (goal {goals[name]}, {'met' if ratio <= goals[name] else 'missed'})"
            for name, ratio in ratios.items()
        )
        print(f"chain of {n:>9,}: {shown}; {verdicts}")
    forward, backward, free = long_chain()
    print(f"chain of 1,000,000: forward {forward:.2f}, backward {backward:.2f}, freeing {free:.2f}; no recursion")


if __name__ == "__main__":
    main()
