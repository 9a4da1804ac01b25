"""Backward from Tensors: seeds in, gradients of leaves out, and what users hang on values in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gpugrad._graph import Hooks, Leaf, Node, enable_grad, namespace_of, no_grad, put_aside, walk
from gpugrad._op import TENSORS, new_tensor, node_of
from gpugrad.backends import backend_of
from gpugrad.errors import GradientError

__all__ = ["backward", "grad"]


def _conjugated(g: Any) -> Any:
    """Return a cotangent carried over the border between PyTorch's convention and the walk's."""
    xp = namespace_of(g)
    if not xp.isdtype(g.dtype, "complex floating"):
        return g
    array = g._array if type(g) in TENSORS else g
    with backend_of(array).on(backend_of(array).device_of(array)):
        return xp.conj(g)


def _seed(tensor: Any, gradient: Any, create_graph: bool) -> Any:
    """Return the cotangent of one output: a Tensor with create_graph, an array without."""
    array = tensor._array
    backend = backend_of(array)
    if gradient is None:
        if tensor.dtype.kind == "c":
            raise GradientError(
                f"grad can be implicitly created only for real outputs; this one is {tensor.dtype}. Pass a gradient, "
                "or take gpugrad.real of it"
            )
        if tensor.size != 1:
            raise GradientError(
                f"grad can be implicitly created only for scalar outputs; this one has shape {tensor.shape}. Pass "
                "backward(gradient) of that shape, or reduce it with .sum() or .mean()"
            )
        with backend.on(tensor.device):
            gradient = new_tensor(backend.namespace.ones_like(array))
    elif type(gradient) not in TENSORS:
        gradient = new_tensor(backend.from_host(backend_of(gradient).to_host(gradient), tensor.device))
    if gradient.shape != tensor.shape:
        raise GradientError(
            f"backward: the gradient has shape {gradient.shape} and the tensor {tensor.shape}; they must be the same "
            "(nothing is broadcast)"
        )
    if gradient.device != tensor.device:
        raise GradientError(
            f"backward: the gradient is on '{gradient.device}' and the tensor on '{tensor.device}'; move it with "
            f".to('{tensor.device}')"
        )
    if gradient.dtype != tensor.dtype:
        gradient = gradient.to(tensor.dtype)
    return _conjugated(gradient if create_graph else gradient._array)


def _seeds(tensors: Sequence[Any], gradients: Sequence[Any], create_graph: bool) -> dict[Node, Any]:
    if not tensors:
        raise GradientError("there is no output to take gradients of")
    seeds: dict[Node, Any] = {}
    for i, (tensor, gradient) in enumerate(zip(tensors, gradients, strict=True)):
        node = node_of(tensor)
        if node is None:
            raise GradientError(
                f"element {i} of tensors does not require grad and does not have a grad_fn; make its inputs with "
                "requires_grad=True, outside no_grad()"
            )
        g = _seed(tensor, gradient, create_graph)
        seeds[node] = g if node not in seeds else seeds[node] + g
    return seeds


def _answered(answer: Any, to: Any) -> Any:
    """Return what a hook answered to a gradient, as a Tensor that can take its place."""
    if type(answer) not in TENSORS:
        raise TypeError(f"a hook answers with a tensor or None, not {type(answer).__name__}")
    for what, its, ours in (("shape", answer.shape, to.shape), ("device", answer.device, to.device)):
        if its != ours:
            raise GradientError(f"a hook answered with {what} {its} to a gradient of {what} {ours}")
    return answer if answer.dtype == to.dtype else answer.to(to.dtype)


def _run_hooks(node: Node, g: Any) -> Any:
    """Return the gradient of a value after its hooks, which share memory with nothing that the walk goes on with."""
    hooks: Any = node.hooks
    recorded = type(g) in TENSORS
    tensor = _conjugated(g.clone() if recorded else new_tensor(backend_of(g).copy(g)))
    for function in list(hooks.functions.values()):
        answer = function(tensor)
        if answer is not None:
            tensor = _answered(answer, tensor)
    if hooks.retains:
        hooks.gradient = tensor.clone() if hooks.gradient is None else hooks.gradient + tensor
    result = _conjugated(tensor.clone())
    return result if recorded else result._array


class _Handed:
    """Gives out gradients as Tensors, none of which shares memory with another, with a seed, or with a saved value."""

    def __init__(self, seeds: dict[Node, Any]) -> None:
        self.taken = {id(g._array if type(g) in TENSORS else g) for g in seeds.values()}

    def tensor(self, g: Any) -> Any:
        g = _conjugated(g)
        if type(g) not in TENSORS:
            g = new_tensor(backend_of(g).wrap(g))
        if id(g._array) in self.taken or not backend_of(g._array).owns_memory(g._array):
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


def _accumulate(leaf: Leaf, gradient: Any) -> None:
    """Add a gradient to ``.grad`` of a leaf: in place where neither is part of a graph."""
    tensor = _receiver(leaf)
    if tensor is None:
        return
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


def backward(
    tensors: Sequence[Any],
    gradients: Sequence[Any],
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Sequence[Any] | None = None,
) -> None:
    """Add to ``.grad`` of every leaf (of `inputs` alone, if given) its gradient of the sum of <gradient, tensor>."""
    retain = create_graph if retain_graph is None else retain_graph
    seeds = _seeds(tensors, gradients, create_graph)
    inputs = [inputs] if type(inputs) in TENSORS else inputs
    targets = None if inputs is None else set(_targets(inputs))
    with enable_grad() if create_graph else no_grad():
        found = walk(seeds, retain, create_graph, targets, _run_hooks)
        handed = _Handed(seeds)
        given = [(node, handed.tensor(g)) for node, g in found.items()]
    for node, gradient in given:
        _check_fits(node, gradient)  # all of them before the first is written: an error changes no .grad
    for node, gradient in given:
        if type(node) is Leaf:
            _accumulate(node, gradient)
        elif node.hooks is None or not node.hooks.retains:  # a result named in `inputs`
            node.hooks = node.hooks or Hooks()
            node.hooks.retains, node.hooks.gradient = True, gradient


def _targets(inputs: Sequence[Any]) -> list[Node]:
    nodes = []
    for i, x in enumerate(inputs):
        node = node_of(x)
        if node is None:
            raise GradientError(f"input {i} of grad does not require grad; call .requires_grad_() on it first")
        nodes.append(node)
    return nodes


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """Return the gradients of the sum of <grad_output, output> with respect to `inputs`; ``.grad`` is not touched.

    An input that the outputs do not depend on raises GradientError, unless `allow_unused` (its gradient is None) or
    `materialize_grads` (zeros).

    >>> import gpugrad
    >>> x = gpugrad.tensor(3., requires_grad=True)
    >>> (slope,) = gpugrad.autograd.grad(x * x, x, create_graph=True)
    >>> gpugrad.autograd.grad(slope, x)
    (tensor(2.),)
    """
    outputs = [outputs] if type(outputs) in TENSORS else list(outputs)
    inputs = [inputs] if type(inputs) in TENSORS else list(inputs)
    if grad_outputs is None:
        grad_outputs = [None] * len(outputs)
    elif type(grad_outputs) in TENSORS:
        grad_outputs = [grad_outputs]
    seeds = _seeds(outputs, grad_outputs, create_graph)
    targets = _targets(inputs)
    retain = create_graph if retain_graph is None else retain_graph
    with enable_grad() if create_graph else no_grad():
        found = walk(seeds, retain, create_graph, set(targets), _run_hooks)
        handed = _Handed(seeds)
        arrived = {i: handed.tensor(found[node]) for i, node in enumerate(targets) if node in found}
    results = []
    for i, x in enumerate(inputs):
        if i in arrived:
            results.append(arrived[i])
        elif materialize_grads:
            with backend_of(x._array).on(x.device):
                results.append(new_tensor(backend_of(x._array).namespace.zeros_like(x._array)))
        elif allow_unused:
            results.append(None)
        else:
            raise GradientError(
                f"the outputs do not depend on input {i}, of shape {x.shape}; pass allow_unused=True for None there, "
                "or materialize_grads=True for zeros"
            )
    return tuple(results)
