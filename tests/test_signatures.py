"""Every function of the array API standard is there, and takes every call that the standard allows."""

from __future__ import annotations

import inspect
from inspect import Parameter

import pytest
from signatures import STANDARD

import gpugrad

LINES = [(owner, line.strip()) for owner, lines in STANDARD.items() for line in lines.strip().splitlines()]
ROWS = [pytest.param(owner, line, id=f"{owner}.{line.partition('(')[0]}") for owner, line in LINES]

# Parameters that users give by position elsewhere, and that the standard knows by name alone.
BY_PLACE_AS_WELL = {("diff", "n")}


def standard_parameters(line):
    """Return the name of a function and the parameters that the standard gives it."""
    name, _, rest = line.partition("(")
    return name, inspect.signature(eval(f"lambda {rest.removesuffix(')')}: None")).parameters


def ours(owner, name):
    return getattr(eval(owner, {"gpugrad": gpugrad}), name)


@pytest.mark.parametrize(("owner", "line"), ROWS)
def test_a_function_takes_every_call_that_the_standard_allows(owner, line):
    name, expected = standard_parameters(line)
    found = inspect.signature(ours(owner, name)).parameters
    places = [p.name for p in expected.values() if p.kind is not Parameter.KEYWORD_ONLY]
    more = [k for k in found if (name, k) in BY_PLACE_AS_WELL]
    assert [p.name for p in found.values() if p.kind is not Parameter.KEYWORD_ONLY] == [*places, *more]
    for key, parameter in expected.items():
        assert key in found, f"{name} lacks {key}"
        kinds = [parameter.kind, *([Parameter.POSITIONAL_OR_KEYWORD] if key in more else [])]
        assert found[key].kind in kinds, f"{key} is {found[key].kind.description}"
        assert found[key].default == parameter.default, f"{key} defaults to {found[key].default!r}"
        assert type(found[key].default) is type(parameter.default)
    extra = [found[key] for key in found if key not in expected]
    assert all(p.kind is Parameter.KEYWORD_ONLY and p.default is not Parameter.empty for p in extra)


@pytest.mark.parametrize("owner", ["gpugrad", "gpugrad.linalg", "gpugrad.fft"])
def test_a_module_lists_its_functions(owner):
    names = {line.partition("(")[0] for of, line in LINES if of == owner}
    module = eval(owner, {"gpugrad": gpugrad})
    assert names <= set(module.__all__)
    assert names <= set(dir(module))


def test_the_constants_are_there():
    assert {"e", "inf", "nan", "newaxis", "pi"} <= set(gpugrad.__all__)
    assert gpugrad.newaxis is None


def test_an_argument_too_many_and_one_too_few_are_refused_by_name():
    x = gpugrad.ones(2)
    for call, what in (
        (lambda: gpugrad.sort(x, 0), "positional"),
        (lambda: gpugrad.take_along_axis(x), "indices"),
        (lambda: gpugrad.roll(x), "shift"),
        (lambda: gpugrad.tril(x, offset=1), "offset"),
    ):
        with pytest.raises(TypeError, match=what):
            call()
