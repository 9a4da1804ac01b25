"""The part of a Tensor that knows its graph: leaves and results, gradients, hooks, backward."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gpugrad import _ops as ops
from gpugrad._graph import Alias, Leaf, Node, RemovableHandle, Saved, hang, mode, share, watch_alias
from gpugrad._op import TENSORS, new_tensor, node_of
from gpugrad._tensor.backward import backward, retain
from gpugrad.backends import is_inexact
from gpugrad.errors import GradientError

if TYPE_CHECKING:
    from gpugrad._tensor.tensor import Tensor

__all__ = ["Recorded"]


class Recorded:
    """What a Tensor has of the graph, outside of the operators that record it."""

    __slots__ = ()
    _node: Node | None
    _cell: Saved | None
    _alias: Alias | None

    @property
    def requires_grad(self: Any) -> bool:
        """Whether calls on this tensor are recorded."""
        return node_of(self) is not None

    @requires_grad.setter
    def requires_grad(self: Any, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self: Any, requires_grad: bool = True) -> Tensor:
        """Record calls on this tensor from now on, or no longer; return it."""
        node = node_of(self)
        if node is not None and type(node) is not Leaf:
            if requires_grad:
                return self
            raise GradientError(
                "requires_grad_(False) on a result: it is not a leaf. Use .detach() for a tensor outside the graph"
            )
        if not requires_grad:
            self._node = None
        elif node is None:
            self._must_carry_gradients(self.dtype)
            if self.is_inference() and not mode.inference:
                raise GradientError(
                    "requires_grad_() on an inference tensor outside of inference_mode(); take a .clone() of it"
                )
            if self._alias is not None:
                self._alias = Alias(self._alias.memory, None, (), 0)
            self._node = Leaf(self)
        return self

    @staticmethod
    def _must_carry_gradients(dtype: np.dtype[Any]) -> None:
        if not is_inexact(dtype):
            raise GradientError(
                f"only tensors of floating point or complex dtype can require gradients, not {dtype}; convert it with "
                ".to(gpugrad.float32)"
            )

    @property
    def is_leaf(self: Any) -> bool:
        """Whether this tensor was made by the user and not by a recorded call."""
        node = node_of(self)
        return node is None or type(node) is Leaf

    @property
    def grad_fn(self: Any) -> Node | None:
        """The recorded call that made this tensor, None for leaves; one node for all results of a call."""
        node = node_of(self)
        return None if node is None or type(node) is Leaf else node.source

    @property
    def grad(self: Any) -> Tensor | None:
        """The gradient that backward has brought to this leaf, None before that.

        A result has one where `retain_grad` was called. It belongs to the value that the result had then.
        """
        if self._grad is None and not self.is_leaf and not self.retains_grad:
            warnings.warn(
                "the .grad of a tensor that is not a leaf is None; call .retain_grad() on it before backward",
                UserWarning,
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self: Any, value: Tensor | None) -> None:
        if value is not None:
            if type(value) not in TENSORS:
                raise TypeError(f"assigned grad must be a tensor or None, not {type(value).__name__}")
            for what, mine, its in (
                ("shape", self.shape, value.shape),
                ("dtype", self.dtype, value.dtype),
                ("device", self.device, value.device),
            ):
                if mine != its:
                    raise GradientError(f"assigned grad has {what} {its}, and the tensor has {mine}")
        self._grad = value

    @property
    def data(self: Any) -> Tensor:
        """The same memory outside the graph. Assigning puts another tensor's memory in its place."""
        return self.detach()

    @data.setter
    def data(self: Any, value: Tensor) -> None:
        if type(value) not in TENSORS:
            raise TypeError(f"data must be a tensor, not {type(value).__name__}")
        node = node_of(self)
        if node is not None:
            self._must_carry_gradients(value.dtype)
            if type(node) is not Leaf and (value.shape, value.dtype) != (self.shape, self.dtype):
                raise GradientError(
                    f"the .data of a result of shape {self.shape} and dtype {self.dtype} cannot become {value.shape} "
                    f"and {value.dtype}: its gradient would not fit. Use .detach() for a tensor outside the graph"
                )
        self._array = value._array
        self._cell = None
        self._alias = Alias(share(value).memory, None, (), 0)
        if type(self._node) is Leaf:
            self._node.shape, self._node.dtype = self._array.shape, self._array.dtype

    def backward(
        self: Any,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Sequence[Tensor] | None = None,
    ) -> None:
        """Add to ``.grad`` of every leaf that this tensor was computed from its gradient.

        `gradient` is dL/d(this tensor), of the same shape; it may be left out for one element. `retain_graph` keeps
        the saved values for another backward; `create_graph` makes the gradients part of the graph.

        >>> import gpugrad
        >>> x = gpugrad.ones((3, 3), requires_grad=True)
        >>> (x * x + 2 - 9).backward(gpugrad.ones((3, 3)))
        >>> x.grad[0]
        tensor([2., 2., 2.])
        """
        backward(self, [gradient], retain_graph, create_graph, inputs)

    def detach(self: Any) -> Tensor:
        """Return the same memory as a tensor outside the graph."""
        tensor: Tensor = new_tensor(self._array)
        watch_alias(tensor, self, None)
        return tensor

    def detach_(self: Any) -> Tensor:
        """Take this tensor out of the graph; return it."""
        if self._alias is not None:
            self._alias = Alias(self._alias.memory, None, (), 0)
        self._node = None
        return self

    def clone(self: Any) -> Tensor:
        """Return a copy that shares no memory; gradients pass through."""
        return ops.clone(self)

    def _node_for(self: Any, what: str) -> Node:
        node: Node | None = node_of(self)
        if node is None:
            raise GradientError(f"cannot {what} on a tensor that does not require grad")
        return node

    def register_hook(self: Any, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call `hook` with this tensor's gradient in backward; what it returns, if anything, replaces it.

        The hook stays with the value that the tensor has now: after ``y += 1`` it is still called for the value before.
        The handle that is returned takes it off, by ``remove()`` or at the end of a `with` block.

        >>> import gpugrad
        >>> x = gpugrad.tensor([1., 2.], requires_grad=True)
        >>> with x.register_hook(lambda g: g * 10):
        ...     (x * x).sum().backward()
        >>> x.grad
        tensor([20., 40.])
        """
        return hang(self._node_for("register a hook"), "functions", hook)

    def register_post_accumulate_grad_hook(self: Any, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Call `hook` with this leaf when backward has added to its ``.grad``, as soon as that is complete.

        The hook may use the gradient and drop it, before the gradients of other leaves are there.

        >>> import gpugrad
        >>> w = gpugrad.tensor([1., 2.], requires_grad=True)
        >>> handle = w.register_post_accumulate_grad_hook(lambda w: print(w.grad))
        >>> (w * 3).sum().backward()
        tensor([3., 3.])
        """
        node = self._node_for("register a hook")
        if type(node) is not Leaf:
            raise GradientError("post-accumulate hooks are for leaves, and this tensor is a result: use register_hook")
        return hang(node, "accumulated", hook)

    def retain_grad(self: Any) -> None:
        """Keep the gradient of this result in ``.grad`` after backward."""
        node = self._node_for("retain the gradient")
        if type(node) is not Leaf:
            retain(self, node)

    @property
    def retains_grad(self: Any) -> bool:
        """Whether this is a result whose gradient is kept in ``.grad``."""
        node = node_of(self)
        return node is not None and node.hooks is not None and node.hooks.retains is not None

    def is_inference(self: Any) -> bool:
        """Return whether this tensor was made in inference mode, or is a view of one that was."""
        return self._alias is not None and self._alias.memory.inference
