"""What kernels/common.cuh promises to kernels beyond the results of today's: kernels that look at it alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from cuda_on_cpu import Launch, Program
from cuda_on_cpu.cases import OFFSETS, placed

__all__ = ["TEXT", "checks"]

TEXT = """
extern "C" __global__ void sum_twice(const double* x, double* z) {
    const double first = block_sum(x[threadIdx.x]);
    const double second = block_sum(x[threadIdx.x] * 2);
    if (threadIdx.x == 0) z[0] = first, z[1] = second;
}

#define VISITS(SUFFIX, T)                                                                                        \\
    extern "C" __global__ void visits_##SUFFIX(                                                                  \\
        const T* x1, const T* x2, int* alone, int* packed, long long n) {                                        \\
        visit(n, [&](long long i) { ++alone[i]; }, [&](long long i) { ++packed[i]; }, x1, x2);                   \\
    }
FOR_EACH_DTYPE(VISITS)
"""
"""What is put behind a kernel file, whose common part is then tested."""

_suffixes = {"f16": np.float16, "f32": np.float32, "f64": np.float64}
_pack = 16
_sizes = (0, 1, 3, 8, 9, 31, 257, 1500)


def checks(program: Program, order: int) -> Iterator[Callable[[], None]]:
    """Yield functions that raise AssertionError where a promise is broken."""
    yield from (partial(_sums_of_a_block, program, order, 32 * warps) for warps in (1, 2, 8, 31, 32))
    for suffix in _suffixes:
        for size in _sizes:
            for first in OFFSETS:
                for second in {first, 0}:
                    yield partial(_visits, program, order, suffix, size, first, second)


def _sums_of_a_block(program: Program, order: int, threads: int) -> None:
    """A block sums twice in a row, which no kernel does yet: the second barrier is for it."""
    x, z = np.arange(float(threads)), np.zeros(2)
    program.run(Launch("sum_twice", (1,), (threads,), [x, z], order=order))
    assert list(z) == [x.sum(), 2 * x.sum()], f"two sums in a block of {threads} threads"


def _visits(program: Program, order: int, suffix: str, size: int, first: int, second: int) -> None:
    """Whole packs are visited as packs, where the arrays share their boundaries: all else is slow, and right."""
    dtype = _suffixes[suffix]
    x1, x2 = (placed(np.zeros(size, dtype), offset) for offset in (first, second))
    alone, packed = np.zeros(size, np.int32), np.zeros(size, np.int32)
    program.run(Launch(f"visits_{suffix}", (2,), (64,), [x1, x2, alone, packed, size], order=order))
    width = _pack // x1.itemsize
    head = -first % width
    begins = range(head, size - width + 1, width) if (first - second) % width == 0 else range(0)
    expected = np.zeros(size, np.int32)
    expected[list(begins)] = 1
    np.testing.assert_array_equal(packed, expected, f"packs of {suffix}, n={size}, offsets {first} and {second}")
    within = np.zeros(size, bool)
    for begin in begins:
        within[begin : begin + width] = True
    np.testing.assert_array_equal(alone, ~within, f"elements of {suffix}, n={size}, offsets {first} and {second}")
