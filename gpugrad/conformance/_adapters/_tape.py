"""Gradients of a library that records on a tape: gpugrad's and PyTorch's `grad` have one form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gpugrad.conformance._adapters._base import Function, Host

__all__ = ["first", "second"]

Leaf = Callable[[Host], Any]
Grad = Callable[..., Sequence[Any]]


def _gradients(grad: Grad, outputs: Sequence[Any], inputs: Sequence[Any], seeds: Sequence[Any], again: bool) -> Any:
    """Return the gradients; an output outside the graph is a constant, and brings nothing."""
    tracked = [(z, w) for z, w in zip(outputs, seeds, strict=True) if z.requires_grad]
    if not tracked:
        return None
    return grad([z for z, _ in tracked], inputs, [w for _, w in tracked], create_graph=again, materialize_grads=True)


def first(
    leaf: Leaf, host: Callable[[Any], Host], grad: Grad, function: Function, inputs: Sequence[Host], ws: Sequence[Host]
) -> tuple[list[Host], list[Host]]:
    """Return outputs and gradients."""
    leaves = [leaf(x) for x in inputs]
    outputs = function(*leaves)
    found = _gradients(grad, outputs, leaves, [leaf(w) for w in ws], False)
    return [host(z) for z in outputs], [x * 0 for x in inputs] if found is None else [host(g) for g in found]


def second(
    leaf: Leaf,
    host: Callable[[Any], Host],
    grad: Grad,
    function: Function,
    inputs: Sequence[Host],
    ws: Sequence[Host],
    vs: Sequence[Host],
) -> tuple[list[Host], list[Host]]:
    """Return the gradients of sum Re(conj(v) gradient)."""
    leaves, seeds = [leaf(x) for x in inputs], [leaf(w) for w in ws]
    everything = [*leaves, *seeds]
    gradients = _gradients(grad, function(*leaves), leaves, seeds, True)
    found = None if gradients is None else _gradients(grad, gradients, everything, [leaf(v) for v in vs], False)
    hosts = [a * 0 for a in (*inputs, *ws)] if found is None else [host(g) for g in found]
    return hosts[: len(inputs)], hosts[len(inputs) :]
