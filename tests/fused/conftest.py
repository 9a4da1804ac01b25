"""The pairs run on every backend: references on NumPy and the strict standard, kernels on CuPy and its stand-in."""

from typing import Any

import pytest

from gpugrad.backends import backend_named


@pytest.fixture
def xp(backend: str) -> Any:
    """Return the namespace of each backend in turn; what it makes is on the backend's device."""
    return backend_named(backend).namespace


@pytest.fixture
def xp_of_halves(backend: str, xp: Any) -> Any:
    """Return the same where there is float16."""
    if backend == "strict":
        pytest.skip("array_api_strict has no float16")
    return xp
