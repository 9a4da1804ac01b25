"""Layers: Linear, and those that only arrange or drop values."""
# ruff: noqa: A002 - PyTorch calls the argument of forward `input`

from __future__ import annotations

import math
from typing import Any

from gpugrad import _ops as ops
from gpugrad.errors import OptionError, ShapeError
from gpugrad.nn import functional, init
from gpugrad.nn.module import Module
from gpugrad.nn.parameter import Parameter, new_parameter

__all__ = ["Dropout", "Flatten", "Identity", "Linear"]


def _is_size(n: Any) -> bool:
    return isinstance(n, int) and not isinstance(n, bool) and n >= 0


class Linear(Module):
    """y = x W^T + b; x: (..., in_features), W: (out_features, in_features), b: (out_features,).

    W and b are drawn evenly from +-1/sqrt(in_features), as in PyTorch: kaiming_uniform_ with a = sqrt(5) (He et
    al., 2015).

    >>> import gpugrad
    >>> layer = gpugrad.nn.Linear(3, 2)
    >>> layer
    Linear(in_features=3, out_features=2, bias=True)
    >>> layer(gpugrad.ones((5, 3))).shape
    (5, 2)
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        for name, size in (("in_features", in_features), ("out_features", out_features)):
            if not _is_size(size):
                raise OptionError(f"{name} must be a size, not {size!r}")
        self.in_features, self.out_features = in_features, out_features
        self.weight = new_parameter((out_features, in_features), dtype, device)
        self.bias: Parameter | None = new_parameter((out_features,), dtype, device) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features else 0.0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Any) -> Any:
        """Return the affine function of the last axis: (..., in_features) to (..., out_features)."""
        return ops.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Identity(Module):
    """Returns its input; it takes and forgets any arguments, so that it can stand in for any layer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def forward(self, input: Any) -> Any:
        """Return the input."""
        return input


class Flatten(Module):
    """Joins the axes from start_dim to end_dim; (n, 28, 28) becomes (n, 784).

    >>> import gpugrad
    >>> gpugrad.nn.Flatten()(gpugrad.ones((2, 3, 4))).shape
    (2, 12)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Any) -> Any:
        """Return the input with these axes joined."""
        shape = tuple(input.shape)
        axes = len(shape)
        start, end = (d + axes if d < 0 else d for d in (self.start_dim, self.end_dim))
        if not 0 <= start <= end < axes:
            raise ShapeError(f"Flatten: axes {self.start_dim} to {self.end_dim} cannot be joined in a shape {shape}")
        return ops.reshape(input, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))

    def extra_repr(self) -> str:
        """Return the axes."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Dropout(Module):
    """In training sets each element to 0 with probability p and divides the others by 1 - p.

    Srivastava et al. (2014). The default generator's seed decides the masks, the same on every
    backend. In evaluation it is the identity.

    >>> import gpugrad
    >>> gpugrad.nn.Dropout(0.5).eval()(gpugrad.ones(3))
    tensor([1., 1., 1.])
    """

    def __init__(self, p: float = 0.5) -> None:
        if not 0 <= p <= 1:
            raise OptionError(f"p must be a probability from 0 to 1, not {p!r}")
        self.p = p

    def forward(self, input: Any) -> Any:
        """Return the input with elements dropped."""
        return functional.dropout(input, self.p, self.training)

    def extra_repr(self) -> str:
        """Return the probability."""
        return f"p={self.p}"
