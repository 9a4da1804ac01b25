"""A pair: a readable reference for every array library, and the CUDA kernel that does the same on a GPU."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar

from gpugrad.backends import is_cuda

__all__ = ["Fused", "registry"]

P = ParamSpec("P")
R = TypeVar("R")

registry: dict[str, Fused[..., Any]] = {}
"""Every pair by its name."""


class Fused(Generic[P, R]):
    """A function on arrays with two bodies: the kernel for CuPy's arrays, the reference for all others.

    The first argument, an array or a list of arrays, decides. The reference is array-API code, and so also
    what runs on a GPU as long as there is no kernel.

    Examples
    --------
    >>> registry["sigmoid"].file
    'sigmoid.cu'
    """

    def __init__(self, reference: Callable[P, R]) -> None:
        functools.update_wrapper(self, reference)
        self.name = reference.__name__
        self.file = reference.__module__.rpartition(".")[2] + ".cu"
        self.reference = reference
        self.kernel: Callable[P, R] | None = None
        registry[self.name] = self

    def cuda(self, kernel: Callable[P, R]) -> Callable[P, R]:
        """Take `kernel` as the body for CuPy's arrays; a decorator."""
        self.kernel = kernel
        return kernel

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the body that fits the arrays."""
        leader: Any = args[0]
        if type(leader) in (list, tuple):
            leader = leader[0] if leader else None
        if self.kernel is not None and leader is not None and is_cuda(leader):
            return self.kernel(*args, **kwargs)
        return self.reference(*args, **kwargs)
