"""MyGrad, under the names of NumPy that it has; it differentiates real numbers once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from gpugrad.conformance._adapters._base import Adapter, Function, Host, Unsupported
from gpugrad.conformance._adapters._numpy_names import numpy_function

__all__ = ["MyGradAdapter"]


class MyGradAdapter(Adapter):
    """MyGrad."""

    def __init__(self) -> None:
        import mygrad

        self.namespace = mygrad
        self.name = "mygrad"
        self.version = version("mygrad")

    def find(self, name: str) -> Callable[..., Any]:
        """Return the function of mygrad that does what the standard's does."""
        return numpy_function(self.namespace, name)

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
        if any(np.iscomplexobj(a) for a in (*inputs, *cotangents)):
            raise Unsupported("MyGrad has no gradients of complex numbers")
        leaves = [self.namespace.tensor(x) for x in inputs]
        outputs = function(*leaves)
        # A backward frees the graph, so several outputs go back in one.
        weighed = [(z * w).sum() for z, w in zip(outputs, cotangents, strict=True)]
        total = weighed[0]
        for term in weighed[1:]:
            total = total + term
        total.backward()
        gradients = [
            x * 0 if leaf.grad is None else np.asarray(leaf.grad) for leaf, x in zip(leaves, inputs, strict=True)
        ]
        return [np.asarray(z.data) for z in outputs], gradients

    def second(
        self, function: Function, inputs: Sequence[Host], cotangents: Sequence[Host], tangents: Sequence[Host]
    ) -> tuple[list[Host], list[Host]]:
        """Raise: a gradient of MyGrad is an array."""
        raise Unsupported("MyGrad has no gradients of gradients")
