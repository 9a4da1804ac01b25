"""Compile a kernel for this machine's processor: the shim in front of it, g++, and a cache of what came out."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["CACHE", "CompileError", "build", "missing"]

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[2] / ".cuda_on_cpu_cache"

# Libraries loaded side by side must not share what has the same name in them, as GNU's unique symbols are shared.
_common = "-std=c++17 -g -fPIC -fvisibility=hidden -fno-gnu-unique -ffp-contract=off -w".split()
_instrumented = {
    None: "-O1 -fsanitize=alignment".split(),  # whose handler is ours: see runtime.cpp
    "address": "-O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all".split(),
    "thread": "-O1 -fno-omit-frame-pointer -fsanitize=thread".split(),
}

# `extern __shared__ T name[];` is no C++: the one thing in a kernel's text that is written anew.
_dynamic = re.compile(
    r"extern\s+__shared__\s+(?:(?:__align__|alignas)\s*\([^)]*\)\s*)?"
    r"(?P<type>[\w:<>\s]+?)\s*\b(?P<name>\w+)\s*\[\s*\]\s*;"
)
_head = re.compile(r"extern\s+\"C\"\s+([^;{}]*)")
_attribute = re.compile(r"__attribute__\s*\(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)\)")
_bounds = re.compile(r"cuda_launch_bounds\(((?:[^(),]|\([^()]*\))+)")


class CompileError(Exception):
    """A kernel that g++ does not take; the message is g++'s."""


@functools.cache
def missing() -> str | None:
    """Return what this machine lacks to compile a kernel, None where it lacks nothing."""
    if sys.platform != "linux":
        return f"needs Linux, and this is {sys.platform}"
    if not shutil.which("g++"):
        return "needs g++, which is not installed"
    if _headers() is None:
        return "needs NVIDIA's headers: the wheels cuda-bindings and nvidia-cuda-runtime"
    return None


def build(text: str, name: str, sanitizer: str | None = None, *, portable: bool = False) -> Path:
    """Return the library of the kernels in `text`, or with a `sanitizer` the program that checks them.

    What was compiled before is taken from the cache, which knows it by all that it was made of.

    Parameters
    ----------
    text, name
        The source, and the file name that stands in messages.
    sanitizer
        None, ``"address"`` (with undefined behaviour) or ``"thread"``.
    portable
        Change fibers by ucontext, as on a processor other than x86-64.
    """
    flags = [*_common, *_instrumented[sanitizer]]
    plain = [*_common, "-O2", "-fno-tree-loop-distribute-patterns"]
    if sanitizer:
        plain.append(f"-DCUDA_ON_CPU_{sanitizer.upper()}")
    if portable:
        plain.append("-DCUDA_ON_CPU_UCONTEXT")
    target = CACHE / _key(text, name, repr((flags, plain)))
    if target.exists():
        return target
    CACHE.mkdir(exist_ok=True)
    objects = [_object(HERE / "runtime.cpp", plain)]
    if sanitizer:
        objects.append(_object(HERE / "checker.cpp", plain))
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        unit, kernel, made = (Path(folder, part) for part in ("kernel.ii", "kernel.o", "made"))
        unit.write_text(_unit(text, name, plain), encoding="utf-8")
        _compile([*flags, "-c", str(unit), "-o", str(kernel)], name)
        linked = [flag for flag in flags if flag.startswith("-fsanitize")] if sanitizer else ["-shared"]
        _compile([*linked, *map(str, [kernel, *objects]), "-o", str(made)], name)
        os.replace(made, target)
    return target


def _unit(text: str, name: str, flags: list[str]) -> str:
    """Return the preprocessed source with the table of its kernels behind it."""
    given = f'#include "shim.h"\n#line 1 "{name}"\n{_with_dynamic_shared(text)}\n'
    preprocessed = _compile(["-E", *flags, *_includes(), "-x", "c++", "-"], name, given)
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


def _object(path: Path, flags: list[str]) -> Path:
    """Return the object file of one of our own sources: compiled once for all kernels."""
    target = CACHE / (_key(path.read_text("utf-8"), path.name, repr(flags)) + ".o")
    if not target.exists():
        handle, made = tempfile.mkstemp(suffix=".o", dir=CACHE)
        os.close(handle)
        _compile([*flags, "-c", str(path), "-o", made], path.name)
        os.replace(made, target)
    return target


def _compile(arguments: list[str], name: str, given: str | None = None) -> str:
    done = subprocess.run(["g++", *arguments], input=given, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise CompileError(f"{name} does not compile for this processor:\n{done.stderr}")
    return done.stdout


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join([*parts, _surroundings()]).encode()).hexdigest()[:32]


@functools.cache
def _surroundings() -> str:
    """Return what every build depends on: our own sources, NVIDIA's headers, the compiler and the processor."""
    own = [
        Path(__file__),
        *(path for path in sorted(HERE.rglob("*")) if path.suffix in (".h", ".cpp", "") and path.is_file()),
    ]
    theirs = sorted(Path(str(_headers())).glob("cuda_[bf][fp]16.hp*"))
    contents = [path.read_text("utf-8") for path in [*own, *theirs]]
    return "\0".join([*contents, _compile(["--version"], "g++"), platform.machine()])


@functools.cache
def _headers() -> str | None:
    try:
        from cuda import pathfinder
    except ImportError:
        return None
    return pathfinder.find_nvidia_header_directory("cudart")


def _includes() -> list[str]:
    """Return where headers are sought: last of all in our own stand-ins for those of other packages."""
    return ["-I", str(HERE), "-isystem", str(_headers()), "-idirafter", str(HERE / "include")]
