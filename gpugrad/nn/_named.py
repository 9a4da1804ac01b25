"""What ModuleDict and ParameterDict share: parts by name, in the order in which they were set."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, Generic, TypeVar

__all__ = ["Named"]

Part = TypeVar("Part")


class Named(Generic[Part]):
    """A part of a class of modules: those of its attributes that are of one `kind`, as a dict has them."""

    kind: type[Part]

    def _parts(self) -> dict[str, Part]:
        return {name: value for name, value in vars(self).items() if isinstance(value, self.kind)}

    def __getitem__(self, key: str) -> Part:
        return self._parts()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        raise NotImplementedError

    def __delitem__(self, key: str) -> None:
        del self._parts()[key]  # a KeyError for what is no part
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._parts())

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts())

    def __contains__(self, key: Any) -> bool:
        return key in self._parts()

    def keys(self) -> KeysView[str]:
        """Return the names."""
        return self._parts().keys()

    def values(self) -> ValuesView[Part]:
        """Return the parts."""
        return self._parts().values()

    def items(self) -> ItemsView[str, Part]:
        """Return names and parts."""
        return self._parts().items()

    def pop(self, key: str) -> Part:
        """Take a part out and return it."""
        value = self[key]
        del self[key]
        return value

    def clear(self) -> None:
        """Take all parts out."""
        for key in list(self):
            del self[key]

    def update(self, parts: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Set parts by name."""
        for key, value in list(parts.items() if isinstance(parts, Mapping) else parts):
            self[key] = value
