"""The BLAS under NumPy: its name, and how many threads it runs."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["blas_name", "blas_threads"]


def blas_name() -> str:
    """Return the name and version of the BLAS that NumPy was built with."""
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'an unknown BLAS')} {blas.get('version', '')}".strip()


def blas_threads() -> str:
    """Return on how many threads the BLAS runs, asked of OpenBLAS itself where it is the one."""
    for library in _loaded():
        for name in ("scipy_openblas_get_num_threads64_", "openblas_get_num_threads64_", "openblas_get_num_threads"):
            ask = getattr(library, name, None)
            if ask is not None:
                return _threads(int(ask()))
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        if os.environ.get(name, "").isdecimal():
            return f"{_threads(int(os.environ[name]))} by {name}"
    return "threads unknown"


def _threads(count: int) -> str:
    return f"{count} thread" if count == 1 else f"{count} threads"


def _loaded() -> Iterator[ctypes.CDLL]:
    """Return the BLAS libraries of NumPy's wheel, which are in this process already."""
    package = Path(np.__file__).parent
    for folder in (package.parent / "numpy.libs", package / ".dylibs"):
        for path in sorted(folder.glob("*openblas*")):
            try:
                yield ctypes.CDLL(str(path))
            except OSError:
                continue
