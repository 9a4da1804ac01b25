"""Whether the tests of tensors ran on a GPU too: the one place where their absence is counted."""

from __future__ import annotations

import os

import pytest

import gpugrad


def test_every_test_of_tensors_ran_on_cupy_too(cupy_fault, request):
    if cupy_fault and os.environ.get("GPUGRAD_REQUIRE_GPU") == "1":
        pytest.fail(f"GPUGRAD_REQUIRE_GPU=1, and {cupy_fault}")
    if cupy_fault:
        shared = sum("backend" in getattr(item, "fixturenames", ()) for item in request.session.items)
        pytest.skip(f"no GPU code was run: {shared} tests of tensors ran without CuPy. {cupy_fault}")
    with gpugrad.use_backend("cupy"):
        x = gpugrad.tensor([1.0, 2.0], requires_grad=True)
        (x @ x).backward()
        assert x.grad.tolist() == [2.0, 4.0]
        assert x.grad.is_cuda
