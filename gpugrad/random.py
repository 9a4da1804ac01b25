"""Random tensors: the same seed gives the same numbers on every backend."""

from __future__ import annotations

from typing import Any

from gpugrad._ops.manipulation import sizes_of
from gpugrad._tensor import Tensor
from gpugrad._tensor.making import from_host
from gpugrad.backends import (
    Generator,
    as_dtype,
    default_float,
    default_generator,
    default_integer,
    is_float,
    manual_seed,
)
from gpugrad.errors import DtypeError, OptionError

__all__ = ["Generator", "manual_seed", "rand", "randint", "randn", "randperm"]


def _sizes(shape: tuple[Any, ...]) -> tuple[int, ...]:
    return sizes_of(shape[0] if len(shape) == 1 else shape)


def _float(dtype: Any) -> Any:
    wanted = default_float if dtype is None else as_dtype(dtype)
    if not is_float(wanted):
        raise DtypeError(f"random numbers of dtype {wanted}: a real floating-point dtype is needed")
    return wanted


def _made(host: Any, device: Any, requires_grad: bool) -> Tensor:
    made = from_host(host, device)
    return made.requires_grad_() if requires_grad else made


def randn(
    *shape: Any, generator: Generator | None = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return standard normal numbers.

    >>> randn(2, 3).shape
    (2, 3)
    """
    host = (generator or default_generator).normal(_sizes(shape), _float(dtype))
    return _made(host, device, requires_grad)


def rand(
    *shape: Any, generator: Generator | None = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return numbers drawn evenly from [0, 1).

    >>> bool((rand(100) < 1).all())
    True
    """
    host = (generator or default_generator).uniform(_sizes(shape), _float(dtype))
    return _made(host, device, requires_grad)


def randint(
    low: int,
    high: int | None = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
) -> Tensor:
    """Return integers from `low` to `high` - 1 in the shape `size`; with one bound they count from 0, as in PyTorch.

    >>> randint(5, (3,)).shape
    (3,)
    """
    if size is None:
        low, high, size = 0, low, high
    if high is None or size is None:
        raise TypeError("randint takes (high, size) or (low, high, size)")
    if high <= low:
        raise OptionError(f"randint: high must be above low, and {high} is not above {low}")
    wanted = default_integer if dtype is None else as_dtype(dtype)
    return _made((generator or default_generator).integers(low, high, sizes_of(size), wanted), device, False)


def randperm(n: int, *, generator: Generator | None = None, device: Any = None) -> Tensor:
    """Return 0 to `n` - 1 in random order.

    >>> sorted(randperm(4).tolist())
    [0, 1, 2, 3]
    """
    return _made((generator or default_generator).permutation(n), device, False)
