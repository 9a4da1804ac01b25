"""Every kernel computes what its reference does, at every size and alignment."""

import itertools

import cuda_on_cpu
import numpy as np
import pytest
from cuda_on_cpu import Launch, Program, check, runners
from cuda_on_cpu.cases import OFFSETS, REFERENCES, SIZES, Case, cases, copied, kernels
from cuda_on_cpu.large import large_cases

from gpugrad._fused import registry
from gpugrad.cuda import Kernel, source

pytestmark = pytest.mark.skipif(cuda_on_cpu.missing() is not None, reason=str(cuda_on_cpu.missing()))

KERNELS = kernels()
ORDERS = (0, 1, 7)  # forward, backward, shuffled
PERTURBED = ("sm_75-perturbed-1", "sm_90-perturbed-2", "sm_90-perturbed-3", "sm_120-perturbed-4")


@pytest.fixture(params=[*runners.RUNNERS, *PERTURBED])
def run(request: pytest.FixtureRequest):
    """Run a kernel from its source, or from what NVRTC makes of it."""
    if reason := runners.lacks(request.param):
        pytest.skip(reason)

    def launched(file: str, entry: str, grid: int, block: int, *args: object, order: int = 0) -> None:
        runners.program_of(file, request.param).run(Launch(entry, (grid,), (block,), args, order=order))

    return launched


@pytest.mark.parametrize(("file", "kernel", "dtype"), KERNELS, ids=lambda value: getattr(value, "name", value))
def test_a_kernel_agrees_with_its_reference(file: str, kernel: Kernel, dtype: str) -> None:
    program = Program.of(file)
    for order in ORDERS:
        for case in cases(kernel, dtype, order=order):
            case.run(program)


def test_every_entry_point_is_among_the_cases() -> None:
    entries = {kernel.entry_point(dtype) for _, kernel, dtype in KERNELS}
    assert entries == {entry for file in source.names() for entry in Program.of(file).entries}
    assert {kernel.name for _, kernel, _ in KERNELS} == set(REFERENCES)


def test_the_sizes_and_offsets_reach_every_loop() -> None:
    assert {0, 1, 4097} <= set(SIZES)
    assert set(OFFSETS) == {0, 1, 2, 3}


@pytest.mark.parametrize("file", source.names())
def test_no_kernel_leaves_its_arrays_or_is_undefined(file: str) -> None:
    if reason := cuda_on_cpu.unavailable("address"):
        pytest.skip(reason)
    program = Program.of(file)
    chosen = [
        Case(kernel, dtype, size, offset, apart)
        for of, kernel, dtype in KERNELS
        if of == file
        for size, offset, apart in itertools.product((0, 1, 5, 33, 1025), (0, 1, 3), (False, True))
    ]
    launches = [case.launch(program) for case in chosen]
    before = [copied(named) for _, named in launches]
    check(program, [launch for launch, _ in launches], "address")
    for case, old, (_, new) in zip(chosen, before, launches, strict=True):
        case.compare(old, new)


@pytest.mark.parametrize("file", source.names())
def test_an_index_has_room_for_more_than_2_to_the_31_elements(file: str) -> None:
    if reason := cuda_on_cpu.unavailable("address"):
        pytest.skip(reason)
    program = Program.of(file)
    chosen = [case for of, kernel, dtype in KERNELS if of == file for case in large_cases(kernel, dtype)]
    launches = [case.launch(program) for case in chosen]
    before = [copied(named) for _, named in launches]
    check(program, [launch for launch, _ in launches], "address")
    for case, old, (_, new) in zip(chosen, before, launches, strict=True):
        case.compare(old, new)


@pytest.mark.parametrize("file", source.names())
def test_no_kernel_has_a_race(file: str) -> None:
    if reason := cuda_on_cpu.unavailable("thread"):
        pytest.skip(reason)
    program = Program.of(file)
    chosen = [
        Case(kernel, dtype, 1025, 1, False, threads=64)
        for of, kernel, dtype in KERNELS
        if of == file and dtype == "float32"
    ]
    check(program, [case.launch(program)[0] for case in chosen], "thread")


SPECIAL = [
    0.0,
    -0.0,
    np.inf,
    -np.inf,
    np.nan,
    1.0,
    -1.0,
    11.0,
    -17.0,
    88.0,
    -88.0,
    104.0,
    -104.0,
    710.0,
    -746.0,
    6e4,
    -6e4,
]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.filterwarnings("ignore:.*(overflow|invalid):RuntimeWarning")
def test_special_numbers_are_those_of_the_reference(run, dtype: str) -> None:
    x = np.array(SPECIAL, dtype)
    z, gx = np.full_like(x, 3), np.full_like(x, 3)
    suffix = {"float16": "f16", "float32": "f32", "float64": "f64"}[dtype]
    run("sigmoid.cu", f"sigmoid_{suffix}", 1, 32, x, z, x.size)
    run("sigmoid.cu", f"sigmoid_backward_{suffix}", 1, 32, x, z, gx, x.size)
    expected = registry["sigmoid"].reference(x)
    limits = {"rtol": 4 * np.finfo(dtype).eps, "atol": 2 * np.finfo(dtype).tiny}
    np.testing.assert_allclose(z, expected, **limits)
    np.testing.assert_allclose(gx, registry["sigmoid_backward"].reference(x, z), **limits)


def test_a_sigmoid_fades_to_zero_and_stays_there(run) -> None:
    x = np.linspace(-700, -60, 20_001, dtype=np.float32)
    z = np.full_like(x, 3)
    run("sigmoid.cu", "sigmoid_f32", 2, 256, x, z, x.size)
    exact = 1 / (1 + np.exp(-x.astype(np.float64)))
    unit = np.spacing(np.maximum(exact, np.finfo(np.float32).smallest_subnormal).astype(np.float32))
    assert np.all(np.abs(z - exact) <= 3 * unit)
    assert np.all(z[x < -104] == 0)


@pytest.mark.parametrize("file", source.names())
def test_special_numbers_are_converted_to_whole_ones_as_c_defines_it(file: str) -> None:
    if reason := cuda_on_cpu.unavailable("address"):  # which finds what a processor would do in a way of its own
        pytest.skip(reason)
    launches = []
    for _, kernel, dtype in (one for one in KERNELS if one[0] == file and one[1].threads == 256):
        launch, named = Case(kernel, dtype, len(SPECIAL), 0, False).launch(Program.of(file))
        for parameter in kernel.parameters:
            if parameter.length == "n":
                named[parameter.name][...] = SPECIAL
        launches.append(launch)
    check(Program.of(file), launches, "address")


@pytest.mark.parametrize(
    "values", [[np.inf, 1], [np.nan, 1], [np.nan, np.inf], [1e30, 1e30], [1.5], [1e-30], [0.0], []]
)
def test_a_clip_coefficient_is_that_of_the_reference(run, values: list[float]) -> None:
    x = np.array(values, np.float32)
    partials, norm, coefficient = np.full(2, np.nan), np.zeros(1, np.float32), np.zeros(1, np.float32)
    run("clip.cu", "sum_of_squares_f32", 2, 256, x, partials, x.size)
    run("clip.cu", "norm_and_coefficient_f32", 1, 1024, partials, 2.0, norm, coefficient, 2)
    expected = registry["clip_coefficient"].reference([x], 2.0)
    np.testing.assert_allclose([norm[0], coefficient[0]], expected, rtol=1e-6)


def test_a_sum_is_the_same_bits_in_every_order_of_the_threads(run) -> None:
    x = np.random.default_rng(0).normal(size=4097).astype(np.float32)
    sums = set()
    for order in range(8):
        partials = np.zeros(2)
        run("clip.cu", "sum_of_squares_f32", 2, 256, x, partials, x.size, order=order)
        sums.add(partials.tobytes())
    assert len(sums) == 1
