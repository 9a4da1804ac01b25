"""The Tensor: an array, where it came from, and the operators of both the array API and PyTorch."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import numpy as np

from gpugrad import _ops as ops
from gpugrad._graph import Alias, Hooks, Leaf, Node, Saved, share, watch_alias
from gpugrad._op import TENSORS, new_tensor, node_of, register_tensor
from gpugrad._ops.indexing import complete_key
from gpugrad._tensor.backward import backward
from gpugrad._tensor.displays import display
from gpugrad._tensor.host import HostAccess
from gpugrad._tensor.methods import Methods
from gpugrad._tensor.operators import Operators
from gpugrad._tensor.printing import as_text
from gpugrad._tensor.reductions import Reductions
from gpugrad._tensor.shaping import Shaping
from gpugrad._tensor.writing import write
from gpugrad.backends import Array, Device, as_dtype, backend_of, backend_of_device, is_inexact
from gpugrad.errors import GradientError, ShapeError

__all__ = ["Tensor"]


_handle_numbers = count()


class RemovableHandle:
    """Takes a hook off again."""

    def __init__(self, functions: dict[int, Any]) -> None:
        self._functions = functions
        self._key = next(_handle_numbers)

    def remove(self) -> None:
        """Remove the hook; a second time does nothing."""
        self._functions.pop(self._key, None)


class Tensor(Operators, Methods, Reductions, Shaping, HostAccess):
    """An n-dimensional array on a device, recorded in the graph when it requires grad.

    Make one with `gpugrad.tensor`, `gpugrad.asarray` or a function such as `gpugrad.zeros`.

    >>> import gpugrad
    >>> x = gpugrad.tensor([1., 2.], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    __slots__ = ("__weakref__", "_alias", "_array", "_cell", "_grad", "_node")
    __array_ufunc__ = None
    __array_priority__ = 1000
    _array: Array
    _node: Node | None
    _cell: Saved | None
    _alias: Alias | None
    _grad: Tensor | None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Tensor:
            raise TypeError("make a tensor with gpugrad.tensor(...), gpugrad.asarray(...) or gpugrad.zeros(...)")
        return object.__new__(cls)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        register_tensor(cls)

    # What it is

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes."""
        return tuple(self._array.shape)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._array.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self._array.shape, dtype=np.int64))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the elements, one of gpugrad's."""
        return backend_of(self._array).dtype_of(self._array)

    @property
    def device(self) -> Device:
        """The device that holds the elements."""
        return backend_of(self._array).device_of(self._array)

    @property
    def nbytes(self) -> int:
        """The number of bytes that the elements take."""
        return self.size * self.dtype.itemsize

    @property
    def is_cuda(self) -> bool:
        """Whether the tensor is on a CUDA device."""
        return self.device.kind == "cuda"

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(self.shape[0]))

    def __repr__(self) -> str:
        return as_text(self, backend_of(self._array).to_host(self._array))

    def _repr_html_(self) -> str:
        return str(display("tensor")(self))

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.ndim == 0 and spec else format(str(self), spec)

    # The graph

    @property
    def requires_grad(self) -> bool:
        """Whether calls on this tensor are recorded."""
        return node_of(self) is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Record calls on this tensor from now on, or no longer; return it."""
        node = node_of(self)
        if node is not None and type(node) is not Leaf:
            if requires_grad:
                return self
            raise GradientError(
                "requires_grad_(False) on a result: it is not a leaf. Use .detach() for a tensor outside the graph"
            )
        if not requires_grad:
            self._node = None
        elif node is None:
            self._must_carry_gradients(self.dtype)
            if self._alias is not None:
                self._alias = Alias(self._alias.memory, None, (), 0)
            self._node = Leaf(self)
        return self

    @staticmethod
    def _must_carry_gradients(dtype: np.dtype[Any]) -> None:
        if not is_inexact(dtype):
            raise GradientError(
                f"only tensors of floating point or complex dtype can require gradients, not {dtype}; convert it with "
                ".to(gpugrad.float32)"
            )

    @property
    def is_leaf(self) -> bool:
        """Whether this tensor was made by the user and not by a recorded call."""
        node = node_of(self)
        return node is None or type(node) is Leaf

    @property
    def grad_fn(self) -> Node | None:
        """The recorded call that made this tensor, None for leaves."""
        node = node_of(self)
        return None if type(node) is Leaf else node

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward has brought to this leaf, None before that."""
        node = node_of(self)
        if node is None or type(node) is Leaf:
            return self._grad
        if node.hooks is not None and node.hooks.retains:
            return node.hooks.gradient
        warnings.warn(
            "the .grad of a tensor that is not a leaf is None; call .retain_grad() on it before backward",
            UserWarning,
            stacklevel=2,
        )
        return None

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if type(value) not in TENSORS:
                raise TypeError(f"assigned grad must be a tensor or None, not {type(value).__name__}")
            for what, mine, its in (
                ("shape", self.shape, value.shape),
                ("dtype", self.dtype, value.dtype),
                ("device", self.device, value.device),
            ):
                if mine != its:
                    raise GradientError(f"assigned grad has {what} {its}, and the tensor has {mine}")
        self._grad = value

    @property
    def data(self) -> Tensor:
        """The same memory outside the graph. Assigning puts another tensor's memory in its place."""
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        if type(value) not in TENSORS:
            raise TypeError(f"data must be a tensor, not {type(value).__name__}")
        node = node_of(self)
        if node is not None:
            self._must_carry_gradients(value.dtype)
            if type(node) is not Leaf and (value.shape, value.dtype) != (self.shape, self.dtype):
                raise GradientError(
                    f"the .data of a result of shape {self.shape} and dtype {self.dtype} cannot become {value.shape} "
                    f"and {value.dtype}: its gradient would not fit. Use .detach() for a tensor outside the graph"
                )
        self._array = value._array
        self._cell = None
        self._alias = Alias(share(value).memory, None, (), 0)
        if type(self._node) is Leaf:
            self._node.shape, self._node.dtype = self._array.shape, self._array.dtype

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Sequence[Tensor] | None = None,
    ) -> None:
        """Add to ``.grad`` of every leaf that this tensor was computed from its gradient.

        `gradient` is dL/d(this tensor), of the same shape; it may be left out for one element. `retain_graph` keeps
        the saved values for another backward; `create_graph` makes the gradients part of the graph.

        >>> import gpugrad
        >>> x = gpugrad.ones((3, 3), requires_grad=True)
        >>> (x * x + 2 - 9).backward(gpugrad.ones((3, 3)))
        >>> x.grad[0]
        tensor([2., 2., 2.])
        """
        backward([self], [gradient], retain_graph, create_graph, inputs)

    def detach(self) -> Tensor:
        """Return the same memory as a tensor outside the graph."""
        tensor: Tensor = new_tensor(self._array)
        watch_alias(tensor, self, None)
        return tensor

    def detach_(self) -> Tensor:
        """Take this tensor out of the graph; return it."""
        if self._alias is not None:
            self._alias = Alias(self._alias.memory, None, (), 0)
        self._node = None
        return self

    def clone(self) -> Tensor:
        """Return a copy that shares no memory; gradients pass through."""
        return ops.clone(self)

    def _hooks(self) -> Hooks:
        node = node_of(self)
        if node is None:
            raise GradientError("cannot register a hook on a tensor that does not require grad")
        if node.hooks is None:
            node.hooks = Hooks()
        return node.hooks

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call `hook` with this tensor's gradient in backward; what it returns, if anything, replaces it."""
        functions = self._hooks().functions
        handle = RemovableHandle(functions)
        functions[handle._key] = hook
        return handle

    def retain_grad(self) -> None:
        """Keep the gradient of this result in ``.grad`` after backward."""
        if type(node_of(self)) is not Leaf:
            self._hooks().retains = True

    # Devices and dtypes

    def to(self, *args: Any, dtype: Any = None, device: Any = None, copy: bool = False) -> Tensor:
        """Return this tensor on a device, in a dtype, or as another tensor is: ``to("cuda")``, ``to(gpugrad.float64)``.

        It is the same tensor if nothing changes (but for ``copy=True``); the gradient travels back.
        """
        for argument in args:
            if type(argument) in TENSORS:
                dtype, device = argument.dtype, argument.device
            elif isinstance(argument, str | Device):
                device = argument
            elif argument is not None:
                dtype = argument
        x = self
        if dtype is not None and as_dtype(dtype) != x.dtype:
            x = ops.astype(x, as_dtype(dtype))
        if device is not None:
            target = Device.parse(device)
            with backend_of_device(target).on(target):
                if target != x.device:
                    x = ops.to_device(x, device=target, source=x.device)
        return x.clone() if copy and x is self else x

    def to_device(self, device: Any, /, *, stream: Any = None) -> Tensor:
        """Return this tensor on `device`, as the standard spells it.

        The copy is queued on `stream`, if one is given: one of CuPy's, or a pointer to one. It waits for what was
        queued before, and what is queued after waits for it. Only CUDA devices have streams.
        """
        if stream is None:
            return self.to(device)
        target = Device.parse(device)
        queueing = target if target.kind == "cuda" else self.device
        backend = backend_of_device(queueing)
        with backend.on(queueing), backend.on_stream(stream):
            return self.to(target)

    def cpu(self) -> Tensor:
        """Return this tensor in host memory."""
        return self.to("cpu")

    def cuda(self, index: int | None = None) -> Tensor:
        """Return this tensor on a CUDA device, the first one if none is named."""
        return self.to("cuda" if index is None else f"cuda:{index}")

    # Parts and shapes

    def __getitem__(self, key: Any) -> Tensor:
        return ops.getitem(self, key=complete_key(key, self._array))

    def __setitem__(self, key: Any, value: Any) -> None:
        write(self, key, value)

    @property
    def T(self) -> Tensor:
        """The transpose of a matrix."""
        if self.ndim != 2:
            raise ShapeError(f".T is for matrices; shape {self.shape} has {self.ndim} axes. Use .mT or permute_dims")
        return ops.matrix_transpose(self)

    @property
    def mT(self) -> Tensor:
        """The tensor with its last two axes exchanged."""
        return ops.matrix_transpose(self)


register_tensor(Tensor)
