"""The stand-in for CuPy is as strict as CuPy: what it lets through, the tests on it do not show."""

import contextlib
import inspect
import sys

import fake_cupy
import numpy as np
import pytest
from fake_cupy import _calls, _kernels, counts, cupy

import gpugrad as gg
from gpugrad.backends import backend_named
from gpugrad.cuda import source
from gpugrad.errors import BackendUnavailable, DeviceError


@pytest.fixture(autouse=True)
def _counted():
    counts.reset()
    with cupy.cuda.Device(0):
        yield


def on(device, values=(1.0, 2.0)):
    with cupy.cuda.Device(device):
        return cupy.asarray(np.asarray(values, np.float32))


@pytest.mark.parametrize(
    "implicit",
    [
        np.asarray,
        np.array,
        lambda x: np.ones(2) + x,
        lambda x: x + np.ones(2),
        lambda x: x.__iadd__(np.ones(2)),
        lambda x: cupy.add(x, np.ones(2)),
        lambda x: np.add(np.ones(2), x),
        lambda x: cupy.where(np.asarray([True, False]), x, x),
        lambda x: cupy.stack([x, np.ones(2)]),
        lambda x: cupy.matmul(x, np.ones(2)),
        lambda x: np.ones(2).__setitem__(slice(None), x),
        lambda x: memoryview(x),
    ],
)
def test_host_and_device_are_never_mixed_silently(implicit):
    x = on(0)
    counts.reset()
    with pytest.raises(TypeError):
        implicit(x)
    assert counts.meetings == (0, 0, 0)


@pytest.mark.parametrize(
    "write", [lambda x: x.__setitem__(..., np.ones(2)), lambda x: x.__getitem__(np.asarray([0])), lambda x: x.fill([1])]
)
def test_a_host_array_is_no_value_and_no_index(write):
    with pytest.raises((TypeError, ValueError, IndexError)):
        write(on(0))


@pytest.mark.parametrize(
    "use",
    [
        lambda x: x + x,
        lambda x: x.__imul__(2),
        lambda x: cupy.sum(x),
        lambda x: x.sum(),
        lambda x: cupy.concatenate([x, x]),
        lambda x: x.astype(cupy.float64),
        lambda x: x.__setitem__(0, 1.0),
        lambda x: x[cupy.arange(1)],
        lambda x: cupy.add(on(0), on(0), out=x),
        lambda x: x[::2].T + 1,
    ],
)
def test_arrays_of_another_device_are_refused(use):
    with pytest.raises(ValueError, match="different from the current device"):
        use(on(1))


def test_views_and_transfers_need_no_current_device():
    x = on(1)
    assert x[0].device == x.reshape(2, 1).device == x.T.device == cupy.cuda.Device(1)
    assert float(x[1]) == 2.0
    assert cupy.asnumpy(x).tolist() == [1.0, 2.0]
    assert cupy.asarray(x).device == x.copy().device == cupy.cuda.Device(0)


@pytest.mark.parametrize(
    "make",
    [
        lambda x: x[0],
        lambda x: x[cupy.asarray(0)],
        lambda x: cupy.sum(x),
        lambda x: x.max(),
        lambda x: x @ x,
        lambda x: cupy.sum(x) + cupy.sum(x),
        lambda x: np.sum(x),
        lambda x: next(iter(x)),
        lambda x: -x.mean(),
    ],
)
def test_results_without_axes_are_arrays(make):
    z = make(on(0))
    assert type(z) is cupy.ndarray
    assert z.shape == ()
    assert z.dtype == np.float32


def test_what_meets_the_host_is_counted():
    x = on(0)
    assert counts.meetings == (1, 0, 0)
    for reads in (float, bool, int, complex, cupy.ndarray.item, cupy.ndarray.tolist, repr, cupy.asnumpy):
        counts.reset()
        reads(x[0])
        assert counts.meetings == (0, 1, 1)
    counts.reset()
    cupy.flatnonzero(x)
    x[x > 1]
    cupy.unravel_index(cupy.arange(2), (2, 1))
    cupy.cuda.Device().synchronize()
    cupy.cuda.Stream.null.synchronize()
    assert counts.meetings == (0, 0, 5)
    counts.reset()
    x[[0, 1]]
    x[cupy.arange(2)] = 1.0
    assert counts.meetings == (2, 0, 0)
    counts.reset()
    cupy.maximum(x, 0.0) + cupy.full((), 2.0) + cupy.where(x > 0, x, 1.0)
    x[...] = 3.0
    assert counts.meetings == (0, 0, 0)


def test_indices_out_of_range_wrap_and_of_values_for_one_place_the_first_stays():
    x = cupy.arange(3.0)
    assert x[cupy.asarray([3, -4])].tolist() == [0.0, 2.0]
    x[cupy.asarray([1, 1])] = cupy.asarray([5.0, 6.0])
    assert x.tolist() == [0.0, 5.0, 2.0]


def test_memory_that_nobody_wrote_shows():
    assert np.isnan(cupy.empty(3, cupy.float32).get()).all()
    assert np.isnan(cupy.empty_like(on(0)).get()).all()


def test_views_know_their_base():
    x = on(0)
    assert x.base is None and x.flags.owndata
    assert x[:1].base is x and x[:1][0].base is x and x.reshape(2, 1).T.base is x
    assert (x + 1).base is None
    assert cupy.may_share_memory(x, x[1:]) and not cupy.may_share_memory(x, x.copy())


def test_devices_nest_and_are_those_that_there_are():
    Device = cupy.cuda.Device
    with Device(1):
        with Device(2):
            assert Device() == Device(2)
        Device(0).use()
        assert cupy.empty(1).device.id == 0
    assert Device().id == 0
    with pytest.raises(RuntimeError, match="cudaErrorInvalidDevice"), Device(fake_cupy.DEVICES):
        pass


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"args": 2}, "reads 3 arguments"),
        ({"x": np.ones(4, np.float32)}, "pointer to float32 on the device"),
        ({"x": 0}, "pointer to float32 on the device"),
        ({"x": on(0, range(4)).astype(np.float64)}, "was given float64"),
        ({"x": on(0, range(8))[::2]}, "not C-contiguous"),
        ({"x": on(1, range(4))}, "different from the current device"),
        ({"n": 4}, "n is int64"),
        ({"n": np.int32(4)}, "n is int64"),
        ({"n": 4.0}, "n is int64"),
        ({"block": (1025,)}, "INVALID_VALUE"),
        ({"block": (64, 64)}, "INVALID_VALUE"),
        ({"grid": (0,)}, "INVALID_VALUE"),
        ({"grid": (1, 70_000)}, "INVALID_VALUE"),
        ({"block": (512,)}, "INVALID_VALUE"),  # the source says __launch_bounds__(256)
        ({"shared_mem": 49_153}, "INVALID_VALUE"),
        ({"grid": [1]}, "are tuples"),
        ({"block": 256}, "are tuples"),
        ({"grid": (1, 1, 1, 1)}, "one to three sizes"),
    ],
)
def test_a_kernel_gets_what_it_reads_or_nothing(options, message):
    kernel = cupy.RawModule(code=source.read("sigmoid.cu"), options=("--std=c++17",)).get_function("sigmoid_f32")
    given = {"x": on(0, range(4)), "z": on(0, range(4)), "n": np.int64(4), "grid": (1,), "block": (256,)} | options
    args = [given["x"], given["z"], given["n"]][: given.get("args", 3)]
    with pytest.raises((TypeError, ValueError, RuntimeError), match=message):
        kernel(given["grid"], given["block"], tuple(args), shared_mem=given.get("shared_mem", 0))
    assert counts.launches == 0


def test_launches_are_counted_and_wait_for_nothing():
    module = cupy.RawModule(code=source.read("clip.cu"), options=("--std=c++17",))
    partials, norm, coefficient = cupy.ones(3), cupy.empty(()), cupy.empty(())
    counts.reset()
    finish = module.get_function("norm_and_coefficient_f64")  # launch bounds of 1024
    finish((1,), (1024,), (partials, np.float64(1), norm, coefficient, np.int64(3)))
    finish((1,), (32,), (partials, np.float64(1), norm, coefficient, np.int64(3)))
    assert (counts.launches, counts.meetings) == (2, (0, 0, 0))
    assert norm.item() == pytest.approx(np.sqrt(3))


def test_a_kernel_that_the_source_lacks_is_an_error():
    module = cupy.RawModule(code=source.read("clip.cu"), options=("--std=c++17",))
    module.get_function("norm_and_coefficient_f64")
    with pytest.raises(RuntimeError, match="NOT_FOUND"):
        module.get_function("norm_and_coefficient_f16")


@pytest.mark.parametrize("file", source.names())
def test_every_kernel_can_be_run_in_python_too(file):
    assert {entry.rpartition("_")[0] for entry in _kernels._entries(file)} <= _kernels._bodies.keys()


def test_a_time_is_known_once_both_events_were_waited_for():
    start, end, untimed = cupy.cuda.Event(), cupy.cuda.Event(), cupy.cuda.Event(disable_timing=True)
    elapsed = cupy.cuda.get_elapsed_time
    with pytest.raises(RuntimeError, match="InvalidResourceHandle"):
        elapsed(start, end)
    start.record()
    assert cupy.cuda.get_current_stream().record(end) is end
    untimed.record()
    with pytest.raises(RuntimeError, match="NotReady"):
        elapsed(start, end)
    start.synchronize()
    assert start.done and not end.done
    with pytest.raises(RuntimeError, match="NotReady"):
        elapsed(start, end)
    end.synchronize()  # and with it all that came before
    assert elapsed(start, end) >= 0 >= elapsed(end, start)
    assert counts.synchronisations == 2
    with pytest.raises(RuntimeError, match="InvalidResourceHandle"):
        elapsed(start, untimed)
    for waits in (cupy.cuda.Device().synchronize, cupy.cuda.Stream.null.synchronize):
        end.record()
        waits()
        assert end.done
    with pytest.raises(TypeError):
        start.record(0)


def test_a_stream_waits_for_another_without_the_host():
    with cupy.cuda.Stream(non_blocking=True) as stream:
        assert cupy.cuda.get_current_stream() is stream
        cupy.cuda.Stream.null.wait_event(stream.record())
    assert cupy.cuda.get_current_stream() is cupy.cuda.Stream.null
    assert counts.meetings == (0, 0, 0)


def test_the_pool_knows_what_is_in_use(fake_cuda):
    pool = cupy.get_default_memory_pool()
    before = pool.used_bytes()
    x = cupy.zeros(1000, cupy.float32)
    view = x[10:].reshape(-1, 2)
    assert pool.used_bytes() - before == 4096  # whole units of 512 bytes; a view takes none
    with cupy.cuda.Device(1):
        on_the_other = pool.used_bytes()
        y = cupy.zeros(1)
        assert pool.used_bytes() - on_the_other == 512
    del x, y
    assert pool.used_bytes() - before == 4096
    del view
    assert pool.used_bytes() == before
    assert pool.free_all_blocks() is None


def test_dropping_the_loss_frees_the_memory_of_its_graph_at_once(fake_cuda):
    gg.set_backend("cuda")
    pool, w = cupy.get_default_memory_pool(), gg.ones((100, 100), requires_grad=True)
    before = pool.used_bytes()
    loss = gg.sum(gg.sigmoid(gg.ones((50, 100)) @ w))
    assert pool.used_bytes() > before + 4 * 50 * 100
    del loss
    assert pool.used_bytes() == before


def test_values_are_copied_between_arrays_of_one_device():
    x, z = on(0), cupy.zeros(2, cupy.float64)
    counts.reset()
    cupy.copyto(z, x)
    cupy.copyto(z, 5.0, where=x > 1.5)
    assert counts.meetings == (0, 0, 0)
    assert z.tolist() == [1.0, 5.0]
    with pytest.raises(TypeError):
        cupy.copyto(z, np.ones(2))
    with pytest.raises(TypeError):
        cupy.copyto(cupy.zeros(2, cupy.int32), x)
    with pytest.raises(ValueError, match="different from the current device"):
        cupy.copyto(on(1), x)


def test_what_is_sorted_lies_in_memory_as_cupy_leaves_it():
    x = on(0, [[3.0, 1.0], [2.0, 4.0], [1.0, 0.0]])
    assert cupy.argsort(x, axis=0).tolist() == [[2, 2], [1, 0], [0, 1]]
    assert not cupy.argsort(x, axis=0).flags.c_contiguous and cupy.argsort(x).flags.c_contiguous
    with pytest.raises(NotImplementedError, match="non-contiguous"):
        x.T.sort()


def test_a_stream_is_of_one_device_and_another_librarys_has_a_protocol():
    cuda = cupy.cuda
    stream = cuda.Stream()
    with cuda.Device(1), pytest.raises(RuntimeError, match="does not match with the current device"), stream:
        pass
    with cuda.Device(1), cuda.Stream.null:
        assert cuda.Stream.from_external(stream) == stream
    for wrong in (7, stream.ptr, object()):
        with pytest.raises(TypeError, match="__cuda_stream__"):
            cuda.Stream.from_external(wrong)
    with pytest.raises(TypeError, match="waits for an event"):
        stream.wait_event(stream)


def test_functions_take_no_more_than_cupys_take():
    x = on(0)
    for call in (
        lambda: cupy.sum(x, where=True),
        lambda: cupy.sum(x, initial=0),
        lambda: cupy.add(x, x, subok=False),
        lambda: x.sum(where=True),
        lambda: cupy.argsort(x, -1, None, None),
        lambda: cupy.maximum.reduce(x),
        lambda: cupy.std(x, correction=1),
    ):
        with pytest.raises((TypeError, NotImplementedError)):
            call()
    assert not hasattr(cupy, "vecdot") and not hasattr(x, "__index__") and not hasattr(x, "__imatmul__")


def test_the_stand_in_has_nothing_that_cupy_lacks():
    if "cupy" not in gg.available_backends() and not _importable():
        pytest.skip("CuPy is not installed")
    import cupy as real

    for name in cupy.__all__:
        assert hasattr(real, name), name
    for functions, theirs in ((cupy, real), (cupy.linalg, real.linalg), (cupy.fft, real.fft)):
        for name, function in vars(functions).items():
            signature = getattr(function, "signature", None)
            if signature is None or name.startswith("_") or "*" in signature:
                continue
            _, _, known = _calls.parameters(signature)
            assert known <= inspect.signature(getattr(theirs, name)).parameters.keys(), name


def _importable():
    try:
        import cupy  # noqa: F401
    except ImportError:
        return False
    return True


# In gpugrad


def test_cupy_is_the_stand_in_within_the_block_alone():
    before = {name: module for name, module in sys.modules.items() if "cupy" in name}
    with fake_cupy.installed() as backend:
        import cupy as imported

        assert imported is cupy
        assert backend_named("cupy") is backend
        assert str(gg.ones(1, device="cuda:2").device) == "cuda:2"
    assert {name: module for name, module in sys.modules.items() if "cupy" in name} == before
    with contextlib.suppress(BackendUnavailable):
        assert backend_named("cupy") is not backend


def test_every_line_of_a_training_step_runs_on_the_device_of_its_tensors(fake_cuda):
    model = gg.nn.Sequential(gg.nn.Linear(4, 5), gg.nn.Sigmoid(), gg.nn.Dropout(0.5), gg.nn.Linear(5, 3)).to("cuda:2")
    optimizer = gg.optim.AdamW(model.parameters(), lr=0.1)
    x, y = gg.rand(6, 4, device="cuda:2"), gg.tensor([0, 1, 2, 0, 1, 2], device="cuda:2")
    for _ in range(2):
        optimizer.zero_grad(set_to_none=False)
        gg.nn.CrossEntropyLoss()(model(x), y).backward()
        norm = gg.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.clip_and_step(1.0)
    assert {str(t.device) for p in model.parameters() for t in (p, p.grad, norm)} == {"cuda:2"}
    assert cupy.cuda.Device().id == 0


@pytest.mark.parametrize(("start", "end"), [("cpu", "cuda:1"), ("cuda:1", "cpu"), ("cuda:1", "cuda:2")])
def test_a_gradient_travels_back_between_devices(fake_cuda, start, end):
    x = gg.tensor([[1.0, 2.0], [3.0, 4.0]], device=start, requires_grad=True)
    y = x.T.to(end)
    assert str(y.device) == end
    (y * y).sum().backward()
    assert str(x.grad.device) == start
    assert x.grad.tolist() == [[2, 4], [6, 8]]
    with pytest.raises(DeviceError, match=r"\.to\("):
        x + y
