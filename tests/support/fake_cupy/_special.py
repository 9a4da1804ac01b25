"""The module that code under test knows as cupyx.scipy.special: what gpugrad takes from there, by SciPy."""

from __future__ import annotations

import inspect as _inspect
import sys as _sys
import types as _types

from fake_cupy._calls import computed as _computed
from fake_cupy._calls import ufunc as _ufunc

_ufuncs = "beta betainc betaln erfinv gamma gammainc gammaincc gammaln i0 i0e i1 i1e ndtr ndtri psi".split()

scipy = _types.ModuleType("cupyx.scipy")
scipy.special = _sys.modules[__name__]


def __getattr__(name):
    """Return a function; SciPy is imported for the first one, because the rest of the stand-in does without it."""
    if name not in _ufuncs and name != "zeta":
        raise AttributeError(f"module 'cupyx.scipy.special' has no attribute {name!r}")
    from scipy import special  # the real one

    function = _inspect.unwrap(getattr(special, name))  # with SCIPY_ARRAY_API it is SciPy's dispatcher
    made = _computed("zeta(x, q)", function) if name == "zeta" else _ufunc(function)
    globals()[name] = made
    return made
