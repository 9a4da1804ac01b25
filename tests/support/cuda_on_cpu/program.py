"""Run CUDA kernels on NumPy arrays, on this machine's processor."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from cuda_on_cpu.build import build
from cuda_on_cpu.shim import CUDA
from gpugrad.cuda import source

__all__ = ["Arguments", "Entry", "KernelFault", "Launch", "Program", "run"]

GUARD: Final = 1024
"""Bytes before and behind each array, that a kernel must leave as they are."""

ALIGNMENT: Final = 256
"""The boundary that a GPU's allocations begin at: a copy of an array keeps its distance from one."""


class KernelFault(Exception):
    """What a kernel did that it must not; `report` is the checker's own, where one spoke."""

    def __init__(self, message: str, report: str = "") -> None:
        super().__init__(message)
        self.report = report


@dataclass(frozen=True)
class Launch:
    """A kernel with all that it is launched with.

    Parameters
    ----------
    entry
        The name of the entry point, such as ``"sigmoid_f32"``.
    grid, block
        How many blocks, and how many threads in each: one to three numbers.
    args
        NumPy arrays, C-contiguous, and scalars, passed as CuPy passes them: a float as float64, an int as
        int64, a NumPy scalar as it is, None as the null pointer.
    shared_bytes
        Of dynamic shared memory.
    order
        In which order blocks and threads run: 0 forward, 1 backward, any other number shuffles them.
    strict
        Whether a barrier that some threads of a block do not reach is an error.
    first_block
        The number of the first block that is run. With `before`, the end of a launch too large for this machine.
    before
        By the number of an argument, how many elements of the array lie before those given, and are not there: a
        multiple of 256 bytes.
    """

    entry: str
    grid: tuple[int, ...]
    block: tuple[int, ...]
    args: Sequence[Any]
    shared_bytes: int = 0
    order: int = 0
    strict: bool = True
    first_block: int = 0
    before: Mapping[int, int] = field(default_factory=dict)

    @property
    def extents(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return grid and block, three numbers each."""
        return (*self.grid, 1, 1)[:3], (*self.block, 1, 1)[:3]


@dataclass
class Region:
    """Memory that arguments lie in: those that overlap share one."""

    address: int
    size: int
    arrays: list[np.ndarray] = field(default_factory=list)

    @property
    def before(self) -> int:
        """Return how far from a boundary the region begins."""
        return self.address % ALIGNMENT

    def content(self) -> bytes:
        return ctypes.string_at(self.address, self.size)

    def differs(self, address: int) -> bool:
        """Return whether other bytes lie at `address`."""
        return self.content() != ctypes.string_at(address, self.size)

    def among(self, launch: Launch) -> str:
        """Return the numbers of the arguments that lie here."""
        return ", ".join(str(i) for i, arg in enumerate(launch.args) if any(arg is array for array in self.arrays))

    def take(self, address: int) -> None:
        """Copy into the arrays what a kernel left at `address`."""
        for array in self.arrays:
            if array.flags.writeable:
                ctypes.memmove(array.ctypes.data, address + array.ctypes.data - self.address, array.nbytes)


class Guarded:
    """A copy of a region between two guards, as far from a boundary as the region itself.

    A guard is made of signalling NaN, other ones for each region: what is computed from one or copied from
    another differs.
    """

    def __init__(self, region: Region, number: int) -> None:
        self.region = region
        dtype = region.arrays[0].dtype
        size = dtype.itemsize
        buffer = np.empty(2 * GUARD + ALIGNMENT + region.size, np.uint8)
        self.start = GUARD + (region.before - buffer.ctypes.data - GUARD) % ALIGNMENT
        pattern = bytes([0xA0 + number % 16]) + b"\xa5" * (size - 1)
        if dtype.kind == "f":
            pattern = (pattern[: size - len(_signalling[size])] + _signalling[size])[-size:]
        phase = -self.start % size
        self.untouched = np.frombuffer(pattern * (buffer.size // size + 2), np.uint8)[phase : phase + buffer.size]
        buffer[...] = self.untouched
        self.buffer = buffer
        self.address = buffer.ctypes.data + self.start
        ctypes.memmove(self.address, region.address, region.size)

    def overwritten(self) -> str | None:
        """Return on which side the guard has changed."""
        changed = self.buffer != self.untouched
        if changed[: self.start].any():
            return "before"
        return "behind" if changed[self.start + self.region.size :].any() else None


# The last bytes of a signalling NaN, by its size.
_signalling = {2: b"\xfd", 4: b"\xa5\xff", 8: b"\xf4\xff"}


class Arguments:
    """The arguments of one launch: the regions, and for each argument a value or where it lies in a region."""

    def __init__(self, launch: Launch) -> None:
        self.regions: list[Region] = []
        arrays = [arg for arg in launch.args if isinstance(arg, np.ndarray)]
        for array in sorted(arrays, key=lambda array: (array.ctypes.data, -array.nbytes)):
            begin, end = array.ctypes.data, array.ctypes.data + array.nbytes
            last = self.regions[-1] if self.regions else None
            if last is None or begin >= last.address + last.size:
                last = Region(begin, 0)
                self.regions.append(last)
            last.size = max(last.size, end - last.address)
            last.arrays.append(array)
        self.values = [self._value(arg, launch.before.get(i, 0)) for i, arg in enumerate(launch.args)]

    def _value(self, arg: Any, before: int) -> tuple[int | None, int]:
        """Return a region's number and the distance into it, or None and a scalar's bytes as an integer."""
        if arg is None:
            return None, 0
        if isinstance(arg, np.ndarray):
            for number, region in enumerate(self.regions):
                if any(array is arg for array in region.arrays):
                    return number, arg.ctypes.data - region.address - before * arg.itemsize
        return None, int.from_bytes(_scalar(arg).tobytes(), "little")


class _Parameter(ctypes.Structure):
    _fields_ = [
        ("dtype", ctypes.c_char_p),
        ("bytes", ctypes.c_int),
        ("pointer", ctypes.c_int),
        ("constant", ctypes.c_int),
    ]


class _Entry(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("call", ctypes.c_void_p),
        ("parameters", ctypes.POINTER(_Parameter)),
        ("count", ctypes.c_int),
        ("max_threads", ctypes.c_int),
    ]


class _Launch(ctypes.Structure):
    _fields_ = [
        ("grid", ctypes.c_uint * 3),
        ("block", ctypes.c_uint * 3),
        ("shared_bytes", ctypes.c_uint),
        ("strict", ctypes.c_uint),
        ("order", ctypes.c_uint64),
        ("first_block", ctypes.c_uint64),
    ]


@dataclass(frozen=True)
class Entry:
    """An entry point: its place in the program, its parameters such as ``"const float32*"``, its launch bounds."""

    number: int
    parameters: tuple[str, ...]
    max_threads: int


class Program:
    """The kernels of one file, compiled; `entries` describes each of them by its name."""

    language = CUDA

    def __init__(self, text: str, name: str, *, portable: bool = False) -> None:
        self.text, self.name, self.portable = text, name, portable
        self._library = ctypes.CDLL(str(self.built()))
        self._library.cuda_on_cpu_launch.restype = ctypes.c_char_p
        self._table = (_Entry * 1000).in_dll(self._library, "cuda_on_cpu_entries")
        self.entries = self._read_entries()

    @staticmethod
    @functools.cache
    def of(file: str) -> Program:
        """Return the program of a file in kernels/, compiled once."""
        return Program(source.read(file), file)

    def built(self, sanitizer: str | None = None) -> Path:
        """Return the library, or with a `sanitizer` the program that checks the kernels: see `build`."""
        return build(self.text, self.name, self.language, sanitizer, portable=self.portable)

    def _read_entries(self) -> dict[str, Entry]:
        entries = {}
        for number, row in enumerate(self._table):
            if not row.name:
                return entries
            parameters = tuple(
                f"{'const ' * (p.constant and p.pointer)}{p.dtype.decode() or '?'}{'*' * p.pointer}"
                for p in row.parameters[: row.count]
            )
            entries[row.name.decode()] = Entry(number, parameters, row.max_threads)
        raise AssertionError("the table has no end")

    def _widths(self, entry: Entry) -> list[int]:
        """Return the bytes of each parameter."""
        row = self._table[entry.number]
        return [parameter.bytes for parameter in row.parameters[: row.count]]

    def run(self, launch: Launch) -> None:
        """Launch, and change the arrays in place as the kernel does.

        Raises
        ------
        TypeError
            If the arguments are not those of the kernel, in number, dtype or width.
        KernelFault
            If the launch is impossible, a block waits for ever or meets a barrier in divergent control flow,
            or the kernel wrote beside an array.
        """
        entry = self.accept(launch)
        arguments = Arguments(launch)
        # A result of the kernel's is only copied back from a launch that went well.
        guarded = [Guarded(region, number) for number, region in enumerate(arguments.regions)]
        values = (ctypes.c_uint64 * (len(launch.args) or 1))()
        for i, (region, value) in enumerate(arguments.values):
            values[i] = value if region is None else guarded[region].address + value
        pointers = (ctypes.c_void_p * len(values))(
            *(ctypes.addressof(values) + 8 * i for i in range(len(values))),
        )
        grid, block = launch.extents
        settings = _Launch(grid, block, launch.shared_bytes, launch.strict, launch.order, launch.first_block)
        message = self._library.cuda_on_cpu_launch(
            ctypes.byref(self._table[entry.number]), ctypes.byref(settings), pointers
        )
        if message:
            raise KernelFault(f"{launch.entry}: {message.decode()}")
        for one in guarded:
            if where := one.overwritten():
                raise KernelFault(f"{launch.entry}: it wrote {where} the array of argument {one.region.among(launch)}")
        self.take(launch, [(one.region, one.address) for one in guarded])

    def take(self, launch: Launch, left: Sequence[tuple[Region, int]]) -> None:
        """Give arrays what a kernel left of each region at an address, if it has not changed what it only reads."""
        constant = _constant(self.entries[launch.entry], launch)
        for region, address in left:
            if all(id(array) in constant for array in region.arrays) and region.differs(address):
                raise KernelFault(
                    f"{launch.entry}: it wrote to the array of argument {region.among(launch)}, which it takes as const"
                )
        for region, address in left:
            region.take(address)

    def accept(self, launch: Launch) -> Entry:
        """Return the entry point if the arguments are what it reads; raise TypeError otherwise."""
        if launch.entry not in self.entries:
            raise TypeError(f"{self.name} has no kernel {launch.entry!r}, but {', '.join(self.entries)}")
        entry = self.entries[launch.entry]
        if len(launch.args) != len(entry.parameters):
            raise TypeError(f"{launch.entry} takes {len(entry.parameters)} arguments: {len(launch.args)} were given")
        for i, (parameter, arg) in enumerate(zip(entry.parameters, launch.args, strict=True)):
            if fault := _mismatch(parameter, arg):
                raise TypeError(f"{launch.entry}: argument {i} must be {parameter}, and is {fault}")
        return entry


def run(
    file: str,
    entry: str,
    grid: tuple[int, ...],
    block: tuple[int, ...],
    args: Sequence[Any],
    *,
    shared_bytes: int = 0,
    order: int = 0,
    strict: bool = True,
) -> None:
    """Launch the kernel `entry` of the file in kernels/ named `file`; see `Launch` and `Program.run`."""
    Program.of(file).run(Launch(entry, grid, block, args, shared_bytes, order, strict))


def _constant(entry: Entry, launch: Launch) -> set[int]:
    """Return the arrays that the kernel takes as const and nothing else, by their ids."""
    given = [(id(arg), said) for arg, said in zip(launch.args, entry.parameters, strict=True)]
    return {one for one, _ in given} - {one for one, said in given if not said.startswith("const ")}


def _scalar(arg: Any) -> np.generic:
    """Return a scalar in the width that CuPy gives it."""
    if isinstance(arg, np.generic):
        return arg
    for kind, dtype in ((bool, np.bool_), (int, np.int64), (float, np.float64)):
        if isinstance(arg, kind):
            return dtype(arg)
    raise TypeError(f"{type(arg).__name__} is no argument of a kernel")


def _mismatch(parameter: str, arg: Any) -> str | None:
    """Return what the argument is, if it is not what the parameter says."""
    pointed = parameter.removesuffix("*").removeprefix("const ")
    if not parameter.endswith("*"):
        given = f"an array of {arg.dtype}" if isinstance(arg, np.ndarray) else _scalar_name(arg)
        return None if given == parameter else given
    if arg is None:
        return None
    if not isinstance(arg, np.ndarray):
        return _scalar_name(arg)
    if pointed not in ("?", arg.dtype.name):
        return f"an array of {arg.dtype}"
    if not arg.flags.c_contiguous:
        return "not C-contiguous"
    if not (arg.flags.writeable or parameter.startswith("const ")):
        return "read-only"
    return None


def _scalar_name(arg: Any) -> str:
    return "None" if arg is None else _scalar(arg).dtype.name
