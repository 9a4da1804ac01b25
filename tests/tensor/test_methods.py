"""The methods that PyTorch's tensors have too give what PyTorch's give, where it is installed, and what NumPy says."""

from __future__ import annotations

import numpy as np
import pytest

import gpugrad as gg
from gpugrad.errors import OptionError, ShapeError

X = np.random.default_rng(3).normal(size=(2, 3, 4)).astype("float32") * 0.9
UNIT = np.clip(X, -0.9, 0.9)

CALLS = {
    "flatten": (lambda x: x.flatten(), lambda x: x.reshape(-1)),
    "flatten some": (lambda x: x.flatten(1), lambda x: x.reshape(2, 12)),
    "flatten first": (lambda x: x.flatten(0, 1), lambda x: x.reshape(6, 4)),
    "ravel": (lambda x: x.ravel(), lambda x: x.reshape(-1)),
    "swapaxes": (lambda x: x.swapaxes(0, -1), lambda x: x.swapaxes(0, -1)),
    "transpose": (lambda x: x.transpose(1, 1), lambda x: x),
    "moveaxis": (lambda x: x.moveaxis(0, 2), lambda x: np.moveaxis(x, 0, 2)),
    "flip": (lambda x: x.flip(0, 2), lambda x: np.flip(x, (0, 2))),
    "roll flat": (lambda x: x.roll(5), lambda x: np.roll(x, 5)),
    "roll": (lambda x: x.roll((1, -1), (0, 2)), lambda x: np.roll(x, (1, -1), (0, 2))),
    "tile": (lambda x: x.tile(2, 1), lambda x: np.tile(x, (2, 1))),
    "repeat_interleave": (lambda x: x.repeat_interleave(2, 1), lambda x: np.repeat(x, 2, 1)),
    "repeat_interleave flat": (lambda x: x.repeat_interleave(2), lambda x: np.repeat(x, 2)),
    "unbind": (lambda x: x.unbind(1)[2], lambda x: x[:, 2]),
    "tril": (lambda x: x.tril(-1), lambda x: np.tril(x, -1)),
    "triu": (lambda x: x.triu(1), lambda x: np.triu(x, 1)),
    "cumsum": (lambda x: x.cumsum(1), lambda x: np.cumsum(x, 1)),
    "cumprod": (lambda x: x.cumprod(-1), lambda x: np.cumprod(x, -1)),
    "diff": (lambda x: x.diff(2, 1), lambda x: np.diff(x, 2, 1)),
    "argsort": (lambda x: x.argsort(1, True), lambda x: np.argsort(-x, 1)),
    "count_nonzero": (lambda x: x.round().count_nonzero((0, 2)), lambda x: np.count_nonzero(np.round(x), (0, 2))),
    "clip": (lambda x: x.clip(-0.5, 0.5), lambda x: x.clip(-0.5, 0.5)),
}
ELEMENTWISE = "asin acos atan sinh cosh tan asinh atanh reciprocal signbit conj".split()
POSITIVE = "log2 log10".split()
OF_TWO = "atan2 hypot logaddexp copysign nextafter remainder floor_divide".split()


@pytest.mark.parametrize(("method", "expected"), CALLS.values(), ids=CALLS)
def test_a_method_gives_what_numpy_says(backend, method, expected):
    np.testing.assert_allclose(method(gg.tensor(X)).cpu().numpy(), expected(X), rtol=1e-6)


@pytest.mark.parametrize("method", [method for method, _ in CALLS.values()], ids=CALLS)
def test_a_method_gives_what_pytorch_gives(method):
    torch = pytest.importorskip("torch")
    found, theirs = method(gg.tensor(X)), method(torch.tensor(X))
    assert found.shape == tuple(theirs.shape)
    np.testing.assert_allclose(found.numpy(), theirs.numpy(), rtol=1e-6)


@pytest.mark.parametrize("name", [*ELEMENTWISE, *POSITIVE, *OF_TWO, "acosh"])
def test_an_elementwise_method_is_the_function(backend, name):
    x = np.abs(UNIT) + (1 if name == "acosh" else 0.1 if name in POSITIVE else 0)
    x = UNIT if name in ELEMENTWISE or name in OF_TWO else x
    operands = [gg.tensor(x), gg.tensor(UNIT[::-1].copy())][: 2 if name in OF_TWO else 1]
    found = getattr(operands[0], name)(*operands[1:])
    np.testing.assert_array_equal(found.cpu().numpy(), getattr(gg, name)(*operands).cpu().numpy())


def test_flatten_refuses_axes_in_the_wrong_order(backend):
    with pytest.raises(ShapeError, match="comes after"):
        gg.ones((2, 3)).flatten(1, 0)
    assert gg.tensor(2.0).flatten().shape == (1,)


@pytest.mark.parametrize("name", "sum mean prod max min any all var std argmax argmin".split())
@pytest.mark.parametrize("options", [{}, {"axis": 1}, {"axis": 0, "keepdims": True}])
def test_numpys_function_of_a_tensor_is_its_method(name, options):
    found = getattr(np, name)(gg.tensor(X, requires_grad=True), **options)
    assert isinstance(found, gg.Tensor)
    assert found.requires_grad == (name not in ("any", "all", "argmax", "argmin"))
    np.testing.assert_allclose(found.detach().numpy(), getattr(np, name)(X, **options), rtol=2e-6)


def test_a_reduction_refuses_what_it_does_not_know(backend):
    x = gg.tensor(X)
    with pytest.raises(OptionError, match="sum: a tensor's method has no out"):
        x.sum(out=gg.zeros(()))
    with pytest.raises(TypeError, match=r"mean\(\) got an unexpected argument 'correction'"):
        x.mean(correction=1)
    assert x.mean(dtype=gg.float64).dtype == gg.float64
