"""Lists and dicts of modules and of parameters, which the module that holds them finds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from gpugrad._op import TENSORS
from gpugrad.nn._named import Named
from gpugrad.nn._ordered import Ordered, check_name
from gpugrad.nn.module import Module
from gpugrad.nn.parameter import Parameter

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList"]


class ModuleList(Ordered, Module):
    """A list of modules, to be called by the module that holds it.

    >>> from gpugrad import nn
    >>> layers = nn.ModuleList([nn.Linear(2, 2), nn.ReLU()])
    >>> [name for name, _ in layers.named_parameters()]
    ['0.weight', '0.bias']
    """

    def __init__(self, modules: Any = None) -> None:
        if isinstance(modules, Module) and not isinstance(modules, Ordered):
            raise TypeError(f"ModuleList takes modules in a list, not a {type(modules).__name__} by itself")
        self.extend(modules or ())


class ModuleDict(Named[Module], Module):
    """Modules by name, in the order in which they were set.

    >>> from gpugrad import nn
    >>> heads = nn.ModuleDict({"mean": nn.Linear(4, 1), "scale": nn.Linear(4, 1)})
    >>> list(heads), len(heads), "mean" in heads
    (['mean', 'scale'], 2, True)
    """

    kind = Module

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        self.update(modules or {})

    def __setitem__(self, key: str, module: Module) -> None:
        check_name(self, key)
        self.add_module(key, module)


def _parameter(value: Any, of: str) -> Parameter:
    """Return what a collection of parameters was given as a parameter; a tensor becomes one that shares its memory."""
    if isinstance(value, Parameter):
        return value
    if type(value) not in TENSORS:
        raise TypeError(f"{of} takes parameters and tensors, not {type(value).__name__}")
    return Parameter(value)


class ParameterList(Module):
    """A list of parameters; tensors that are put into it become parameters.

    >>> import gpugrad
    >>> from gpugrad import nn
    >>> weights = nn.ParameterList([gpugrad.ones((2, 2)), gpugrad.ones(3)])
    >>> [name for name, _ in weights.named_parameters()], len(weights)
    (['0', '1'], 2)
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        self.extend(values or ())

    def _parts(self) -> list[Parameter]:
        return [value for value in vars(self).values() if isinstance(value, Parameter)]

    def __getitem__(self, index: int | slice) -> Any:
        return ParameterList(self._parts()[index]) if isinstance(index, slice) else self._parts()[index]

    def __setitem__(self, index: int, value: Any) -> None:
        number = range(len(self))[index]
        setattr(self, str(number), _parameter(value, "ParameterList"))

    def __len__(self) -> int:
        return len(self._parts())

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self._parts())

    def append(self, value: Any) -> Self:
        """Add a parameter at the end; return the list."""
        setattr(self, str(len(self)), _parameter(value, "ParameterList"))
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add parameters at the end; return the list."""
        for value in values:
            self.append(value)
        return self


class ParameterDict(Named[Parameter], Module):
    """Parameters by name; tensors that are put into it become parameters.

    >>> import gpugrad
    >>> from gpugrad import nn
    >>> weights = nn.ParameterDict({"left": gpugrad.ones(2), "right": gpugrad.ones(3)})
    >>> [name for name, _ in weights.named_parameters()]
    ['left', 'right']
    """

    kind = Parameter

    def __init__(self, parameters: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None) -> None:
        self.update(parameters or {})

    def __setitem__(self, key: str, value: Any) -> None:
        check_name(self, key)
        setattr(self, key, _parameter(value, "ParameterDict"))
