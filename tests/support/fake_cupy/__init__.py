"""A stand-in for CuPy where there is no GPU: its API on NumPy's storage, as strict as CuPy and stricter.

Every line of Python between a Tensor and a kernel runs on it: devices, transfers, grids, arguments. No GPU code is run,
and it says nothing about speed, streams, or CuPy's own faults. Where it and a GPU differ, the stand-in is wrong, and
gets a test.

`installed()` puts it where `import cupy` looks, and gives gpugrad a CuPy backend made of it, for as long as its block
lasts. `counts` says how often host and device met. `runner.plugged` is what runs the kernels: anything with `run(file,
entry, grid, block, args)` on NumPy arrays, and `parameters(file, entry)`; at first their equivalents in Python.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import cache

import array_api_compat

from fake_cupy import _cuda, _fft, _kernels, _linalg, _special
from fake_cupy import _namespace as cupy
from fake_cupy._cuda import runner
from fake_cupy._state import DEVICES, counts, current
from gpugrad.backends import _choice, _cupy
from gpugrad.cuda import launch

__all__ = ["DEVICES", "counts", "cupy", "current", "installed", "runner"]

runner.plugged = _kernels

_modules = {
    "cupy": cupy,
    "cupy.cuda": _cuda,
    "cupy.cuda.device": _cuda.device,
    "cupy.fft": _fft,
    "cupy.linalg": _linalg,
    "cupyx": _linalg.cupyx,
    "cupyx.scipy": _special.scipy,
    "cupyx.scipy.special": _special,
}
_adapted = {}
"""What array-api-compat made of the stand-in, which imports it once."""
_caches = (launch._compiled, launch._module, launch._resident_threads)


def _ours(name):
    return name.partition(".")[0] in ("cupy", "cupyx") or name.startswith("array_api_compat.cupy")


@contextmanager
def _importable():
    """Let `import cupy`, and what array-api-compat makes of it, find the stand-in; put back what was there."""
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if _ours(name)}
    attribute = vars(array_api_compat).pop("cupy", None)
    sys.modules.update(_modules | _adapted)
    try:
        yield
    finally:
        _adapted.update((name, m) for name, m in sys.modules.items() if name.startswith("array_api_compat.cupy"))
        for name in [name for name in sys.modules if _ours(name)]:
            del sys.modules[name]
        sys.modules.update(before)
        vars(array_api_compat).pop("cupy", None)
        if attribute is not None:
            array_api_compat.cupy = attribute


@cache
def _backend():
    """Return gpugrad's own CuPy backend, told that there are a driver and one wheel."""
    real = _cupy.cupy_wheels, _cupy.driver_version
    _cupy.cupy_wheels, _cupy.driver_version = lambda: ["cupy-cuda13x 14.2.0"], lambda: 13_000
    try:
        backend = _cupy.CupyBackend()
        backend.namespace  # noqa: B018 - array-api-compat looks at the stand-in once, here
    finally:
        _cupy.cupy_wheels, _cupy.driver_version = real
    return backend


@contextmanager
def installed():
    """Make the stand-in what `cupy` is, to Python and to gpugrad, within the block."""
    made = _choice._made.get("cupy")
    with _importable():
        backend = _choice._made["cupy"] = _backend()
        _choice._of_type[backend.array_type] = backend
        for cached in _caches:
            cached.cache_clear()
        current.id, before = 0, current.id
        counts.reset()
        try:
            yield backend
        finally:
            current.id = before
            for cached in _caches:
                cached.cache_clear()
            if made is None:
                del _choice._made["cupy"]
            else:
                _choice._made["cupy"] = made
