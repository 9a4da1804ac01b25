"""The references run on NumPy, and on the strictest reading of the standard there is."""

from types import ModuleType, SimpleNamespace

import array_api_strict
import numpy as np
import pytest

from gpugrad.backends import _choice, is_array_type


@pytest.fixture(params=[np, array_api_strict], ids=["numpy", "strict"])
def xp(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Each namespace in turn."""
    strict = type(array_api_strict.asarray(0.0))
    if not is_array_type(strict):
        known = SimpleNamespace(namespace=array_api_strict, device_kind="strict")
        monkeypatch.setitem(_choice._of_type, strict, known)
    return request.param
