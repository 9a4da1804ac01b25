"""A function called on inputs of its own, the graph between these and its outputs, and walks through it.

The inputs are entries: new nodes, so that no other variable is confused with them, whatever it is computed from. Under
vmap they are entered with all examples, each with a value of its own, so that the gradients of one are not summed
into those of another. Where a graph comes from outside (a tracked value, or an input of an enclosing transform), the
walk is recorded; where none does, nothing is kept alive but by the functions that are returned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from gpugrad._creation import ones, zeros
from gpugrad._graph import (
    Entry,
    Leaf,
    Node,
    enable_grad,
    inference_mode,
    mode,
    modes,
    next_sequence,
    no_grad,
    walk,
    watch_alias,
)
from gpugrad._op import new_tensor, node_of, table
from gpugrad._tensor.accumulating import Handed
from gpugrad._tensor.hooks import conjugated, run_hooks
from gpugrad.errors import GradientError
from gpugrad.func._batched import Batched, is_tensor, lifted, lowered, physical
from gpugrad.func._levels import active, without

__all__ = ["Pushforward", "Recording", "leads_to"]


def entered(tensor: Any, connected: bool) -> Any:
    """Return a Tensor over the same memory, where a graph begins, or, if `connected`, goes on."""
    entry: Any = object.__new__(Entry)
    entry.op = table["positive"]
    entry.hooks = entry.fit0 = None
    entry.edge0 = node_of(tensor) if connected else None
    entry.sequence = next_sequence()
    if tensor.is_inference():  # of which no graph may save anything
        tensor = tensor.clone()
    made = new_tensor(tensor._array)
    watch_alias(made, tensor, None)
    made._node = entry
    return made


def leads_to(root: Node | None, targets: set[Node]) -> bool:
    """Return whether a value was computed from one of the targets."""
    order = [] if root is None else [root]
    seen = set(order)
    for node in order:  # which grows as it is read
        if node in targets:
            return True
        for edge in node.edges:
            if edge is not None and edge not in seen:
                seen.add(edge)
                order.append(edge)
    return False


def _leads_outside(roots: Iterable[Node | None], start: int) -> bool:
    """Return whether any of the roots was computed from what was there before `start`, or from a leaf."""
    order = list({node for node in roots if node is not None})
    seen = set(order)
    for node in order:  # which grows as it is read
        if node.sequence < start or type(node) is Leaf:
            return True
        for edge in node.edges:
            if edge is not None and edge not in seen:
                seen.add(edge)
                order.append(edge)
    return False


def _reaching_outside(roots: Iterable[Node | None], start: int) -> set[Node]:
    """Return those of the roots, and of what they were computed from since `start`, that lead to what was there before.

    A leaf that was made since is the user's, and outside as well.
    """
    order = list({node for node in roots if node is not None and node.sequence >= start})
    seen = set(order)
    for node in order:  # which grows as it is read
        for edge in node.edges:
            if edge is not None and edge.sequence >= start and edge not in seen:
                seen.add(edge)
                order.append(edge)
    order.sort(key=lambda node: node.sequence)
    outside: set[Node] = set()
    for node in order:
        if type(node) is Leaf or any(e is not None and (e.sequence < start or e in outside) for e in node.edges):
            outside.add(node)
    return outside


def _tracked(x: Any) -> Node | None:
    node: Node | None = node_of(physical(x))
    return node


def _of_this_thread(x: Any) -> Any:
    """Return a tensor, or raise where it is still a value of a vmap, which then is another thread's."""
    if type(x) is Batched:
        raise GradientError(
            "a value of vmap is differentiated where that vmap is not: in another thread, or after its end. Take "
            "gradients in the function that vmap calls, or give the thread tensors"
        )
    return x


class _Walks:
    """Walks back from some nodes to others, on what may be one of many cotangents for each example of a vmap."""

    def __init__(self, roots: Sequence[Node | None], targets: Sequence[Node], hooks: Callable[..., Any] | None) -> None:
        self.roots = roots
        self.targets = targets
        self.hooks = hooks
        self.levels = active()

    def __call__(self, cotangents: Sequence[Any], outside: bool, retain: bool) -> list[Any]:
        """Return the gradient at each target, None where none arrives; recorded where it depends on what is outside."""
        seeds: dict[Node, Any] = {}
        for root, c in zip(self.roots, cotangents, strict=True):
            if root is not None:
                g = conjugated(lowered(c, self.levels))
                seeds[root] = seeds[root] + g if root in seeds else g
        if not seeds:
            return [None] * len(self.targets)
        keep = mode.recording and (outside or any(_tracked(g) is not None for g in seeds.values()))
        on_tensors = keep or any(type(g) is Batched for g in seeds.values())
        if not on_tensors:
            seeds = {root: g._array for root, g in seeds.items()}
        with enable_grad() if keep else no_grad():
            with without(self.levels):
                found = walk(seeds, retain, on_tensors, set(self.targets), self.hooks)
            handed = Handed({root: g for root, g in seeds.items() if type(g) is not Batched})
            return [self._result(found.get(target), handed) for target in self.targets]

    def _result(self, g: Any, handed: Handed) -> Any:
        if g is None:
            return None
        return lifted(conjugated(g) if type(g) is Batched else handed.tensor(g), self.levels)


class Recording:
    """One call of a function on entries of its own."""

    def __init__(self, primals: Sequence[Any]) -> None:
        self.primals = [(x.shape, x.dtype, x.device) for x in primals]
        self.recorded = mode.recording
        self.levels = active()
        with inference_mode(False) if mode.inference else nullcontext():
            tensors = [_of_this_thread(lowered(x, self.levels)) for x in primals]
            self.start = next_sequence()
            entries = [entered(x, self.recorded) for x in tensors]
            self.entries: list[Node] = [x._node for x in entries]
            self.inputs = [lifted(x, self.levels) for x in entries]
        self.outputs: list[Any] = []
        self.outside = False
        self._walks: _Walks

    def call(self, func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Return what the function returns; its own calls are recorded, also within no_grad or inference_mode."""
        with inference_mode(False):
            return func(*args, **kwargs)

    def ends(self, outputs: Sequence[Any], others: Iterable[Any] = ()) -> None:
        """Note the outputs that walks begin at, and other results that are to be kept as they are."""
        with inference_mode(False):
            ends = [None if _tracked(y) is None else lowered(y, self.levels) for y in outputs]
            roots = [None if y is None else node_of(_of_this_thread(y)) for y in ends]
        self.outputs = [(y.shape, y.dtype, y.device) for y in outputs]
        self._walks = _Walks(roots, self.entries, run_hooks)
        rest = [_tracked(x) for x in others if is_tensor(x)]
        self.outside = self.recorded and _leads_outside([*roots, *rest], self.start)

    def released(self, results: Iterable[Any]) -> None:
        """Take results out of the graph that lead to nothing outside."""
        tensors = [physical(x) for x in results if is_tensor(x)]
        nodes = [(t, node_of(t)) for t in tensors]
        outside = _reaching_outside([n for _, n in nodes], self.start) if self.outside and self.recorded else set()
        for tensor, node in nodes:
            if node is not None and node.sequence >= self.start and node not in outside:
                tensor.detach_()

    def pulled(self, cotangents: Sequence[Any], retain: bool = True) -> list[Any]:
        """Return the gradient of the sum of <cotangent, output> with respect to each input."""
        found = self._walks(cotangents, self.outside, retain)
        gradients = [g if g is not None else _zeros(like) for g, like in zip(found, self.primals, strict=True)]
        self.released_since(gradients, cotangents)
        return gradients

    def released_since(self, results: Sequence[Any], given: Sequence[Any]) -> None:
        """Take results of a walk out of the graph that lead to nothing outside, nor to what the walk was given."""
        if mode.recording and any(_tracked(c) is not None for c in given):
            return
        self.released(results)

    def independent(self) -> list[int]:
        """Return the numbers of the outputs that depend on no input."""
        return [i for i, root in enumerate(self._walks.roots) if not leads_to(root, set(self.entries))]

    def pushforward(self) -> Pushforward:
        """Return the derivative as a function of tangents."""
        return Pushforward(self, self._walks.roots)


def _zeros(like: tuple[Any, Any, Any]) -> Any:
    shape, dtype, device = like
    return zeros(shape, dtype=dtype, device=device)


@contextmanager
def _no_shortcuts() -> Iterator[None]:
    """Let a cotangent of 0 be like any other within the block: rules are differentiated with respect to it."""
    before = modes.change(strong_zero=False)
    try:
        yield
    finally:
        modes.change(**before)


class Pushforward:
    """Forward mode by transposing twice: the walk back is linear in the cotangents, so its own walk back goes forward.

    The first walk is recorded on cotangents of ones, where no rule takes a shortcut. Its own walk back, from the
    gradients to those cotangents, is the derivative times a tangent (J. Townsend, 2017).
    """

    def __init__(self, recording: Recording, roots: Sequence[Node | None]) -> None:
        self.recording = recording
        with inference_mode(False), _no_shortcuts():
            self.ones = [
                None if root is None else entered(_ones(like, recording.levels), False)
                for root, like in zip(roots, recording.outputs, strict=True)
            ]
            seeds: dict[Node, Any] = {}
            for root, u in zip(roots, self.ones, strict=True):
                if root is not None:
                    seeds[root] = seeds[root] + conjugated(u) if root in seeds else conjugated(u)
            with without(recording.levels):
                found = walk(seeds, True, True, set(recording.entries)) if seeds else {}
            slopes = [found.get(entry) for entry in recording.entries]
            starts = [None if g is None else node_of(conjugated(g)) for g in slopes]
        targets = [u._node for u in self.ones if u is not None]
        self._walks = _Walks(starts, targets, None)
        self._walks.levels = recording.levels
        self.outside = recording.recorded and bool(
            {n for n in starts if n is not None} & _reaching_outside(starts, recording.start)
        )

    def pushed(self, tangents: Sequence[Any], retain: bool = True) -> list[Any]:
        """Return the tangent of each output."""
        with _no_shortcuts():
            found = iter(self._walks(tangents, self.outside, retain))
        slopes = [None if u is None else next(found) for u in self.ones]
        made = [t if t is not None else _zeros(like) for t, like in zip(slopes, self.recording.outputs, strict=True)]
        self.recording.released_since(made, tangents)
        return made


def _ones(like: tuple[Any, Any, Any], levels: Sequence[Any]) -> Any:
    shape, dtype, device = like
    return ones((*(level.size for level in levels), *shape), dtype=dtype, device=device)
