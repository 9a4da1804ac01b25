"""Tensors over the memory of other libraries: whose memory it is, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import gpugrad as gg
from gpugrad.errors import DeviceError


class Foreign:
    """An array of a library that is known by DLPack alone."""

    def __init__(self, array, device=None):
        self.array = array
        self.device = device or array.__dlpack_device__()

    def __dlpack_device__(self):
        return self.device

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)


@pytest.mark.parametrize("wrap", [lambda x: x, Foreign], ids=["numpy", "foreign"])
def test_memory_is_shared_unless_a_copy_is_asked_for(wrap):
    x = np.array([1.0, 2.0])
    shared, never, copied = (gg.from_dlpack(wrap(x), copy=copy) for copy in (None, False, True))
    x[0] = 7
    assert shared.tolist() == never.tolist() == [7, 2]
    assert copied.tolist() == [1, 2]
    assert (shared.dtype, str(shared.device), shared.requires_grad) == (gg.float64, "cpu", False)


def test_a_write_through_shared_memory_puts_saved_values_aside():
    x = np.array([1.0, 2.0])
    a, b = gg.from_dlpack(x), gg.asarray(x)
    w = gg.ones(2, dtype=gg.float64, requires_grad=True)
    z = (w * a).sum()
    b += 10
    z.backward()
    assert w.grad.tolist() == [1, 2]


def test_another_device_takes_a_copy(backend):
    there = gg.zeros(1).device
    x = np.array([1.0, 2.0], np.float32)
    assert gg.from_dlpack(x, device=there).device == there
    if str(there) != "cpu":
        with pytest.raises(ValueError, match="takes a copy"):
            gg.from_dlpack(x, device=there, copy=False)
    with pytest.raises(DeviceError):
        gg.from_dlpack(x, device="cpu:7")


def test_a_tensor_comes_back_as_one_that_shares_its_memory(backend):
    x = gg.tensor([1.0, 2.0])
    y = gg.from_dlpack(x)
    y += 1
    assert x.tolist() == [2, 3]
    assert gg.from_dlpack(x, copy=True).device == x.device
    with pytest.raises(BufferError, match="detach"):
        gg.from_dlpack(gg.tensor([1.0], requires_grad=True))


def test_what_is_no_array_is_refused():
    with pytest.raises(AttributeError, match="list has no __dlpack__"):
        gg.from_dlpack([1.0])
    with pytest.raises(BufferError, match="kind 8"):
        gg.from_dlpack(Foreign(np.ones(1), (8, 0)))
    with pytest.raises(BufferError, match="dtype"):
        gg.from_dlpack(np.array(["a"]))
