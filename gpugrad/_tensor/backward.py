"""Backward from Tensors: gradients added to those of leaves, or returned as values."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from gpugrad._graph import Hooks, Leaf, Node, enable_grad, namespace_of, no_grad, walk
from gpugrad._op import TENSORS, new_tensor
from gpugrad._tensor.accumulating import Handed, accumulate
from gpugrad._tensor.hooks import HookRunner, conjugated, run_hooks
from gpugrad._tensor.seeding import as_tensors, seeds_of, targets_of
from gpugrad.backends import backend_of
from gpugrad.errors import GradientError, OptionError

__all__ = ["Handed", "backward", "conjugated", "grad", "retain", "run_hooks"]


def retain(tensor: Any, node: Node) -> bool:
    """Have the gradient that comes to a node kept in ``.grad`` of its result; return whether it was not before."""
    if node.hooks is None:
        node.hooks = Hooks()
    anew = node.hooks.retains is None
    node.hooks.retain_for(tensor)
    return anew


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add to ``.grad`` of every leaf its gradient of the sum of <grad_tensor, tensor>.

    Parameters
    ----------
    tensors
        A tensor, or a sequence of them, that require grad.
    grad_tensors
        For each of them dL/d(tensor), of the same shape; None, or None in its place, for 1 where there is one element.
    retain_graph
        Whether saved values are kept for another backward; by default where `create_graph` is true.
    create_graph
        Whether the gradients are part of the graph themselves.
    inputs
        A tensor, or a sequence of them, whose ``.grad`` alone is added to; results among them retain theirs.

    Raises
    ------
    GradientError
        Where nothing requires grad, shapes differ, or saved values were freed. No ``.grad`` has changed then, but for
        leaves with hooks of their own accumulation, which take their gradient as soon as it is complete.

    >>> import gpugrad
    >>> x = gpugrad.tensor([1., 2.], requires_grad=True)
    >>> gpugrad.autograd.backward([x * 2, (x * 3).sum()], [gpugrad.ones(2), None])
    >>> x.grad
    tensor([5., 5.])
    """
    keep = create_graph if retain_graph is None else retain_graph
    tensors = as_tensors(tensors, "tensors")
    wanted = None if inputs is None else as_tensors(inputs, "inputs")
    nodes = [] if wanted is None else targets_of(wanted, "backward")
    seeds = seeds_of(tensors, grad_tensors, create_graph)
    handed = Handed(seeds)
    kept: list[tuple[Any, Any]] = []
    retained = [node for x, node in zip(wanted or (), nodes, strict=True) if type(node) is not Leaf and retain(x, node)]
    try:
        with enable_grad() if create_graph else no_grad():
            runner = HookRunner(partial(_accumulate_now, handed), kept)
            found = walk(seeds, keep, create_graph, None if wanted is None else set(nodes), runner)
            accumulate([(node, handed.tensor(g)) for node, g in found.items() if type(node) is Leaf])
    except BaseException:
        for result, old in reversed(kept):
            result._grad = old
        for node in retained:
            node.hooks.retains = None
        raise


def _accumulate_now(handed: Handed, node: Node, g: Any, alone: bool) -> None:
    """Add the gradient of one leaf, in the midst of a walk; `alone` says that no other node shares its memory."""
    accumulate([(node, handed.tensor(g, alone))])


def _refuse_unused(inputs: Sequence[Any], targets: Sequence[Node], unused: set[Node]) -> None:
    i = next(i for i, node in enumerate(targets) if node in unused)
    raise GradientError(
        f"the outputs do not depend on input {i}, of shape {inputs[i].shape}; pass allow_unused=True for None there, "
        "or materialize_grads=True for zeros"
    )


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """Return the gradients of the sum of <grad_output, output> with respect to `inputs`; ``.grad`` is not touched.

    Outputs and inputs are tensors or sequences of them. An input that the outputs do not depend on raises
    GradientError, unless `allow_unused` (its gradient is None) or `materialize_grads` (zeros). With `is_grads_batched`
    each of `grad_outputs` is a stack of gradients along a first axis, and so is each that is returned: there is one
    walk for each of them.

    >>> import gpugrad
    >>> x = gpugrad.tensor(3., requires_grad=True)
    >>> (slope,) = gpugrad.autograd.grad(x * x, x, create_graph=True)
    >>> gpugrad.autograd.grad(slope, x)
    (tensor(2.),)
    """
    if materialize_grads and allow_unused is False:
        raise OptionError("materialize_grads=True returns zeros for unused inputs; allow_unused=False contradicts it")
    outputs, inputs = as_tensors(outputs, "outputs"), as_tensors(inputs, "inputs")
    if is_grads_batched:
        return _one_by_one(outputs, inputs, grad_outputs, retain_graph, create_graph, allow_unused, materialize_grads)
    targets = targets_of(inputs, "grad")
    seeds = seeds_of(outputs, grad_outputs, create_graph)
    keep = create_graph if retain_graph is None else retain_graph
    refuse = None if allow_unused or materialize_grads else partial(_refuse_unused, inputs, targets)
    kept: list[tuple[Any, Any]] = []
    try:
        with enable_grad() if create_graph else no_grad():
            found = walk(seeds, keep, create_graph, set(targets), HookRunner(None, kept), refuse)
            if refuse is not None and not all(node in found for node in targets):
                refuse({node for node in targets if node not in found})
    except BaseException:
        for result, old in reversed(kept):
            result._grad = old
        raise
    handed = Handed(seeds)
    with enable_grad() if create_graph else no_grad():
        arrived = [handed.tensor(found[node]) if node in found else None for node in targets]
    return tuple(_zeros(x) if g is None and materialize_grads else g for x, g in zip(inputs, arrived, strict=True))


def _zeros(x: Any) -> Any:
    with backend_of(x._array).on(x.device):
        return new_tensor(backend_of(x._array).namespace.zeros_like(x._array))


def _one_by_one(
    outputs: Sequence[Any],
    inputs: Sequence[Any],
    grad_outputs: Any,
    retain_graph: bool | None,
    create_graph: bool,
    allow_unused: bool | None,
    materialize_grads: bool,
) -> tuple[Any, ...]:
    """Return the gradients for stacks of grad_outputs, one walk after the other."""
    stacks = [grad_outputs] if type(grad_outputs) in TENSORS else list(grad_outputs or ())
    sizes: set[int] = {g.shape[0] if getattr(g, "shape", ()) else 0 for g in stacks}
    if len(sizes) != 1 or 0 in sizes:
        raise GradientError(
            "is_grads_batched: each of grad_outputs is a tensor with one first axis of the same size, at least 1; "
            f"these have the shapes {[tuple(getattr(g, 'shape', ())) for g in stacks]}"
        )
    (size,) = sizes
    keep = create_graph if retain_graph is None else retain_graph
    rows = [
        grad(
            outputs, inputs, [g[i] for g in stacks], keep or i < size - 1, create_graph, allow_unused, False,
            materialize_grads,
        )
        for i in range(size)
    ]  # fmt: skip
    return tuple(None if row[0] is None else namespace_of(row[0]).stack(list(row)) for row in zip(*rows, strict=True))
