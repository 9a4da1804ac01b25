"""The parts of the GPU check run through on the stand-in for CuPy, where they measure no GPU, and see faults."""

import dataclasses
import importlib.util
import math

import numpy as np
import pytest
from cuda_on_cpu.cases import kernels as kernels_and_dtypes
from fake_cupy import counts
from gpu_check import bandwidth, exact, steps, timing, ulp
from gpu_check.part import FAILED, PASSED

import gpugrad


@pytest.fixture
def on_the_stand_in(fake_cuda):
    with gpugrad.use_backend("cupy"):
        yield fake_cuda.cupy


# The exact values


def test_exact_values_are_those_of_the_standard_library():
    x = np.linspace(-6, 6, 1001)
    for ours, theirs in ((exact.erf, math.erf), (exact.erfc, math.erfc), (np.tanh, math.tanh)):
        np.testing.assert_allclose(ours(exact.wide(x)).astype(float), [theirs(v) for v in x], rtol=4e-15)
    x = exact.wide([-40.0, -1.0, 0.0, 1.0, 40.0])
    np.testing.assert_allclose(exact.sigmoid(x).astype(float), [1 / (1 + math.exp(-v)) for v in x], rtol=1e-15)
    np.testing.assert_allclose(exact.softplus(x).astype(float), [math.log1p(math.exp(v)) for v in x], rtol=1e-15)
    np.testing.assert_allclose(float(exact.gelu(exact.wide(-3.0))), -0.0040496940978, rtol=1e-9)
    np.testing.assert_allclose(exact.logsumexp(exact.wide([[1e4, 1e4]])).astype(float), [1e4 + math.log(2)])
    assert float(exact.norm(exact.wide([3, 4]))) == 5


@pytest.mark.skipif(not exact.WIDER, reason="long double is no wider than float64 here")
def test_exact_values_have_more_digits_than_float64():
    # In 20 digits, by mpmath 1.3.
    for x, erf, erfc in (
        (0.5, "0.52049987781304653768", "0.47950012218695346232"),
        (1.25, "0.92290012825645823014", "0.077099871743541769863"),
        (5.0, "0.99999999999846254021", "1.5374597944280348502e-12"),
    ):
        for found, expected in ((exact.erf(exact.wide(x)), erf), (exact.erfc(exact.wide(x)), erfc)):
            assert abs(found / np.longdouble(expected) - 1) < 5e-18


# Errors


def test_errors_count_units_in_the_last_place_of_normal_numbers():
    one = np.float32(1)
    expected = exact.wide([1.0, 2.0, 1e-45, 1e39])
    z = np.array([1.0, 2.0, 0.0, np.inf], np.float32)
    assert ulp.largest_ulp(z, expected) == 0
    z[0] = np.nextafter(one, 2)
    assert ulp.largest_ulp(z, expected) == 1
    z[1] = np.nan
    assert math.isnan(ulp.largest_ulp(z, expected))
    with pytest.raises(ValueError, match="no normal number"):
        ulp.largest_ulp(z[2:], expected[2:])


def test_the_errors_of_every_function_are_measured_in_every_dtype(on_the_stand_in):
    part = ulp.check(count=3000)
    assert part.state == PASSED, part.summary
    (table,) = part.tables
    names = "sigmoid sigmoid_backward tanh exp erf gelu silu softplus log_sigmoid logsumexp norm clip".split()
    assert [row[0] for row in table.rows] == names
    assert table.columns == ("function", "float16", "float32", "float64")
    shown = [float(cell.partition(" ")[0]) for row in table.rows for cell in row[1:3]]
    assert all(0 < error < 9 for error in shown)


def test_an_error_beyond_its_bound_is_a_failure_that_names_it(on_the_stand_in, monkeypatch):
    coarse = dataclasses.replace(ulp.FUNCTIONS[0], name="coarse", on_device=lambda x: x * 0 + 0.5)
    lost = dataclasses.replace(ulp.FUNCTIONS[0], name="lost", on_device=lambda x: x * float("nan"))
    monkeypatch.setattr(ulp, "FUNCTIONS", [ulp.FUNCTIONS[0], coarse, lost])
    part = ulp.check(count=300)
    assert part.state == FAILED
    assert "coarse in float32" in part.summary and "lost in float16" in part.summary
    assert "sigmoid in" not in part.summary


def test_where_long_double_is_no_wider_float64_is_not_measured_and_that_is_said(on_the_stand_in, monkeypatch):
    monkeypatch.setattr(exact, "WIDER", False)
    part = ulp.check(count=300)
    assert part.state == PASSED
    assert "float64 not measured: long double is no wider here" in part.summary
    assert {row[3] for row in part.tables[0].rows} == {"not measured"}


# Times and bandwidths


def test_a_time_is_the_median_of_windows_and_waits_once(on_the_stand_in, monkeypatch):
    called, elapsed = [], iter([9.0, 2.0, 4.0])
    monkeypatch.setattr(on_the_stand_in.cuda, "get_elapsed_time", lambda start, end: next(elapsed))
    counts.reset()
    assert timing.seconds(called.append, calls=2, windows=3) == pytest.approx(4.0 / 1e3 / 2)
    assert counts.synchronisations == 1
    assert called == [0, 1, *range(6)]


def test_every_kernel_is_timed_in_every_dtype_beside_a_copy(on_the_stand_in):
    part = bandwidth.check(size=8192, calls=2, windows=2)
    assert part.state == PASSED
    (table,) = part.tables
    assert table.rows[0][:2] == ("copy, device to device", "bytes") and table.rows[0][4] == "1.00"
    measured = {(row[0], row[1]) for row in table.rows[1:]}
    assert measured == {(kernel.name, dtype) for _, kernel, dtype in kernels_and_dtypes()}
    assert len(measured) == len(table.rows) - 1
    assert all(float(row[2]) > 0 for row in table.rows)
    assert {row[0] for row in table.rows if row[4] == "-"} == {"norm_and_coefficient"}


def test_the_bytes_are_those_that_a_kernel_reads_and_writes(on_the_stand_in):
    found, by_name = bandwidth.kernels(), {traffic.kernel: traffic for traffic in bandwidth.TRAFFIC}
    for name, dtype, expected in (
        ("sigmoid", "float32", 2 * 4 * 1000),
        ("sigmoid_backward", "float16", 3 * 2 * 1000),
        ("sum_of_squares", "float64", 8 * 1000),
        ("scale", "float32", 2 * 4 * 1000),
    ):
        arguments = bandwidth._arguments(found[name], by_name[name], dtype, 1000)
        assert bandwidth.moved(arguments, by_name[name]) == expected


def test_what_a_kernel_is_said_to_move_are_all_its_long_arrays():
    for traffic in bandwidth.TRAFFIC:
        parameters = {p.name: p for p in bandwidth.kernels()[traffic.kernel].parameters}
        assert {*traffic.reads.split(), *traffic.writes.split()} == {
            name for name, parameter in parameters.items() if parameter.length == "n"
        }


def test_buffers_are_random_and_outlast_the_cache(on_the_stand_in):
    array = bandwidth._filled(3_000_000, "float32").get()
    assert array.min() >= 0.5 and len(np.unique(array)) > 100_000
    assert array[-1] == array[(array.size - 1) % (1 << 20)]
    assert bandwidth._filled(1, "float64").tolist() == [1.0]
    assert bandwidth._sets(size=100, cache=1000) == 40
    assert bandwidth._sets(size=10**9, cache=1000) == 2
    assert bandwidth.largest() == 32 << 20  # of the stand-in's GiB, which stays free


# Steps

SMALL = (steps.Problem((5, 8, 3), 4), steps.Problem((20, 30, 30, 10), 16))


def brief(**options):
    return steps.check(SMALL, device="cpu", windows=2, window=0.0, most=3, **options)


def test_a_step_is_timed_for_each_problem_and_an_absent_torch_is_named(on_the_stand_in, monkeypatch):
    monkeypatch.setattr(steps, "torch_or_reason", lambda device: (None, "torch is not installed"))
    part = brief()
    assert part.state == PASSED
    assert "torch: not run, torch is not installed" in part.summary
    (table,) = part.tables
    assert [row[0] for row in table.rows] == ["5-8-3, batch 4", "20-30-30-10, batch 16"]
    assert all(float(row[1]) > 0 and row[2:4] == ("-", "-") for row in table.rows)


def test_steps_move_nothing_between_host_and_device(on_the_stand_in):
    step = steps.ours(SMALL[0])
    losses = [step().item() for _ in range(20)]
    assert losses[-1] < losses[0]
    counts.reset()
    step()
    assert counts.meetings == (0, 0, 0)


def test_the_same_steps_with_torch_come_to_the_same_losses(on_the_stand_in):
    pytest.importorskip("torch")
    part = brief()
    assert part.state == PASSED, part.summary
    assert part.summary == "both eager, float32 without TF32"
    for row in part.tables[0].rows:
        assert float(row[2]) > 0 and float(row[3]) > 0
        assert ", torch " in row[4]


def test_different_losses_are_a_failure(on_the_stand_in, monkeypatch):
    other = steps.ours(SMALL[1])
    monkeypatch.setattr(steps, "torch_or_reason", lambda device: (object(), ""))
    monkeypatch.setattr(steps, "theirs", lambda torch, problem, device: other)
    part = brief()
    assert part.state == FAILED
    assert "the losses differ or are not finite: 5-8-3, batch 4" in part.summary


def test_a_torch_that_cannot_help_is_named_with_its_reason(monkeypatch):
    class Torch:
        __version__ = "9"

        class cuda:
            is_available = staticmethod(lambda: False)

    def broken(name):
        raise OSError("libcudart is missing")

    if importlib.util.find_spec("torch") is None:
        assert steps.torch_or_reason("cuda") == (None, "torch is not installed")
    monkeypatch.setattr(steps.importlib, "import_module", lambda name: Torch)
    assert steps.torch_or_reason("cuda") == (None, "torch 9 sees no CUDA device")
    assert steps.torch_or_reason("cpu") == (Torch, "")
    monkeypatch.setattr(steps.importlib, "import_module", broken)
    assert steps.torch_or_reason("cpu") == (None, "torch: libcudart is missing")


def test_the_problems_are_those_that_speed_is_spoken_of():
    assert list(map(str, steps.PROBLEMS)) == [
        "784-128-10, batch 64",
        "784-512-512-10, batch 256",
        "1024-4096-4096-10, batch 8192",
    ]
    x, y, layers = steps.PROBLEMS[0].data()
    assert x.shape == (64, 784) and x.dtype == np.float32 and x.std() > 0.9
    assert y.shape == (64,) and y.max() < 10
    assert [(weight.shape, bias.shape) for weight, bias in layers] == [((128, 784), (128,)), ((10, 128), (10,))]
