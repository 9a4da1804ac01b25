"""The module that code under test knows as cupy.linalg."""

from __future__ import annotations

import numpy as _np
from numpy.linalg import LinAlgError

from fake_cupy._calls import computed as _computed

__all__ = ["LinAlgError"]

for _line in """
    cholesky(a)
    cross(x1, x2, *, axis=-1)
    det(a)
    eigh(a, UPLO='L')
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
    globals()[_name] = _computed(_line.strip(), getattr(_np.linalg, _name))
    __all__.append(_name)
