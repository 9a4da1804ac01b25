"""Every fault that can be planted in the derivative rules and the forward functions, found in their syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from mutants.expressions import changes
from mutants.fault import Fault, Source

__all__ = ["PLACES", "faults", "files"]

PLACES = (
    "gpugrad/_ops/**/*.py",
    "gpugrad/_fused/**/*.py",
    "gpugrad/_graph/fit.py",
    "gpugrad/_graph/walk.py",
    "gpugrad/_op/core.py",
    "gpugrad/_op/elementwise.py",
    "gpugrad/_op/general.py",
)
"""Where the derivatives are: whatever comes to be in these folders is among them."""

_definers = {"unary", "binary", "op"}
_kept_decorators = {"cache", "lru_cache", "dataclass", "property", "staticmethod", "classmethod", "op", "cuda", "Fused"}
_remembering = {"cache", "lru_cache", "cached_property"}

Function = ast.FunctionDef | ast.Lambda


def files(root: Path) -> list[str]:
    """Return the files of rules, by their paths from `root`."""
    return sorted({path.relative_to(root).as_posix() for place in PLACES for path in root.glob(place)})


def faults(root: Path, file: str) -> list[Fault]:
    """Return every fault that can be planted in one file."""
    finder = _Finder(Source(root, file))
    finder.visit_all()
    found: dict[tuple[int, int, bytes], Fault] = {}
    for fault in finder.found:
        found.setdefault((fault.start, fault.end, fault.text), fault)
    return sorted(found.values(), key=lambda fault: (fault.start, fault.end, fault.text))


def first_line(function: Function) -> int:
    """Return the line that Python says a function begins at."""
    decorators = getattr(function, "decorator_list", [])
    return min([function.lineno, *(decorator.lineno for decorator in decorators)])


class _Finder:
    """Goes through a module, and knows in which function and in which op's definition it is."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.tree = ast.parse(source.content)
        self.found: list[Fault] = []
        self.functions = {node.name: node for node in self.tree.body if isinstance(node, ast.FunctionDef)}
        self.op = ""
        self.scopes: tuple[int, ...] = ()
        self.inputs: tuple[str, ...] = ()
        self.names: tuple[str, ...] = ()

    def text(self, node: ast.AST) -> str:
        start, end = self.extent(node)
        return self.source.content[start:end].decode()

    def extent(self, node: ast.AST) -> tuple[int, int]:
        starts = self.source.starts
        return (
            starts[node.lineno - 1] + node.col_offset,  # type: ignore[attr-defined]
            starts[node.end_lineno - 1] + node.end_col_offset,  # type: ignore[attr-defined]
        )

    def between(self, left: ast.AST, right: ast.AST) -> tuple[int, int, str]:
        """Return the extent and the text of what stands between two nodes."""
        start, end = self.extent(left)[1], self.extent(right)[0]
        return start, end, self.source.content[start:end].decode()

    def add(self, kind: str, start: int, end: int, text: str) -> None:
        fault = self.source.fault(self.op, kind, start, end, text, self.scopes)
        if fault is not None:
            self.found.append(fault)

    def visit_all(self) -> None:
        for statement in self.tree.body:
            if isinstance(statement, ast.FunctionDef):
                self.function(statement, statement.name)
            elif isinstance(statement, ast.ClassDef):
                for part in statement.body:
                    if isinstance(part, ast.FunctionDef):
                        self.function(part, f"{statement.name}.{part.name}")
            elif isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
                self.definition(statement)

    def definition(self, statement: ast.Assign | ast.AnnAssign) -> None:
        """A row of a table, or a constant: it matters to the functions in it, and to those that read its name."""
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        if not names or names[0].startswith("__") or _is_type(statement):
            return
        self.op = names[0]
        readers = [f for f in self.functions.values() if any(_reads(f, name) for name in names)]
        self.scopes = self.lines_of(statement.value, readers)
        row = statement.value
        if isinstance(row, ast.Call) and _called(row) in _definers:
            self.inputs = tuple(k.arg for k in row.keywords if k.arg in ("x", "x1", "x2"))
            self.rules(row)
            self.scopes = ()  # what an op of the table does forward is done by functions that all of them share
            self.expressions(row.keywords)
        else:
            self.inputs = ()
            self.expressions([statement.value])

    def function(self, node: ast.FunctionDef, op: str) -> None:
        self.op = op
        own = (first_line(node),)
        self.inputs = tuple(_value_parameters(node))
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and _called(decorator) in _definers:
                self.scopes = self.lines_of(decorator, [node])
                self.rules(decorator)
                self.expressions([*decorator.args, *decorator.keywords])
            elif _called(decorator) not in _kept_decorators:
                self.scopes = own
                start, end = self.extent(decorator)
                self.add("decorator dropped", start - 1, end, "# as if it were not there")
        # What a function remembers is computed in one test and used in others: so all that use the file may see it.
        remembers = node.name == "__missing__" or any(_called(d) in _remembering for d in node.decorator_list)
        self.scopes = () if remembers else own
        self.names = tuple(_value_parameters(node))
        self.expressions([d for d in [*node.args.defaults, *node.args.kw_defaults] if d is not None])
        self.body(node.body)

    def rules(self, call: ast.Call) -> None:
        """Two rules may be exchanged, and so may two names that one rule answers for."""
        rules = [k for k in call.keywords if k.arg in self.inputs or isinstance(k.value, ast.Lambda)]
        for one, other in pairwise(rules):
            first, second = self.extent(one.value), self.extent(other.value)
            _, _, between = self.between(one.value, other.value)
            swapped = self.text(other.value) + between + self.text(one.value)
            self.add("rules exchanged", first[0], second[1], swapped)
        for argument in call.args:
            for key in argument.keys if isinstance(argument, ast.Dict) else ():
                if isinstance(key, ast.Tuple):
                    for one, other in pairwise(key.elts):
                        start, end = self.extent(one)[0], self.extent(other)[1]
                        _, _, between = self.between(one, other)
                        self.add("rules exchanged", start, end, self.text(other) + between + self.text(one))

    def lines_of(self, node: ast.AST, readers: list[ast.FunctionDef]) -> tuple[int, ...]:
        """Return where the functions begin that stand in a node, are named in it, or are given."""
        inside = {first_line(n) for n in ast.walk(node) if isinstance(n, ast.Lambda)}
        named = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        functions = [*readers, *(f for name, f in self.functions.items() if name in named)]
        return tuple(sorted(inside | {first_line(f) for f in functions}))

    def body(self, statements: list[ast.stmt]) -> None:
        bound = set(self.names)
        for statement in statements:
            self.statement(statement, bound)

    def statement(self, node: ast.stmt, bound: set[str]) -> None:
        """Visit a statement; `bound` are the names that have a value before it."""
        if isinstance(node, ast.Raise | ast.Import | ast.ImportFrom | ast.Global | ast.Nonlocal | ast.ClassDef):
            return
        if isinstance(node, ast.Expr):
            if isinstance(node.value, ast.Constant):
                return
            if isinstance(node.value, ast.Call):
                self.add("statement dropped", *self.extent(node), "pass")
        if isinstance(node, ast.FunctionDef):
            before = self.scopes, self.names
            self.scopes, self.names = (first_line(node),), tuple(_value_parameters(node))
            self.body(node.body)
            self.scopes, self.names = before
            return
        if isinstance(node, ast.AugAssign) or (isinstance(node, ast.Assign) and self.replaces(node, bound)):
            self.add("statement dropped", *self.extent(node), "pass")
        if isinstance(node, ast.AugAssign):
            self.augmented(node)
        if isinstance(node, ast.If):
            self.add("condition", *self.extent(node.test), f"not ({self.text(node.test)})")
        if isinstance(node, ast.Assign):
            bound |= {n.id for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)}
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "targets", "target"):
                continue
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, ast.stmt):
                    self.statement(part, bound)
                elif isinstance(part, ast.ExceptHandler):
                    for inner in part.body:
                        self.statement(inner, bound)
                elif isinstance(part, ast.withitem):
                    self.expressions([part.context_expr])
                elif isinstance(part, ast.expr):
                    self.expressions([part])

    def replaces(self, node: ast.Assign, bound: set[str]) -> bool:
        """Return whether an assignment changes what was there, so that without it there is a value still."""
        parts = [part for target in node.targets for part in (getattr(target, "elts", None) or [target])]
        return all(not isinstance(part, ast.Name) or part.id in bound for part in parts)

    def augmented(self, node: ast.AugAssign) -> None:
        start, end, between = self.between(node.target, node.value)
        for one, other in (("+=", "-="), ("-=", "+="), ("*=", "/="), ("/=", "*=")):
            if one in between:
                self.add("sign" if one[0] in "+-" else "operator", start, end, between.replace(one, other))
        if not isinstance(node.op, ast.BitOr):
            self.add("term dropped", start, end, " = ")

    def expressions(self, nodes: list) -> None:
        for node in nodes:
            for inner in _expressions(node):
                names = self.names
                if isinstance(inner, ast.Lambda):
                    continue
                for kind, start, end, text in changes(inner, self, names):
                    self.add(kind, start, end, text)
            for function in _lambdas(node):
                self.rule(function)

    def rule(self, node: ast.Lambda) -> None:
        """Visit a lambda, whose inputs may be named wrongly as well."""
        before = self.scopes, self.names
        parameters = [a.arg for a in node.args.args]
        self.scopes = (first_line(node),)
        self.names = tuple(p for p in parameters if p in ("g", "z", *self.inputs))
        for name in self.names:
            for other in self.inputs:
                if name in self.inputs and other not in parameters:
                    self.add("wrong input", *self.extent(node), self.renamed(node, name, other))
        self.expressions([node.body])
        self.scopes, self.names = before

    def renamed(self, node: ast.Lambda, name: str, other: str) -> str:
        """Return a lambda that names `other` where it named `name`."""
        start, end = self.extent(node)
        text = self.source.content[start:end]
        places = [a for a in node.args.args if a.arg == name]
        places += [n for n in ast.walk(node.body) if isinstance(n, ast.Name) and n.id == name]
        for place in sorted((self.extent(p)[0] - start for p in places), reverse=True):
            text = text[:place] + other.encode() + text[place + len(name.encode()) :]
        return text.decode()


def _expressions(node: ast.AST) -> Iterator[ast.AST]:
    """Yield an expression and all in it, but for lambdas, and for what makes the text of a message."""
    if isinstance(node, ast.Lambda | ast.JoinedStr):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _expressions(child)


def _lambdas(node: ast.AST) -> Iterator[ast.Lambda]:
    """Yield the outermost lambdas of an expression."""
    if isinstance(node, ast.Lambda):
        yield node
        return
    for child in ast.iter_child_nodes(node):
        yield from _lambdas(child)


def _called(node: ast.AST) -> str:
    """Return the last name of what is called, or of a decorator."""
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _reads(function: ast.FunctionDef, name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(function))


def _is_type(statement: ast.Assign | ast.AnnAssign) -> bool:
    """Return whether an assignment says what a type is."""
    if isinstance(statement, ast.AnnAssign) and "TypeAlias" in ast.unparse(statement.annotation):
        return True
    return isinstance(statement.value, ast.Call) and _called(statement.value) in ("TypeVar", "ParamSpec")


def _value_parameters(node: ast.FunctionDef) -> list[str]:
    """Return the parameters of a function that are arrays."""
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return [
        a.arg for a in every if a.annotation is not None and ast.unparse(a.annotation).strip("'\"").startswith("Array")
    ]
