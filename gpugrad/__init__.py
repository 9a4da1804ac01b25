"""gpugrad: the differentiable array API, on NumPy or on CuPy.

Code written to the Python array API standard gets gradients; on it stands what a person needs to train an MLP.

>>> import gpugrad
>>> x = gpugrad.tensor([1., 2., 3.], requires_grad=True)
>>> (gpugrad.exp(x) * x).sum().backward()
>>> x.grad
tensor([ 5.4366, 22.1672, 80.3421])
"""

from __future__ import annotations

import importlib as _importlib
import math as _math
from typing import Any as _Any

from gpugrad import autograd, linalg, random, special
from gpugrad._creation import (
    arange,
    empty,
    empty_like,
    eye,
    full,
    full_like,
    linspace,
    ones,
    ones_like,
    zeros,
    zeros_like,
)
from gpugrad._ops import (
    abs,
    activated_linear,
    add,
    all,
    any,
    argmax,
    argmin,
    astype,
    atan2,
    bitwise_and,
    bitwise_invert,
    bitwise_left_shift,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    broadcast_to,
    ceil,
    clip,
    clone,
    concat,
    conj,
    cos,
    cosh,
    cross_entropy,
    divide,
    dropout,
    equal,
    erf,
    erfc,
    exp,
    expand_dims,
    expm1,
    flip,
    floor,
    floor_divide,
    gelu,
    greater,
    greater_equal,
    hypot,
    imag,
    isfinite,
    isinf,
    isnan,
    layer_norm,
    leaky_relu,
    less,
    less_equal,
    linear,
    log,
    log1p,
    log2,
    log10,
    log_sigmoid,
    log_softmax,
    logaddexp,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    logsumexp,
    matmul,
    matrix_transpose,
    max,
    maximum,
    mean,
    min,
    minimum,
    moveaxis,
    multiply,
    negative,
    nonzero,
    not_equal,
    outer,
    permute_dims,
    positive,
    pow,
    prod,
    real,
    reciprocal,
    relu,
    remainder,
    reshape,
    round,
    sigmoid,
    sign,
    signbit,
    silu,
    sin,
    sinh,
    softmax,
    softplus,
    sqrt,
    square,
    squeeze,
    stack,
    std,
    subtract,
    sum,
    take,
    tan,
    tanh,
    tensordot,
    trunc,
    var,
    vecdot,
    where,
)
from gpugrad._tensor import Tensor, asarray, tensor
from gpugrad.autograd import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from gpugrad.backends import (
    Device,
    available_backends,
    get_backend,
    isdtype,
    manual_seed,
    set_backend,
    use_backend,
)
from gpugrad.backends import dtypes as _dtypes
from gpugrad.errors import BackendUnavailable
from gpugrad.random import rand, randint, randn, randperm

__version__ = "0.1.0"

e = _math.e
inf = _math.inf
nan = _math.nan
pi = _math.pi
newaxis = None

bool = _dtypes["bool"]
int8 = _dtypes["int8"]
int16 = _dtypes["int16"]
int32 = _dtypes["int32"]
int64 = _dtypes["int64"]
uint8 = _dtypes["uint8"]
uint16 = _dtypes["uint16"]
uint32 = _dtypes["uint32"]
uint64 = _dtypes["uint64"]
float16 = _dtypes["float16"]
float32 = _dtypes["float32"]
float64 = _dtypes["float64"]
complex64 = _dtypes["complex64"]
complex128 = _dtypes["complex128"]

_parts = ("data", "nn", "optim")


def __getattr__(name: str) -> _Any:
    """Import the parts for training when they are first asked for."""
    if name in _parts:
        return _importlib.import_module(f"gpugrad.{name}")
    raise AttributeError(f"module 'gpugrad' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names."""
    return [*__all__, *_parts]


__all__ = [
    "BackendUnavailable",
    "Device",
    "Tensor",
    "abs",
    "activated_linear",
    "add",
    "all",
    "any",
    "arange",
    "argmax",
    "argmin",
    "asarray",
    "astype",
    "atan2",
    "autograd",
    "available_backends",
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "bool",
    "broadcast_to",
    "ceil",
    "clip",
    "clone",
    "complex128",
    "complex64",
    "concat",
    "conj",
    "cos",
    "cosh",
    "cross_entropy",
    "divide",
    "dropout",
    "e",
    "empty",
    "empty_like",
    "enable_grad",
    "equal",
    "erf",
    "erfc",
    "exp",
    "expand_dims",
    "expm1",
    "eye",
    "flip",
    "float16",
    "float32",
    "float64",
    "floor",
    "floor_divide",
    "full",
    "full_like",
    "gelu",
    "get_backend",
    "greater",
    "greater_equal",
    "hypot",
    "imag",
    "inf",
    "int16",
    "int32",
    "int64",
    "int8",
    "is_grad_enabled",
    "isdtype",
    "isfinite",
    "isinf",
    "isnan",
    "layer_norm",
    "leaky_relu",
    "less",
    "less_equal",
    "linalg",
    "linear",
    "linspace",
    "log",
    "log10",
    "log1p",
    "log2",
    "log_sigmoid",
    "log_softmax",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logsumexp",
    "manual_seed",
    "matmul",
    "matrix_transpose",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "moveaxis",
    "multiply",
    "nan",
    "negative",
    "newaxis",
    "no_grad",
    "nonzero",
    "not_equal",
    "ones",
    "ones_like",
    "outer",
    "permute_dims",
    "pi",
    "positive",
    "pow",
    "prod",
    "rand",
    "randint",
    "randn",
    "random",
    "randperm",
    "real",
    "reciprocal",
    "relu",
    "remainder",
    "reshape",
    "round",
    "set_backend",
    "set_grad_enabled",
    "sigmoid",
    "sign",
    "signbit",
    "silu",
    "sin",
    "sinh",
    "softmax",
    "softplus",
    "special",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "subtract",
    "sum",
    "take",
    "tan",
    "tanh",
    "tensor",
    "tensordot",
    "trunc",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
    "use_backend",
    "var",
    "vecdot",
    "where",
    "zeros",
    "zeros_like",
]
