"""JAX: jax.numpy under its own names, which are the standard's, with 64-bit dtypes switched on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gpugrad.conformance._adapters._base import Adapter, Function, Host, attribute

__all__ = ["JaxAdapter"]


class JaxAdapter(Adapter):
    """JAX, operation by operation (no jit). Its cotangents are dL/dRe - i dL/dIm."""

    def __init__(self) -> None:
        import jax
        import jax.numpy

        jax.config.update("jax_enable_x64", True)
        self.jax, self.numpy = jax, jax.numpy
        self.name = "jax.numpy"
        self.version = str(jax.__version__)

    def find(self, name: str) -> Callable[..., Any]:
        """Return a function of jax.numpy."""
        function: Callable[..., Any] = attribute(self.numpy, name)
        return function

    def array(self, host: Host) -> Any:
        """Return a constant."""
        return self.numpy.asarray(host)

    def dtype(self, name: str) -> Any:
        """Return a dtype by its name."""
        return getattr(self.numpy, name)

    def first(
        self, function: Function, inputs: Sequence[Host], cotangents: Sequence[Host]
    ) -> tuple[list[Host], list[Host]]:
        """Return outputs and gradients."""
        outputs, back = self.jax.vjp(function, *map(self.array, inputs))
        gradients = back([self.array(np.conj(w)) for w in cotangents])
        return [np.asarray(z) for z in outputs], [np.conj(np.asarray(g)) for g in gradients]

    def second(
        self, function: Function, inputs: Sequence[Host], cotangents: Sequence[Host], tangents: Sequence[Host]
    ) -> tuple[list[Host], list[Host]]:
        """Return the gradients of the gradients."""
        conj = self.numpy.conj

        def gradients(xs: list[Any], ws: list[Any]) -> list[Any]:
            _, back = self.jax.vjp(function, *xs)
            return [conj(g) for g in back([conj(w) for w in ws])]

        _, back = self.jax.vjp(gradients, list(map(self.array, inputs)), list(map(self.array, cotangents)))
        by_inputs, by_weights = back([self.array(np.conj(v)) for v in tangents])
        return [np.conj(np.asarray(h)) for h in by_inputs], [np.conj(np.asarray(h)) for h in by_weights]
