"""The module that code under test knows as cupy: those functions of CuPy 14 that gpugrad and array-api-compat name.

Each takes the arguments that CuPy's takes, and no more of NumPy's.
"""

from __future__ import annotations

from functools import wraps as _wraps

import numpy as _np

from fake_cupy import _calls
from fake_cupy import _cuda as cuda
from fake_cupy import _fft as fft
from fake_cupy import _linalg as linalg
from fake_cupy._array import copied as _copied
from fake_cupy._array import from_host as _from_host
from fake_cupy._array import ndarray
from fake_cupy._array import wrapped as _wrapped
from fake_cupy._calls import ufunc
from fake_cupy._cuda import RawModule, get_default_memory_pool, is_available
from fake_cupy._indexing import getitem as _getitem
from fake_cupy._indexing import setitem as _setitem
from fake_cupy._operators import operators as _operators
from fake_cupy._state import counts as _counts
from fake_cupy._state import current as _current

__all__ = ["RawModule", "cuda", "fft", "get_default_memory_pool", "is_available", "linalg", "ndarray", "ufunc"]

__version__ = "14.2.0"


def _define(name, value):
    globals()[name] = value
    __all__.append(name)


# NumPy's own, which CuPy hands on.
for _name in """
    bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128 intp
    dtype newaxis pi e inf nan euler_gamma number integer signedinteger unsignedinteger inexact floating complexfloating
    generic broadcast_shapes finfo iinfo issubdtype isdtype promote_types
""".split():
    _define(_name, getattr(_np, _name))

for _name in """
    absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh bitwise_and bitwise_or bitwise_xor cbrt ceil
    conjugate copysign cos cosh deg2rad divide divmod equal exp exp2 expm1 fabs float_power floor floor_divide fmax fmin
    fmod frexp gcd greater greater_equal heaviside hypot invert isfinite isinf isnan lcm ldexp left_shift less
    less_equal log log10 log1p log2 logaddexp logaddexp2 logical_and logical_not logical_or logical_xor maximum minimum
    modf multiply negative nextafter not_equal positive power rad2deg reciprocal remainder right_shift rint sign signbit
    sin sinh sqrt square subtract tan tanh trunc
""".split():
    _define(_name, ufunc(getattr(_np, _name)))
for _alias in """
    abs=absolute acos=arccos acosh=arccosh asin=arcsin asinh=arcsinh atan=arctan atan2=arctan2 atanh=arctanh
    bitwise_invert=invert bitwise_left_shift=left_shift bitwise_not=invert bitwise_right_shift=right_shift
    conj=conjugate degrees=rad2deg mod=remainder pow=power radians=deg2rad true_divide=divide
""".split():
    _define(_alias.partition("=")[0], globals()[_alias.partition("=")[2]])

_computed = """
    all(a, axis=None, out=None, keepdims=False)
    any(a, axis=None, out=None, keepdims=False)
    argmax(a, axis=None, dtype=None, out=None, keepdims=False)
    argmin(a, axis=None, dtype=None, out=None, keepdims=False)
    clip(a, a_min, a_max, out=None)
    concat(tup, axis=0, out=None, *, dtype=None, casting='same_kind')
    concatenate(tup, axis=0, out=None, *, dtype=None, casting='same_kind')
    count_nonzero(a, axis=None)
    cross(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None)
    cumprod(a, axis=None, dtype=None, out=None)
    cumsum(a, axis=None, dtype=None, out=None)
    diff(a, n=1, axis=-1, prepend=None, append=None)
    dot(a, b, out=None)
    einsum(*operands, **kwargs)
    eye(N, M=None, k=0, dtype=float, order='C')
    isclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False)
    isin(element, test_elements, assume_unique=False, invert=False)
    linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0)
    matmul(*args, axes=None, axis=None, keepdims=False, casting='same_kind', dtype=None, out=None)
    max(a, axis=None, out=None, keepdims=False)
    mean(a, axis=None, dtype=None, out=None, keepdims=False)
    min(a, axis=None, out=None, keepdims=False)
    outer(a, b, out=None)
    prod(a, axis=None, dtype=None, out=None, keepdims=False)
    repeat(a, repeats, axis=None)
    roll(a, shift, axis=None)
    round(a, decimals=0, out=None)
    searchsorted(a, v, side='left', sorter=None)
    stack(tup, axis=0, out=None, *, dtype=None, casting='same_kind')
    std(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False)
    sum(a, axis=None, dtype=None, out=None, keepdims=False)
    take(a, indices, axis=None, out=None)
    take_along_axis(a, indices, axis)
    tensordot(a, b, axes=2)
    tile(A, reps)
    trace(a, offset=0, axis1=0, axis2=1, dtype=None, out=None)
    tril(m, k=0)
    triu(m, k=0)
    var(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False)
    vdot(a, b)
"""
for _line in _computed.strip().splitlines():
    _define(_line.split("(")[0].strip(), _calls.computed(_line.strip()))

_viewed = """
    broadcast_to(array, shape)
    expand_dims(a, axis)
    flip(a, axis=None)
    matrix_transpose(x)
    moveaxis(a, source, destination)
    permute_dims(a, axes=None)
    ravel(a, order='C')
    squeeze(a, axis=None)
    swapaxes(a, axis1, axis2)
    transpose(a, axes=None)
"""
for _line in _viewed.strip().splitlines():
    _define(_line.split("(")[0].strip(), _calls.viewed(_line.strip()))


def _writable_diagonal(a, *args, **kwargs):
    z = _np.diagonal(a, *args, **kwargs)
    z.flags.writeable = a.flags.writeable
    return z


_define("diagonal", _calls.viewed("diagonal(a, offset=0, axis1=0, axis2=1)", _writable_diagonal))

for _line in """
    all(axis, out, keepdims); any(axis, out, keepdims); argmax(axis, out, dtype, keepdims);
    argmin(axis, out, dtype, keepdims); clip(min, max, out); conj(); conjugate(); cumprod(axis, dtype, out);
    cumsum(axis, dtype, out); dot(b, out); max(axis, out, keepdims); mean(axis, dtype, out, keepdims);
    min(axis, out, keepdims); prod(axis, dtype, out, keepdims); repeat(repeats, axis); round(decimals, out);
    searchsorted(v, side, sorter); std(axis, dtype, out, ddof, keepdims); sum(axis, dtype, out, keepdims);
    take(indices, axis, out); trace(offset, axis1, axis2, dtype, out); var(axis, dtype, out, ddof, keepdims)
""".split(";"):
    _name = _line.strip().split("(")[0]
    setattr(ndarray, _name, _calls.method(_line.strip(), globals()[_name]))
for _name, _operator in _operators(globals()):
    setattr(ndarray, _name, _operator)
ndarray.__getitem__, ndarray.__setitem__ = _getitem, _setitem


def _public(function):
    __all__.append(function.__name__)
    return function


# To the device and back


@_public
def array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False):
    if type(obj) is not ndarray:
        x = _from_host(obj, dtype, order or "K")
    elif copy or obj._device != _current.id or not _fits(obj, dtype, order):
        x = _copied(obj, dtype, order or "K")
    else:
        x = obj
    return x if x.ndim >= ndmin else x.reshape((1,) * (ndmin - x.ndim) + x.shape)


def _fits(x, dtype, order):
    flags = x._host.flags
    laid_out = {"C": flags.c_contiguous, "F": flags.f_contiguous}.get(order, True)
    return laid_out and (dtype is None or _np.dtype(dtype) == x.dtype)


@_public
def asarray(a, dtype=None, order=None, *, copy=None, blocking=False):
    return array(a, dtype, bool(copy), order)


@_public
def ascontiguousarray(a, dtype=None):
    return array(a, dtype, False, "C", ndmin=1)


@_public
def copy(a, order="K"):
    return a.copy(order)


@_public
def copyto(dst, src, casting="same_kind", where=None):
    _np.copyto(*map(_calls.read, (dst, src)), casting=casting, where=True if where is None else _calls.read(where))


@_public
def asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    if type(a) is ndarray:
        return a.get(stream, order, out, blocking)
    return _np.asarray(a, order=order)


# New arrays, all of the current device


def _unwritten(a):
    """Fill memory that nobody has written with what shows when it is read."""
    a.fill(_np.nan if a.dtype.kind in "fc" else True if a.dtype.kind == "b" else _np.iinfo(a.dtype).max)
    return _wrapped(a)


@_public
def empty(shape, dtype=float, order="C"):
    return _unwritten(_np.empty(shape, dtype, order))


@_public
def zeros(shape, dtype=float, order="C"):
    return _wrapped(_np.zeros(shape, dtype, order))


@_public
def ones(shape, dtype=float, order="C"):
    return _wrapped(_np.ones(shape, dtype, order))


@_public
def full(shape, fill_value, dtype=None, order="C"):
    return _wrapped(_np.full(shape, _calls.read(fill_value), dtype, order))


@_public
def empty_like(prototype, dtype=None, order="K", subok=None, shape=None):
    return _unwritten(_np.empty_like(prototype._host, dtype, order, shape=shape))


@_public
def zeros_like(a, dtype=None, order="K", subok=None, shape=None):
    return _wrapped(_np.zeros_like(a._host, dtype, order, shape=shape))


@_public
def ones_like(a, dtype=None, order="K", subok=None, shape=None):
    return _wrapped(_np.ones_like(a._host, dtype, order, shape=shape))


@_public
def full_like(a, fill_value, dtype=None, order="K", subok=None, shape=None):
    return _wrapped(_np.full_like(a._host, _calls.read(fill_value), dtype, order, shape=shape))


@_public
def arange(start, stop=None, step=1, dtype=None):
    return _wrapped(_np.arange(start, dtype=dtype) if stop is None else _np.arange(start, stop, step, dtype))


# Those with a manner of their own


@_public
def astype(x, dtype, /, *, copy=True):
    return x.astype(dtype, copy=copy)


@_public
def reshape(a, newshape, order="C", *, copy=None):
    return a.reshape(newshape, order=order, copy=copy)


@_public
def real(val):
    return val.real


@_public
def imag(val):
    return val.imag


@_public
def broadcast_arrays(*args):
    shape = _np.broadcast_shapes(*(x.shape for x in args))
    return [x if x.shape == shape else broadcast_to(x, shape) for x in args]  # noqa: F821


@_public
def meshgrid(*xi, indexing="xy"):
    return [_wrapped(_np.ascontiguousarray(x)) for x in _np.meshgrid(*map(_calls.read, xi), indexing=indexing)]


@_public
def result_type(*arrays_and_dtypes):
    return _np.result_type(*(x._host if type(x) is ndarray else x for x in arrays_and_dtypes))


@_public
def can_cast(from_, to, casting="safe"):
    return _np.can_cast(from_.dtype if type(from_) is ndarray else from_, to, casting)


@_public
def where(condition, x=None, y=None):
    if x is None and y is None:
        return nonzero(condition)
    if type(condition) is not ndarray:
        raise TypeError(f"Unsupported type {type(condition)}")
    return _wrapped(_np.where(*map(_calls.read, (condition, x, y))))


@_public
def sort(a, axis=-1, kind=None):
    return _wrapped(_np.sort(_calls.read(a), axis, _stable(kind)))


@_public
def argsort(a, axis=-1, kind=None):
    """Sort along the last axis, and hand that out in the place of `axis`: contiguous it is only there."""
    kind, host = _stable(kind), _np.atleast_1d(_calls.read(a))
    if axis is None:
        return _wrapped(_np.argsort(host, None, kind))
    return _wrapped(_np.moveaxis(_np.argsort(_np.moveaxis(host, axis, -1), -1, kind), -1, axis))


def _stable(kind):
    if kind not in (None, "stable"):
        raise ValueError("kind can only be None or 'stable'")
    return "stable"


def _waits(function):
    """Define a function whose result has a size that the device has to be asked for."""

    @_public
    @_wraps(function)
    def call(*args, **kwargs):
        _counts.synchronisations += 1
        return function(*args, **kwargs)

    return call


nonzero = _waits(_calls.computed("nonzero(a)"))
flatnonzero = _waits(_calls.computed("flatnonzero(a)"))


@_waits
def unique(ar, return_index=False, return_inverse=False, return_counts=False, axis=None, *, equal_nan=True):
    """Return the distinct elements; array-api-compat looks for `equal_nan` among the parameters."""
    options = {"return_index": return_index, "return_inverse": return_inverse, "return_counts": return_counts}
    return _wrapped(_np.unique(_calls.read(ar), axis=axis, equal_nan=equal_nan, **options))


unravel_index = _waits(_calls.computed("unravel_index(indices, dims, order='C')"))


@_public
def may_share_memory(a, b, max_work=None):
    return a._device == b._device and _np.may_share_memory(a._host, b._host)


@_public
def shares_memory(a, b, max_work=None):
    return a._device == b._device and _np.shares_memory(a._host, b._host)
