"""Ops with one or two inputs and one output: the hot path, where a Python line is a tenth of the cost.

What to save is decided when the op is defined. A call with plain arrays computes and returns an array; a call with a
Tensor records a node with flat slots and returns a Tensor.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from gpugrad._graph import (
    FREED,
    BinaryNode,
    Saved,
    UnaryNode,
    mode,
    modes,
    namespace_of,
    next_sequence,
    nodes,
    pack_saved,
    unrecorded,
    watching,
)
from gpugrad._op import core
from gpugrad._op.core import TENSORS, Op, interpreter_of, rebuilt, table
from gpugrad._op.operands import SCALARS, as_computed, as_operands, on_one_device, refusal, refuse_complex
from gpugrad._op.views import current_node
from gpugrad.backends import backend_of, backend_of_type, default_float, float_only, settled

__all__ = ["FlatOp", "binary", "predicate", "unary"]

_new: Any = object.__new__


def _watched(begins: bool) -> None:
    """Have forward functions found anew, and nodes numbered, so that watchers are told of them, or not."""
    global next_sequence
    next_sequence = watching.numbered if begins else nodes.next_sequence
    for op in table.values():
        if isinstance(op, FlatOp):
            op.forwards.clear()


watching.on_change.append(_watched)


def _of_floats(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return array code of ours as a function of any numbers, which NumPy's own functions are."""
    return lambda x: f(x if x.dtype.kind in "fc" else x.astype(default_float))


def _of_reals(name: str, f: Callable[..., Any]) -> Callable[..., Any]:
    """Return `f`, which compares numbers, with complex ones refused; NumPy would compare them part by part."""

    def of_reals(*operands: Any) -> Any:
        refuse_complex(name, operands)
        return f(*operands)

    return of_reals


class _Forwards(dict[type, Callable[..., Any]]):
    """The forward function for each type of array, found when that type is first met."""

    def __init__(self, op: FlatOp, forward: str | Callable[..., Any], needs_float: bool, reals: bool) -> None:
        self.op = op
        self.name = op.name
        self.forward = forward
        self.needs_float = needs_float
        self.reals = reals
        self.unwatched: dict[type, Callable[..., Any]] = {}

    def __missing__(self, array_type: type) -> Callable[..., Any]:
        with watching.changing:
            f = self.unwatched[array_type] = self.unwatched.get(array_type) or self._found(array_type)
            if watching.watchers:
                f = partial(watching.watched_call, self.op, partial(self._settled, f))
            self[array_type] = f
            return f

    def _settled(self, f: Callable[..., Any], *operands: Any) -> Any:
        """Return the result in the dtype it ought to have, so that watchers see what the user gets."""
        array = next(x for x in operands if type(x) not in SCALARS)
        z = f(*operands)
        return z if z.dtype is array.dtype else self.op.settle(operands, z)

    def _found(self, array_type: type) -> Callable[..., Any]:
        """Return the forward function for a type of array."""
        backend = backend_of_type(array_type)
        f = self.forward if callable(self.forward) else getattr(backend.namespace, self.forward)
        if self.needs_float and backend.checks_operands:
            original = f
            f = float_only(lambda *operands: original(*operands))
        elif self.needs_float and callable(self.forward):
            f = _of_floats(f)
        f = backend.function(f)
        return _of_reals(self.name, f) if self.reals else f


class FlatOp(Op):
    """An op whose nodes have flat slots; `pull0` and `pull1` are its rules as functions of (g, node).

    Its rules work element by element, so a gradient has the shape and dtype of the output; only where an input had
    others does the node keep them, for the gradient to be fitted to.
    """

    elementwise = True

    def __init__(
        self,
        name: str,
        inputs: tuple[str, ...],
        forward: str | Callable[..., Any],
        rules: dict[str, Callable[..., Any] | None],
        needs_float: bool,
        reals: bool = False,
    ) -> None:
        super().__init__(name, inputs, (), rules)
        self.forwards = _Forwards(self, forward, needs_float, reals)
        self.slots = {x: f"saved{i}" for i, x in enumerate(inputs)}
        self.pull0 = self._pull(0)
        self.pull1 = self._pull(1)
        self.function: Callable[..., Any]

    def needs(self, i: int, name: str) -> bool:
        """Return whether the rule for input `i` names `name`."""
        return i in self.rule_of and name in self.rule_of[i].names

    def _pull(self, i: int) -> Callable[[Any, Any], Any] | None:
        """Return the rule for input `i` as one function of the gradient and the node, written out and compiled."""
        rule = self.rule_of.get(i)
        if rule is None:
            return None
        sources = {"z": "n.result.value", "xp": "namespace_of(g)"}
        for k, x in enumerate(self.inputs):
            sources[x], sources[f"{x}_shape"] = f"n.saved{k}.value", f"n.fit{k}[0]"
        arguments = ", ".join(["g", *(sources[name] for name in rule.names)])
        code = compile(f"lambda g, n: rule({arguments})", f"<gpugrad rule of {self.name}>", "eval")
        return eval(code, {"rule": rule.function, "namespace_of": namespace_of})  # type: ignore[no-any-return]

    def apply(self, given: dict[str, Any], values: dict[str, Any]) -> Any:
        """Return the result of a call whose inputs have all been given by name; there are no attributes."""
        return self.function(*given.values())

    def shape_and_dtype(self, node: Any, i: int) -> tuple[tuple[int, ...], Any] | None:
        return node.fit1 if i else node.fit0  # type: ignore[no-any-return]

    def shape_of_input(self, node: Any, name: str) -> Any:
        return (node.fit1 if self.inputs.index(name) else node.fit0)[0]

    def value(self, node: Any, name: str, recorded: bool) -> Any:
        i = self.inputs.index(name)
        return rebuilt(getattr(node, self.slots[name]), node.edges[i], recorded)

    def output(self, node: Any, recorded: bool) -> Any:
        return rebuilt(node.result, node, recorded)

    def free(self, node: Any) -> None:
        node.saved0 = node.result = FREED
        if len(self.inputs) == 2:
            node.saved1 = FREED

    def settle(self, operands: tuple[Any, ...], z: Any) -> Any:
        """Return a result whose dtype surprised, in the dtype it ought to have, as an array."""
        array = next(x for x in operands if type(x) not in SCALARS)
        backend = backend_of(array)
        if not backend.checks_operands:
            z = settled(backend, self.forwards.unwatched[type(array)], operands, z)
        return z if type(z) is backend.array_type else backend.wrap(z)

    def on_arrays(self, operands: list[Any]) -> Any:
        """Return the result for plain arrays and scalars, as a plain array."""
        array = next((x for x in operands if type(x) not in SCALARS), None)
        if array is None:
            raise TypeError(f"{self.name} needs at least one tensor or array; it was given Python numbers alone")
        try:
            z = self.forwards[type(array)](*operands)
        except (TypeError, ValueError) as error:
            raise refusal(self.name, operands, error) from None
        return self.settle(tuple(operands), z)


def _cell_of(x: Any) -> Saved:
    """Return a cell for a value that has none yet."""
    cell: Saved = _new(Saved)
    if type(x) in SCALARS:
        cell.value = +x  # a truth value as a number
    elif x._alias is not None:
        return x._alias.memory.keep(x._array)  # type: ignore[no-any-return]
    else:
        cell.value = x._array
        if x._cell is not None:  # another thread was faster; nothing comes between this look and the next line
            return x._cell  # type: ignore[no-any-return]
        x._cell = cell
    return cell


def _finish(call: Any, op: FlatOp, doc: str) -> Callable[..., Any]:
    call.__name__ = call.__qualname__ = op.name
    call.__doc__ = doc
    call.op = op
    op.function = call
    return call  # type: ignore[no-any-return]


def unary(
    name: str,
    doc: str,
    *,
    x: Callable[..., Any] | None,
    forward: str | Callable[..., Any] | None = None,
    needs_float: bool = False,
    reals: bool = False,
) -> Callable[..., Any]:
    """Define an elementwise op of one input `x`; `forward` is the standard function of this name if not given."""
    op = FlatOp(name, ("x",), forward or name, {"x": x}, needs_float, reals)
    forwards, pull0 = op.forwards, op.pull0
    saves_x, saves_z, names_shape = (op.needs(0, value) for value in ("x", "z", "x_shape"))

    def call(x: Any, /) -> Any:
        if type(x) not in TENSORS:
            interpreter = interpreter_of([x])
            return interpreter.call(op, {"x": x}, {}) if interpreter else op.on_arrays(as_operands([x], name)[0])
        a = x._array
        try:
            z = forwards[type(a)](a)
        except (TypeError, ValueError) as error:
            raise refusal(name, (a,), error) from None
        if z.dtype is not a.dtype or type(z) is not type(a):
            z = op.settle((a,), z)
        t = _new(core._tensor_class)
        t._array = z
        t._node = t._cell = t._alias = t._grad = None
        node = x._node if x._alias is None else current_node(x)
        if modes.unusual and not mode.recording:
            return unrecorded(t)
        if node is None:
            return t
        if pull0 is None:
            raise op.missing_rule(0)
        n = t._node = _new(UnaryNode)
        n.sequence = next_sequence()
        n.op = op
        n.hooks = None
        n.edge0 = node
        alike = a.shape == z.shape and a.dtype is z.dtype and not names_shape
        n.fit0 = None if alike else (a.shape, a.dtype)
        if saves_x:
            cell = x._cell
            n.saved0 = _cell_of(x) if cell is None else cell
        if saves_z:
            n.result = _cell_of(t)
        if modes.unusual:
            pack_saved(n)
        return t

    return _finish(call, op, doc)


def binary(
    name: str,
    doc: str,
    *,
    x1: Callable[..., Any] | None,
    x2: Callable[..., Any] | None,
    forward: str | Callable[..., Any] | None = None,
    needs_float: bool = False,
    reals: bool = False,
) -> Callable[..., Any]:
    """Define an elementwise op of two inputs, `x1` and `x2`, which broadcast; either may be a Python scalar."""
    op = FlatOp(name, ("x1", "x2"), forward or name, {"x1": x1, "x2": x2}, needs_float, reals)
    forwards, pull0, pull1 = op.forwards, op.pull0, op.pull1
    first_x1, first_x2, first_z = (op.needs(0, value) for value in ("x1", "x2", "z"))
    second_x1, second_x2, second_z = (op.needs(1, value) for value in ("x1", "x2", "z"))
    names_shape = op.needs(0, "x1_shape") or op.needs(1, "x2_shape")

    def ordered(x1: Any, x2: Any) -> Any:
        interpreter = interpreter_of([x1, x2])
        if interpreter is not None:
            return interpreter.call(op, {"x1": x1, "x2": x2}, {})
        operands, with_tensor = as_operands([x1, x2], name)
        return call(*on_one_device(operands, name)) if with_tensor else op.on_arrays(operands)

    def call(x1: Any, x2: Any, /) -> Any:
        c1 = type(x1)
        c2 = type(x2)
        if c1 in TENSORS:
            like = a = x1._array
            node0 = x1._node if x1._alias is None else current_node(x1)
            if c2 in TENSORS:
                b = x2._array
                if type(b) is not type(a):
                    return ordered(x1, x2)
                node1 = x2._node if x2._alias is None else current_node(x2)
            elif c2 in SCALARS:
                b = x2
                node1 = None
            else:
                return ordered(x1, x2)
        elif c2 in TENSORS and c1 in SCALARS:
            a = x1
            like = b = x2._array
            node0 = None
            node1 = x2._node if x2._alias is None else current_node(x2)
        else:
            return ordered(x1, x2)
        try:
            z = forwards[type(like)](a, b)
        except (TypeError, ValueError) as error:
            raise refusal(name, (a, b), error) from None
        if z.dtype is not like.dtype or type(z) is not type(like):
            z = op.settle((a, b), z)
        t = _new(core._tensor_class)
        t._array = z
        t._node = t._cell = t._alias = t._grad = None
        tracked0 = node0 is not None
        tracked1 = node1 is not None
        if modes.unusual and not mode.recording:
            return unrecorded(t)
        if not (tracked0 or tracked1):
            return t
        n = t._node = _new(BinaryNode)
        n.sequence = next_sequence()
        n.op = op
        n.hooks = None
        n.edge0 = node0
        n.edge1 = node1
        # Where the operands are alike the result is like them, unless its dtype is another one.
        alike = z.dtype is like.dtype and (
            c1 in SCALARS or c2 in SCALARS or (a.shape == b.shape and b.dtype is a.dtype)
        )
        if tracked0:
            if pull0 is None:
                raise op.missing_rule(0)
            n.fit0 = None if alike and not names_shape else (a.shape, a.dtype)
        if tracked1:
            if pull1 is None:
                raise op.missing_rule(1)
            n.fit1 = None if alike and not names_shape else (b.shape, b.dtype)
        if not alike and getattr(a, "dtype", None) is not getattr(b, "dtype", None):
            x1, x2 = as_computed(x1, z), as_computed(x2, z)
        if (tracked0 and first_x1) or (tracked1 and second_x1):
            if c1 in SCALARS or x1._alias is not None:
                n.saved0 = _cell_of(x1)
            else:
                cell = x1._cell
                if cell is None:
                    cell = _new(Saved)
                    cell.value = x1._array
                    if x1._cell is None:  # still: nothing comes between this look and the next line
                        x1._cell = cell
                    else:
                        cell = x1._cell
                n.saved0 = cell
        if (tracked0 and first_x2) or (tracked1 and second_x2):
            if c2 in SCALARS or x2._alias is not None:
                n.saved1 = _cell_of(x2)
            else:
                cell = x2._cell
                if cell is None:
                    cell = _new(Saved)
                    cell.value = x2._array
                    if x2._cell is None:  # still: nothing comes between this look and the next line
                        x2._cell = cell
                    else:
                        cell = x2._cell
                n.saved1 = cell
        if (tracked0 and first_z) or (tracked1 and second_z):
            n.result = _cell_of(t)
        if modes.unusual:
            pack_saved(n)
        return t

    return _finish(call, op, doc)


def predicate(name: str, doc: str, *inputs: str, reals: bool = False) -> Callable[..., Any]:
    """Define an elementwise op whose results are truth values: it is never recorded."""
    op = FlatOp(name, inputs, name, {}, False, reals)

    def computed(*operands: Any) -> Any:
        interpreter = interpreter_of(operands)
        if interpreter is not None:
            return interpreter.call(op, dict(zip(inputs, operands, strict=True)), {})
        ordered, with_tensor = as_operands(list(operands), name)
        if not with_tensor:
            return op.on_arrays(ordered)
        raw = tuple(x._array if type(x) in TENSORS else x for x in on_one_device(ordered, name))
        array = next(x for x in raw if type(x) not in SCALARS)
        try:
            z = op.forwards[type(array)](*raw)
        except (TypeError, ValueError) as error:
            raise refusal(name, raw, error) from None
        return core.new_tensor(backend_of(array).wrap(z))

    def of_one(x: Any, /) -> Any:
        return computed(x)

    def of_two(x1: Any, x2: Any, /) -> Any:
        return computed(x1, x2)

    return _finish(of_one if len(inputs) == 1 else of_two, op, doc)
