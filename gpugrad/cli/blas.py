"""The BLAS under NumPy: its name, how many threads it runs, and how many it should."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["blas_name", "blas_threads", "one_thread_if_small"]

_variables = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
_worth_sharing = 1 << 24
"""Multiplications in a matmul from which a second thread saves time."""


@contextmanager
def one_thread_if_small(work: int) -> Iterator[None]:
    """Run OpenBLAS on one thread within the block if the largest matmul has fewer multiplications than pay for two.

    Threads that wait for each other cost a small matmul more than they save: three times as long, where another
    program wants the cores too. Who sets a variable such as OMP_NUM_THREADS is obeyed.
    """
    functions = [] if work >= _worth_sharing or any(os.environ.get(name) for name in _variables) else list(_functions())
    before = [ask() for ask, _ in functions]
    for _, put in functions:
        put(1)
    try:
        yield
    finally:
        for (_, put), count in zip(functions, before, strict=True):
            put(count)


def blas_name() -> str:
    """Return the name and version of the BLAS that NumPy was built with."""
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'an unknown BLAS')} {blas.get('version', '')}".strip()


def blas_threads() -> str:
    """Return on how many threads the BLAS runs, asked of OpenBLAS itself where it is the one."""
    for ask, _ in _functions():
        return _threads(int(ask()))
    for name in _variables:
        if os.environ.get(name, "").isdecimal():
            return f"{_threads(int(os.environ[name]))} by {name}"
    return "threads unknown"


def _threads(count: int) -> str:
    return f"{count} thread" if count == 1 else f"{count} threads"


def _functions() -> Iterator[tuple[Any, Any]]:
    """Return OpenBLAS's functions that get and set the number of threads."""
    for library in _loaded():
        for prefix, suffix in (
            ("scipy_openblas", "64_"),
            ("scipy_openblas", ""),
            ("openblas", "64_"),
            ("openblas", ""),
        ):
            ask = getattr(library, f"{prefix}_get_num_threads{suffix}", None)
            put = getattr(library, f"{prefix}_set_num_threads{suffix}", None)
            if ask is not None and put is not None:
                yield ask, put
                break


def _loaded() -> Iterator[ctypes.CDLL]:
    """Return the BLAS libraries of NumPy's wheel, which are in this process already."""
    package = Path(np.__file__).parent
    for folder in (package.parent / "numpy.libs", package / ".dylibs"):
        for path in sorted(folder.glob("*openblas*")):
            try:
                yield ctypes.CDLL(str(path))
            except OSError:
                continue
