"""PyTorch, under the standard's names as array-api-compat gives them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gpugrad.conformance._adapters import _tape
from gpugrad.conformance._adapters._base import Adapter, Function, Host, attribute

__all__ = ["TorchAdapter"]


class TorchAdapter(Adapter):
    """PyTorch on the CPU."""

    def __init__(self) -> None:
        import array_api_compat.torch
        import torch

        self.torch, self.namespace = torch, array_api_compat.torch
        self.name = "torch"
        self.version = str(torch.__version__)

    def find(self, name: str) -> Callable[..., Any]:
        """Return a function of array_api_compat.torch."""
        function: Callable[..., Any] = attribute(self.namespace, name)
        return function

    def array(self, host: Host) -> Any:
        """Return an untracked tensor."""
        return self.torch.tensor(host)

    def dtype(self, name: str) -> Any:
        """Return a dtype by its name."""
        return getattr(self.torch, name)

    def first(
        self, function: Function, inputs: Sequence[Host], cotangents: Sequence[Host]
    ) -> tuple[list[Host], list[Host]]:
        """Return outputs and gradients."""
        return _tape.first(self._leaf, _host, self.torch.autograd.grad, function, inputs, cotangents)

    def second(
        self, function: Function, inputs: Sequence[Host], cotangents: Sequence[Host], tangents: Sequence[Host]
    ) -> tuple[list[Host], list[Host]]:
        """Return the gradients of the gradients."""
        return _tape.second(self._leaf, _host, self.torch.autograd.grad, function, inputs, cotangents, tangents)

    def _leaf(self, host: Host) -> Any:
        return self.torch.tensor(host, requires_grad=True)


def _host(tensor: Any) -> Host:
    view: Host = tensor.numpy(force=True)  # also of what is conjugated, or zero, in name only
    return view
