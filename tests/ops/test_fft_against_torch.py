"""Values and gradients of Fourier transforms, against PyTorch where it is installed."""

from __future__ import annotations

import numpy as np
import pytest

import gpugrad

torch = pytest.importorskip("torch", reason="the oracle extra is not installed")

random = np.random.default_rng(5)
COMPLEX = random.normal(size=(4, 5)) + 1j * random.normal(size=(4, 5))
LINES = [{}, {"n": 3}, {"n": 8}, {"n": 7, "axis": 0}, {"norm": "ortho"}, {"norm": "forward"}]
GRIDS = [{}, {"s": (3, 6), "axes": (0, 1)}, {"axes": (1, 0), "norm": "ortho"}, {"axes": (0,), "norm": "forward"}]
CALLS = [(name, kw) for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft") for kw in LINES]
CALLS += [(name, kw) for name in ("fftn", "ifftn", "rfftn", "irfftn") for kw in GRIDS]


@pytest.mark.parametrize(("name", "options"), CALLS, ids=str)
@pytest.mark.parametrize("dtype", ["complex128", "complex64"])
def test_values_and_gradients_are_pytorchs(name, options, dtype):
    x = COMPLEX.real if name in ("rfft", "ihfft", "rfftn") else COMPLEX
    x = x.astype(dtype if x.dtype.kind == "c" else {"complex128": "float64", "complex64": "float32"}[dtype])
    ours, theirs = gpugrad.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    in_torch = {{"axis": "dim", "axes": "dim"}.get(key, key): value for key, value in options.items()}
    z, expected = getattr(gpugrad.fft, name)(ours, **options), getattr(torch.fft, name)(theirs, **in_torch)
    tolerance = {"rtol": 1e-12, "atol": 1e-12} if dtype == "complex128" else {"rtol": 1e-5, "atol": 1e-5}
    np.testing.assert_allclose(np.asarray(z.tolist()), expected.detach().resolve_conj().numpy(), **tolerance)
    weights = random.normal(size=z.shape) + (1j * random.normal(size=z.shape) if z.dtype.kind == "c" else 0)
    z.backward(gpugrad.tensor(weights, dtype=z.dtype))
    expected.backward(torch.tensor(weights, dtype=expected.dtype))
    np.testing.assert_allclose(np.asarray(ours.grad.tolist()), theirs.grad.resolve_conj().numpy(), **tolerance)
