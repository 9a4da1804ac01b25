"""einops works on tensors: a backend for it, which it gets to know when it is imported, before gpugrad or after."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from gpugrad import _ops as ops
from gpugrad._creation import arange
from gpugrad._tensor import Tensor, tensor

__all__ = ["support_einops"]

BACKENDS = "einops._backends"

_kept: list[type] = []
"""The backend: einops finds it among the subclasses, which nothing else keeps alive."""


def _add_backend(einops: Any) -> None:
    """Define the backend as a subclass of einops' own, which is how einops finds it."""

    class GpugradBackend(einops.AbstractBackend):  # type: ignore[misc]
        framework_name = "gpugrad"

        def is_appropriate_type(self, x: Any) -> bool:
            return isinstance(x, Tensor)

        def from_numpy(self, x: Any) -> Tensor:
            return tensor(x)

        def to_numpy(self, x: Tensor) -> Any:
            return x.detach().cpu().numpy()

        def arange(self, start: int, stop: int) -> Tensor:
            return arange(start, stop)

        def reshape(self, x: Tensor, shape: Sequence[int]) -> Any:
            return ops.reshape(x, shape)

        def transpose(self, x: Tensor, axes: Sequence[int]) -> Any:
            return ops.permute_dims(x, axes)

        def reduce(self, x: Tensor, operation: str, axes: Sequence[int]) -> Any:
            return getattr(ops, operation)(x, axis=tuple(axes))

        def stack_on_zeroth_dimension(self, tensors: list[Any]) -> Any:
            return ops.stack(tensors)

        def add_axis(self, x: Tensor, new_position: int) -> Any:
            return ops.expand_dims(x, axis=new_position)

        def add_axes(self, x: Tensor, n_axes: int, pos2len: dict[int, int]) -> Any:
            sizes = iter(x.shape)
            x = ops.expand_dims(x, axis=tuple(pos2len))
            return ops.broadcast_to(x, tuple(pos2len[i] if i in pos2len else next(sizes) for i in range(n_axes)))

        def tile(self, x: Tensor, repeats: Sequence[int]) -> Any:
            return ops.tile(x, tuple(repeats))

        def concat(self, tensors: list[Any], axis: int) -> Any:
            return ops.concat(tensors, axis=axis)

        def is_float_type(self, x: Tensor) -> bool:
            return x.dtype.kind == "f"

        def einsum(self, pattern: str, *operands: Any) -> Any:
            return ops.einsum(pattern, *operands)

    _kept.append(GpugradBackend)


class _OnImport:
    """Waits for einops to be imported, once. It is no `importlib.abc.MetaPathFinder`, whose import takes 5 ms."""

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != BACKENDS:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                run(module)
                _add_backend(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def support_einops() -> None:
    """Make einops take tensors: at once where it has been imported, else when it is."""
    if BACKENDS in sys.modules:
        _add_backend(sys.modules[BACKENDS])
    else:
        sys.meta_path.insert(0, _OnImport())
