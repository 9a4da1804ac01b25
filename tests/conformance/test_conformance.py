"""The whole suite on gpugrad, on every backend; and that it sees what it is there to see."""

import array_api_strict
import numpy as np
import pytest

import gpugrad
from gpugrad import conformance
from gpugrad.conformance._case import numbers
from gpugrad.conformance._programs import OPERATORS, PROGRAMS
from gpugrad.conformance._run import run_case

CASES = conformance.cases()
CHAPTERS = list(dict.fromkeys(case.chapter for case in CASES))

# What has no gradient: truth values, integers, places, and arrays that do not depend on an array.
WITHOUT_GRADIENT = set("""
    all any arange argmax argmin argsort bitwise_and bitwise_invert bitwise_left_shift bitwise_or bitwise_right_shift
    bitwise_xor broadcast_shapes can_cast count_nonzero empty empty_like equal eye finfo from_dlpack full full_like
    greater greater_equal iinfo isdtype isfinite isin isinf isnan less less_equal linspace logical_and logical_not
    logical_or logical_xor nonzero not_equal ones ones_like result_type searchsorted signbit unique_all unique_counts
    unique_inverse unique_values zeros zeros_like linalg.matrix_rank fft.fftfreq fft.rfftfreq
    """.split())  # fmt: skip


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_gpugrad_is_right_to_both_orders_in_every_dtype(chapter, backend):
    adapter = conformance.adapter("gpugrad")
    results = [run_case(adapter, case, dtype) for case in CASES if case.chapter == chapter for dtype in case.dtypes]
    report = conformance.Report(adapter.name, adapter.version, results)
    assert not report.failures(("other", "misfit", "nan", "wrong", "unsupported"))
    assert report.clean


def standard_functions():
    """Return the names of the functions of the standard, as its strict implementation has them."""
    parts = {"": array_api_strict, "linalg.": array_api_strict.linalg, "fft.": array_api_strict.fft}
    return {
        prefix + name for prefix, part in parts.items() for name in part.__all__ if is_function(getattr(part, name))
    }


def is_function(value):
    return callable(value) and not isinstance(value, type) and not hasattr(value, "_np_dtype")


def test_every_differentiable_function_of_the_standard_has_cases():
    extensions = {"get_array_api_strict_flags", "set_array_api_strict_flags", "reset_array_api_strict_flags",
                  "ArrayAPIStrictFlags", "__array_namespace_info__"}  # fmt: skip
    # Those of 2025.12 that an older array_api_strict does not have yet.
    due = standard_functions() - extensions | {"linalg.eig", "linalg.eigvals"}
    covered = {case.function for case in CASES}
    assert due - WITHOUT_GRADIENT == {name for name in covered if not name.startswith("array.")}


def test_there_are_enough_cases_and_no_two_of_one_name():
    names = [case.id for case in CASES]
    assert len(names) >= 1200
    assert len(set(names)) == len(names)
    assert all(case.id.startswith(case.function + ": ") for case in CASES)


def test_every_program_and_operator_is_used():
    assert {case.program for case in CASES} - {None} == set(PROGRAMS)
    assert {case.function for case in CASES if case.function.startswith("array.")} == set(OPERATORS)


def test_conventions_say_what_they_follow_and_facts_leave_no_choice():
    for case in CASES:
        assert (case.group == "convention") == bool(case.rule), case.id
        assert case.group == "convention" or case.admissible is None, case.id
        assert case.group == "convention" or case.second is not None, case.id


def test_inputs_are_the_same_numbers_in_single_and_double_precision():
    for case in CASES:
        for x in [*case.inputs, *case.cotangents, *case.tangents]:
            if x is not None and x.kind in ("real", "complex"):
                exact = numbers(x.values, x.kind)
                single = exact.astype(np.complex64 if x.kind == "complex" else np.float32)
                assert np.array_equal(single, exact, equal_nan=True), case.id


def test_the_parts_of_a_case_fit_each_other():
    for case in CASES:
        kept = [w for w in case.cotangents if w is not None]
        assert len(case.value) == len(case.cotangents), case.id
        assert [len(v) for v in case.value if v is not None] == [int(np.prod(w.shape)) for w in kept], case.id
        assert [x.shape for x in case.inputs] == [v.shape for v in case.tangents], case.id
        assert [len(g) for g in case.first] == [int(np.prod(x.shape)) for x in case.inputs], case.id


class Spoilt(conformance.Adapter):
    """gpugrad with one function in another's place."""

    name, version = "spoilt", "0"

    def __init__(self, **instead):
        self.sound = conformance.adapter("gpugrad")
        self.instead = instead

    def find(self, name):
        return self.instead.get(name) or self.sound.find(name)

    def array(self, host):
        return self.sound.array(host)

    def dtype(self, name):
        return self.sound.dtype(name)

    def first(self, function, inputs, cotangents):
        return self.sound.first(function, inputs, cotangents)

    def second(self, function, inputs, cotangents, tangents):
        return self.sound.second(function, inputs, cotangents, tangents)


def statuses(adapter, only):
    report = conformance.run(adapter, only)
    assert report.results
    return {r.first.status for r in report.results}, {r.second.status for r in report.results if r.second}


def without_half_its_gradient(x):
    return gpugrad.exp(x) * 0.5 + gpugrad.exp(x).detach() * 0.5


def with_a_constant_gradient(x):
    return gpugrad.exp(x).detach() + gpugrad.exp(x.detach()) * (x - x.detach())


def with_a_nan_gradient(x):
    return gpugrad.exp(x) + gpugrad.sqrt(x * 0) * 0


def raising(x):
    raise NotImplementedError("not today")


@pytest.mark.parametrize(
    ("instead", "first", "second"),
    [
        (without_half_its_gradient, "wrong", "wrong"),
        (with_a_constant_gradient, "right", "wrong"),
        (with_a_nan_gradient, "nan", "nan"),
        (raising, "unsupported", "unsupported"),
        (lambda x: x * 2, "unsupported", "unsupported"),  # another value, so another function
        (lambda x: (x, x), "unsupported", "unsupported"),
    ],
)
def test_a_function_that_is_not_right_is_found_out(backend, instead, first, second):
    assert statuses(Spoilt(exp=instead), "exp: vector") == ({first}, {second})
    assert statuses(Spoilt(exp=instead), "expm1: vector") == ({"right"}, {"right"})


def test_a_function_that_is_missing_is_unsupported():
    class Bare(Spoilt):
        def find(self, name):
            raise conformance.Unsupported(f"there is no {name}")

    report = conformance.run(Bare(), "exp: vector")
    assert {r.first.reason for r in report.results} == {"Unsupported: there is no exp"}
    assert not report.clean


def test_an_interrupt_is_not_swallowed():
    def interrupted(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        conformance.run(Spoilt(exp=interrupted), "exp: vector")
