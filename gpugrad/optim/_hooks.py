"""Functions that a user has called before and after steps, and when state is saved or loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gpugrad._tensor.tensor import RemovableHandle

__all__ = ["Hooks"]


class Hooks:
    """The hooks of one optimizer, by their kind, in the order in which they are called."""

    __slots__ = ("_of_kind",)

    def __init__(self) -> None:
        self._of_kind: dict[str, dict[int, Callable[..., Any]]] = {}

    def register(self, kind: str, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Add a hook, as the first if `prepend`; return what takes it off."""
        if not callable(hook):
            raise TypeError(f"a hook must be a function, not {type(hook).__name__}")
        hooks = self._of_kind.setdefault(kind, {})
        handle = RemovableHandle(hooks)
        others = dict(hooks) if prepend else {}
        for key in others:
            del hooks[key]
        hooks[handle._key] = hook
        hooks.update(others)
        return handle

    def run(self, kind: str, *args: Any) -> None:
        """Call every hook of a kind."""
        for hook in list(self._of_kind.get(kind, {}).values()):
            hook(*args)

    def replaced(self, kind: str, optimizer: Any, value: Any) -> Any:
        """Call every hook of a kind with a value; return what they have made of it."""
        for hook in list(self._of_kind.get(kind, {}).values()):
            answer = hook(optimizer, value)
            value = value if answer is None else answer
        return value

    def around(self, optimizer: Any, step: Callable[..., Any], *args: Any) -> Any:
        """Take a step between the hooks that come before it and after it; return its result."""
        if not self._of_kind:
            return step(*args)
        kwargs: dict[str, Any] = {}
        for hook in list(self._of_kind.get("step_pre", {}).values()):
            answer = hook(optimizer, args, kwargs)
            if answer is not None:
                if not isinstance(answer, tuple) or len(answer) != 2:
                    raise TypeError(f"a hook before a step must return None or (args, kwargs), not {answer!r}")
                args, kwargs = answer
        result = step(*args, **kwargs)
        self.run("step_post", optimizer, args, kwargs)
        return result
