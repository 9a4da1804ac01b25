"""Whether the kernels still compute what their references do, in any order of the threads, and keep to their arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from cuda_on_cpu import CompileError, Program, check, unavailable
from cuda_on_cpu.cases import cases, copied, kernels
from cuda_on_cpu.large import large_cases

from gpugrad.cuda import source
from mutants.shared_parts import TEXT, checks

__all__ = ["difference"]

_orders = (1, 0, 7)  # of the threads: backward, forward, shuffled
_common = "common.cuh"


def difference(file: str) -> str | None:
    """Return how the kernels of `file`, in kernels/, part from their references; None if they do not.

    Raises
    ------
    CompileError
        If they do not compile.
    """
    for of in source.names() if file == _common else [file]:
        # The common part is tested with one file, the kernels of every file with it.
        shared = file == _common and of == source.names()[0]
        program = Program(source.read(of) + TEXT * shared, of)
        for run in (*_runs(program, of, shared), partial(_within_arrays, program, of)):
            try:
                run()
            except CompileError:
                raise
            except Exception as fault:
                return " ".join(str(fault).split())[:200] or type(fault).__name__
    return None


def _runs(program: Program, file: str, shared: bool) -> Iterator[Callable[[], None]]:
    for order in _orders:
        if shared:
            yield from checks(program, order)
        for of, kernel, dtype in kernels():
            if of == file:
                yield from (partial(case.run, program) for case in cases(kernel, dtype, order=order))


def _within_arrays(program: Program, file: str) -> None:
    """Some of the cases under a sanitizer, which sees an index beyond an array that is the kernel's own, too."""
    chosen = [
        case
        for of, kernel, dtype in kernels()
        if of == file
        for case in (*cases(kernel, dtype)[::7], *large_cases(kernel, dtype))
    ]
    if unavailable("address") is None:
        launches = [case.launch(program) for case in chosen]
        before = [copied(named) for _, named in launches]
        check(program, [launch for launch, _ in launches], "address")
        for case, old, (_, new) in zip(chosen, before, launches, strict=True):
            case.compare(old, new)
