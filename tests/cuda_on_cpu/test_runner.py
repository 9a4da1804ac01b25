"""What a kernel does wrong is found by the checker that is for it, and a right one is left alone."""

import re

import cuda_on_cpu
import numpy as np
import pytest
from cuda_on_cpu import KernelFault, Launch, Program, build, check
from cuda_on_cpu.__main__ import main
from cuda_on_cpu.cases import REFERENCES, placed

pytestmark = pytest.mark.skipif(cuda_on_cpu.missing() is not None, reason=str(cuda_on_cpu.missing()))

TOTAL = """
extern "C" __global__ void __launch_bounds__(128) total(const float* x, float* result, long long n) {
    __shared__ float sums[32];
    float sum = 0;
    for (long long i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) sum += x[i];
    for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_down_sync(0xffffffffu, sum, offset);
    if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = sum;
    __syncthreads();
    if (threadIdx.x >= 32) return;
    sum = threadIdx.x < blockDim.x / 32 ? sums[threadIdx.x] : 0;
    for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_down_sync(0xffffffffu, sum, offset);
    if (threadIdx.x == 0) atomicAdd(result, sum);
}

extern "C" __global__ void __launch_bounds__(128) halve(const float* x, float* z, long long n) {
    const bool aligned = reinterpret_cast<size_t>(x) % 16 == 0 && reinterpret_cast<size_t>(z) % 16 == 0;
    const long long packs = aligned ? n / 4 : 0;
    for (long long i = threadIdx.x; i < packs; i += blockDim.x) {
        float4 pack = reinterpret_cast<const float4*>(x)[i];
        reinterpret_cast<float4*>(z)[i] = make_float4(pack.x / 2, pack.y / 2, pack.z / 2, pack.w / 2);
    }
    for (long long i = 4 * packs + threadIdx.x; i < n; i += blockDim.x) z[i] = x[i] / 2;
}
"""

# What is wrong: the right text, and what stands for it.
BUGS = {
    "nothing": ("", ""),
    "missing barrier": ("    __syncthreads();\n", "\n"),
    "barrier in a divergent branch": ("    __syncthreads();", "    if (threadIdx.x < 64) __syncthreads();"),
    "uninitialised shared read": ("threadIdx.x < blockDim.x / 32 ? sums[threadIdx.x] : 0", "sums[threadIdx.x]"),
    "cross-block add without atomic": ("atomicAdd(result, sum)", "*result += sum"),
    "out of bounds by one": ("i < n; i += blockDim.x)", "i <= n; i += blockDim.x)"),
    "out of bounds by one, reading": ("i < n; i += gridDim.x", "i <= n; i += gridDim.x"),
    "misaligned float4": ("aligned ? n / 4 : 0", "n / 4"),
    "shared index too large": ("sums[threadIdx.x / 32] =", "sums[threadIdx.x / 32 + 31] ="),
}
LINES = {
    "if (threadIdx.x % 32": 7,
    "__syncthreads": 8,
    "sum = threadIdx": 10,
    "atomicAdd": 12,
    "pack =": 19,
    "z[i] =": 22,
}


@pytest.fixture(params=cuda_on_cpu.SANITIZERS)
def sanitizer(request: pytest.FixtureRequest) -> str:
    """Each sanitizer in turn, where it runs."""
    return needed(request.param)


@pytest.fixture
def address() -> str:
    return needed("address")


@pytest.fixture
def thread() -> str:
    return needed("thread")


def needed(sanitizer: str) -> str:
    if reason := cuda_on_cpu.unavailable(sanitizer):
        pytest.skip(reason)
    return sanitizer


def planted(bug: str) -> Program:
    right, wrong = BUGS[bug]
    assert right in TOTAL
    return Program(TOTAL.replace(right, wrong, 1) if right else TOTAL, "planted.cu")


def total(size: int = 1000, **settings: object) -> Launch:
    x = np.ones(size, np.float32)
    return Launch("total", (3,), (128,), [x, np.zeros(1, np.float32), size], **settings)


def halve(size: int = 7, offset: int = 0) -> Launch:
    x, z = (placed(np.full(size, value, np.float32), offset) for value in (2, np.nan))
    return Launch("halve", (1,), (128,), [x, z, size])


def result(launch: Launch) -> float:
    return float(launch.args[1][0])


def correct(launch: Launch) -> bool:
    return bool(np.all(launch.args[1] == (launch.args[2] if launch.entry == "total" else 1)))


ALL = [total, halve, lambda: halve(1000, 1), lambda: halve(0), lambda: total(0), lambda: total(order=1)]


@pytest.mark.parametrize("make", ALL)
def test_a_right_kernel_is_right(make) -> None:
    launch = make()
    planted("nothing").run(launch)
    assert correct(launch)


def test_a_right_kernel_raises_no_alarm(sanitizer: str) -> None:
    launches = [make() for make in ALL]
    check(planted("nothing"), launches, sanitizer)
    assert all(map(correct, launches))


def test_a_missing_barrier_gives_a_wrong_result_in_some_order() -> None:
    launches = [total(order=order) for order in range(4)]
    for launch in launches:
        planted("missing barrier").run(launch)
    assert not all(map(correct, launches))


@pytest.mark.usefixtures("thread")
def test_a_missing_barrier_is_a_race() -> None:
    with pytest.raises(KernelFault, match="data race") as caught:
        check(planted("missing barrier"), [total()], "thread")
    # Write and read, whichever came first.
    assert set(re.findall(r"planted\.cu:(\d+)", str(caught.value))) == {
        str(LINES["if (threadIdx.x % 32"]),
        str(LINES["sum = threadIdx"]),
    }


def test_a_barrier_in_a_divergent_branch_is_named() -> None:
    program = planted("barrier in a divergent branch")
    program.run(total(strict=False))  # a GPU may go on, or wait for ever
    where = rf"planted\.cu:{LINES['__syncthreads']}: a barrier in divergent control flow: 64 of 128 threads"
    with pytest.raises(KernelFault, match=where):
        program.run(total())


def test_the_sanitizers_processes_have_strict_barriers_too(sanitizer: str) -> None:
    with pytest.raises(KernelFault, match=r"planted\.cu:\d+: a barrier in divergent"):
        check(planted("barrier in a divergent branch"), [total()], sanitizer)


def test_barriers_on_two_sides_of_a_branch_are_named() -> None:
    text = 'extern "C" __global__ void f() {\n if (threadIdx.x < 5)\n __syncthreads();\n else\n __syncthreads();\n}'
    with pytest.raises(KernelFault, match=r"f\.cu:3: .* wait at f\.cu:5"):
        Program(text, "f.cu").run(Launch("f", (1,), (32,), []))


def test_a_shuffle_that_some_of_its_mask_miss_is_named() -> None:
    text = (
        'extern "C" __global__ void f(int* x) {\n'
        "if (threadIdx.x < 5) x[0] = __shfl_sync(~0u, 1, 0);\nelse __syncthreads();\n}"
    )
    with pytest.raises(KernelFault, match=r"f\.cu:3: .* wait in their warp at f\.cu:2"):
        Program(text, "f.cu").run(Launch("f", (1,), (32,), [np.zeros(1, np.int32)]))


def test_an_uninitialised_read_of_shared_memory_is_nan() -> None:
    launch = total()
    planted("uninitialised shared read").run(launch)
    assert np.isnan(result(launch))


@pytest.mark.usefixtures("thread")
def test_an_add_from_several_blocks_without_an_atomic_is_a_race() -> None:
    launch = total()
    planted("cross-block add without atomic").run(launch)
    assert correct(launch)  # block after block, nothing is lost
    with pytest.raises(KernelFault, match=rf"data race.*planted\.cu:{LINES['atomicAdd']}"):
        check(planted("cross-block add without atomic"), [total()], "thread")


def test_a_write_beside_an_array_is_found_without_a_sanitizer() -> None:
    with pytest.raises(KernelFault, match="halve: it wrote behind the array of argument 1"):
        planted("out of bounds by one").run(halve())


@pytest.mark.usefixtures("address")
@pytest.mark.parametrize("bug", ["out of bounds by one", "out of bounds by one, reading"])
@pytest.mark.parametrize("size", [0, 1, 7, 1000])
def test_out_of_bounds_by_one_is_found_with_its_line(bug: str, size: int) -> None:
    launch, line = (total(size), 5) if "reading" in bug else (halve(size), LINES["z[i] ="])
    with pytest.raises(KernelFault, match=rf"AddressSanitizer.* at planted\.cu:{line}"):
        check(planted(bug), [launch], "address")


TYPES = {"bool": "bool", "int8": "signed char", "float16": "__half", "float32": "float", "int64": "long long"}
BESIDE = """
extern "C" __global__ void put(T* z, const T* x, int i) {
    z[i] = (T)1;
}
extern "C" __global__ void take(T* z, const T* x, int i) {
    z[0] = x[i];
}"""


@pytest.mark.usefixtures("address")
@pytest.mark.parametrize("dtype", TYPES)
def test_one_element_beside_an_array_of_any_dtype_is_found(dtype: str) -> None:
    program = Program(f"typedef {TYPES[dtype]} T;{BESIDE}", "beside.cu")

    def launch(entry: str, i: int) -> Launch:
        return Launch(entry, (1,), (1,), [np.zeros(7, dtype), placed(np.zeros(7, dtype), 0), np.int32(i)])

    check(program, [launch(entry, i) for entry in ("put", "take") for i in (0, 6)], "address")
    for entry, line, i in (("put", 3, 7), ("put", 3, -1), ("take", 6, 7), ("take", 6, -1)):
        with pytest.raises(KernelFault, match=rf"at beside\.cu:{line}|bytes before an array"):
            check(program, [launch(entry, i)], "address")
    for i in (-1, 7):
        with pytest.raises(KernelFault, match="put: it wrote (before|behind) the array of argument 0"):
            program.run(launch("put", i))


@pytest.mark.usefixtures("address")
def test_a_read_before_an_array_that_begins_behind_a_boundary_is_found() -> None:
    program = Program(f"typedef float T;{BESIDE}", "beside.cu")
    z, x = (placed(np.zeros(7, np.float32), 2) for _ in range(2))
    with pytest.raises(KernelFault, match=r"AddressSanitizer: use-after-poison at beside\.cu:6"):
        check(program, [Launch("take", (1,), (1,), [z, x, np.int32(-1)])], "address")


@pytest.mark.parametrize("sanitizer", [None, "address"])
def test_a_write_to_what_a_kernel_takes_as_const_is_found(sanitizer: str | None) -> None:
    text = """extern "C" __global__ void f(const float* x, float* z) {
        const_cast<float*>(x)[threadIdx.x] += 1, z[threadIdx.x] = 1;
    }"""
    program, x = Program(text, "f.cu"), np.zeros(8, np.float32)
    run = (lambda launch: check(program, [launch], needed(sanitizer))) if sanitizer else program.run
    with pytest.raises(KernelFault, match="f: it wrote to the array of argument 0, which it takes as const"):
        run(Launch("f", (1,), (4,), [x, np.zeros(4, np.float32)]))
    assert not x.any()
    run(Launch("f", (1,), (4,), [x, x]))  # one array for both is the caller's choice
    assert list(x) == [1] * 4 + [0] * 4


def test_a_variable_that_nobody_set_is_not_0_by_chance() -> None:
    text = """extern "C" __global__ void f(const float* x, float* z, int n) {
        float sum;
        for (int i = 0; i < n; ++i) sum += x[i];
        *z = sum;
    }"""
    if not build._garbage():
        pytest.skip("g++ leaves variables as they are before its version 12")
    z = np.zeros(1, np.float32)
    Program(text, "f.cu").run(Launch("f", (1,), (1,), [np.ones(4, np.float32), z, np.int32(4)]))
    assert abs(z[0]) > 1e30


@pytest.mark.parametrize("sanitizer", [None, *cuda_on_cpu.SANITIZERS])
@pytest.mark.parametrize(
    "access",
    [
        "__ldg(reinterpret_cast<const float4*>(x)).x",
        "__ldcs(reinterpret_cast<const float2*>(x)).x",
        "(__stcs(reinterpret_cast<float4*>(x), float4{}), 1)",
        "atomicAdd(reinterpret_cast<double*>(x), 1.0)",
        "atomicCAS(reinterpret_cast<unsigned long long*>(x), 0, 1)",
    ],
)
def test_a_misaligned_access_by_a_function_is_found_with_the_kernels_line(access: str, sanitizer: str | None) -> None:
    program = Program(f'extern "C" __global__ void f(float* x, float* z) {{\n *z =\n {access};\n}}', "f.cu")
    launch = Launch("f", (1,), (1,), [placed(np.zeros(8, np.float32), 1), np.zeros(1, np.float32)])
    with pytest.raises(KernelFault, match=r"f\.cu:3: a misaligned access: the address ends in 0x04"):
        check(program, [launch], needed(sanitizer)) if sanitizer else program.run(launch)


@pytest.mark.usefixtures("address")
@pytest.mark.parametrize("value", [np.nan, np.inf, 3e9, -3e9])
def test_a_number_that_no_int_holds_is_found_as_it_becomes_one(value: float) -> None:
    program = Program('extern "C" __global__ void f(float x, int* z) {\n *z = static_cast<int>(x);\n}', "f.cu")
    with pytest.raises(KernelFault, match=r"f\.cu:2:.* outside the range of representable values of type 'int'"):
        check(program, [Launch("f", (1,), (1,), [np.float32(value), np.zeros(1, np.int32)])], "address")


LARGE = """
extern "C" __global__ void increment(const float* x, float* z, long long n) {
    const long long threads = static_cast<long long>(gridDim.x) * blockDim.x;
    for (long long i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += threads)
        z[i] = x[i] + 1;
}"""


@pytest.mark.usefixtures("address")
def test_an_index_of_32_bits_is_found_though_so_large_an_array_is_not_there() -> None:
    def launch() -> Launch:
        x, z = (placed(np.full(512, value, np.float32), 0) for value in (1, np.nan))
        before = {0: 2**31, 1: 2**31}
        return Launch("increment", (2**23 + 2,), (256,), [x, z, 2**31 + 512], first_block=2**23, before=before)

    right = launch()
    check(Program(LARGE, "large.cu"), [right], "address")
    assert list(right.args[1]) == [2] * 512
    for wide, narrow in (("for (long long i", "for (int i"), ("const long long threads", "const int threads")):
        assert wide in LARGE
        with pytest.raises(KernelFault):
            check(Program(LARGE.replace(wide, narrow), "large.cu"), [launch()], "address")


@pytest.mark.usefixtures("thread")
def test_a_plain_read_of_what_others_add_to_is_a_race_of_two_lines() -> None:
    text = 'extern "C" __global__ void f(int* z) {\n atomicAdd(z, 1);\n z[1] = z[0];\n}'
    with pytest.raises(KernelFault, match=r"data race: .*[Aa]tomic write of size 4 at f\.cu:2") as caught:
        check(Program(text, "f.cu"), [Launch("f", (2,), (32,), [np.zeros(2, np.int32)])], "thread")
    assert "read of size 4 at f.cu:3" in str(caught.value)


def test_a_thread_outside_the_mask_it_names_is_named(sanitizer: str) -> None:
    text = 'extern "C" __global__ void f(int* z) {\n z[threadIdx.x] =\n __shfl_down_sync(0xffffu, 1, 1);\n}'
    launch = Launch("f", (1,), (32,), [np.zeros(32, np.int32)])
    for run in (Program(text, "f.cu").run, lambda launch: check(Program(text, "f.cu"), [launch], sanitizer)):
        with pytest.raises(KernelFault, match=r"f\.cu:3: a thread names a mask that it is not in"):
            run(launch)


@pytest.mark.usefixtures("address")
def test_an_index_beyond_shared_memory_is_found() -> None:
    with pytest.raises(KernelFault, match=r"planted\.cu:7:\d+: runtime error: index \d+ out of bounds"):
        check(planted("shared index too large"), [total()], "address")


@pytest.mark.usefixtures("address")
def test_static_shared_memory_is_guarded_against_a_pointer_into_it() -> None:
    text = """
    template <typename T> __device__ void put(T* values, int i) { values[i] = 1; }
    extern "C" __global__ void f(int i) { __shared__ float values[32]; put(values, i); }"""
    check(Program(text, "f.cu"), [Launch("f", (2,), (32,), [np.int32(31)])], "address")
    with pytest.raises(KernelFault, match=r"f\.cu:2"):
        check(Program(text, "f.cu"), [Launch("f", (1,), (32,), [np.int32(32)])], "address")


def test_a_misaligned_float4_is_found_without_a_sanitizer() -> None:
    program = planted("misaligned float4")
    program.run(halve())
    with pytest.raises(KernelFault, match=rf"planted\.cu:{LINES['pack =']}: a misaligned access"):
        program.run(halve(offset=1))


@pytest.mark.usefixtures("address")
def test_a_misaligned_float4_is_found() -> None:
    with pytest.raises(KernelFault, match=rf"planted\.cu:{LINES['pack =']}:.*misaligned address"):
        check(planted("misaligned float4"), [halve(), halve(offset=1)], "address")


WARP = """
template <typename T> __device__ void gather(T* z, T value) {
    const int lane = threadIdx.x % 32;
    const unsigned all = 0xffffffffu;
    const T found[] = {
        __shfl_sync(all, value, 5), __shfl_sync(all, value, lane + 1, 8), __shfl_xor_sync(all, value, 3),
        __shfl_up_sync(all, value, 2), __shfl_down_sync(all, value, 2), __shfl_down_sync(all, value, 2, 4),
    };
    for (int i = 0; i < 6; ++i) z[i * blockDim.x + threadIdx.x] = found[i];
}
extern "C" __global__ void gather_f16(__half* z) { gather<__half>(z, __float2half(threadIdx.x)); }
extern "C" __global__ void gather_f64(double* z) { gather<double>(z, threadIdx.x); }
extern "C" __global__ void vote(unsigned* z) {
    const unsigned all = 0xffffffffu;
    const bool third = threadIdx.x % 3 == 0;
    if (threadIdx.x < 16) z[threadIdx.x] = __ballot_sync(0xffffu, third);
    else z[threadIdx.x] = __ballot_sync(0xffff0000u, third) + __any_sync(0xffff0000u, third);
    __syncwarp();
    if (threadIdx.x == 0) z[32] = __popc(z[31]);
    z[33] = __syncthreads_count(third), z[34] = __syncthreads_and(third), z[35] = __syncthreads_or(third);
    z[36] = __all_sync(all, third);
}
"""


@pytest.mark.parametrize("portable", [False, True])
@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_shuffles_move_values_as_cuda_says(dtype: str, portable: bool) -> None:
    z = np.zeros((6, 64), dtype)
    entry = {"float16": "gather_f16", "float64": "gather_f64"}[dtype]
    Program(WARP, "warp.cu", portable=portable).run(Launch(entry, (1,), (64,), [z]))
    lane, first = np.arange(64) % 32, np.arange(64) // 32 * 32
    sources = [
        np.full(64, 5),
        lane // 8 * 8 + (lane + 1) % 8,
        lane ^ 3,
        np.where(lane < 2, lane, lane - 2),
        np.where(lane > 29, lane, lane + 2),
        np.where(lane % 4 > 1, lane, lane + 2),
    ]
    assert np.array_equal(z, [first + source for source in sources])


@pytest.mark.parametrize("order", [0, 1, 2])
def test_votes_count_who_is_in_the_mask(order: int) -> None:
    z = np.zeros(37, np.uint32)
    Program(WARP, "warp.cu").run(Launch("vote", (1,), (32,), [z], order=order))
    thirds = sum(1 << i for i in range(0, 32, 3))
    assert set(z[:16]) == {thirds & 0xFFFF}
    assert set(z[16:32]) == {(thirds & 0xFFFF0000) + 1}
    assert list(z[32:]) == [int(z[31]).bit_count(), 11, 0, 1, 0]


MEMORY = """
extern "C" __global__ void reverse(const int* x, int* z, int n) {
    extern __shared__ __align__(16)
        int turned[];
    turned[n - 1 - threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    z[threadIdx.x] = turned[threadIdx.x];
}
template <typename T> __device__ T* own() { __shared__ T value; return &value; }
extern "C" __global__ void unset(double* z) { *z = *own<double>(); if (threadIdx.x == 0) *own<double>() = 1; }
extern "C" __global__ void last_block(const float* x, float* partials, unsigned* tickets, float* z) {
    partials[blockIdx.x] = x[blockIdx.x];
    __threadfence();
    if (atomicInc(tickets, gridDim.x - 1) != gridDim.x - 1) return;
    __threadfence();
    *z = 0;
    for (int i = 0; i < gridDim.x; ++i) *z += partials[i];
}
extern "C" __global__ void atomics(int* z) {
    atomicAdd(&z[0], 2), atomicMax(&z[1], int(threadIdx.x)), atomicMin(&z[2], -int(threadIdx.x));
    atomicOr(&z[3], 1 << threadIdx.x % 8), atomicCAS(&z[4], 0, 7), atomicExch(&z[5], 3);
}
"""


def test_dynamic_shared_memory_has_the_size_of_the_launch() -> None:
    x, z = np.arange(10, dtype=np.int32), np.zeros(10, np.int32)
    launch = Launch("reverse", (2,), (10,), [x, z, np.int32(10)], shared_bytes=40)
    Program(MEMORY, "memory.cu").run(launch)
    assert np.array_equal(z, x[::-1])
    if not cuda_on_cpu.unavailable("address"):
        check(Program(MEMORY, "memory.cu"), [launch], "address")
        small = Launch("reverse", (1,), (10,), [x, z, np.int32(10)], shared_bytes=36)
        with pytest.raises(KernelFault, match=r"heap-buffer-overflow.* at memory\.cu:5"):
            check(Program(MEMORY, "memory.cu"), [small], "address")


def test_every_block_finds_shared_memory_without_contents() -> None:
    z = np.zeros(1)
    Program(MEMORY, "memory.cu").run(Launch("unset", (2,), (1,), [z]))
    assert np.isnan(z[0])


def ticket() -> Launch:
    args = [np.arange(5, dtype=np.float32), np.zeros(5, np.float32), np.zeros(1, np.uint32), np.zeros(1, np.float32)]
    return Launch("last_block", (5,), (1,), args, order=3)


def test_the_last_block_sees_what_the_others_left() -> None:
    launch = ticket()
    Program(MEMORY, "memory.cu").run(launch)
    assert launch.args[3][0] == 10


@pytest.mark.usefixtures("thread")
def test_fences_order_blocks_and_a_missing_one_is_a_race() -> None:
    check(Program(MEMORY, "memory.cu"), [ticket(), ticket()], "thread")
    with pytest.raises(KernelFault, match="data race"):
        check(Program(MEMORY.replace("__threadfence();", ""), "memory.cu"), [ticket()], "thread")


@pytest.mark.usefixtures("thread")
def test_a_shuffle_orders_no_memory_and_a_warp_barrier_does() -> None:
    text = """
    extern "C" __global__ void f(int* z) {
        __shared__ int values[32];
        values[threadIdx.x] = threadIdx.x;
        __syncwarp();
        z[32 * blockIdx.x + threadIdx.x] = values[31 - threadIdx.x];
    }"""
    z = np.zeros((3, 32), np.int32)
    check(Program(text, "f.cu"), [Launch("f", (3,), (32,), [z])], "thread")
    assert np.array_equal(z, [np.arange(32)[::-1]] * 3)
    with pytest.raises(KernelFault, match="data race"):
        check(
            Program(text.replace("__syncwarp()", "__any_sync(~0u, 1)"), "f.cu"),
            [Launch("f", (1,), (32,), [z])],
            "thread",
        )


@pytest.mark.parametrize("order", [0, 1, 2])
def test_atomics_lose_nothing(order: int) -> None:
    z = np.zeros(6, np.int32)
    Program(MEMORY, "memory.cu").run(Launch("atomics", (4,), (64,), [z], order=order))
    assert list(z) == [512, 63, -63, 255, 7, 3]


def test_the_portable_way_to_change_fibers_is_right_under_the_sanitizers_too(sanitizer: str) -> None:
    program = Program(TOTAL, "planted.cu", portable=True)
    launches = [total(), halve(1000, 1)]
    for launch in launches:
        program.run(launch)
    assert all(map(correct, launches))
    check(program, launches := [total(), halve(1000, 1)], sanitizer)
    assert all(map(correct, launches))


def test_blocks_and_threads_have_three_coordinates() -> None:
    text = """extern "C" __global__ void f(int* z) {
        const int block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
        const int thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
        z[block * blockDim.x * blockDim.y * blockDim.z + thread] += block * 100 + thread;
    }"""
    z = np.zeros((24, 30), np.int32)
    Program(text, "f.cu").run(Launch("f", (2, 3, 4), (5, 3, 2), [z]))
    assert np.array_equal(z, np.arange(24)[:, None] * 100 + np.arange(30))


x, z = np.ones(4, np.float32), np.ones(4, np.float32)
frozen = np.ones(4, np.float32)
frozen.flags.writeable = False


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([x, z], "takes 3 arguments: 2 were given"),
        ([x, z, 4, 4], "takes 3 arguments: 4 were given"),
        ([x, z, np.int32(4)], "argument 2 must be int64, and is int32"),
        ([x, z, 4.0], "argument 2 must be int64, and is float64"),
        ([x, z, True], "argument 2 must be int64, and is bool"),
        ([x, z, x], "argument 2 must be int64, and is an array of float32"),
        ([x.astype(np.float64), z, 4], r"argument 0 must be const float32\*, and is an array of float64"),
        ([4, z, 4], r"argument 0 must be const float32\*, and is int64"),
        ([x, np.ones(8, np.float32)[::2], 4], r"argument 1 must be float32\*, and is not C-contiguous"),
        ([x, frozen, 4], r"argument 1 must be float32\*, and is read-only"),
        ([x, z, "4"], "str is no argument of a kernel"),
    ],
)
def test_a_wrong_argument_is_named(args: list, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        planted("nothing").run(Launch("halve", (1,), (32,), args))


def test_right_arguments_are_taken_read_only_and_overlapping_ones_too() -> None:
    memory = np.arange(8, dtype=np.float32)
    planted("nothing").run(Launch("halve", (1,), (32,), [memory[4:], memory[:4], 4]))
    assert list(memory) == [2, 2.5, 3, 3.5, 4, 5, 6, 7]
    planted("nothing").run(Launch("halve", (1,), (32,), [memory[1:5], memory[:4], np.int64(4)]))
    assert list(memory[:4]) == [1.25, 1.5, 1.75, 2]
    planted("nothing").run(Launch("halve", (1,), (32,), [frozen, z, 4]))


def test_no_array_may_be_none_and_a_null_pointer_is_passed() -> None:
    text = 'extern "C" __global__ void f(const float* x, int* z) { *z = x == nullptr; }'
    z = np.zeros(1, np.int32)
    Program(text, "f.cu").run(Launch("f", (1,), (1,), [None, z]))
    assert z[0] == 1


@pytest.mark.parametrize(
    ("grid", "block", "message"),
    [
        ((0,), (32,), "a grid of 0 x 1 x 1"),
        ((1, 70000), (32,), "a grid of 1 x 70000 x 1"),
        ((1,), (0,), "a block of 0 x 1 x 1"),
        ((1,), (1, 1, 65), "a block of 1 x 1 x 65"),
        ((1,), (2048,), "a block of 2048 x 1 x 1"),
        ((1,), (256,), "a block of 256 threads .* launch bounds are 128"),
    ],
)
def test_an_impossible_launch_is_refused(grid: tuple, block: tuple, message: str) -> None:
    with pytest.raises(KernelFault, match=message):
        planted("nothing").run(Launch("halve", grid, block, halve().args))


def test_a_kernel_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(TypeError, match="has no kernel 'third', but total, halve"):
        planted("nothing").run(Launch("third", (1,), (1,), []))


def test_an_error_names_the_line_of_the_kernel() -> None:
    with pytest.raises(build.CompileError, match=r"f\.cu:2:.*error"):
        Program("\nthis is not C++;", "f.cu")


def test_a_kernel_that_would_be_overlooked_is_refused() -> None:
    with pytest.raises(build.CompileError, match="must be declared as extern"):
        Program('extern "C" __global__ void f() {} __global__ void g() {}', "f.cu")


def test_a_machine_without_a_compiler_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert build.missing.__wrapped__() == "needs g++, which is not installed"
    monkeypatch.setattr("sys.platform", "darwin")
    assert build.missing.__wrapped__() == "needs Linux, and this is darwin"


def test_the_command_runs_the_checkers_and_says_what_they_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--checker", "plain", "--kernel", "sigmoid_f32"]) == 0
    said = capsys.readouterr().out
    assert "no GPU code is run" in said
    assert "360 launches" in said
    monkeypatch.setitem(REFERENCES, "sigmoid", lambda before, after: [(after["z"], after["z"] + 1)])
    assert main(["--checker", "plain", "--kernel", "sigmoid_"]) == 1
    said = capsys.readouterr().out
    assert said.count("FAULT: \nNot equal to tolerance") == 3
    assert said.count("360 launches") == 3
