"""Backends that can run a kernel made of a text: the stand-in for CuPy needs g++ and NVIDIA's headers for it."""

import cuda_on_cpu
import pytest


@pytest.fixture(autouse=True)
def _kernels_can_run(request):
    if "backend" in request.fixturenames or "devices" in request.fixturenames:
        chosen = [value for value in getattr(request.node, "callspec", None).params.values() if value == "fake-cuda"]
        if chosen and cuda_on_cpu.missing() is not None:
            pytest.skip(str(cuda_on_cpu.missing()))
