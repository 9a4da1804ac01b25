"""A value of which vmap has one for each example, and which looks, to the function that is called, like one of them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import numpy as np

from gpugrad import _ops as ops
from gpugrad._op import TENSORS, interpreters, tensor_class
from gpugrad._tensor.methods import Methods
from gpugrad._tensor.operators import Operators
from gpugrad._tensor.reductions import Reductions
from gpugrad._tensor.shaping import Shaping
from gpugrad._tensor.writing import write
from gpugrad.backends import Array, Device, as_dtype
from gpugrad.errors import GradientError, ShapeError
from gpugrad.func._levels import Level

__all__ = ["Batched", "DependsOnExample", "is_tensor", "lifted", "lowered", "physical", "spread"]


class DependsOnExample(GradientError):
    """A value was asked for that is another one for each example."""


def _refused(what: str) -> Callable[..., NoReturn]:
    """Return a method that says why there is no one value."""

    def refuse(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise DependsOnExample(
            f"{what} of a value that vmap has one of for each example: there is no single one. Write `if` as "
            "gpugrad.where, and take numbers out of tensors outside of vmap"
        )

    return refuse


class Batched(Operators, Methods, Reductions, Shaping):
    """The values of all examples, on the first axis of `value`: a Tensor, or a Batched of a vmap further out."""

    __slots__ = ("level", "value")
    __array_ufunc__ = None
    __array_priority__ = 1000

    def __init__(self, value: Any, level: Level) -> None:
        self.value = value
        self.level = level

    # What each of them is

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes of one example."""
        shape: tuple[int, ...] = self.value.shape[1:]
        return shape

    @property
    def ndim(self) -> int:
        """The number of axes of one example."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements of one example."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the elements."""
        dtype: np.dtype[Any] = self.value.dtype
        return dtype

    @property
    def device(self) -> Device:
        """The device that holds the elements."""
        device: Device = self.value.device
        return device

    @property
    def is_cuda(self) -> bool:
        """Whether the values are on a CUDA device."""
        return self.device.kind == "cuda"

    @property
    def _array(self) -> Array:
        """The array of all examples of all levels: what backends and devices are known by."""
        return physical(self)._array

    @property
    def _node(self) -> Any:
        return physical(self)._node

    @property
    def requires_grad(self) -> bool:
        """Whether calls on this value are recorded."""
        requires: bool = physical(self).requires_grad
        return requires

    @property
    def T(self) -> Any:
        """The transpose of a matrix."""
        if self.ndim != 2:
            raise ShapeError(f".T is for matrices; shape {self.shape} has {self.ndim} axes. Use .mT or permute_dims")
        return ops.matrix_transpose(self)

    @property
    def mT(self) -> Any:
        """The value with its last two axes exchanged."""
        return ops.matrix_transpose(self)

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        return physical(self).__array_namespace__(api_version=api_version)

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(self.shape[0]))

    def __repr__(self) -> str:
        return f"<one of {self.level.size} examples of vmap, shape {self.shape}, dtype {self.dtype}>"

    # Where it goes

    def to(self, *args: Any, dtype: Any = None, device: Any = None, copy: bool = False) -> Any:
        """Return this value on a device, in a dtype, or as another tensor is."""
        for argument in args:
            if is_tensor(argument):
                dtype, device = argument.dtype, argument.device
            elif isinstance(argument, str | Device):
                device = argument
            elif argument is not None:
                dtype = argument
        dtype = self.dtype if dtype is None else as_dtype(dtype)
        return ops.astype(self, dtype, copy=copy, device=device)

    def cpu(self) -> Any:
        """Return this value in host memory."""
        return self.to("cpu")

    def cuda(self, index: int | None = None) -> Any:
        """Return this value on a CUDA device, the first one if none is named."""
        return self.to("cuda" if index is None else f"cuda:{index}")

    def clone(self) -> Any:
        """Return a copy that shares no memory; gradients pass through."""
        return ops.clone(self)

    def detach(self) -> Batched:
        """Return the same memory as a value outside the graph."""
        return Batched(self.value.detach(), self.level)

    def __getitem__(self, key: Any) -> Any:
        return interpreters[Batched].read(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        write(self, key, value)

    def to_device(self, device: Any, /, *, stream: Any = None) -> Any:
        """Return this value on `device`, as the standard spells it."""
        return Batched(self.value.to_device(device, stream=stream), self.level)

    def __copy__(self) -> Batched:
        return Batched(self.value, self.level)

    def __deepcopy__(self, memo: dict[int, Any]) -> Batched:
        return Batched(copy.deepcopy(self.value, memo), self.level)

    def __getattr__(self, name: str) -> Any:
        known = name[0] != "_" and hasattr(tensor_class(), name)
        raise AttributeError(
            f".{name} is not there for a value that vmap has one of for each example; use it outside of vmap"
            if known
            else f"a value of vmap has no attribute {name!r}"
        )

    __hash__ = object.__hash__
    __bool__ = _refused("the truth value")
    __float__ = _refused("float()")
    __int__ = _refused("int()")
    __complex__ = _refused("complex()")
    __index__ = _refused("the use as an index")
    __contains__ = _refused("`in`")
    __array__ = _refused("the NumPy array")
    __dlpack__ = _refused("the DLPack export")
    __reduce_ex__ = _refused("the pickle")
    item = _refused("item()")
    tolist = _refused("tolist()")
    numpy = _refused("numpy()")
    backward = _refused("backward()")
    requires_grad_ = _refused("requires_grad_()")


def is_tensor(x: Any) -> bool:
    """Return whether a value is a tensor, for one example or for all."""
    return type(x) in TENSORS or type(x) is Batched


def physical(x: Any) -> Any:
    """Return the Tensor with the values of all examples of all levels."""
    while type(x) is Batched:
        x = x.value
    return x


def spread(x: Any, levels: Sequence[Level]) -> Any:
    """Return `x` as a value of its own for each example of these levels, and those that it has."""
    if not levels:
        return x
    *outer, level = levels
    if type(x) is Batched and x.level.depth > level.depth:
        return Batched(spread(x.value, levels), x.level)
    every = x.value if type(x) is Batched and x.level is level else ops.broadcast_to(x, (level.size, *x.shape))
    return Batched(spread(every, outer), level)


def _further_in(x: Any, levels: Sequence[Level]) -> tuple[Any, list[Level]]:
    """Return `x` without the levels further in than these, and those, the innermost first."""
    depth = levels[-1].depth if levels else -1
    inner = []
    while type(x) is Batched and x.level.depth > depth:
        inner.append(x.level)
        x = x.value
    return x, inner


def _rewrapped(x: Any, inner: list[Level]) -> Any:
    for level in reversed(inner):
        x = Batched(x, level)
    return x


def lowered(x: Any, levels: Sequence[Level]) -> Any:
    """Return `x` with its examples of these levels on its first axes, where any code may see them.

    What it has one of for each example of a level further in, it has one of still.
    """
    if not levels:
        return x
    x, inner = _further_in(spread(x, levels), levels)
    for _ in levels:
        x = x.value
    n, k = len(levels), len(inner)
    return _rewrapped(ops.moveaxis(x, tuple(range(n, n + k)), tuple(range(k))) if k else x, inner)


def lifted(x: Any, levels: Sequence[Level]) -> Any:
    """Return as one of the examples of these levels what `lowered` has made."""
    if not levels:
        return x
    x, inner = _further_in(x, ())
    n, k = len(levels), len(inner)
    if k:
        x = ops.moveaxis(x, tuple(range(k)), tuple(range(n, n + k)))
    for level in levels:
        x = Batched(x, level)
    return _rewrapped(x, inner)
