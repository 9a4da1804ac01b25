"""What anomaly mode has found, in words: the op, the element, the operands there, and the lines of the user's code."""

from __future__ import annotations

import linecache
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from gpugrad._graph.nodes import Node
from gpugrad._graph.watching import Origin, node_at_work, origin_of, recorded_for, user_line
from gpugrad.autograd._nonfinite import Flaw, Kinds, array_of, described, first_flaw, has, named_values, on_host
from gpugrad.errors import AnomalyError

__all__ = ["backward_anomaly", "backward_lines", "called_lines", "came_in", "forward_anomaly"]

_elementwise = frozenset({"where", "clip", "astype", "clone"})
"""General ops of which an element of the result belongs to the same element of the operands, as in all flat ones."""


def placed(origin: Origin | None, what: str) -> list[str]:
    """Return the lines that show a line of the user's code."""
    if origin is None:
        return [f"  {what}: not known, nobody watched then; enter the mode before the forward pass"]
    source = linecache.getline(origin.file, origin.line).strip()
    layer = f", in layer {origin.layer}" if origin.layer else ""
    return [f"  {what}: {origin.file}:{origin.line}{layer}", *([f"    {source}"] if source else [])]


def _error(lines: Iterable[str], op: str, phase: str, flaw: Flaw, origin: Origin | None) -> AnomalyError:
    error = AnomalyError("\n".join(lines))
    error.op, error.phase, error.kind, error.index, error.count = op, phase, flaw.kind, flaw.index, flaw.count
    error.file, error.line = (None, None) if origin is None else origin[:2]
    return error


def _by_element(op: Any) -> bool:
    return hasattr(op, "forwards") or op.name in _elementwise


def _seen(results: Sequence[Any], operands: Sequence[tuple[str, Any]], kinds: Kinds, by_element: bool) -> Flaw | None:
    """Return what is to be told of results: a NaN, or an Inf that no operand brought."""
    values = [x for _, x in operands]
    if kinds.nan:
        for z in results:
            flaw = first_flaw(z, "NaN")
            if flaw is not None:
                return flaw
    if kinds.inf:
        brought = has(values, "Inf")
        for z in results if by_element or not brought else ():
            flaw = first_flaw(z, "Inf", _infinite(values, on_host(z).shape) if brought else None)
            if flaw is not None:
                return flaw
    return None


def _infinite(values: Iterable[Any], shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Return where any operand of an elementwise op is infinite; everywhere where one does not fit the result."""
    mask = np.zeros(shape, dtype=bool)
    for x in values:
        host = on_host(x)
        if host.dtype.kind in "fc":
            try:
                mask |= np.isinf(host)
            except ValueError:
                mask[...] = np.isinf(host).any()
    return mask


def _cause(flaw: Flaw, operands: Sequence[tuple[str, Any]], by_element: bool, shape: tuple[int, ...]) -> str:
    """Return which operands brought a NaN, or that none did."""
    if flaw.kind == "NaN":
        for name, x in operands:
            host = on_host(x)
            if host.dtype.kind in "fc" and np.isnan(host).any():
                if by_element:
                    try:
                        if not np.isnan(np.broadcast_to(host, shape)[flaw.index]):
                            continue
                    except ValueError:
                        pass
                return name
    return ""


def _operand_lines(operands: Sequence[tuple[str, Any]], flaw: Flaw, by_element: bool, shape: Any) -> list[str]:
    index = flaw.index if by_element else None
    return ["  " + described(name, x, index, shape) for name, x in operands]


def forward_anomaly(op: Any, operands: Any, keywords: dict[str, Any], z: Any, kinds: Kinds) -> AnomalyError | None:
    """Return the error for a call whose result has a NaN or an Inf; None where all of them are Inf that came in."""
    names = getattr(op, "positional_only", op.inputs)
    given = named_values([*names, *keywords], [*operands, *keywords.values()])
    results = list(z) if isinstance(z, tuple | list) else [z]
    by_element = _by_element(op)
    flaw = _seen(results, given, kinds, by_element)
    if flaw is None:
        return None
    shape = next(on_host(z).shape for z in results if first_flaw(z, flaw.kind) is not None)
    origin = user_line()
    source = _cause(flaw, given, by_element, shape)
    if source:
        head = f"{op.name} handed on a NaN that came in with {source}, which no operation under this mode made: {flaw}"
    else:
        out_of = "Inf operands" if flaw.kind == "NaN" and has([x for _, x in given], "Inf") else "finite operands"
        head = f"{op.name} made {'a NaN' if flaw.kind == 'NaN' else 'an Inf'} out of {out_of}: {flaw}"
    given = [pair for pair in given if array_of(pair[1]) is not None or pair[0] in op.inputs or pair[0] == source]
    lines = [head, *_operand_lines(given, flaw, by_element, shape), *placed(origin, f"{op.name} was called at")]
    node = node_at_work()
    if node is not None:
        lines += [f"  in the backward of {node.op.name}:", *backward_lines(node)]
    phase = "input" if source else "forward" if node is None else "backward"
    return _error(lines, op.name, phase, flaw, origin)


def _saved(node: Any) -> list[tuple[str, Any]]:
    """Return what a node saved, by name: the output as `z`, an input by its own."""
    op = node.op
    if hasattr(op, "forwards"):
        cells = [(x, getattr(node, slot, None)) for x, slot in op.slots.items()] + [
            ("z", getattr(node, "result", None))
        ]
    else:
        cells = list(node.saved.items()) if isinstance(getattr(node, "saved", None), dict) else []
    pairs = [(n, c) if isinstance(c, list) else (n, [c]) for n, c in cells]
    found = [
        (f"{name}[{i}]" if len(held) > 1 else name, getattr(cell, "value", None))
        for name, held in pairs
        for i, cell in enumerate(held)
    ]
    return [(name, x) for name, x in found if x is not None and not isinstance(x, str)]


def backward_anomaly(node: Node, g: Any, given: Sequence[tuple[Node, Any]], kinds: Kinds) -> AnomalyError | None:
    """Return the error for rules that gave a NaN or an Inf; None where all of them are Inf that came in."""
    op = node.op
    gradients = [("g", g)] if not isinstance(g, list) else [(f"g[{i}]", x) for i, x in enumerate(g)]
    saved = named_values(*zip(*_saved(node), strict=True)) if _saved(node) else []
    values = [*((name, x) for name, x in gradients if x is not None), *saved]
    by_element = _by_element(op)
    for name, gi in _by_input(node, given):
        flaw = _seen([gi], values, kinds, by_element)
        if flaw is None:
            continue
        shape = on_host(gi).shape
        source = _cause(flaw, values, by_element, shape)
        origin = origin_of(node)
        what = f"the gradient of {op.name} for its input {name}"
        if source:
            head = f"{what} has a NaN that came in with {source}, which no operation under this mode made: {flaw}"
        else:
            kind = "a NaN" if flaw.kind == "NaN" else "an Inf"
            out_of = "Inf" if flaw.kind == "NaN" and has([x for _, x in values], "Inf") else "finite values"
            head = f"{what} has {kind}, made out of {out_of}: {flaw}"
        lines = [head, *_operand_lines(values, flaw, by_element, shape), *backward_lines(node)]
        return _error(lines, op.name, "input" if source else "backward", flaw, origin)
    return None


def backward_lines(node: Node) -> list[str]:
    """Return the lines that show where a node's op was called, and who is walking back now."""
    source, told = node.source, placed(user_line(through_rules=True), "backward was called at")
    if getattr(source, "op", None) is None:
        return [f"  it is the gradient of a leaf of shape {tuple(source.shape)}", *told]
    rule, name = recorded_for(source), source.op.name
    what = (
        f"{name} was called at" if rule is None else f"{name} was recorded by the rule of {rule}, which was called at"
    )
    return [*placed(origin_of(source), what), *told]


def defined_lines(function: Any) -> list[str]:
    """Return the lines that show where a function of the user's is defined."""
    code = getattr(function, "__code__", None)
    return [] if code is None else placed(Origin(code.co_filename, code.co_firstlineno), "it is defined at")


def called_lines(what: str) -> list[str]:
    """Return the lines that show the user's line that is running now."""
    return placed(user_line(), what)


def _by_input(node: Any, given: Sequence[tuple[Node, Any]]) -> list[tuple[str, Any]]:
    """Return the gradients that rules gave, each with the name of the input that it is for."""
    op, edges = node.op, node.edges
    order = [i for rule in op.rules for i in op.places(node, rule)] or list(range(len(edges)))
    names, at = [], 0
    for edge, gi in given:
        while at < len(order) and edges[order[at]] is not edge:
            at += 1
        names.append((_input_name(op, edges, order[at]) if at < len(order) else "?", gi))
        at += 1
    return names


def _input_name(op: Any, edges: Sequence[Any], i: int) -> str:
    if getattr(op, "list_input", None) is not None:
        return f"{op.list_input}[{i}]"
    return str(op.inputs[i])


def came_in(
    what: str,
    x: Any,
    kinds: Kinds,
    lines: Sequence[str],
    name: str,
    others: Sequence[tuple[str, Any]] = (),
    phase: str = "input",
) -> AnomalyError | None:
    """Return the error for a value that is no op's result: a seed, a sum, what is written, what a hook answered."""
    flaw = _seen([x], list(others), kinds, True) if array_of(x) is not None else None
    if flaw is None:
        return None
    told = [f"{what} {flaw}", *_operand_lines(others, flaw, True, on_host(x).shape), *lines]
    return _error(told, name, phase, flaw, user_line())
