"""The backends that every test of tensors runs on, by one fixture."""

from __future__ import annotations

import os

import pytest
import strict

import gpugrad
from gpugrad.errors import BackendUnavailable

strict.register()

# CuPy joins where a device answers. GPUGRAD_TEST_BACKENDS names others, in its place.
_asked = os.environ.get("GPUGRAD_TEST_BACKENDS", "numpy,strict,cupy").replace(" ", "").split(",")


def pytest_report_header(config):
    return f"gpugrad backends under test: {', '.join(_asked)}; those that work here: {', '.join(gpugrad.available_backends())}"


@pytest.fixture(params=_asked)
def backend(request):
    """Send new tensors to each backend in turn; the value is its name."""
    try:
        with gpugrad.use_backend(request.param) as name:
            yield name
    except BackendUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(autouse=True)
def _seeded():
    """Start every test from the same random numbers and from NumPy."""
    gpugrad.manual_seed(0)
    gpugrad.set_backend("numpy")
