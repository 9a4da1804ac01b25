"""Functions that ask which of two numbers is larger refuse complex ones; NumPy would compare them part by part."""

import numpy as np
import pytest

import gpugrad
from gpugrad.errors import DtypeError

OF_ONE = "relu sigmoid softplus log_sigmoid silu gelu leaky_relu max min argmax argmin sort argsort clip".split()
OF_ONE += "softmax log_softmax logsumexp".split()
OF_TWO = "maximum minimum less less_equal greater greater_equal searchsorted".split()


@pytest.mark.parametrize("name", OF_ONE)
def test_a_complex_tensor_is_refused(name, backend):
    z = gpugrad.tensor([1 + 2j, -3j])
    for x in (z, gpugrad.tensor([1 + 2j], dtype=gpugrad.complex128)):
        with pytest.raises(DtypeError, match=f"^(arg)?{name}: .*real"):
            getattr(gpugrad, name)(x, *([0.0, 1.0] if name == "clip" else []))


@pytest.mark.parametrize("name", OF_TWO)
def test_a_complex_operand_is_refused(name, backend):
    x, z = gpugrad.tensor([1.0, 2.0]), gpugrad.tensor([1 + 2j, -3j])
    for operands in ((z, z), (x, z), (z, x)):
        with pytest.raises(DtypeError, match=f"{name}: takes real numbers, not complex64"):
            getattr(gpugrad, name)(*operands)
    if name != "searchsorted":
        with pytest.raises(DtypeError, match="1j"):
            getattr(gpugrad, name)(x, 1j)


def test_a_plain_array_is_refused_too():
    with pytest.raises(DtypeError, match="maximum: takes real numbers"):
        gpugrad.maximum(np.ones(2, complex), np.ones(2))
