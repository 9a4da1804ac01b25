"""The Tensor: an array, where it came from, and the operators of both the array API and PyTorch."""

from __future__ import annotations

import operator
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from gpugrad import _ops as ops
from gpugrad._graph import Alias, Hooks, Leaf, Node, mode, put_aside, share, watch_alias
from gpugrad._op import TENSORS, new_tensor, register_tensor
from gpugrad._ops.indexing import complete_key
from gpugrad._tensor.backward import backward, node_of
from gpugrad._tensor.printing import as_text
from gpugrad._tensor.writing import overwrite, write
from gpugrad.backends import Array, Device, as_dtype, backend_of, backend_of_device, is_inexact
from gpugrad.errors import DeviceError, DtypeError, GradientError, ShapeError

__all__ = ["Tensor"]


class RemovableHandle:
    """Takes a hook off again."""

    def __init__(self, functions: dict[int, Any]) -> None:
        self._functions = functions
        self._key = max(functions, default=0) + 1

    def remove(self) -> None:
        """Remove the hook; a second time does nothing."""
        self._functions.pop(self._key, None)


def _axes(axis: Any, dim: Any) -> Any:
    """Return `axis`, or PyTorch's `dim`; a list is a tuple of axes."""
    axis = dim if axis is None else axis
    return tuple(axis) if isinstance(axis, list) else axis


def _sizes(shape: tuple[Any, ...]) -> tuple[int, ...]:
    """Return a shape given either as one sequence or as several integers."""
    return tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int) else tuple(shape)


class Tensor:
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

    def dim(self) -> int:
        """Return the number of axes."""
        return self.ndim

    def numel(self) -> int:
        """Return the number of elements."""
        return self.size

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

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.ndim == 0 and spec else format(str(self), spec)

    __hash__ = object.__hash__

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
            return node.hooks.gradient  # type: ignore[no-any-return]
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
        if self._node is not None:
            self._must_carry_gradients(value.dtype)
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
        return ops.clone(self)  # type: ignore[no-any-return]

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

    # Host values

    def _host(self, what: str) -> np.ndarray[Any, Any]:
        if self.requires_grad:
            raise GradientError(f"{what} of a tensor that requires grad would leave the graph. Use tensor.detach().numpy()")
        if self.device.kind != "cpu":
            raise TypeError(f"{what} of a tensor on '{self.device}': NumPy reads host memory only. Use tensor.cpu() first")
        view: np.ndarray[Any, Any] = backend_of(self._array).to_host(self._array).view()
        view.flags.writeable = False
        return view

    def numpy(self) -> np.ndarray[Any, Any]:
        """Return a read-only NumPy view of the memory of a CPU tensor outside the graph."""
        return self._host("numpy()")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array = self._host("__array__")
        if dtype is not None and array.dtype != dtype:
            if copy is False:
                raise ValueError(f"a {array.dtype} tensor cannot become {dtype} without a copy")
            return array.astype(dtype)
        return array.copy() if copy else array

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        """Return the module gpugrad."""
        return sys.modules["gpugrad"]

    def __dlpack_device__(self) -> tuple[int, int]:
        return tuple(self._array.__dlpack_device__())  # type: ignore[return-value]

    def __dlpack__(self, *, max_version: tuple[int, int] | None = None, **options: Any) -> Any:
        if self.requires_grad:
            raise BufferError("a tensor that requires grad cannot be exported by DLPack. Use tensor.detach()")
        array = self._array
        if self.device.kind != "cpu":
            return array.__dlpack__(**options)
        if max_version is None or max_version[0] < 1:
            return array.copy().__dlpack__(**options)  # an old consumer cannot be told that memory is read-only
        return self._host("__dlpack__").__dlpack__(max_version=max_version, **options)

    def item(self) -> Any:
        """Return the one element as a Python number."""
        if self.size != 1:
            raise ValueError(f"only a tensor of one element converts to a number; this one has shape {self.shape}")
        return backend_of(self._array).to_host(self._array).reshape(()).item()

    def tolist(self) -> Any:
        """Return the elements as nested lists of Python numbers."""
        return backend_of(self._array).to_host(self._array).tolist()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    def __index__(self) -> int:
        if self.dtype.kind not in "iu" or self.ndim:
            raise TypeError(f"only a 0-d tensor of integers is an index, not shape {self.shape} of {self.dtype}")
        return int(self.item())

    def __bool__(self) -> bool:
        if self.size != 1:
            raise GradientError(
                f"the truth value of a tensor of shape {self.shape} is ambiguous; use .any() or .all() on it"
            )
        return bool(self.item())

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())

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
        """Return this tensor on `device`, as the standard spells it."""
        if stream is not None:
            raise DeviceError("to_device: stream is not supported; leave it out")
        return self.to(device)

    def cpu(self) -> Tensor:
        """Return this tensor in host memory."""
        return self.to("cpu")

    def cuda(self, index: int | None = None) -> Tensor:
        """Return this tensor on a CUDA device, the first one if none is named."""
        return self.to("cuda" if index is None else f"cuda:{index}")

    def type_as(self, other: Tensor) -> Tensor:
        """Return this tensor in the dtype of another."""
        return self.to(other.dtype)

    def float(self) -> Tensor:
        """Return this tensor as float32."""
        return self.to(np.dtype("float32"))

    def double(self) -> Tensor:
        """Return this tensor as float64."""
        return self.to(np.dtype("float64"))

    def half(self) -> Tensor:
        """Return this tensor as float16."""
        return self.to(np.dtype("float16"))

    def long(self) -> Tensor:
        """Return this tensor as int64."""
        return self.to(np.dtype("int64"))

    def bool(self) -> Tensor:
        """Return this tensor as truth values."""
        return self.to(np.dtype("bool"))

    # Parts and shapes

    def __getitem__(self, key: Any) -> Tensor:
        return ops.getitem(self, key=complete_key(key, self._array))  # type: ignore[no-any-return]

    def __setitem__(self, key: Any, value: Any) -> None:
        write(self, key, value)

    @property
    def T(self) -> Tensor:  # noqa: N802 - the standard's name
        """The transpose of a matrix."""
        if self.ndim != 2:
            raise ShapeError(f".T is for matrices; shape {self.shape} has {self.ndim} axes. Use .mT or permute_dims")
        return ops.matrix_transpose(self)  # type: ignore[no-any-return]

    @property
    def mT(self) -> Tensor:  # noqa: N802 - the standard's name
        """The tensor with its last two axes exchanged."""
        return ops.matrix_transpose(self)  # type: ignore[no-any-return]

    def t(self) -> Tensor:
        """Return the transpose of a matrix."""
        return self.T

    def reshape(self, *shape: Any) -> Tensor:
        """Return the same elements in another shape; one size may be -1."""
        return ops.reshape(self, _sizes(shape))  # type: ignore[no-any-return]

    def view(self, *shape: Any) -> Tensor:
        """Return the same memory in another shape, or raise ShapeError."""
        return ops.reshape(self, _sizes(shape), copy=False)  # type: ignore[no-any-return]

    def flatten(self) -> Tensor:
        """Return the elements on one axis."""
        return ops.reshape(self, (-1,))  # type: ignore[no-any-return]

    def permute(self, *axes: Any) -> Tensor:
        """Return the tensor with its axes in another order."""
        return ops.permute_dims(self, _sizes(axes))  # type: ignore[no-any-return]

    def transpose(self, dim0: int, dim1: int) -> Tensor:
        """Return the tensor with two axes exchanged, as in PyTorch."""
        axes = list(range(self.ndim))
        axes[dim0], axes[dim1] = axes[dim1], axes[dim0]
        return ops.permute_dims(self, tuple(axes))  # type: ignore[no-any-return]

    def squeeze(self, axis: Any = None, *, dim: Any = None) -> Tensor:
        """Return the tensor without the axes of size 1, or without those named."""
        axes = _axes(axis, dim)
        ones = tuple(i for i, n in enumerate(self.shape) if n == 1)
        return ops.squeeze(self, axis=ones if axes is None else axes)  # type: ignore[no-any-return]

    def unsqueeze(self, dim: int) -> Tensor:
        """Return the tensor with a new axis of size 1."""
        return ops.expand_dims(self, axis=dim)  # type: ignore[no-any-return]

    def expand(self, *shape: Any) -> Tensor:
        """Return the tensor broadcast to a shape, in which -1 keeps a size."""
        sizes = _sizes(shape)
        mine = (1,) * (len(sizes) - self.ndim) + self.shape
        return ops.broadcast_to(self, tuple(m if n == -1 else n for n, m in zip(sizes, mine, strict=True)))  # type: ignore[no-any-return]

    # Reductions; PyTorch's `dim` and `keepdim` are understood beside the standard's `axis` and `keepdims`

    def sum(self, axis: Any = None, *, dim: Any = None, dtype: Any = None, keepdims: Any = False, keepdim: Any = False) -> Tensor:
        """Return the sum over axes."""
        return ops.sum(self, axis=_axes(axis, dim), dtype=dtype, keepdims=keepdims or keepdim)  # type: ignore[no-any-return]

    def mean(self, axis: Any = None, *, dim: Any = None, keepdims: Any = False, keepdim: Any = False) -> Tensor:
        """Return the mean over axes."""
        return ops.mean(self, axis=_axes(axis, dim), keepdims=keepdims or keepdim)  # type: ignore[no-any-return]

    def prod(self, axis: Any = None, *, dim: Any = None, keepdims: Any = False, keepdim: Any = False) -> Tensor:
        """Return the product over axes."""
        return ops.prod(self, axis=_axes(axis, dim), keepdims=keepdims or keepdim)  # type: ignore[no-any-return]

    def max(self, axis: Any = None, *, dim: Any = None, keepdims: Any = False, keepdim: Any = False) -> Tensor:
        """Return the largest element over axes (the values alone)."""
        return ops.max(self, axis=_axes(axis, dim), keepdims=keepdims or keepdim)  # type: ignore[no-any-return]

    def min(self, axis: Any = None, *, dim: Any = None, keepdims: Any = False, keepdim: Any = False) -> Tensor:
        """Return the smallest element over axes (the values alone)."""
        return ops.min(self, axis=_axes(axis, dim), keepdims=keepdims or keepdim)  # type: ignore[no-any-return]

    def var(self, axis: Any = None, *, dim: Any = None, correction: Any = 1, keepdims: Any = False, keepdim: Any = False) -> Tensor:
        """Return the variance over axes; as in PyTorch the method corrects by 1 where the function corrects by 0."""
        return ops.var(self, axis=_axes(axis, dim), correction=correction, keepdims=keepdims or keepdim)  # type: ignore[no-any-return]

    def std(self, axis: Any = None, *, dim: Any = None, correction: Any = 1, keepdims: Any = False, keepdim: Any = False) -> Tensor:
        """Return the standard deviation over axes; as in PyTorch the method corrects by 1."""
        return ops.std(self, axis=_axes(axis, dim), correction=correction, keepdims=keepdims or keepdim)  # type: ignore[no-any-return]

    def argmax(self, axis: Any = None, *, dim: Any = None, keepdims: Any = False) -> Tensor:
        """Return the index of the largest element."""
        return ops.argmax(self, axis=_axes(axis, dim), keepdims=keepdims)  # type: ignore[no-any-return]

    def argmin(self, axis: Any = None, *, dim: Any = None, keepdims: Any = False) -> Tensor:
        """Return the index of the smallest element."""
        return ops.argmin(self, axis=_axes(axis, dim), keepdims=keepdims)  # type: ignore[no-any-return]

    def any(self, axis: Any = None, *, dim: Any = None, keepdims: Any = False) -> Tensor:
        """Return whether any element is true."""
        return ops.any(self, axis=_axes(axis, dim), keepdims=keepdims)  # type: ignore[no-any-return]

    def all(self, axis: Any = None, *, dim: Any = None, keepdims: Any = False) -> Tensor:
        """Return whether all elements are true."""
        return ops.all(self, axis=_axes(axis, dim), keepdims=keepdims)  # type: ignore[no-any-return]

    def norm(self) -> Tensor:
        """Return the Euclidean norm of all elements; its gradient at 0 is 0."""
        return ops.vector_norm(self)  # type: ignore[no-any-return]

    def dot(self, other: Tensor) -> Tensor:
        """Return the matrix product, as NumPy's method of this name does for vectors and matrices."""
        return ops.matmul(self, other)  # type: ignore[no-any-return]

    def clamp(self, min: Any = None, max: Any = None) -> Tensor:
        """Return the elements limited to [min, max]."""
        return ops.clip(self, min, max)  # type: ignore[no-any-return]

    def softmax(self, dim: int = -1) -> Tensor:
        """Return the softmax along an axis."""
        return ops.softmax(self, axis=dim)  # type: ignore[no-any-return]

    # Writes

    def copy_(self, source: Any) -> Tensor:
        """Write `source`, which broadcasts, into this tensor."""
        write(self, ..., source)
        return self

    def fill_(self, value: Any) -> Tensor:
        """Write one value everywhere."""
        write(self, ..., value)
        return self

    def zero_(self) -> Tensor:
        """Write zeros everywhere."""
        return self.fill_(0)

    # Copies

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise GradientError("only leaves can be deep-copied; this tensor is a result. Use .detach().clone()")
        with mode_off():
            copy = type(self).__new__(type(self)) if type(self) is not Tensor else new_tensor(None)
            _adopt(copy, backend_of(self._array).copy(self._array), self.requires_grad)
        memo[id(self)] = copy
        if self._grad is not None:
            copy._grad = self._grad.detach().clone()
        return copy

    def __reduce__(self) -> tuple[Any, ...]:
        if not self.is_leaf:
            raise GradientError("only leaves can be pickled; this tensor is a result. Use .detach()")
        host = np.ascontiguousarray(backend_of(self._array).to_host(self._array)).reshape(self.shape)
        return _unpickled, (type(self), host, str(self.device), self.requires_grad)

    # Operators

    __add__: ClassVar[Any] = ops.add
    __sub__: ClassVar[Any] = ops.subtract
    __mul__: ClassVar[Any] = ops.multiply
    __truediv__: ClassVar[Any] = ops.divide
    __floordiv__: ClassVar[Any] = ops.floor_divide
    __mod__: ClassVar[Any] = ops.remainder
    __matmul__: ClassVar[Any] = ops.matmul
    __and__: ClassVar[Any] = ops.bitwise_and
    __or__: ClassVar[Any] = ops.bitwise_or
    __xor__: ClassVar[Any] = ops.bitwise_xor
    __lshift__: ClassVar[Any] = ops.bitwise_left_shift
    __rshift__: ClassVar[Any] = ops.bitwise_right_shift
    __neg__: ClassVar[Any] = ops.negative
    __pos__: ClassVar[Any] = ops.positive
    __abs__: ClassVar[Any] = ops.abs
    __invert__: ClassVar[Any] = ops.bitwise_invert
    __lt__: ClassVar[Any] = ops.less
    __le__: ClassVar[Any] = ops.less_equal
    __gt__: ClassVar[Any] = ops.greater
    __ge__: ClassVar[Any] = ops.greater_equal

    def __pow__(self, exponent: Any) -> Tensor:
        if type(exponent) is int and exponent == 2:
            return ops.square(self)  # type: ignore[no-any-return]
        return ops.pow(self, exponent)  # type: ignore[no-any-return]

    def __eq__(self, other: object) -> Any:
        return NotImplemented if other is None or isinstance(other, str) else ops.equal(self, other)

    def __ne__(self, other: object) -> Any:
        return NotImplemented if other is None or isinstance(other, str) else ops.not_equal(self, other)


def mode_off() -> Any:
    """Return a block in which nothing is recorded."""
    from gpugrad._graph import no_grad

    return no_grad()


def _adopt(tensor: Any, array: Array, requires_grad: bool) -> None:
    """Fill the slots of a new tensor."""
    tensor._array = array
    tensor._node = tensor._cell = tensor._alias = tensor._grad = None
    if requires_grad:
        tensor._node = Leaf(tensor)


def _unpickled(cls: type, host: np.ndarray[Any, Any], device: str, requires_grad: bool) -> Any:
    """Return a pickled leaf on its device, or on the CPU where that device is not to be had."""
    target = Device.parse(device)
    try:
        backend = backend_of_device(target)
        array = backend.from_host(host, target)
    except (DeviceError, RuntimeError):
        array = host
    tensor = object.__new__(cls)
    _adopt(tensor, array, requires_grad)
    return tensor


def _reflected(function: Callable[[Any, Any], Any], name: str) -> Callable[[Any, Any], Any]:
    def operator_method(self: Any, other: Any) -> Any:
        return function(other, self)

    operator_method.__name__ = operator_method.__qualname__ = name
    return operator_method


def _in_place(function: Callable[[Any, Any], Any], name: str) -> Callable[[Any, Any], Any]:
    def operator_method(self: Any, other: Any) -> Any:
        return overwrite(self, function(self, other))

    operator_method.__name__ = operator_method.__qualname__ = name
    operator_method.__doc__ = f"Change the tensor to the result of {function.__name__} with `other`; return it."
    return operator_method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift"):
    _function = getattr(operator, f"__{_name}__") if _name == "pow" else getattr(Tensor, f"__{_name}__")
    if _name == "pow":
        _function = ops.pow
    setattr(Tensor, f"__r{_name}__", _reflected(_function, f"__r{_name}__"))
    setattr(Tensor, f"__i{_name}__", _in_place(_function, f"__i{_name}__"))
for _name, _function in {"add_": ops.add, "sub_": ops.subtract, "mul_": ops.multiply, "div_": ops.divide, "pow_": ops.pow}.items():
    setattr(Tensor, _name, _in_place(_function, _name))
for _name in ("exp log log1p expm1 sqrt square tanh sin cos abs sign floor ceil round trunc sigmoid relu erf erfc isnan isinf isfinite pow matmul maximum minimum").split():
    setattr(Tensor, _name, getattr(ops, _name))
register_tensor(Tensor)
