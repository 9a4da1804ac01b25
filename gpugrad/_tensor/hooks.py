"""Running hooks: what users hung on values and calls sees Tensors, in PyTorch's convention, with memory of their own.

In a walk back the hooks of a value run first, in the order in which they were set. Then `retain_grad` keeps what they
left; then the call that made the value has its pre-hooks, its rules and its hooks. At a leaf the hooks of the value
come first as well, then the gradient is added to ``.grad``, then the hooks of that run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from gpugrad._graph import Node, namespace_of, watching
from gpugrad._op import TENSORS, new_tensor
from gpugrad.backends import backend_of
from gpugrad.errors import GradientError

__all__ = ["HookRunner", "adding", "all_answered", "conjugated", "run_before", "run_hooks"]


adding = threading.RLock()
"""Held while gradients are added to ``.grad``: two threads may go back to one leaf, or one result."""


def conjugated(g: Any) -> Any:
    """Return a cotangent carried over the border between PyTorch's convention and the walk's."""
    xp = namespace_of(g)
    if not xp.isdtype(g.dtype, "complex floating"):
        return g
    array = g._array if hasattr(g, "_node") else g
    with backend_of(array).on(backend_of(array).device_of(array)):
        return xp.conj(g)


def _lent(g: Any) -> Any:
    """Return a cotangent of the walk as a Tensor that a hook may do with what it likes."""
    return None if g is None else conjugated(g.clone() if hasattr(g, "_node") else new_tensor(backend_of(g).copy(g)))


def _returned(tensor: Any, recorded: bool) -> Any:
    """Return what hooks left as a cotangent of the walk, which shares memory with nothing that the user has."""
    if tensor is None:
        return None
    g = conjugated(tensor.clone())
    return g if recorded else g._array


def _answered(answer: Any, to: Any, hook: Any) -> Any:
    """Return what a hook answered to a gradient, as a Tensor that can take its place."""
    name = getattr(hook, "__qualname__", type(hook).__name__)
    if not hasattr(answer, "_node"):
        raise TypeError(f"the hook {name!r} answers with a tensor or None, not {type(answer).__name__}")
    for what, its, ours in (("shape", answer.shape, to.shape), ("device", answer.device, to.device)):
        if its != ours:
            raise GradientError(f"the hook {name!r} answered with {what} {its} to a gradient of {what} {ours}")
    return answer if answer.dtype == to.dtype else answer.to(to.dtype)


def all_answered(answer: Any, to: tuple[Any, ...], hook: Any) -> tuple[Any, ...]:
    """Return what a hook of a node answered to a tuple of gradients; None among them stops a gradient."""
    name = getattr(hook, "__qualname__", type(hook).__name__)
    answers = answer if isinstance(answer, tuple | list) else (answer,)
    if len(answers) != len(to):
        raise GradientError(
            f"the hook {name!r} answered with {len(answers)} gradients, and was given {len(to)}: answer with as many"
        )
    for i, (its, ours) in enumerate(zip(answers, to, strict=True)):
        if ours is None and its is not None:
            raise GradientError(f"the hook {name!r} answered with a gradient at {i}, where there was none")
    return tuple(None if its is None else _answered(its, ours, hook) for its, ours in zip(answers, to, strict=True))


def _called(hook: Callable[..., Any], node: Node, *gradients: Any) -> Any:
    """Return what a hook answers, under the eyes of watchers."""
    if not watching.watchers:
        return hook(*gradients)
    return watching.watched_act("hook", node, (*gradients, hook), partial(hook, *gradients))


def run_before(node: Node, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the gradients of a node's results as its pre-hooks leave them."""
    for hook in list(node.hooks.before.values()):
        answer = _called(hook, node, given)
        if answer is not None:
            given = all_answered(answer, given, hook)
    return given


class HookRunner:
    """Runs the hooks of a walk.

    `accumulate`, where there is one, takes the gradients of those leaves whose hooks wait for that. `kept` lists the
    results that `retain_grad` kept a gradient for, each with the ``.grad`` that it had before.
    """

    def __init__(
        self, accumulate: Callable[[Node, Any, bool], None] | None = None, kept: list[tuple[Any, Any]] | None = None
    ) -> None:
        self.accumulate = accumulate
        self._kept = kept

    def __call__(self, node: Node, g: Any) -> Any:
        """Return the gradient of a value as its hooks leave it."""
        hooks: Any = node.hooks
        if not hooks.functions and hooks.retains is None:
            return g
        tensor = _lent(g)
        for hook in list(hooks.functions.values()):
            answer = _called(hook, node, tensor)
            if answer is not None:
                tensor = _answered(answer, tensor, hook)
        if hooks.retains is not None:
            self._keep(node, tensor)
        return _returned(tensor, hasattr(g, "_node"))

    def _keep(self, node: Node, gradient: Any) -> None:
        """Add a gradient to ``.grad`` of the result that asked for it, unless a later value of it did as well."""
        result = node.hooks.retains()
        if result is None or type(gradient) not in TENSORS:  # one of a stack, of which none is the gradient
            return
        later = result._node
        if later is not node and later is not None and later.hooks is not None and later.hooks.retains is not None:
            return
        with adding:
            old = result._grad
            if self._kept is not None:
                self._kept.append((result, old))
            result._grad = gradient.clone() if old is None else old + gradient

    def before(self, node: Node, g: Any) -> Any:
        """Return the gradient, or the list of them, that comes to a node, as its pre-hooks leave it."""
        several = isinstance(g, list)
        arrived = g if several else [g]
        recorded = any(hasattr(gi, "_node") for gi in arrived)
        left = [_returned(t, recorded) for t in run_before(node, tuple(_lent(gi) for gi in arrived))]
        return left if several else left[0]

    def after(self, node: Node, g: Any, going: list[tuple[Node, Any]]) -> list[tuple[Node, Any]]:
        """Return what goes on from a node, each with its edge, as the hooks of the node leave it."""
        places = []
        free = list(range(len(node.edges)))
        for edge, _ in going:
            place = next(i for i in free if node.edges[i] is edge)
            free.remove(place)
            places.append(place)
        recorded = any(hasattr(gi, "_node") for _, gi in going)
        outgoing: list[Any] = [None] * len(node.edges)
        for place, (_, gi) in zip(places, going, strict=True):
            outgoing[place] = _lent(gi)
        given, arrived = tuple(outgoing), tuple(_lent(gi) for gi in (g if isinstance(g, list) else [g]))
        for hook in list(node.hooks.after.values()):
            answer = _called(hook, node, given, arrived)
            if answer is not None:
                given = all_answered(answer, given, hook)
        return [(node.edges[i], _returned(t, recorded)) for i, t in enumerate(given) if t is not None]


run_hooks = HookRunner()
"""Runs hooks for walks that bring no leaf its gradient."""
