"""A function whose derivative the user writes: forward on tensors, and a backward that takes gradients to gradients."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Self

from gpugrad._graph import FREED, changed, keep, mode, no_grad
from gpugrad._op import TENSORS, interpreter_of, node_of
from gpugrad.autograd._function_call import Call, bound, refuse_hidden
from gpugrad.autograd._function_node import Form
from gpugrad.errors import GradientError

__all__ = ["Function", "FunctionCtx", "once_differentiable"]


class FunctionCtx:
    """What forward leaves for backward: saved tensors, and any attribute that is set on it."""

    __slots__ = ("__dict__", "_dirty", "_fixed", "_keeps", "_materializes", "_node", "_saved", "needs_input_grad")

    needs_input_grad: tuple[bool, ...]
    """Which arguments of the call are tensors that require grad."""

    def __init__(self, needs_input_grad: tuple[bool, ...], keeps: bool) -> None:
        self.needs_input_grad = needs_input_grad
        self._keeps = keeps
        self._saved: list[tuple[Any, Any]] = []
        self._fixed: tuple[Any, ...] = ()
        self._dirty: tuple[Any, ...] = ()
        self._materializes = True
        self._node: Any = None

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors for backward, as they are now: later writes to them do not reach what is kept.

        An input or an output comes back as the value that it is in the graph, so that a backward made of gpugrad's
        functions can itself be differentiated. Anything else comes back as a constant: what backward needs and second
        derivatives depend on must be an input or an output. None may stand among the tensors.
        """
        for i, tensor in enumerate(tensors):
            if tensor is not None and type(tensor) not in TENSORS:
                raise TypeError(
                    f"save_for_backward takes tensors, and argument {i} is of type {type(tensor).__name__}: set it on "
                    "the context, as an attribute"
                )
        self._saved = [(tensor, keep(tensor) if tensor is not None and self._keeps else None) for tensor in tensors]

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The saved tensors, as they were when they were saved."""
        if self._node is None:
            return tuple(tensor for tensor, _ in self._saved)
        node = self._node()
        return tuple(FREED if node is None else node.op.saved(node))

    def mark_non_differentiable(self, *outputs: Any) -> None:
        """Say that outputs do not require grad; backward is given zeros for them, and must return nothing for them."""
        self._fixed = outputs

    def mark_dirty(self, *inputs: Any) -> None:
        """Say that forward changes inputs in place; each must be returned as well, and gets this call as its grad_fn.

        A leaf that requires grad cannot be changed in place.
        """
        for tensor in inputs:
            if _is_tracked_leaf(tensor) and any(self.needs_input_grad):
                raise GradientError(
                    "mark_dirty: a leaf that requires grad cannot be changed in place; .clone() it first"
                )
        self._dirty = inputs

    def set_materialize_grads(self, value: bool) -> None:
        """Say whether backward is given zeros for outputs that nothing came back to (True, the default), or None."""
        self._materializes = bool(value)

    def at(self, node: Any) -> FunctionCtx:
        """Return this context as backward sees it, with the tensors that a node saved."""
        seen = object.__new__(type(self))
        seen.__dict__ = self.__dict__
        for name in ("needs_input_grad", "_dirty", "_fixed", "_keeps", "_materializes", "_saved"):
            setattr(seen, name, getattr(self, name))
        seen._node = lambda: node
        return seen


def _is_tracked_leaf(tensor: Any) -> bool:
    """Return whether a value is a tensor that the user made, and tracked."""
    return type(tensor) in TENSORS and tensor.is_leaf and node_of(tensor) is not None


class Function:
    """A differentiable function of your own: derive from it, write forward and backward, and call it with apply.

    ``forward(ctx, *args)`` computes on tensors, of which nothing is recorded, and leaves on `ctx` what backward needs.
    Or ``forward(*args)`` only computes, and ``setup_context(ctx, inputs, output)`` leaves it. ``backward(ctx, *grads)``
    is given dL/d(output) for each output and returns dL/d(argument) for each argument, None for what is no tensor.
    All are static methods. Where backward uses gpugrad's functions, derivatives of every order follow, and forward
    mode too: it transposes backward, so that a ``jvp`` is neither needed nor looked at.

    >>> import gpugrad
    >>> class Cube(gpugrad.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x * x
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (x,) = ctx.saved_tensors
    ...         return g * 3 * x * x
    >>> x = gpugrad.tensor(2., requires_grad=True)
    >>> (slope,) = gpugrad.autograd.grad(Cube.apply(x), x, create_graph=True)
    >>> slope.item(), gpugrad.autograd.grad(slope, x)
    (12.0, (tensor(12.),))
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:  # noqa: D102
        raise TypeError(f"{cls.__name__} has no instances: call {cls.__name__}.apply(...)")

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the outputs: one tensor, or a tuple of them, among which may be other values."""
        raise NotImplementedError

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Leave on `ctx` what backward needs of the arguments and of what forward returned."""
        raise NotImplementedError

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Return the gradients of the arguments, given those of the outputs."""
        raise NotImplementedError

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Call the function; where an argument requires grad, its outputs do.

        Arguments by name come to where forward has them. An output that shares memory with another tensor, such as an
        input returned as it is, becomes a copy, so that no write to the one is a write to the other.
        """
        if cls.forward is Function.forward:
            raise NotImplementedError(f"{cls.__name__} has no forward: define it as a static method")
        new_style = cls.setup_context is not Function.setup_context
        names, args = bound(cls, args, kwargs, new_style)
        interpreter = interpreter_of(args)
        if interpreter is not None:  # vmap knows no way to call it but for one example after the other
            return interpreter.one_by_one(cls.apply, args)
        refuse_hidden(cls, names, args)
        edges = [node_of(x) for x in args]
        tracked = mode.recording and any(edge is not None for edge in edges)
        if tracked and cls.backward is Function.backward:
            raise NotImplementedError(f"{cls.__name__} has no backward: define it as a static method, or call detach()")
        context = FunctionCtx(tuple(edge is not None for edge in edges), tracked)
        forms = [Form(x) if type(x) in TENSORS else None for x in args]
        with changed(grad_enabled=False, examples=()):
            if new_style:
                output = cls.forward(*args)
                cls.setup_context(context, args, output)
            else:
                output = cls.forward(context, *args)
        call = Call(cls, context, names, args, edges, forms)
        return call.recorded(output) if tracked else call.unrecorded(output)


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a backward that cannot be recorded, because it uses NumPy say: second derivatives raise GradientError.

    >>> import gpugrad
    >>> class Sine(gpugrad.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return gpugrad.sin(x)
    ...     @staticmethod
    ...     @gpugrad.autograd.once_differentiable
    ...     def backward(ctx, g):
    ...         (x,) = ctx.saved_tensors
    ...         return g * gpugrad.cos(x)
    >>> x = gpugrad.tensor(0., requires_grad=True)
    >>> Sine.apply(x).backward()
    >>> x.grad
    tensor(1.)
    """
    if not callable(backward):
        raise TypeError(f"once_differentiable decorates a backward, not {type(backward).__name__}")

    @wraps(backward)
    def unrecorded(ctx: Any, *grad_outputs: Any) -> Any:
        with no_grad():
            return backward(ctx, *grad_outputs)

    unrecorded.once_differentiable = True  # type: ignore[attr-defined]
    return unrecorded
