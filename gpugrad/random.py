"""Random tensors: the same seed gives the same numbers on every backend."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gpugrad._graph import mode
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


def _drawn(draw: Callable[[tuple[int, ...]], Any], shape: tuple[int, ...], device: Any, requires_grad: bool) -> Tensor:
    """Return what `draw` returns for a shape, on a device; under vmap, it may be asked for all examples at once."""

    def make(sizes: tuple[int, ...]) -> Tensor:
        made = from_host(draw(sizes), device)
        return made.requires_grad_() if requires_grad else made

    return make(shape) if mode.drawing is None else mode.drawing.values(make, shape)


def randn(
    *shape: Any, generator: Generator | None = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return standard normal numbers.

    >>> randn(2, 3).shape
    (2, 3)
    """
    source, wanted = generator or default_generator, _float(dtype)
    return _drawn(lambda sizes: source.normal(sizes, wanted), _sizes(shape), device, requires_grad)


def rand(
    *shape: Any, generator: Generator | None = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return numbers drawn evenly from [0, 1).

    >>> bool((rand(100) < 1).all())
    True
    """
    source, wanted = generator or default_generator, _float(dtype)
    return _drawn(lambda sizes: source.uniform(sizes, wanted), _sizes(shape), device, requires_grad)


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
    source, first, end = generator or default_generator, low, high
    return _drawn(lambda sizes: source.integers(first, end, sizes, wanted), sizes_of(size), device, False)


def randperm(n: int, *, generator: Generator | None = None, device: Any = None) -> Tensor:
    """Return 0 to `n` - 1 in random order.

    >>> sorted(randperm(4).tolist())
    [0, 1, 2, 3]
    """
    source = generator or default_generator

    def draw(sizes: tuple[int, ...]) -> Any:
        if len(sizes) == 1:
            return source.permutation(n)
        rows = [source.permutation(n) for _ in range(math.prod(sizes[:-1]))]
        return np.reshape(rows, sizes)

    return _drawn(draw, (n,), device, False)
