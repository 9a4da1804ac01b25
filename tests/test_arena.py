"""Parameters that live side by side in one array stay what they were, and no write to them corrupts a gradient."""

import copy
import gc
import tracemalloc
import weakref

import numpy as np
import pytest

import gpugrad
from gpugrad import nn, optim
from gpugrad._arena import Arena, in_blocks, ufuncs_of
from gpugrad.errors import ShapeError


def leaves(*shapes, dtype="float64"):
    return [gpugrad.randn(shape, dtype=getattr(gpugrad, dtype)).requires_grad_() for shape in shapes]


def with_gradients(parameters, value=1.0):
    for p in parameters:
        p.grad = gpugrad.full(p.shape, value, dtype=p.dtype, device=p.device)
    return parameters


def test_moving_in_changes_neither_the_object_nor_its_values(backend):
    parameters = leaves((2, 3), (), (0, 4), (5,))
    before = [p.tolist() for p in parameters]
    kept = list(parameters)
    arena = Arena(parameters)
    assert all(a is b for a, b in zip(kept, parameters, strict=True))
    assert [p.tolist() for p in parameters] == before
    assert [p.shape for p in parameters] == [(2, 3), (), (0, 4), (5,)]
    assert all(slot.moved for slot in arena.slots)
    assert arena.holds()


def test_parameters_are_views_of_one_array():
    parameters = leaves((2, 3), (5,))
    arena = Arena(parameters)
    assert all(np.shares_memory(p._array, arena.parameters) for p in parameters)
    assert all((p._array.ctypes.data - arena.parameters.ctypes.data) % 64 == 0 for p in parameters)


def test_a_transposed_parameter_keeps_its_layout_for_the_user():
    p = gpugrad.tensor(np.arange(6.0).reshape(2, 3).T, requires_grad=True)
    Arena([p])
    assert p.tolist() == [[0, 3], [1, 4], [2, 5]]


def test_the_graph_computes_with_moved_parameters(backend):
    (w,) = leaves((3, 2))
    x = gpugrad.ones((4, 3), dtype=gpugrad.float64)
    early = (x @ w).sum()
    Arena([w])
    (early + (x @ w).sum()).backward()
    assert w.grad.tolist() == [[8.0, 8.0]] * 3


def test_a_user_keeps_the_gradient_that_a_step_has_used(backend):
    parameters = leaves((3,), (2, 2))
    optimizer = optim.Adam(parameters)
    with_gradients(parameters, 1.0)
    mine = [p.grad for p in parameters]
    optimizer.step()
    with_gradients(parameters, 5.0)
    optimizer.step()
    assert [g.tolist() for g in mine] == [[1.0] * 3, [[1.0] * 2] * 2]


def test_a_gradient_is_never_memory_of_the_arena():
    parameters = leaves((300,), (20, 2))
    optimizer = optim.SGD(parameters, momentum=0.9)
    for _ in range(2):
        optimizer.zero_grad()
        sum((p * p).sum() for p in parameters).backward()
        optimizer.step()
    (arena,) = optimizer._arenas[0]
    flats = [arena.parameters, arena.gradients, *arena.moments.values()]
    assert not any(np.shares_memory(p.grad._array, flat) for p in parameters for flat in flats)


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam, lambda p: optim.SGD(p, momentum=0.9, nesterov=True)])
def test_a_graph_that_still_needs_them_gets_the_old_values(backend, make):
    (w,) = leaves((3,))
    optimizer = make([w])
    loss = (w * w * w).sum()
    loss.backward(retain_graph=True)
    first = w.grad.tolist()
    for _ in range(3):
        optimizer.step()
    w.grad = None
    loss.backward()
    assert w.grad.tolist() == first


def test_moments_in_a_graph_are_safe_from_the_next_step(backend):
    (w,) = leaves((3,))
    optimizer = optim.Adam([w])
    with_gradients([w])
    optimizer.step()
    moment = optimizer.state[w]["exp_avg"]
    values = moment.tolist()
    x = gpugrad.ones(3, dtype=gpugrad.float64, requires_grad=True)
    loss = (x * moment).sum()
    optimizer.step()
    loss.backward()
    assert x.grad.tolist() == values
    assert moment.tolist() != values


def network_step(net, optimizer, x, y):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(net(x), y)
    loss.backward()
    return loss


@pytest.mark.parametrize("kind", ["sgd", "momentum", "adam", "amsgrad", "clipped"])
def test_an_ordinary_step_allocates_nothing_of_the_size_of_a_parameter(kind):
    net = nn.Sequential(nn.Linear(700, 600), nn.ReLU(), nn.Linear(600, 1))
    make = {
        "momentum": lambda p: optim.SGD(p, momentum=0.9, weight_decay=0.1),
        "sgd": optim.SGD,
        "amsgrad": lambda p: optim.Adam(p, amsgrad=True, weight_decay=0.1),
    }.get(kind, optim.AdamW)
    optimizer = make(net.parameters())
    step = (lambda: optimizer.clip_and_step(0.1)) if kind == "clipped" else optimizer.step
    x, y = gpugrad.randn(8, 700), gpugrad.randn(8, 1)
    for _ in range(2):
        loss = network_step(net, optimizer, x, y)
        step()
    loss = network_step(net, optimizer, x, y)
    tracemalloc.start()
    try:
        step()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000 < net[0].weight.nbytes
    assert loss.item() >= 0


def test_cells_over_parameters_are_dead_after_backward():
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    optimizer = optim.SGD(net.parameters())
    gc.disable()
    try:
        loss = nn.functional.mse_loss(net(gpugrad.randn(5, 3)), gpugrad.randn(5, 1))
        cells = [weakref.ref(p._cell) for p in net.parameters() if p._cell is not None]
        assert cells, "a weight is saved for backward"
        loss.backward()
        optimizer.step()
        assert [cell() for cell in cells] == [None] * len(cells)
    finally:
        gc.enable()


def test_a_parameter_without_gradient_is_left_alone(backend):
    parameters = leaves((3,), (2,), (4,))
    optimizer = optim.AdamW(parameters, weight_decay=0.5)
    still = parameters[1].tolist()
    with_gradients(parameters)
    parameters[1].grad = None
    optimizer.step()
    assert parameters[1].tolist() == still
    assert parameters[1] not in optimizer.state
    with_gradients(parameters)
    optimizer.step()
    assert [optimizer.state[p]["step"].item() for p in parameters] == [2.0, 1.0, 2.0]
    assert parameters[1].tolist() != still


@pytest.mark.parametrize("make", [lambda p: optim.SGD(p, momentum=0.9, dampening=0.5), optim.Adam])
def test_a_parameter_that_lags_behind_steps_as_if_it_were_alone(backend, make):
    together = leaves((3,), (2,), (4,))
    alone = copy.deepcopy(together)
    optimizer, its_own = make(together), [make([p]) for p in alone]
    for i in range(4):
        for j, (p, q) in enumerate(zip(together, alone, strict=True)):
            with_gradients([p, q], float(i + j + 1))
            if i < j:
                p.grad = q.grad = None
        optimizer.step()
        for single in its_own:
            single.step()
    assert [p.tolist() for p in together] == [p.tolist() for p in alone]


def test_a_rebound_parameter_is_noticed_and_keeps_its_moments(backend):
    (p,) = leaves((3,))
    twin = p.detach().clone().requires_grad_()
    moved, fixed = optim.Adam([p], lr=0.1), optim.Adam([twin], lr=0.1)
    for i in range(4):
        with_gradients([p, twin], float(i + 1))
        moved.step()
        fixed.step()
        if i == 1:
            p.data = p.detach().clone()
    assert p.tolist() == twin.tolist()


def test_rebinding_leaves_the_old_memory_to_the_graph(backend):
    p, q = leaves((3,), (3,))
    optimizer = optim.SGD([p, q], lr=1.0)
    values = p.tolist()
    loss = (p * p / 2 + q).sum()
    p.data = gpugrad.zeros(3, dtype=gpugrad.float64)
    with_gradients([p, q])
    optimizer.step()
    assert p.tolist() == [-1.0] * 3
    optimizer.zero_grad()
    loss.backward()
    assert p.grad.tolist() == values


def test_a_rebound_parameter_of_another_shape_raises_once_it_has_moments(backend):
    (p,) = leaves((3,))
    optimizer = optim.Adam([p])
    with_gradients([p])
    optimizer.step()
    p.data = gpugrad.zeros(2, dtype=gpugrad.float64)
    p.grad = None
    with pytest.raises(ShapeError, match=r"shape \(2,\) had shape \(3,\)"):
        optimizer.step()


def test_loading_a_state_writes_into_the_arena(backend):
    net = nn.Linear(2, 1)
    optimizer = optim.SGD(net.parameters(), lr=1.0)
    net.load_state_dict({"weight": np.asarray([[1.0, 2.0]]), "bias": np.asarray([3.0])})
    with_gradients(list(net.parameters()))
    optimizer.step()
    assert net.weight.tolist() == [[0.0, 1.0]]
    assert net.bias.tolist() == [2.0]
    assert optimizer._arenas[0][0].holds()


def test_shared_memory_stays_shared(backend):
    base = gpugrad.zeros(4, dtype=gpugrad.float64)
    p = nn.Parameter(base)
    other = leaves((2,))[0]
    optimizer = optim.SGD([other, p], lr=1.0)
    with_gradients([other, p])
    optimizer.step()
    optimizer.step()
    assert base.tolist() == [-2.0] * 4 == p.tolist()
    assert not optimizer._arenas[0][0].slots[1].moved


def test_a_strided_parameter_that_cannot_move_is_still_updated(backend):
    base = gpugrad.zeros((3, 4), dtype=gpugrad.float64)
    p, q = base[:, 1:3].detach().requires_grad_(), base[:, 0].detach().requires_grad_()
    optimizer = optim.Adam([p, q], lr=1.0)
    with_gradients([p, q])
    optimizer.step()
    assert np.asarray(base.tolist()) == pytest.approx(np.asarray([[-1.0, -1.0, -1.0, 0.0]] * 3), abs=1e-6)


def test_views_taken_later_see_the_steps(backend):
    (p,) = leaves((2, 2))
    optimizer = optim.SGD([p], lr=1.0)
    row = p.detach()[0]
    before = np.asarray(row.tolist())
    with_gradients([p])
    optimizer.step()
    assert row.tolist() == (before - 1).tolist()


def test_two_optimizers_of_one_model_do_not_undo_each_other(backend):
    (p,) = leaves((3,))
    start = np.asarray(p.tolist())
    first, second = optim.SGD([p], lr=1.0), optim.SGD([p], lr=10.0)
    with_gradients([p])
    for optimizer in (first, second, first):
        optimizer.step()
    assert np.asarray(p.tolist()) == pytest.approx(start - 12)
    (slot,) = first._arenas[0][0].slots
    assert slot.moved
    assert p._array is slot.array
    assert not second._arenas[0][0].slots[0].moved, "it stays with the first as long as that lives"
    del first, optimizer, slot
    second.step()
    assert second._arenas[0][0].slots[0].moved, "it may move in once the other optimizer is gone"
    assert np.asarray(p.tolist()) == pytest.approx(start - 22)


def test_dtypes_do_not_mix(backend):
    p, q = leaves((3,)) + leaves((2,), dtype="float32")
    optimizer = optim.Adam([p, q], lr=0.5)
    with_gradients([p, q])
    before = q.tolist()
    optimizer.step()
    assert (p.dtype, q.dtype) == (gpugrad.float64, gpugrad.float32)
    assert q.tolist() == pytest.approx([v - 0.5 for v in before], rel=1e-5)


def test_a_copied_model_trains_apart_from_its_original(backend):
    net = nn.Linear(2, 2)
    optimizer = optim.Adam(net.parameters(), lr=0.1)
    with_gradients(list(net.parameters()))
    optimizer.step()
    twin, its_optimizer = copy.deepcopy((net, optimizer))
    for _ in range(2):
        with_gradients(list(net.parameters()), 2.0)
        optimizer.step()
    for _ in range(2):
        with_gradients(list(twin.parameters()), 2.0)
        its_optimizer.step()
    assert twin.weight.tolist() == net.weight.tolist()
    assert twin.weight is not net.weight


def test_a_gradient_of_another_shape_raises(backend):
    (p,) = leaves((3,))
    optimizer = optim.SGD([p])
    p._grad = gpugrad.ones((2, 3), dtype=gpugrad.float64)
    with pytest.raises(ShapeError, match=r"\(2, 3\) .* \(3,\)"):
        optimizer.step()


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65_535, 65_536, 65_537, 140_001])
def test_blocks_cover_every_element_once(size):
    x = np.zeros(size)
    for block, scratch in in_blocks([x], [np.empty(65_536)]):
        assert block.shape == scratch.shape
        block += 1
    assert x.tolist() == [1.0] * size


def test_ufuncs_write_where_they_are_told(backend):
    array = gpugrad.asarray([1.0, 4.0])._array
    out = gpugrad.zeros(2)._array
    u = ufuncs_of(array)
    u.sqrt(array, out=out)
    u.add(out, 1.0, out=out)
    assert gpugrad.asarray(out).tolist() == [2.0, 3.0]


@pytest.mark.parametrize("make", [lambda p: optim.SGD(p, momentum=0.9, weight_decay=0.1), optim.AdamW])
def test_training_in_float32_never_needs_float64(make):
    with gpugrad.use_backend("strict:no_float64"):
        net = nn.Sequential(nn.Linear(3, 4), nn.Sigmoid(), nn.LayerNorm(4), nn.Dropout(0.5), nn.Linear(4, 2))
        optimizer = make(net.parameters())
        x, y = gpugrad.randn(5, 3), gpugrad.randint(0, 2, (5,))
        for _ in range(3):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            optimizer.clip_and_step(1.0)
        assert {p.dtype for p in net.parameters()} == {gpugrad.float32}
        assert {p.grad.dtype for p in net.parameters()} == {gpugrad.float32}
        moments = [m for state in optimizer.state.values() for name, m in state.items() if name != "step"]
        assert {m.dtype for m in moments} == {gpugrad.float32}
