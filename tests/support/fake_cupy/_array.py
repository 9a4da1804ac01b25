"""cupy.ndarray on NumPy's storage; it is no NumPy array, and nothing reads it but through what CuPy has.

Where CuPy would go on and be slow or wrong, it raises: host arrays as values and as indices, arrays of a device that is
not the current one. Indices, operators, and the methods that are functions too are added where those are defined.
"""

from __future__ import annotations

import numpy as np

from fake_cupy._state import counts, current

__all__ = ["Flags", "copied", "from_host", "ndarray", "on_current", "read", "wrapped", "wrapped_view"]

_new = object.__new__
_python = (int, float, complex, bool)


def wrapped(value):
    """Return a result of NumPy as an array of memory of its own; never a scalar."""
    if type(value) is tuple or type(value) is list:
        return type(value)(map(wrapped, value))
    if isinstance(value, np.ndarray | np.generic):
        x = _new(ndarray)
        x._host = np.asarray(value)
        x._device = current.id
        x.base = None
        return x
    return value


def _owner(a):
    while type(a.base) is np.ndarray:
        a = a.base
    return a


def wrapped_view(value, of):
    """Return a result of NumPy as a view of `of`, or, where NumPy had to copy, as an array of its own."""
    if type(value) is tuple or type(value) is list:
        return type(value)(wrapped_view(v, of) for v in value)
    x = _new(ndarray)
    x._host = np.asarray(value)
    shares = _owner(x._host) is _owner(of._host)
    if not shares:
        on_current(of)
    x._device = of._device
    x.base = (of if of.base is None else of.base) if shares else None
    return x


def on_current(x):
    if x._device != current.id:
        raise ValueError(
            f"The device where the array resides ({x._device}) is different from the current device ({current.id}). "
            "Peer access is unavailable between these devices."
        )


def read(x):
    """Return what a kernel reads of one operand: an array of the current device, or a scalar."""
    if type(x) is ndarray:
        if x._device != current.id:
            on_current(x)
        return x._host
    if type(x) in _python or isinstance(x, np.generic):
        return x
    if type(x) is tuple or type(x) is list:
        return type(x)(map(read, x))
    raise TypeError(f"Unsupported type {type(x)}")


def from_host(obj, dtype=None, order="K"):
    """Return a copy of host values on the current device: a transfer."""
    if type(obj) in (list, tuple) and any(type(x) is ndarray for x in obj):
        raise TypeError("the stand-in makes no array of a list of arrays: use stack")
    a = np.array(obj, dtype=dtype, order=order)
    if a.dtype.kind not in "biufc" or a.dtype.itemsize > (16 if a.dtype.kind == "c" else 8):
        raise ValueError(f"Unsupported dtype {a.dtype}")
    counts.to_device += 1
    return wrapped(a)


def copied(x, dtype=None, order="K"):
    """Return a copy on the current device, from whichever device `x` is on."""
    return wrapped(np.array(x._host, dtype=dtype, order=order, copy=True))


class Flags:
    """What CuPy says of an array's memory; it has no `writeable`."""

    def __init__(self, x):
        flags = x._host.flags
        self.c_contiguous, self.f_contiguous, self.owndata = flags.c_contiguous, flags.f_contiguous, x.base is None
        self.fnc = self.f_contiguous and not self.c_contiguous
        self.forc = self.f_contiguous or self.c_contiguous

    def __getitem__(self, name):
        return {"C_CONTIGUOUS": self.c_contiguous, "F_CONTIGUOUS": self.f_contiguous, "OWNDATA": self.owndata}[name]


class _Pointer:
    def __init__(self, x):
        self.ptr = x._host.ctypes.data
        self.device_id = x._device


class ndarray:
    """An array of a device that is not there."""

    __slots__ = ("__weakref__", "_device", "_host", "base")
    __array_priority__ = 100
    __hash__ = None
    __module__ = "cupy"

    def __init__(self, shape, dtype=float, memptr=None, strides=None, order="C"):
        if memptr is not None or strides is not None:
            raise NotImplementedError("the stand-in has no memory pointers")
        self._host, self._device, self.base = np.empty(shape, dtype, order=order), current.id, None

    # What it is

    shape = property(lambda self: self._host.shape)
    dtype = property(lambda self: self._host.dtype)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    nbytes = property(lambda self: self._host.nbytes)
    itemsize = property(lambda self: self._host.itemsize)
    strides = property(lambda self: self._host.strides)
    flags = property(Flags)
    data = property(_Pointer)

    @property
    def device(self):
        from fake_cupy._cuda import Device

        return Device(self._device)

    def __len__(self):
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self):
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(self.shape[0]))

    # To the host, each a transfer that waits

    def get(self, stream=None, order="C", out=None, blocking=True):
        counts.to_host += 1
        counts.synchronisations += blocking
        if out is not None:
            out[...] = self._host
            return out
        return np.array(self._host, order=order, copy=True)

    def item(self):
        if self.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return self.get().item()

    def tolist(self):
        return self.get().tolist()

    def tobytes(self, order="C"):
        return self.get().tobytes(order)

    def __bool__(self):
        return bool(self.get())

    def __int__(self):
        return int(self.get())

    def __float__(self):
        return float(self.get())

    def __complex__(self):
        return complex(self.get())

    def __repr__(self):
        return repr(self.get())

    def __str__(self):
        return str(self.get())

    def __format__(self, spec):
        return format(self.get(), spec)

    def __reduce__(self):
        return from_host, (self.get(),)

    def set(self, arr, stream=None):
        if not isinstance(arr, np.ndarray):
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        counts.to_device += 1
        self._host[...] = arr

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array "
            "explicitly."
        )

    def __dlpack_device__(self):
        return (2, self._device)

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        if dl_device == (1, 0) and copy is not False:
            return self.get().__dlpack__(**({} if max_version is None else {"max_version": max_version}))
        raise BufferError("the stand-in has no device memory to hand out")

    # NumPy's functions

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if "out" in kwargs:
            (kwargs["out"],) = kwargs["out"]
        function = getattr(_cupy(), ufunc.__name__, None)
        if function is None:
            return NotImplemented
        if method != "__call__":
            function = getattr(function, method)
        for x in inputs:
            known = type(x) in _python or isinstance(x, np.generic | ndarray | np.ndarray)
            if not known and not hasattr(x, "__cuda_array_interface__"):
                return NotImplemented
        return function(*inputs, **kwargs)

    def __array_function__(self, function, types, args, kwargs):
        its = _cupy()
        for part in function.__module__.split(".")[1:]:
            its = getattr(its, part, None)
        its = getattr(its, function.__name__, None)
        if its is None or its is function or not all(issubclass(t, ndarray | np.ndarray) for t in types):
            return NotImplemented
        return its(*args, **kwargs)

    # Views

    T = property(lambda self: wrapped_view(self._host.T, self))
    mT = property(lambda self: wrapped_view(self._host.mT, self))
    real = property(lambda self: wrapped_view(self._host.real, self) if self.dtype.kind == "c" else self)

    @property
    def imag(self):
        return wrapped_view(self._host.imag, self) if self.dtype.kind == "c" else wrapped(np.zeros_like(self._host))

    def reshape(self, *shape, order="C", copy=None):
        if copy:
            on_current(self)
            return wrapped(self._host.reshape(*shape, order=order).copy())
        return wrapped_view(self._host.reshape(*shape, order=order), self)

    def ravel(self, order="C"):
        return wrapped_view(self._host.ravel(order), self)

    def transpose(self, *axes):
        return wrapped_view(self._host.transpose(*axes), self)

    def swapaxes(self, axis1, axis2):
        return wrapped_view(self._host.swapaxes(axis1, axis2), self)

    def squeeze(self, axis=None):
        return wrapped_view(self._host.squeeze(axis), self)

    def diagonal(self, offset=0, axis1=0, axis2=1):
        return wrapped_view(self._host.diagonal(offset, axis1, axis2), self)

    def view(self, dtype=None):
        return wrapped_view(self._host.view() if dtype is None else self._host.view(dtype), self)

    # Copies

    def copy(self, order="C"):
        if self._device != current.id and self.size and not Flags(self).forc:
            raise NotImplementedError("CuPy cannot copy non-contiguous array between devices.")
        return copied(self, order=order)

    __copy__ = copy

    def __deepcopy__(self, memo):
        with self.device:
            return self.copy()

    def flatten(self, order="C"):
        on_current(self)
        return wrapped(self._host.flatten(order))

    def astype(self, dtype, order="K", casting=None, subok=None, copy=True):
        dtype = np.dtype(dtype)
        if not copy and dtype == self.dtype and order == "K":
            return self
        on_current(self)
        with np.errstate(all="ignore"):
            return wrapped(self._host.astype(dtype, order=order, casting=casting or "unsafe"))

    def fill(self, value):
        self[...] = value

    def nonzero(self):
        on_current(self)
        counts.synchronisations += 1
        return wrapped(self._host.nonzero())

    def sort(self, axis=-1, kind=None):
        on_current(self)
        if not self.flags.c_contiguous:
            raise NotImplementedError("Sorting non-contiguous array is not supported.")
        self._host.sort(axis, "stable")


def _cupy():
    """Return the functions, which are made after the arrays."""
    from fake_cupy import _namespace

    return _namespace
