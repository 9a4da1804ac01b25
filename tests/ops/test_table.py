"""Every op of the table: right to first and second order, in the dtype it was given, on every backend."""

from __future__ import annotations

import numpy as np
import pytest
from samples import NO_GRADIENT, SAMPLES, each

import gpugrad
from gpugrad import _ops as ops
from gpugrad._op import table
from gpugrad.autograd import grad

OPS = pytest.mark.parametrize("name", SAMPLES)
ASKING_FOR_FLOAT64 = 9
"""How many samples name float64 themselves, and say nothing of a run in float32."""


def test_every_op_has_samples():
    named = {*SAMPLES, *NO_GRADIENT}
    assert set(table) <= named
    assert all(callable(getattr(ops, name)) for name in named)  # some are functions made of several ops
    assert all(SAMPLES.values())


def leaves(sample, dtype=None, step=0.0, directions=None):
    """Return the inputs as tracked leaves, a step away along the directions."""
    moved = [x + step * d for x, d in zip(sample.inputs, directions or [0.0] * len(sample.inputs), strict=True)]
    return [gpugrad.tensor(np.asarray(x), dtype=dtype and same_kind(x, dtype), requires_grad=True) for x in moved]


def same_kind(x, dtype):
    return dtype if np.asarray(x).dtype.kind == "f" else gpugrad.complex64


def weights(random, like):
    w = random.normal(size=like.shape)
    return gpugrad.tensor(w + 1j * random.normal(size=like.shape) if like.dtype.kind == "c" else w)


def inner(w, z):
    """Return Re(sum(conj(w) * z))."""
    product = (gpugrad.conj(w) if w.dtype.kind == "c" else w) * z
    return gpugrad.sum(gpugrad.real(product) if product.dtype.kind == "c" else product)


def drawn(random, arrays):
    return [
        random.normal(size=x.shape) + (1j * random.normal(size=x.shape) if x.dtype.kind == "c" else 0) for x in arrays
    ]


def check(function, sample, random, what):
    """Compare a scalar function's gradient along a random direction with a central difference."""
    directions = drawn(random, sample.inputs)
    inputs = leaves(sample)
    gradients = grad(function(inputs), inputs, materialize_grads=True)
    slope = sum(
        float(np.sum(np.real(np.conj(np.asarray(g.tolist()).reshape(d.shape)) * d)))
        for g, d in zip(gradients, directions, strict=True)
    )
    h = 1e-5
    ahead, behind = (function(leaves(sample, step=s, directions=directions)).item() for s in (h, -h))
    numeric = (ahead - behind) / (2 * h)
    assert slope == pytest.approx(numeric, rel=2e-6, abs=2e-7), what


def check_first_order(sample):
    random = np.random.default_rng(1)
    w = weights(random, sample.call(*leaves(sample)))
    check(lambda inputs: inner(w, sample.call(*inputs)), sample, random, "first order")


@OPS
def test_gradient_is_that_of_finite_differences(name, backend):
    each(name, check_first_order)


def check_second_order(sample):
    random = np.random.default_rng(2)
    w = weights(random, sample.call(*leaves(sample)))
    vs = [weights(random, gpugrad.tensor(x)) for x in sample.inputs]

    def slope(inputs):
        first = grad(inner(w, sample.call(*inputs)), inputs, create_graph=True, materialize_grads=True)
        total = sum(inner(v, g) for v, g in zip(vs, first, strict=True))
        # A gradient that does not depend on the inputs (that of a linear op) still counts as a function of them.
        return total + sum(inner(v, x) for v, x in zip(vs, inputs, strict=True)) * 0

    check(slope, sample, random, "second order")


@OPS
def test_second_order_is_that_of_finite_differences(name, backend):
    each(name, check_second_order)


def asks_for_float64(sample):
    return "dtype" in sample.label or sample.label == "same"


def test_few_samples_ask_for_float64_themselves():
    assert sum(asks_for_float64(sample) for samples in SAMPLES.values() for sample in samples) == ASKING_FOR_FLOAT64


def check_float32(sample):
    inputs = leaves(sample, dtype=gpugrad.float32)
    z = sample.call(*inputs)
    assert z.dtype in (gpugrad.float32, gpugrad.complex64)
    gpugrad.sum(gpugrad.real(z * z)).backward(create_graph=True)
    for x in inputs:
        assert x.grad is None or x.grad.dtype == x.dtype
        if x.grad is not None and x.grad.requires_grad:
            gpugrad.real(x.grad).sum().backward(retain_graph=True)
            assert x.grad.dtype == x.dtype


@pytest.mark.parametrize("place", ["numpy", "strict:no_float64", "fake-cuda"], indirect=True)
@OPS
def test_no_float64_in_a_float32_run(name, place):
    each(name, check_float32, leaving_out=asks_for_float64)


@pytest.mark.parametrize("place", ["strict:device1", "strict:device2", "fake-cuda:1"], indirect=True)
@OPS
def test_results_and_gradients_stay_on_their_device(name, place):
    def check_device(sample):
        inputs = leaves(sample, dtype=gpugrad.float32)
        z = sample.call(*inputs)
        assert str(z.device) == place
        gpugrad.sum(gpugrad.real(z)).backward()
        assert all(x.grad is None or str(x.grad.device) == place for x in inputs)

    each(name, check_device)


@pytest.mark.parametrize("name", NO_GRADIENT)
def test_truth_values_and_integers_are_never_recorded(name, backend):
    operands = [gpugrad.tensor(x, requires_grad=x.dtype.kind == "f") for x in NO_GRADIENT[name]]
    z = getattr(ops, name)(*operands)
    assert not any(t.requires_grad for t in (z if isinstance(z, tuple) else (z,)))


@pytest.mark.parametrize("name", NO_GRADIENT)
def test_an_op_on_plain_arrays_is_that_of_the_library(name):
    operands = NO_GRADIENT[name]
    z, expected = getattr(ops, name)(*operands), (getattr(np, name, None) or getattr(np.linalg, name))(*operands)
    for found, its in zip(z, expected, strict=True) if isinstance(z, tuple) else [(z, expected)]:
        assert isinstance(found, np.ndarray)
        np.testing.assert_array_equal(found, its)


@pytest.mark.parametrize("name", ["exp", "sigmoid", "sum", "mean", "matmul", "max"])
def test_an_op_on_plain_arrays_returns_plain_arrays(name):
    x = np.ones((2, 2), np.float32)
    z = getattr(ops, name)(x, x) if name == "matmul" else getattr(ops, name)(x)
    assert type(z) is np.ndarray
    assert z.dtype == np.float32
