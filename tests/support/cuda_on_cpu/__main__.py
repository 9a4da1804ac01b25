"""Run every kernel under every checker, at every size, alignment and dtype: ``python -m cuda_on_cpu --help``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

from cuda_on_cpu import SANITIZERS, KernelFault, Program, check, missing, unavailable
from cuda_on_cpu.cases import cases, copied, kernels
from cuda_on_cpu.large import large_cases
from cuda_on_cpu.runners import RUNNERS, lacks, program_of
from gpugrad.cuda import Kernel


def plain(program: Program, kernel: Kernel, dtype: str) -> int:
    """Compare with the reference: threads forward, backward and shuffled; return how many launches that took."""
    chosen = [case for order in (0, 1, 7) for case in cases(kernel, dtype, order=order)]
    for case in chosen:
        case.run(program)
    return len(chosen)


def sanitized(sanitizer: str) -> Callable[[Program, Kernel, str], int]:
    """Return the checker that runs under a sanitizer, and compares too."""
    # ThreadSanitizer is slow by the thread: a block of two warps shows what one of eight does.
    settings = {"threads": 64} if sanitizer == "thread" else {}

    def checker(program: Program, kernel: Kernel, dtype: str) -> int:
        chosen = [*cases(kernel, dtype, **settings), *(large_cases(kernel, dtype) if sanitizer == "address" else ())]
        launches = [case.launch(program) for case in chosen]
        before = [copied(named) for _, named in launches]
        check(program, [launch for launch, _ in launches], sanitizer)
        for case, old, (_, new) in zip(chosen, before, launches, strict=True):
            case.compare(old, new)
        return len(chosen)

    return checker


def from_ptx(runner: str) -> Callable[[Program, Kernel, str], int]:
    """Return the checker of what NVRTC makes of a kernel for an architecture: as it is, and perturbed by ten seeds."""

    def checker(program: Program, kernel: Kernel, dtype: str) -> int:
        count = plain(program_of(program.name, runner), kernel, dtype)
        for seed in range(1, 11):
            chosen = cases(kernel, dtype, order=seed)
            perturbed = program_of(program.name, f"{runner}-perturbed-{seed}")
            for case in chosen:
                case.run(perturbed)
            count += len(chosen)
        return count

    return checker


CHECKERS = {
    "plain": plain,
    **{sanitizer: sanitized(sanitizer) for sanitizer in SANITIZERS},
    **{runner: from_ptx(runner) for runner in RUNNERS if runner != "source"},
}


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for; return 1 if anything was found, 2 if a checker cannot run here."""
    parser = argparse.ArgumentParser(
        prog="cuda_on_cpu",
        description="Execute the CUDA kernels on this machine's processor and check them. No GPU code is run.",
    )
    parser.add_argument("--checker", action="append", choices=CHECKERS, help="only this one; may be repeated")
    parser.add_argument("--kernel", default="", help="only entry points whose name contains this")
    options = parser.parse_args(arguments)
    if reason := missing():
        print(f"cannot run: {reason}", file=sys.stderr)
        return 2
    print("The kernels are executed on this machine's processor: no GPU code is run.")
    status = 0
    for name in options.checker or CHECKERS:
        if reason := cannot(name):
            print(f"{name:8} cannot run: {reason}")
            status = max(status, 2)
            continue
        found = [run_checker(name, *row) for row in kernels() if options.kernel in row[1].entry_point(row[2])]
        if not all(found):
            status = 1
    return status


def cannot(checker: str) -> str | None:
    """Return why a checker cannot run here, None where it can."""
    if checker in SANITIZERS:
        return unavailable(checker)
    return lacks(checker) if checker in RUNNERS else None


def run_checker(name: str, file: str, kernel: Kernel, dtype: str) -> bool:
    """Run one checker over one entry point, print a line, and return whether it found nothing."""
    start = time.perf_counter()
    line = f"{name:8} {kernel.entry_point(dtype):28}"
    try:
        count = CHECKERS[name](Program.of(file), kernel, dtype)
    except (AssertionError, KernelFault) as fault:
        print(f"{line} FAULT: {fault}", flush=True)
        return False
    print(f"{line} {count:5} launches {time.perf_counter() - start:8.1f} s", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
