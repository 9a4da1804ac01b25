"""A term that runs: as array code on the host, and as a kernel of its own on a GPU. Its inputs broadcast.

The pair has the shape of those in ``_fused``, but both bodies are printed from one term.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from gpugrad._elementwise._array_code import array_code, array_function
from gpugrad._elementwise._cuda_code import cuda_code, signature
from gpugrad._elementwise._terms import Term
from gpugrad._fused._half import widened
from gpugrad.backends import Array, backend_of, is_cuda
from gpugrad.cuda import Kernel

__all__ = ["Program"]


class Program:
    """A term of inputs as a function on arrays of one floating-point dtype, and numbers."""

    def __init__(self, name: str, inputs: Sequence[str], z: Term) -> None:
        self.name = name
        self.inputs = tuple(inputs)
        self.z = z
        self._function: Callable[..., Any] | None = None
        self._kernels: dict[tuple[str, ...], Kernel] = {}
        self._making = threading.Lock()

    @property
    def array_code(self) -> str:
        """The array code, as text."""
        return array_code(self.z, self.name, self.inputs)

    def cuda_code(self, entry: str, scalars: Sequence[str] = ()) -> str:
        """Return the kernel of an entry point such as ``swish_f32``, as text."""
        return cuda_code(self.z, self.name, self.inputs, scalars, entry.rpartition("_")[2])

    def kernel(self, scalars: tuple[str, ...] = ()) -> Kernel:
        """Return the kernel for calls in which these inputs are numbers."""
        with self._making:
            if scalars not in self._kernels:
                text = partial(_text, self, scalars)
                called = signature(self.inputs, scalars)
                self._kernels[scalars] = Kernel(f"elementwise {self.name}", self.name, called, text=text)
            return self._kernels[scalars]

    def __call__(self, *values: Any) -> Array:
        """Return the result for arrays of one dtype, which broadcast, and numbers."""
        array = next(x for x in values if hasattr(x, "shape"))
        return self.on_cuda(array, values) if is_cuda(array) else self.on_arrays(array, values)

    def on_arrays(self, array: Array, values: Sequence[Any]) -> Array:
        """Return the result by array code; float16 is computed in float32."""
        if self._function is None:
            self._function = array_function(self.array_code, self.name)
        backend = backend_of(array)
        xp = backend.namespace
        wide: Any = widened(array)
        dtype, device = backend.native_dtype(backend.dtype_of(wide)), backend.native_device(backend.device_of(array))
        shape = _common_shape(values)

        def number(value: float) -> Array:
            return xp.asarray(value, dtype=dtype, device=device)

        with backend.quiet():
            operands = [widened(x) if hasattr(x, "shape") else number(float(x)) for x in values]
            z = backend.wrap(self._function(xp, number, *operands))
            if tuple(z.shape) != shape:
                z = backend.copy(xp.broadcast_to(z, shape))
            return z if z.dtype == array.dtype else xp.astype(z, array.dtype)

    def on_cuda(self, array: Array, values: Sequence[Any]) -> Array:
        """Return the result by the kernel; what is not contiguous, or broadcasts, is copied for it."""
        xp = backend_of(array).namespace
        shape = _common_shape(values)
        numbers = tuple(name for name, x in zip(self.inputs, values, strict=True) if not hasattr(x, "shape"))
        arrays = [x if x.shape == shape else xp.broadcast_to(x, shape) for x in values if hasattr(x, "shape")]
        z = xp.empty(shape, dtype=array.dtype)
        scalars = [float(x) for x in values if not hasattr(x, "shape")]
        self.kernel(numbers)(*(xp.asarray(x, order="C") for x in arrays), *scalars, z, n=z.size)
        return z


def _text(program: Program, scalars: tuple[str, ...], entry: str) -> str:
    return program.cuda_code(entry, scalars)


def _common_shape(values: Sequence[Any]) -> tuple[int, ...]:
    shapes = [tuple(x.shape) for x in values if hasattr(x, "shape")]
    if len(set(shapes)) == 1:
        return shapes[0]
    return np.broadcast_shapes(*shapes)
