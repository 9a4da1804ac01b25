"""How fast each kernel moves its bytes, as a fraction of a copy from device to device in the same run.

Every array that a kernel reads or writes counts once for each. Buffers are larger than the cache, and taken in turn.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gpu_check.part import PASSED, Part, Table
from gpu_check.timing import cupy, seconds
from gpugrad.cuda import Kernel, source

DTYPES = ("float16", "float32", "float64")
WIDE = ("float32", "float64")
_arithmetic = {"float16": "float32", "float32": "float32", "float64": "float64"}
_caches = 4
"""So many times the size of the cache lies between two uses of one byte."""


@dataclass(frozen=True)
class Traffic:
    """What one launch of a kernel reads and writes: the names of those of its arrays that have n elements.

    `scalars` are the values of its other scalars, `blocks` is the grid where the caller chooses it (None: the launcher
    does), and `one_block` marks the kernels that finish a reduction: their time is shown, and no bandwidth.
    """

    kernel: str
    reads: str
    writes: str = ""
    dtypes: tuple[str, ...] = DTYPES
    blocks: int | None = None
    one_block: bool = False
    scalars: dict[str, float] = field(default_factory=dict)


TRAFFIC = [
    Traffic("sigmoid", reads="x", writes="z"),
    Traffic("sigmoid_backward", reads="g z", writes="gx"),
    Traffic("sum_of_squares", reads="x", blocks=1024),
    Traffic("norm_and_coefficient", reads="partials", dtypes=WIDE, one_block=True, scalars={"max_norm": 1.0}),
    Traffic("scale", reads="x", writes="x"),
]


def kernels() -> dict[str, Kernel]:
    """Return every kernel of the library by its name."""
    modules = [importlib.import_module(f"gpugrad._fused.{file.removesuffix('.cu')}") for file in source.names()]
    found = [kernel for module in modules for kernel in vars(module).values() if isinstance(kernel, Kernel)]
    return {kernel.name: kernel for kernel in found}


def _arguments(kernel: Kernel, traffic: Traffic, dtype: str, n: int) -> dict[str, Any]:
    """Return a kernel's arguments by name: arrays on the device, and scalars."""
    dtypes = {"T": dtype, "A": _arithmetic[dtype]}
    lengths = {"n": n, "blocks": traffic.blocks}
    made: dict[str, Any] = {}
    for parameter in kernel.parameters:
        if parameter.name == "n":
            continue
        if parameter.length is None:
            made[parameter.name] = traffic.scalars[parameter.name]
            continue
        length = lengths[parameter.length] if parameter.length in lengths else int(parameter.length)
        made[parameter.name] = _filled(length, dtypes.get(parameter.dtype, parameter.dtype))
    return made


def _filled(length: int, dtype: str) -> Any:
    """Return an array of random numbers that repeat, so that the host makes few; a single number is 1."""
    xp = cupy()
    pattern = np.random.default_rng(0).uniform(0.5, 1.0, min(length, 1 << 20)).astype(dtype)
    if length == 1:
        pattern[:] = 1  # what is scaled by it again and again stays what it is
    pattern, array = xp.asarray(pattern), xp.empty(length, dtype)
    for start in range(0, length, pattern.size):
        array[start : start + pattern.size] = pattern[: length - start]
    return array


def moved(arguments: dict[str, Any], traffic: Traffic) -> int:
    """Return the bytes that one launch has to move."""
    return sum(arguments[name].nbytes for name in (*traffic.reads.split(), *traffic.writes.split()))


def _sets(size: int, cache: int) -> int:
    """Return how many sets of buffers of `size` bytes outlast the cache."""
    return max(2, math.ceil(_caches * cache / max(1, size)))


def _copied(size: int, cache: int, calls: int, windows: int) -> float:
    """Return the bytes per second of a copy from device to device, read and written."""
    xp = cupy()
    pairs = [[xp.ones(size, xp.uint8), xp.empty(size, xp.uint8)] for _ in range(_sets(2 * size, cache))]

    def copy(i: int) -> None:
        x, z = pairs[i % len(pairs)]
        xp.copyto(z, x)

    return 2 * size / seconds(copy, calls, windows)


def _launched(kernel: Kernel, traffic: Traffic, dtype: str, size: int, cache: int, calls: int, windows: int) -> Any:
    """Return the seconds of one launch over arrays of `size` bytes, and the bytes it moves."""
    n = 1024 if traffic.one_block else size // np.dtype(dtype).itemsize
    first = _arguments(kernel, traffic, dtype, n)
    bytes_moved = moved(first, traffic)
    count = 1 if traffic.one_block else _sets(bytes_moved, cache)
    sets = [first, *(_arguments(kernel, traffic, dtype, n) for _ in range(count - 1))]
    blocks = 1 if traffic.one_block else traffic.blocks

    def launch(i: int) -> None:
        kernel(*sets[i % len(sets)].values(), n=n, blocks=blocks)

    return seconds(launch, calls, windows), bytes_moved


def measured(size: int, calls: int, windows: int) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table: the copy first, which all else is compared with."""
    device = cupy().cuda.Device()
    cache = device.attributes["L2CacheSize"]
    copy = _copied(size, cache, calls, windows)
    yield "copy, device to device", "bytes", f"{2 * size / copy * 1e6:.1f}", f"{copy / 1e9:.0f}", "1.00"
    found = kernels()
    for traffic in TRAFFIC:
        for dtype in traffic.dtypes:
            time, moves = _launched(found[traffic.kernel], traffic, dtype, size, cache, calls, windows)
            cupy().get_default_memory_pool().free_all_blocks()
            speed = moves / time
            shares = ("one block", "-") if traffic.one_block else (f"{speed / 1e9:.0f}", f"{speed / copy:.2f}")
            yield traffic.kernel, dtype, f"{1e6 * time:.1f}", *shares


def largest() -> int:
    """Return the bytes of one array that leave room for all others on the current device."""
    free, _total = cupy().cuda.Device().mem_info
    return min(256 << 20, free // 32 // 4096 * 4096)


def check(size: int | None = None, calls: int = 8, windows: int = 11) -> Part:
    """Time every kernel in every dtype over arrays of `size` bytes."""
    size = largest() if size is None else size
    columns = ("kernel", "dtype", "µs", "GB/s, read and written", "of the copy")
    rows = list(measured(size, calls, windows))
    summary = f"{len(rows) - 1} kernels over arrays of {size / 2**20:g} MiB, beside a copy of {rows[0][3]} GB/s"
    return Part("bandwidth", PASSED, summary, [Table("bandwidth", columns, rows)])
