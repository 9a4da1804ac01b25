"""Every op of the table under every transform: forward mode, vmap, and walks with a stack of cotangents."""

import numpy as np
import pytest
from samples import SAMPLES

import gpugrad
from gpugrad import func
from gpugrad.errors import GradientError
from gpugrad.func._batched import DependsOnExample

OPS = pytest.mark.parametrize("name", SAMPLES)
FORMS = {name: samples[:: 1 + len(samples) // 10] for name, samples in SAMPLES.items()}
"""Some samples of every op: the forms of call, where there are many, differ in what no transform looks at."""


def tensors(sample, step=0.0, directions=None):
    directions = directions or [0.0] * len(sample.inputs)
    return tuple(gpugrad.tensor(np.asarray(x + step * d)) for x, d in zip(sample.inputs, directions, strict=True))


def drawn(random, shape, dtype):
    return random.normal(size=shape) + (1j * random.normal(size=shape) if np.dtype(dtype).kind == "c" else 0)


def inner(a, b):
    """Return Re(sum(conj(a) * b)) of host arrays."""
    return float(np.sum(np.real(np.conj(a) * b)))


def host(t):
    return np.asarray(t.tolist()).reshape(t.shape)


def flat(results):
    return list(results) if isinstance(results, tuple | list) else [results]


@OPS
def test_the_tangent_is_that_of_finite_differences_and_of_reverse_mode(name, backend):
    random = np.random.default_rng(3)
    for sample in SAMPLES[name] if backend == "numpy" else SAMPLES[name][:1]:
        directions = [drawn(random, x.shape, x.dtype) for x in sample.inputs]
        primals, tangents = tensors(sample), tuple(map(gpugrad.tensor, directions))
        y, slope = func.jvp(sample.call, primals, tangents)
        h = 1e-5
        ahead, behind = (host(sample.call(*tensors(sample, s, directions))) for s in (h, -h))
        numeric = (ahead - behind) / (2 * h)
        scale = max(1.0, float(np.abs(numeric).max(initial=0.0)))
        np.testing.assert_allclose(host(slope), numeric, rtol=2e-6, atol=2e-7 * scale, err_msg=sample.label)
        u = drawn(random, y.shape, y.dtype)
        pulled = func.vjp(sample.call, *primals)[1](gpugrad.tensor(u))
        expected = sum(inner(host(g), d) for g, d in zip(pulled, directions, strict=True))
        assert inner(u, host(slope)) == pytest.approx(expected, rel=1e-9, abs=1e-9), sample.label


def stacked(random, x, count=3):
    """Return values near `x` in a stack; they stay on its side of every kink."""
    noise = 1 + 1e-3 * random.normal(size=(count, *([1] * x.ndim)))
    return x * noise if x.dtype.kind in "fc" else np.stack([x] * count)


KEYS_OF_VALUES = ("overwrite", "read_winners", "scatter")
"""Ops that take their key as an attribute; in their sample "mask" it would be another one for each example."""


@OPS
def test_vmap_gives_what_one_call_for_each_example_gives(name):
    random = np.random.default_rng(4)
    for sample in FORMS[name]:
        count = len(sample.inputs)
        for alone in [None, *range(count)] if count > 1 else [None]:
            dims = tuple(0 if alone in (None, i) else None for i in range(count))
            if not (name in KEYS_OF_VALUES and sample.label == "mask"):
                compare_with_a_loop(name, sample, dims, random)


def compare_with_a_loop(name, sample, dims, random):
    stacks = [stacked(random, x) for x in sample.inputs]
    primals = [gpugrad.tensor(s if d == 0 else s[0]) for s, d in zip(stacks, dims, strict=True)]
    run = func.vmap(sample.call, in_dims=dims)
    if name == "assign" and dims == (None, 0):
        with pytest.raises(GradientError, match="that all of them share"):
            run(*primals)
        return

    def loop(*xs):
        return gpugrad.stack(
            [sample.call(*(x[i] if d == 0 else x for x, d in zip(xs, dims, strict=True))) for i in range(3)]
        )

    ours, pull = func.vjp(run, *primals)
    theirs, expected = func.vjp(loop, *primals)
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype), sample.label
    np.testing.assert_allclose(host(ours), host(theirs), rtol=1e-11, atol=1e-12, err_msg=sample.label)
    g = gpugrad.tensor(drawn(random, ours.shape, ours.dtype))
    for a, b in zip(pull(g), expected(g), strict=True):
        np.testing.assert_allclose(host(a), host(b), rtol=1e-9, atol=1e-10, err_msg=sample.label)


LOOK_AT_VALUES = {"eigh", "eigvals", "eigvalsh", "qr", "svd", "svdvals"}
"""Ops with rules that look at values of gradients, so that Jacobians take their rows one by one."""


@OPS
def test_a_stack_of_cotangents_or_tangents_goes_the_way_of_each(name):
    random = np.random.default_rng(5)
    for sample in FORMS[name]:
        primals = tensors(sample)
        y, pull = func.vjp(sample.call, *primals)
        _, push = func.linearize(sample.call, *primals)
        cotangents = gpugrad.tensor(drawn(random, (2, *y.shape), y.dtype))
        tangents = [gpugrad.tensor(drawn(random, (2, *x.shape), x.dtype)) for x in primals]
        try:
            rows, columns = func.vmap(pull)(cotangents), func.vmap(push)(*tangents)
        except DependsOnExample:
            assert name in LOOK_AT_VALUES
            continue
        for i in range(2):
            for row, one in zip(rows, pull(cotangents[i]), strict=True):
                np.testing.assert_allclose(host(row[i]), host(one), rtol=1e-10, atol=1e-11, err_msg=sample.label)
            one = push(*(t[i] for t in tangents))
            np.testing.assert_allclose(host(columns[i]), host(one), rtol=1e-10, atol=1e-11, err_msg=sample.label)
