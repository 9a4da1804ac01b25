"""Modules as functions of their parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from gpugrad import _ops as ops
from gpugrad.errors import OptionError, StateError
from gpugrad.func._batched import is_tensor

__all__ = ["functional_call", "stack_module_state"]

_elsewhere: dict[int, set[str]] = {}
"""Which attributes of modules, by their identity, have other values now, which no longer look like parameters."""


def _must_be_module(module: Any, caller: str, what: str) -> None:
    if not (hasattr(module, "named_modules") and callable(module)):
        raise TypeError(f"{caller}: {what} is {type(module).__name__}, and must be a gpugrad.nn.Module")


def _places(module: Any) -> dict[str, tuple[Any, str]]:
    """Return where each parameter and buffer is, by its dotted name: a module, and the name of its attribute."""
    places = {}
    for path, part in module.named_modules(remove_duplicate=False):
        own = [*part.named_parameters(recurse=False), *part.named_buffers(recurse=False)]
        for name in dict.fromkeys((*(name for name, _ in own), *_elsewhere.get(id(part), ()))):
            places[f"{path}.{name}" if path else name] = (part, name)
    return places


def _merged(given: Any) -> dict[str, Any]:
    """Return the values by name, of one dict or of several that name nothing twice."""
    if isinstance(given, Mapping):
        return dict(given)
    if not isinstance(given, Sequence) or not all(isinstance(one, Mapping) for one in given):
        raise TypeError(
            "functional_call: parameters_and_buffers is a dict of tensors by name, or a tuple of such, not "
            f"{type(given).__name__}"
        )
    merged: dict[str, Any] = {}
    for one in given:
        twice = sorted(merged.keys() & one.keys())
        if twice:
            raise OptionError(f"functional_call: {', '.join(twice)} stand in two of the dicts; which is meant?")
        merged.update(one)
    return merged


def _checked(values: dict[str, Any], places: dict[str, tuple[Any, str]], module: Any, strict: bool) -> None:
    unknown = [name for name in values if name not in places]
    lacking = [name for name in places if name not in values] if strict else []
    kind = type(module).__name__
    if unknown:
        raise StateError(
            f"functional_call: {kind} has no parameter or buffer {', '.join(map(repr, unknown))}; it has "
            f"{', '.join(places) or 'none'}"
        )
    if lacking:
        raise StateError(f"functional_call: {', '.join(lacking)} of {kind} are missing, and strict=True")
    for name, value in values.items():
        if not is_tensor(value):
            raise TypeError(f"functional_call: {name!r} is {type(value).__name__}, not a tensor")


def _tied(values: dict[str, Any], places: dict[str, tuple[Any, str]]) -> dict[str, Any]:
    """Return the values with one for each name of a shared parameter, of which some may have been given."""
    names: dict[int, list[str]] = {}
    for name, (part, attribute) in places.items():
        names.setdefault(id(vars(part)[attribute]), []).append(name)
    complete = dict(values)
    for group in names.values():
        found = {id(values[name]): name for name in group if name in values}
        if len(found) > 1:
            raise OptionError(
                f"functional_call: {' and '.join(found.values())} are one parameter, and have different values; pass "
                "one of them, or tie_weights=False"
            )
        for name in group if found else ():
            complete[name] = values[next(iter(found.values()))]
    return complete


@contextmanager
def _swapped(values: dict[str, Any], places: dict[str, tuple[Any, str]]) -> Iterator[None]:
    """Give the modules other values within the block, past their own checks, and then back what they had."""
    parts = {id(part): part for part, _ in places.values()}
    before = {key: (dict(vars(part)), _elsewhere.get(key)) for key, part in parts.items()}
    try:
        for name, value in values.items():
            part, attribute = places[name]
            _elsewhere[id(part)] = {*_elsewhere.get(id(part), ()), attribute}
            vars(part)[attribute] = value
        yield
    finally:
        for key, (attributes, elsewhere) in before.items():
            for attribute in {attribute for part, attribute in places.values() if id(part) == key}:
                vars(parts[key])[attribute] = attributes[attribute]
            if elsewhere is not None:
                _elsewhere[key] = elsewhere
            else:
                _elsewhere.pop(key, None)


def functional_call(
    module: Any,
    parameters_and_buffers: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Return ``module(*args, **kwargs)`` with other values in place of its parameters and buffers; it is not changed.

    Parameters
    ----------
    module
        A `gpugrad.nn.Module`.
    parameters_and_buffers
        Tensors by the dotted names that `named_parameters` gives, in one dict or in several. What is not named is as it
        is in the module.
    args, kwargs
        The arguments; a single one need not be in a tuple.
    tie_weights
        Whether a parameter that the module has under several names has the value given for one of them under all.
    strict
        Whether every parameter and buffer must be named.

    Also after an error the module is as it was. It is not to be called by another thread meanwhile.

    Raises
    ------
    StateError
        If a name is not that of a parameter or buffer, or, with `strict`, one is missing.

    >>> import gpugrad
    >>> from gpugrad.func import functional_call, grad
    >>> layer = gpugrad.nn.Linear(2, 1, bias=False)
    >>> x, weight = gpugrad.tensor([3., 4.]), gpugrad.tensor([[1., 1.]])
    >>> functional_call(layer, {"weight": weight}, x)
    tensor([7.])
    >>> grad(lambda p: functional_call(layer, p, x).sum())({"weight": weight})
    {'weight': tensor([[3., 4.]])}
    """
    _must_be_module(module, "functional_call", "module")
    values, places = _merged(parameters_and_buffers), _places(module)
    _checked(values, places, module, strict)
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    with _swapped(_tied(values, places) if tie_weights else values, places):
        return module(*arguments, **(kwargs or {}))


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the parameters and the buffers of models of one form, by name, those of all models on a new first axis.

    They are leaves, which require grad where the models' do; `vmap` of `functional_call` runs all models at once.

    >>> from gpugrad import nn
    >>> parameters, buffers = stack_module_state([nn.Linear(2, 3), nn.Linear(2, 3)])
    >>> parameters["weight"].shape
    (2, 3, 2)
    """
    if not isinstance(models, Iterable):
        raise TypeError(f"stack_module_state: models is {type(models).__name__}, and must be a sequence of Modules")
    models = list(models)
    if not models:
        raise OptionError("stack_module_state: there are no models")
    for number, model in enumerate(models):
        _must_be_module(model, "stack_module_state", f"model {number}")
    kinds = {type(model).__name__ for model in models}
    if len(kinds) > 1:
        raise OptionError(f"stack_module_state: the models are of different classes: {', '.join(sorted(kinds))}")
    parameters = [dict(model.named_parameters()) for model in models]
    buffers = [dict(model.named_buffers()) for model in models]
    return _stacked(parameters), _stacked(buffers)


def _stacked(states: list[dict[str, Any]]) -> dict[str, Any]:
    made = {}
    for name, first in states[0].items():
        values = []
        for number, state in enumerate(states):
            if state.keys() != states[0].keys() or state[name].shape != first.shape:
                raise StateError(f"stack_module_state: model {number} differs from model 0 at {name!r}")
            values.append(state[name].detach())
        made[name] = ops.stack(values).requires_grad_(first.requires_grad)
    return made
