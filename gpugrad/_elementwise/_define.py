"""Elementwise ops in one line: the expression of a kernel, and with it the derivatives."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

from gpugrad._elementwise._check import Report, checked
from gpugrad._elementwise._derivative import derivative
from gpugrad._elementwise._op import ElementwiseOp, seeded
from gpugrad._elementwise._parser import parse_expression, parse_parameters, parse_program
from gpugrad._elementwise._terms import Term, Terms
from gpugrad._elementwise._tokens import Source
from gpugrad.errors import OptionError

__all__ = ["Elementwise", "elementwise"]

Grad = str | Mapping[str, str | None] | None

_suffixes = {"float16": "f16", "float32": "f32", "float64": "f64"}


class Elementwise:
    """An elementwise op: call it with tensors, arrays and numbers, which broadcast. `elementwise` makes them."""

    def __init__(self, op: ElementwiseOp, given: tuple[str, str, str], grad: Any) -> None:
        self.op = op
        self.name = op.short_name
        self.inputs = op.names
        self.__name__ = self.name
        self._given, self._grad = given, grad

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the op of its inputs, in their order or by name."""
        if kwargs:
            args = (*args, *(kwargs.pop(name) for name in self.inputs[len(args) :] if name in kwargs))
        if kwargs or len(args) != len(self.inputs):
            odd = f", and not {', '.join(kwargs)}" if kwargs else f": {len(args)} were given"
            raise TypeError(f"{self.name} takes {', '.join(self.inputs)}{odd}")
        if any(x is None for x in args):
            raise TypeError(f"{self.name} takes {', '.join(self.inputs)}, and none of them may be None")
        return self.op(*args)

    @property
    def array_code(self) -> str:
        """The array code that computes it where there is no GPU."""
        return self.op.program.array_code

    def cuda_code(self, dtype: str = "float32") -> str:
        """Return the kernel that computes it on a GPU, for float16, float32 or float64."""
        if dtype not in _suffixes:
            raise OptionError(f"{self.name}: there are kernels for {', '.join(_suffixes)}, not for {dtype!r}")
        return self.op.program.cuda_code(f"{self.name}_{_suffixes[dtype]}")

    def check(self, *points: Any, order: int = 2) -> Report:
        """Return a comparison of the gradients, to first or second order, with finite differences in float64.

        `points` are values for each input, by default 100 draws around 0. Points where the op is not finite or not
        smooth are passed over. A derivative that is wrong raises GradientError with the report.

        >>> elementwise("T x", "T z", "z = x * exp(-x * x)").check().passed
        True
        """
        return checked(self.op, points, order)

    def __repr__(self) -> str:
        return f"<elementwise {self.name}({', '.join(self.inputs)}): {' '.join(self._given[2].split())}>"

    def __reduce__(self) -> Any:
        return partial(elementwise, grad=self._grad, name=self.name), self._given


def elementwise(
    in_params: str, out_params: str, operation: str, *, grad: Grad = "auto", name: str = "elementwise_op"
) -> Elementwise:
    """Return an elementwise op from an expression in C: one kernel on a GPU, array code elsewhere.

    The first three arguments are those of `cupy.ElementwiseKernel`, over a part of C: numbers, names, ``+ - * /``,
    comparisons, ``&& || !``, ``?:``, parentheses, assignments to the output and to local names (``T t = ...;``), and
    the functions that `docs/extending.md` lists. Everything is of the type T, float16, float32 or float64, which the
    call decides; 1 / 2 is one half. Anything else is refused by name.

    Parameters
    ----------
    in_params
        The inputs, such as ``"T x, T y"``.
    out_params
        The output, such as ``"T z"``.
    operation
        Statements with semicolons between them, such as ``"T t = tanh(y); z = x * t"``.
    grad
        ``"auto"``: the derivatives of the expression, to any order. Or expressions for the gradients of inputs, by
        name, in terms of the inputs, the output, and `g`, which is dL/d(output); each may be ``"auto"``, and is
        differentiated itself for higher orders. An input that is left out, and every one with None, has no gradient,
        and raises GradientError where it requires grad.
    name
        What the op is called in errors, graphs and kernels.

    Raises
    ------
    ExpressionError
        Where the text is not in the grammar; the message shows the place.

    Examples
    --------
    >>> import gpugrad
    >>> gate = gpugrad.elementwise("T x, T y", "T z", "z = x * tanh(y)", name="gate")
    >>> x, y = gpugrad.tensor([1., 2.], requires_grad=True), gpugrad.tensor([0.5, 0.])
    >>> gate(x, y).sum().backward()
    >>> x.grad
    tensor([0.4621, 0.0000])
    """
    for what, text in (("in_params", in_params), ("out_params", out_params), ("operation", operation), ("name", name)):
        if not isinstance(text, str):
            raise TypeError(f"elementwise: {what} is a string, not {type(text).__name__}")
    if not (name.isidentifier() and name.isascii()):
        raise OptionError(f"elementwise: {name!r} is no name for an op; a name has letters, digits and _")
    if not (grad is None or grad == "auto" or isinstance(grad, Mapping)):
        raise OptionError(f"elementwise: grad is 'auto', None or a dict of expressions by input, not {grad!r}")
    expressions: Mapping[Any, Any] = grad if isinstance(grad, Mapping) else {}
    for x, expression in expressions.items():
        if not (expression is None or isinstance(expression, str)):
            raise OptionError(f"{name}: the gradient of {x!r} is an expression, 'auto' or None, not {expression!r}")
    asked = tuple(sorted(grad.items(), key=repr)) if isinstance(grad, Mapping) else grad
    return _made(in_params, out_params, operation, asked, name)


@lru_cache(maxsize=256)
def _made(in_params: str, out_params: str, operation: str, grad: Any, name: str) -> Elementwise:
    terms = Terms()
    inputs = parse_parameters(Source(in_params, f"{name}: in the inputs"))
    out_source = Source(out_params, f"{name}: in the output")
    outputs = parse_parameters(out_source)
    if len(outputs) > 1:
        raise out_source.error(out_params.index(","), "an elementwise op has one output; make an op for each")
    (output,) = outputs
    if output in inputs:
        raise out_source.error(out_params.index(output), f"{output!r} is an input already")
    z = parse_program(terms, Source(operation, name), inputs, output)
    asked = dict(grad) if isinstance(grad, tuple) else dict.fromkeys(inputs, grad)
    gradients = _gradients(terms, z, inputs, output, asked, name)
    op = ElementwiseOp(name, terms, z, inputs, gradients)
    return Elementwise(op, (in_params, out_params, operation), dict(grad) if isinstance(grad, tuple) else grad)


def _gradients(
    terms: Terms, z: Term, inputs: tuple[str, ...], output: str, asked: Mapping[str, str | None], name: str
) -> dict[str, Term]:
    """Return the gradients that were asked for, as terms of the inputs, of `g`, and of the output, as ``=``."""
    if "g" in (*inputs, output):
        raise OptionError(f"{name}: no parameter can be called 'g', which is dL/d{output} in gradients")
    names = {**{x: terms.input(x) for x in inputs}, output: terms.input("="), "g": terms.input("g")}
    gradients = {}
    for x, text in asked.items():
        if x not in inputs:
            raise OptionError(f"{name}: grad names {x!r}, and the inputs are {', '.join(inputs)}")
        if text == "auto":
            gradients[x] = seeded(terms, derivative(terms, z, x), terms.input("g"))
        elif text is not None:
            gradients[x] = parse_expression(terms, Source(text, f"{name}: in the gradient of {x!r}"), names)
    return gradients
