"""The file of cases is what its generator makes, and the generator knows no derivative rule but is right."""

import json
import re
from pathlib import Path

import array_api_compat.numpy as xp
import gradient_cases
import mpmath
import numpy as np
import pytest
from gradient_cases import CONVENTIONS, ROWS, drawn, entry
from gradient_cases.forward_matrices import FUNCTIONS
from gradient_cases.reference import gradients, lift, second_gradients

from gpugrad import conformance
from gpugrad.conformance._adapters._base import attribute
from gpugrad.conformance._case import numbers
from gpugrad.conformance._programs import OPERATORS, PROGRAMS, Names

FILE = Path(conformance.__file__).with_name("cases.jsonl")
LINES = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]
AGAIN = "gpugrad/conformance/cases.jsonl is out of date: ./run gradient-cases writes it again"


def test_the_file_has_the_rows_of_the_generator_in_its_order():
    assert [line["id"] for line in LINES] == [row.id for row in ROWS] + [case["id"] for case in CONVENTIONS], AGAIN


def test_all_arguments_are_drawn_again_and_conventions_stand_as_written():
    for line, row in zip(LINES, ROWS, strict=False):
        again = json.loads(json.dumps(drawn(row)))
        assert {key: line[key] for key in again} == again, AGAIN
    assert LINES[len(ROWS) :] == json.loads(json.dumps(CONVENTIONS)), AGAIN


@pytest.mark.parametrize("row", ROWS[::19], ids=[row.id for row in ROWS[::19]])
def test_values_and_gradients_are_worked_out_again(row):
    line = next(line for line in LINES if line["id"] == row.id)
    assert json.loads(json.dumps(entry(row))) == line, AGAIN


def test_the_generator_takes_no_derivative_from_anywhere():
    folder = Path(gradient_cases.__file__).parent
    text = "\n".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    imported = set(re.findall(r"^\s*(?:from|import) (\w+)", text, re.M))
    assert imported - {"__future__", "gradient_cases"} <= {
        "collections", "concurrent", "dataclasses", "functools", "json", "math", "mpmath", "numpy", "pathlib", "random",
        "sys", "typing",
    }  # fmt: skip
    assert not re.search(r"\b(diff|taylor|jacobian)\(", text.replace("np.diff(", ""))


# The reference against derivatives that everybody knows


@pytest.mark.parametrize(
    ("name", "slope", "bend"),
    [
        ("sin", mpmath.cos, lambda x: -mpmath.sin(x)),
        ("exp", mpmath.exp, mpmath.exp),
        ("log", lambda x: 1 / x, lambda x: -1 / x**2),
        ("atan", lambda x: 1 / (1 + x**2), lambda x: -2 * x / (1 + x**2) ** 2),
        ("square", lambda x: 2 * x, lambda x: mpmath.mpf(2)),
    ],
)
@pytest.mark.parametrize("at", [mpmath.mpf("0.625"), mpmath.mpc("0.625", "-0.75")])
def test_the_reference_knows_derivatives_to_20_digits(name, slope, bend, at):
    x, one = lift([at]), lift([mpmath.mpc(1) if isinstance(at, mpmath.mpc) else 1])
    call = lambda x: [FUNCTIONS[name](x)]  # noqa: E731
    (first,) = gradients(call, [x], [one])
    ((second,), (along,)) = second_gradients(call, [x], [one], [one])
    assert abs(first[0] - mpmath.conj(slope(at))) < 1e-20
    assert abs(second[0] - mpmath.conj(bend(at))) < 1e-20
    assert abs(along[0] - slope(at)) < 1e-20


def test_the_reference_knows_the_gradient_of_abs_squared_which_is_not_holomorphic():
    z = lift([mpmath.mpc(1, 2)])
    (first,) = gradients(lambda z: [FUNCTIONS["abs"](z) ** 2], [z], [lift([1])])
    assert abs(first[0] - mpmath.mpc(2, 4)) < 1e-20


def test_a_point_on_a_jump_is_refused():
    row = next(row for row in ROWS if row.id == "floor_divide: same shape")
    on_a_jump = type(row)(**{**row.__dict__, "arguments": (gradient_cases.draws.fixed([6.0]), 3.0)})
    with pytest.raises(ValueError, match="lies on a jump"):
        entry(on_a_jump)


# The values, which come from definitions, against NumPy's functions


def numpy_value(case):
    """Return the outputs of NumPy's function of the standard's name."""
    run = case.dtypes[-1]
    function = OPERATORS.get(case.function) or attribute(xp, case.function)

    def called(*arguments, **keywords):
        if case.program is None:
            return function(*arguments, **keywords)
        names = Names(lambda name: attribute(xp, name), run.startswith("complex"))
        return PROGRAMS[case.program](names, function, *arguments, **keywords)

    z = case.call(called, iter([x.host(run) for x in case.inputs]), np.asarray, np.dtype, run)
    return list(z) if isinstance(z, tuple | list) else [z]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("chapter", list(dict.fromkeys(case.chapter for case in conformance.cases())))
def test_values_are_those_of_numpy(chapter):
    for case in conformance.cases():
        if case.chapter == chapter:
            for z, v, w in zip(numpy_value(case), case.value, case.cotangents, strict=True):
                if v is not None:
                    expected = numbers(v, w.kind).reshape(w.shape)
                    loose = 1e-6 if w.dtype == "float32" or any(x.dtype == "float32" for x in case.inputs) else 1e-11
                    np.testing.assert_allclose(z, expected, rtol=loose, atol=loose, err_msg=case.id)
