"""Reverse mode: gradients of functions, and the derivative transposed as a function of cotangents."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from gpugrad._creation import ones_like
from gpugrad.errors import GradientError
from gpugrad.func._arguments import (
    chosen,
    differentiable,
    fitting,
    must_be_function,
    replaced,
    result_and_aux,
    tensors_of,
)
from gpugrad.func._batched import is_tensor
from gpugrad.func._recording import Recording
from gpugrad.func._trees import flattened, unflattened

__all__ = ["grad", "grad_and_value", "value_and_grad", "vjp"]


def _named(func: Callable[..., Any]) -> str:
    return getattr(func, "__name__", type(func).__name__)


def _scalar(y: Any, transform: str) -> Any:
    """Return the result of a function that is to have a gradient."""
    if not is_tensor(y):
        raise TypeError(f"{transform}: the function must return a tensor, and returned {type(y).__name__}")
    if y.shape != ():
        raise GradientError(
            f"{transform}: the function must return a scalar, and returned shape {y.shape}; reduce it with .sum() or "
            ".mean(), or take vjp or jacrev"
        )
    if y.dtype.kind != "f":
        raise GradientError(
            f"{transform}: the function must return a real floating-point scalar, and returned {y.dtype}"
            + ("; take gpugrad.real or gpugrad.abs of it" if y.dtype.kind == "c" else "")
        )
    return y


def _gradient_and_value(
    transform: str, func: Callable[..., Any], argnums: Any, has_aux: bool, args: Any, kwargs: Any
) -> tuple[Any, Any, Any]:
    """Return the gradient, the value, and what the function returned beside it."""
    places = chosen(argnums, args, transform)
    primals = tuple(args[i] for i in places)
    leaves = [x for i in places for x in differentiable(args[i], f"argument {i}", transform)]
    recording = Recording(leaves)
    entered = unflattened(primals, recording.inputs)
    y, aux = result_and_aux(recording.call(func, replaced(args, places, entered), kwargs), has_aux, transform)
    recording.ends([_scalar(y, transform)], flattened(aux))
    slopes = recording.pulled([ones_like(y)], retain=recording.outside)
    recording.released([y, *flattened(aux)])
    gradients = unflattened(primals, slopes)
    return gradients if isinstance(argnums, tuple) else gradients[0], y, aux


def grad(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that returns the gradient of `func`, of the form of the argument that `argnums` names.

    Parameters
    ----------
    func
        A function of tensors, or of trees of them (tuples, lists and dicts), that returns a real scalar.
    argnums
        Which positional argument to differentiate with respect to; a tuple names several, and then there are as many
        gradients.
    has_aux
        Whether `func` returns a pair, of which the second part is handed on: then there is (gradient, aux).

    Raises
    ------
    GradientError
        If `func` does not return a real scalar, or writes into its input.
    TypeError, DtypeError
        If what is differentiated is not a tensor of floats.

    The gradient is again differentiable by every transform, and, where a tensor that requires grad comes in from
    outside, by ``backward``. ``.grad`` is never touched. Of complex numbers it is that of ``backward``.

    >>> import gpugrad
    >>> grad(lambda x: x**3)(gpugrad.tensor(2.))
    tensor(12.)
    >>> grad(grad(lambda x: x**3))(gpugrad.tensor(2.))
    tensor(12.)
    """
    must_be_function(func, "grad")

    @wraps(func, updated=())
    def gradient(*args: Any, **kwargs: Any) -> Any:
        slopes, _, aux = _gradient_and_value("grad", func, argnums, has_aux, args, kwargs)
        return (slopes, aux) if has_aux else slopes

    return gradient


def grad_and_value(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return a function that returns (gradient, value), the order of PyTorch; with `has_aux`, (gradient, (value, aux)).

    The arguments are those of `grad`.

    >>> import gpugrad
    >>> grad_and_value(lambda x: x**3)(gpugrad.tensor(2.))
    (tensor(12.), tensor(8.))
    """
    must_be_function(func, "grad_and_value")

    @wraps(func, updated=())
    def both(*args: Any, **kwargs: Any) -> Any:
        slopes, value, aux = _gradient_and_value("grad_and_value", func, argnums, has_aux, args, kwargs)
        return slopes, (value, aux) if has_aux else value

    return both


def value_and_grad(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return a function that returns (value, gradient), the order of JAX; with `has_aux`, ((value, aux), gradient).

    The arguments are those of `grad`.

    >>> import gpugrad
    >>> value_and_grad(lambda x: x**3)(gpugrad.tensor(2.))
    (tensor(8.), tensor(12.))
    """
    must_be_function(func, "value_and_grad")

    @wraps(func, updated=())
    def both(*args: Any, **kwargs: Any) -> Any:
        slopes, value, aux = _gradient_and_value("value_and_grad", func, argnums, has_aux, args, kwargs)
        return (value, aux) if has_aux else value, slopes

    return both


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """Return ``func(*primals)`` and a function from cotangents to a tuple of gradients, one for each of the primals.

    The function returns the gradient of Re(sum(conj(cotangent) * result)); cotangents have the form of the result. It
    may be called any number of times, and keeps the graph alive as long as it is. With `has_aux`, `func` returns a
    pair, and its second part is returned as a third.

    Raises
    ------
    DtypeError
        If a primal or a part of the result is not of floats.
    TypeError, ShapeError, DeviceError
        If cotangents do not fit the result.

    >>> import gpugrad
    >>> y, pull = vjp(lambda a, b: a * b, gpugrad.tensor([1., 2.]), gpugrad.tensor([3., 4.]))
    >>> pull(gpugrad.ones(2))
    (tensor([3., 4.]), tensor([1., 2.]))
    """
    must_be_function(func, "vjp")
    leaves = [x for i, tree in enumerate(primals) for x in differentiable(tree, f"primals[{i}]", "vjp")]
    recording = Recording(leaves)
    made = recording.call(func, unflattened(primals, recording.inputs), {})
    result, aux = result_and_aux(made, has_aux, "vjp")
    recording.ends(tensors_of(result, "vjp"), flattened(aux))
    recording.released([*flattened(result), *flattened(aux)])

    def pull(cotangents: Any) -> tuple[Any, ...]:
        """Return the gradients that a cotangent of the result causes."""
        gradients = recording.pulled(fitting(cotangents, result, "cotangents", "the result"))
        made: tuple[Any, ...] = unflattened(primals, gradients)
        return made

    return (result, pull, aux) if has_aux else (result, pull)
