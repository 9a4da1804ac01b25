"""Layers that drop elements or whole features while training, the same ones on every backend for one seed."""
# ruff: noqa: A002 - PyTorch calls the argument of forward `input`

from __future__ import annotations

from typing import Any

from gpugrad.nn import functional
from gpugrad.nn.functional._dropout import probability
from gpugrad.nn.module import Module

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "FeatureAlphaDropout"]


class Dropout(Module):
    """In training sets each element to 0 with probability p and divides the others by 1 - p.

    Srivastava et al. (2014). The default generator's seed decides the masks, the same on every
    backend. In evaluation it is the identity.

    >>> import gpugrad
    >>> gpugrad.nn.Dropout(0.5).eval()(gpugrad.ones(3))
    tensor([1., 1., 1.])
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        self.p, self.inplace = probability(p), inplace

    def forward(self, input: Any) -> Any:
        """Return the input with elements dropped."""
        return functional.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        """Return the probability."""
        return f"p={self.p}"


class Dropout1d(Module):
    """In training sets whole features to 0 with probability p and divides the others by 1 - p (Tompson et al., 2015).

    input: (n, features, length), or (features, length) for a single sample.

    >>> import gpugrad
    >>> gpugrad.nn.Dropout1d(1.0)(gpugrad.ones((1, 2, 2))).tolist()
    [[[0.0, 0.0], [0.0, 0.0]]]
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        self.p, self.inplace = probability(p), inplace

    def forward(self, input: Any) -> Any:
        """Return the input with features dropped."""
        return functional.dropout1d(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        """Return the probability."""
        return f"p={self.p}"


class AlphaDropout(Module):
    """In training sets elements to what selu is at -inf, and keeps mean and variance (Klambauer et al., 2017).

    >>> import gpugrad
    >>> gpugrad.nn.AlphaDropout(0.5).eval()(gpugrad.ones(2))
    tensor([1., 1.])
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        self.p, self.inplace = probability(p), inplace

    def forward(self, input: Any) -> Any:
        """Return the input with elements dropped."""
        return functional.alpha_dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        """Return the probability."""
        return f"p={self.p}"


class FeatureAlphaDropout(Module):
    """In training sets whole features, the axis 1, to what selu is at -inf, and keeps mean and variance.

    >>> import gpugrad
    >>> gpugrad.nn.FeatureAlphaDropout(0.5).eval()(gpugrad.ones((1, 2)))
    tensor([[1., 1.]])
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        self.p, self.inplace = probability(p), inplace

    def forward(self, input: Any) -> Any:
        """Return the input with features dropped."""
        return functional.feature_alpha_dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        """Return the probability."""
        return f"p={self.p}"
