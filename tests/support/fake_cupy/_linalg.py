"""The module that code under test knows as cupy.linalg, and as cupyx, which says what happens when LAPACK gives up."""

from __future__ import annotations

import types as _types
from contextlib import contextmanager as _contextmanager

import numpy as _np
from numpy.linalg import LinAlgError

from fake_cupy._calls import computed as _computed
from fake_cupy._state import counts as _counts

__all__ = ["LinAlgError"]

_errors = _types.SimpleNamespace(linalg="ignore")


def _asked(function, like=None):
    """Return a decomposition that says that it failed only where errstate has it ask the device.

    Else the result, of the form of the argument `like`, is what was left in memory.
    """

    def call(*arrays, **options):
        asks = _errors.linalg == "raise" and arrays[0].size > 0
        _counts.synchronisations += asks
        try:
            return function(*arrays, **options)
        except LinAlgError as error:
            if asks or like is None or "square" in str(error):
                raise
            return _np.full_like(arrays[like], _np.nan)

    return call


def _unnamed(function):
    """Return a function of NumPy whose results are plain tuples, as CuPy's are."""

    def call(*args, **kwargs):
        z = function(*args, **kwargs)
        return tuple(z) if isinstance(z, tuple) else z

    return call


def _solve(a, b):
    """Solve as CuPy does: no batches are broadcast, and a stack of vectors is not known."""
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise LinAlgError("Last 2 dimensions of the array must be square")
    if b.ndim == 1:
        if a.shape[-1] != b.size:
            raise ValueError("a must have (..., M, M) shape and b must have (M,) for one-dimensional b")
    elif a.shape[:-1] != b.shape[:-1]:
        raise ValueError("a must have (..., M, M) shape and b must have (..., M, K) for multidimensional b")
    elif 0 in b.shape and a.size:
        raise ValueError("cuBLAS takes no empty right side")
    return _np.linalg.solve(a, b)


def _cross(x1, x2, *, axis=-1):
    if x1.shape != x2.shape:
        raise ValueError("x1 and x2 must have the same shape")
    return _np.linalg.cross(x1, x2, axis=axis)


def _eig(a):
    """Decompose as cuSOLVER's geev: the result is complex, but that of nothing at all has the dtype that it came in."""
    if not a.size:
        return _np.empty(a.shape[:-1], a.dtype), _np.empty(a.shape, a.dtype)
    dtype = _np.result_type(a.dtype, _np.complex64)
    return tuple(x.astype(dtype) for x in _np.linalg.eig(a))


def _det(a):
    sign, logarithm = _np.linalg.slogdet(a)
    return sign * _np.exp(logarithm)


_own = {
    "cholesky": _asked(_np.linalg.cholesky, like=0),
    "cross": _cross,
    "det": _det,
    "eig": _asked(_eig),
    "eigh": _asked(_np.linalg.eigh),
    "eigvals": _asked(lambda a: _eig(a)[0]),
    "eigvalsh": _asked(_np.linalg.eigvalsh),
    "inv": _asked(_np.linalg.inv, like=0),
    "qr": _asked(_np.linalg.qr),
    "solve": _asked(_solve, like=1),
    "svd": _asked(_np.linalg.svd),
}

for _line in """
    cholesky(a)
    cross(x1, x2, *, axis=-1)
    det(a)
    eig(a)
    eigh(a, UPLO='L')
    eigvals(a)
    eigvalsh(a, UPLO='L')
    inv(a)
    lstsq(a, b, rcond='warn')
    matmul(*args)
    matrix_power(M, n)
    matrix_rank(M, tol=None)
    matrix_transpose(a)
    norm(x, ord=None, axis=None, keepdims=False)
    pinv(a, rcond=1e-15)
    qr(a, mode='reduced')
    slogdet(a)
    solve(a, b)
    svd(a, full_matrices=True, compute_uv=True)
""".strip().splitlines():
    _name = _line.split("(")[0].strip()
    globals()[_name] = _computed(_line.strip(), _unnamed(_own.get(_name) or getattr(_np.linalg, _name)))
    __all__.append(_name)


cupyx = _types.ModuleType("cupyx")
"""What CuPy has beside NumPy's own: of it, what gpugrad names."""


@_contextmanager
def _errstate(*, linalg=None):
    before = _errors.linalg
    _errors.linalg = linalg or before
    try:
        yield
    finally:
        _errors.linalg = before


cupyx.errstate = _errstate
