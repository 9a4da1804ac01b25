"""Hooks: functions of the user's that see a gradient on its way back, and may put another in its place.

They hang on the node, so they stay with the value that they were set on. A value has its hooks (`functions`), and so
has the call that made it: `before` its rules run, and `after`. A leaf has those that run once its ``.grad`` has been
added to (`accumulated`).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any
from weakref import ref

__all__ = ["Functions", "Hooks", "RemovableHandle", "hang"]

_numbers = count()


class Functions(dict[int, Callable[..., Any]]):
    """Functions by the number of their handle, in the order in which they were set."""

    __slots__ = ("__weakref__",)


class RemovableHandle:
    """Takes a hook off again: by ``remove()``, or at the end of a `with` block. It keeps no hook or graph alive."""

    __slots__ = ("__weakref__", "_functions", "_key")

    def __init__(self, functions: dict[int, Any]) -> None:
        self.__setstate__((functions, next(key for key in _numbers if key not in functions)))

    def remove(self) -> None:
        """Remove the hook; a second time does nothing."""
        functions = self._functions()
        if functions is not None:
            functions.pop(self._key, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __getstate__(self) -> tuple[dict[int, Any] | None, int]:
        return self._functions(), self._key

    def __setstate__(self, state: tuple[dict[int, Any] | None, int]) -> None:
        functions, self._key = state
        self._functions = ref(functions) if isinstance(functions, Functions) else lambda: functions

    def __exit__(self, *exception: object) -> None:
        self.remove()


class Hooks:
    """What a user hung on a node."""

    __slots__ = ("accumulated", "after", "before", "functions", "retains")

    def __init__(self) -> None:
        self.functions = Functions()
        self.before = Functions()
        self.after = Functions()
        self.accumulated = Functions()
        self.retains: ref[Any] | None = None
        """The Tensor that keeps the gradient of this value in ``.grad``, weakly: a node never keeps its own result."""

    def retain_for(self, tensor: Any) -> None:
        """Keep the gradient of this value in ``.grad`` of a Tensor."""
        self.retains = ref(tensor)

    @property
    def of_call(self) -> bool:
        """Whether hooks run when the call itself is gone through, or a leaf's gradient has arrived."""
        return bool(self.before or self.after or self.accumulated)


on_leaves = False
"""Whether any leaf ever had hooks of its accumulation: until then the walk need not look for them."""


def hang(node: Any, kind: str, hook: Callable[..., Any]) -> RemovableHandle:
    """Hang a function on a node, and return the handle that takes it off."""
    global on_leaves
    if not callable(hook):
        raise TypeError(f"a hook is a function, not {type(hook).__name__}")
    if node.hooks is None:
        node.hooks = Hooks()
    functions = getattr(node.hooks, kind)
    handle = RemovableHandle(functions)
    functions[handle._key] = hook
    if kind != "functions" and not node.edges:
        on_leaves = True
    return handle
