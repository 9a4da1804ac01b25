"""CUDA C++ as it is written: what g++ takes of it, with the shim in front and the table of its kernels behind."""

from __future__ import annotations

import re
from typing import Final

from cuda_on_cpu.build import HERE, CompileError, Language, compiled, headers

__all__ = ["CUDA"]

# `extern __shared__ T name[];` is no C++: the one thing in a kernel's text that is written anew.
_dynamic = re.compile(
    r"extern\s+__shared__\s+(?:(?:__align__|alignas)\s*\([^)]*\)\s*)?"
    r"(?P<type>[\w:<>\s]+?)\s*\b(?P<name>\w+)\s*\[\s*\]\s*;"
)
_head = re.compile(r"extern\s+\"C\"\s+([^;{}]*)")
_attribute = re.compile(r"__attribute__\s*\(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)\)")
_bounds = re.compile(r"cuda_launch_bounds\(((?:[^(),]|\([^()]*\))+)")


def _unit(text: str, name: str, flags: list[str]) -> str:
    """Return the preprocessed source with the table of its kernels behind it."""
    given = f'#include "shim.h"\n#line 1 "{name}"\n{_with_dynamic_shared(text)}\n'
    preprocessed = compiled(["-E", *flags, *_includes(), "-x", "c++", "-"], name, given)
    heads = [found[1] for found in _head.finditer(preprocessed) if "cuda_global" in found[1]]
    if len(heads) != preprocessed.count("cuda_global"):
        raise CompileError(f'{name}: each __global__ function must be declared as extern "C" __global__ on its own')
    rows = []
    for head in heads:
        entry = re.search(r"(\w+)\s*\(", _attribute.sub("", head))[1]
        bounds = _bounds.search(head)
        rows.append(f'cuda_on_cpu::Caller<&{entry}>::entry("{entry}", {bounds[1] if bounds else 1024})')
    table = f"const cuda_on_cpu::Entry cuda_on_cpu_entries[] = {{{', '.join([*rows, '{}'])}}};"
    return f'{preprocessed}\n# 1 "entries"\nextern "C" {{ {table} }}\n'


def _with_dynamic_shared(text: str) -> str:
    """Write the declaration of dynamic shared memory as that of a pointer, in as many lines."""

    def pointer(found: re.Match[str]) -> str:
        kind, lines = " ".join(found["type"].split()), "\n" * found[0].count("\n")
        return f"{kind}* const {found['name']} = static_cast<{kind}*>(::cuda_on_cpu::dynamic_shared());{lines}"

    return _dynamic.sub(pointer, text)


def _includes() -> list[str]:
    """Return where headers are sought: last of all in our own stand-ins for those of other packages."""
    return ["-I", str(HERE), "-isystem", str(headers()), "-idirafter", str(HERE / "include")]


CUDA: Final = Language(
    unit=_unit,
    flags=("-O1", "-fsanitize=alignment"),  # whose handler is ours: see runtime.cpp
    sources=("shim.h", "shim.py", "include/**/*"),
    headers=("cuda_[bf][fp]16.hp*",),
)
"""The kernels as they are written."""
