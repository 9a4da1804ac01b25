"""What every op has: a name, a forward on arrays, rules, and gradients by them.

A rule is a function that names what it needs: `g` = dL/dz first, then `z` (the output), an input by its name, its shape
as ``<input>_shape``, a keyword of the call, or `xp`. Only what a rule names is kept alive for it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gpugrad._graph import Node, Saved, fit, modes, namespace_of, unrecorded
from gpugrad.backends import as_dtype
from gpugrad.errors import GradientError

__all__ = [
    "TENSORS",
    "Op",
    "Rule",
    "interpreter_of",
    "interpreters",
    "new_tensor",
    "register_tensor",
    "table",
    "tensor_class",
]

table: dict[str, Op] = {}
"""Every op by its name; the tests sweep it."""

TENSORS: set[type] = set()
"""Tensor and its subclasses, by exact type."""

interpreters: dict[type, Any] = {}
"""Types of values that no op computes on, and who runs an op that meets them: those that vmap calls functions with."""

_tensor_class: Any = None


def register_tensor(cls: type) -> None:
    """Note a class whose instances are tensors; the first one is the class of results."""
    global _tensor_class
    TENSORS.add(cls)
    if _tensor_class is None:
        _tensor_class = cls


def interpreter_of(values: Iterable[Any]) -> Any:
    """Return who runs an op that is called with these values, None where it is the op itself."""
    if interpreters:
        for x in values:
            if type(x) in interpreters:
                return interpreters[type(x)]
    return None


def tensor_class() -> Any:
    """Return the class of results."""
    return _tensor_class


def new_tensor(array: Any, node: Node | None = None, cell: Saved | None = None) -> Any:
    """Return a Tensor over an array, with its node in the graph."""
    tensor = object.__new__(_tensor_class)
    tensor._array = array
    tensor._node = node
    tensor._cell = cell
    tensor._alias = None
    tensor._grad = None
    return unrecorded(tensor) if modes.unusual and node is None else tensor


@dataclass(frozen=True, slots=True)
class Rule:
    """The gradients of one input, or of several together, and the names of what it needs beside `g`."""

    inputs: tuple[int, ...]
    function: Callable[..., Any]
    names: tuple[str, ...]
    joint: bool


class Op:
    """A function with derivative rules. Subclasses say how a call is recorded and where its node keeps values."""

    crosses_devices = False
    elementwise = False
    """Whether each element of a gradient comes from the one of `g` in its place: what `strong_zero` is for."""
    listed = True
    """Whether the op is in the table. Those that users define are not, and so may be defined again."""

    def __init__(
        self,
        name: str,
        inputs: Sequence[str],
        attributes: Sequence[str],
        rules: Mapping[Any, Callable[..., Any] | None],
    ) -> None:
        if self.listed and name in table:
            raise ValueError(f"there is an op {name!r} already")
        self.name = name
        self.inputs = tuple(inputs)
        self.known = {"z", "xp", *inputs, *(f"{i}_shape" for i in inputs), *attributes}
        self.rules = [self._rule(key, function) for key, function in rules.items() if function is not None]
        self.rule_of = {i: rule for rule in self.rules for i in rule.inputs}
        if self.listed:
            table[name] = self

    @property
    def node_name(self) -> str:
        """What the nodes of this op are called, in PyTorch's form."""
        return "".join(part.capitalize() for part in self.name.split("_")) + "Backward"

    def _rule(self, key: Any, function: Callable[..., Any]) -> Rule:
        joint = isinstance(key, tuple)
        names = key if joint else (key,)
        unknown = [n for n in names if n not in self.inputs]
        g, *needs = inspect.signature(function).parameters
        unknown += [n for n in needs if n not in self.known and not (joint and n == "needs")]
        if unknown or g != "g":
            raise ValueError(
                f"op {self.name!r}: a rule for {', '.join(names)} names {unknown or [g]}; it takes g first, then any "
                f"of {', '.join(sorted(self.known))}"
            )
        return Rule(tuple(self.inputs.index(n) for n in names), function, tuple(needs), joint)

    def missing_rule(self, i: int) -> GradientError:
        """Return the error for a tracked input without a rule: a gradient is never dropped silently."""
        return GradientError(
            f"{self.name} has no derivative rule for its input {self.inputs[i]!r}, which requires grad. Call .detach() "
            "on it, or use no_grad(), if no gradient is wanted"
        )

    def apply(self, given: dict[str, Any], values: dict[str, Any]) -> Any:
        """Return the result of a call whose inputs and attributes have all been given by name."""
        raise NotImplementedError

    def gradients(
        self, node: Node, g: Any, recorded: bool, wanted: set[Node] | None, strong_zero: bool = False
    ) -> Iterator[tuple[Node, Any]]:
        """Yield the edges of a node, each with the gradient that goes along it, fitted to the input there.

        With `strong_zero`, which is for elementwise ops, 0 stays 0.
        """
        edges = node.edges
        needs = [e is not None and (wanted is None or e in wanted) for e in edges]
        if isinstance(g, list):
            g = self._complete(node, g)
        for rule in self.rules:
            places = self.places(node, rule)
            asked = [needs[i] for i in places]
            if not any(asked):
                continue
            values = [self._argument(node, name, g, recorded, asked) for name in rule.names]
            result = rule.function(g, *values)
            for i, gi in zip(places, result if rule.joint or self.is_list(rule) else (result,), strict=True):
                if needs[i] and gi is not None:
                    if strong_zero:
                        gi = _kept_zero(g, gi)
                    wanted_form = self.shape_and_dtype(node, i)
                    if wanted_form is not None:
                        shape, dtype = wanted_form
                        gi = fit(gi, shape, as_dtype(dtype) if recorded else dtype)
                    yield edges[i], gi

    def _argument(self, node: Node, name: str, g: Any, recorded: bool, asked: list[bool]) -> Any:
        if name == "xp":
            return namespace_of(g[0] if isinstance(g, list) else g)
        if name == "needs":
            return asked
        if name == "z":
            return self.output(node, recorded)
        if name.endswith("_shape") and name[:-6] in self.inputs:
            return self.shape_of_input(node, name[:-6])
        return self.value(node, name, recorded)

    def places(self, node: Node, rule: Rule) -> tuple[int, ...]:
        """Return the numbers of the node's edges that a rule answers for."""
        return rule.inputs

    def is_list(self, rule: Rule) -> bool:
        """Return whether the rule answers for a list of inputs, and so with a list."""
        return False

    def shape_and_dtype(self, node: Any, i: int) -> tuple[tuple[int, ...], Any] | None:
        """Return what the input at edge `i` was, None where a gradient fits as it is."""
        raise NotImplementedError

    def shape_of_input(self, node: Any, name: str) -> Any:
        """Return the shape of an input by name."""
        raise NotImplementedError

    def value(self, node: Any, name: str, recorded: bool) -> Any:
        """Return a saved input or a keyword; a Tensor where the walk is recorded."""
        raise NotImplementedError

    def output(self, node: Any, recorded: bool) -> Any:
        """Return the saved output."""
        raise NotImplementedError

    def _complete(self, node: Any, g: list[Any]) -> list[Any]:
        """Return the gradients of all outputs, with zeros for those that nothing came back to."""
        some = next(x for x in g if x is not None)
        xp = namespace_of(some)
        device = getattr(some, "device", None)  # which the scalars of NumPy 2.0 lack
        return [
            xp.zeros(shape, dtype=dtype, device=device) if gi is None else gi
            for gi, (shape, dtype) in zip(g, node.outputs, strict=True)
        ]

    def free(self, node: Any) -> None:
        """Let go of a node's saved values."""
        raise NotImplementedError


def _kept_zero(g: Any, gi: Any) -> Any:
    """Return a gradient with 0 in place of the NaN that a rule made of a 0.

    A rule is linear in `g`, and makes of a 0 nothing but 0 and NaN. Where it made 0 the rule stays as it is: what
    comes back through it later, with create_graph, is for its slope, and need not be 0.
    """
    xp = namespace_of(gi)
    return xp.where(xp.logical_and(g == 0, xp.isnan(gi)), xp.zeros_like(gi), gi)


def rebuilt(cell: Saved, edge: Node | None, recorded: bool) -> Any:
    """Return a saved value for a rule: its array, or, where the walk is recorded, the Tensor it was."""
    value = cell.value
    if not recorded or not hasattr(value, "shape"):
        return value
    return new_tensor(value, edge, cell)
