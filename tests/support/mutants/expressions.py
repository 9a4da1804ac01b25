"""What may be wrong in one expression of Python: its kind, where it stands, and what stands there instead."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

__all__ = ["changes"]

Change = tuple[str, int, int, str]

_signs = {ast.Add: ("+", "-"), ast.Sub: ("-", "+")}
_operators = {ast.Mult: ("*", "/"), ast.Div: ("/", "*"), ast.FloorDiv: ("//", "%"), ast.Mod: ("%", "//")}
_logic = {ast.BitAnd: ("&", "|"), ast.BitOr: ("|", "&"), ast.BitXor: ("^", "|")}
_compared = {
    ast.Lt: [("bound", "<", "<="), ("comparison", "<", ">")],
    ast.LtE: [("bound", "<=", "<"), ("comparison", "<=", ">=")],
    ast.Gt: [("bound", ">", ">="), ("comparison", ">", "<")],
    ast.GtE: [("bound", ">=", ">"), ("comparison", ">=", "<=")],
    ast.Eq: [("comparison", "==", "!=")],
    ast.NotEq: [("comparison", "!=", "==")],
    ast.Is: [("comparison", "is", "is not")],
    ast.IsNot: [("comparison", "is not", "is")],
    ast.In: [("comparison", "in", "not in")],
    ast.NotIn: [("comparison", "not in", "in")],
}
_pairs = [
    ("min", "max"), ("minimum", "maximum"), ("argmin", "argmax"), ("fmin", "fmax"), ("floor", "ceil"),
    ("zeros_like", "ones_like"), ("zeros", "ones"), ("any", "all"), ("isinf", "isnan"), ("isfinite", "isnan"),
    ("sin", "cos"), ("sinh", "cosh"), ("exp", "expm1"), ("log", "log1p"), ("real", "imag"), ("sum", "mean"),
    ("tril", "triu"), ("cumulative_sum", "cumulative_prod"), ("fft", "ifft"), ("rfft", "irfft"), ("fftn", "ifftn"),
    ("rfftn", "irfftn"), ("fftshift", "ifftshift"), ("hfft", "ihfft"),
]  # fmt: skip
_other_name = {**dict(_pairs), **{other: one for one, other in reversed(_pairs)}}
_commutative = set(
    "maximum minimum multiply add logaddexp hypot equal not_equal logical_and logical_or logical_xor result_type "
    "together isinstance getattr hasattr zip".split()
)
_droppable = {"keepdims": "keepdims dropped", "axis": "axis changed", "axes": "axis changed", "dtype": "dtype dropped"}
_dtype_kinds = {"complex floating": "real floating", "real floating": "complex floating"}
_libraries = {"xp", "np", "math", "namespace"}


def changes(node: ast.AST, module: Any, names: tuple[str, ...]) -> Iterator[Change]:
    """Yield the changes of one node alone; `names` are the arrays that it may name one for another."""
    for kind_of_node, find in _finders.items():
        if isinstance(node, kind_of_node):
            yield from find(node, module, names)


def _wrapped(node: ast.expr, module: Any) -> str:
    """Return an expression as an operand of any operator."""
    text = module.text(node)
    atom = isinstance(node, ast.Name | ast.Call | ast.Attribute | ast.Subscript | ast.Constant | ast.Tuple | ast.List)
    return text if atom else f"({text})"


def _binary(node: ast.BinOp, module: Any, names: tuple[str, ...]) -> Iterator[Change]:
    start, end, between = module.between(node.left, node.right)
    whole = module.extent(node)
    left, right = _wrapped(node.left, module), _wrapped(node.right, module)
    kind = type(node.op)
    for title, table in (("sign", _signs), ("operator", _operators), ("logic", _logic)):
        if kind in table:
            yield title, start, end, between.replace(*table[kind], 1)
    if kind in (ast.Add, ast.Sub):
        yield "term dropped", *whole, left
        yield "term dropped", *whole, right if kind is ast.Add else f"-{right}"
    elif kind in (ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow):
        yield "factor dropped", *whole, left
        if kind is ast.Mult:
            yield "factor dropped", *whole, right
    elif kind in _logic:
        yield "condition dropped", *whole, left
        yield "condition dropped", *whole, right
    if kind in (ast.Sub, ast.Div, ast.MatMult):
        yield "operands swapped", *whole, f"{right}{between.strip(')( ').join('  ')}{left}"


def _unary(node: ast.UnaryOp, module: Any, names: tuple[str, ...]) -> Iterator[Change]:
    start = module.extent(node)[0]
    if isinstance(node.op, ast.USub):
        yield "sign", start, start + 1, ""
    elif isinstance(node.op, ast.Invert):
        yield "logic", start, start + 1, ""
    elif isinstance(node.op, ast.Not):
        yield "logic", start, start + 4, ""


def _comparison(node: ast.Compare, module: Any, names: tuple[str, ...]) -> Iterator[Change]:
    operands = [node.left, *node.comparators]
    for left, operator, right in zip(operands, node.ops, operands[1:], strict=False):
        start, end, between = module.between(left, right)
        for kind, one, other in _compared[type(operator)]:
            yield kind, start, end, between.replace(one, other, 1)


def _logical(node: ast.BoolOp, module: Any, names: tuple[str, ...]) -> Iterator[Change]:
    one, other = (" and ", " or ") if isinstance(node.op, ast.And) else (" or ", " and ")
    values = [f"({module.text(value)})" for value in node.values]
    yield "logic", *module.extent(node), other.join(values)
    for i in range(len(values)):
        yield "condition dropped", *module.extent(node), one.join(values[:i] + values[i + 1 :])


def _choice(node: ast.IfExp, module: Any, names: tuple[str, ...]) -> Iterator[Change]:
    one, other, whole = f"({module.text(node.body)})", f"({module.text(node.orelse)})", module.extent(node)
    yield "branches", *whole, f"{other} if {module.text(node.test)} else {one}"
    yield "branches", *whole, one
    yield "branches", *whole, other


def _call(node: ast.Call, module: Any, names: tuple[str, ...]) -> Iterator[Change]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    end_of_name = module.extent(node.func)[1]
    if name in _other_name:
        yield "name exchanged", end_of_name - len(name.encode()), end_of_name, _other_name[name]
    starred = any(isinstance(a, ast.Starred) for a in node.args)
    if name == "where" and len(node.args) == 3:
        yield from _swapped("branches", node.args[1], node.args[2], module)
    elif len(node.args) == 2 and name not in _commutative and not starred:
        yield from _swapped("operands swapped", *node.args, module)
    if len(node.args) == 1 and not starred and _of_library(node.func):
        kind = "conj dropped" if name == "conj" else "function dropped"
        yield kind, *module.extent(node), _wrapped(node.args[0], module)
    for keyword in node.keywords:
        if keyword.arg in _droppable:
            yield from _keyword(node, keyword, module)


def _swapped(kind: str, one: ast.expr, other: ast.expr, module: Any) -> Iterator[Change]:
    _, _, between = module.between(one, other)
    yield kind, module.extent(one)[0], module.extent(other)[1], module.text(other) + between + module.text(one)


def _of_library(function: ast.expr) -> bool:
    """Return whether a function is one of an array library's, or of mathematics."""
    if not isinstance(function, ast.Attribute):
        return isinstance(function, ast.Name) and function.id in ("floats", "widened", "sorted", "reversed")
    owner = function.value
    return (owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")) in _libraries


def _keyword(node: ast.Call, keyword: ast.keyword, module: Any) -> Iterator[Change]:
    """A keyword is left out, or, if it is an axis by its number, is the axis beside it."""
    others = [*node.args, *(k for k in node.keywords if k is not keyword)]
    before = [o for o in others if module.extent(o)[1] <= module.extent(keyword)[0]]
    start = max((module.extent(o)[1] for o in before), default=module.extent(keyword)[0])
    end = module.extent(keyword)[1]
    if before or not others:
        yield _droppable[keyword.arg], start, end, ""
    value = keyword.value
    if keyword.arg == "axis" and isinstance(value, ast.UnaryOp) and isinstance(value.operand, ast.Constant):
        yield "axis changed", *module.extent(value), str(-value.operand.value + (1 if value.operand.value == 1 else -1))
    elif keyword.arg == "axis" and isinstance(value, ast.Constant) and type(value.value) is int:
        yield "axis changed", *module.extent(value), "-1" if value.value == 0 else str(value.value - 1)


def _constant(node: ast.Constant, module: Any, names: tuple[str, ...]) -> Iterator[Change]:
    value, extent = node.value, module.extent(node)
    if type(value) is bool:
        yield "constant", *extent, str(not value)
    elif type(value) is int:
        yield "constant", *extent, str(value + 1)
        if value:
            yield "constant", *extent, str(value - 1)
    elif type(value) is float:
        yield "constant", *extent, repr(value * 2 or 1.0)
    elif value in _dtype_kinds:
        yield "dtype", *extent, f'"{_dtype_kinds[value]}"'


def _name(node: ast.Name, module: Any, names: tuple[str, ...]) -> Iterator[Change]:
    """An array is named for another one, and a shape for another shape."""
    if isinstance(node.ctx, ast.Load) and node.id in names and len(names) > 1:
        yield "wrong input", *module.extent(node), names[(names.index(node.id) + 1) % len(names)]
    if node.id in ("x1_shape", "x2_shape"):
        yield "wrong input", *module.extent(node), {"x1_shape": "x2_shape", "x2_shape": "x1_shape"}[node.id]


def _slice(node: ast.Slice, module: Any, names: tuple[str, ...]) -> Iterator[Change]:
    for bound in (node.lower, node.upper):
        if bound is not None and not isinstance(bound, ast.Constant):
            yield "index", *module.extent(bound), f"{_wrapped(bound, module)} + 1"
            yield "index", *module.extent(bound), f"{_wrapped(bound, module)} - 1"


_finders: dict[type, Any] = {
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.Compare: _comparison,
    ast.BoolOp: _logical,
    ast.IfExp: _choice,
    ast.Call: _call,
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Slice: _slice,
}
