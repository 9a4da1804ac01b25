"""Forward mode: the derivative as a function of tangents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gpugrad.errors import GradientError
from gpugrad.func._arguments import differentiable, fitting, must_be_function, result_and_aux, tensors_of
from gpugrad.func._recording import Recording
from gpugrad.func._trees import flattened, paths, unflattened

__all__ = ["jvp", "linearize"]


def _recorded(
    transform: str, func: Callable[..., Any], primals: tuple[Any, ...], has_aux: bool
) -> tuple[Recording, Any, Any]:
    """Return a call of the function, its result, and what it returned beside it."""
    must_be_function(func, transform)
    leaves = [x for i, tree in enumerate(primals) for x in differentiable(tree, f"primals[{i}]", transform)]
    recording = Recording(leaves)
    made = recording.call(func, unflattened(primals, recording.inputs), {})
    result, aux = result_and_aux(made, has_aux, transform)
    recording.ends(tensors_of(result, transform, integers=True), flattened(aux))
    return recording, result, aux


def jvp(
    func: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...], *, strict: bool = False,
    has_aux: bool = False,
) -> Any:  # fmt: skip
    """Return ``func(*primals)`` and its derivative in the direction of `tangents`, of the form of the result.

    Parameters
    ----------
    func
        A function of tensors or trees of them.
    primals, tangents
        Tuples of the arguments, and of directions of the same form.
    strict
        Whether a result that does not depend on the primals is an error, and not a tangent of zeros.
    has_aux
        Whether `func` returns a pair, of which the second part is returned as a third.

    There are no rules for this mode: the derivative comes from those of reverse mode, transposed (see
    docs/transforms.md). It costs two walks back, one of them recorded. Integer results have tangents of zeros.

    Raises
    ------
    GradientError
        With `strict`, if a part of the result does not depend on the primals.
    TypeError, ShapeError, DeviceError, DtypeError
        If tangents do not fit the primals, or a primal is not a tensor of floats.

    >>> import gpugrad
    >>> jvp(gpugrad.sin, (gpugrad.tensor(0.),), (gpugrad.tensor(2.),))
    (tensor(0.), tensor(2.))
    """
    for name, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, tuple):
            raise TypeError(f"jvp: {name} is {type(given).__name__}; it is a tuple with one entry for each argument")
    recording, result, aux = _recorded("jvp", func, primals, has_aux)
    directions = fitting(tangents, primals, "tangents", "primals")
    if strict and (lost := recording.independent()):
        path = paths(result, "the result")[lost[0]][0]
        raise GradientError(f"jvp: {path} of the function does not depend on the primals, which strict=True forbids")
    slopes = recording.pushforward().pushed(directions, retain=recording.outside)
    recording.released([*flattened(result), *flattened(aux)])
    made = unflattened(result, slopes)
    return (result, made, aux) if has_aux else (result, made)


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """Return ``func(*primals)`` and its derivative as a function of tangents, one for each of the primals.

    For many directions at one place it is cheaper than `jvp`: `func` is called once, and each direction costs one walk.

    >>> import gpugrad
    >>> y, push = linearize(lambda x: x**2, gpugrad.tensor([1., 3.]))
    >>> push(gpugrad.tensor([1., 0.]))
    tensor([2., 0.])
    """
    recording, result, _ = _recorded("linearize", func, primals, False)
    pushforward = recording.pushforward()
    recording.released(flattened(result))

    def push(*tangents: Any) -> Any:
        """Return the tangent of the result that tangents of the primals cause."""
        return unflattened(result, pushforward.pushed(fitting(tangents, primals, "tangents", "primals")))

    return result, push
