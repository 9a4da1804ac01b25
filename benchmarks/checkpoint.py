"""What checkpointing keeps and what it costs: an MLP of 24 layers, plain and in segments, forward and backward.

Bytes are those that NumPy has allocated at the most, by tracemalloc, and those that the graph keeps alive before
backward, by gpugrad.memory_report; parameters and their gradients are not counted. Times are medians of runs taken in
turn, as ratios to the plain one.

    python benchmarks/checkpoint.py
"""

from __future__ import annotations

import gc
import os
import statistics
import time
import tracemalloc

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import gpugrad
from gpugrad import nn
from gpugrad.autograd import checkpoint_sequential
from gpugrad.autograd.graph import saved_tensors_hooks

DEPTH, WIDTH, BATCH, ROUNDS = 24, 512, 2048, 7


def halved():
    """Return hooks that keep float32 values in float16."""

    def pack(t):
        return t.to(gpugrad.float16) if t.dtype == gpugrad.float32 else t

    def unpack(p):
        return p.to(gpugrad.float32) if p.dtype == gpugrad.float16 else p

    return saved_tensors_hooks(pack, unpack, once=True, parameters=False)


def model():
    gpugrad.manual_seed(0)
    layers = [m for _ in range(DEPTH) for m in (nn.Linear(WIDTH, WIDTH), nn.Tanh())]
    return nn.Sequential(*layers)


def forward(net, x, way):
    if way == "float16":
        with halved():
            return net(x).sum()
    if way == "plain":
        return net(x).sum()
    return checkpoint_sequential([net[i : i + 2] for i in range(0, 2 * DEPTH, 2)], way, x).sum()


def step(net, x, way):
    forward(net, x, way).backward()


def bytes_of(net, x, way):
    """Return the bytes that the graph keeps before backward, and the most that were there at any time."""
    step(net, x, way)  # gradients and what is made once are there from now on
    gc.collect()
    kept = gpugrad.memory_report(forward(net, x, way)).bytes
    tracemalloc.start()
    step(net, x, way)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return kept, most


def main():
    net, x = model(), gpugrad.randn(BATCH, WIDTH)
    ways = ["plain", 2, 4, 6, 8, 12, 24, "float16"]
    times = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way in ways:
            start = time.perf_counter()
            step(net, x, way)
            times[way].append(time.perf_counter() - start)
    plain = statistics.median(times["plain"])
    print(f"{DEPTH} layers of {WIDTH}, batch of {BATCH}: one step takes {plain * 1e3:.0f} ms")
    print("way           kept MiB  most MiB  time")
    for way in ways:
        kept, most = bytes_of(net, x, way)
        name = way if isinstance(way, str) else f"{way} segments"
        ratio = statistics.median(times[way]) / plain
        print(f"{name:12}  {kept / 2**20:8.1f}  {most / 2**20:8.1f}  {ratio:4.2f}")


if __name__ == "__main__":
    main()
