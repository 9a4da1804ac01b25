"""`gpugrad bench`: how long a training step of an MLP takes on this machine."""

from __future__ import annotations

import statistics
import time

from gpugrad import nn
from gpugrad.backends import backend_of_device, default_device, manual_seed
from gpugrad.cli.loop import optimizer_of, step
from gpugrad.cli.model import Architecture
from gpugrad.cli.options import TrainOptions
from gpugrad.cli.train import chosen
from gpugrad.random import randint, randn

__all__ = ["bench"]

_features, _classes, _timings = 784, 10, 5


def bench(hidden: tuple[int, ...], batch_size: int, steps: int, backend: str | None) -> int:
    """Print the time of a step, forward, backward, clipping and AdamW, as median and range of five timings."""
    options = TrainOptions(noise=0.0, label_smoothing=0.0, hidden=hidden, batch_size=batch_size)
    architecture = Architecture(
        features=_features, hidden=hidden, classes=_classes, activation="relu", dropout=0.0, dtype="float32"
    )
    with chosen(backend):
        manual_seed(0)
        module = architecture.build()
        device = default_device()
        sizes = "-".join(map(str, (_features, *hidden, _classes)))
        print(f"{backend_of_device(device).name} on {device}: MLP {sizes}, batches of {batch_size}, float32")
        times = _times(module, options, steps)
    milliseconds = [1e3 * t for t in times]
    print(
        f"one step: {statistics.median(milliseconds):.3f} ms, from {min(milliseconds):.3f} to {max(milliseconds):.3f}"
    )
    return 0


def _times(module: nn.Module, options: TrainOptions, steps: int) -> list[float]:
    """Return the seconds per step in each of the timings, after a tenth as many steps that do not count."""
    x, y = randn(options.batch_size, _features), randint(0, _classes, (options.batch_size,))
    optimizer = optimizer_of(module, options)
    times = []
    for i in range(_timings + 1):
        count = steps if i else max(3, steps // 10)
        start = time.perf_counter()
        for _ in range(count):
            loss, _logits = step(module, x, y, optimizer, options)
        loss.item()  # waits for the device
        times.append((time.perf_counter() - start) / count)
    return times[1:]
