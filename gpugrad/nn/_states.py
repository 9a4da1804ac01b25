"""The state of a module: its parameters and persistent buffers by name, to be saved, and loaded again or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from gpugrad._graph import no_grad
from gpugrad._tensor import Tensor, asarray
from gpugrad.errors import GpugradError, StateError
from gpugrad.nn._hooks import Hooked
from gpugrad.nn._walks import Walks

if TYPE_CHECKING:
    from gpugrad.nn.module import Module

__all__ = ["LoadResult", "States"]


class LoadResult(NamedTuple):
    """What `load_state_dict(strict=False)` passed over."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not any(self):
            return "<All keys matched successfully>"
        return f"LoadResult(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


_extra = "_extra_state"


class States(Walks, Hooked):
    """A part of the Module: what is saved of it."""

    def get_extra_state(self) -> Any:
        """Return what else is to be saved of this module, under the name ``_extra_state``; override both or none.

        >>> from gpugrad import nn
        >>> class Counting(nn.Module):
        ...     count = 3
        ...     def get_extra_state(self):
        ...         return self.count
        ...     def set_extra_state(self, state):
        ...         self.count = state
        >>> nn.Sequential(Counting()).state_dict()
        {'0._extra_state': 3}
        """
        raise NotImplementedError(f"{type(self).__name__} has no extra state")

    def set_extra_state(self, state: Any) -> None:
        """Take over what `get_extra_state` returned."""
        raise NotImplementedError(f"{type(self).__name__} has an extra state in what is loaded, and no set_extra_state")

    def _has_extra_state(self) -> bool:
        return type(self).get_extra_state is not States.get_extra_state

    def _own_state(self) -> Iterator[tuple[str, Tensor]]:
        yield from self._own_parameters()
        yield from self._own_buffers(saved_only=True)

    def state_dict(
        self, *, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """Return parameters and persistent buffers by their dotted names; a shared one stands under each of its names.

        The tensors share the module's memory, as in PyTorch, and are outside the graph unless `keep_vars`. They are
        put into `destination`, if there is one, and `prefix` stands before each name.

        >>> from gpugrad import nn
        >>> {name: t.shape for name, t in nn.Sequential(nn.Linear(2, 3)).state_dict().items()}
        {'0.weight': (3, 2), '0.bias': (3,)}
        """
        state = {} if destination is None else destination
        for hook in _hooks_of(self, "state_pre"):
            hook(self, prefix, keep_vars)
        for name, value in self._own_state():
            state[prefix + name] = value if keep_vars else value.detach()
        if self._has_extra_state():
            state[prefix + _extra] = self.get_extra_state()
        for name, child in self._own_modules():
            child.state_dict(destination=state, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in _hooks_of(self, "state_post"):
            if hook(self, state, prefix, {}) is not None:
                raise TypeError("a hook on state_dict changes the state in place, and returns None")
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> LoadResult:
        """Copy values into parameters and buffers by name: tensors, or arrays of any kind.

        All that does not fit is named in one StateError, and then nothing is changed. With ``strict=False``
        missing and unexpected names are passed over and returned. With ``assign=True`` parameters and buffers take over
        the memory, the dtype and the device of the values; they stay the objects that they are.

        >>> from gpugrad import nn
        >>> layer = nn.Linear(2, 1)
        >>> layer.load_state_dict({"weight": [[1., 2.]], "bias": [3.]})
        <All keys matched successfully>
        >>> layer.load_state_dict({"weight": [[1., 2., 3.]], "scale": [3.]})
        Traceback (most recent call last):
            ...
        gpugrad.errors.StateError: the state does not fit Linear:
            missing in the state: bias
            unexpected in the state: scale
            size mismatch for weight: (1, 3) in the state, (1, 2) in the module
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(
                f"load_state_dict takes a mapping of names to values, not {type(state_dict).__name__}; "
                "gpugrad.load_safetensors(path) reads one from a file"
            )
        return _Loading(self, dict(state_dict), strict, assign).run()


def _hooks_of(module: Any, kind: str) -> list[Any]:
    return module._hooks.of_kind(kind) if module._hooks else []


def _inner_first(module: States) -> Iterator[States]:
    """Yield all modules, those within another one before it."""
    for _, child in module._own_modules():
        yield from _inner_first(child)
    yield module


class _Loading:
    """One load of a state: first all is looked at, then all is changed, and back again if a hook raises."""

    def __init__(self, module: States, state: dict[str, Any], strict: bool, assign: bool) -> None:
        self.module, self.state, self.strict, self.assign = module, state, strict, assign
        self.parts: list[tuple[str, Module]] = [
            (f"{path}." if path else "", part) for path, part in module.named_modules(remove_duplicate=False)
        ]
        self.result = LoadResult([], [])
        self.faults: list[str] = []
        self.undo: list[tuple[Any, ...]] = []

    def run(self) -> LoadResult:
        """Load; if that raises, the module is as it was."""
        self._ask_before()
        mine = {prefix + name: t for prefix, part in self.parts for name, t in part._own_state()}
        extras = {prefix + _extra: part for prefix, part in self.parts if part._has_extra_state()}
        wanted = [*mine, *extras]
        self.result.missing_keys.extend(name for name in wanted if name not in self.state)
        self.result.unexpected_keys.extend(name for name in self.state if name not in mine and name not in extras)
        ready = [(t, self._fitting(name, t)) for name, t in mine.items() if name in self.state]
        after = [(part, hook) for part in _inner_first(self.module) for hook in _hooks_of(part, "load_post")]
        if self.faults or not after:
            self._raise_for_faults()
        try:
            self._set_extras(extras)
            self._change(ready, bool(after))
            for part, hook in after:
                if hook(part, self.result) is not None:
                    raise TypeError("a hook after load_state_dict changes the lists in place, and returns None")
            self._raise_for_faults()
        except BaseException:
            self._take_back()
            raise
        return self.result

    def _ask_before(self) -> None:
        for prefix, part in self.parts:
            for hook in _hooks_of(part, "load_pre"):
                hook(part, self.state, prefix, {}, self.strict, *self.result, self.faults)

    def _fitting(self, name: str, mine: Tensor) -> Any:
        """Return a value as a tensor on the device of mine; what does not fit is noted."""
        value = self.state[name]
        try:
            tensor = asarray(value)
        except (TypeError, ValueError, GpugradError) as error:
            self.faults.append(f"no tensor for {name}: {error}")
            return None
        if tensor.shape != mine.shape:
            self.faults.append(f"size mismatch for {name}: {tensor.shape} in the state, {mine.shape} in the module")
        kinds = _kind(tensor), _kind(mine)
        if kinds[0] > kinds[1] or (self.assign and kinds[0] != kinds[1]):
            self.faults.append(f"dtype mismatch for {name}: {tensor.dtype} in the state, {mine.dtype} in the module")
        return tensor.detach() if self.assign else tensor.detach().to(mine.device) if not self.faults else None

    def _raise_for_faults(self) -> None:
        """Raise one StateError for all that does not fit."""
        faults = list(self.faults)
        if self.strict and self.result.unexpected_keys:
            faults.insert(0, "unexpected in the state: " + ", ".join(map(str, self.result.unexpected_keys)))
        if self.strict and self.result.missing_keys:
            faults.insert(0, "missing in the state: " + ", ".join(self.result.missing_keys))
        if faults:
            raise StateError(f"the state does not fit {type(self.module).__name__}:\n    " + "\n    ".join(faults))

    def _set_extras(self, extras: dict[str, Any]) -> None:
        for name, part in extras.items():
            if name in self.state:
                self.undo.append((part.set_extra_state, part.get_extra_state()))
                part.set_extra_state(self.state[name])

    def _change(self, ready: list[tuple[Tensor, Any]], may_fail: bool) -> None:
        with no_grad():
            for target, value in ready:
                if self.assign:
                    self.undo.append((_assign, target, target.detach(), target._grad))
                    _assign(target, value, None)
                else:
                    if may_fail:
                        self.undo.append((target.copy_, target.detach().clone()))
                    target.copy_(value)

    def _take_back(self) -> None:
        with no_grad():
            for act, *arguments in reversed(self.undo):
                act(*arguments)


def _assign(target: Tensor, value: Tensor, gradient: Tensor | None) -> None:
    """Let a tensor have the memory of another."""
    writable = getattr(getattr(value._array, "flags", None), "writeable", True)
    target.data = value if writable else value.clone()
    target._grad = gradient


def _kind(tensor: Tensor) -> int:
    """Return a number for the kind of a dtype; a higher kind does not fit into a lower one."""
    return {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}[tensor.dtype.kind]
