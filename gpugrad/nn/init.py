"""Initial values, drawn on the host from gpugrad's seeded generator, so that every backend gets the same numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gpugrad._graph import no_grad
from gpugrad._tensor import Tensor
from gpugrad._tensor.making import from_host
from gpugrad.backends import Generator, default_generator
from gpugrad.errors import DtypeError, OptionError, ShapeError
from gpugrad.nn._explained import explained
from gpugrad.nn._truncated import truncated_normal

__all__ = [
    "calculate_gain",
    "constant_",
    "dirac_",
    "eye_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "lecun_normal_",
    "lecun_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "sparse_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]


_products = frozenset(f"conv{kind}{n}d" for kind in ("", "_transpose") for n in (1, 2, 3))


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return by how much weights before this nonlinearity are scaled so that the variance of values is kept.

    `param` is the slope of leaky_relu, 0.01 if None. Up to selu the gains are PyTorch's, some of them
    rules of thumb; the others are 1 / sqrt(mean of f(x)**2) for normal x.

    >>> calculate_gain("leaky_relu", 0.0) == calculate_gain("relu")
    True
    """
    slope = 0.01 if param is None else param
    gains = {
        "linear": 1.0,
        "sigmoid": 1.0,
        "tanh": 5.0 / 3,
        "relu": math.sqrt(2.0),
        "leaky_relu": math.sqrt(2.0 / (1 + slope**2)),
        "selu": 0.75,
        "elu": 1.2451983007007064,
        "gelu": 1.5335304411955353,
        "silu": 1.6765324703310909,
        "mish": 1.4868475812732078,
        "hardswish": 1.7366572127665416,
        "softsign": 2.337533363108539,
    }
    if nonlinearity in _products:
        return 1.0
    if nonlinearity not in gains:
        raise OptionError(f"nonlinearity must be one of {', '.join(gains)}, not {nonlinearity!r}")
    return gains[nonlinearity]


def _fans(tensor: Tensor) -> tuple[int, int]:
    """Return how many inputs and outputs a weight (out, in, ...) connects."""
    if tensor.ndim < 2:
        raise ShapeError(f"fan in and fan out need a weight (out, in, ...) of two axes or more, not {tensor.shape}")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _check_matrix(name: str, tensor: Tensor) -> None:
    if tensor.ndim != 2:
        raise ShapeError(f"{name}: expected a matrix, got {tensor.shape}")


def _fill(tensor: Tensor, host: np.ndarray[Any, Any]) -> Tensor:
    if tensor.dtype.kind not in "fc" and np.issubdtype(host.dtype, np.floating):
        raise DtypeError(f"initial values are real numbers, which a tensor of dtype {tensor.dtype} does not hold")
    with no_grad():
        return tensor.copy_(from_host(host, tensor.device))


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill a tensor with numbers drawn evenly from [a, b); return it.

    >>> import gpugrad
    >>> bool((uniform_(gpugrad.empty(100), 2.0, 3.0) >= 2).all())
    True
    """
    host = (generator or default_generator).uniform(tensor.shape, tensor.dtype)
    return _fill(tensor, host * (b - a) + a)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill a tensor with normal numbers of this mean and standard deviation; return it.

    >>> import gpugrad
    >>> normal_(gpugrad.empty(2), mean=7.0, std=0.0)
    tensor([7., 7.])
    """
    host = (generator or default_generator).normal(tensor.shape, tensor.dtype)
    return _fill(tensor, host * std + mean)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill a tensor with one value; return it.

    >>> import gpugrad
    >>> constant_(gpugrad.empty(2), 3.0)
    tensor([3., 3.])
    """
    with no_grad():
        return tensor.fill_(val)


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Fill a tensor with normal numbers of this mean and standard deviation, drawn again until they are in [a, b].

    Return it. `mean` and `std` are those of the normal distribution before it is cut off.

    >>> import gpugrad
    >>> bool((abs(trunc_normal_(gpugrad.empty(100), std=5.0)) <= 2).all())
    True
    """
    if not a < b:
        raise OptionError(f"trunc_normal_: a is {a!r} and b is {b!r}; a must be below b")
    if not std > 0:
        raise OptionError(f"trunc_normal_: std must be above 0, not {std!r}")
    draws = truncated_normal(tensor.size, (a - mean) / std, (b - mean) / std, generator or default_generator)
    return _fill(tensor, np.clip(draws * std + mean, a, b).reshape(tensor.shape))


def zeros_(tensor: Tensor) -> Tensor:
    """Fill a tensor with zeros; return it.

    >>> import gpugrad
    >>> zeros_(gpugrad.ones(2))
    tensor([0., 0.])
    """
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """Fill a tensor with ones; return it.

    >>> import gpugrad
    >>> ones_(gpugrad.zeros(2))
    tensor([1., 1.])
    """
    return constant_(tensor, 1.0)


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with the identity, as far as it goes; return it.

    >>> import gpugrad
    >>> eye_(gpugrad.empty((2, 3))).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    _check_matrix("eye_", tensor)
    return _fill(tensor, np.eye(*tensor.shape, dtype=tensor.dtype))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill the weight (out, in, *kernel) of a convolution so that it hands on its channels; return it.

    In each of `groups` groups of outputs, output i takes input i at the middle of the kernel.

    >>> import gpugrad
    >>> dirac_(gpugrad.empty((2, 2, 3))).tolist()
    [[[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]
    """
    if tensor.ndim not in (3, 4, 5):
        raise ShapeError(f"dirac_: expected a weight (out, in, *kernel) of 3 to 5 axes, got {tensor.shape}")
    if groups < 1 or tensor.shape[0] % groups:
        raise OptionError(f"dirac_: {tensor.shape[0]} outputs cannot be parted into {groups!r} groups")
    host = np.zeros(tensor.shape, tensor.dtype)
    middle = tuple(n // 2 for n in tensor.shape[2:])
    each = tensor.shape[0] // groups
    for group in range(groups):
        for i in range(min(each, tensor.shape[1])):
            host[(group * each + i, i, *middle)] = 1
    return _fill(tensor, host)


def orthogonal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill a weight (rows, ...) with a random matrix whose rows, or columns, are orthogonal, times gain; return it.

    The axes behind the first are taken as one. Saxe et al. (2014); all such matrices are as likely (Mezzadri, 2007).

    >>> import gpugrad
    >>> w = orthogonal_(gpugrad.empty((2, 3)))
    >>> bool((abs(w @ w.mT - gpugrad.eye(2)) < 1e-6).all())
    True
    """
    if tensor.ndim < 2:
        raise ShapeError(f"orthogonal_: expected a weight of two axes or more, got {tensor.shape}")
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    shape = max(rows, columns), min(rows, columns)
    q, r = np.linalg.qr((generator or default_generator).normal(shape, np.dtype(np.float64)))
    q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)
    return _fill(tensor, (gain * (q if rows >= columns else q.T)).reshape(tensor.shape).astype(tensor.dtype))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """Fill a matrix with normal numbers, of which this fraction of each column is set to 0; return it (Martens, 2010).

    >>> import gpugrad
    >>> (sparse_(gpugrad.empty((4, 3)), sparsity=0.5) == 0).sum(axis=0).tolist()
    [2, 2, 2]
    """
    _check_matrix("sparse_", tensor)
    if not 0 <= sparsity <= 1:
        raise OptionError(f"sparse_: sparsity must be from 0 to 1, not {sparsity!r}")
    source = generator or default_generator
    host = source.normal(tensor.shape, tensor.dtype) * tensor.dtype.type(std)
    zeros = math.ceil(sparsity * tensor.shape[0])
    for column in range(tensor.shape[1]):
        host[source.permutation(tensor.shape[0])[:zeros], column] = 0
    return _fill(tensor, host)


def lecun_uniform_(tensor: Tensor, generator: Generator | None = None) -> Tensor:
    """Fill a weight evenly from +-sqrt(3 / fan_in); return it (LeCun et al., 1998).

    >>> import gpugrad
    >>> bool((abs(lecun_uniform_(gpugrad.empty((2, 3)))) <= 1).all())
    True
    """
    bound = math.sqrt(3.0) * _kaiming_std(tensor, 0, "fan_in", "linear")
    return uniform_(tensor, -bound, bound, generator)


def lecun_normal_(tensor: Tensor, generator: Generator | None = None) -> Tensor:
    """Fill a weight with normal numbers of std 1 / sqrt(fan_in); return it (LeCun et al., 1998). It goes with selu.

    >>> import gpugrad
    >>> lecun_normal_(gpugrad.empty((2, 3))).shape
    (2, 3)
    """
    return normal_(tensor, 0.0, _kaiming_std(tensor, 0, "fan_in", "linear"), generator)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill a weight evenly from +-gain * sqrt(6 / (fan_in + fan_out)); return it (Glorot and Bengio, 2010).

    >>> import gpugrad
    >>> bool((abs(xavier_uniform_(gpugrad.empty((3, 3)))) <= 1).all())
    True
    """
    bound = gain * math.sqrt(6.0 / sum(_fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill a weight with normal numbers of std gain * sqrt(2 / (fan_in + fan_out)); return it.

    Glorot and Bengio (2010).

    >>> import gpugrad
    >>> xavier_normal_(gpugrad.empty((2, 2)), gain=0.0).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    True
    """
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(_fans(tensor))), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise OptionError(f"mode must be 'fan_in' or 'fan_out', not {mode!r}")
    fan = _fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan) if fan else 0.0


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill a weight evenly from +-gain * sqrt(3 / fan); return it (He et al., 2015). `a` is leaky_relu's slope.

    >>> import gpugrad
    >>> bool((abs(kaiming_uniform_(gpugrad.empty((3, 6)))) <= 1).all())
    True
    """
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill a weight with normal numbers of std gain / sqrt(fan); return it (He et al., 2015).

    >>> import gpugrad
    >>> kaiming_normal_(gpugrad.empty((3, 6))).shape
    (3, 6)
    """
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


for _name in __all__:
    globals()[_name] = explained(globals()[_name])
