"""What NVRTC makes of the kernels agrees with their references, even where a GPU's mathematics is at its worst."""

import itertools
import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cuda_on_cpu import KernelFault, Launch, Program, check, ptx, runners, unavailable
from cuda_on_cpu.build import CompileError
from cuda_on_cpu.cases import Case, kernels, placed
from cuda_on_cpu.ptx import ARCHITECTURES, PtxError, PtxProgram
from cuda_on_cpu.ptx.program import emitted

from gpugrad.cuda import Kernel, nvrtc, source

pytestmark = pytest.mark.skipif(ptx.missing() is not None, reason=str(ptx.missing()))

ROOT = Path(__file__).parents[2]
every_architecture = pytest.mark.parametrize("architecture", ARCHITECTURES)
each_file = pytest.mark.parametrize("file", source.names())


def small(kernel: Kernel, dtype: str, order: int) -> list[Case]:
    """Return the cases that reach every loop of a kernel at every alignment, in one order of the threads."""
    return [
        Case(kernel, dtype, size, offset, apart, order)
        for size, offset, apart in itertools.product((0, 1, 5, 33, 257, 1025), (0, 1, 3), (False, True))
    ]


@each_file
@every_architecture
@pytest.mark.parametrize("seed", range(5))
def test_a_kernel_agrees_with_its_reference_as_it_is_and_perturbed(file: str, architecture: str, seed: int) -> None:
    program = PtxProgram.of(file, architecture, seed)
    for of, kernel, dtype in kernels():
        if of == file:
            for case in small(kernel, dtype, order=seed):
                case.run(program)


@each_file
@every_architecture
def test_every_kernel_of_the_source_is_there(file: str, architecture: str) -> None:
    assert PtxProgram.of(file, architecture).entries == Program.of(file).entries  # parameters and launch bounds too


# How exact the results are

EVERYWHERE = np.concatenate(
    [np.linspace(-105, 105, 40_000), np.random.default_rng(0).normal(scale=5, size=40_000)]
).astype(np.float32)


def units_off(program: Program, x: np.ndarray) -> float:
    """Return how far a sigmoid is from the exact one, in units in the last place, where that is a normal number."""
    z = np.empty_like(x)
    suffix = {"float16": "f16", "float32": "f32"}[x.dtype.name]
    program.run(Launch(f"sigmoid_{suffix}", (64,), (256,), [x, z, x.size]))
    exact = 1 / (1 + np.exp(-x.astype(np.float64)))
    normal = exact >= np.finfo(x.dtype).tiny
    unit = np.spacing(exact[normal].astype(x.dtype)).astype(np.float64)
    return float(np.max(np.abs(z[normal].astype(np.float64) - exact[normal]) / unit))


@every_architecture
@pytest.mark.parametrize("seed", range(6))
def test_a_sigmoid_is_within_3_units_whatever_the_hardware_approximates(architecture: str, seed: int) -> None:
    assert units_off(PtxProgram.of("sigmoid.cu", architecture, seed), EVERYWHERE) <= 3


@every_architecture
@pytest.mark.parametrize("seed", range(4))
def test_a_sigmoid_in_float16_is_the_nearest_of_its_numbers(architecture: str, seed: int) -> None:
    x = np.random.default_rng(2).normal(scale=5, size=10_000).astype(np.float16)
    assert units_off(PtxProgram.of("sigmoid.cu", architecture, seed), x) <= 0.51


# The perturbation

APPROXIMATE = """
extern "C" __global__ void f(const float* x, float* z, int n) {
    const int i = threadIdx.x;
    z[i] = exp2f(x[i]), z[i + n] = __sinf(x[i]), z[i + 2 * n] = __fdividef(1.5f, x[i]), z[i + 3 * n] = rsqrtf(x[i]);
}
"""


def approximated(x: np.ndarray, seed: int, units: float = 2.5) -> np.ndarray:
    z = np.zeros((4, x.size), np.float32)
    program = PtxProgram(APPROXIMATE, "f.cu", "compute_90", seed=seed, units=units)
    program.run(Launch("f", (1,), (x.size,), [x, z, np.int32(x.size)]))
    return z


def test_a_seed_moves_results_and_the_same_seed_moves_them_alike() -> None:
    x = np.linspace(0.1, 3, 500, dtype=np.float32)
    plain, *others = (approximated(x, seed) for seed in (0, 1, 2, 3))
    assert np.array_equal(others[0], approximated(x, 1))
    for one, other in itertools.combinations([plain, *others], 2):
        assert np.all(np.mean(one != other, axis=1) > 0.5)
    moves = (np.stack(others).view(np.int32).astype(np.int64) - plain.view(np.int32))[:, [0, 2, 3]]
    assert set(range(-2, 3)) <= set(moves.ravel()) <= set(range(-3, 4))  # 2.5 units from the exact result
    assert np.max(np.abs(np.stack(others)[:, 1] - plain[1])) <= 2**-20.5 + 2**-23


def test_a_faithful_result_is_next_to_the_exact_one() -> None:
    x = np.linspace(-3, 3, 1000, dtype=np.float32)
    exact = np.exp2(x.astype(np.float64))
    z = np.stack([approximated(x, seed, 1.0)[0] for seed in range(1, 5)]).astype(np.float64)
    assert np.all(np.abs(z - exact) <= np.spacing(exact.astype(np.float32)))
    assert np.any(z < exact) and np.any(z > exact)


def test_what_the_isa_says_exactly_is_not_moved() -> None:
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan], np.float32)
    for seed in range(1, 20):
        np.testing.assert_array_equal(approximated(x, seed), approximated(x, 0))
    assert approximated(x, 7)[0].tolist()[:4] == [1, 1, np.inf, 0]


# A PTX that is wrong


def mutilated(file: str, old: str, new: str) -> PtxProgram:
    text = source.read(file)
    right = emitted(text, file, "compute_90")
    assert old in right
    return PtxProgram(text, file, "compute_90", ptx=right.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("clip.cu", "bar.sync \t0;", "// bar.sync"),
        ("clip.cu", "setp.ne.s32", "setp.eq.s32"),
        ("clip.cu", "shfl.sync.down", "shfl.sync.up"),
        ("sigmoid.cu", "neg.f32", "abs.f32"),
        ("sigmoid.cu", "setp.lt.s64", "setp.le.s64"),
        ("sigmoid.cu", "cvt.rni.f32.f32", "cvt.rmi.f32.f32"),
        ("sigmoid.cu", "0fBF318000", "0fBF318004"),
        ("sigmoid.cu", "0f3E2AAAAB", "0f3E2BAAAB"),
    ],
)
def test_a_mutilated_ptx_fails(file: str, old: str, new: str) -> None:
    cases = [
        case
        for order, (of, kernel, dtype) in itertools.product((0, 1, 7), kernels())
        if of == file
        for case in small(kernel, dtype, order)
    ]
    program = mutilated(file, old, new)
    with pytest.raises((AssertionError, KernelFault)):
        any(case.run(program) for case in cases)


# The runner

PLAIN = """
extern "C" __global__ void __launch_bounds__(64) copy(const float* x, float* z) {
    const float4 pack =
        reinterpret_cast<const float4*>(x)[threadIdx.x];
    reinterpret_cast<float4*>(z)[threadIdx.x] = pack;
}
extern "C" __global__ void halve(const float* x, float* z, long long n) {
    for (long long i = threadIdx.x; i < n; i += blockDim.x) z[i] = x[i] / 2;
}
extern "C" __global__ void unset(float* z) {
    __shared__ float values[64];
    values[threadIdx.x] = 1;
    __syncthreads();
    *z = values[blockDim.x];
}
extern "C" __global__ void beyond(float* z, int i) {
    extern __shared__ float values[];
    values[threadIdx.x] = threadIdx.x;
    *z = values[i];
}
extern "C" __global__ void wait(float* z) {
    if (threadIdx.x < 5) __syncthreads();
    *z = 1;
}
extern "C" __global__ void trap(int* x) { if (*x) __trap(); }
"""


def plain(entry: str, args: list, *, architecture: str = "compute_90", block: int = 32, **settings: object) -> None:
    PtxProgram(PLAIN, "plain.cu", architecture).run(Launch(entry, (1,), (block,), args, **settings))


def ones(size: int, offset: int = 0) -> np.ndarray:
    return placed(np.ones(size, np.float32), offset)


@every_architecture
def test_a_misaligned_pack_is_named_with_its_line(architecture: str) -> None:
    program = PtxProgram(PLAIN, "plain.cu", architecture)
    program.run(Launch("copy", (1,), (8,), [ones(32), ones(32)]))
    with pytest.raises(KernelFault, match=r"copy: plain\.cu:[45]: a misaligned access: the address ends in 0x\w4"):
        program.run(Launch("copy", (1,), (8,), [ones(32, 1), ones(32, 1)]))


def test_uninitialised_shared_memory_is_nan() -> None:
    z = np.zeros(1, np.float32)
    plain("unset", [z], block=1)
    assert np.isnan(z[0])


def test_an_access_outside_of_shared_memory_is_named_with_its_line() -> None:
    z = np.zeros(1, np.float32)
    plain("beyond", [z, np.int32(31)], shared_bytes=128)
    assert z[0] == 31
    for index in (32, -1):
        with pytest.raises(KernelFault, match=r"beyond: plain\.cu:19: an access outside of shared memory"):
            plain("beyond", [z, np.int32(index)], shared_bytes=128)


def test_a_divergent_barrier_a_trap_and_a_write_beside_an_array_are_named() -> None:
    with pytest.raises(KernelFault, match=r"wait: plain\.cu:22: a barrier in divergent control flow: 5 of 32 threads"):
        plain("wait", [np.zeros(1, np.float32)])
    with pytest.raises(KernelFault, match=r"trap: plain\.cu:25: the kernel trapped"):
        plain("trap", [np.ones(1, np.int32)])
    with pytest.raises(KernelFault, match="halve: it wrote behind the array of argument 1"):
        plain("halve", [ones(9), ones(8), 9])
    with pytest.raises(KernelFault, match="a block of 65 threads .* launch bounds are 64"):
        plain("copy", [None, None], block=65)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([ones(4), ones(4)], "takes 3 arguments: 2 were given"),
        ([ones(4), ones(4), np.int32(4)], "argument 2 must be int64, and is int32"),
        ([ones(4).astype(np.float64), ones(4), 4], r"argument 0 must be const float32\*, and is an array of float64"),
    ],
)
def test_a_wrong_argument_is_named_as_for_the_source(args: list, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        plain("halve", args)


def test_parameters_of_another_width_than_the_sources_are_refused() -> None:
    right = emitted(PLAIN, "plain.cu", "compute_90")
    wrong = right.replace(".param .u64 halve_param_2", ".param .u32 halve_param_2").replace(
        ".param .b64 halve_param_2", ".param .b32 halve_param_2"
    )
    assert wrong != right
    with pytest.raises(CompileError, match=r"halve has parameters of \[8, 8, 4\] bytes in PTX, and of \[8, 8, 8\]"):
        PtxProgram(PLAIN, "plain.cu", "compute_90", ptx=wrong)


def test_an_array_that_is_read_too_far_is_found_with_its_line() -> None:
    if reason := unavailable("address"):
        pytest.skip(reason)
    program, z = PtxProgram(PLAIN, "plain.cu", "compute_90"), ones(32)
    check(program, [Launch("halve", (1,), (32,), [ones(32), z, 32])], "address")
    assert np.all(z == 0.5)
    with pytest.raises(KernelFault, match=r"AddressSanitizer.* at plain\.cu:8"):
        check(program, [Launch("halve", (1,), (32,), [ones(31), ones(32), 32])], "address")


def test_a_race_is_found_with_its_line() -> None:
    if reason := unavailable("thread"):
        pytest.skip(reason)
    program = PtxProgram(PLAIN, "plain.cu", "compute_90")
    check(program, [Launch("halve", (1,), (32,), [ones(32), ones(32), 32])], "thread")
    with pytest.raises(KernelFault, match=r"data race.*plain\.cu:8"):
        check(program, [Launch("halve", (2,), (32,), [ones(32), ones(32), 32])], "thread")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "ret;",
            "frobnicate.f32 %f1, %f2;",
            r"plain\.cu: copy: plain\.cu:\d+ \(PTX line \d+\): the instruction frobnicate",
        ),
        ("ret;", "add.rx.f32 %f1, %f1, %f1;", "the instruction add.rx.f32 with 3 operands is not known"),
        ("ret;", "mov.u32 %r1, %smid;", "the register %smid of the hardware is not known"),
        ("ret;", "add.f32 %nobody, %f1, %f1;", "%nobody is not known, as register"),
        ("ret;", "bra $nowhere;", r"\$nowhere is not known, as label"),
        ("ret;", "bar.sync 1;", "bar.sync knows the barrier 0 of all threads alone"),
        ("ret;", "call.uni vprintf, (%rd1);", "it calls vprintf, which has no body here"),
        ("ret;", "ret", "line \\d+: '}' stands where a name must be"),
        (".address_size 64", ".address_size 32", "addresses of 32 bits are not known"),
        (".version", ".virsion", "the directive .virsion is not known"),
        ("ret;", "ret; `", "'`.*' is no PTX"),
    ],
)
def test_what_is_not_known_is_an_error_that_names_it(old: str, new: str, message: str) -> None:
    right = emitted(PLAIN, "plain.cu", "compute_90")
    with pytest.raises(PtxError, match=message):
        PtxProgram(PLAIN, "plain.cu", "compute_90", ptx=right.replace(old, new, 1))


def test_a_runner_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(ValueError, match="'sm_42' runs no kernels: source, sm_75, sm_90, sm_120 do"):
        runners.program_of("sigmoid.cu", "sm_42")
    assert runners.program_of("sigmoid.cu", "sm_90-perturbed") is runners.program_of("sigmoid.cu", "sm_90-perturbed-1")


# The tests that meet the kernels through CuPy's stand-in

NUMERICAL = (
    "tests/fused/test_sigmoid.py",
    "tests/nn/test_clipping.py",
    "tests/ops/test_numerics.py",
    "tests/cuda/test_transfers.py::test_kernels_are_called_with_what_they_read",
)


def outcome(runner: str, *options: str) -> tuple[int, str]:
    """Run numerical tests on the stand-in alone, with kernels from a runner; return pytest's status and its last words.

    Whatever backends this run of the tests was told to take.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    settings = {"GPUGRAD_TEST_KERNELS": runner, "GPUGRAD_TEST_BACKENDS": "fake-cuda"}
    done = subprocess.run(command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True)
    return done.returncode, done.stdout[-2000:]


def test_numerical_tests_keep_their_tolerances() -> None:
    status, said = outcome("sm_120-perturbed", *NUMERICAL, "-k", "fake-cuda or kernels_are_called")
    assert status == 0, said
    assert int(re.search(r"(\d+) passed", said)[1]) > 50, said


def test_the_choice_of_kernels_is_taken_and_a_wrong_one_is_an_error() -> None:
    status, said = outcome("sm_42", NUMERICAL[0], "-x", "-k", "extremes and fake-cuda")
    assert status == 1 and "'sm_42' runs no kernels" in said


def test_compiling_leaves_pythons_own_bytes_alone() -> None:
    nvrtc.compile_ptx('extern "C" __global__ void f() {}', "f.cu", "compute_90")  # its log is one byte long
    assert struct.pack("B", 32)[0] == 32
