"""The instructions of PTX, a row each: what an opcode may say, what it takes, and what that is in C++.

The second column is what stands behind the opcode's name, in the order of the PTX ISA: a word, or the name of a group of
words in `GROUPS`; one with a question mark may be absent. The third is the types that may stand last, in `CLASSES`; of
two columns of types, the second is of what is read. Operands are read as the type, or as what stands behind their colon:
z and q are written, [a] is an address, 0 must be zero, and what begins with + may be absent.

The last column is a function of types.h and the headers behind it, called with the type, the modifiers and all that is
read; or with parentheses an expression for z; with {z} in it a statement; with @ a method of the translator.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["GROUPS", "OPCODES", "SPECIAL", "Match", "Opcode", "matches"]

GROUPS: Final = {
    "round":   {word: word for word in ("rn", "rz", "rm", "rp")},
    "whole":   {word: word for word in ("rni", "rzi", "rmi", "rpi")},
    "cmp":     {word: word for word in "eq ne lt le gt ge lo ls hi hs equ neu ltu leu gtu geu num nan".split()},
    "bool":    {"and": "and_", "or": "or_", "xor": "xor_"},
    "test":    {word: word for word in "finite infinite number notanumber normal subnormal".split()},
    "space":   {word: "shared" if word.startswith("shared") else "generic"
                for word in "global shared shared::cta local const param param::entry param::func".split()},
    "sem":     dict.fromkeys("weak volatile relaxed acquire release acq_rel sc".split(), ""),
    "scope":   dict.fromkeys("cta cluster gpu sys gl".split(), ""),
    "cache":   dict.fromkeys("ca cg cs cv lu wb wt".split(), ""),
    "evict":   {f"L1::{word}": "" for word in "evict_normal evict_unchanged evict_first evict_last no_allocate".split()},
    "ahead":   {f"L2::{word}": "" for word in ("64B", "128B", "256B")},
    "vector":  {"v2": "2", "v4": "4", "v8": "8"},
    "atomic":  {"add": "AtomicAdd", "exch": "AtomicExchange", "min": "AtomicMin", "max": "AtomicMax",
                "and": "AtomicAnd", "or": "AtomicOr", "xor": "AtomicXor", "inc": "AtomicIncrement",
                "dec": "AtomicDecrement"},
    "shuffle": {word: word for word in ("up", "down", "bfly", "idx")},
    "mode":    {word: word for word in ("f4e", "b4e", "rc8", "ecl", "ecr", "rc16")},
    "wrap":    {"wrap": "false", "clamp": "true"},
    "kind":    {"ballot": "ballot", "any": "vote_any", "all": "vote_all", "uni": "vote_uni"},
    "join":    {"popc": "count", "and": "and", "or": "or"},
}
"""The groups of words, and what each word is in C++."""

FLAGS: Final = {
    **{word: word for group in ("round", "whole") for word in GROUPS[group]},
    "ftz": "ftz", "sat": "sat", "relu": "relu", "NaN": "keep_nan", "noftz": "",
}
"""The modifiers that a C++ function takes as bits, and their names there."""

CLASSES: Final = {
    "U":     "u16 u32 u64",
    "S":     "s16 s32 s64",
    "I":     "u16 u32 u64 s16 s32 s64",
    "I32":   "u32 s32",
    "I64":   "u32 s32 u64 s64",
    "B":     "b16 b32 b64",
    "B64":   "b32 b64",
    "F":     "f32 f64",
    "H":     "f16 f16x2 bf16 bf16x2",
    "all":   "u8 u16 u32 u64 s8 s16 s32 s64 f16 bf16 f32 f64",
    "data":  "b8 b16 b32 b64 u8 u16 u32 u64 s8 s16 s32 s64 f16 bf16 f16x2 bf16x2 f32 f64",
    "logic": "pred b16 b32 b64",
}
"""The classes of types."""

SPECIAL: Final = {
    **{f"%{ptx}.{axis}": f"cuda_on_cpu::{ours}.{axis}"
       for ptx, ours in (("tid", "thread_index"), ("ntid", "block_size"), ("ctaid", "block_index"), ("nctaid", "grid_size"))
       for axis in "xyz"},
    "%laneid":            "cuda_on_cpu::lane()",
    "%warpid":            "cuda_on_cpu::thread_in_block() / 32",
    "%lanemask_eq":       "1u << cuda_on_cpu::lane()",
    "%lanemask_lt":       "(1u << cuda_on_cpu::lane()) - 1",
    "%lanemask_le":       "(2u << cuda_on_cpu::lane()) - 1",
    "%lanemask_gt":       "~((2u << cuda_on_cpu::lane()) - 1)",
    "%lanemask_ge":       "~((1u << cuda_on_cpu::lane()) - 1)",
    "%dynamic_smem_size": "cuda_on_cpu::dynamic_shared_bytes()",
    "WARP_SZ":            "32u",
}
"""The registers that the hardware writes."""


@dataclass(frozen=True, slots=True)
class Opcode:
    """A row of the table."""

    name: str
    says: str
    types: str
    sources: str
    operands: str
    cpp: str


def row(name: str, says: str, types: str, operands: str, cpp: str, sources: str = "") -> Opcode:
    return Opcode(name, says, types, sources, operands, cpp)


OPCODES: Final = (
    # integers
    row("add",      "sat?",                      "I",           "z x y",              "add"),
    row("sub",      "sat?",                      "I",           "z x y",              "subtract"),
    row("mul",      "lo",                        "I",           "z x y",              "multiply"),
    row("mul",      "hi",                        "I",           "z x y",              "multiply_high"),
    row("mul",      "wide",                      "u16 s16 u32 s32", "z x y",          "multiply_wide"),
    row("mad",      "lo",                        "I",           "z x y w",            "add(multiply({x}, {y}), {w})"),
    row("mad",      "hi",                        "I",           "z x y w",            "add(multiply_high({x}, {y}), {w})"),
    row("mad",      "wide",                      "u16 s16 u32 s32", "z x y w:double", "add(multiply_wide({x}, {y}), {w})"),
    row("mul24",    "lo",                        "I32",         "z x y",              "multiply_24"),
    row("mul24",    "hi",                        "I32",         "z x y",              "multiply_24_high"),
    row("mad24",    "lo",                        "I32",         "z x y w",            "add(multiply_24({x}, {y}), {w})"),
    row("mad24",    "hi",                        "I32",         "z x y w",            "add(multiply_24_high({x}, {y}), {w})"),
    row("sad",      "",                          "I",           "z x y w",            "difference"),
    row("div",      "",                          "I",           "z x y",              "divide"),
    row("rem",      "",                          "I",           "z x y",              "remainder"),
    row("abs",      "",                          "S",           "z x",                "absolute"),
    row("neg",      "",                          "S",           "z x",                "negated"),
    row("min",      "",                          "I",           "z x y",              "smaller"),
    row("max",      "",                          "I",           "z x y",              "larger"),
    row("min",      "relu",                      "s32",         "z x y",              "smaller"),
    row("max",      "relu",                      "s32",         "z x y",              "larger"),
    row("add",      "cc",                        "I64",         "z x y",              "add_carry({x}, {y}, false, carry)"),
    row("addc",     "cc",                        "I64",         "z x y",              "add_carry({x}, {y}, carry, carry)"),
    row("addc",     "",                          "I64",         "z x y",              "add_carry({x}, {y}, carry, no_carry)"),
    row("sub",      "cc",                        "I64",         "z x y",              "subtract_borrow({x}, {y}, false, carry)"),
    row("subc",     "cc",                        "I64",         "z x y",              "subtract_borrow({x}, {y}, carry, carry)"),
    row("subc",     "",                          "I64",         "z x y",              "subtract_borrow({x}, {y}, carry, no_carry)"),
    row("mad",      "lo cc",                     "I64",         "z x y w",            "add_carry(multiply({x}, {y}), {w}, false, carry)"),
    row("mad",      "hi cc",                     "I64",         "z x y w",            "add_carry(multiply_high({x}, {y}), {w}, false, carry)"),
    row("madc",     "lo cc",                     "I64",         "z x y w",            "add_carry(multiply({x}, {y}), {w}, carry, carry)"),
    row("madc",     "hi cc",                     "I64",         "z x y w",            "add_carry(multiply_high({x}, {y}), {w}, carry, carry)"),
    row("madc",     "lo",                        "I64",         "z x y w",            "add_carry(multiply({x}, {y}), {w}, carry, no_carry)"),
    row("madc",     "hi",                        "I64",         "z x y w",            "add_carry(multiply_high({x}, {y}), {w}, carry, no_carry)"),
    row("dp4a",     "",                          "I32",         "z x:b32 y:b32 w:b32", "dot_4<{type}, {source}>({x}, {y}, {w})", "I32"),

    # bits
    row("and",      "",                          "logic",       "z x y",              "static_cast<{type}>({x} & {y})"),
    row("or",       "",                          "logic",       "z x y",              "static_cast<{type}>({x} | {y})"),
    row("xor",      "",                          "logic",       "z x y",              "static_cast<{type}>({x} ^ {y})"),
    row("not",      "",                          "B",           "z x",                "static_cast<{type}>(~{x})"),
    row("not",      "",                          "pred",        "z x",                "!{x}"),
    row("cnot",     "",                          "B",           "z x",                "static_cast<{type}>({x} == 0)"),
    row("lop3",     "",                          "b32",         "z x y w t",          "looked_up({x}, {y}, {w}, {t})"),
    row("shl",      "",                          "B",           "z x y:u32",          "shift_left"),
    row("shr",      "",                          "I B",         "z x y:u32",          "shift_right"),
    row("shf",      "l wrap",                    "b32",         "z x y w",            "funnel_left<{wrap}>({x}, {y}, {w})"),
    row("shf",      "r wrap",                    "b32",         "z x y w",            "funnel_right<{wrap}>({x}, {y}, {w})"),
    row("prmt",     "b32",                       "",            "z x:b32 y:b32 w:b32", "permuted<Permute::any>({x}, {y}, {w})"),
    row("prmt",     "b32 mode",                  "",            "z x:b32 y:b32 w:b32", "permuted<Permute::{mode}>({x}, {y}, {w})"),
    row("popc",     "",                          "B64",         "z x",                "ones"),
    row("clz",      "",                          "B64",         "z x",                "leading_zeros"),
    row("brev",     "",                          "B64",         "z x",                "reversed"),
    row("bfind",    "",                          "I64",         "z x",                "highest_bit<{type}, false>({x})"),
    row("bfind",    "shiftamt",                  "I64",         "z x",                "highest_bit<{type}, true>({x})"),
    row("bfe",      "",                          "I64",         "z x y:u32 w:u32",    "extracted"),
    row("bfi",      "",                          "B64",         "z x y w:u32 t:u32",  "inserted"),

    # floating-point numbers
    row("add",      "round? ftz? sat?",          "F f32x2",     "z x y",              "add"),
    row("sub",      "round? ftz? sat?",          "F f32x2",     "z x y",              "subtract"),
    row("mul",      "round? ftz? sat?",          "F f32x2",     "z x y",              "multiply"),
    row("fma",      "round ftz? sat?",           "F f32x2",     "z x y w",            "fma"),
    row("mad",      "round ftz? sat?",           "F",           "z x y w",            "fma"),
    row("add",      "rn? ftz? sat?",             "H",           "z x y",              "add"),
    row("sub",      "rn? ftz? sat?",             "H",           "z x y",              "subtract"),
    row("mul",      "rn? ftz? sat?",             "H",           "z x y",              "multiply"),
    row("fma",      "rn ftz? sat? relu?",        "H",           "z x y w",            "fma"),
    row("div",      "round ftz?",                "F",           "z x y",              "divide"),
    row("rcp",      "round ftz?",                "F",           "z x",                "reciprocal"),
    row("sqrt",     "round ftz?",                "F",           "z x",                "root"),
    row("abs",      "ftz?",                      "F H",         "z x",                "absolute"),
    row("neg",      "ftz?",                      "F H",         "z x",                "negated"),
    row("min",      "ftz? NaN?",                 "F H",         "z x y",              "smaller"),
    row("max",      "ftz? NaN?",                 "F H",         "z x y",              "larger"),
    row("min",      "ftz? NaN?",                 "f32",         "z x y w",            "smaller<f32, {flags}>(smaller<f32, {flags}>({x}, {y}), {w})"),
    row("max",      "ftz? NaN?",                 "f32",         "z x y w",            "larger<f32, {flags}>(larger<f32, {flags}>({x}, {y}), {w})"),
    row("copysign", "",                          "F",           "z x y",              "copy_sign"),
    row("testp",    "test",                      "F",           "z x",                "tested<Test::{test}>({x})"),

    # approximations
    row("ex2",      "approx ftz?",               "f32 H",       "z x",                "approximate<Approximate::exp2, {type}, {flags}>({x})"),
    row("lg2",      "approx ftz?",               "f32",         "z x",                "approximate<Approximate::log2, {type}, {flags}>({x})"),
    row("rcp",      "approx ftz?",               "f32",         "z x",                "approximate<Approximate::reciprocal, {type}, {flags}>({x})"),
    row("rsqrt",    "approx ftz?",               "f32",         "z x",                "approximate<Approximate::reciprocal_root, {type}, {flags}>({x})"),
    row("sqrt",     "approx ftz?",               "f32",         "z x",                "approximate<Approximate::root, {type}, {flags}>({x})"),
    row("sin",      "approx ftz?",               "f32",         "z x",                "approximate<Approximate::sine, {type}, {flags}>({x})"),
    row("cos",      "approx ftz?",               "f32",         "z x",                "approximate<Approximate::cosine, {type}, {flags}>({x})"),
    row("tanh",     "approx",                    "f32 H",       "z x",                "approximate<Approximate::tangent, {type}>({x})"),
    row("rsqrt",    "approx",                    "f64",         "z x",                "approximate<Approximate::reciprocal_root, {type}>({x})"),
    row("rcp",      "approx ftz",                "f64",         "z x",                "approximate_upper_half<Approximate::reciprocal>({x})"),
    row("rsqrt",    "approx ftz",                "f64",         "z x",                "approximate_upper_half<Approximate::reciprocal_root>({x})"),
    row("div",      "approx ftz?",               "f32",         "z x y",              "quotient<{type}, false, {flags}>({x}, {y})"),
    row("div",      "full ftz?",                 "f32",         "z x y",              "quotient<{type}, true, {flags}>({x}, {y})"),

    # comparisons
    row("setp",     "cmp ftz?",                  "I B F f16 bf16","z|q x y",            "assign({z}, {q}, {compared}, !{compared})"),
    row("setp",     "cmp bool ftz?",             "I B F f16 bf16","z|q x y c:pred",     "assign({z}, {q}, {joined}({compared}, {c}), {joined}(!{compared}, {c}))"),
    row("setp",     "cmp ftz?",                  "f16x2 bf16x2", "z|q x y",           "assign({z}, {q}, {compared_low}, {compared_high})"),
    row("set",      "cmp ftz?",                  "u32 s32 f32", "z x:source y:source", "truth<{type}>({compared})", "I B F f16 bf16"),
    row("set",      "cmp ftz?",                  "u16 s16 f16 bf16", "z x:source y:source", "truth<{type}>({compared})", "f16 bf16"),
    row("set",      "cmp ftz?",                  "f16x2 bf16x2", "z x:source y:source", "truths<{type}>({compared_low}, {compared_high})", "f16x2 bf16x2"),
    row("set",      "cmp ftz?",                  "u32 s32",     "z x:source y:source", "truths<Both<u16>>({compared_low}, {compared_high})", "f16x2 bf16x2"),
    row("selp",     "",                          "data",        "z x y c:pred",       "({c} ? {x} : {y})"),
    row("slct",     "ftz?",                      "data",        "z x y w:source",     "({w} >= 0 ? {x} : {y})", "s32 f32"),

    # conversions
    row("cvt",      "ftz? sat?",                 "all",         "z x:source",         "{converted}", "all"),
    row("cvt",      "round ftz? sat?",           "all",         "z x:source",         "{converted}", "all"),
    row("cvt",      "round ftz? relu",           "f16 bf16",    "z x:source",         "{converted}", "f32"),
    row("cvt",      "whole ftz? sat?",           "all",         "z x:source",         "{converted}", "all"),
    row("cvt",      "round relu?",               "f16x2 bf16x2", "z x:source y:source", "packed<{type}, {flags}>({x}, {y})", "f32"),
    row("cvta",     "space",                     "u32 u64",     "z x:u64",            "@to_generic"),
    row("cvta",     "to space",                  "u32 u64",     "z x:u64",            "@from_generic"),
    row("isspacep", "space",                     "",            "z x:u64",            "@is_in_space"),

    # memory
    row("mov",      "",                          "data",        "z x",                "@move"),
    row("mov",      "",                          "pred",        "z x",                "{x}"),
    row("ld",       "sem? scope? space? nc? cache? evict? ahead? vector?", "data", "z [a]", "@load"),
    row("ldu",      "space? vector?",            "data",        "z [a]",              "@load"),
    row("st",       "sem? scope? space? cache? evict? vector?", "data", "[a] x",      "@store"),
    row("atom",     "sem? scope? space? atomic noftz?", "b32 b64 u32 u64 s32 s64 f16 bf16 f16x2 bf16x2 f32 f64", "z [a] x", "atomic<{atomic}, {type}>({a}, {x})"),
    row("atom",     "sem? scope? space? cas",    "B",           "z [a] x y",          "compare_and_swap<{type}>({a}, {x}, {y})"),
    row("red",      "sem? scope? space? atomic noftz?", "b32 b64 u32 u64 s32 s64 f16 bf16 f16x2 bf16x2 f32 f64", "[a] x", "atomic<{atomic}, {type}>({a}, {x})"),
    row("membar",   "scope",                     "",            "",                   "cuda_on_cpu::fence()"),
    row("fence",    "sem? scope",                "",            "",                   "cuda_on_cpu::fence()"),
    row("prefetch", "space? L1",                 "",            "[a]",                "(void){a}"),
    row("prefetch", "space? L2",                 "",            "[a]",                "(void){a}"),
    row("nanosleep", "",                         "u32",         "x",                  "(void){x}"),

    # threads
    row("bar",      "cta? sync",                 "",            "0",                  "barrier_count(false, {site})"),
    row("barrier",  "cta? sync aligned?",        "",            "0",                  "barrier_count(false, {site})"),
    row("bar",      "warp sync",                 "",            "m:b32",              "cuda_on_cpu::warp_barrier({m}, {site})"),
    row("bar",      "cta? red join",             "u32 pred",    "z 0 c:pred",         "barrier_{join}({c}, {site})"),
    row("barrier",  "cta? red join aligned?",    "u32 pred",    "z 0 c:pred",         "barrier_{join}({c}, {site})"),
    row("shfl",     "sync shuffle",              "b32",         "z|q x y w m",        "shuffled<Shuffle::{shuffle}>({x}, {y}, {w}, {m}, {q}, {site})"),
    row("vote",     "sync kind",                 "b32 pred",    "z c:pred m:b32",     "{kind}({c}, {m}, {site})"),
    row("match",    "any sync",                  "B64",         "z x m:b32",          "match_any({x}, {m}, {site})"),
    row("match",    "all sync",                  "B64",         "z|q x m:b32",        "match_all({x}, {m}, {q}, {site})"),
    row("redux",    "sync atomic",               "u32 s32 b32", "z x m:b32",          "reduced<{atomic}>({x}, {m}, {site})"),
    row("activemask", "",                        "b32",         "z",                  "cuda_on_cpu::active_mask()"),

    # control
    row("bra",      "uni?",                      "",            "label",              "@jump"),
    row("brx",      "idx uni?",                  "",            "x:u32 targets",      "@jump_by_index"),
    row("call",     "uni?",                      "",            "...",                "@call"),
    row("ret",      "uni?",                      "",            "",                   "return"),
    row("exit",     "",                          "",            "",                   "@exit"),
    row("trap",     "",                          "",            "",                   'cuda_on_cpu::stop({site}, "the kernel trapped")'),
)
"""The table."""


@dataclass(frozen=True, slots=True)
class Match:
    """A row as an opcode uses it: the word of each group, its types, and its modifiers as C++."""

    opcode: Opcode
    words: dict[str, str]
    type: str
    source: str

    @property
    def flags(self) -> str:
        """Return the modifiers, for a function that takes them as bits."""
        return " | ".join(FLAGS[word] for word in self.words.values() if FLAGS.get(word, "rn") not in ("rn", ""))

    @property
    def compared(self) -> str:
        """Return the type of what is read."""
        return self.source or self.type


def matches(parts: tuple[str, ...]) -> Iterator[Match]:
    """Yield each row that an opcode, in parts, may be.

    >>> [match.type for match in matches(("add", "rn", "f32"))]
    ['f32']
    >>> list(matches(("add", "f32", "rn")))
    []
    """
    for opcode in _by_name[parts[0]]:
        if found := _match(opcode, parts[1:]):
            yield found


def _match(opcode: Opcode, left: tuple[str, ...]) -> Match | None:
    words: dict[str, str] = {}
    for slot in opcode.says.split():
        group = slot.rstrip("?")
        if left and left[0] in GROUPS.get(group, (group,)):
            words[group], left = left[0], left[1:]
        elif not slot.endswith("?"):
            return None
    types = []
    for classes in filter(None, (opcode.types, opcode.sources)):
        if not left or left[0] not in _members(classes):
            return None
        types.append(left[0])
        left = left[1:]
    return None if left else Match(opcode, words, *(*types, "", "")[:2])


def _members(classes: str) -> set[str]:
    return {name for word in classes.split() for name in CLASSES.get(word, word).split()}


_by_name: defaultdict[str, list[Opcode]] = defaultdict(list)
for _opcode in OPCODES:
    _by_name[_opcode.name].append(_opcode)
