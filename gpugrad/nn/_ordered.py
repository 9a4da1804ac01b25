"""What Sequential and ModuleList share: modules in order, found by their number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Self, overload

from gpugrad.errors import OptionError
from gpugrad.nn.module import Module

__all__ = ["Ordered", "check_name"]


def check_name(whole: Any, name: Any) -> None:
    """Raise OptionError for a name that every instance of the class has an attribute of."""
    if not isinstance(name, str) or not name or "." in name or name in dir(type(whole)):
        kind = type(whole).__name__
        raise OptionError(
            f"a part of {kind} cannot be named {name!r}: take a name without dots that {kind} has not itself"
        )


class Ordered:
    """A part of a class of modules: children in order, named 0, 1, 2 unless they were given names."""

    def _put(self, name: str, module: Any) -> None:
        if not isinstance(module, Module):
            raise TypeError(f"{type(self).__name__} takes modules, not {type(module).__name__} (at {name!r})")
        check_name(self, name)
        setattr(self, name, module)

    def _parts(self) -> list[tuple[str, Module]]:
        return [(name, value) for name, value in vars(self).items() if isinstance(value, Module)]

    def __len__(self) -> int:
        return len(self._parts())

    def __iter__(self) -> Iterator[Module]:
        return (module for _, module in self._parts())

    def __contains__(self, module: Any) -> bool:
        return any(part is module for part in self)

    def _name(self, index: int) -> str:
        names = [name for name, _ in self._parts()]
        if not -len(names) <= index < len(names):
            raise IndexError(f"index {index} is out of range for {len(names)} modules")
        return names[index]

    def _order(self, parts: Iterable[Module]) -> None:
        """Have these modules, numbered anew."""
        ready = list(parts)
        for name, _ in self._parts():
            delattr(self, name)
        self.extend(ready)

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Any:
        if not isinstance(index, slice):
            return vars(self)[self._name(index)]
        part = type(self)()
        for name, module in self._parts()[index]:
            part._put(name, module)
        return part

    def __setitem__(self, index: int, module: Module) -> None:
        self._put(self._name(index), module)

    def __delitem__(self, index: int | slice) -> None:
        numbers = range(len(self))
        gone = set(numbers[index]) if isinstance(index, slice) else {numbers.index(numbers[index])}
        kept = [part for i, part in enumerate(self._parts()) if i not in gone]
        if all(name.isdecimal() for name, _ in kept):
            self._order(module for _, module in kept)
        else:
            for name in [name for i, (name, _) in enumerate(self._parts()) if i in gone]:
                delattr(self, name)

    def __add__(self, other: Iterable[Module]) -> Self:
        return type(self)().extend(self).extend(other)

    def append(self, module: Module) -> Self:
        """Add a module at the end; return the whole."""
        self._put(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end; return the whole."""
        for module in modules:
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Put a module before the one at `index`, and number all anew; return the whole."""
        if not isinstance(module, Module):
            raise TypeError(f"{type(self).__name__} takes modules, not {type(module).__name__}")
        modules = list(self)
        modules.insert(index, module)
        self._order(modules)
        return self

    def pop(self, index: int = -1) -> Module:
        """Take a module out and return it."""
        module = self[index]
        del self[index]
        return module
