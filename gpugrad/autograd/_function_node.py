"""The node of a call of a user's Function: it hands backward what it needs, and looks at what comes back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from weakref import ref

from gpugrad._graph import (
    FREED,
    Node,
    Output,
    WideNode,
    changed,
    modes,
    next_sequence,
    pack_saved,
    watching,
)
from gpugrad._op import TENSORS, Op, interpreter_of, new_tensor, node_of
from gpugrad._tensor.backward import conjugated
from gpugrad.backends import Device, backend_of
from gpugrad.errors import GradientError

__all__ = ["Form", "FunctionOp", "node_of_call", "output_of"]


class Form:
    """What a tensor was, without its values: a gradient must have the same shape, dtype and device."""

    __slots__ = ("backend", "device", "dtype", "shape")

    def __init__(self, tensor: Any) -> None:
        self.backend = backend_of(tensor._array)
        self.shape: tuple[int, ...] = tensor.shape
        self.dtype = tensor.dtype
        self.device: Device = tensor.device

    def zeros(self) -> Any:
        """Return the gradient of an output that nothing came back to."""
        native = {"dtype": self.backend.native_dtype(self.dtype), "device": self.backend.native_device(self.device)}
        with self.backend.on(self.device):
            return new_tensor(self.backend.namespace.zeros(self.shape, **native))


class FunctionOp(Op):
    """What the graph knows of one call of a Function: which class, with which context, and what went in and out.

    `names` are all arguments of the call, `places` the numbers of the tensors among them: the edges of the node.
    `outputs` are what it returned, None for what was no tensor; `origins` says for each saved tensor where it comes
    from: the number of an input's edge, the number of an output, or a node that is neither.
    """

    list_input = None
    runs_code_of_the_user = True
    defaults: dict[str, Any] = {}  # noqa: RUF012 - which the ops of the tables have one of each
    positional_only: tuple[str, ...] = ()

    def __init__(
        self,
        function: Any,
        context: Any,
        names: Sequence[str],
        places: Sequence[int],
        inputs: Sequence[Form],
        outputs: Sequence[Form | None],
        several: bool,
    ) -> None:
        self.function = function
        self.context = context
        self.name = function.__name__
        self.names = tuple(names)
        self.places_of_tensors = tuple(places)
        self.inputs = tuple(names[i] for i in places)
        self.input_forms = tuple(inputs)
        self.output_forms = tuple(outputs)
        self.several = several
        self.rules = []
        self.rule_of = {}
        self.origins: list[tuple[str, Any]] = []
        self.crosses_devices = len({str(form.device) for form in (*inputs, *outputs) if form is not None}) > 1

    @property
    def node_name(self) -> str:
        return f"{self.name}Backward"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(f"{self.name} is not called a second time; its forward may do more than compute")

    def shape_and_dtype(self, node: Any, i: int) -> tuple[tuple[int, ...], Any] | None:
        return node.shapes[i], node.dtypes[i]

    def gradients(
        self, node: Node, g: Any, recorded: bool, wanted: set[Node] | None, strong_zero: bool = False
    ) -> Iterator[tuple[Node, Any]]:
        """Yield the edges of a node, each with the gradient that the user's backward has for it."""
        edges = node.edges
        needs = [e is not None and (wanted is None or e in wanted) for e in edges]
        if not any(needs):
            return
        interpreter = interpreter_of(g if self.several else [g])
        if interpreter is not None:
            raise interpreter.refusal(f"{self.name}.backward takes one gradient at a time")
        once = recorded and getattr(self.function.backward, "once_differentiable", False)
        given = [node_of(gi) for gi in (g if self.several else [g])] if once else []
        incoming = self._incoming(g, recorded and not once)
        answers = self._answers(node, incoming, once or not recorded)
        for i, edge in enumerate(edges):
            if needs[i] and answers[i] is not None:
                gi = conjugated(_released(answers, i))
                yield (
                    edge,
                    _undifferentiable(gi, self.name, [*edges, *given]) if once else gi if recorded else gi._array,
                )

    def _incoming(self, g: Any, recorded: bool) -> list[Any]:
        """Return the gradients of the outputs as Tensors of their own, in PyTorch's convention; None for no tensor."""
        arrived = iter(g if self.several else [g])
        found = []
        for form in self.output_forms:
            gi = None if form is None else next(arrived)
            if gi is not None:
                gi = gi._array if not recorded and type(gi) in TENSORS else gi
                gi = conjugated(gi.clone() if recorded else new_tensor(backend_of(gi).copy(gi)))
            elif form is not None and self.context._materializes:
                gi = form.zeros()
            found.append(gi)
        return found

    def _answers(self, node: Any, incoming: list[Any], quietly: bool) -> list[Any]:
        """Return what backward answers, one for each edge, checked; `quietly` records nothing of it."""
        context = self.context.at(node.source)  # a drawing has another node ask, whose edges are numbers
        with changed(grad_enabled=not quietly, examples=()):
            answer = self.function.backward(context, *incoming)
        incoming.clear()
        answers = list(answer) if type(answer) is tuple else [answer]
        while len(answers) > len(self.names) and answers[-1] is None:
            answers.pop()
        if len(answers) != len(self.names):
            raise GradientError(
                f"{self.name}.backward returned {_counted(len(answers), 'gradient')}, and forward was given "
                f"{_counted(len(self.names), 'argument')} ({', '.join(self.names)}): return one for each, None where "
                "there is none"
            )
        for place, gi in enumerate(answers):
            self._check(node, place, gi)
        return [answers[place] for place in self.places_of_tensors]

    def _check(self, node: Node, place: int, gi: Any) -> None:
        """Raise where a gradient is none, or not that of the argument it was returned for."""
        if gi is None:
            return
        where = f"{self.name}.backward: the gradient of {self.names[place]!r}"
        if type(gi) not in TENSORS:
            raise TypeError(f"{where} is a {type(gi).__name__}; it must be a tensor, or None")
        if place not in self.places_of_tensors:
            raise GradientError(f"{where} must be None, because {self.names[place]!r} was no tensor in forward")
        edge = self.places_of_tensors.index(place)
        if node.edges[edge] is None:
            return
        form = self.input_forms[edge]
        for what, its, wanted in (
            ("shape", gi.shape, form.shape),
            ("dtype", gi.dtype, form.dtype),
            ("device", gi.device, form.device),
        ):
            if its != wanted:
                raise GradientError(f"{where} has {what} {its}, and must have {wanted}, as the argument has")

    def saved(self, node: Any) -> tuple[Any, ...]:
        """Return the saved tensors, as they were when they were saved, each on the node it came from."""
        cells = list(node.saved["saved tensors"]) if node.saved else []
        tensors = []
        for cell, (kind, origin) in zip(cells, self.origins, strict=True):
            if kind == "input":
                origin = node.edges[origin]
            elif kind == "output":
                origin = output_of(node, origin) if self.several else node
            tensors.append(None if cell is None else new_tensor(cell.value, origin, cell))
        return tuple(tensors)

    def free(self, node: Any) -> None:
        if node.saved:
            node.saved = FREED


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _released(answers: list[Any], i: int) -> Any:
    """Return a gradient that nobody else can write to: as it is where nobody else has it, else a copy."""
    tensor, answers[i] = answers[i], None
    array, node, shared = tensor._array, node_of(tensor), tensor._alias is not None or tensor._cell is not None
    held = ref(tensor)
    del tensor
    tensor = held()
    if tensor is None and not shared:
        return new_tensor(array, node)
    return (new_tensor(array, node) if tensor is None else tensor).clone()


def output_of(node: Node, index: int) -> Output:
    """Return the pair (node, output index) that an edge refers to."""
    output = Output()
    output.edge0, output.index, output.hooks, output.sequence = node, index, None, next_sequence()
    return output


def node_of_call(op: FunctionOp, edges: Sequence[Node | None], cells: list[Any]) -> Node:
    """Return the node of a call, with the cells of what it saved."""
    node = WideNode()
    node.op, node.hooks, node.attributes = op, None, {}
    node.edges = tuple(edges)
    node.shapes = tuple(form.shape for form in op.input_forms)
    node.dtypes = tuple(form.backend.native_dtype(form.dtype) for form in op.input_forms)
    node.outputs = tuple((f.shape, f.backend.native_dtype(f.dtype)) for f in op.output_forms if f is not None)
    node.outputs = node.outputs if op.several else ()
    node.saved = {"saved tensors": cells} if cells else {}
    node.sequence = watching.numbered() if watching.watchers else next_sequence()
    if modes.unusual:
        pack_saved(node)
    return node


class _Undifferentiable(Op):
    """Stands behind the gradients of a backward that is not recorded: whoever differentiates them is told so."""

    def __init__(self, name: str) -> None:
        self.name, self.inputs, self.rules, self.rule_of = name, (), [], {}

    @property
    def node_name(self) -> str:
        return "OnceDifferentiable"

    def gradients(
        self, node: Node, g: Any, recorded: bool, wanted: set[Node] | None, strong_zero: bool = False
    ) -> Iterator[tuple[Node, Any]]:
        raise GradientError(
            f"{self.name}.backward is marked once_differentiable, so its gradients cannot be differentiated. Write it "
            "with functions of gpugrad and take the mark off, or differentiate once"
        )

    def free(self, node: Any) -> None:
        """Nothing is saved."""


def _undifferentiable(gi: Any, name: str, edges: Sequence[Node | None]) -> Any:
    """Return a gradient with a node that leads to all it depends on, and cannot be walked through."""
    guard = WideNode()
    guard.op, guard.hooks, guard.attributes = _Undifferentiable(name), None, {}
    guard.edges = tuple(edges)
    guard.shapes = guard.dtypes = (None,) * len(guard.edges)
    guard.outputs, guard.saved, guard.sequence = (), {}, next_sequence()
    return new_tensor(gi._array, guard)
