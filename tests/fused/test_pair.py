"""A pair runs its kernel on a GPU's arrays, and its reference everywhere else."""

import numpy as np
import pytest

from gpugrad._fused import Fused, _pair, clip, registry, sigmoid


class OnGpu:
    """An array of a GPU that this machine does not have."""


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Fused:
    monkeypatch.setattr(_pair, "registry", {})
    monkeypatch.setattr(_pair, "is_cuda", lambda array: isinstance(array, OnGpu))

    @Fused
    def double(x, factor=2):
        """Return x twice."""
        return "reference", factor

    @double.cuda
    def double_on_cuda(x, factor=2):
        return "kernel", factor

    assert _pair.registry == {"double": double}
    return double


@pytest.mark.parametrize("x", [OnGpu(), [OnGpu()], (OnGpu(), OnGpu())])
def test_arrays_on_a_gpu_take_the_kernel(pair: Fused, x: object) -> None:
    assert pair(x) == ("kernel", 2)
    assert pair(x, 3) == ("kernel", 3)
    assert pair(x, factor=4) == ("kernel", 4)


@pytest.mark.parametrize("x", [np.ones(3), [np.ones(3)], (), []])
def test_other_arrays_take_the_reference(pair: Fused, x: object) -> None:
    assert pair(x) == ("reference", 2)
    assert pair(x, factor=4) == ("reference", 4)


def test_without_a_kernel_the_reference_serves_a_gpu(pair: Fused) -> None:
    pair.kernel = None
    assert pair(OnGpu()) == ("reference", 2)


def test_a_pair_reads_like_its_reference(pair: Fused) -> None:
    assert (pair.__name__, pair.__doc__) == ("double", "Return x twice.")
    assert pair.file == "test_pair.cu"


def test_the_registry_knows_each_pair_by_name() -> None:
    assert registry["sigmoid"] is sigmoid.sigmoid
    assert registry["sigmoid_backward"] is sigmoid.sigmoid_backward
    assert registry["clip_coefficient"] is clip.clip_coefficient
    assert registry["scale"] is clip.scale
