"""Write docs/functions.md from the tables: every op, what it returns, its derivative as the rule computes it."""

from __future__ import annotations

import ast
import functools
import inspect
import re
import sys
from pathlib import Path
from types import FunctionType
from typing import Any

import gpugrad
from gpugrad import fft, linalg, special
from gpugrad._op import table

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "functions.md"

HEAD = """# Functions and their derivatives

This page is made from gpugrad's own tables by `./run docs`, and the tests compare it with them. A derivative stands
here as it is computed: `g` is dL/dz, the gradient of the loss by the result `z`, and a line gives dL/dx for the input
`x`. What is broadcast is summed back to the input's shape afterwards, and the gradient takes the input's dtype, in one
place for all functions. For complex numbers `g` is dL/dRe(z) - i dL/dIm(z) inside these rules, so that a holomorphic
function has no conjugate in its rule; `.grad` holds dL/dRe + i dL/dIm.

Each rule is differentiable itself, which gives the derivatives of every order. What holds at kinks, ties, infinities
and other places without a derivative is on the [page of conventions](conventions.md); the last column names its rows.
"""


@functools.cache
def tree(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(sys.modules[module]))


def definition(function: FunctionType) -> ast.Lambda | ast.FunctionDef:
    """Return the node of a function, found by where its code stands."""
    code = function.__code__
    kind = ast.Lambda if code.co_name == "<lambda>" else ast.FunctionDef
    places = [(line, column) for line, _, column, _ in code.co_positions() if line and column is not None]
    inside = max(places)
    nodes = [
        node
        for node in ast.walk(tree(function.__module__))
        if isinstance(node, kind) and (node.lineno, node.col_offset) <= inside <= (node.end_lineno, node.end_col_offset)
    ]
    return max(nodes, key=lambda node: (node.lineno, node.col_offset))


class Plain(ast.NodeTransformer):
    """Writes ``xp.f`` as ``f``, a helper of one line in full, and arguments in place of parameters."""

    def __init__(self, module: str, values: dict[str, ast.expr] | None = None) -> None:
        self.module = module
        self.values = values or {}

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.values.get(node.id, node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name) and node.value.id == "xp":
            return ast.Name(node.attr)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        helper = isinstance(node.func, ast.Name) and vars(sys.modules[self.module]).get(node.func.id)
        node = self.generic_visit(node)
        node.args = [a for a in node.args if not (isinstance(a, ast.Name) and a.id == "xp")]
        if isinstance(helper, FunctionType) and helper.__module__ == self.module and not hasattr(helper, "op"):
            body = definition(helper).body[-1]
            if len(statements(definition(helper))) == 1 and isinstance(body, ast.Return):
                names = [a.arg for a in definition(helper).args.args if a.arg != "xp"]
                given = dict(zip(names, node.args, strict=False)) | {k.arg: k.value for k in node.keywords}
                return Plain(self.module, given).visit(ast.parse(ast.unparse(body.value), mode="eval").body)
        return node


def statements(function: ast.FunctionDef) -> list[ast.stmt]:
    """Return what a function does, without its docstring."""
    return function.body[1:] if ast.get_docstring(function) else function.body


def in_words(function: FunctionType) -> str:
    """Return what a rule of several lines says of itself."""
    doc = inspect.getdoc(function)
    if not doc:
        raise ValueError(f"the rule {function.__module__}.{function.__name__} has several lines, and no docstring")
    first = doc.split("\n\n")[0].replace("\n", " ").removeprefix("Return ").rstrip(".")
    return first.replace("|", "\\|")


def formula(function: FunctionType) -> str:
    """Return a rule as one expression, or in words where it has several lines."""
    node = definition(function)
    if isinstance(node, ast.FunctionDef):
        if ast.get_docstring(node) or len(statements(node)) > 1 or not isinstance(node.body[-1], ast.Return):
            return in_words(function)
        expression = node.body[-1].value
    else:
        expression = node.body
    for call in [n for n in ast.walk(expression) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]:
        helper = vars(sys.modules[function.__module__]).get(call.func.id)
        plain = (
            not isinstance(helper, FunctionType) or hasattr(helper, "op") or len(statements(definition(helper))) == 1
        )
        if not plain and (call is expression or helper.__name__.startswith("_")):
            return ("minus " if isinstance(expression, ast.UnaryOp) else "") + in_words(helper)
    plain = Plain(function.__module__).visit(ast.parse(ast.unparse(expression), mode="eval").body)
    return f"`{ast.unparse(plain)}`".replace("|", "\\|")


def derivative(op: Any) -> str:
    """Return the rules of an op, a line for each; what has none."""
    lines = [f"{', '.join(op.inputs[i] for i in rule.inputs)}: {formula(rule.function)}" for rule in op.rules]
    without = [name for i, name in enumerate(op.inputs) if i not in op.rule_of]
    if not lines:
        return "none: never part of the graph"
    return "<br>".join([*lines, *(f"{name}: none" for name in without if name not in INDICES)])


INDICES = {"condition", "indices", "repeats", "sorter", "target"}
"""Inputs that choose, and are not numbers to differentiate by."""

FACES = {"gpugrad": gpugrad, "gpugrad.linalg": linalg, "gpugrad.fft": fft, "gpugrad.special": special}


def public_names() -> dict[str, list[str]]:
    """Return under which public names each op is found, those of the root module first."""
    names: dict[str, list[str]] = {}
    for place, module in FACES.items():
        for name in module.__all__:
            op = getattr(getattr(module, name), "op", None)
            if op is not None:
                names.setdefault(op.name, []).append(f"{place}.{name}".removeprefix("gpugrad."))
    return names


def cases(names: list[str]) -> str:
    """Return the rows of the page of conventions that call one of these functions."""
    rows = re.findall(r"^\| ([^|]+) \| `([^`]+)` \|", (DOCS / "conventions.md").read_text("utf-8"), re.M)
    called = [re.compile(rf"(?<![\w.])(?:gpugrad\.)?{re.escape(name)}\b") for name in names]
    return "; ".join(case for case, code in rows if any(c.search(code) for c in called))


def signature(call: Any) -> str:
    """Return the parameters without their types."""
    plain = inspect.signature(call)
    return str(
        plain.replace(
            parameters=[p.replace(annotation=p.empty) for p in plain.parameters.values()], return_annotation=plain.empty
        )
    )


def home(name: str) -> Any:
    """Return the module of the tables that defines an op."""
    for module in [m for n, m in sys.modules.items() if n.startswith("gpugrad._ops.")]:
        for node in tree(module.__name__).body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", node)]
            if any(name in (getattr(t, "id", None), getattr(t, "name", None)) for t in targets):
                return module
    raise ValueError(f"no chapter of gpugrad._ops defines {name}")


def row(name: str, public: list[str]) -> str:
    """Return an op's line of the page."""
    call = getattr(home(name), name)
    first = (inspect.getdoc(call) or "").split("\n\n")[0].replace("\n", " ").replace("|", "\\|")
    titles = ", ".join(f"`{n}`" for n in public or [name])
    return f"| {titles}<br>`{signature(call)}` | {first} | {derivative(table[name])} | {cases(public)} |"


def page() -> str:
    """Return the page."""
    public = public_names()
    chapters: dict[str, list[str]] = {}
    for name in sorted(table):
        title = (
            re.split(r"[:.]", inspect.getdoc(home(name)) or "")[0] if name in public else "Behind operators and methods"
        )
        chapters.setdefault(title, []).append(row(name, public.get(name, [])))
    parts = [HEAD]
    for title, rows in sorted(chapters.items()):
        parts.append(
            f"## {title}\n\n| function | returns | derivative | conventions |\n|---|---|---|---|\n"
            + "\n".join(rows)
            + "\n"
        )
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"written: {PAGE}, {len(table)} ops")
