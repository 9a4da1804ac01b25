"""Modules made of modules: one after the other, beside their input, or in a list."""
# ruff: noqa: A002 - PyTorch calls the argument of forward `input`

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, overload

from gpugrad import _ops as ops
from gpugrad.errors import OptionError
from gpugrad.nn.activations import ReLU, Sigmoid, Tanh
from gpugrad.nn.layers import Linear
from gpugrad.nn.module import Module

__all__ = ["Residual", "Sequential"]

_activations: dict[type[Module], str] = {ReLU: "relu", Sigmoid: "sigmoid", Tanh: "tanh"}


def _joint_activation(pair: list[Module]) -> str | None:
    """Return the activation that runs as one node with the linear layer before it, None where there is none."""
    if type(pair[0]) is not Linear or len(pair) < 2 or any(vars(m).get("_forward_hooks") for m in pair):
        return None
    return _activations.get(type(pair[1]))


class Sequential(Module):
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

    def _put(self, name: str, module: Any) -> None:
        if not isinstance(module, Module):
            raise TypeError(f"Sequential takes modules, not {type(module).__name__} (at {name!r})")
        if name in dir(type(self)):
            raise OptionError(f"a module cannot be named {name!r}: every module has an attribute of that name")
        setattr(self, name, module)

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

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[Module]:
        return (module for _, module in self._children_shown())

    def _name(self, index: int) -> str:
        names = [name for name, _ in self._children_shown()]
        if not -len(names) <= index < len(names):
            raise IndexError(f"index {index} is out of range for {len(names)} modules")
        return names[index]

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    def __getitem__(self, index: int | slice) -> Module:
        if isinstance(index, slice):
            return Sequential(dict(list(self._children_shown())[index]))
        return vars(self)[self._name(index)]  # type: ignore[no-any-return]

    def __setitem__(self, index: int, module: Module) -> None:
        self._put(self._name(index), module)

    def __delitem__(self, index: int) -> None:
        delattr(self, self._name(index))
        modules = list(self._children_shown())
        if all(name.isdecimal() for name, _ in modules):
            for name, _ in modules:
                delattr(self, name)
            self.extend(module for _, module in modules)

    def append(self, module: Module) -> Self:
        """Add a module at the end; return the whole."""
        self._put(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end; return the whole."""
        for module in modules:
            self.append(module)
        return self


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
