"""Which dtype a result has: the standard's rules, and PyTorch's where the standard leaves kinds unmixed.

Within a kind the wider dtype wins. An integer that meets a float takes the float's dtype; where only integers are
given and the result must be a float (``exp(int)``, ``int / int``, ``int * 0.5``) it is the default float. NumPy and
CuPy alone would answer float64 there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from gpugrad.backends._dtypes import default_float, default_integer
from gpugrad.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["common_dtype", "float_only", "promoting", "settled", "together"]


def float_only(f: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a function whose results are floats even for integers, such as exp."""
    f.float_only = True  # type: ignore[attr-defined]
    return f


def common_dtype(dtypes: Sequence[np.dtype[Any]], scalars: Sequence[Any], float_result: bool) -> np.dtype[Any]:
    """Return the dtype in which operands of these dtypes and these (weak) Python scalars meet."""
    floats = [dtype for dtype in dtypes if dtype.kind in "fc"]
    dtype = np.result_type(*(floats or dtypes))
    if dtype.kind == "f" and not floats:  # uint64 and a signed integer, of which NumPy makes float64
        dtype = default_float
    if dtype.kind not in "fc":
        if float_result or any(isinstance(s, float | complex) for s in scalars):
            dtype = default_float
        elif dtype.kind == "b" and any(type(s) is int for s in scalars):
            dtype = default_integer
    if dtype.kind == "f" and any(isinstance(s, complex) for s in scalars):
        dtype = np.result_type(dtype, np.complex64)
    return dtype


def together(backend: Any, operands: Sequence[Any], float_result: bool = False) -> list[Any]:
    """Return operands with the arrays among them in the one dtype in which all of them meet."""
    arrays = [x for x in operands if isinstance(x, backend.array_type)]
    dtypes = [backend.dtype_of(x) for x in arrays]
    if len({*dtypes}) == 1 and len(arrays) == len(operands) and not float_result:
        return list(operands)
    scalars = [x for x in operands if not isinstance(x, backend.array_type)]
    target = common_dtype(dtypes, scalars, float_result)
    xp, native = backend.namespace, backend.native_dtype(target)

    def cast(x: Any) -> Any:
        if isinstance(x, backend.array_type):
            return x if backend.dtype_of(x) == target else xp.astype(x, native)
        return int(x) if type(x) is bool and target.kind != "b" else x  # the standard mixes no truth value with numbers

    return [cast(x) for x in operands]


def promoting(backend: Any, f: Callable[..., Any]) -> Callable[..., Any]:
    """Return `f` with its operands brought to one dtype, on the device they share, which is made current."""
    float_result = getattr(f, "float_only", False)

    def call(*operands: Any) -> Any:
        arrays = [x for x in operands if isinstance(x, backend.array_type)]
        device = backend.device_of(arrays[0])
        for x in arrays[1:]:
            if backend.device_of(x) != device:
                raise DeviceError(
                    f"operands are on '{device}' and '{backend.device_of(x)}'; move one with .to('{device}')"
                )
        with backend.on(device):
            return f(*together(backend, operands, float_result))

    return call


def settled(backend: Any, f: Callable[..., Any], operands: Sequence[Any], z: Any) -> Any:
    """Return the result in the dtype it ought to have, given that NumPy computed `z`."""
    arrays: list[Any] = [x for x in operands if isinstance(x, backend.array_type)]
    dtypes = [x.dtype for x in arrays]
    if z.dtype.kind not in "fc":
        counts = z.dtype.kind in "iu" and all(dtype.kind == "b" for dtype in dtypes)
        return z.astype(default_integer) if counts else z
    scalars = [x for x in operands if not isinstance(x, backend.array_type)]
    target = common_dtype(dtypes, scalars, float_result=True)
    if all(dtype == target for dtype in dtypes) or z.dtype == target:
        return z
    return f(*(x.astype(target) if isinstance(x, np.ndarray) and x.dtype != target else x for x in operands))
