"""The references run on NumPy, and on the strictest reading of the standard there is."""

from types import ModuleType

import array_api_strict
import numpy as np
import pytest

from gpugrad.backends import backend_named


@pytest.fixture(scope="package", autouse=True)
def _strict() -> None:
    """Its arrays are known once the backend has been asked for."""
    backend_named("strict")


@pytest.fixture(params=[np, array_api_strict], ids=["numpy", "strict"])
def xp(request: pytest.FixtureRequest) -> ModuleType:
    """Each namespace in turn."""
    return request.param
