"""Layers: Linear, Bilinear, and those that only arrange values."""
# ruff: noqa: A002 - PyTorch calls the argument of forward `input`

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gpugrad import _ops as ops
from gpugrad.errors import OptionError, ShapeError
from gpugrad.nn import functional, init
from gpugrad.nn.module import Module
from gpugrad.nn.parameter import Parameter, new_parameter, size

__all__ = ["Bilinear", "Flatten", "Identity", "Linear", "Unflatten"]


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
        self.in_features, self.out_features = size("in_features", in_features), size("out_features", out_features)
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
    """Returns its input; it takes and forgets any arguments, so that it can stand in for any layer.

    >>> import gpugrad
    >>> gpugrad.nn.Identity(54, unused=True)(gpugrad.tensor([1., 2.]))
    tensor([1., 2.])
    """

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


class Unflatten(Module):
    """Parts the axis `dim` into several: the opposite of Flatten.

    >>> import gpugrad
    >>> gpugrad.nn.Unflatten(1, (3, 4))(gpugrad.ones((2, 12))).shape
    (2, 3, 4)
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        if isinstance(unflattened_size, int):
            raise TypeError(f"Unflatten: unflattened_size is {unflattened_size}; it must be a tuple of sizes")
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def forward(self, input: Any) -> Any:
        """Return the input with the axis parted; one of the sizes may be -1."""
        shape = tuple(input.shape)
        axis = self.dim + len(shape) if self.dim < 0 else self.dim
        known = math.prod(n for n in self.unflattened_size if n != -1)
        sizes = (
            tuple(shape[axis] // max(known, 1) if n == -1 else n for n in self.unflattened_size)
            if 0 <= axis < len(shape)
            else ()
        )
        if not sizes or self.unflattened_size.count(-1) > 1 or math.prod(sizes) != shape[axis]:
            raise ShapeError(
                f"Unflatten: axis {self.dim} of a shape {shape} cannot be parted into {self.unflattened_size}"
            )
        return ops.reshape(input, (*shape[:axis], *sizes, *shape[axis + 1 :]))

    def extra_repr(self) -> str:
        """Return the axis and the sizes."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class Bilinear(Module):
    """y = x1 W x2 + b; x1: (..., in1_features), x2: (..., in2_features), W: (out_features, in1_features, in2_features).

    W and b are drawn evenly from +-1/sqrt(in1_features), as in PyTorch.

    >>> import gpugrad
    >>> gpugrad.nn.Bilinear(2, 3, 4)(gpugrad.ones((5, 2)), gpugrad.ones((5, 3))).shape
    (5, 4)
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        sizes = {"in1_features": in1_features, "in2_features": in2_features, "out_features": out_features}
        for name, n in sizes.items():
            if not size(name, n):
                raise OptionError(f"{name} must be a size of at least 1, not {n!r}")
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        self.weight = new_parameter((out_features, in1_features, in2_features), dtype, device)
        self.bias: Parameter | None = new_parameter((out_features,), dtype, device) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Any, input2: Any) -> Any:
        """Return the bilinear function of the last axes of the two inputs."""
        return functional.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return the sizes."""
        sizes = f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}"
        return f"{sizes}, bias={self.bias is not None}"
