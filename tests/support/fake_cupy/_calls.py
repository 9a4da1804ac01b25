"""Calls as CuPy takes them, answered by NumPy: universal functions, functions of arrays, and methods."""

from __future__ import annotations

import numpy as np

from fake_cupy._array import ndarray, read, wrapped, wrapped_view

__all__ = ["computed", "method", "parameters", "read", "ufunc", "viewed"]

quiet = np.errstate(all="ignore")
"""A GPU warns of nothing. Made once, it may be entered again and again as a decorator alone."""


class ufunc:
    """A universal function; `out` may be positional, and there is no `order` and no `subok`."""

    def __init__(self, function):
        self._function = function
        self.__name__ = function.__name__
        self.nin, self.nout, self.nargs, self.types = function.nin, function.nout, function.nargs, function.types

    @quiet
    def __call__(self, *args, out=None, dtype=None, casting="same_kind", where=None):
        if len(args) > self.nin:
            args, out = args[: self.nin], args[self.nin :]
        if len(args) < self.nin:
            raise TypeError(f"Wrong number of arguments for '{self.__name__}'")
        operands = [read(x) for x in args]
        options = {} if dtype is None else {"dtype": dtype}
        if where is not None:
            options["where"] = read(where)
        if out is not None:
            outs = out if type(out) is tuple else (out,)
            if not all(type(z) is ndarray for z in outs):
                raise TypeError("Output arguments type must be cupy.ndarray")
            self._function(*operands, out=tuple(map(read, outs)), casting=casting, **options)
            return outs[0] if self.nout == 1 else outs
        z = self._function(*operands, casting=casting, **options)
        return wrapped(z)

    def _only(self, names, what):
        if self.__name__ not in names:
            raise NotImplementedError(f"`cupy_{self.__name__}.{what}` is not supported yet")

    def reduce(self, array, axis=0, dtype=None, out=None, keepdims=False):
        self._only(("add", "multiply"), "reduce")
        return computed("reduce(a, axis, dtype, out, keepdims)", self._function.reduce)(
            array, axis, dtype, out, keepdims
        )

    def accumulate(self, array, axis=0, dtype=None, out=None):
        self._only(("add", "multiply"), "accumulate")
        return computed("accumulate(a, axis, dtype, out)", self._function.accumulate)(array, axis, dtype, out)

    @quiet
    def reduceat(self, array, indices, axis=0, dtype=None, out=None):
        """Sum as CuPy does, by differences of one running sum: what is infinite or large spoils what comes after."""
        self._only(("add",), "reduceat")
        a, starts = read(array), read(indices)
        assert axis == 0 and out is None, "the stand-in sums along the first axis"
        running = np.concatenate([np.zeros((1, *a.shape[1:]), dtype or a.dtype), np.cumsum(a, 0, dtype or a.dtype)])
        ends = np.append(starts[1:], a.shape[0])
        single = (starts >= ends).reshape(-1, *[1] * (a.ndim - 1))
        return wrapped(np.where(single, a[np.minimum(starts, len(a) - 1)], running[ends] - running[starts]))

    def at(self, a, indices, b=None):
        self._only(("add", "subtract", "maximum", "minimum", "bitwise_and", "bitwise_or", "bitwise_xor"), "at")
        self._function.at(read(a), read(indices), read(b))

    @quiet
    def outer(self, A, B):
        return wrapped(self._function.outer(read(A), read(B)))


def parameters(signature):
    """Return a function's name, how many arguments may be positional, and all names of its parameters."""
    name, _, rest = signature.rstrip(")").partition("(")
    listed = [part.split("=")[0].strip() for part in rest.split(",") if part.strip()]
    positional = listed.index("*") if "*" in listed else len(listed)
    if any(part.startswith("*") and part != "*" for part in listed):
        positional = 10**6
    return name, positional, frozenset(part for part in listed if part.strip("*/"))


def _check(name, positional, known, args, kwargs):
    if len(args) > positional:
        raise TypeError(f"{name}() takes {positional} positional arguments but {len(args)} were given")
    if not known.issuperset(kwargs):
        raise TypeError(f"{name}() got an unexpected keyword argument {min(kwargs.keys() - known)!r}")


def _operand(x):
    """Return an argument for NumPy: arrays as they are read, tuples of arrays too, and all else as it is."""
    if type(x) is ndarray:
        return read(x)
    if isinstance(x, np.ndarray):
        raise TypeError(f"Unsupported type {type(x)}")
    if type(x) in (tuple, list):
        return type(x)(map(_operand, x))
    return x


def computed(signature, function=None):
    """Return CuPy's function of this signature, whose results have memory of their own."""
    name, positional, known = parameters(signature)
    function = function or getattr(np, name)

    @quiet
    def call(*args, **kwargs):
        _check(name, positional, known, args, kwargs)
        out = kwargs.get("out")
        z = function(*map(_operand, args), **{k: _operand(v) for k, v in kwargs.items()})
        return out if out is not None else wrapped(z)

    call.__name__ = name
    call.signature = signature
    return call


def viewed(signature, function=None):
    """Return CuPy's function of this signature, whose results are views of its first argument."""
    name, positional, known = parameters(signature)
    function = function or getattr(np, name)

    def call(x, *args, **kwargs):
        _check(name, positional - 1, known, args, kwargs)
        if type(x) is not ndarray:
            raise TypeError(f"{name}() takes a cupy.ndarray, not {type(x).__name__}")
        return wrapped_view(function(x._host, *args, **kwargs), x)

    call.__name__ = name
    call.signature = signature
    return call


def method(signature, function):
    """Return a function of this signature as a method of arrays that takes the same but the array itself."""
    name, positional, known = parameters(signature)

    def call(self, *args, **kwargs):
        _check(name, positional, known, args, kwargs)
        return function(self, *args, **kwargs)

    call.__name__ = name
    return call
