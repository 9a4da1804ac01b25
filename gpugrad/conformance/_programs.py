"""What a function is wrapped in where the standard leaves its outcome open: the sign of an eigenvector, a triangle.

A gradient can be compared only where the value is determined. So eigenvectors are compared by the squares of their
moduli, factors by their product, and functions that read one triangle of a matrix are given a symmetric one.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

__all__ = ["OPERATORS", "PROGRAMS", "Names"]

Function = Callable[..., Any]


class Names:
    """The functions of a library by the standard's names, for a case that is complex or not."""

    def __init__(self, find: Callable[[str], Function], is_complex: bool) -> None:
        self.find = find
        self.is_complex = is_complex

    def adjoint(self, x: Any) -> Any:
        """Return the Hermitian transpose."""
        return self.find("matrix_transpose")(self.find("conj")(x) if self.is_complex else x)

    def squares(self, x: Any) -> Any:
        """Return the squares of the moduli: real, for a complex x too."""
        return self.find("real")(x * self.find("conj")(x)) if self.is_complex else x * x


def _symmetrised(names: Names, function: Function, x: Any, **keywords: Any) -> Any:
    """Apply a function that reads one triangle of x to (x + xᴴ) / 2, where the triangles agree."""
    return function((x + names.adjoint(x)) * 0.5, **keywords)


def _symmetrised_squares(names: Names, function: Function, x: Any) -> Any:
    """Return the eigenvalues, and the squared moduli of the eigenvectors, of (x + xᴴ) / 2."""
    w, v = _symmetrised(names, function, x)
    return w, names.squares(v)


def _symmetrised_product(names: Names, function: Function, x: Any) -> Any:
    """Return V diag(sin w) Vᴴ of (x + xᴴ) / 2: its sine as a matrix."""
    w, v = _symmetrised(names, function, x)
    return names.find("matmul")(v * names.find("sin")(w)[..., None, :], names.adjoint(v))


def _squares(names: Names, function: Function, x: Any, **keywords: Any) -> Any:
    """Return the squared moduli of both factors: Q and R."""
    return tuple(names.squares(factor) for factor in function(x, **keywords))


def _product(names: Names, function: Function, x: Any, **keywords: Any) -> Any:
    """Return U Vᴴ of the singular value decomposition: the unitary factor of the polar one."""
    u, _, vh = function(x, **keywords)
    return names.find("matmul")(u, vh)


def _thin_squares(names: Names, function: Function, x: Any, **keywords: Any) -> Any:
    """Return the squared moduli of U and Vᴴ, in their first min(M, N) columns and rows, with the singular values."""
    u, s, vh = function(x, **keywords)
    k = s.shape[-1]
    return names.squares(u[..., :, :k]), s, names.squares(vh[..., :k, :])


def _power_sums(names: Names, function: Function, x: Any) -> Any:
    """Return the sums of the squares and of the cubes of the eigenvalues, whose order is free."""
    w = function(x)
    total = names.find("sum")
    return total(w * w, axis=-1), total(w * w * w, axis=-1)


def _weighted_squares(names: Names, function: Function, x: Any) -> Any:
    """Return sum_j |V_ij|² w_j over the eigenpairs, whose order and phases are free."""
    w, v = function(x)
    real, conj, total = names.find("real"), names.find("conj"), names.find("sum")
    return total(real(v * conj(v)) * real(w)[..., None, :], axis=-1), total(w * w, axis=-1)


def _square(names: Names, function: Function, x: Any, **keywords: Any) -> Any:
    """Return the square of the outcome."""
    z = function(x, **keywords)
    return z * z


def _twice(names: Names, function: Function, x: Any) -> Any:
    """Return f(x, x)."""
    return function(x, x)


PROGRAMS: dict[str, Callable[..., Any]] = {
    "symmetrised": _symmetrised,
    "symmetrised squares": _symmetrised_squares,
    "symmetrised product": _symmetrised_product,
    "squares": _squares,
    "product": _product,
    "thin squares": _thin_squares,
    "power sums": _power_sums,
    "weighted squares": _weighted_squares,
    "square": _square,
    "twice": _twice,
}


def _swapped(function: Function) -> Function:
    return lambda x, other: function(other, x)


def _in_place(function: Function) -> Function:
    def apply(x: Any, other: Any) -> Any:
        z = x + 0  # a copy: leaves are not written
        return function(z, other)

    return apply


def _write(x: Any, key: Any, value: Any) -> Any:
    z = x + 0
    z[key] = value
    return z


_BINARY = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "truediv": operator.truediv,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "pow": operator.pow,
    "matmul": operator.matmul,
}
_IN_PLACE = {
    "add": operator.iadd,
    "sub": operator.isub,
    "mul": operator.imul,
    "truediv": operator.itruediv,
    "pow": operator.ipow,
}

# The methods and attributes of the standard's array object; Python has a function for each, whatever the library.
OPERATORS: dict[str, Function] = {
    **{f"array.__{name}__": function for name, function in _BINARY.items()},
    **{f"array.__r{name}__": _swapped(function) for name, function in _BINARY.items()},
    **{f"array.__i{name}__": _in_place(function) for name, function in _IN_PLACE.items()},
    "array.__neg__": operator.neg,
    "array.__pos__": operator.pos,
    "array.__abs__": operator.abs,
    "array.__getitem__": operator.getitem,
    "array.__setitem__": _write,
    "array.T": operator.attrgetter("T"),
    "array.mT": operator.attrgetter("mT"),
}
