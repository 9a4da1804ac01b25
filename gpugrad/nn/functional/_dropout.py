"""Elements, or whole features, dropped at random while training.

The generator's seed and the number of the draw decide what is dropped, so it is the same on every backend.
"""
# ruff: noqa: A001, A002 - PyTorch calls the first argument `input`

from __future__ import annotations

from typing import Any

from gpugrad import _ops as ops
from gpugrad._creation import ones
from gpugrad._graph import mode
from gpugrad._tensor.writing import overwrite
from gpugrad.backends import Generator, default_generator
from gpugrad.errors import OptionError, ShapeError

__all__ = ["alpha_dropout", "dropout", "dropout1d", "feature_alpha_dropout", "uniform_like"]


def probability(p: Any) -> float:
    """Return a probability that is one."""
    if isinstance(p, bool) or not isinstance(p, int | float) or not 0 <= p <= 1:
        raise OptionError(f"p must be a probability from 0 to 1, not {p!r}")
    return float(p)


def uniform_like(input: Any, low: float, high: float, generator: Generator | None = None) -> Any:
    """Return numbers drawn evenly from low to high, one for each element of input, on its device."""
    source = generator or default_generator
    if mode.drawing is not None:
        input = mode.drawing.operand(input)
    return ops.uniform_like(input, low=float(low), high=float(high), seed=source.seed, offset=source.next_offset())


def _dropped(input: Any, p: float, generator: Generator | None) -> Any:
    source = generator or default_generator
    if mode.drawing is not None:
        input = mode.drawing.operand(input)
    return ops.dropout(input, p=float(p), seed=source.seed, offset=source.next_offset())


def dropout(
    input: Any, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Generator | None = None
) -> Any:
    """Return input with each element set to 0 with probability p and the others divided by 1 - p.

    Srivastava et al. (2014). Not in training it is input itself.

    >>> import gpugrad
    >>> dropout(gpugrad.ones(3), training=False)
    tensor([1., 1., 1.])
    """
    probability(p)
    if not training or p == 0:
        return input
    z = _dropped(input, p, generator)
    return overwrite(input, z) if inplace else z


def _features(input: Any) -> tuple[int, ...]:
    """Return the shape that has one element for each feature of each sample: the axes behind them are dropped whole."""
    if input.ndim < 2:
        raise ShapeError(f"an input of shape {input.shape} has no features; it is (samples, features, ...)")
    return (*input.shape[:2], *(1,) * (input.ndim - 2))


def dropout1d(
    input: Any, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Generator | None = None
) -> Any:
    """Return input with whole features set to 0 with probability p and the others divided by 1 - p.

    input: (n, features, length), or (features, length) for a single sample (Tompson et al., 2015).

    >>> import gpugrad
    >>> bool(dropout1d(gpugrad.ones((4, 3, 2))).std(axis=2).sum() == 0)
    True
    """
    probability(p)
    if input.ndim not in (2, 3):
        raise ShapeError(
            f"dropout1d: expected an input of shape (n, features, length) or (features, length), got {input.shape}"
        )
    if not training or p == 0:
        return input
    shape = (*input.shape[:-1], 1)
    z = input * _dropped(ones(shape, dtype=input.dtype, device=input.device), p, generator)
    return overwrite(input, z) if inplace else z


_saturation = -1.7580993408473766
"""What selu is at -inf: the value that alpha dropout sets elements to."""


def _alpha_dropped(input: Any, mask_shape: tuple[int, ...], p: float, generator: Generator | None) -> Any:
    if p == 1:
        return input * 0.0
    drawn = _dropped(ones(mask_shape, dtype=input.dtype, device=input.device), p, generator)
    kept = ops.astype(drawn > 0, input.dtype)
    scale = ((1 - p) * (1 + p * _saturation**2)) ** -0.5
    return input * (kept * scale) + (1 - kept) * (_saturation * scale) - scale * _saturation * p


def alpha_dropout(
    input: Any, p: float = 0.5, training: bool = False, inplace: bool = False, *, generator: Generator | None = None
) -> Any:
    """Return input with elements set, with probability p, to what selu is at -inf, so that mean and variance stay.

    It goes with selu (Klambauer et al., 2017).

    >>> import gpugrad
    >>> alpha_dropout(gpugrad.ones(3), training=False)
    tensor([1., 1., 1.])
    """
    probability(p)
    if not training or p == 0:
        return input
    z = _alpha_dropped(input, tuple(input.shape), p, generator)
    return overwrite(input, z) if inplace else z


def feature_alpha_dropout(
    input: Any, p: float = 0.5, training: bool = False, inplace: bool = False, *, generator: Generator | None = None
) -> Any:
    """Return input with whole features, the axis 1, dropped as `alpha_dropout` drops elements.

    >>> import gpugrad
    >>> bool(feature_alpha_dropout(gpugrad.ones((4, 3, 2)), training=True).std(axis=2).sum() == 0)
    True
    """
    probability(p)
    if not training or p == 0:
        return input
    z = _alpha_dropped(input, _features(input), p, generator)
    return overwrite(input, z) if inplace else z
