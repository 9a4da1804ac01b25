"""Each instruction of PTX does what the ISA says, on numbers at every edge; none is in the table that is not here."""

import functools
import math
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from cuda_on_cpu import Launch, ptx
from cuda_on_cpu.isa import CHAPTERS, FORMATS, Case, pattern, read, rounded, written
from cuda_on_cpu.ptx.grammar import parse
from cuda_on_cpu.ptx.opcodes import OPCODES
from cuda_on_cpu.ptx.program import emitted
from cuda_on_cpu.ptx.statements import fitting
from cuda_on_cpu.ptx.syntax import SIZES, Instruction, Scope

from gpugrad.cuda import nvrtc

pytestmark = pytest.mark.skipif(ptx.missing() is not None, reason=str(ptx.missing()))

COUNT = 128
UNSIGNED = {2: np.uint16, 4: np.uint32, 8: np.uint64}
CONSTRAINTS = {2: "h", 4: "r", 8: "l"}
C_TYPES = {2: "unsigned short", 4: "unsigned", 8: "unsigned long long"}

# The bits that half of the numbers are drawn from, by their width: 0, 1, signs, infinities, NaN, subnormal, largest.
EDGES = {
    2: [
        0, 1, 2, 7, 255, 0x7FFF, 0x8000, 0x8001, 0xFFFF, 0x3C00, 0xBC00, 0x7C00, 0xFC00, 0x7E00, 0x0400, 0x03FF, 0x7BFF,
        0x3F80, 0xBF80, 0x7F80, 0x4049, 0x3555, 0xC2F7, 0x0080, 0x007F,
    ],
    4: [
        0, 1, 5, 31, 32, 33, 0xFF, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFF, 0x3F800000, 0xBF800000, 0x40490FDB,
        0x7F800000, 0xFF800000, 0x7FC00000, 0x00800000, 0x007FFFFF, 0x7F7FFFFF, 0x4B800001, 0x3F000000, 0xC0200000,
        0x4F000000, 0xCF000001, 0x477FF000, 0x33000001, 0x7E967699, 0x7F000001, 0xC3150000,
    ],
    8: [
        0, 1, 63, 64, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 0x3FF0000000000000, 0xBFF8000000000000,
        0x7FF0000000000000, 0xFFF0000000000000, 0x7FF8000000000000, 0x0010000000000000, 0x000FFFFFFFFFFFFF,
        0x7FEFFFFFFFFFFFFF, 0x3FD5555555555555, 0x41DFFFFFFFC00000, 0x43E0000000000001, 0xC0200B0A0F000000,
    ],
}  # fmt: skip


def width(kind: str) -> int:
    return max(SIZES[kind], 2)


def drawn(kind: str, seed: int) -> np.ndarray:
    """Return numbers of a type, as bits: edges, others as they come, and of a float some of middling size."""
    generator = np.random.default_rng(seed)
    bits = generator.integers(0, 2 ** (8 * width(kind)) - 1, COUNT, np.uint64, endpoint=True)
    edges = generator.random(COUNT) < 0.5
    bits[edges] = generator.choice(np.array(EDGES[width(kind)], np.uint64), edges.sum())
    if kind in FORMATS:
        usual = np.flatnonzero(generator.random(COUNT) < 0.4)
        bits[usual] = [pattern(rounded(Fraction(x), kind), kind) for x in generator.normal(scale=3, size=usual.size)]
    return bits.astype(UNSIGNED[width(kind)])


def values(x: np.ndarray, kind: str) -> list:
    return [read(bits, kind) for bits in x.tolist()]


Group = tuple[tuple[str, ...], tuple[Case, ...]]


def groups(chapter: str) -> list[Group]:
    """Return the cases of a chapter by the types of their operands: those of a group share a kernel."""
    found: defaultdict[tuple[str, ...], list[Case]] = defaultdict(list)
    for case in CHAPTERS[chapter]:
        found[case.types].append(case)
    return [(types, tuple(cases)) for types, cases in found.items()]


def kernel(types: tuple[str, ...], cases: tuple[Case, ...], number: int) -> str:
    """Return a kernel that computes row after row of z: a row for a case."""
    result, *given = map(width, types)
    parameters = [*(f"const {C_TYPES[size]}* p{i}" for i, size in enumerate(given)), f"{C_TYPES[result]}* z"]
    reads = [f"const {C_TYPES[size]} x{i} = p{i}[threadIdx.x];" for i, size in enumerate(given)]
    inputs = ", ".join(f'"{CONSTRAINTS[size]}"(x{i})' for i, size in enumerate(given))
    rows = [
        f'asm volatile("{{{case.text}}}" : "={CONSTRAINTS[result]}"(value) : {inputs}); '
        f"z[threadIdx.x + {COUNT * row}] = value;"
        for row, case in enumerate(cases)
    ]
    body = "\n".join([*reads, f"{C_TYPES[result]} value;", *rows])
    return (
        f'extern "C" __global__ void k{number}({", ".join(parameters)}) {{\n#ifdef __CUDA_ARCH__\n{body}\n#endif\n}}\n'
    )


@functools.cache
def text(chapter: str) -> str:
    return "".join(kernel(*group, number) for number, group in enumerate(groups(chapter)))


@functools.cache
def program(chapter: str) -> ptx.PtxProgram:
    return ptx.PtxProgram(text(chapter), f"{chapter}.cu", "compute_120")


def agree(found: int, wanted: int, case: Case) -> bool:
    """Return whether bits are those of the number wanted, or of one near to it; any NaN is as good as another."""
    kind = case.types[0]
    if kind.endswith("x2"):
        half = 4 * SIZES[kind]
        parts = [(bits & ((1 << half) - 1), bits >> half) for bits in (found, wanted)]
        one = Case(case.text, (kind[:-2],), case.expected, case.near)
        return all(agree(x, y, one) for x, y in zip(*parts, strict=True))
    if kind not in FORMATS or found == wanted:
        return found == wanted
    x, y = read(found, kind), read(wanted, kind)
    if math.isnan(x) and math.isnan(y):
        return True
    if x == y == 0:
        return any(part in case.text for part in (".rm", ".approx"))  # the zero of x - x, and of NumPy's sine
    return abs(found - wanted) <= case.near


@pytest.mark.parametrize("chapter", CHAPTERS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_instruction_gives_what_the_isa_says(chapter: str) -> None:
    wrong = []
    for number, (types, cases) in enumerate(groups(chapter)):
        given = [drawn(kind, 10 * number + i) for i, kind in enumerate(types[1:])]
        z = np.zeros((len(cases), COUNT), UNSIGNED[width(types[0])])
        program(chapter).run(Launch(f"k{number}", (1,), (COUNT,), [*given, z]))
        columns = list(zip(*(values(x, kind) for x, kind in zip(given, types[1:], strict=True)), strict=True))
        for case, row in zip(cases, z.tolist(), strict=True):
            for numbers, found in zip(columns, row, strict=True):
                wanted = written(case.expected(*numbers), types[0])
                if not agree(found, wanted, case):
                    wrong.append(f"{case.text} of {numbers}: {found:#x}, and must be {wanted:#x}")
                    break
    assert not wrong, "\n".join([f"{len(wrong)} of {len(CHAPTERS[chapter])}", *wrong])


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_nvidias_assembler_takes_every_instruction(chapter: str) -> None:
    assert nvrtc.compile_cubin(text(chapter), f"{chapter}.cu", "sm_120").cubin


# What threads do together, and with memory, that no kernel here comes to by itself.
TOGETHER = """
#ifdef __CUDA_ARCH__
#define ASM(...) asm volatile(__VA_ARGS__)
#else
#define ASM(...)
#endif
extern "C" __global__ void together(unsigned* z, unsigned* sums) {
    __shared__ unsigned shared[32];
    const unsigned i = threadIdx.x, all = ~0u;
    unsigned found = 0, address = 0;
    shared[i] = 100 + i;
    ASM("fence.acq_rel.gpu; barrier.sync.aligned 0;");
    ASM("match.any.sync.b32 %0, %1, %2;" : "=r"(z[i]) : "r"(i % 3), "r"(all));
    ASM("{.reg .pred p; match.all.sync.b64 %0|p, %1, %2; @!p mov.b32 %0, 5;}" : "=r"(z[i + 32]) : "l"(7ull), "r"(all));
    ASM("{.reg .pred p; match.all.sync.b32 %0|p, %1, %2; @!p mov.b32 %0, 5;}" : "=r"(z[i + 64]) : "r"(i), "r"(all));
    ASM("redux.sync.add.u32 %0, %1, %2;" : "=r"(z[i + 96]) : "r"(i), "r"(all));
    ASM("redux.sync.min.s32 %0, %1, %2;" : "=r"(z[i + 128]) : "r"(i - 16), "r"(all));
    ASM("redux.sync.xor.b32 %0, %1, %2;" : "=r"(z[i + 160]) : "r"(i * i), "r"(all));
    ASM("{.reg .pred p; setp.lt.u32 p, %1, 9; barrier.red.popc.aligned.u32 %0, 0, p;}" : "=r"(z[i + 192]) : "r"(i));
    ASM("{.reg .pred p; .reg .b64 a, b; cvta.to.shared.u64 a, %1; cvta.shared.u64 b, a; isspacep.shared p, b; "
        "selp.u32 %0, 1, 0, p; isspacep.shared p, %2; @!p add.u32 %0, %0, 2; "
        "setp.eq.u64 p, b, %1; @p add.u32 %0, %0, 4;}"
        : "=r"(z[i + 224]) : "l"(shared + i), "l"(z));
    ASM("red.global.add.u32 [%0], %1;" : : "l"(sums), "r"(i) : "memory");
    ASM("red.relaxed.gpu.global.max.s32 [%0], %1;" : : "l"(sums + 1), "r"(i) : "memory");
    ASM("ldu.global.u32 %0, [%1];" : "=r"(z[i + 256]) : "l"(z + i));
    ASM("{ts: .branchtargets one, two, three; brx.idx %1, ts; one: mov.u32 %0, 10; bra.uni end; two: mov.u32 %0, 20; "
        "bra.uni end; three: mov.u32 %0, 30; end:}" : "=r"(found) : "r"(i % 3));
    z[i + 288] = found;
    ASM("{.reg .b64 a; .reg .b32 b; cvta.to.shared.u64 a, %1; cvt.u32.u64 b, a; ld.volatile.shared.u32 %0, [b+4];}"
        : "=r"(address) : "l"(shared + i / 2));
    z[i + 320] = address;
    if (i > 5) ASM("exit;");
    z[i + 352] = 1;
    if (i > 99) ASM("trap;");
}
"""


@functools.cache
def together() -> ptx.PtxProgram:
    return ptx.PtxProgram(TOGETHER, "together.cu", "compute_90")


def test_threads_meet_as_the_isa_says() -> None:
    z, sums = np.zeros((12, 32), np.uint32), np.array([5, 0], np.uint32)
    together().run(Launch("together", (1,), (32,), [z, sums]))
    i = np.arange(32)
    thirds = [sum(1 << k for k in range(r, 32, 3)) for r in range(3)]
    expected = [
        [thirds[k % 3] for k in i], [0xFFFFFFFF] * 32, [5] * 32, [496] * 32, [2**32 - 16] * 32,
        [int(np.bitwise_xor.reduce(i * i))] * 32, [9] * 32, [7] * 32, [thirds[k % 3] for k in i], 10 + 10 * (i % 3),
        101 + i // 2, i <= 5,
    ]  # fmt: skip
    for row, wanted in zip(z, expected, strict=True):
        assert list(row) == list(wanted)
    assert list(sums) == [501, 31]


def instructions(scope: Scope) -> Iterator[Instruction]:
    for item in scope.items:
        if isinstance(item, Scope):
            yield from instructions(item)
        elif isinstance(item, Instruction):
            yield item


def test_every_row_of_the_table_is_tested() -> None:
    typical = Path(__file__).with_name("typical.cu").read_text("utf-8")  # of which test_ptx_kernels.py makes use
    texts = [*(program(chapter).text for chapter in CHAPTERS), together().text]
    texts += [emitted(typical, "typical.cu", architecture) for architecture in ptx.ARCHITECTURES]
    tested = {
        next(fitting(instruction)).opcode
        for text in texts
        for function in parse(text).functions
        if function.body
        for instruction in instructions(function.body)
    }
    assert [opcode for opcode in OPCODES if opcode not in tested] == []
