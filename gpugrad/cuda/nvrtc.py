"""Compile a kernel for any GPU on a machine without one, and see what it takes: registers, stack, spills.

It needs the wheels cuda-bindings, nvidia-cuda-nvrtc and nvidia-cuda-runtime (the extra `test` brings them),
but neither CuPy nor a driver.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gpugrad.errors import GpugradError

__all__ = ["Compiled", "Resources", "available", "compile_cubin", "compile_ptx", "version"]

_properties = re.compile(
    r"Function properties for (?P<name>\w+)\s+[^\n]*?"
    r"(?P<stack>\d+) bytes stack frame, (?P<stores>\d+) bytes spill stores, (?P<loads>\d+) bytes spill loads"
    r"\s+[^\n]*?Used (?P<registers>\d+) registers"
)


@dataclass(frozen=True, slots=True)
class Resources:
    """What one thread takes: registers, and bytes of local memory, of which there should be none."""

    registers: int
    stack: int
    spill_stores: int
    spill_loads: int


@dataclass(frozen=True, slots=True)
class Compiled:
    """A program for one architecture: the binary, the resources of each kernel, and the compiler's log."""

    cubin: bytes
    kernels: dict[str, Resources]
    log: str

    @property
    def warnings(self) -> list[str]:
        """The lines of the log that warn."""
        return [line for line in self.log.splitlines() if "warning" in line.lower()]


def available() -> bool:
    """Return whether this machine can compile: whether NVRTC and its headers are installed."""
    try:
        version()
        _headers()
    except (ImportError, GpugradError, RuntimeError):
        return False
    return True


def version() -> tuple[int, int]:
    """Return the version of NVRTC, on which the number of registers depends."""
    from cuda.bindings import nvrtc

    major, minor = _checked(nvrtc.nvrtcVersion())
    return int(major), int(minor)


def compile_cubin(source: str, name: str, architecture: str) -> Compiled:
    """Return `source` compiled for a real architecture such as ``sm_90``; `name` stands in the messages.

    Raises
    ------
    GpugradError
        If the source does not compile; the message is the compiler's log.
    """
    with _compiled(source, name, architecture, "--ptxas-options=-v") as (program, log):
        return Compiled(_text(program, "CUBIN"), _resources(log), log)


def compile_ptx(source: str, name: str, architecture: str) -> str:
    """Return `source` as PTX for a virtual architecture such as ``compute_90``, with the lines that it comes from.

    Raises
    ------
    GpugradError
        If the source does not compile; the message is the compiler's log.
    """
    with _compiled(source, name, architecture) as (program, _):
        return _text(program, "PTX").decode().rstrip("\0")


@contextmanager
def _compiled(source: str, name: str, architecture: str, *options: str) -> Iterator[tuple[Any, str]]:
    """Compile, and lend NVRTC's program and its log."""
    from cuda.bindings import nvrtc

    given = [
        "--std=c++17",
        f"--gpu-architecture={architecture}",
        f"--include-path={_headers()}",
        "-lineinfo",
        *options,
    ]
    (program,) = _checked(nvrtc.nvrtcCreateProgram(source.encode(), name.encode(), 0, [], []))
    try:
        (result,) = nvrtc.nvrtcCompileProgram(program, len(given), [option.encode() for option in given])
        log = _text(program, "ProgramLog").decode().rstrip("\0")
        if result != nvrtc.nvrtcResult.NVRTC_SUCCESS:
            raise GpugradError(f"{name} does not compile for {architecture}:\n{log}")
        yield program, log
    finally:
        nvrtc.nvrtcDestroyProgram(program)


def _resources(log: str) -> dict[str, Resources]:
    return {
        found["name"]: Resources(*(int(found[key]) for key in ("registers", "stack", "stores", "loads")))
        for found in _properties.finditer(log)
    }


def _headers() -> Any:
    from cuda import pathfinder

    found = pathfinder.find_nvidia_header_directory("cudart")
    if found is None:
        raise GpugradError("the CUDA headers are missing: pip install nvidia-cuda-runtime")
    return found


def _checked(answer: tuple[Any, ...]) -> Any:
    """Return what an NVRTC function answers without its status, or raise."""
    from cuda.bindings import nvrtc

    status, *values = answer
    if status != nvrtc.nvrtcResult.NVRTC_SUCCESS:
        raise GpugradError(f"NVRTC answers {status.name}")
    return values


def _text(program: Any, what: str) -> bytes:
    """Return what NVRTC hands out by a pair of functions, one for the size and one for the contents."""
    from cuda.bindings import nvrtc

    (size,) = _checked(getattr(nvrtc, f"nvrtcGet{what}Size")(program))
    buffer = bytearray(int(size))  # not bytes, of which Python has but one of each single byte
    _checked(getattr(nvrtc, f"nvrtcGet{what}")(program, buffer))
    return bytes(buffer)
