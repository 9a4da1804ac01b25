"""gpugrad itself, on the backend in use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

from gpugrad._tensor import tensor
from gpugrad.autograd import grad
from gpugrad.conformance._adapters import _tape
from gpugrad.conformance._adapters._base import Adapter, Function, Host, attribute

__all__ = ["GpugradAdapter"]


class GpugradAdapter(Adapter):
    """Its names are the standard's."""

    def __init__(self) -> None:
        self.name = "gpugrad"
        self.version = version("gpugrad")
        self.namespace = tensor(0.0).__array_namespace__()

    def find(self, name: str) -> Callable[..., Any]:
        """Return a function by the standard's name."""
        function: Callable[..., Any] = attribute(self.namespace, name)
        return function

    def array(self, host: Host) -> Any:
        """Return an untracked tensor on the backend in use."""
        return tensor(host)

    def dtype(self, name: str) -> Any:
        """Return a dtype by its name."""
        return getattr(self.namespace, name)

    def first(
        self, function: Function, inputs: Sequence[Host], cotangents: Sequence[Host]
    ) -> tuple[list[Host], list[Host]]:
        """Return outputs and gradients."""
        return _tape.first(_leaf, _host, grad, function, inputs, cotangents)

    def second(
        self, function: Function, inputs: Sequence[Host], cotangents: Sequence[Host], tangents: Sequence[Host]
    ) -> tuple[list[Host], list[Host]]:
        """Return the gradients of the gradients."""
        return _tape.second(_leaf, _host, grad, function, inputs, cotangents, tangents)


def _leaf(host: Host) -> Any:
    return tensor(host, requires_grad=True)


def _host(z: Any) -> Host:
    view: Host = z.detach().to("cpu").numpy()
    return view
