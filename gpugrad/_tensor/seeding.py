"""Where a walk begins and ends: the cotangents that a user gives it, or leaves out, and the nodes of its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gpugrad._graph import Node
from gpugrad._op import TENSORS, interpreter_of, new_tensor, node_of
from gpugrad._tensor.hooks import conjugated
from gpugrad.backends import backend_of, is_array_type
from gpugrad.errors import GradientError

__all__ = ["as_tensors", "seeds_of", "targets_of"]


def as_tensors(given: Any, what: str) -> list[Any]:
    """Return one tensor, or a sequence of them, as a list."""
    if type(given) in TENSORS:
        return [given]
    if (interpreter := interpreter_of([given])) is not None:
        raise interpreter.refusal(f"{what} are tensors")
    try:
        tensors = list(given)
    except TypeError:
        raise TypeError(f"{what} are a tensor or a sequence of tensors, not {type(given).__name__}") from None
    for i, tensor in enumerate(tensors):
        if type(tensor) not in TENSORS:
            raise TypeError(f"element {i} of {what} is a {type(tensor).__name__}; it must be a tensor")
    return tensors


def _gradients(given: Any, count: int) -> list[Any]:
    """Return the user's gradients of `count` tensors, None for each that is left out."""
    if given is None:
        return [None] * count
    gradients = list(given) if isinstance(given, list | tuple) else [given]
    if len(gradients) != count:
        raise GradientError(
            f"there are {count} tensors and {len(gradients)} gradients; give one for each, None where it is left out"
        )
    return gradients


def _implicit(tensor: Any) -> Any:
    """Return the gradient of an output for which none was given: 1, where that is the only one it could be."""
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
    backend = backend_of(tensor._array)
    with backend.on(tensor.device):
        return new_tensor(backend.namespace.ones_like(tensor._array))


def _seed(tensor: Any, gradient: Any, create_graph: bool) -> Any:
    """Return the cotangent of one output: a Tensor with create_graph, an array without."""
    if gradient is None:
        gradient = _implicit(tensor)
    elif type(gradient) not in TENSORS:
        if not is_array_type(type(gradient)):
            raise TypeError(
                f"a gradient is a tensor, an array, or None, not {type(gradient).__name__}; make a tensor of it with "
                f"gpugrad.tensor, of shape {tensor.shape}"
            )
        host = backend_of(gradient).to_host(gradient)
        gradient = new_tensor(backend_of(tensor._array).from_host(host, tensor.device))
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
    return conjugated(gradient if create_graph else gradient._array)


def seeds_of(tensors: Sequence[Any], gradients: Any, create_graph: bool) -> dict[Node, Any]:
    """Return the nodes of the outputs with their cotangents; those of an output that is there twice are added."""
    if not tensors:
        raise GradientError("there is no output to take gradients of")
    seeds: dict[Node, Any] = {}
    for i, (tensor, gradient) in enumerate(zip(tensors, _gradients(gradients, len(tensors)), strict=True)):
        node = node_of(tensor)
        if node is None:
            raise GradientError(
                f"element {i} of tensors does not require grad and does not have a grad_fn; make its inputs with "
                "requires_grad=True, outside no_grad()"
            )
        g = _seed(tensor, gradient, create_graph)
        seeds[node] = g if node not in seeds else seeds[node] + g
    return seeds


def targets_of(inputs: Sequence[Any], what: str) -> list[Node]:
    """Return the nodes of the inputs that gradients are wanted of."""
    if not inputs:
        raise GradientError(f"the inputs of {what} are empty; name a tensor, or leave `inputs` out of backward")
    nodes = []
    for i, x in enumerate(inputs):
        node = node_of(x)
        if node is None:
            raise GradientError(f"input {i} of {what} does not require grad; call .requires_grad_() on it first")
        nodes.append(node)
    return nodes
