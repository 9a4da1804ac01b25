"""What arrives at leaves: gradients as Tensors with memory of their own, added to ``.grad``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from gpugrad._graph import Leaf, Node, hooks, put_aside, watching
from gpugrad._op import TENSORS, new_tensor
from gpugrad._tensor.hooks import adding, conjugated, run_before
from gpugrad.backends import backend_of
from gpugrad.errors import GradientError

__all__ = ["Handed", "accumulate"]


class Handed:
    """Gives out gradients as Tensors, none of which shares memory with another, with a seed, or with a saved value."""

    def __init__(self, seeds: dict[Node, Any]) -> None:
        self.taken = {id(g._array if type(g) in TENSORS else g) for g in seeds.values()}

    def tensor(self, g: Any, alone: bool = True) -> Any:
        """Return a gradient as a Tensor; `alone` says that the walk has no further use for its memory."""
        g = conjugated(g)
        if type(g) not in TENSORS:
            g = new_tensor(backend_of(g).wrap(g))
        if not alone or id(g._array) in self.taken or not backend_of(g._array).owns_memory(g._array):
            g = g.clone()
        self.taken.add(id(g._array))
        return g


def _receiver(node: Node) -> Any:
    """Return the leaf that takes the gradient of a node; None where it is gone, or requires grad no longer."""
    tensor = node.tensor() if type(node) is Leaf else None
    return tensor if tensor is not None and type(tensor._node) is Leaf else None


def _check_fits(node: Node, gradient: Any) -> None:
    tensor = _receiver(node)
    if tensor is not None and gradient.shape != tensor.shape:
        raise GradientError(
            f"a gradient of shape {gradient.shape} came back to a leaf that .data has given the shape {tensor.shape} "
            "since it was used"
        )


def _add(tensor: Any, gradient: Any) -> None:
    """Add a gradient to ``.grad`` of a leaf: in place where neither is part of a graph."""
    if gradient.dtype != tensor.dtype:
        gradient = gradient.to(tensor.dtype)
    old = tensor._grad
    if old is None:
        tensor._grad = gradient
    elif old._node is not None or gradient._node is not None or backend_of(old._array).overlaps_itself(old._array):
        tensor._grad = old + gradient
    else:
        put_aside(old)
        backend = backend_of(old._array)
        with backend.on(backend.device_of(old._array)):
            old._array += gradient._array


def _give(given: Sequence[tuple[Node, Any]]) -> None:
    with adding:
        for node, gradient in given:
            tensor = _receiver(node)
            if tensor is not None:
                _add(tensor, gradient)


def accumulate(given: Sequence[tuple[Node, Any]]) -> None:
    """Add gradients to those of their leaves: to all of them, or, where one does not fit, to none.

    Then the hooks of the accumulation run: those of the leaf, and those of its node, which see the gradient that was
    added.
    """
    if hooks.on_leaves:
        seen = [(node, _seen(node, gradient)) for node, gradient in given]
        given = [(node, gradient) for node, gradient in seen if gradient is not None]
    for node, gradient in given:
        _check_fits(node, gradient)
    if watching.watchers:
        pairs = [(node.tensor()._grad if _receiver(node) is not None else None, gradient) for node, gradient in given]
        watching.watched_act("accumulate", None, pairs, partial(_give, given))
    else:
        _give(given)
    for node, gradient in given if hooks.on_leaves else ():
        if node.hooks is not None and node.hooks.of_call:
            _run_accumulated(node, gradient)


def _seen(node: Node, gradient: Any) -> Any:
    """Return a gradient as the pre-hooks of a leaf's node leave it."""
    if node.hooks is None or not node.hooks.before:
        return gradient
    (left,) = run_before(node, (gradient.clone(),))
    return None if left is None else left.clone()


def _run_accumulated(node: Node, gradient: Any) -> None:
    """Run what hangs on the accumulation of a leaf; a hook of the leaf is given the leaf, and its answer is dropped."""
    hung: Any = node.hooks
    tensor = _receiver(node)
    if tensor is not None:
        for hook in list(hung.accumulated.values()):
            hook(tensor)
    for hook in list(hung.after.values()):
        answer = hook((), (gradient.clone(),))
        if answer is not None and (not isinstance(answer, tuple) or answer):
            name = getattr(hook, "__qualname__", type(hook).__name__)
            raise GradientError(f"the hook {name!r} answered with a gradient, and none goes on from a leaf")
