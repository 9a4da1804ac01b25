"""Ops of any signature: keywords, optional inputs, lists of inputs, several outputs, views.

The signature of the forward function is the public one. Parameters annotated ``Array`` are inputs, ``Array | None``
optional ones, ``Sequence[Array]`` a list of them; all others are attributes of the call, which rules may name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial, update_wrapper
from typing import Any

from gpugrad._graph import (
    FREED,
    Node,
    Output,
    Saved,
    WideNode,
    fit,
    keep,
    mode,
    modes,
    namespace_of,
    next_sequence,
    pack_saved,
    watch_alias,
    watching,
)
from gpugrad._op.core import TENSORS, Op, Rule, interpreter_of, new_tensor, rebuilt
from gpugrad._op.operands import SCALARS, as_computed, as_operands, on_one_device, refusal, refuse_complex
from gpugrad._op.views import node_of
from gpugrad.backends import as_dtype, backend_of, is_inexact
from gpugrad.errors import DeviceError

__all__ = ["GeneralOp", "op"]


class GeneralOp(Op):
    """An op whose nodes hold tuples and a dict; for everything that is not called by the million."""

    def __init__(
        self,
        forward: Callable[..., Any],
        rules: Mapping[Any, Callable[..., Any] | None],
        view: bool | Callable[..., tuple[Op, dict[str, Any]]],
        reals: bool = False,
        elementwise: bool = False,
    ) -> None:
        self.forward = forward
        self.elementwise = elementwise
        self.crosses_devices = forward.__name__ == "to_device"
        self.view = view
        self.reals = reals
        self.signature = inspect.signature(forward)
        parameters = self.signature.parameters.values()
        self.list_input, inputs = self.inputs_among(list(parameters))
        self.positional = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
        self.positional_only = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY]
        self.by_name = [p.name for p in parameters if p.kind is not p.POSITIONAL_ONLY]
        self.required = [p.name for p in parameters if p.default is p.empty]
        self.defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
        attributes = [p.name for p in parameters if p.name not in inputs]
        super().__init__(forward.__name__, inputs, attributes, rules)

    def inputs_among(self, parameters: list[inspect.Parameter]) -> tuple[str | None, list[str]]:
        """Return the name of the input that is a list, None where there is none, and the names of all inputs."""
        listed = next((p.name for p in parameters if str(p.annotation).startswith("Sequence[Array]")), None)
        return listed, [p.name for p in parameters if str(p.annotation).startswith("Array") or p.name == listed]

    def bound(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of a call by name, defaults included."""
        values = {**self.defaults, **dict(zip(self.positional, args, strict=False)), **kwargs}
        odd = len(args) > len(self.positional) or any(
            k not in self.by_name or k in self.positional[: len(args)] for k in kwargs
        )
        if odd or any(k not in values for k in self.required):
            try:
                self.signature.bind(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{self.name}: {error}") from None
        return values

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        values = self.bound(args, kwargs)
        given = {name: values.pop(name) for name in self.inputs}
        there = {n: self._operand(n, x) for n, x in given.items() if x is not None or n in self.required}
        return self.apply(there, values)

    def _operand(self, name: str, x: Any) -> Any:
        """Return what was given for an input; a list where the op takes a list, and only there."""
        if name == self.list_input and hasattr(x, "__iter__"):
            return list(x)
        if x is None or isinstance(x, list) or name == self.list_input:
            what = "None" if x is None else f"a {type(x).__name__}"
            wanted = "a list of tensors" if name == self.list_input else "a tensor or an array; see gpugrad.asarray"
            raise TypeError(f"{self.name}: {name} is {what}; it must be {wanted}")
        return x

    def apply(self, given: dict[str, Any], values: dict[str, Any]) -> Any:
        """Return the result of a call whose inputs and attributes have all been given by name."""
        items = [x for value in given.values() for x in _items(value)]
        interpreter = interpreter_of(items)
        if interpreter is not None:
            return interpreter.call(self, given, values)
        operands, with_tensor = as_operands(items, self.name)
        ordered = iter(on_one_device(operands, self.name) if with_tensor else operands)
        inputs = {n: [next(ordered) for _ in v] if isinstance(v, list) else next(ordered) for n, v in given.items()}
        return self._recorded(inputs, values) if with_tensor else self._computed(inputs, values)[1]

    def along(self, x: Any, values: dict[str, Any]) -> Any:
        """Return this op of `x` alone, an array or a Tensor, with these attributes."""
        if type(x) in TENSORS:
            return self._recorded({"x": x}, values)
        return self._computed({"x": x}, values)[1] if interpreter_of([x]) is None else self.apply({"x": x}, values)

    def back_along(self, g: Any, values: Mapping[str, Any], x_shape: tuple[int, ...]) -> Any:
        """Return the gradient of the input `x` of a linear op that saves nothing, such as a view."""
        known = {**values, "x_shape": x_shape, "xp": namespace_of(g)}
        rule = self.rule_of[0]
        return fit(rule.function(g, *(known[name] for name in rule.names)), x_shape, g.dtype)

    def _computed(self, inputs: Mapping[str, Any], values: Mapping[str, Any]) -> tuple[Any, Any]:
        """Return the backend and the result on plain arrays, computed on the device that the arrays share."""
        arrays = [x for value in inputs.values() for x in _items(value) if type(x) not in SCALARS]
        if not arrays:
            raise TypeError(f"{self.name} needs at least one tensor or array; it was given Python numbers alone")
        if self.reals:
            refuse_complex(self.name, arrays)
        backend = backend_of(arrays[0])
        arguments = {**dict.fromkeys(self.inputs), **values, **inputs}
        if arguments.get("dtype") is not None:
            arguments["dtype"] = backend.native_dtype(as_dtype(arguments["dtype"]))
        positional = [arguments.pop(name) for name in self.positional_only]
        try:
            return backend, _wrapped(backend, self._forward_on(backend, arrays, positional, arguments))
        except (TypeError, ValueError) as error:
            raise refusal(self.name, arrays, error) from None if self.listed else error  # a user's code: where

    def _forward_on(self, backend: Any, arrays: list[Any], positional: list[Any], arguments: dict[str, Any]) -> Any:
        """Return what the forward function returns, called on the device that the arrays share."""
        forward = partial(watching.watched_call, self, self.forward) if watching.watchers else self.forward
        if not backend.checks_operands:
            return forward(*positional, **arguments)
        devices = {backend.device_of(x): None for x in arrays}
        if len(devices) > 1:
            here, there = (str(d) for d in list(devices)[:2])
            raise DeviceError(f"{self.name}: operands are on '{here}' and '{there}'; move one with .to('{here}')")
        with backend.on(next(iter(devices))):
            return forward(*positional, **arguments)

    def _recorded(self, inputs: Mapping[str, Any], values: dict[str, Any]) -> Any:
        arrays = {name: _array_of(value) for name, value in inputs.items()}
        backend, result = self._computed(arrays, values)
        several = isinstance(result, tuple | list)
        outputs = [new_tensor(z) for z in result] if several else [new_tensor(result)]
        tracked = mode.recording and any(node_of(x) is not None for v in inputs.values() for x in _items(v))
        differentiable = [is_inexact(backend_of(t._array).dtype_of(t._array)) for t in outputs]
        if tracked and any(differentiable):
            self.record(inputs, values, [t._array for t in outputs] if several else outputs[0]._array, outputs)
        if self.view:
            for index, t in enumerate(outputs):
                self._watch(backend, inputs["x"], t, values, index)
        return _like(result, outputs) if several else outputs[0]

    def record(
        self, inputs: Mapping[str, Any], attributes: Mapping[str, Any], result: Any, outputs: list[Any] | None = None
    ) -> Node:
        """Return the node for a call with these inputs that gave `result`, and hang the output Tensors on it.

        `inputs` maps the name of each input to a Tensor, a Python scalar, or a list of them.
        """
        node = WideNode()
        places = [(name, x) for name in self.inputs for x in _items(inputs.get(name))]
        node.op = self
        node.hooks = None
        node.edges = tuple(node_of(x) for _, x in places)
        node.shapes = tuple(getattr(_array_of(x), "shape", ()) for _, x in places)
        node.dtypes = tuple(getattr(_array_of(x), "dtype", None) for _, x in places)
        node.attributes = dict(attributes)
        node.saved = {}
        node.outputs = ()
        needed: set[str] = set()
        for (name, _), edge in zip(places, node.edges, strict=True):
            if edge is not None:
                rule = self.rule_of.get(self.inputs.index(name))
                if rule is None:
                    raise self.missing_rule(self.inputs.index(name))
                needed.update(rule.names)
        for name in (x for x in self.inputs if x in needed):  # in an order that hooks may rely on
            values = _items(inputs.get(name))
            if self.inputs.index(name) in self.rule_of:  # an operand, and no index or condition
                z = next(z for z in _items(result) if is_inexact(backend_of(z).dtype_of(z)))
                values = [as_computed(x, z) for x in values]
            cells = [_cell(x) for x in values]
            node.saved[name] = cells if name == self.list_input else cells[0] if cells else None
        node.sequence = watching.numbered() if watching.watchers else next_sequence()
        if isinstance(result, list):
            node.outputs = tuple((z.shape, z.dtype) for z in result)
            for index, t in enumerate(outputs or ()):
                t._node = _output_node(node, index) if is_inexact(backend_of(t._array).dtype_of(t._array)) else None
        elif outputs:
            outputs[0]._node = node
        if "z" in needed:
            kept = [keep(t) for t in outputs or ()]
            node.saved["z"] = kept if isinstance(result, list) else kept[0]
        if modes.unusual:
            pack_saved(node)
        return node

    def _watch(self, backend: Any, x: Any, t: Any, values: dict[str, Any], index: int) -> None:
        """Note that an output looks at the memory of `x`, if it does."""
        if type(t._array) is type(x._array) and backend.shares_memory(t._array, x._array):
            inside = mode.recording or node_of(x) is None
            step = self.view(x._array, index, **values) if callable(self.view) else (self, values)
            watch_alias(t, x, (*step, x._array.shape) if inside else None)

    def places(self, node: Any, rule: Rule) -> tuple[int, ...]:
        return rule.inputs if self.list_input is None else tuple(range(len(node.edges)))

    def is_list(self, rule: Rule) -> bool:
        return self.list_input is not None

    def shape_and_dtype(self, node: Any, i: int) -> tuple[tuple[int, ...], Any] | None:
        return node.shapes[i], node.dtypes[i]

    def shape_of_input(self, node: Any, name: str) -> Any:
        return node.shapes if name == self.list_input else node.shapes[self.inputs.index(name)]

    def value(self, node: Any, name: str, recorded: bool) -> Any:
        if name not in self.inputs:
            return node.attributes[name]
        cell = node.saved[name]
        if name == self.list_input:
            return [rebuilt(c, e, recorded) for c, e in zip(cell, node.edges, strict=True)]
        return None if cell is None else rebuilt(cell, node.edges[self.inputs.index(name)], recorded)

    def output(self, node: Any, recorded: bool) -> Any:
        cell = node.saved["z"]
        if isinstance(cell, list):
            return [rebuilt(c, _output_node(node, i), recorded) for i, c in enumerate(cell)]
        return rebuilt(cell, node, recorded)

    def free(self, node: Any) -> None:
        if node.saved:
            node.saved = FREED


def _output_node(node: WideNode, index: int) -> Output:
    """Return the pair (node, output index) that an edge refers to."""
    output = Output()
    output.edge0, output.index, output.hooks, output.sequence = node, index, None, next_sequence()
    return output


def _wrapped(backend: Any, result: Any) -> Any:
    if isinstance(result, tuple | list):
        return _like(result, [backend.wrap(z) for z in result])
    return backend.wrap(result)


def _like(result: Any, outputs: list[Any]) -> Any:
    """Return outputs in the kind of tuple, a named one perhaps, or list that the forward function returned."""
    return type(result)._make(outputs) if hasattr(result, "_make") else type(result)(outputs)


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _array_of(x: Any) -> Any:
    if isinstance(x, list):
        return [_array_of(item) for item in x]
    return x._array if type(x) in TENSORS else x


def _cell(x: Any) -> Saved | None:
    if type(x) in TENSORS:
        return keep(x)
    if x is None:
        return None
    cell = Saved()
    cell.value = +x  # a truth value as a number
    return cell


def op(
    rules: Mapping[Any, Callable[..., Any] | None] | None = None,
    *,
    view: bool | Callable[..., tuple[Op, dict[str, Any]]] = False,
    reals: bool = False,
    elementwise: bool = False,
    **more: Callable[..., Any] | None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make an op of a forward function on arrays: rules by the name of their input, or in a dict by several names.

    A rule for several inputs returns a tuple, and may name `needs`, the truth values of which are wanted. With `view`
    the result may share the memory of the input `x`; where there are several, it is a function of the array `x`, the
    number of the result and the keywords of the call that returns the op, and its keywords, that give this one alone.
    With `reals` complex numbers are refused. `elementwise` says that the rules work element by element.
    """

    def define(forward: Callable[..., Any]) -> Callable[..., Any]:
        recorded = GeneralOp(forward, {**(rules or {}), **more}, view, reals, elementwise)

        def call(*args: Any, **kwargs: Any) -> Any:
            return recorded(*args, **kwargs)

        update_wrapper(call, forward)
        call.op = recorded  # type: ignore[attr-defined]
        return call

    return define
