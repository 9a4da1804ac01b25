"""The standard's linear algebra and FFT on arrays of mpmath numbers, from their definitions; and the programs."""

from __future__ import annotations

from math import prod

import mpmath
import numpy as np
from mpmath import mp

from gradient_cases.forward_arrays import FUNCTIONS as ARRAYS
from gradient_cases.reference import lift

__all__ = ["FUNCTIONS", "PROGRAMS"]

inf = float("inf")


def _over_batches(function, x):
    """Return function(matrix) for every matrix of a stack, as a list of arrays, one for each thing it returns."""
    batch = x.shape[:-2]
    # Where there is no matrix, one tells the shapes.
    found = [function(x[i]) for i in np.ndindex(batch)] or [function(lift(np.eye(*x.shape[-2:], dtype=int)))]
    found = [parts if isinstance(parts, tuple) else (parts,) for parts in found]
    stacks = [np.stack([lift(part) for part in parts]) for parts in zip(*found, strict=True)]
    return [lift(s[: prod(batch)].reshape(batch + s.shape[1:])) for s in stacks]


def _matrix(x):
    return mp.matrix(x.tolist())


def _array(matrix):
    return lift(matrix.tolist()).reshape(matrix.rows, matrix.cols)


def _vector(values):
    return lift([values[i] for i in range(len(values))])


def _single(function):
    return lambda x, **keywords: _over_batches(lambda m: function(m, **keywords), x)[0]


def _several(function):
    return lambda x, **keywords: tuple(_over_batches(lambda m: function(m, **keywords), x))


def _H(x):
    return np.swapaxes(ARRAYS["conj"](x), -1, -2)


def _inv(x):
    return _array(mp.inverse(_matrix(x))) if x.size else x


def _det(x):
    """Return the determinant by expansion along the first row."""
    if not len(x):
        return mpmath.mpf(1)
    rest = [_det(np.delete(x[1:], j, axis=1)) for j in range(len(x))]
    return sum((-1) ** j * x[0, j] * rest[j] for j in range(len(x)))


def _slogdet(x):
    d = _det(x)
    return d / mp.fabs(d), mp.log(mp.fabs(d))


def _solve(a, b):
    return lift(np.matmul(_single(_inv)(a), b))


def _cholesky(x, upper=False):
    factor = _array(mp.cholesky(_matrix(x)))
    return _H(factor) if upper else factor


def _eigh(x):
    w, v = mp.eighe(_matrix(x)) if any(isinstance(a, mpmath.mpc) for a in x.reshape(-1)) else mp.eigsy(_matrix(x))
    return _vector(w), _array(v)


def _eig(x):
    w, v = mp.eig(_matrix(x))
    v = _array(v)
    return _vector([mpmath.mpc(a) for a in w]), v / ARRAYS["sum"](v * ARRAYS["conj"](v), axis=0) ** mpmath.mpf("0.5")


def _svd(x, full_matrices=True):
    u, s, vh = mp.svd(_matrix(x), full_matrices=full_matrices)
    return _array(u), _vector(s), _array(vh)


def _singular_values(x):
    return _svd(x, full_matrices=False)[1]


def _qr(x, mode="reduced"):
    rows = len(x)
    q, r = mp.qr(_matrix(x[:, :rows]), mode="skinny" if mode == "reduced" else "full")
    q, r = _array(q), _array(r)
    # The columns beyond a square, in the basis that the square gives.
    return q, np.concatenate([r, np.matmul(_H(q), x[:, rows:])], axis=1)


def _pinv(x, rtol=None):
    """Return the pseudoinverse of a matrix of full rank."""
    if x.shape[0] >= x.shape[1]:
        return np.matmul(_inv(np.matmul(_H(x), x)), _H(x))
    return np.matmul(_H(x), _inv(np.matmul(x, _H(x))))


def _matrix_power(x, n):
    power = lift(np.eye(x.shape[-1], dtype=int))
    for _ in range(abs(n)):
        power = np.matmul(power, x)
    return _inv(lift(power)) if n < 0 else lift(power)


def _matrix_norm(x, ord="fro", keepdims=False):
    def norm(m):
        sizes = ARRAYS["abs"](m)
        if ord == "fro":
            return mp.sqrt(sum((sizes * sizes).reshape(-1)))
        if ord in (1, -1):
            return (max if ord > 0 else min)(sizes.sum(axis=0))
        if ord in (inf, -inf):
            return (max if ord > 0 else min)(sizes.sum(axis=1))
        s = _singular_values(m)
        return sum(s) if ord == "nuc" else max(s) if ord == 2 else min(s)

    z = _over_batches(norm, x)[0]
    return z[..., None, None] if keepdims else z


def _vector_norm(x, axis=None, keepdims=False, ord=2):
    sizes = ARRAYS["abs"](x)
    if ord in (inf, -inf):
        return ARRAYS["max" if ord > 0 else "min"](sizes, axis=axis, keepdims=keepdims)
    if ord == 0:
        return ARRAYS["sum"](lift((sizes != 0).astype(int)), axis=axis, keepdims=keepdims)
    total = ARRAYS["sum"](lift(sizes ** mpmath.mpf(ord)), axis=axis, keepdims=keepdims)
    return lift(total ** (1 / mpmath.mpf(ord)))


def _vecdot(x1, x2, axis=-1):
    x1, x2 = np.broadcast_arrays(np.moveaxis(x1, axis, -1), np.moveaxis(x2, axis, -1))
    return ARRAYS["sum"](ARRAYS["conj"](x1) * x2, axis=-1)


def _cross(x1, x2, axis=-1):
    a, b = np.broadcast_arrays(np.moveaxis(x1, axis, -1), np.moveaxis(x2, axis, -1))
    turned = [a[..., i] * b[..., j] - a[..., j] * b[..., i] for i, j in ((1, 2), (2, 0), (0, 1))]
    return lift(np.moveaxis(np.stack(turned, axis=-1), -1, axis))


def _diagonal(x, offset=0):
    return lift(np.diagonal(x, offset=offset, axis1=-2, axis2=-1))


def _trace(x, offset=0, dtype=None):
    return ARRAYS["sum"](_diagonal(x, offset=offset), axis=-1)


def _tensordot(x1, x2, axes=2):
    return lift(np.tensordot(x1, x2, axes=axes))


# Fourier transforms, as sums


def _fit(x, n, axis):
    """Return x cropped or filled with zeros to n elements along an axis."""
    x = np.moveaxis(x, axis, -1)[..., :n]
    zeros = lift(np.zeros((*x.shape[:-1], n - x.shape[-1]), dtype=int))
    return np.moveaxis(np.concatenate([x, zeros], axis=-1), -1, axis)


def _scale(n, norm, inverse):
    if norm == "ortho":
        return 1 / mp.sqrt(n)
    return mpmath.mpf(1) / n if (norm == "forward") != inverse else mpmath.mpf(1)


def _dft(x, n=None, axis=-1, norm="backward", inverse=False):
    n = x.shape[axis] if n is None else n
    x = np.moveaxis(_fit(x, n, axis), axis, -1)
    turns = [mp.expjpi(mpmath.mpf(2 * k if inverse else -2 * k) / n) for k in range(n)]
    table = lift([[turns[j * k % n] for j in range(n)] for k in range(n)])
    return lift(np.moveaxis(np.matmul(x, table) * _scale(n, norm, inverse), -1, axis))


def _idft(x, **keywords):
    return _dft(x, inverse=True, **keywords)


def _half(x, axis):
    return np.moveaxis(np.moveaxis(x, axis, -1)[..., : x.shape[axis] // 2 + 1], -1, axis)


def _rfft(x, n=None, axis=-1, norm="backward"):
    return lift(_half(_dft(x, n=n, axis=axis, norm=norm), axis))


def _irfft(x, n=None, axis=-1, norm="backward"):
    """Return the real inverse: the other half is the conjugate, and the ends count as real."""
    n = 2 * (x.shape[axis] - 1) if n is None else n
    half = np.moveaxis(_fit(x, n // 2 + 1, axis), axis, -1).copy()
    for end in [0] + [n // 2] * (n % 2 == 0):
        half[..., end] = ARRAYS["real"](half[..., end])
    other = ARRAYS["conj"](half[..., 1 : (n + 1) // 2][..., ::-1])
    whole = np.concatenate([half, other], axis=-1)
    return ARRAYS["real"](np.moveaxis(_idft(lift(whole), norm=norm), -1, axis))


_SWAPPED = {"backward": "forward", "forward": "backward", "ortho": "ortho"}


def _hfft(x, n=None, axis=-1, norm="backward"):
    return _irfft(ARRAYS["conj"](x), n=n, axis=axis, norm=_SWAPPED[norm])


def _ihfft(x, n=None, axis=-1, norm="backward"):
    return ARRAYS["conj"](_rfft(x, n=n, axis=axis, norm=_SWAPPED[norm]))


def _over_axes(one, last, real_first):
    """Return a transform over several axes: `one` along each, but `last` along the last of them."""

    def apply(x, s=None, axes=None, norm="backward"):
        if axes is None:
            axes = range(x.ndim) if s is None else range(x.ndim - len(s), x.ndim)
        axes = list(axes)
        sizes = list(s) if s is not None else [None] * len(axes)
        steps = [(one, n, axis) for n, axis in zip(sizes[:-1], axes[:-1], strict=True)]
        steps.insert(0 if real_first else len(steps), (last, sizes[-1], axes[-1]))
        for transform, n, axis in steps:
            x = transform(x, n=n, axis=axis, norm=norm)
        return x

    return apply


def _shift(function):
    return lambda x, axes=None: lift(function(x, axes=axes))


FUNCTIONS = {
    **ARRAYS,
    "array.__matmul__": lambda x1, x2: lift(np.matmul(x1, x2)),
    "array.__rmatmul__": lambda x, other: lift(np.matmul(other, x)),
    "matmul": lambda x1, x2: lift(np.matmul(x1, x2)),
    "tensordot": _tensordot,
    "vecdot": _vecdot,
    "linalg.cholesky": _single(_cholesky),
    "linalg.cross": _cross,
    "linalg.det": _single(_det),
    "linalg.diagonal": _diagonal,
    "linalg.eig": _several(_eig),
    "linalg.eigh": _several(_eigh),
    "linalg.eigvals": _single(lambda x: _eig(x)[0]),
    "linalg.eigvalsh": _single(lambda x: _eigh(x)[0]),
    "linalg.inv": _single(_inv),
    "linalg.matmul": lambda x1, x2: lift(np.matmul(x1, x2)),
    "linalg.matrix_norm": _matrix_norm,
    "linalg.matrix_power": lambda x, n: _single(lambda m: _matrix_power(m, n))(x),
    "linalg.matrix_transpose": ARRAYS["matrix_transpose"],
    "linalg.outer": lambda x1, x2: lift(np.outer(x1, x2)),
    "linalg.pinv": _single(_pinv),
    "linalg.qr": _several(_qr),
    "linalg.slogdet": _several(_slogdet),
    "linalg.solve": _solve,
    "linalg.svd": _several(_svd),
    "linalg.svdvals": _single(_singular_values),
    "linalg.tensordot": _tensordot,
    "linalg.trace": _trace,
    "linalg.vecdot": _vecdot,
    "linalg.vector_norm": _vector_norm,
    "fft.fft": _dft,
    "fft.ifft": _idft,
    "fft.fftn": _over_axes(_dft, _dft, False),
    "fft.ifftn": _over_axes(_idft, _idft, False),
    "fft.rfft": _rfft,
    "fft.irfft": _irfft,
    "fft.rfftn": _over_axes(_dft, _rfft, True),
    "fft.irfftn": _over_axes(_idft, _irfft, False),
    "fft.hfft": _hfft,
    "fft.ihfft": _ihfft,
    "fft.fftshift": _shift(np.fft.fftshift),
    "fft.ifftshift": _shift(np.fft.ifftshift),
}


def _symmetric(x):
    return lift((x + _H(x)) / 2)


def _squares(x):
    return ARRAYS["abs"](x) ** 2


def _matrix_sine(f, x):
    """Return sin of the symmetric matrix, through exponentials: no eigenvector is taken."""
    x = _symmetric(x)

    def sine(m):
        return _array((mp.expm(_matrix(m) * 1j) - mp.expm(_matrix(m) * -1j)) / mpmath.mpc(0, 2))

    z = _over_batches(sine, x)[0]
    return z if any(isinstance(a, mpmath.mpc) for a in x.reshape(-1)) else ARRAYS["real"](z)


def _unitary_factor(f, x, **keywords):
    """Return the unitary factor of the polar decomposition by Newton's iteration: no singular vector is taken."""

    def factor(m):
        wide = m.shape[0] < m.shape[1]
        y = _H(m) if wide else m
        q, y = _qr(y) if y.shape[0] > y.shape[1] else (None, y)
        for _ in range(16):
            y = (y + _H(_inv(y))) / 2
        y = y if q is None else np.matmul(q, y)
        return _H(y) if wide else y

    return _over_batches(factor, x)[0]


def _thin_squares(f, x, **keywords):
    u, s, vh = f(x, full_matrices=False)
    return _squares(u), s, _squares(vh)


def _power_sums(f, x):
    """Return the traces of x² and x³."""
    trace = FUNCTIONS["linalg.trace"]
    return tuple(ARRAYS["add"](trace(np.matmul(p, x)), mpmath.mpc(0)) for p in (x, np.matmul(x, x)))


def _weighted_squares(f, x):
    w, v = f(x)
    return lift((_squares(v) * ARRAYS["real"](w)[..., None, :]).sum(axis=-1)), lift((w * w).sum(axis=-1))


PROGRAMS = {
    "symmetrised": lambda f, x, **keywords: f(_symmetric(x), **keywords),
    "symmetrised squares": lambda f, x: tuple(
        p(part) for p, part in zip((lift, _squares), f(_symmetric(x)), strict=True)
    ),
    "symmetrised product": _matrix_sine,
    "squares": lambda f, x, **keywords: tuple(_squares(part) for part in f(x, **keywords)),
    "product": _unitary_factor,
    "thin squares": _thin_squares,
    "power sums": _power_sums,
    "weighted squares": _weighted_squares,
    "square": lambda f, x, **keywords: f(x, **keywords) ** 2,
    "twice": lambda f, x: f(x, x),
}
