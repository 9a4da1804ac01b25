"""Were a barrier, a bound, a guard or a loop of a kernel missing, the comparison with its reference would show it."""

import re
import subprocess
import sys

import cuda_on_cpu
import pytest
from mutants import ROOT, STRUCTURE, every_fault, in_cuda

pytestmark = pytest.mark.skipif(cuda_on_cpu.missing() is not None, reason=str(cuda_on_cpu.missing()))


def test_every_barrier_bound_guard_and_loop_is_among_the_faults() -> None:
    text = "".join((ROOT / file).read_text("utf-8") for file in in_cuda.files(ROOT))
    code = re.sub(r"//.*", "", text)
    kinds = [fault.kind for fault in every_fault(languages=["kernels"])["kernels"]]
    assert kinds.count("barrier") == code.count("__syncthreads(") > 0
    assert kinds.count("loop") == len(re.findall(r"\b(?:for|while) \(", code)) > 0
    assert kinds.count("guard") == 2 * code.count("if (") > 0
    assert kinds.count("bound") >= code.count("; i < ") > 0


@pytest.mark.parametrize("file", in_cuda.files(ROOT))
def test_nothing_may_be_missing(file: str) -> None:
    options = f"--only kernels --file {file} --count 0 --jobs 2 --kind {' --kind '.join(STRUCTURE)}"
    command = [sys.executable, "-m", "mutants", *options.split()]
    done = subprocess.run(command, cwd=ROOT / "tests" / "support", capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
