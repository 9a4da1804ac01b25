"""Products of second derivatives and vectors, without the matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gpugrad.errors import DtypeError
from gpugrad.func._arguments import differentiable, fitting, must_be_function, tensors_of
from gpugrad.func._recording import Recording
from gpugrad.func._reverse import grad, vjp
from gpugrad.func._trees import flattened, unflattened

__all__ = ["ggnvp", "hvp"]


def _needs_tuples(transform: str, **given: Any) -> None:
    for name, value in given.items():
        if not isinstance(value, tuple):
            raise TypeError(
                f"{transform}: {name} is {type(value).__name__}; it is a tuple with one entry for each argument"
            )


def hvp(func: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the Hessian of `func` times a vector: a tuple of the form of `primals`.

    `func` is a function of ``*primals`` that returns a real scalar, and `tangents`, of the form of the primals, is the
    vector. The gradient is recorded and walked back once (the Hessian is symmetric), which costs about four times what
    `func` costs, whatever the size (B. Pearlmutter, 1994).

    >>> import gpugrad
    >>> x, v = gpugrad.tensor([2., 3.]), gpugrad.tensor([1., 0.])
    >>> hvp(gpugrad.prod, (x,), (v,))
    (tensor([0., 1.]),)
    """
    must_be_function(func, "hvp")
    _needs_tuples("hvp", primals=primals, tangents=tangents)
    for i, tree in enumerate(primals):
        differentiable(tree, f"primals[{i}]", "hvp")
    directions = unflattened(primals, fitting(tangents, primals, "tangents", "primals"))
    _, pull = vjp(grad(func, argnums=tuple(range(len(primals)))), *primals)
    product: tuple[Any, ...] = pull(directions)
    return product


def ggnvp(
    func: Callable[..., Any], loss: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...]
) -> tuple[Any, ...]:
    """Return the generalised Gauss-Newton matrix times a vector: ``J^T H J v``, of the form of `primals`.

    J is the Jacobian of the outputs ``func(*primals)``, and H the Hessian of ``loss(outputs)``, a real scalar. For a
    loss that is convex in the outputs the matrix has no negative eigenvalues, unlike the Hessian of the whole, which
    has further terms (N. Schraudolph, 2002). For real functions of real numbers.

    >>> import gpugrad
    >>> w, v = gpugrad.tensor([1., 2.]), gpugrad.tensor([1., 0.])
    >>> ggnvp(lambda w: w**2, lambda y: gpugrad.sum(y * y), (w,), (v,))
    (tensor([8., 0.]),)
    """
    must_be_function(func, "ggnvp")
    must_be_function(loss, "ggnvp", "loss")
    _needs_tuples("ggnvp", primals=primals, tangents=tangents)
    leaves = [x for i, tree in enumerate(primals) for x in differentiable(tree, f"primals[{i}]", "ggnvp")]
    directions = fitting(tangents, primals, "tangents", "primals")
    recording = Recording(leaves)
    outputs = recording.call(func, unflattened(primals, recording.inputs), {})
    ends = tensors_of(outputs, "ggnvp")
    if any(x.dtype.kind == "c" for x in [*leaves, *ends]):
        raise DtypeError("ggnvp: takes real functions of real numbers; work on real and imaginary parts")
    recording.ends(ends)
    along = unflattened(outputs, recording.pushforward().pushed(directions))
    recording.released(ends)
    (curved,) = hvp(loss, (outputs,), (along,))
    made: tuple[Any, ...] = unflattened(primals, recording.pulled(flattened(curved)))
    return made
