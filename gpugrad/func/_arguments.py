"""What transforms are given and what functions return, checked: which argument, which tensor in it, of what dtype."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gpugrad import _ops as ops
from gpugrad.backends import is_inexact
from gpugrad.errors import DeviceError, DtypeError, OptionError, ShapeError
from gpugrad.func._batched import is_tensor
from gpugrad.func._trees import aligned, paths, same_structure

__all__ = ["chosen", "differentiable", "fitting", "must_be_function", "replaced", "result_and_aux", "tensors_of"]


def must_be_function(func: Any, transform: str, what: str = "func") -> None:
    """Raise where what is to be transformed cannot be called."""
    if not callable(func):
        raise TypeError(f"{transform}: {what} is {type(func).__name__}, and must be a function of tensors")


def chosen(argnums: Any, args: Sequence[Any], transform: str) -> tuple[int, ...]:
    """Return which of the arguments are differentiated, counted from 0."""
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    if not numbers or any(type(n) is not int for n in numbers):
        raise OptionError(f"{transform}: argnums is an integer or a tuple of some, not {argnums!r}")
    for n in numbers:
        if not -len(args) <= n < len(args):
            raise OptionError(f"{transform}: argnums names argument {n}, and there are {len(args)} positional ones")
    places = tuple(n % len(args) for n in numbers)
    if len(set(places)) < len(places):
        raise OptionError(f"{transform}: argnums {argnums} names an argument twice")
    return places


def differentiable(tree: Any, name: str, transform: str) -> list[Any]:
    """Return the tensors of a tree that is differentiated with respect to; each must be of floats."""
    leaves = paths(tree, name)
    for path, x in leaves:
        if not is_tensor(x):
            raise TypeError(
                f"{transform}: {path} is {type(x).__module__}.{type(x).__qualname__}, not a tensor; make one with "
                "gpugrad.asarray, or leave it out of what is differentiated"
            )
        if not is_inexact(x.dtype):
            raise DtypeError(
                f"{transform}: {path} has dtype {x.dtype}; only tensors of floating point or complex dtype have "
                "derivatives. Leave it out of what is differentiated, or convert it with .to(gpugrad.float32)"
            )
    return [x for _, x in leaves]


def tensors_of(results: Any, transform: str, integers: bool = False) -> list[Any]:
    """Return the tensors that a function returned; integers among them only where they may be."""
    leaves = paths(results, "the result")
    for path, y in leaves:
        if not is_tensor(y):
            raise TypeError(f"{transform}: {path} of the function is {type(y).__name__}, not a tensor")
        if not integers and not is_inexact(y.dtype):
            raise DtypeError(
                f"{transform}: {path} of the function has dtype {y.dtype}, which has no derivative; return it "
                "beside the result with has_aux=True"
            )
    return [y for _, y in leaves]


def replaced(args: Sequence[Any], places: Sequence[int], values: Sequence[Any]) -> list[Any]:
    """Return the arguments with others at some places."""
    made = list(args)
    for place, value in zip(places, values, strict=True):
        made[place] = value
    return made


def result_and_aux(result: Any, has_aux: bool, transform: str) -> tuple[Any, Any]:
    """Return what a function returned, and what it returned beside it, None where it does not."""
    if not has_aux:
        return result, None
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(
            f"{transform}: with has_aux=True the function returns (result, aux), not {type(result).__name__}"
        )
    return result


def fitting(tree: Any, like: Any, name: str, what: str) -> list[Any]:
    """Return tangents or cotangents as a list: of the form of `like`, with the same shapes and devices."""
    same_structure(tree, like, name, what)
    return [_fitting(path, x, y) for (path, y), x in zip(paths(like, name), aligned(tree, like), strict=True)]


def _fitting(path: str, x: Any, like: Any) -> Any:
    if not is_tensor(x):
        raise TypeError(f"{path} is {type(x).__name__}, not a tensor; make one of it with gpugrad.asarray")
    if x.shape != like.shape:
        raise ShapeError(f"{path} has shape {x.shape}, and {like.shape} is needed (nothing is broadcast)")
    if x.device != like.device:
        raise DeviceError(
            f"{path} is on '{x.device}', and '{like.device}' is needed; move it with .to('{like.device}')"
        )
    if x.dtype == like.dtype:
        return x
    if not is_inexact(x.dtype) or (x.dtype.kind == "c" and like.dtype.kind != "c"):
        raise DtypeError(f"{path} has dtype {x.dtype}, and {like.dtype} is needed")
    return ops.astype(x, like.dtype)
