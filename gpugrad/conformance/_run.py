"""Running cases on a library: what comes back, to first and to second order, goes before the judge."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from gpugrad.conformance._adapters import Adapter, Unsupported
from gpugrad.conformance._case import Case, Variable, cases, numbers
from gpugrad.conformance._judge import Verdict, close, judge
from gpugrad.conformance._programs import OPERATORS, PROGRAMS, Names
from gpugrad.conformance._report import Report

__all__ = ["Result", "run", "run_case"]

Host = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a case in one dtype; `second` is None where the case has no second order."""

    case: Case
    dtype: str
    first: Verdict
    second: Verdict | None

    @property
    def name(self) -> str:
        """The case and the dtype."""
        return f"{self.case.id} [{self.dtype}]"


def run(adapter: Adapter, only: str = "*", notice: Callable[[Result], None] = lambda result: None) -> Report:
    """Run the cases whose id matches the pattern `only` in each of their dtypes, and return the report.

    `notice` is told every result as it comes.
    """
    results = []
    for case in cases():
        if fnmatchcase(case.id, only):
            for dtype in case.dtypes:
                results.append(run_case(adapter, case, dtype))
                notice(results[-1])
    return Report(adapter.name, adapter.version, results)


def run_case(adapter: Adapter, case: Case, dtype: str) -> Result:
    """Run one case in one of its dtypes; what the library raises makes the verdict `unsupported`."""
    inputs = [x.host(dtype) for x in case.inputs]
    weights = [w.host(dtype) for w in case.cotangents if w is not None]
    with _quiet():
        first = _guarded(lambda: _first(adapter, case, dtype, inputs, weights))
        second = case.second and _guarded(lambda: _second(adapter, case, dtype, inputs, weights, first))
    return Result(case, dtype, first, second or None)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what libraries say about infinities and discarded imaginary parts: the judge looks at results."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def _guarded(verdict: Callable[[], Verdict]) -> Verdict:
    try:
        return verdict()
    except Exception as error:  # whatever a library raises for what it cannot do
        return Verdict("unsupported", f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")


def _function(adapter: Adapter, case: Case, dtype: str) -> Callable[..., list[Any]]:
    """Return the case as a function of its differentiated arrays, giving those outputs that have a cotangent."""
    function = OPERATORS.get(case.function) or adapter.find(case.function)

    def outputs(*arrays: Any) -> list[Any]:
        def called(*arguments: Any, **keywords: Any) -> Any:
            if case.program is None:
                return function(*arguments, **keywords)
            names = Names(adapter.find, dtype.startswith("complex"))
            return PROGRAMS[case.program](names, function, *arguments, **keywords)

        z = case.call(called, iter(arrays), adapter.array, adapter.dtype, dtype)
        several = list(z) if len(case.cotangents) > 1 or isinstance(z, tuple | list) else [z]
        if len(several) != len(case.cotangents):
            raise Unsupported(f"{len(several)} outputs, not {len(case.cotangents)}")
        return [part for part, w in zip(several, case.cotangents, strict=True) if w is not None]

    return outputs


def _expected(values: list[list[Any]], variables: list[Variable], dtype: str) -> list[Host]:
    """Return expected numbers in the shapes and dtypes of the arrays that they belong to."""
    pairs = zip(values, variables, strict=True)
    return [numbers(v, x.kind).reshape(x.shape).astype(x.dtype_in(dtype)) for v, x in pairs]


def _precision(arrays: list[Host]) -> str:
    """Return `single` where one of the arrays is: the rest of a computation is then no more precise."""
    return "single" if any(a.dtype in (np.float32, np.complex64) for a in arrays) else "double"


def _first(adapter: Adapter, case: Case, dtype: str, inputs: list[Host], weights: list[Host]) -> Verdict:
    outputs, gradients = adapter.first(_function(adapter, case, dtype), inputs, weights)
    precision = _precision(inputs + weights)
    values = [v for v in case.value if v is not None]
    for z, v, w in zip(outputs, values, weights, strict=True):
        kind = "complex" if np.iscomplexobj(w) else "real"
        if z.shape != w.shape or not close(z, numbers(v, kind).reshape(w.shape), precision, case.tolerance):
            raise Unsupported(f"another value: {z.tolist()} for {v}")
    return judge(gradients, _expected(case.first, case.inputs, dtype), precision, case.tolerance, case.admissible)


def _second(
    adapter: Adapter, case: Case, dtype: str, inputs: list[Host], weights: list[Host], first: Verdict
) -> Verdict:
    if case.second is None or first.status == "unsupported":
        raise Unsupported("no first order")
    tangents = [v.host(dtype) for v in case.tangents]
    by_inputs, by_weights = adapter.second(_function(adapter, case, dtype), inputs, weights, tangents)
    expected = _expected(case.second[0], case.inputs, dtype)
    found = by_inputs
    if case.second[1] is not None:
        variables = [w for w in case.cotangents if w is not None]
        expected = expected + _expected(case.second[1], variables, dtype)
        found = found + by_weights
    return judge(found, expected, _precision(inputs + weights), case.tolerance)
