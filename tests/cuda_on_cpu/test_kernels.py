"""Every kernel computes what its reference does, at every size and alignment; and would not, were a line missing."""

import itertools
import re
from pathlib import Path

import cuda_on_cpu
import numpy as np
import pytest
from cuda_on_cpu import KernelFault, Launch, Program, check
from cuda_on_cpu.cases import OFFSETS, REFERENCES, SIZES, Case, cases, copied, kernels

from gpugrad._fused import registry
from gpugrad.cuda import Kernel, source

pytestmark = pytest.mark.skipif(cuda_on_cpu.missing() is not None, reason=str(cuda_on_cpu.missing()))

KERNELS = kernels()
ORDERS = (0, 1, 7)  # forward, backward, shuffled


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
def test_special_numbers_are_those_of_the_reference(dtype: str) -> None:
    x = np.array(SPECIAL, dtype)
    z, gx = np.full_like(x, 3), np.full_like(x, 3)
    suffix = {"float16": "f16", "float32": "f32", "float64": "f64"}[dtype]
    cuda_on_cpu.run("sigmoid.cu", f"sigmoid_{suffix}", (1,), (32,), [x, z, x.size])
    cuda_on_cpu.run("sigmoid.cu", f"sigmoid_backward_{suffix}", (1,), (32,), [x, z, gx, x.size])
    expected = registry["sigmoid"].reference(x)
    limits = {"rtol": 4 * np.finfo(dtype).eps, "atol": 2 * np.finfo(dtype).tiny}
    np.testing.assert_allclose(z, expected, **limits)
    np.testing.assert_allclose(gx, registry["sigmoid_backward"].reference(x, z), **limits)


@pytest.mark.parametrize("values", [[np.inf, 1], [np.nan, 1], [np.nan, np.inf], [1e30, 1e30], [1e-30], [0.0], []])
def test_a_clip_coefficient_is_that_of_the_reference(values: list[float]) -> None:
    x = np.array(values, np.float32)
    partials, norm, coefficient = np.full(2, np.nan), np.zeros(1, np.float32), np.zeros(1, np.float32)
    cuda_on_cpu.run("clip.cu", "sum_of_squares_f32", (2,), (256,), [x, partials, x.size])
    cuda_on_cpu.run("clip.cu", "norm_and_coefficient_f32", (1,), (1024,), [partials, 2.0, norm, coefficient, 2])
    expected = registry["clip_coefficient"].reference([x], 2.0)
    np.testing.assert_allclose([norm[0], coefficient[0]], expected, rtol=1e-6)


def test_a_sum_is_the_same_bits_in_every_order_of_the_threads() -> None:
    x = np.random.default_rng(0).normal(size=4097).astype(np.float32)
    sums = set()
    for order in range(8):
        partials = np.zeros(2)
        cuda_on_cpu.run("clip.cu", "sum_of_squares_f32", (2,), (256,), [x, partials, x.size], order=order)
        sums.add(partials.tobytes())
    assert len(sums) == 1


# What may be missing in a kernel's text, and what stands there then. A loop is one with its statement in its line.
LOOP = r"for \((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\) [^{}\n]*;"
MUTATIONS = {
    "barrier": (r"__syncthreads\(\);", ""),
    "loop": (LOOP, ";"),
    "bound": (r"(?<=; i )<(?= \w+;)", "<="),
    "guard": (r"if \((?:threadIdx\.x|lane) [!=]= 0\)", "if (false)"),
    "smallest": (r"shared && head < n \? head : n", "shared ? head : n"),
    "alignment": (r"shared && head < n \? head : n", "head < n ? head : n"),
    "count of warps": (r"lane < warps \? sums\[lane\] : 0\.0", "sums[lane]"),
}

# A block that sums twice in a row, which no kernel does yet: the second barrier of block_sum is for it.
TWICE = """
extern "C" __global__ void sum_twice(const double* x, double* z) {
    const double first = block_sum(x[threadIdx.x]);
    const double second = block_sum(x[threadIdx.x] * 2);
    if (threadIdx.x == 0) z[0] = first, z[1] = second;
}
"""


def mutants() -> list:
    found = []
    for file in ("common.cuh", *source.names()):
        text = (source.folder() / file).read_text("utf-8")
        for kind, (pattern, instead) in MUTATIONS.items():
            for match in re.finditer(pattern, text):
                mutant = text[: match.start()] + instead + text[match.end() :]
                line = text.count("\n", 0, match.start()) + 1
                found.append(pytest.param(file, mutant, id=f"{file}-{line}-{kind}"))
    return found


def test_the_mutants_are_those_that_were_meant() -> None:
    kinds = [param.id.rpartition("-")[2] for param in mutants()]
    barriers = sum(
        (source.folder() / file).read_text("utf-8").count("__sync") for file in ("common.cuh", *source.names())
    )
    assert kinds.count("barrier") == barriers
    assert set(kinds) == set(MUTATIONS)


def differs(folder: Path, file: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Return whether the comparison fails with the kernels in `folder`; common.cuh is tried with each of them."""
    monkeypatch.setattr(source, "folder", lambda: folder)
    return any(one_differs(of) for of in (source.names() if file == "common.cuh" else [file]))


def one_differs(of: str) -> bool:
    text = source.read(of).replace("    DEFINE(f16, __half)        \\\n", "").replace("    DEFINE(f64, double)", "")
    program = Program(re.sub(r"(DEFINE\(f32, float\)) *\\\n", r"\1\n", text) + TWICE, of)
    x, z = np.arange(256.0), np.zeros(2)
    try:
        for order in ORDERS:
            program.run(Launch("sum_twice", (1,), (256,), [x, z], order=order))
            assert list(z) == [x.sum(), 2 * x.sum()]
            for of_file, kernel, dtype in KERNELS:
                if of_file == of and dtype == "float32":
                    for case in cases(kernel, dtype, order=order):
                        case.run(program)
    except (AssertionError, KernelFault):
        return True
    return False


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for file in ("common.cuh", *source.names()):
        (tmp_path / file).write_text((source.folder() / file).read_text("utf-8"), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("file", source.names())
def test_an_unchanged_copy_agrees(file: str, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not differs(copy, file, monkeypatch)


@pytest.mark.parametrize(("file", "mutant"), mutants())
def test_nothing_may_be_missing(file: str, mutant: str, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (copy / file).write_text(mutant, encoding="utf-8")
    assert differs(copy, file, monkeypatch)
