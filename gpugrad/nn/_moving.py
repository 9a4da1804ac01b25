"""Moving a module: its parameters, their gradients and its buffers to another device or dtype, in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from gpugrad._graph import no_grad
from gpugrad._op import TENSORS, new_tensor
from gpugrad._tensor import Tensor
from gpugrad.backends import Device, as_dtype, is_inexact
from gpugrad.errors import GradientError
from gpugrad.nn._walks import Walks

__all__ = ["Moves"]


class Moves(Walks):
    """A part of the Module: devices and dtypes. The parameters stay the objects that they are."""

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move parameters, gradients and buffers to a device, or to a floating-point dtype; return the module.

        The arguments are those of `Tensor.to`. Integers and truth values keep their dtype.

        >>> import gpugrad
        >>> layer = gpugrad.nn.Linear(2, 1).to(gpugrad.float64)
        >>> layer.weight.dtype.name
        'float64'
        """
        for argument in (*args, *kwargs.values()):
            _check_kind(argument)
        return self._moved_by(lambda tensor: _moved(tensor, args, kwargs))

    def cpu(self) -> Self:
        """Move the module to host memory; return it."""
        return self.to("cpu")

    def cuda(self, index: int | None = None) -> Self:
        """Move the module to a CUDA device, the first one if none is named; return it."""
        return self.to("cuda" if index is None else f"cuda:{index}")

    def float(self) -> Self:
        """Make all that is real and floating-point float32; return the module."""
        return self._moved_by(lambda tensor: _as_real(tensor, "float32"))

    def double(self) -> Self:
        """Make all that is real and floating-point float64; return the module."""
        return self._moved_by(lambda tensor: _as_real(tensor, "float64"))

    def half(self) -> Self:
        """Make all that is real and floating-point float16; return the module."""
        return self._moved_by(lambda tensor: _as_real(tensor, "float16"))

    def type(self, dst_type: Any) -> Self:
        """Make all parameters and buffers, integers too, of one floating-point dtype; return the module."""
        _check_kind(dst_type)
        return self._moved_by(lambda tensor: _cast(tensor, dst_type))

    def _moved_by(self, move: Callable[[Tensor], Tensor]) -> Self:
        """Put what `move` makes of them in the place of all tensors; if it raises, nothing has changed."""
        moves = [(p, move(p), None if p._grad is None else move(p._grad)) for p in self.parameters()]
        buffers = {id(buffer): move(buffer) for buffer in self.buffers()}
        for parameter, moved, gradient in moves:
            if moved is not parameter:
                _replace(parameter, moved)
                parameter.grad = gradient
        for module in self.modules():
            for name, buffer in list(module._own_buffers()):
                vars(module)[name] = buffers[id(buffer)]
        return self


def _check_kind(wanted: Any) -> None:
    """Raise GradientError for a dtype that parameters cannot have."""
    if wanted is None or isinstance(wanted, str | bool | Device):
        return
    dtype = wanted.dtype if type(wanted) in TENSORS else as_dtype(wanted)
    if not is_inexact(dtype):
        raise GradientError(
            f"a module is moved to floating-point and complex dtypes, not {dtype}: its parameters could not be trained"
        )


def _moved(tensor: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """Return the values of a tensor elsewhere, or it itself if nothing changes; integers keep their dtype."""
    with no_grad():
        moved = new_tensor(tensor._array).to(*args, **kwargs)
        if moved.dtype != tensor.dtype and not is_inexact(tensor.dtype):
            moved = new_tensor(tensor._array).to(moved.device)
    return tensor if moved._array is tensor._array else moved


def _cast(tensor: Tensor, dtype: Any) -> Tensor:
    return tensor if tensor.dtype == as_dtype(dtype) else _values(tensor, dtype)


def _as_real(tensor: Tensor, dtype: str) -> Tensor:
    return _cast(tensor, dtype) if tensor.dtype.kind == "f" else tensor


def _values(tensor: Tensor, dtype: Any) -> Tensor:
    with no_grad():
        return new_tensor(tensor._array).to(as_dtype(dtype))  # type: ignore[no-any-return]


def _replace(parameter: Tensor, moved: Tensor) -> None:
    """Let a parameter have the memory of a tensor that nobody else uses."""
    if parameter._node is not None:
        parameter._node.shape, parameter._node.dtype = moved._array.shape, moved._array.dtype
    parameter._array = moved._array
    parameter._cell = parameter._alias = parameter._grad = None
