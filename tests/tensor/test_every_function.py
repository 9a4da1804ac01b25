"""Every public function on a device that is not the one in use: nothing moves by itself, and nothing mixes silently."""

from __future__ import annotations

import types

import array_api_strict
import numpy as np
import pytest
from samples import NO_GRADIENT, SAMPLES
from strict import StrictBackend

import gpugrad as gg
from gpugrad import _ops as ops
from gpugrad._op import table
from gpugrad.autograd import grad
from gpugrad.errors import DeviceError

HERE, THERE = "strict:device1", "strict:device2"
PARTS = (gg, gg.linalg, gg.fft, gg.special, gg.random)


def tensors_in(z):
    """Return the tensors of a result, which may be a tuple or a list of some."""
    if isinstance(z, tuple | list):
        return [t for item in z for t in tensors_in(item)]
    return [z] if isinstance(z, gg.Tensor) else []


def leaf(x, device=HERE):
    dtype = {"f": gg.float32, "c": gg.complex64}.get(x.dtype.kind, x.dtype)
    return gg.tensor(x, dtype=dtype, device=device, requires_grad=x.dtype.kind in "fc")


@pytest.fixture
def fetched(monkeypatch):
    """Return a list of the shapes of all arrays that are copied from a device to the host."""
    shapes, to_host = [], StrictBackend.to_host

    def watched(self, array):
        shapes.append(tuple(array.shape))
        return to_host(self, array)

    monkeypatch.setattr(StrictBackend, "to_host", watched)
    return shapes


@pytest.mark.parametrize("name", SAMPLES)
def test_an_op_answers_where_its_inputs_are_and_so_do_its_gradients(name, fetched):
    for sample in SAMPLES[name]:
        inputs = [leaf(x) for x in sample.inputs]
        outputs = tensors_in(sample.call(*inputs))
        assert {str(t.device) for t in outputs} == {HERE}
        tracked = [t for t in outputs if t.requires_grad]
        gradients = grad([gg.real(t).sum() for t in tracked], inputs, allow_unused=True) if tracked else []
        assert {str(g.device) for g in gradients if g is not None} <= {HERE}
    assert fetched == [] or name in ("astype", "to_device")  # which are asked to move


@pytest.mark.parametrize("name", NO_GRADIENT)
def test_an_op_without_gradients_answers_where_its_inputs_are(name):
    operands = [leaf(x).detach() if isinstance(x, np.ndarray) else x for x in NO_GRADIENT[name]]
    function = getattr(ops, name)
    assert {str(t.device) for t in tensors_in(function(*operands))} == {HERE}


def x():
    return gg.asarray([3.0, 1.0, 2.0], device=HERE)


MADE = {
    "arange": lambda **kw: gg.arange(3, **kw),
    "asarray": lambda **kw: gg.asarray([1.0], **kw),
    "astype": lambda **kw: gg.astype(gg.ones(2), gg.float64, **kw),
    "empty": lambda **kw: gg.empty(2, **kw),
    "empty_like": lambda **kw: gg.empty_like(gg.ones(2), **kw),
    "eye": lambda **kw: gg.eye(2, 3, k=1, **kw),
    "fftfreq": lambda **kw: gg.fft.fftfreq(4, **kw),
    "full": lambda **kw: gg.full(2, 3, **kw),
    "full_like": lambda **kw: gg.full_like(gg.ones(2), 3, **kw),
    "linspace": lambda **kw: gg.linspace(0, 1, 3, **kw),
    "ones": lambda **kw: gg.ones(2, **kw),
    "ones_like": lambda **kw: gg.ones_like(gg.ones(2), **kw),
    "rand": lambda **kw: gg.rand(2, **kw),
    "randint": lambda **kw: gg.randint(0, 5, (2,), **kw),
    "randn": lambda **kw: gg.randn(2, **kw),
    "randperm": lambda **kw: gg.randperm(3, **kw),
    "rfftfreq": lambda **kw: gg.fft.rfftfreq(4, **kw),
    "tensor": lambda **kw: gg.tensor([1.0], **kw),
    "zeros": lambda **kw: gg.zeros(2, **kw),
    "zeros_like": lambda **kw: gg.zeros_like(gg.ones(2), **kw),
}

DERIVED = {
    "astype": lambda: gg.astype(x(), gg.float64),
    "asarray": lambda: [gg.asarray(x()), gg.asarray([x(), x()]), gg.asarray([[x()[0], 1.0], [2, x()[1]]])],
    "broadcast_arrays": lambda: gg.broadcast_arrays(x(), gg.ones((2, 1), device=HERE)),
    "diff": lambda: [gg.diff(x()), gg.diff(x(), prepend=x(), n=2)],
    "digamma": lambda: gg.special.digamma(x()),
    "einsum": lambda: gg.einsum("i,i->", x(), x()),
    "empty_like": lambda: gg.empty_like(x()),
    "expit": lambda: gg.special.expit(x()),
    "from_dlpack": lambda: gg.from_dlpack(x()),
    "full_like": lambda: gg.full_like(x(), 3),
    "log_expit": lambda: gg.special.log_expit(x()),
    "meshgrid": lambda: gg.meshgrid(x(), x()),
    "ones_like": lambda: gg.ones_like(x()),
    "sort": lambda: gg.sort(x()),
    "tensor": lambda: gg.tensor(x()),
    "zeros_like": lambda: gg.zeros_like(x()),
}

# What is given no array and makes none.
OTHERS = set(
    "Device Generator Tensor __array_namespace_info__ available_backends broadcast_shapes can_cast enable_grad finfo "
    "get_backend iinfo inference_mode is_grad_enabled isdtype manual_seed no_grad result_type set_backend "
    "set_grad_enabled use_backend".split()
)


def test_every_public_function_is_swept():
    functions = {
        name
        for part in PARTS
        for name in part.__all__
        if callable(value := getattr(part, name))
        and not isinstance(value, types.ModuleType)
        and not (isinstance(value, type) and issubclass(value, Exception))
    }
    assert functions - set(table) - set(MADE) - set(DERIVED) - OTHERS == set()
    assert (set(MADE) | set(DERIVED) | OTHERS) - functions == set()


@pytest.mark.parametrize("name", MADE)
def test_a_tensor_is_made_on_the_device_that_is_named(name):
    for device in (HERE, gg.Device.parse(THERE), "cpu"):
        assert MADE[name](device=device).device == gg.Device.parse(device)
    with gg.use_backend(HERE):
        assert str(MADE[name]().device) == HERE
    with pytest.raises(DeviceError):
        MADE[name](device="strict:nowhere")


@pytest.mark.parametrize("name", DERIVED)
def test_what_is_derived_from_a_tensor_stays_where_that_is(name):
    assert {str(t.device) for t in tensors_in(DERIVED[name]())} == {HERE}


def test_an_array_of_a_device_is_wrapped_where_it_is():
    array = array_api_strict.ones(2, device=array_api_strict.Device("device1"))
    assert str(gg.asarray(array).device) == str(gg.tensor(array).device) == HERE
    assert gg.asarray(array)._array is array
    assert str(gg.asarray(array, device=THERE).device) == THERE


@pytest.mark.parametrize(
    "name", [n for n in SAMPLES if any(len(s.inputs) > 1 for s in SAMPLES[n]) and n not in ("assign", "to_device")]
)
def test_operands_of_two_devices_are_refused(name):
    for sample in SAMPLES[name]:
        if len(sample.inputs) < 2:
            continue
        for place in (THERE, "cpu"):
            inputs = [leaf(a) for a in sample.inputs[:-1]] + [leaf(sample.inputs[-1], place)]
            with pytest.raises(DeviceError, match=r"\.to\('"):
                sample.call(*inputs)
