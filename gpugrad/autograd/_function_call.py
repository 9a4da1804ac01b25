"""One call of a user's Function: its arguments by name, and its outputs with the node of the call."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any
from weakref import ref

from gpugrad._graph import mode, no_grad
from gpugrad._op import TENSORS, interpreter_of, new_tensor, node_of
from gpugrad._tensor.writing import overwrite
from gpugrad.autograd._function_node import Form, FunctionOp, node_of_call, output_of
from gpugrad.backends import backend_of, is_array_type, is_inexact
from gpugrad.errors import GradientError

__all__ = ["Call", "bound", "refuse_hidden"]


def bound(
    cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any], new_style: bool
) -> tuple[list[str], tuple[Any, ...]]:
    """Return the names of the arguments and, in the order of forward, their values; in the new style with defaults."""
    signature = inspect.signature(cls.forward)
    before: tuple[Any, ...] = () if new_style else (None,)
    try:
        given = signature.bind(*before, *args, **kwargs)
    except TypeError as error:
        no_static = next(iter(signature.parameters), None) == "self"
        hint = "; forward has no instance: make it a @staticmethod without self" if no_static else ""
        raise TypeError(f"{cls.__name__}.apply: {error}{hint}") from None
    if new_style:
        given.apply_defaults()
    if given.kwargs:
        raise TypeError(f"{cls.__name__}.apply: forward takes {', '.join(given.kwargs)} by name alone")
    names: list[str] = []
    for name in given.arguments:
        many = signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL
        names += [f"{name}[{i}]" for i in range(len(given.arguments[name]))] if many else [name]
    return names[len(before) :], given.args[len(before) :]


def refuse_hidden(cls: Any, names: Sequence[str], args: Sequence[Any]) -> None:
    """Raise where a tensor that requires grad stands in a list or dict, from which no gradient would come."""
    for name, argument in zip(names, args, strict=True):
        if mode.recording and any(node_of(x) is not None for x in _items(argument)):
            raise GradientError(
                f"{cls.__name__}.apply: {name!r} is a {type(argument).__name__} with a tensor in it that requires "
                "grad, and would get no gradient. Pass tensors as arguments of their own: apply(*tensors)"
            )


class Call:
    """One call of a Function: from what forward returned to the outputs, and their node."""

    def __init__(
        self,
        cls: Any,
        context: Any,
        names: Sequence[str],
        args: Sequence[Any],
        edges: Sequence[Any],
        forms: Sequence[Form | None],
    ) -> None:
        self.cls, self.context, self.names, self.args = cls, context, names, args
        self.places = [i for i, form in enumerate(forms) if form is not None]
        self.edges = [edges[i] for i in self.places]
        self.forms: list[Any] = [forms[i] for i in self.places]

    def unrecorded(self, output: Any) -> Any:
        """Return what forward returned; an input among it as a copy, because it may require grad and this does not."""
        self._check(output)

        def own(t: Any) -> Any:
            given = type(t) in TENSORS and (node_of(t) is not None or _among(t, self.args))
            return _copy(t) if given and not _among(t, self.context._dirty) else t

        return _like(output, list(map(own, output))) if isinstance(output, tuple) else own(output)

    def recorded(self, output: Any) -> Any:
        """Return the outputs with the node of this call."""
        self._check(output)
        several = isinstance(output, tuple)
        raw = list(output) if several else [output]
        outputs = [Form(t) if type(t) in TENSORS else None for t in raw]
        op = FunctionOp(self.cls, self.context, self.names, self.places, self.forms, outputs, several)
        op.origins = [self._origin(tensor, cell, raw) for tensor, cell in self.context._saved]
        node = node_of_call(op, self.edges, [cell for _, cell in self.context._saved])
        self.context._node, self.context._saved = ref(node), []
        finished, index = [], 0
        for i, t in enumerate(raw):
            if type(t) not in TENSORS:
                finished.append(t)
                continue
            fixed = _among(t, self.context._fixed) or not is_inexact(t.dtype)
            own = None if fixed else output_of(node, index) if several else node
            finished.append(self._finished(t, own, raw[:i]))
            index += 1
        self.context._fixed = self.context._dirty = ()
        return _like(output, finished) if several else finished[0]

    def _finished(self, t: Any, node: Any, earlier: Sequence[Any]) -> Any:
        """Return an output with its node: itself, or a copy where it shares memory with another tensor."""
        if _among(t, self.context._dirty):
            return t if node is None else overwrite(t, new_tensor(t._array, node))
        if t._alias is not None or t._node is not None or _among(t, self.args) or _among(t, earlier):
            t = _copy(t)
        t._node = node
        return t

    def _origin(self, tensor: Any, cell: Any, raw: Sequence[Any]) -> tuple[str, Any]:
        """Return where a saved tensor comes from: an input, unless forward changed it before; an output; or neither."""
        if tensor is None:
            return "none", None
        changed = _among(tensor, self.context._dirty) and cell.value is tensor._array
        for i, place in enumerate(self.places):
            if self.args[place] is tensor and not changed:
                return "input", i
        tensors = [t for t in raw if type(t) in TENSORS]
        for i, t in enumerate(tensors):
            if t is tensor and is_inexact(t.dtype) and not _among(t, self.context._fixed):
                return "output", i
        return "other", None if _among(tensor, raw) else node_of(tensor)

    def _check(self, output: Any) -> None:
        """Raise where forward returned what cannot be an output, or did not return what it changed in place."""
        name = self.cls.__name__
        outputs = output if isinstance(output, tuple) else (output,)
        interpreter = interpreter_of(outputs)
        if interpreter is not None:
            raise interpreter.refusal(f"{name}.forward must return tensors that it computes from its arguments alone")
        lone = not any(type(t) in TENSORS for t in outputs)
        for t in outputs:
            if (lone and is_array_type(type(t))) or any(type(item) in TENSORS for item in _items(t)):
                raise TypeError(
                    f"{name}.forward returned a {type(t).__name__}, through which no gradient goes; return tensors"
                )
        for t in self.context._dirty:
            if not _among(t, self.args) or not _among(t, outputs):
                raise GradientError(f"{name}.forward: what is marked dirty must be an argument, and be returned")
        for t in self.context._fixed:
            if not _among(t, outputs):
                raise GradientError(f"{name}.forward: what is marked non-differentiable must be returned")


def _items(value: Any) -> list[Any]:
    """Return what stands in a list, a tuple or a dict."""
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else []


def _like(output: Any, items: list[Any]) -> Any:
    """Return items in the kind of tuple, a named one perhaps, that forward returned."""
    return type(output)._make(items) if hasattr(output, "_make") else tuple(items)


def _among(t: Any, tensors: Sequence[Any]) -> bool:
    return any(t is other for other in tensors)


def _copy(t: Any) -> Any:
    with no_grad(), backend_of(t._array).on(t.device):
        return new_tensor(backend_of(t._array).copy(t._array))
