"""A CUDA kernel as a Python function: compiled once per device, arguments checked, grid sized to the work."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from gpugrad.backends import Array, is_cuda
from gpugrad.cuda import source
from gpugrad.cuda.signature import Parameter, arithmetic, parse_signature
from gpugrad.errors import DeviceError, DtypeError, ShapeError

__all__ = ["Kernel"]

_suffixes = {"float16": "f16", "float32": "f32", "float64": "f64"}
_bytes_per_thread = 16


class Kernel:
    """A kernel of kernels/, or of a text, for CuPy arrays, one entry point per dtype.

    CuPy hands a kernel whatever it is given: a Python float as a double, any array as its bare address. So
    each array is checked here, and each scalar gets the width that the kernel reads.

    Parameters
    ----------
    file
        The file in kernels/, such as ``"sigmoid.cu"``.
    name
        The entry point without its suffix: ``sigmoid`` for ``sigmoid_f16``, ``sigmoid_f32``, ``sigmoid_f64``.
    signature
        The parameters in the kernel's order, as `parse_signature` describes them.
    threads
        Threads per block.
    text
        From the name of the entry point, with its suffix, the kernel's text, where `file` is none of kernels/ but a
        name for errors.

    Examples
    --------
    >>> forward = Kernel("sigmoid.cu", "sigmoid", "T[n] x, T[n] z, int64 n")
    >>> forward.entry_point("float32")
    'sigmoid_f32'
    """

    def __init__(
        self,
        file: str,
        name: str,
        signature: str,
        threads: int = 256,
        text: Callable[[str], str] | None = None,
    ) -> None:
        self.file = file
        self.name = name
        self.parameters = parse_signature(signature)
        self.threads = threads
        self.text = text
        self._given = tuple(parameter for parameter in self.parameters if parameter.name != "n")

    def entry_point(self, dtype: str) -> str:
        """Return the name of the entry point for arrays of `dtype`, or raise DtypeError."""
        if dtype not in _suffixes:
            raise DtypeError(f"kernel {self.name} is not for {dtype}: cast to one of {', '.join(_suffixes)}")
        return f"{self.name}_{_suffixes[dtype]}"

    def __call__(self, *arguments: Any, n: int, blocks: int | None = None) -> None:
        """Launch on the arrays' device and its current stream; the host does not wait.

        Parameters
        ----------
        *arguments
            What the signature lists, without `n`.
        n
            How many elements there are.
        blocks
            The size of the grid; by default what `n` needs, and no more than the device runs at a time. Of 0
            blocks nothing is launched.
        """
        if len(arguments) != len(self._given):
            names = ", ".join(parameter.name for parameter in self._given)
            raise TypeError(f"kernel {self.name} takes {names}: {len(arguments)} arguments were given")
        leader = self._leader(arguments)
        entry = self.entry_point(leader.dtype.name)
        if blocks is None:
            blocks = self._grid(n * leader.dtype.itemsize, leader.device.id)
        packed = self._packed(arguments, leader, n, blocks)
        if blocks:
            with leader.device:
                _compiled(self.file, entry, self.text)((blocks,), (self.threads,), packed)

    def _leader(self, arguments: tuple[Any, ...]) -> Array:
        """Return the first array of dtype T: it chooses the entry point and the device."""
        for parameter, argument in zip(self._given, arguments, strict=True):
            if parameter.dtype == "T":
                if not is_cuda(argument):
                    raise DeviceError(f"kernel {self.name}: {parameter.name} is not on a CUDA device")
                return argument
        raise TypeError(f"kernel {self.name} has no array of dtype T in its signature")

    def _grid(self, size: int, device: int) -> int:
        """Return the number of blocks for an array of `size` bytes."""
        needed = -(-size // (self.threads * _bytes_per_thread))
        return min(needed, _resident_threads(device) // self.threads)

    def _packed(self, arguments: tuple[Any, ...], leader: Array, n: int, blocks: int) -> tuple[Any, ...]:
        """Return the arguments as the kernel reads them, `n` among them, or raise what is wrong with one."""
        dtypes = {"T": leader.dtype.name, "A": arithmetic[leader.dtype.name]}
        lengths = {"n": n, "blocks": blocks}
        given = iter(arguments)
        packed = []
        for parameter in self.parameters:
            argument = n if parameter.name == "n" else next(given)
            if parameter.length is None:
                packed.append(parameter.scalar(argument))
                continue
            length = lengths[parameter.length] if parameter.length in lengths else int(parameter.length)
            self._check(parameter, argument, dtypes.get(parameter.dtype, parameter.dtype), length, leader)
            packed.append(argument)
        return tuple(packed)

    def _check(self, parameter: Parameter, array: Array, dtype: str, length: int, leader: Array) -> None:
        where = f"kernel {self.name}: {parameter.name}"
        if not is_cuda(array):
            raise DeviceError(f"{where} is not on a CUDA device")
        if array.device.id != leader.device.id:
            raise DeviceError(f"{where} is on cuda:{array.device.id}, the others on cuda:{leader.device.id}")
        if array.dtype.name != dtype:
            raise DtypeError(f"{where} is {array.dtype.name}, and must be {dtype}")
        if array.size != length:
            raise ShapeError(f"{where} has {array.size} elements, and must have {length}")
        if not array.flags.c_contiguous:
            raise ShapeError(f"{where} is not C-contiguous: copy it first")


@cache
def _compiled(file: str, entry: str, text: Callable[[str], str] | None) -> Any:
    """Return the entry point as CuPy's kernel, which compiles itself once on every device it meets."""
    return _module(source.read(file) if text is None else source.completed(file, text(entry))).get_function(entry)


@cache
def _module(code: str) -> Any:
    import cupy

    return cupy.RawModule(code=code, options=("--std=c++17",))


@cache
def _resident_threads(device: int) -> int:
    """Return how many threads the device runs at a time."""
    import cupy

    attributes = cupy.cuda.Device(device).attributes
    return int(attributes["MultiProcessorCount"] * attributes["MaxThreadsPerMultiProcessor"])
