"""What a tensor hands to other libraries, and copies on streams: whose memory, for whom to write to, in which order."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import pytest

import gpugrad as gg
from gpugrad.errors import DeviceError

# NumPy 2.0 knows none of the options that came with DLPack 1.0, and then its consumers ask without them.
versioned = pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.1.0", reason="NumPy before 2.1")


class Consumed:
    """What a library makes of a capsule, which it asks for with these options."""

    def __init__(self, tensor, **options):
        self.tensor, self.options = tensor, options

    def __dlpack_device__(self):
        return (1, 0)

    def __dlpack__(self, **_):
        return self.tensor.__dlpack__(**self.options)

    def array(self):
        return np.from_dlpack(self)


class Kind(IntEnum):
    CPU = 1
    CUDA = 2


def test_a_consumer_of_before_1_0_gets_a_copy_unless_it_asks_for_the_memory():
    t = gg.tensor([1.0, 2.0])
    for options in ({}, {"copy": None}, {"copy": True}, {"max_version": (0, 8)}, {"dl_device": (Kind.CPU, 0)}):
        assert not np.shares_memory(Consumed(t, **options).array(), t.numpy())
    for options in ({"copy": False}, {"copy": False, "max_version": (0, 8), "dl_device": (1, 0)}):
        assert np.shares_memory(Consumed(t, **options).array(), t.numpy())


@versioned
def test_a_consumer_of_1_0_gets_the_memory_read_only():
    t = gg.tensor([1.0, 2.0])
    for options in ({}, {"copy": None}, {"copy": False}, {"dl_device": (1, 0)}):
        array = Consumed(t, max_version=(1, 0), **options).array()
        assert np.shares_memory(array, t.numpy())
        assert not array.flags.writeable
    copied = Consumed(t, max_version=(1, 0), copy=True).array()
    assert not np.shares_memory(copied, t.numpy())
    assert copied.flags.writeable


@pytest.mark.parametrize(
    "options", [{"dl_device": (2, 0)}, {"dl_device": (Kind.CUDA, 0)}, {"dl_device": (1, 1)}, {"stream": 1}]
)
def test_what_the_host_cannot_do_is_a_buffer_error(options):
    with pytest.raises(BufferError):
        gg.ones(2).__dlpack__(**options)


def test_a_tracked_tensor_is_not_exported():
    x = gg.ones(2, requires_grad=True)
    for t in (x, x * 2):
        with pytest.raises(BufferError, match="detach"):
            t.__dlpack__(max_version=(1, 0))
    assert (x * 2).__dlpack_device__() == (1, 0)


def test_a_tensor_of_a_device_is_exported_to_the_host_as_a_copy(fake_cuda):
    t = gg.tensor([1.0, 2.0], device="cuda:1")
    assert t.__dlpack_device__() == (2, 1)
    assert Consumed(t, dl_device=(Kind.CPU, 0)).array().tolist() == [1, 2]
    for options in ({"dl_device": (1, 0), "copy": False}, {"dl_device": (2, 0)}):
        with pytest.raises(BufferError, match=r"\.to\("):
            t.__dlpack__(**options)


def test_a_copy_on_a_stream_waits_and_is_waited_for(fake_cuda, monkeypatch):
    cuda = fake_cuda.cupy.cuda
    with cuda.Device(1):  # a stream belongs to a device
        stream, log = cuda.Stream(), []
    original = cuda.Stream.wait_event
    monkeypatch.setattr(cuda.Stream, "wait_event", lambda self, event: (log.append(self), original(self, event))[1])
    copying = type(fake_cuda).from_host
    monkeypatch.setattr(
        type(fake_cuda),
        "from_host",
        lambda self, *args: (log.append(cuda.get_current_stream()), copying(self, *args))[1],
    )
    x = gg.tensor([1.0, 2.0], device="cpu", requires_grad=True)
    y = x.to_device("cuda:1", stream=stream)
    assert log == [stream, stream, cuda.Stream.null]  # it waits for what was queued, copies, and is waited for
    assert (str(y.device), cuda.get_current_stream()) == ("cuda:1", cuda.Stream.null)
    assert y.to_device("cpu", stream=stream).tolist() == [1, 2]
    y.sum().backward()
    assert x.grad.tolist() == [1, 1]


def test_a_stream_may_be_named_by_its_pointer(fake_cuda, monkeypatch):
    cuda, used = fake_cuda.cupy.cuda, []
    entering = cuda.Stream.__enter__
    monkeypatch.setattr(cuda.Stream, "__enter__", lambda self: (used.append(self.ptr), entering(self))[1])
    assert gg.tensor([1.0, 2.0], device="cpu").to_device("cuda", stream=12345).tolist() == [1, 2]
    assert used == [12345]
    assert not hasattr(cuda, "ExternalStream")  # CuPy 14 has it, and warns of it


def test_the_host_has_no_streams():
    with pytest.raises(DeviceError, match="no streams"):
        gg.ones(2).to_device("cpu", stream=1)
    assert str(gg.ones(2).to_device("cpu", stream=None).device) == "cpu"
