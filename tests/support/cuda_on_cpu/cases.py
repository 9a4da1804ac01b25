"""Every kernel of the project with arguments made up for it, and what its reference makes of the same arguments."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from cuda_on_cpu.program import ALIGNMENT, Launch, Program
from gpugrad._fused import registry
from gpugrad.cuda import Kernel, source

__all__ = ["DTYPES", "OFFSETS", "REFERENCES", "SIZES", "Case", "cases", "kernels", "placed"]

SIZES: Final = (0, 1, 3, 4, 5, 31, 32, 33, 255, 256, 257, 1023, 1024, 1025, 4097)
OFFSETS: Final = (0, 1, 2, 3)
DTYPES: Final = ("float16", "float32", "float64")

Arrays = dict[str, Any]


def sigmoid(before: Arrays, after: Arrays) -> Iterator[tuple[Any, Any]]:
    yield after["z"], registry["sigmoid"].reference(before["x"])


def sigmoid_backward(before: Arrays, after: Arrays) -> Iterator[tuple[Any, Any]]:
    yield after["gx"], registry["sigmoid_backward"].reference(before["g"], before["z"])


def sum_of_squares(before: Arrays, after: Arrays) -> Iterator[tuple[Any, Any]]:
    norm, _ = registry["clip_coefficient"].reference([before["x"]], np.inf)
    yield np.sqrt(np.sum(after["partials"])).astype(norm.dtype), norm


def norm_and_coefficient(before: Arrays, after: Arrays) -> Iterator[tuple[Any, Any]]:
    norm, coefficient = registry["clip_coefficient"].reference([np.sqrt(before["partials"])], before["max_norm"])
    yield after["norm"][0], norm.astype(after["norm"].dtype)
    yield after["coefficient"][0], coefficient.astype(after["norm"].dtype)


def scale(before: Arrays, after: Arrays) -> Iterator[tuple[Any, Any]]:
    x = before["x"].copy()
    registry["scale"].reference([x], before["coefficient"][0])
    yield after["x"], x


REFERENCES: dict[str, Callable[[Arrays, Arrays], Iterator[tuple[Any, Any]]]] = {
    function.__name__: function for function in (sigmoid, sigmoid_backward, sum_of_squares, norm_and_coefficient, scale)
}
"""For each kernel: from its arguments before and after, pairs of what it computed and what its reference does."""

_changed_in_place = {("scale", "x")}
_absent = {("norm_and_coefficient", "float16")}  # a norm is at least float32


@dataclass(frozen=True)
class Case:
    """One launch: a kernel, a dtype, a number of elements, and how far from a boundary its arrays begin."""

    kernel: Kernel
    dtype: str
    size: int
    offset: int
    apart: bool  # the arrays begin at different distances from a boundary
    order: int = 0
    blocks: int = 2
    threads: int | None = None

    def __str__(self) -> str:
        apart = " and on" if self.apart else ""
        return f"{self.entry}, n={self.size}, offset {self.offset}{apart}, order {self.order}"

    @property
    def entry(self) -> str:
        """Return the name of the entry point."""
        return self.kernel.entry_point(self.dtype)

    def launch(self, program: Program) -> tuple[Launch, Arrays]:
        """Return the launch, and its arguments by their names.

        What the kernel only writes is full of NaN, so that an element left out is seen. There are at most
        `blocks` blocks, so that large sizes take more than one step of the grid.
        """
        threads = self.threads or self.kernel.threads
        needed = -(-self.size * np.dtype(self.dtype).itemsize // (threads * 16))
        one = self.kernel.threads == 1024  # the kernels that finish a reduction have one block
        lengths = {"n": self.size, "blocks": 1 if one else max(1, min(needed, self.blocks))}
        wide = "float32" if self.dtype == "float16" else self.dtype
        types = {"T": self.dtype, "A": wide}
        generator = np.random.default_rng(self.size)
        named: Arrays = {}
        for number, (parameter, said) in enumerate(
            zip(self.kernel.parameters, program.entries[self.entry].parameters, strict=True)
        ):
            if parameter.length is None:
                named[parameter.name] = self.size if parameter.name == "n" else 1.5
                continue
            length = lengths.get(parameter.length) if parameter.length in lengths else int(parameter.length)
            values = generator.normal(size=length)
            if parameter.dtype == "float64":  # the sums of a step before
                values = np.abs(values)
            if not (said.startswith("const") or (self.kernel.name, parameter.name) in _changed_in_place):
                values = np.full(length, np.nan)
            offset = (self.offset + number * self.apart) % 4
            named[parameter.name] = placed(values.astype(types.get(parameter.dtype, parameter.dtype)), offset)
        return Launch(self.entry, (lengths["blocks"],), (threads,), list(named.values()), order=self.order), named

    def compare(self, before: Arrays, after: Arrays) -> None:
        """Raise AssertionError where the kernel and its reference differ. What it may not change, the runner sees."""
        reference = REFERENCES.get(self.kernel.name)
        assert reference, f"{self.kernel.name} has no reference: it needs a function in {__file__}"
        for computed, expected in reference(before, after):
            assert computed.dtype == expected.dtype, str(self)
            limits = np.finfo(computed.dtype)
            np.testing.assert_allclose(
                computed, expected, rtol=4 * limits.eps, atol=2 * limits.smallest_subnormal, err_msg=str(self)
            )

    def run(self, program: Program) -> None:
        """Run the kernel on its own, and compare."""
        launch, after = self.launch(program)
        before = copied(after)
        program.run(launch)
        self.compare(before, after)


def cases(kernel: Kernel, dtype: str, **settings: Any) -> list[Case]:
    """Return the cases of one entry point: every size at every offset, the arrays alike and apart."""
    return [
        Case(kernel, dtype, size, offset, apart, **settings)
        for size in SIZES
        for offset in OFFSETS
        for apart in (False, True)
    ]


def kernels() -> list[tuple[str, Kernel, str]]:
    """Return every entry point of the project: its file, its kernel, its dtype."""
    found = []
    for file in source.names():
        module = importlib.import_module(f"gpugrad._fused.{file.removesuffix('.cu')}")
        for kernel in vars(module).values():
            if isinstance(kernel, Kernel):
                found += [(file, kernel, dtype) for dtype in DTYPES if (kernel.name, dtype) not in _absent]
    return found


def placed(values: np.ndarray, offset: int) -> np.ndarray:
    """Return a copy that begins `offset` elements behind a boundary."""
    memory = np.zeros(values.nbytes + 2 * ALIGNMENT, np.uint8)
    begin = -memory.ctypes.data % ALIGNMENT + offset * values.itemsize
    array = memory[begin : begin + values.nbytes].view(values.dtype)
    array[...] = values
    return array


def copied(named: Arrays) -> Arrays:
    """Return the arguments with copies of the arrays."""
    return {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in named.items()}
