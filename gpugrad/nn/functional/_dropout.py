"""Elements dropped at random while training."""
# ruff: noqa: A002 - PyTorch calls the first argument `input`

from __future__ import annotations

from typing import Any

from gpugrad import _ops as ops
from gpugrad.backends import Generator, default_generator
from gpugrad.errors import OptionError

__all__ = ["dropout"]


def dropout(input: Any, p: float = 0.5, training: bool = True, *, generator: Generator | None = None) -> Any:
    """Return input with each element set to 0 with probability p and the others divided by 1 - p.

    Srivastava et al. (2014). Not in training it is input itself. The generator's seed and the number of the draw
    decide the mask, so it is the same on every backend.

    >>> import gpugrad
    >>> dropout(gpugrad.ones(3), training=False)
    tensor([1., 1., 1.])
    """
    if not 0 <= p <= 1:
        raise OptionError(f"p must be a probability from 0 to 1, not {p!r}")
    if not training or p == 0:
        return input
    source = generator or default_generator
    return ops.dropout(input, p=float(p), seed=source.seed, offset=source.next_offset())
