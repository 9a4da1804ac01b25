"""From a row of the tables to a line of the file: draw the arguments, evaluate, differentiate, write down."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

from gradient_cases.draws import Array, Draw, Key
from gradient_cases.forward_matrices import FUNCTIONS, PROGRAMS
from gradient_cases.reference import gradients, lift, second_gradients

__all__ = ["COMPLEX", "REAL", "Dtype", "Row", "drawn", "entry", "row"]

REAL = ("float32", "float64")
COMPLEX = ("complex64", "complex128")


@dataclass(frozen=True)
class Dtype:
    """A dtype as an argument."""

    name: str


@dataclass(frozen=True)
class Row:
    """A call to be made into a case."""

    id: str
    chapter: str
    function: str
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    program: str | None = None
    dtypes: tuple[str, ...] = REAL
    constant_outputs: tuple[int, ...] = ()  # outputs that nothing comes back to
    output_dtype: str | None = None
    tolerance: float = 1.0


def row(chapter: str, function: str, label: str, *arguments: Any, **keywords: Any) -> Row:
    """Return a row; `program`, `dtypes`, `constant_outputs`, `output_dtype` and `tolerance` are its own keywords.

    It is run in complex dtypes where an argument is complex.
    """
    own = {k: keywords.pop(k) for k in ("program", "constant_outputs", "output_dtype", "tolerance") if k in keywords}
    flat = [
        a
        for argument in (*arguments, *keywords.values())
        for a in (argument if isinstance(argument, list) else [argument])
    ]
    found = any(isinstance(a, Draw) and (a.complex or a.how == "complex") for a in flat)
    dtypes = keywords.pop("dtypes", COMPLEX if found else REAL)
    return Row(f"{function}: {label}", chapter, function, arguments, keywords, dtypes=dtypes, **own)


def drawn(spec: Row) -> dict[str, Any]:
    """Return the entry of a row as far as it is drawn: everything but what is worked out."""
    source = random.Random(spec.id)

    def argument(value: Any) -> Any:
        if isinstance(value, Draw):
            return value.draw(source).entry()
        if isinstance(value, list):
            return {"arrays": [argument(v) for v in value]}
        if isinstance(value, Dtype):
            return {"dtype": value.name}
        if isinstance(value, Key):
            return {"key": [_index(part, argument) for part in value.parts]}
        return {"value": _literal(value)}

    made = {"id": spec.id, "chapter": spec.chapter, "function": spec.function}
    if spec.program:
        made["program"] = spec.program
    made["dtypes"] = list(spec.dtypes)
    made["arguments"] = [argument(value) for value in spec.arguments]
    if spec.keywords:
        made["keywords"] = {name: argument(value) for name, value in spec.keywords.items()}
    if spec.tolerance != 1:
        made["tolerance"] = spec.tolerance
    return made


def _index(part: Any, argument: Any) -> Any:
    if isinstance(part, slice):
        return {"slice": [part.start, part.stop, part.step]}
    return argument(part) if isinstance(part, Draw) else "..." if part is ... else part


def _literal(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_literal(item) for item in value]
    return str(value) if isinstance(value, float) and abs(value) == float("inf") else value


def entry(spec: Row) -> dict[str, Any]:
    """Return the whole entry of a row, with its value and its gradients to first and second order."""
    made = drawn(spec)
    inputs: list[np.ndarray] = []
    kinds: list[str] = []

    def collect(array: dict[str, Any]) -> None:
        inputs.append(_numbers(array))
        kinds.append(array.get("kind", "real"))

    _bind(spec, made, collect)

    def function(*xs: np.ndarray) -> list[np.ndarray]:
        remaining = iter(xs)
        positional, keywords = _bind(spec, made, lambda array: next(remaining))
        called = FUNCTIONS[spec.function]
        z = (
            called(*positional, **keywords)
            if spec.program is None
            else PROGRAMS[spec.program](called, *positional, **keywords)
        )
        several = list(z) if isinstance(z, tuple) else [z]
        return [lift(part) for i, part in enumerate(several) if i not in spec.constant_outputs]

    outputs = function(*inputs)
    source = random.Random(spec.id + " cotangents")
    cotangents = [_like(z, _kind(z, kinds), source, spec.output_dtype) for z in outputs]
    tangents = [_like(x, kind, source, None) for x, kind in zip(inputs, kinds, strict=True)]
    ws, vs = ([_numbers(a.entry()) for a in arrays] for arrays in (cotangents, tangents))
    by_inputs, by_weights = second_gradients(function, inputs, ws, vs)
    whole = [w.kind == "complex" for w in cotangents]
    made["cotangents"] = _spaced([w.entry() for w in cotangents], spec.constant_outputs)
    made["tangents"] = [v.entry() for v in tangents]
    made["value"] = _spaced([_written(z, c) for z, c in zip(outputs, whole, strict=True)], spec.constant_outputs)
    made["first"] = [_written(g, k == "complex") for g, k in zip(gradients(function, inputs, ws), kinds, strict=True)]
    made["second"] = [
        [_written(h, k == "complex") for h, k in zip(by_inputs, kinds, strict=True)],
        [_written(h, c) for h, c in zip(by_weights, whole, strict=True)],
    ]
    return made


def _spaced(parts: list[Any], left_out: tuple[int, ...]) -> list[Any]:
    """Return the parts with None at the places of the outputs left out."""
    spaced = list(parts)
    for i in left_out:
        spaced.insert(i, None)
    return spaced


def _bind(spec: Row, made: dict[str, Any], variable: Any) -> tuple[list[Any], dict[str, Any]]:
    """Return arguments and keywords for the reference, with the differentiated arrays made by `variable`."""

    def argument(value: Any, given: Any) -> Any:
        if "values" in given:
            return _numbers(given) if given.get("constant") else variable(given)
        if "arrays" in given:
            return [argument(None, array) for array in given["arrays"]]
        if "key" in given:
            parts = tuple(_numbers(p) if isinstance(p, dict) and "values" in p else v for v, p in
                          zip(value.parts, given["key"], strict=True))  # fmt: skip
            return parts[0] if len(parts) == 1 else parts
        return value

    positional = [argument(v, g) for v, g in zip(spec.arguments, made["arguments"], strict=True)]
    return positional, {k: argument(v, made["keywords"][k]) for k, v in spec.keywords.items()}


def _numbers(array: dict[str, Any]) -> np.ndarray:
    """Return an array of the file as the reference takes it."""
    kind = array.get("kind", "real")
    if kind in ("integer", "boolean"):
        return np.array(array["values"], dtype=np.int64 if kind == "integer" else np.bool_).reshape(array["shape"])
    values = [mpmath.mpc(*v) if kind == "complex" else mpmath.mpf(v) for v in array["values"]]
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made.reshape(array["shape"])


def _kind(z: np.ndarray, kinds: list[str]) -> str:
    return "complex" if any(isinstance(v, mpmath.mpc) for v in z.reshape(-1)) else "real"


def _like(x: np.ndarray, kind: str, source: random.Random, dtype: str | None) -> Array:
    return Draw(x.shape, "normal", complex=kind == "complex", dtype=dtype).draw(source)


def _written(z: np.ndarray, is_complex: bool) -> list[Any]:
    """Return the numbers of an array as the file has them: to 14 digits."""
    if is_complex:
        return [[_digits(mpmath.re(v)), _digits(mpmath.im(v))] for v in lift(z).reshape(-1)]
    return [_digits(v) for v in lift(z).reshape(-1)]


def _digits(value: Any) -> float | int:
    if abs(value) > 1e9:
        raise ValueError(f"{float(value)} is no derivative: the point of the row lies on a jump or a kink")
    number = float(f"{float(mpmath.re(value)):.14g}")
    if abs(number) < 1e-18:
        return 0
    return int(number) if number == int(number) and abs(number) < 1e6 else number
