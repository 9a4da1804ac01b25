"""A debug mode that sees when saved values are changed by code that gpugrad cannot see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from gpugrad._graph import modes
from gpugrad._graph.decorating import within

__all__ = ["detect_foreign_writes"]

F = TypeVar("F", bound=Callable[..., Any])


class detect_foreign_writes:
    """Raise GradientError in backward where a saved value was changed from outside; a block or a decorator.

    Tensors may share memory with NumPy arrays and with what other libraries made of them by DLPack. A write of
    gpugrad's own keeps the old values for backward. A write of others cannot be seen, and makes a wrong gradient, with
    no error. Within the block each value that is saved for backward is fingerprinted, 16 bytes of BLAKE2, and compared
    at each use, in whatever block that is. The error names the op, the value, and the line that saved it.

    It holds for calls of this thread. Values are read once when saved and once at each use; those on a GPU are copied
    to the host for it. Values that `saved_tensors_hooks` packed are left to it.

    >>> import gpugrad, numpy
    >>> data = numpy.ones(2, numpy.float32)
    >>> x = gpugrad.tensor([1., 2.], requires_grad=True)
    >>> with detect_foreign_writes():
    ...     loss = (x * gpugrad.asarray(data)).sum()
    >>> data[0] = 5
    >>> loss.backward()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    gpugrad.errors.GradientError: multiply: the x2 that it saved, float32 (2,), was changed from outside gpugrad...
    """

    def __init__(self) -> None:
        self._before: list[Any] = []

    def __enter__(self) -> None:
        from gpugrad._graph.fingerprints import fingerprinting  # which most programs never need

        self._before.append(modes.change(packing=fingerprinting(modes.mode.packing))["packing"])

    def __exit__(self, *exception: object) -> None:
        modes.change(packing=self._before.pop())

    def __call__(self, function: F) -> F:
        """Return a function that fingerprints what its calls save."""
        return within(detect_foreign_writes, function)
