"""What common.cuh promises to every kernel: whole packs are visited as packs, and a block may sum more than once."""

import cuda_on_cpu
import pytest
from cuda_on_cpu import Program
from mutants.shared_parts import TEXT, checks

from gpugrad.cuda import source

pytestmark = pytest.mark.skipif(cuda_on_cpu.missing() is not None, reason=str(cuda_on_cpu.missing()))


@pytest.mark.parametrize("order", [0, 1, 7])
def test_the_common_part_keeps_its_promises(order: int) -> None:
    file = source.names()[0]
    program = Program(source.read(file) + TEXT, file)
    for check in checks(program, order):
        check()
