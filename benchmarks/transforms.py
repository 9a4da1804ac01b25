"""What transforms of functions cost: gradients beside backward, forward mode, Hessians, gradients of single examples.

Beside it, in the same run and taken in turn: torch.func, where torch is installed. Goals: a gradient at most 1.3 times
forward and backward by hand; a Hessian of 100 numbers and gradients of 256 examples at most 2 times torch.func.

    python benchmarks/transforms.py
"""

from __future__ import annotations

import os
import statistics
import time
from itertools import pairwise

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np

import gpugrad
from gpugrad import func as ours

try:
    import torch
    from torch import func as theirs

    torch.set_num_threads(1)
except ImportError:
    torch = theirs = None

random = np.random.default_rng(0)
SIZES = (64, 128, 128, 10)
WEIGHTS = [(random.normal(size=(m, n)) / np.sqrt(n)).astype(np.float32) for n, m in pairwise(SIZES)]
ROWS = random.normal(size=(256, 64)).astype(np.float32)
TARGETS = random.normal(size=(256, 10)).astype(np.float32)
POINT = random.normal(size=100).astype(np.float32)
MATRIX = random.normal(size=(100, 100)).astype(np.float32) / 10


def mlp(library):
    """Return the squared error of an MLP for some rows, written with the functions of a library."""
    linear = library.linear if library is gpugrad else library.nn.functional.linear

    def loss(weights, x, y):
        for w in weights[:-1]:
            x = library.tanh(linear(x, w))
        return ((linear(x, weights[-1]) - y) ** 2).mean()

    return loss


def energy(xp, matrix):
    def of(x):
        return (xp.tanh(matrix @ x) ** 2).sum() + (xp.exp(x * 0.1) * xp.sin(x)).sum()

    return of


def tensors(library):
    weights = [library.tensor(w) for w in WEIGHTS]
    return weights, library.tensor(ROWS), library.tensor(TARGETS), library.tensor(POINT), library.tensor(MATRIX)


def by_hand(library):
    """Return a step that runs forward and backward on leaves."""
    loss, (weights, x, y, *_) = mlp(library), tensors(library)

    def step():
        leaves = [w.detach().requires_grad_() for w in weights]
        loss(leaves, x, y).backward()
        return [w.grad for w in leaves]

    return step


def cases(library, func):
    """Return what is measured, by name."""
    loss, (weights, x, y, point, matrix) = mlp(library), tensors(library)
    of, directions = energy(library, matrix), [w * 0.1 for w in weights]
    small = func.vjp(lambda w: loss(w, x, y), weights)
    one = library.tensor(np.float32(1))
    _, push = func.linearize(lambda w: loss(w, x, y), weights)
    return {
        "forward, nothing recorded": lambda: loss(weights, x, y),
        "forward and backward": by_hand(library),
        "grad": lambda: func.grad(loss)(weights, x, y),
        "the pull of a vjp": lambda: small[1](one),
        "vjp": lambda: func.vjp(lambda w: loss(w, x, y), weights)[1](one),
        "jvp": lambda: func.jvp(lambda w: loss(w, x, y), (weights,), (directions,)),
        "the push of a linearize": lambda: push(directions),
        "Hessian of 100 numbers": lambda: func.hessian(of)(point),
        "Jacobian of 100 by 100, reverse": lambda: func.jacrev(lambda v: library.tanh(matrix @ v))(point),
        "Jacobian of 100 by 100, forward": lambda: func.jacfwd(lambda v: library.tanh(matrix @ v))(point),
        "gradients of 256 examples": lambda: func.vmap(func.grad(loss), in_dims=(None, 0, 0))(weights, x, y),
        "vmap over 256 examples": lambda: func.vmap(loss, in_dims=(None, 0, 0))(weights, x, y),
    }


def seconds(function):
    function()
    start = time.perf_counter()
    function()
    repeats = max(1, min(200, int(0.05 / max(1e-6, time.perf_counter() - start))))
    start = time.perf_counter()
    for _ in range(repeats):
        function()
    return (time.perf_counter() - start) / repeats


def main():
    mine, other = cases(gpugrad, ours), cases(torch, theirs) if torch else {}
    taken = {name: ([], []) for name in mine}
    for _ in range(5):
        for name, function in mine.items():
            taken[name][0].append(seconds(function))
            if torch:
                taken[name][1].append(seconds(other[name]))
    base = statistics.median(taken["forward and backward"][0])
    print(f"{'':34}{'gpugrad':>12}{'forward+backward':>18}" + (f"{'torch.func':>12}{'ratio':>8}" if torch else ""))
    for name, (a, b) in taken.items():
        t = statistics.median(a)
        line = f"{name:34}{t * 1e6:9.0f} us{t / base:18.2f}"
        print(line + (f"{statistics.median(b) * 1e6:9.0f} us{t / statistics.median(b):8.2f}" if torch else ""))
    weights = [gpugrad.tensor(w) for w in WEIGHTS]
    loop = seconds(lambda: one_by_one(weights))
    together = statistics.median(taken["gradients of 256 examples"][0])
    print(f"a loop over 256 gradients takes {loop / together:.1f} times as long as vmap of grad")


def one_by_one(weights):
    gradient = ours.grad(mlp(gpugrad))
    return [gradient(weights, gpugrad.tensor(x), gpugrad.tensor(y)) for x, y in zip(ROWS, TARGETS, strict=True)]


if __name__ == "__main__":
    main()
