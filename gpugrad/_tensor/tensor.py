"""The Tensor: an array, where it came from, and the operators of both the array API and PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gpugrad import _ops as ops
from gpugrad._graph import RemovableHandle
from gpugrad._op import TENSORS, interpreter_of, register_tensor
from gpugrad._ops.indexing import complete_key
from gpugrad._tensor.displays import display
from gpugrad._tensor.host import HostAccess
from gpugrad._tensor.methods import Methods
from gpugrad._tensor.operators import Operators
from gpugrad._tensor.printing import as_text
from gpugrad._tensor.recorded import Recorded
from gpugrad._tensor.reductions import Reductions
from gpugrad._tensor.shaping import Shaping
from gpugrad._tensor.writing import write
from gpugrad.backends import Array, Device, as_dtype, backend_of, backend_of_device
from gpugrad.errors import ShapeError

__all__ = ["RemovableHandle", "Tensor"]


class Tensor(Recorded, Operators, Methods, Reductions, Shaping, HostAccess):
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
        interpreter = interpreter_of(key if isinstance(key, tuple) else (key,))
        return interpreter.read(self, key) if interpreter else ops.getitem(self, key=complete_key(key, self._array))

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
