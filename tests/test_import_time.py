"""What `import gpugrad` may not do: load what most programs never need, or touch a device."""

from __future__ import annotations

import subprocess
import sys

import pytest


def loaded(code):
    """Return the names of the modules that a program has loaded when it ends."""
    ending = "\nimport sys\nprint(*sorted(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code + ending], capture_output=True, text=True, check=True)
    assert result.stderr == ""
    return set(result.stdout.split())


def test_importing_loads_no_cupy_and_no_slow_compatibility_layer():
    names = loaded("import gpugrad")
    assert "numpy" in names
    assert not names & {"cupy", "cupyx", "array_api_compat.numpy", "array_api_compat.cupy", "array_api_strict"}
    assert not names & {"torch", "scipy", "sklearn", "rich", "cyclopts", "safetensors", "matplotlib"}


def test_training_on_numpy_loads_no_cupy():
    code = """
import gpugrad
w = gpugrad.ones((2, 3), requires_grad=True)
loss = gpugrad.sum(gpugrad.softmax(gpugrad.linear(gpugrad.ones((4, 3)), w)) ** 2)
loss.backward()
repr(w.grad)
"""
    assert not loaded(code) & {"cupy", "cupyx", "array_api_compat.cupy"}


@pytest.mark.parametrize("module", ["linalg", "special", "random", "autograd"])
def test_the_public_parts_import_on_their_own(module):
    assert f"gpugrad.{module}" in loaded(f"import gpugrad.{module}")
