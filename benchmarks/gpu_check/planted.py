"""Kernels with one fault each: a sanitizer that does not find it says nothing by finding none in ours.

python -m gpu_check.planted memcheck
"""

from __future__ import annotations

import sys

SOURCES = {
    "memcheck": """
        extern "C" __global__ void planted(int* x) { x[blockDim.x + threadIdx.x] = 1; }  // beyond the end""",
    "racecheck": """
        extern "C" __global__ void planted(int* x) {
            __shared__ int values[64];
            values[threadIdx.x] = x[threadIdx.x];
            x[threadIdx.x] = values[63 - threadIdx.x];  // without a barrier, of the other warp
        }""",
    "initcheck": """
        extern "C" __global__ void planted(int* x) { x[threadIdx.x] += 1; }  // of what nobody wrote""",
    "synccheck": """
        extern "C" __global__ void planted(int* x) {
            __syncwarp(0x0000ffffu);  // by threads that the mask leaves out, too
            x[threadIdx.x] = 1;
        }""",
}


def main(tool: str) -> None:
    """Run the kernel whose fault a tool looks for, on 64 integers of unwritten memory."""
    import cupy

    cupy.cuda.set_allocator(None)
    kernel = cupy.RawKernel(SOURCES[tool], "planted")
    kernel((1,), (64,), (cupy.empty(64, cupy.int32),))
    cupy.cuda.Device().synchronize()


if __name__ == "__main__":
    main(sys.argv[1])
