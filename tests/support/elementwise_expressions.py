"""Random expressions of the grammar, as text for the parser and as trees that NumPy evaluates; drawn from a seed."""

from __future__ import annotations

import numpy as np

__all__ = ["Draw"]


def _round_half_away(x):
    return np.copysign(np.floor(np.abs(x)) + (np.abs(x) - np.floor(np.abs(x)) >= 0.5), x)


UNARY = {
    "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "log2": np.log2, "log10": np.log10,
    "sqrt": np.sqrt, "rsqrt": lambda x: 1 / np.sqrt(x), "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin,
    "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh,
    "acosh": np.arccosh, "atanh": np.arctanh, "fabs": np.abs, "abs": np.abs, "sign": np.sign, "floor": np.floor,
    "ceil": np.ceil, "trunc": np.trunc, "rint": np.round, "round": _round_half_away, "T": lambda x: x,
}  # fmt: skip
BINARY = {
    "atan2": np.arctan2, "hypot": np.hypot, "pow": np.power, "fmod": np.fmod, "fmin": np.fmin, "fmax": np.fmax,
    "min": np.fmin, "max": np.fmax,
}  # fmt: skip
"""Without copysign: the sign of a NaN is nobody's promise."""
OPERATORS = {"+": (5, np.add), "-": (5, np.subtract), "*": (6, np.multiply), "/": (6, np.divide)}
COMPARISONS = {
    "<": (4, np.less), "<=": (4, np.less_equal), ">": (4, np.greater), ">=": (4, np.greater_equal),
    "==": (3, np.equal), "!=": (3, np.not_equal),
}  # fmt: skip


class Draw:
    """One random program: `text`, and `value(x, y)`, which does what the text says in the precision of x and y.

    A node is (text, how tightly it binds, whether it is a truth value, its value as a function of the names).
    """

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.names = ["x", "y"]
        statements, locals_ = [], []
        for i in range(self.random.integers(0, 3)):
            text, _, _, of = self.number(3)
            statements.append(f"T t{i} = {text};")
            locals_.append((f"t{i}", of))
            self.names.append(f"t{i}")
        text, _, _, of = self.number(4)
        self.text = " ".join([*statements, f"z = {text}"])
        self._locals, self._of = locals_, of

    def value(self, x, y):
        names = {"x": x, "y": y, "one": np.ones_like(x)}
        with np.errstate(all="ignore"):
            for name, of in self._locals:
                names[name] = of(names)
            return np.broadcast_to(self._of(names), x.shape)

    def one_of(self, table):
        return list(table)[self.random.integers(len(table))]

    def within(self, node, binding):
        """Return the text of a node where something that binds at least this tightly must stand."""
        return node[0] if node[1] >= binding and self.random.random() < 0.8 else f"({node[0]})"

    def leaf(self):
        if self.random.random() < 0.75:
            name = self.one_of(self.names)
            return name, 9, False, lambda names: names[name]
        number = self.one_of(["0", "1", "2", "0.5", "3.25", "1e-3", ".1", "10"])
        return number, 9, False, lambda names: names["one"] * float(number)

    def number(self, depth):
        """Draw a number."""
        kind = self.random.random()
        if depth == 0 or kind < 0.1:
            return self.leaf()
        if kind < 0.45:
            return self.operator(OPERATORS, depth)
        if kind < 0.7:
            name = self.one_of(UNARY)
            a = self.number(depth - 1)
            return f"{name}({a[0]})", 9, False, lambda names: UNARY[name](a[3](names))
        if kind < 0.8:
            name = self.one_of(BINARY)
            a, b = self.number(depth - 1), self.number(depth - 1)
            return f"{name}({a[0]}, {b[0]})", 9, False, lambda names: BINARY[name](a[3](names), b[3](names))
        if kind < 0.87:
            a = self.number(depth - 1)
            return f"-{self.within(a, 8)}".replace("--", "- -"), 7, False, lambda names: -a[3](names)
        if kind < 0.93:
            a = self.truth(depth - 1)
            return f"T({a[0]})", 9, False, lambda names: names["one"] * a[3](names)
        c, a, b = self.truth(depth - 1), self.number(depth - 1), self.number(depth - 1)
        text = f"{self.within(c, 1)} ? {a[0]} : {b[0]}"
        return text, 0, False, lambda names: np.where(c[3](names), a[3](names), b[3](names))

    def operator(self, table, depth):
        sign = self.one_of(table)
        binding, f = table[sign]
        a, b = self.number(depth - 1), self.number(depth - 1)
        space = self.one_of(["", " "])
        text = f"{self.within(a, binding)}{space}{sign}{space}{self.within(b, binding + 1)}"
        text = text.replace("--", "- -").replace("++", "+ +")
        return text, binding, table is COMPARISONS, lambda names: f(a[3](names), b[3](names))

    def truth(self, depth):
        """Draw a truth value."""
        kind = self.random.random()
        if depth <= 0 or kind < 0.6:
            return self.operator(COMPARISONS, max(depth, 1))
        if kind < 0.7:
            a = self.number(depth - 1)
            return f"!{self.within(a, 8)}", 7, True, lambda names: a[3](names) == 0
        if kind < 0.8:
            name = self.one_of(["isnan", "isinf", "isfinite"])
            a = self.number(depth - 1)
            return f"{name}({a[0]})", 9, True, lambda names: getattr(np, name)(a[3](names))
        sign, binding, f = (("&&", 2, np.logical_and), ("||", 1, np.logical_or))[self.random.integers(2)]
        a, b = self.truth(depth - 1), self.truth(depth - 1)
        text = f"{self.within(a, binding)} {sign} {self.within(b, binding + 1)}"
        return text, binding, True, lambda names: f(a[3](names), b[3](names))
