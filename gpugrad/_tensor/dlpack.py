"""Tensors over the memory of other libraries, by DLPack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gpugrad._graph import watch_array
from gpugrad._op import TENSORS, new_tensor
from gpugrad.backends import Device, backend_named, backend_of, dtypes, is_array_type

if TYPE_CHECKING:
    from gpugrad._tensor.tensor import Tensor

__all__ = ["from_dlpack"]

_backends = {1: "numpy", 3: "numpy", 2: "cupy", 13: "cupy"}
"""Whose memory the kinds of DLPack's devices are: the host's, pinned or not, and CUDA's, managed or not."""


def _array_of(x: Any) -> Any:
    """Return an array of a known library over the memory of `x`."""
    if is_array_type(type(x)) and not isinstance(x, np.generic):
        return np.asarray(x) if isinstance(x, np.ndarray) else x
    if not hasattr(x, "__dlpack__") or not hasattr(x, "__dlpack_device__"):
        raise AttributeError(
            f"from_dlpack: {type(x).__name__} has no __dlpack__ and __dlpack_device__; asarray takes lists and numbers"
        )
    kind, index = x.__dlpack_device__()
    if int(kind) not in _backends:
        raise BufferError(f"from_dlpack: devices of DLPack's kind {int(kind)} are known to no backend here")
    backend = backend_named(_backends[int(kind)])
    with backend.on(Device("cuda", index) if backend.device_kind == "cuda" else Device("cpu")):
        return backend.namespace.from_dlpack(x)


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """Return a tensor over the memory of `x`, an array of any library that speaks DLPack; it is outside any graph.

    It is copied where `copy` is True, or where another `device` is asked for; ``copy=False`` refuses that.

    >>> import numpy as np
    >>> from_dlpack(np.array([1., 2.]))
    tensor([1., 2.], dtype=gpugrad.float64)
    """
    if type(x) in TENSORS:
        if x.requires_grad:
            raise BufferError("a tensor that requires grad cannot be exported by DLPack. Use tensor.detach()")
        made: Any = x.detach()
    else:
        array = _array_of(x)
        dtype = backend_of(array).dtype_of(array)
        if dtype.name not in dtypes:
            raise BufferError(f"from_dlpack: dtype {dtype} is not one of {', '.join(dtypes)}")
        made = new_tensor(array)
        watch_array(made)
    moved = made if device is None else made.to(device)
    if copy is False and moved is not made:
        raise ValueError(f"from_dlpack: from '{made.device}' to '{moved.device}' takes a copy; leave copy out")
    return moved.clone() if copy and moved is made else moved
