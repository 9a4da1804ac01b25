"""Activations that are made of pieces, as modules; ``inplace=True`` writes the result into the input."""
# ruff: noqa: A002 - PyTorch calls the argument of forward `input`

from __future__ import annotations

from typing import Any

from gpugrad.errors import OptionError
from gpugrad.nn import functional
from gpugrad.nn.init import constant_
from gpugrad.nn.module import Module
from gpugrad.nn.parameter import new_parameter

__all__ = [
    "CELU",
    "ELU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SELU",
    "Softshrink",
    "Threshold",
]


class ReLU(Module):
    """max(x, 0), with derivative 0 at 0.

    >>> import gpugrad
    >>> gpugrad.nn.ReLU()(gpugrad.tensor([-1., 2.]))
    tensor([0., 2.])
    """

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.relu(input, self.inplace)


class ReLU6(Module):
    """x clipped to the range from 0 to 6, with derivative 0 at both ends.

    >>> import gpugrad
    >>> gpugrad.nn.ReLU6()(gpugrad.tensor([-1., 3., 7.]))
    tensor([0., 3., 6.])
    """

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.relu6(input, self.inplace)


class LeakyReLU(Module):
    """x where it is positive, and negative_slope * x elsewhere.

    >>> import gpugrad
    >>> gpugrad.nn.LeakyReLU(0.5)(gpugrad.tensor([-1., 2.]))
    tensor([-0.5000,  2.0000])
    """

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        self.negative_slope, self.inplace = negative_slope, inplace

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        """Return the options."""
        return f"negative_slope={self.negative_slope}"


class RReLU(Module):
    """x where it is positive, and elsewhere x times a slope drawn anew for each element; in evaluation their mean.

    Xu et al. (2015). The slopes are drawn evenly from lower to upper.

    >>> import gpugrad
    >>> gpugrad.nn.RReLU(0.25, 0.75).eval()(gpugrad.tensor([-1., 1.]))
    tensor([-0.5000,  1.0000])
    """

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        self.lower, self.upper, self.inplace = lower, upper, inplace

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        """Return the options."""
        return f"lower={self.lower}, upper={self.upper}"


class PReLU(Module):
    """x where it is positive, and elsewhere x times a slope that is learned (He et al., 2015).

    There is one slope for all, or, with `num_parameters`, one for each channel, the axis 1 of the input. Weight decay
    takes the slopes to 0; leave them out of it.

    >>> import gpugrad
    >>> gpugrad.nn.PReLU()(gpugrad.tensor([-1., 2.])).tolist()
    [-0.25, 2.0]
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        if type(num_parameters) is not int or num_parameters < 1:
            raise OptionError(f"num_parameters must be at least 1, not {num_parameters!r}")
        self.num_parameters, self.init = num_parameters, init
        self.weight = new_parameter((num_parameters,), dtype, device)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set all slopes to what they begin with."""
        constant_(self.weight, self.init)

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """Return the number of slopes."""
        return f"num_parameters={self.num_parameters}"


class Hardtanh(Module):
    """x clipped to the range from min_val to max_val, with derivative 0 at both ends.

    >>> import gpugrad
    >>> gpugrad.nn.Hardtanh()(gpugrad.tensor([-2., 0.5]))
    tensor([-1.0000,  0.5000])
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        self.min_val, self.max_val, self.inplace = min_val, max_val, inplace

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        """Return the options."""
        return f"min_val={self.min_val}, max_val={self.max_val}"


class Hardsigmoid(Module):
    """x / 6 + 1 / 2 clipped to the range from 0 to 1.

    >>> import gpugrad
    >>> gpugrad.nn.Hardsigmoid()(gpugrad.tensor([-4., 0., 1.5]))
    tensor([0.0000, 0.5000, 0.7500])
    """

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.hardsigmoid(input, self.inplace)


class Hardswish(Module):
    """x * clip(x / 6 + 1 / 2, 0, 1) (Howard et al., 2019).

    >>> import gpugrad
    >>> gpugrad.nn.Hardswish()(gpugrad.tensor([-4., 1.]))
    tensor([0.0000, 0.6667])
    """

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.hardswish(input, self.inplace)


class Threshold(Module):
    """x where it is above `threshold`, and `value` elsewhere.

    >>> import gpugrad
    >>> gpugrad.nn.Threshold(0.5, 9.0)(gpugrad.tensor([-1., 2.]))
    tensor([9., 2.])
    """

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        self.threshold, self.value, self.inplace = threshold, value, inplace

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        """Return the options."""
        return f"threshold={self.threshold}, value={self.value}"


class Hardshrink(Module):
    """x where its size is above `lambd`, and 0 elsewhere.

    >>> import gpugrad
    >>> gpugrad.nn.Hardshrink()(gpugrad.tensor([0.4, 2.]))
    tensor([0., 2.])
    """

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = lambd

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """Return lambd."""
        return f"lambd={self.lambd}"


class Softshrink(Module):
    """x moved by `lambd` towards 0, where it stays.

    >>> import gpugrad
    >>> gpugrad.nn.Softshrink()(gpugrad.tensor([0.4, 2.]))
    tensor([0.0000, 1.5000])
    """

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = lambd

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """Return lambd."""
        return f"lambd={self.lambd}"


class ELU(Module):
    """x where it is positive, and alpha * (exp(x) - 1) elsewhere (Clevert et al., 2016).

    >>> import gpugrad
    >>> gpugrad.nn.ELU()(gpugrad.tensor([-1., 1.]))
    tensor([-0.6321,  1.0000])
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        """Return alpha."""
        return f"alpha={self.alpha}"


class CELU(Module):
    """x where it is positive, and alpha * (exp(x / alpha) - 1) elsewhere (Barron, 2017).

    >>> import gpugrad
    >>> gpugrad.nn.CELU(alpha=2.0)(gpugrad.tensor([-1., 1.]))
    tensor([-0.7869,  1.0000])
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.celu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        """Return alpha."""
        return f"alpha={self.alpha}"


class SELU(Module):
    """1.0507 * elu(x, 1.6733), which keeps mean 0 and variance 1 (Klambauer et al., 2017).

    >>> import gpugrad
    >>> gpugrad.nn.SELU()(gpugrad.tensor([-1., 1.]))
    tensor([-1.1113,  1.0507])
    """

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        """Return the activation of each element."""
        return functional.selu(input, self.inplace)
