"""A Parameter: a leaf tensor that a module trains."""

from __future__ import annotations

from typing import Any

from gpugrad._creation import empty
from gpugrad._graph import watch_alias
from gpugrad._op import TENSORS
from gpugrad._tensor import Tensor, tensor
from gpugrad._tensor.host import adopt
from gpugrad.errors import DtypeError, OptionError

__all__ = ["Parameter", "new_parameter", "size"]


class Parameter(Tensor):
    """A leaf tensor that a module finds among its attributes and an optimizer trains.

    It shares the memory of the tensor that it is made from, as in PyTorch; anything else is copied.

    >>> import gpugrad
    >>> gpugrad.nn.Parameter(gpugrad.ones(2))
    Parameter containing:
    tensor([1., 1.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        shared = type(data) in TENSORS
        source = data if shared else tensor(data)
        if requires_grad:
            Tensor._must_carry_gradients(source.dtype)
        adopt(self, source._array, False)
        if shared:
            watch_alias(self, source, None)
        self.requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


def size(name: str, n: Any) -> int:
    """Return how many there are of something, after checking that it is a number of things."""
    if isinstance(n, bool) or not isinstance(n, int) or n < 0:
        raise OptionError(f"{name} must be a size, not {n!r}")
    return n


def new_parameter(shape: tuple[int, ...], dtype: Any = None, device: Any = None) -> Parameter:
    """Return a parameter, to be filled, whose memory no other tensor shares."""
    made = empty(shape, dtype=dtype, device=device)
    if made.dtype.kind != "f":
        raise DtypeError(f"parameters need a real floating-point dtype, not {made.dtype}")
    parameter: Parameter = object.__new__(Parameter)
    adopt(parameter, made._array, True)
    return parameter
