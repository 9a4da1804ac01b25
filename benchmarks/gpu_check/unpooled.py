"""A plugin for pytest: every array has device memory of its own, so that the sanitizer sees where each one ends.

From a pool an array is a part of a larger block, whose rest may be read, and which an array before it has written.
"""

from __future__ import annotations


def pytest_configure(config):
    import cupy

    cupy.cuda.set_allocator(None)
