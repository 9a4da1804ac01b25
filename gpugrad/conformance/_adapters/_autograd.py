"""HIPS autograd: autograd.numpy, under the names of NumPy that it has rules for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from gpugrad.conformance._adapters._base import Adapter, Function, Host
from gpugrad.conformance._adapters._numpy_names import numpy_function

__all__ = ["AutogradAdapter"]


class AutogradAdapter(Adapter):
    """HIPS autograd. Its cotangents are dL/dRe - i dL/dIm."""

    def __init__(self) -> None:
        import autograd
        import autograd.builtins
        import autograd.numpy

        self.make_vjp, self.numpy, self.tuple = autograd.make_vjp, autograd.numpy, autograd.builtins.tuple
        self.name = "autograd.numpy"
        self.version = version("autograd")

    def find(self, name: str) -> Callable[..., Any]:
        """Return the function of autograd.numpy that does what the standard's does."""
        return numpy_function(self.numpy, name)

    def array(self, host: Host) -> Any:
        """Return a NumPy array: its constants are NumPy's."""
        return host

    def dtype(self, name: str) -> Any:
        """Return a dtype of NumPy."""
        return np.dtype(name)

    def first(
        self, function: Function, inputs: Sequence[Host], cotangents: Sequence[Host]
    ) -> tuple[list[Host], list[Host]]:
        """Return outputs and gradients."""
        back, outputs = self._vjp(function, inputs)
        gradients = back(tuple(np.conj(w) for w in cotangents))
        return [np.asarray(z) for z in outputs], [np.conj(np.asarray(g)) for g in gradients]

    def second(
        self, function: Function, inputs: Sequence[Host], cotangents: Sequence[Host], tangents: Sequence[Host]
    ) -> tuple[list[Host], list[Host]]:
        """Return the gradients of the gradients."""
        count, conj = len(inputs), self.numpy.conj

        def gradients(*arrays: Any) -> list[Any]:
            back, _ = self._vjp(function, arrays[:count])
            found = back(self.tuple(tuple(conj(w) for w in arrays[count:])))
            return [conj(found[i]) for i in range(count)]

        back, _ = self._vjp(gradients, (*inputs, *cotangents))
        found = [np.conj(np.asarray(h)) for h in back(tuple(np.conj(v) for v in tangents))]
        return found[:count], found[count:]

    def _vjp(self, function: Function, inputs: Sequence[Any]) -> Any:
        """Return the function that carries cotangents back, and the outputs."""

        def joined(*arrays: Any) -> Any:
            return self.tuple(tuple(function(*arrays)))

        return self.make_vjp(joined, argnum=tuple(range(len(inputs))))(*inputs)
