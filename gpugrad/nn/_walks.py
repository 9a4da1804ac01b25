"""Walks over a module: the modules, parameters and buffers in it, by their dotted names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self

from gpugrad._tensor import Tensor
from gpugrad.nn.parameter import Parameter

if TYPE_CHECKING:
    from gpugrad.nn.module import Module

__all__ = ["Walks"]


class Walks:
    """A part of the Module: finding what it consists of, by looking at its attributes."""

    def _own_parameters(self) -> Iterator[tuple[str, Tensor]]:
        return ((name, value) for name, value in vars(self).items() if isinstance(value, Parameter))

    def _own_buffers(self, saved_only: bool = False) -> Iterator[tuple[str, Tensor]]:
        for name, persistent in vars(self).get("_buffers", {}).items():
            value = vars(self).get(name)
            if value is not None and (persistent or not saved_only):
                yield name, value

    def _own_modules(self) -> Iterator[tuple[str, Module]]:
        return ((name, value) for name, value in vars(self).items() if isinstance(value, Walks))  # type: ignore[misc]

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield the modules that are attributes of this one, by name, each once."""
        seen = set()
        for name, value in self._own_modules():
            if id(value) not in seen:
                seen.add(id(value))
                yield name, value

    def children(self) -> Iterator[Module]:
        """Yield the modules that are attributes of this one."""
        return (module for _, module in self.named_children())

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Yield this module and all below it by their dotted names; this one's is `prefix`.

        What is in `memo` is passed over, with all below it, and what is yielded is added to it. A module that occurs
        twice is yielded once, unless ``remove_duplicate=False``.
        """
        seen = {id(module) for module in memo or ()}
        for path, module in self._walk(seen, prefix, remove_duplicate):
            if memo is not None and remove_duplicate:
                memo.add(module)
            yield path, module

    def _walk(self, seen: set[int], prefix: str, once: bool) -> Iterator[tuple[str, Module]]:
        if id(self) in seen:
            return
        if once:
            seen.add(id(self))
        yield prefix, self  # type: ignore[misc]
        for name, value in list(self._own_modules()):
            yield from value._walk(seen, f"{prefix}.{name}" if prefix else name, once)

    def modules(self) -> Iterator[Module]:
        """Yield this module and all below it, each once."""
        return (module for _, module in self.named_modules())

    def _named(
        self,
        of: Callable[[Any], Iterable[tuple[str, Tensor]]],
        prefix: str,
        recurse: bool = True,
        remove_duplicate: bool = True,
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield the tensors that `of` finds in this module and, if `recurse`, in all below it."""
        seen: set[int] = set()
        modules: Any = self.named_modules(None, prefix, remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, value in of(module):
                if not remove_duplicate or id(value) not in seen:
                    seen.add(id(value))
                    yield (f"{path}.{name}" if path else name), value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Yield the parameters by their dotted names.

        >>> from gpugrad import nn
        >>> [name for name, _ in nn.Sequential(nn.Linear(2, 2), nn.PReLU()).named_parameters("net")]
        ['net.0.weight', 'net.0.bias', 'net.1.weight']
        """
        return self._named(Walks._own_parameters, prefix, recurse, remove_duplicate)  # type: ignore[return-value]

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield the parameters, each once; this is what an optimizer takes."""
        return (parameter for _, parameter in self.named_parameters("", recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield the buffers by their dotted names."""
        return self._named(Walks._own_buffers, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield the buffers, each once."""
        return (buffer for _, buffer in self.named_buffers("", recurse))

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call `fn` on every module below this one and then on this one; return it.

        >>> from gpugrad import nn
        >>> def initialise(module):
        ...     if isinstance(module, nn.Linear):
        ...         nn.init.zeros_(module.bias)
        >>> nn.Sequential(nn.Linear(2, 1), nn.ReLU()).apply(initialise)[0].bias
        Parameter containing:
        tensor([0.], requires_grad=True)
        """
        for child in self.children():
            child.apply(fn)
        fn(self)  # type: ignore[arg-type]
        return self

    # By name

    def get_submodule(self, target: str) -> Module:
        """Return the module of a dotted name; the empty name is this one's. AttributeError if there is none.

        >>> from gpugrad import nn
        >>> nn.Sequential(nn.Sequential(nn.Linear(2, 1))).get_submodule("0.0")
        Linear(in_features=2, out_features=1, bias=True)
        """
        module: Any = self
        passed = type(self).__name__
        for name in target.split(".") if target else ():
            found = getattr(module, name, None)
            if not isinstance(found, Walks):
                raise AttributeError(_absent(f"{target!r}: {passed}", "module", name, module._own_modules()))
            module, passed = found, f"{passed}.{name}"
        return module  # type: ignore[no-any-return]

    def get_parameter(self, target: str) -> Parameter:
        """Return the parameter of a dotted name; AttributeError if there is none.

        >>> from gpugrad import nn
        >>> nn.Sequential(nn.Linear(2, 1)).get_parameter("0.weight").shape
        (1, 2)
        """
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        found = vars(module).get(name)
        if not isinstance(found, Parameter):
            raise AttributeError(_absent(f"{target!r}: {_of(module)}", "parameter", name, module._own_parameters()))
        return found

    def get_buffer(self, target: str) -> Tensor:
        """Return the buffer of a dotted name; AttributeError if there is none.

        >>> from gpugrad import nn
        >>> nn.Sequential(nn.BatchNorm1d(2)).get_buffer("0.running_var")
        tensor([1., 1.])
        """
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        found = dict(module._own_buffers()).get(name)
        if found is None:
            raise AttributeError(_absent(f"{target!r}: {_of(module)}", "buffer", name, module._own_buffers()))
        return found

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module where a dotted name says; with `strict` there must be one already.

        >>> from gpugrad import nn
        >>> model = nn.Sequential(nn.Linear(2, 1), nn.ReLU())
        >>> model.set_submodule("1", nn.Tanh())
        >>> model[1]
        Tanh()
        """
        if not isinstance(module, Walks):
            raise TypeError(f"set_submodule takes a Module, not {type(module).__name__}")
        path, _, name = target.rpartition(".")
        if not name:
            raise ValueError(f"set_submodule: {target!r} names no place; a module cannot put another in its own place")
        parent = self.get_submodule(path)
        if strict or hasattr(parent, name):
            self.get_submodule(target)
        setattr(parent, name, module)


def _of(module: Any) -> str:
    return type(module).__name__


def _absent(where: str, what: str, name: str, there: Iterable[tuple[str, Any]]) -> str:
    """Return the line that says what a name does not stand for, and which names do."""
    names = ", ".join(found for found, _ in there)
    return f"{where} has no {what} {name!r}; it has {names or 'none'}"
