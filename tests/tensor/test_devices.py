"""Tensors on devices: moving them, mixing them, and gradients that travel back. Fake devices stand in for GPUs."""

from __future__ import annotations

from contextlib import contextmanager

import fake_cupy
import numpy as np
import pytest

import gpugrad as gg
from gpugrad.autograd import grad
from gpugrad.backends import backend_named
from gpugrad.errors import DeviceError


@pytest.fixture
def one(devices):
    """Return the name of a device that is not the host, and, where there are several, not the current one."""
    return devices[0]


@pytest.fixture
def two(devices):
    """Return the name of another one."""
    if len(devices) < 2:
        pytest.skip(f"{devices[0]} is the only device of its kind here")
    return devices[1]


@pytest.fixture
def transfers(one):
    """Return a function that says how often host and device have met."""
    if one.startswith("strict"):
        return lambda: backend_named("strict").transfers
    if backend_named("cupy").cupy is not fake_cupy.cupy:
        pytest.skip("CuPy does not count transfers")
    return lambda: fake_cupy.counts.meetings


@pytest.fixture
def named(request):
    """Return a function that turns `one` and `two` into their names, and leaves `cpu`."""
    return lambda name: name if name == "cpu" else request.getfixturevalue(name)


def on(device, values=(1.0, 2.0), track=True):
    return gg.tensor(list(values) if isinstance(values, tuple) else values, device=device, requires_grad=track)


def same(tensor, values):
    np.testing.assert_array_equal(np.asarray(tensor.tolist()), np.asarray(values))


@pytest.mark.parametrize(("start", "end"), [("cpu", "one"), ("one", "cpu"), ("one", "two"), ("two", "one")])
def test_the_gradient_travels_back_through_to(devices, named, start, end):
    start, end = named(start), named(end)
    x = on(start)
    y = x.to(end)
    assert str(y.device) == end
    (y * y).sum().backward()
    assert str(x.grad.device) == start
    same(x.grad, [2, 4])


def test_a_graph_across_three_places_goes_back_to_each_leaf(one, two):
    a, b, c = on("cpu"), on(one), on(two)
    z = ((a.to(one) * b).to(two) * c).cpu() * a
    z.sum().backward()
    assert [str(t.grad.device) for t in (a, b, c)] == ["cpu", one, two]
    same(a.grad, [2, 16])
    same(b.grad, [1, 8])
    same(c.grad, [1, 8])


def test_second_order_across_devices(one, two):
    x = on(one)
    y = x.to(two)
    (first,) = grad((y * y * y).sum(), x, create_graph=True)
    assert str(first.device) == one
    (second,) = grad(first.sum(), x)
    assert str(second.device) == one
    same(second, [6, 12])


def test_moving_to_where_it_is_changes_nothing(backend):
    x = gg.ones(2, requires_grad=True)
    assert x.to(x.device) is x
    assert x.to(str(x.device)) is x
    assert x.to(gg.float32) is x
    assert x.to(x) is x
    assert x.to(x.device, gg.float32) is x
    assert x.to(x.device, copy=True) is not x


def test_cpu_is_a_copy_that_the_gradient_comes_back_through(backend):
    x = gg.ones(2, requires_grad=True)
    assert str(x.cpu().device) == "cpu"
    (x.cpu() * gg.tensor([3.0, 4.0], device="cpu")).sum().backward()
    assert x.grad.device == x.device
    same(x.grad, [3, 4])


def test_to_takes_a_dtype_a_device_both_or_another_tensor(one):
    x = on("cpu", track=False)
    for moved in (
        x.to(one, gg.float64),
        x.to(gg.float64, device=one),
        x.to(on(one).to(gg.float64)),
        x.to(dtype="float64").to(device=one),
    ):
        assert str(moved.device) == one
        assert moved.dtype == gg.float64
    assert x.to_device(one).device == gg.Device.parse(one)


@pytest.mark.parametrize(
    "mix",
    [
        lambda a, b: a + b,
        lambda a, b: a * b,
        lambda a, b: gg.maximum(a, b),
        lambda a, b: a @ b,
        lambda a, b: gg.where(a > 0, a, b),
        lambda a, b: gg.concat([a, b]),
        lambda a, b: gg.stack([a, b]),
        lambda a, b: gg.linear(a, b.reshape(1, 2)),
        lambda a, b: a.copy_(b),
        lambda a, b: a == b,
        lambda a, b: gg.clip(a, b),
        lambda a, b: a.__iadd__(b),
    ],
)
@pytest.mark.parametrize(("here", "there"), [("cpu", "one"), ("one", "cpu"), ("one", "two")])
def test_mixing_devices_raises_and_names_the_cure(devices, named, mix, here, there):
    here, there = named(here), named(there)
    a, b = on(here, track=False), on(there, track=False)
    with pytest.raises(DeviceError, match=r"\.to\('") as caught:
        mix(a, b)
    assert here in str(caught.value)
    assert there in str(caught.value)
    same(a, [1, 2])


def test_a_host_array_is_on_the_host(one):
    with pytest.raises(DeviceError, match=r"\.to\("):
        on(one) * np.ones(2, np.float32)
    with pytest.raises(DeviceError, match=r"\.to\("):
        np.ones(2, np.float32) * on(one)


@pytest.mark.parametrize("constant", [gg.tensor(3.0), gg.tensor(3), gg.tensor(3.0, dtype=gg.float64), np.array(3.0)])
def test_an_untracked_0d_constant_of_the_host_may_meet_any_device(one, constant):
    x = on(one)
    for z in (x * constant, constant * x, gg.multiply(x, constant)):
        assert str(z.device) == one
        assert z.dtype == gg.float32
        same(z, [3, 6])
        same(grad(z.sum(), x)[0], [3, 3])
    same(gg.where(x > 1.5, x, constant), [3, 2])


def test_a_0d_constant_costs_no_transfer(one, transfers):
    x, constant = on(one, track=False), gg.tensor(3.0)
    before = transfers()
    x * constant
    assert transfers() == before


def test_a_tracked_0d_tensor_of_the_host_may_not_be_mixed_in_silently(one):
    s = gg.tensor(3.0, requires_grad=True)
    for scalar in (s, s * 1):
        with pytest.raises(DeviceError, match=r"\.to\("):
            on(one) * scalar
    (on(one) * s.to(one)).sum().backward()
    assert s.grad.item() == 3


def test_a_0d_constant_of_a_device_may_not_meet_the_host(one):
    with pytest.raises(DeviceError, match=r"\.to\("):
        on("cpu") * gg.tensor(3.0, device=one)


def test_results_and_gradients_never_leave_their_device(one, transfers):
    x, w = on(one), gg.ones((3, 2), device=one, requires_grad=True)
    before = transfers()
    h = gg.relu(gg.linear(x, w))
    loss = gg.sum(gg.softmax(h) * gg.exp(-h)) + gg.mean(h[1:]) + gg.max(h)
    loss.backward()
    assert transfers() == before
    assert str(loss.device) == str(w.grad.device) == one


def test_devices_are_hashable_and_compare_by_name():
    assert gg.Device.parse("cuda") == gg.Device.parse("cuda:0") == gg.Device.parse(gg.Device.parse("CUDA:0"))
    assert len({gg.Device.parse("cpu"), gg.Device.parse("cpu:0"), gg.ones(1).device}) == 1
    assert gg.Device.parse("cuda:1") != gg.Device.parse("cuda:0")


@pytest.mark.parametrize("name", ["nowhere", "cuda:x", "cpu:1", "strict:nowhere", "", "cuda:-1"])
def test_a_device_that_does_not_exist_is_an_error_that_names_it(name):
    with pytest.raises(DeviceError):
        gg.ones(1).to_device(name)


@pytest.mark.parametrize("name", ["nowhere", "cuda:x", "cpu:1", "strict:nowhere", ""])
def test_making_a_tensor_on_a_device_that_does_not_exist_is_an_error(name):
    for make in (
        lambda: gg.ones(1, device=name),
        lambda: gg.tensor([1.0], device=name),
        lambda: gg.rand(2, device=name),
    ):
        with pytest.raises(DeviceError):
            make()


@pytest.fixture
def strangers(monkeypatch):
    """Return a list of the functions that meet an array of device1 while another device is the current one."""
    array_api_strict = pytest.importorskip("array_api_strict")
    from strict import StrictBackend

    current, met = ["CPU_DEVICE"], []
    on = StrictBackend.on

    @contextmanager
    def following(self, device):
        with on(self, device):
            current.append(device.index)
            yield
            current.pop()

    class Namespace:
        def __getattr__(self, name):
            function = getattr(array_api_strict, name)
            changes = not isinstance(function, type) and callable(function) and name not in COMPUTES_NOTHING
            return watched(name, function) if changes else function

    def watched(name, function):
        def call(*arguments, **options):
            arrays = [x for x in arguments if isinstance(x, StrictBackend.array_type)]
            if current[-1] != "device1" and any(x.device == array_api_strict.Device("device1") for x in arrays):
                met.append(name)
            return function(*arguments, **options)

        return call

    monkeypatch.setattr(StrictBackend, "on", following)
    monkeypatch.setattr(StrictBackend, "namespace", Namespace())
    for name in ("__iadd__", "__add__", "__mul__", "__imul__", "__truediv__", "__gt__", "__isub__"):
        monkeypatch.setattr(StrictBackend.array_type, name, watched(name, getattr(StrictBackend.array_type, name)))
    return met


COMPUTES_NOTHING = {"asarray", "reshape", "isdtype", "result_type", "broadcast_to", "permute_dims", "matrix_transpose"}


def train_and_write(there):
    """Train a model on a device, write into tensors there, and return what that made."""
    model = gg.nn.Sequential(gg.nn.Linear(4, 3), gg.nn.LayerNorm(3), gg.nn.Dropout(0.5)).to(there)
    optimizer = gg.optim.AdamW(model.parameters())
    x, y = gg.ones((2, 4), device=there), gg.tensor([0, 2], device=there)
    for _ in range(2):
        gg.nn.functional.cross_entropy(model(x), y).backward()
        model(x).sum().backward()
        gg.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.clip_and_step(1.0)
    optimizer.load_state_dict(optimizer.state_dict())
    p = gg.ones((4, 2), device=there, requires_grad=True)
    q = p * 2
    q[q > 1] = 3.0
    q[gg.tensor([True, False, True, False], device=there), 0] = gg.ones(2, dtype=gg.float64, device=there)
    q[gg.tensor([0, 0], device=there)] = gg.ones(2, device=there)
    q += 1
    q.sum().backward(retain_graph=True)
    grad(q.sum(), [p, gg.ones(2, device=there, requires_grad=True)], materialize_grads=True)
    z = gg.ones(2, dtype=gg.complex64, device=there, requires_grad=True)
    (z * z).backward(gg.ones(2, dtype=gg.complex64, device=there))
    return [*model.parameters(), *(parameter.grad for parameter in model.parameters()), p.grad, q, z.grad]


def test_everything_is_computed_while_the_device_of_its_operands_is_the_current_one(strangers):
    # CuPy allocates on the current device and launches there, whatever the operands say.
    train_and_write("strict:device1")
    assert strangers == []


def test_everything_made_from_tensors_of_a_device_is_on_it(one):
    # The stand-in for CuPy refuses arrays of any device but the current one.
    assert {str(tensor.device) for tensor in train_and_write(one)} == {one}
