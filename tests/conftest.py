"""The backends that every test of tensors runs on, by one fixture."""

from __future__ import annotations

import os

import pytest
import strict

import gpugrad
from gpugrad.backends import backend_named
from gpugrad.errors import BackendUnavailable

strict.register()

_named = os.environ.get("GPUGRAD_TEST_BACKENDS", "").replace(" ", "")


def _cupy_fault():
    """Return why CuPy cannot run here, None where it can."""
    try:
        backend_named("cupy")
    except BackendUnavailable as error:
        return str(error)
    return None


# CuPy joins where a device answers; GPUGRAD_TEST_BACKENDS=numpy,cupy names the backends, and then each must work.
CUPY_FAULT = _cupy_fault()
BACKENDS = _named.split(",") if _named else ["numpy", "strict", *([] if CUPY_FAULT else ["cupy"])]


def pytest_report_header(config):
    return f"gpugrad backends under test: {', '.join(BACKENDS)}" + (f"; {CUPY_FAULT}" if CUPY_FAULT else "")


@pytest.fixture(params=BACKENDS)
def backend(request):
    """Send new tensors to each backend in turn; the value is its name."""
    with gpugrad.use_backend(request.param) as name:
        yield name


@pytest.fixture(scope="session")
def cupy_fault():
    """Return why CuPy cannot run here, None where it can."""
    return CUPY_FAULT


@pytest.fixture(autouse=True)
def _seeded():
    """Start every test from the same random numbers and from NumPy."""
    gpugrad.manual_seed(0)
    gpugrad.set_backend("numpy")
