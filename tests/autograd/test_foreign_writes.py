"""What foreign code writes into saved values is seen in debug mode; what gpugrad writes itself never trips it."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import gpugrad as gg
from gpugrad import nn
from gpugrad._graph import modes
from gpugrad._graph.fingerprints import fingerprint
from gpugrad.autograd import detect_foreign_writes, grad
from gpugrad.errors import GradientError


def leaf(values, **options):
    return gg.tensor(values, requires_grad=True, **options)


def foreign(tensor):
    """Return an array over the memory of a tensor that can be written without gpugrad's knowing."""
    array = tensor._array
    return getattr(array, "_array", getattr(array, "_host", array))


def test_a_write_into_an_array_that_a_tensor_was_made_of_raises():
    data = np.ones((2, 3), np.float32)
    x = leaf([[1.0], [2.0]])
    with detect_foreign_writes():
        y = x * gg.asarray(data)
        data[1, 2] = 5
        with pytest.raises(
            GradientError, match=r"multiply: the x2 that it saved, float32 \(2, 3\), .*test_foreign"
        ) as e:
            y.sum().backward()
    line = test_a_write_into_an_array_that_a_tensor_was_made_of_raises.__code__.co_firstlineno + 4
    assert f"{__file__}:{line} saved it" in str(e.value)
    assert x.grad is None and modes.unusual == 0


def test_without_the_mode_the_gradient_is_silently_wrong():
    data = np.ones(2, np.float32)
    x = leaf([1.0, 2.0])
    loss = (x * gg.asarray(data)).sum()
    data[:] = 7
    loss.backward()
    assert x.grad.tolist() == [7, 7]


SAVED = {
    "an operand": lambda x: (x, x * x),
    "a result": lambda x: (y := gg.exp(x), y),
    "of a general op": lambda x: (x, gg.matmul(x, gg.matrix_transpose(x))),
    "of a layer": lambda x: (x, gg.activated_linear(leaf([[1.0, 2.0]]), x, activation="tanh")),
    "of a list": lambda x: (x, gg.einsum("ij,jk,kl->il", x, leaf([[1.0], [2.0]]), leaf([[3.0]]))),
    "in a view": lambda x: (x, x[0] * x[1]),
    "in a strided view": lambda x: (x, gg.matrix_transpose(x) ** 2),
    "of one element": lambda x: (s := x.sum(), s * s),
}


@pytest.mark.parametrize("case", SAVED.values(), ids=SAVED)
def test_one_bit_is_seen_on_every_backend(backend, case):
    x = leaf([[1.0, 2.0], [3.0, 5.0]], dtype=gg.float64)
    with detect_foreign_writes():
        written, result = case(x) if case is not SAVED["of a layer"] else case(x.to(gg.float32))
        array = foreign(written)
        array[...] = np.nextafter(np.asarray(array, dtype=array.dtype), np.asarray(99, dtype=array.dtype))
    with pytest.raises(GradientError, match="was changed from outside"):
        result.sum().backward()


def test_a_write_through_dlpack_is_seen():
    x = leaf([1.0, 2.0])
    with detect_foreign_writes():
        held = gg.tensor([3.0, 4.0])
        y = (x * held).sum()
        with torch_like(held) as array:
            array[0] = 9
        with pytest.raises(GradientError, match="x2 that it saved"):
            y.backward()


class torch_like:
    """A consumer that takes memory by DLPack and writes to it."""

    def __init__(self, tensor):
        self.array = np.from_dlpack(tensor)
        if not self.array.flags.writeable:  # NumPy honours the mark; others do not
            self.array = np.lib.stride_tricks.as_strided(tensor._array, writeable=True)

    def __enter__(self):
        return self.array

    def __exit__(self, *exception):
        pass


def _sgd(x):
    optimizer = gg.optim.SGD([x], lr=0.1, momentum=0.9)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    optimizer.step()
    return y


def _adam(x):
    optimizer = gg.optim.AdamW([x], lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        (gg.exp(x) * x).sum().backward()
        optimizer.step()
    return (x * x).sum()


def _step_between(x):
    y = gg.exp(x) * x
    x.grad = gg.ones_like(x)
    gg.optim.SGD([x], lr=0.1).step()
    return y.sum()


def _under_no_grad(x):
    y = x * x
    with gg.no_grad():
        x *= 5
        x[0] = 7
        x.copy_(x + 1)
    return y.sum()


def _through_data(x):
    y = x * x
    x.data[0] = 7
    x.data -= 1
    return y.sum()


def _detached(x):
    y = x * 2
    z = y * y
    y.detach()[0] = 5
    return z.sum()


def _in_place(x):
    y = x * 2
    z = y * y
    y += 1
    y *= y
    return (y + z).sum()


def _through_a_view(x):
    y = x * 2
    z = y * y
    v = y[:1]
    v *= 3
    return (y + z).sum() + (v * v).sum()


def _by_mask(x):
    y = x * 2
    z = gg.exp(y)
    y[y > 1] = 0
    return (y * z).sum()


def _by_indices(x):
    y = x * 2
    z = y**2
    y[gg.asarray([0, 0])] = gg.asarray([1.0, 2.0], dtype=y.dtype)
    return (y * z).sum()


def _users_array(x):
    data = np.ones(2, np.float32)
    a = gg.asarray(data) if type(x._array) is np.ndarray else gg.ones(2)
    b = gg.asarray(data) if type(x._array) is np.ndarray else a[:]
    y = x * a
    b[0] = 4  # through another tensor over the same memory
    return (y * b).sum()


def _second_order(x):
    (g,) = grad((x**3).sum(), x, create_graph=True)
    with gg.no_grad():
        x += 1
    return (g * g).sum()


def _twice(x):
    y = (x * x).sum()
    y.backward(retain_graph=True)
    x.grad[0] = 9
    y.backward(retain_graph=True)
    return y


def _accumulating(x):
    (x * x).sum().backward()
    y = (x * x.grad).sum()
    (x * x).sum().backward()
    return y


def _model(x):
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.LayerNorm(4), nn.Linear(4, 1))
    optimizer = gg.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(2):
        optimizer.zero_grad()
        model(gg.reshape(x, (1, 2))).sum().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model(gg.reshape(x, (1, 2))).sum()


def _state(x):
    model = nn.Linear(2, 2)
    y = model(x) * model.weight[0]
    model.load_state_dict({k: gg.zeros_like(v) for k, v in model.state_dict().items()})
    return y.sum()


def _zero_size(x):
    return (x[:0] * x[:0]).sum() + (x * 1.0).sum()


def _broadcast(x):
    y = gg.broadcast_to(x, (1000, 2))
    return (y * y).sum()


def _flags(x):
    return gg.where(x > 0, x * x, x).sum()


def _hooks(x):
    y = x * x
    y.register_hook(lambda g: g.mul_(2))
    return (y * y).sum()


def _complex(x):
    z = gg.astype(x, gg.complex64) * 1j
    return gg.real(z * gg.conj(z)).sum()


def _integers(x):
    index = gg.asarray([1, 0, 1])
    y = gg.take(x, index) ** 2
    index[0] = 0
    return y.sum()


def _fill(x):
    y = x * 1
    z = y * y
    y.fill_(0)
    y.zero_()
    return (y + z).sum()


OWN = [
    _sgd, _adam, _step_between, _under_no_grad, _through_data, _detached, _in_place, _through_a_view, _by_mask,
    _by_indices, _users_array, _second_order, _twice, _accumulating, _model, _state, _zero_size, _broadcast, _flags,
    _hooks, _complex, _integers, _fill,
]  # fmt: skip


@pytest.mark.parametrize("program", OWN)
def test_writes_of_our_own_do_not_trip_it(backend, program):
    def gradient():
        gg.manual_seed(0)
        x = leaf([1.0, 2.0])
        x.grad = None
        result = program(x)
        x.grad = None
        result.backward()
        return x.grad.tolist()

    with detect_foreign_writes():
        watched = gradient()
    assert watched == gradient()


def test_as_a_decorator_in_threads_and_after_an_exception():
    data = np.ones(1, np.float32)

    @detect_foreign_writes()
    def loss(x):
        return (x * gg.asarray(data)).sum()

    y = loss(leaf([1.0]))
    with pytest.raises(KeyError), detect_foreign_writes():
        raise KeyError
    assert modes.unusual == 0
    other = []

    def work():
        other.append((leaf([1.0]) * gg.asarray(data)).sum())

    with detect_foreign_writes():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    data[0] = 2
    other[0].backward()
    with pytest.raises(GradientError):
        y.backward()


def test_within_saved_tensors_hooks_what_they_pack_is_theirs():
    x = leaf([1.0, 2.0])
    with gg.autograd.graph.saved_tensors_hooks(lambda t: t.tolist(), gg.tensor), detect_foreign_writes():
        y = x * x
    y.sum().backward()
    assert x.grad.tolist() == [2, 4]


@pytest.mark.parametrize("dtype", ["float16", "float32", "complex128", "bool", "uint8", "int64"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 3)])
def test_a_fingerprint_is_that_of_the_values_whatever_their_layout(dtype, shape):
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    spread = np.zeros((*shape[:-1], 2 * shape[-1]), dtype)[..., ::2] if shape else values
    if shape:
        spread[...] = values
    assert fingerprint(values) == fingerprint(spread) == fingerprint(np.asfortranarray(values).reshape(shape))
    assert len(fingerprint(values)) == 16


def test_what_broadcasting_repeats_is_read_once():
    assert fingerprint(np.broadcast_to(np.float32(3), (1 << 20, 1 << 20))) == fingerprint(np.full(1, 3, np.float32))
