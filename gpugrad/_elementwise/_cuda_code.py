"""A term as CUDA C++: what the compiler is given after common.cuh, one entry point for one dtype.

Numbers are of the arithmetic type A: none of them is a double in a kernel for float32. Every name of the user's has
``u_`` in front, so that none of them is a name, or a macro, of CUDA's.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

from gpugrad._elementwise._functions import FUNCTIONS
from gpugrad._elementwise._printing import coded
from gpugrad._elementwise._terms import Term, below

__all__ = ["cuda_code", "signature"]

_types = {"f16": "__half", "f32": "float", "f64": "double"}
_operators = frozenset({"+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!=", "&&", "||"})
_largest_float, _smallest_float = 3.4e38, 1.2e-38


def signature(inputs: Sequence[str], scalars: Sequence[str]) -> str:
    """Return the signature of the kernel, in the form that `gpugrad.cuda.Kernel` reads: arrays, then numbers."""
    arrays = [f"T[n] u_{name}" for name in inputs if name not in scalars]
    return ", ".join([*arrays, *(f"float64 u_{name}" for name in scalars), "T[n] z, int64 n"])


def cuda_code(z: Term, name: str, inputs: Sequence[str], scalars: Sequence[str], suffix: str) -> str:
    """Return the kernel ``name_suffix``, in which the inputs named in `scalars` are numbers and no arrays."""
    arrays = [f"u_{i}" for i in inputs if i not in scalars]
    numbers = [f"u_{i}" for i in scalars]
    parts, whole = coded(z, _code)
    body = [f"        const A {x} = static_cast<A>({x}_);" for x in numbers]
    body += [f"        const {'bool' if truth else 'A'} {part} = {text};" for part, text, truth in parts]
    fields = f"\n    {'double ' + ', '.join(f'{x}_' for x in numbers) + ';'}" if numbers else ""
    values = ", ".join(f"A {x}" for x in arrays)
    parameters = [f"const T* __restrict__ {x}" for x in arrays] + [f"double {x}" for x in numbers]
    return "\n".join(
        [
            *_helpers(z),
            "struct Body {",
            f"    template <typename A> __device__ __forceinline__ A operator()({values}) const {{",
            *body,
            f"        return {whole};",
            f"    }}{fields}",
            "};",
            f"using T = {_types[suffix]};",
            'extern "C" __global__ void __launch_bounds__(256)',
            f"    {name}_{suffix}({', '.join([*parameters, 'T* __restrict__ z', 'long long n'])}) {{",
            f"    elementwise(n, Body{{{', '.join(numbers)}}}, z, {', '.join(arrays)});",
            "}",
            "",
        ]
    )


def _helpers(z: Term) -> list[str]:
    """Return the functions that a term needs, for float and for double."""
    needed = {term.name for term in below([z]) if term.name in FUNCTIONS}
    if "rsqrt" in needed:
        needed.add("sqrt")
    lines = []
    for name in sorted(needed, key=lambda name: (FUNCTIONS[name].cuda is not None, name)):
        function = FUNCTIONS[name]
        operands = ["a", "b"][: function.arity]
        if function.cuda is not None:
            listed = ", ".join(f"A {x}" for x in operands)
            lines.append(f"template <typename A> __device__ __forceinline__ A f_{name}({listed}) {{ {function.cuda} }}")
            continue
        for kind, ending in (("float", "f"), ("double", "")):
            listed = ", ".join(f"{kind} {x}" for x in operands)
            call = f"{name}{ending}({', '.join(operands)})"
            lines.append(f"__device__ __forceinline__ {kind} f_{name}({listed}) {{ return {call}; }}")
    return lines


def _code(term: Term, x: list[str]) -> str:
    match term.name:
        case "input":
            return f"u_{term.payload}"
        case "number":
            return _number(term.payload)
        case "real":
            return f"({x[0]} ? A(1) : A(0))"
        case "?":
            return f"({x[0]} ? {x[1]} : {x[2]})"
        case "neg":
            return f"(-{x[0]})"
        case "!":
            return f"(!{x[0]})"
        case "isnan":
            return f"({x[0]} != {x[0]})"
        case "isinf":
            return f"({x[0]} == {_number(math.inf)} || {x[0]} == {_number(-math.inf)})"
        case "isfinite":
            return f"({x[0]} - {x[0]} == A(0))"
        case name if name in _operators:
            return f"({x[0]} {name} {x[1]})"
    return f"f_{term.name}({', '.join(x)})"


def _number(value: float) -> str:
    """Return a number of the type A; one that a float cannot hold by its bits, at which no compiler warns."""
    size = abs(value)
    if size == 0 or _smallest_float < size < _largest_float:
        return f"A({value!r})"
    bits = struct.unpack("<q", struct.pack("<d", value))[0]
    return f"static_cast<A>(__longlong_as_double({bits}ll))" if bits >= 0 else f"(-{_number(-value)})"
