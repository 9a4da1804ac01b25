"""Compile a kernel for this machine's processor: what a language is in C++, g++, and a cache of what came out."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["CACHE", "HERE", "CompileError", "Language", "build", "cached", "headers", "missing"]

HERE: Final = Path(__file__).resolve().parent
CACHE = HERE.parents[2] / ".cuda_on_cpu_cache"
MOST_DAYS: Final = 30
MOST_BYTES: Final = 500_000_000
"""What the cache keeps: of what was used in so many days, so many bytes, the latest first."""

# Libraries loaded side by side must not share what has the same name in them, as GNU's unique symbols are shared.
_common = "-std=c++17 -fPIC -fvisibility=hidden -fno-gnu-unique -ffp-contract=off -w".split()
_instrumented = {
    "address": "-g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined,float-cast-overflow "
    "-fno-sanitize-recover=all".split(),
    "thread": "-g -O1 -fno-omit-frame-pointer -fsanitize=thread".split(),
}


class CompileError(Exception):
    """A kernel that g++ does not take; the message is g++'s."""


@dataclass(frozen=True)
class Language:
    """What kernels are written in.

    Parameters
    ----------
    unit
        From the text, its name and the flags for g++: the preprocessed C++ and the table of kernels in it.
    flags
        Given to g++ for a program without a sanitizer.
    sources
        The files that `unit` is made of, as patterns in this folder; and NVIDIA's, whose folder is `headers`.
    """

    unit: Callable[[str, str, list[str]], str]
    flags: tuple[str, ...]
    sources: tuple[str, ...]
    headers: tuple[str, ...] = ()

    @functools.cached_property
    def made_of(self) -> str:
        """Return what a program depends on besides its text and the runtime."""
        theirs = Path(str(headers()))
        return _contents(HERE, self.sources) + _contents(theirs, self.headers)


@functools.cache
def _runtime() -> str:
    """Return what every program depends on: our own sources, the compiler and the processor."""
    own = _contents(HERE, ("build.py", "runtime.*", "fiber.h", "checker.cpp", "device.h"))
    return "\0".join([own, compiled(["--version"], "g++"), platform.machine()])


def _contents(folder: Path, patterns: tuple[str, ...]) -> str:
    paths = sorted({path for pattern in patterns for path in folder.glob(pattern) if path.is_file()})
    return "\0".join(path.read_text("utf-8") for path in paths)


@functools.cache
def missing() -> str | None:
    """Return what this machine lacks to compile a kernel, None where it lacks nothing."""
    if sys.platform != "linux":
        return f"needs Linux, and this is {sys.platform}"
    if not shutil.which("g++"):
        return "needs g++, which is not installed"
    if headers() is None:
        return "needs NVIDIA's headers: the wheels cuda-bindings and nvidia-cuda-runtime"
    return None


def build(text: str, name: str, language: Language, sanitizer: str | None = None, *, portable: bool = False) -> Path:
    """Return the library of the kernels in `text`, or with a `sanitizer` the program that checks them.

    What was compiled before is taken from the cache, which knows it by all that it was made of.

    Parameters
    ----------
    text, name
        The source, and the file name that stands in messages.
    language
        What the text is written in.
    sanitizer
        None, ``"address"`` (with undefined behaviour) or ``"thread"``.
    portable
        Change fibers by ucontext, as on a processor other than x86-64.
    """
    flags = [*_common, *_garbage(), *(_instrumented[sanitizer] if sanitizer else language.flags)]
    plain = [*_common, "-O2", "-fno-tree-loop-distribute-patterns"]
    if sanitizer:
        plain.append(f"-DCUDA_ON_CPU_{sanitizer.upper()}")
    if portable:
        plain.append("-DCUDA_ON_CPU_UCONTEXT")

    def make(folder: Path) -> Path:
        objects = [_object(HERE / file, plain) for file in ("runtime.cpp", *(["checker.cpp"] if sanitizer else []))]
        unit, kernel, made = (folder / part for part in ("kernel.ii", "kernel.o", "made"))
        unit.write_text(language.unit(text, name, plain), encoding="utf-8")
        compiled([*flags, "-c", str(unit), "-o", str(kernel)], name)
        linked = [flag for flag in flags if flag.startswith("-fsanitize")] if sanitizer else ["-shared"]
        compiled([*linked, *map(str, [kernel, *objects]), "-o", str(made)], name)
        return made

    return cached(make, text, name, repr((flags, plain)), language.made_of, _runtime())


def cached(make: Callable[[Path], Path], *parts: str) -> Path:
    """Return the file in the cache that is known by `parts`: made by `make` in a folder of its own if it is not there.

    What nobody used for long is removed when something is made.
    """
    target = CACHE / hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
    if not target.exists():
        CACHE.mkdir(exist_ok=True)
        _prune()
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            os.replace(make(Path(folder)), target)
    os.utime(target)
    return target


def _prune() -> None:
    """Remove from the cache what was last used too long ago, and the oldest of what is too much."""
    entries = []
    for path in CACHE.iterdir():
        with contextlib.suppress(FileNotFoundError):  # another process prunes too
            found = path.stat()
            entries.append((found.st_mtime, found.st_size, path))
    size = 0
    for used, own, path in sorted(entries, reverse=True):
        size += own
        if time.time() - used > MOST_DAYS * 86400 or (size > MOST_BYTES and path.is_file()):
            shutil.rmtree(path, ignore_errors=True)  # what a process that was killed left behind
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


@functools.cache
def _garbage() -> list[str]:
    """Return what lets a variable that nobody set hold something large, where g++ knows it: from 12 on."""
    flag = "-ftrivial-auto-var-init=pattern"
    try:
        compiled([flag, "-E", "-x", "c++", os.devnull], "nothing")
    except CompileError:
        return []
    return [flag]


def _object(path: Path, flags: list[str]) -> Path:
    """Return the object file of one of our own sources: compiled once for all kernels."""

    def make(folder: Path) -> Path:
        compiled([*flags, "-c", str(path), "-o", str(folder / "made.o")], path.name)
        return folder / "made.o"

    return cached(make, path.name, repr(flags), _runtime())


def compiled(arguments: list[str], name: str, given: str | None = None) -> str:
    """Run g++ and return what it prints; `name` stands in the error."""
    done = subprocess.run(["g++", *arguments], input=given, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise CompileError(f"{name} does not compile for this processor:\n{done.stderr}")
    return done.stdout


@functools.cache
def headers() -> str | None:
    """Return the folder of NVIDIA's headers, None where they are not installed."""
    try:
        from cuda import pathfinder
    except ImportError:
        return None
    return pathfinder.find_nvidia_header_directory("cudart")
