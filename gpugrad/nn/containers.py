"""Modules made of modules: one after the other, or beside their input."""
# ruff: noqa: A002 - PyTorch calls the argument of forward `input`

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gpugrad import _ops as ops
from gpugrad.nn._hooks import runs_hooks
from gpugrad.nn._ordered import Ordered
from gpugrad.nn.activations import Sigmoid, Tanh
from gpugrad.nn.layers import Linear
from gpugrad.nn.module import Module
from gpugrad.nn.piecewise import ReLU

__all__ = ["Residual", "Sequential"]

_activations: dict[type[Module], str] = {ReLU: "relu", Sigmoid: "sigmoid", Tanh: "tanh"}


def _joint_activation(pair: list[Module]) -> str | None:
    """Return the activation that runs as one node with the linear layer before it, None where there is none."""
    if type(pair[0]) is not Linear or len(pair) < 2 or any(map(runs_hooks, pair)):
        return None
    return _activations.get(type(pair[1]))


class Sequential(Ordered, Module):
    """Runs modules one after the other; they are given in order, or in a dict that names them.

    A Linear with ReLU, Sigmoid or Tanh directly after it runs as one node of the graph, with the same numbers.

    >>> from gpugrad import nn
    >>> nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): ReLU()
    )
    """

    def __init__(self, *args: Module | Mapping[str, Module]) -> None:
        if len(args) == 1 and isinstance(args[0], Mapping):
            named: Iterable[tuple[str, Any]] = args[0].items()
        else:
            named = ((str(i), module) for i, module in enumerate(args))
        for name, module in named:
            self._put(name, module)

    def forward(self, input: Any) -> Any:
        """Return the input passed through all modules."""
        modules = list(self)
        x, done = input, 0
        while done < len(modules):
            activation = _joint_activation(modules[done : done + 2])
            if activation is None:
                x = modules[done](x)
                done += 1
            else:
                linear: Any = modules[done]
                x = ops.activated_linear(x, linear.weight, linear.bias, activation=activation)
                done += 2
        return x


class Residual(Module):
    """x + module(x): the gradient has a way around the module (He et al., 2016).

    >>> import gpugrad
    >>> gpugrad.nn.Residual(gpugrad.nn.Identity())(gpugrad.ones(2))
    tensor([2., 2.])
    """

    def __init__(self, module: Module) -> None:
        self.module = module

    def forward(self, input: Any) -> Any:
        """Return the input plus the module's result."""
        return input + self.module(input)
