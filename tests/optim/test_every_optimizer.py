"""What a user expects of every optimizer alike: it goes down, is resumed to the bit, and never waits for a GPU."""

import copy

import numpy as np
import pytest
from fake_cupy import counts

import gpugrad
from gpugrad import optim

# The options with which 300 steps go down a bowl and a valley.
TABLE = {
    "SGD": (optim.SGD, {"lr": 1e-3, "momentum": 0.9}),
    "SGD, plain": (optim.SGD, {"lr": 2e-3}),
    "Adam": (optim.Adam, {"lr": 0.05}),
    "Adam, amsgrad": (optim.Adam, {"lr": 0.05, "amsgrad": True}),
    "AdamW": (optim.AdamW, {"lr": 0.05}),
    "Adamax": (optim.Adamax, {"lr": 0.05}),
    "NAdam": (optim.NAdam, {"lr": 0.05}),
    "RAdam": (optim.RAdam, {"lr": 0.005, "betas": (0.9, 0.99)}),
    "RMSprop": (optim.RMSprop, {"lr": 0.01}),
    "RMSprop, centered": (optim.RMSprop, {"lr": 0.003, "momentum": 0.5, "centered": True}),
    "Adagrad": (optim.Adagrad, {"lr": 0.5}),
    "Adadelta": (optim.Adadelta, {"lr": 0.3, "eps": 1e-2}),
    "Rprop": (optim.Rprop, {"lr": 0.01}),
    "ASGD": (optim.ASGD, {"lr": 2e-3, "t0": 100}),
    "Lion": (optim.Lion, {"lr": 0.01}),
    "LAMB": (optim.LAMB, {"lr": 0.02}),
    "Muon": (optim.Muon, {"lr": 0.02, "weight_decay": 0.01}),
    "LBFGS": (optim.LBFGS, {"line_search_fn": "strong_wolfe", "max_iter": 5}),
    "LBFGS, fixed steps": (optim.LBFGS, {"lr": 0.05, "max_iter": 5}),
}
ROWS = list(TABLE)
WITHOUT_CLOSURE = [name for name in ROWS if not name.startswith("LBFGS")]


def bowl(p):
    return (p * p * gpugrad.asarray([[1.0, 10.0], [3.0, 0.5]], dtype=p.dtype)).sum()


def valley(p):
    x = p.reshape((-1,))
    return (10 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def made(name, parameters, **more):
    kind, options = TABLE[name]
    return kind(parameters, **{**options, **more})


def closure_of(optimizer, parameters, loss_of):
    def closure():
        optimizer.zero_grad()
        loss = sum(loss_of(p) for p in parameters)
        loss.backward()
        return loss

    return closure


def leaves(dtype="float64", seed=0):
    random = np.random.default_rng(seed)
    values = [random.standard_normal((2, 2)) for _ in range(3)]
    return [gpugrad.tensor(v, dtype=getattr(gpugrad, dtype), requires_grad=True) for v in values]


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("loss_of", [bowl, valley])
def test_the_loss_falls(name, loss_of):
    p = gpugrad.tensor([[-1.2, 1.0], [-0.5, 2.0]], dtype=gpugrad.float64, requires_grad=True)
    optimizer = made(name, [p])
    closure = closure_of(optimizer, [p], loss_of)
    first = loss_of(p).item()
    for _ in range(60 if "LBFGS" in name else 300):
        optimizer.step(closure)
    assert loss_of(p).item() < 0.15 * first


@pytest.mark.parametrize("name", ROWS)
def test_a_run_taken_up_again_goes_on_to_the_bit(backend, name):
    parameters = leaves("float32")
    optimizer = made(name, parameters)
    closure = closure_of(optimizer, parameters, valley)
    for _ in range(3):
        optimizer.step(closure)
    others = [gpugrad.tensor(p.detach(), requires_grad=True) for p in parameters]
    resumed = made(name, others)
    saved = copy.deepcopy(optimizer.state_dict())
    resumed.load_state_dict(saved)
    assert str(resumed.state_dict()) == str(saved)
    again = closure_of(resumed, others, valley)
    for _ in range(3):
        optimizer.step(closure)
        resumed.step(again)
    assert [p.tolist() for p in parameters] == [p.tolist() for p in others]
    assert str(resumed.state_dict()) == str(optimizer.state_dict())


@pytest.mark.parametrize("name", ROWS)
def test_a_copy_goes_its_own_way(backend, name):
    parameters = leaves()
    optimizer = made(name, parameters)
    optimizer.step(closure_of(optimizer, parameters, bowl))
    others, twin = copy.deepcopy((parameters, optimizer))
    before = [p.tolist() for p in parameters]
    for _ in range(2):
        twin.step(closure_of(twin, others, bowl))
    assert [p.tolist() for p in parameters] == before
    for _ in range(2):
        optimizer.step(closure_of(optimizer, parameters, bowl))
    assert [p.tolist() for p in parameters] == [p.tolist() for p in others]


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("max_norm", [0.5, 1e9])
def test_clip_and_step_is_clipping_and_a_step(backend, name, max_norm):
    ours, theirs = leaves(), leaves()
    a, b = made(name, ours), made(name, theirs)
    for _ in range(1 if "LBFGS" in name else 3):  # a quotient of differences makes much of the rounding of a factor
        norms = []
        plain = closure_of(b, theirs, bowl)

        def clipped(plain=plain, norms=norms):
            loss = plain()
            norms.append(gpugrad.nn.utils.clip_grad_norm_(theirs, max_norm).item())
            return loss

        norm = a.clip_and_step(max_norm, closure_of(a, ours, bowl))
        b.step(clipped)
        assert norm.item() == pytest.approx(norms[0], rel=1e-12)
    for p, q in zip(ours, theirs, strict=True):
        assert np.asarray(p.tolist()) == pytest.approx(np.asarray(q.tolist()), rel=1e-9, abs=1e-12)


def with_gradients(parameters, seed):
    random = np.random.default_rng(seed)
    for p in parameters:
        p.grad = gpugrad.asarray(random.standard_normal(p.shape), dtype=p.dtype, device=p.device)


@pytest.mark.parametrize("name", WITHOUT_CLOSURE)
def test_a_parameter_that_lags_behind_steps_as_if_it_were_alone(backend, name):
    together, alone = leaves(), leaves()
    optimizer, its_own = made(name, together), [made(name, [p]) for p in alone]
    for i in range(6):
        with_gradients(together, i)
        with_gradients(alone, i)
        for j, (p, q) in enumerate(zip(together, alone, strict=True)):
            if (i * (j + 1)) % 3 == 1:
                p.grad = q.grad = None
        optimizer.step()
        for single in its_own:
            single.step()
    assert [p.tolist() for p in together] == [p.tolist() for p in alone]
    assert str(list(optimizer.state.values())) == str(
        [single.state[q] for single, q in zip(its_own, alone, strict=True) if q in single.state]
    )


@pytest.mark.parametrize("name", WITHOUT_CLOSURE)
def test_groups_of_mixed_dtypes_and_devices_step_as_if_alone(devices, name):
    kinds = [("cpu", "float64"), ("cpu", "float32"), *((device, "float32") for device in devices)]
    kinds = [kind for kind in kinds if "no_float64" not in kind[0] or kind[1] != "float64"]

    def parameters():
        values = np.random.default_rng(2).standard_normal((2, 2))
        return [gpugrad.tensor(values, dtype=getattr(gpugrad, t), device=d, requires_grad=True) for d, t in kinds]

    together, alone = parameters(), parameters()
    optimizer, its_own = made(name, together), [made(name, [p]) for p in alone]
    for i in range(3):
        with_gradients(together, i)
        with_gradients(alone, i)
        for each in (optimizer, *its_own):
            each.step()
    assert [p.tolist() for p in together] == [p.tolist() for p in alone]
    assert [(str(p.device), p.dtype.name) for p in together] == kinds


@pytest.mark.parametrize("name", WITHOUT_CLOSURE)
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (1, 1)])
def test_parameters_with_no_elements_or_one(backend, name, shape):
    p, q = gpugrad.ones(shape, requires_grad=True), gpugrad.ones((2, 2), requires_grad=True)
    optimizer = made(name, [p, q])
    for i in range(2):
        with_gradients([p, q], i)
        optimizer.step()
    assert p.shape == shape
    assert all(v.shape in ((), shape) for v in optimizer.state.get(p, {}).values())
    assert all(np.isfinite(x.tolist()).all() for x in (p, q))


@pytest.mark.parametrize("name", [name for name in WITHOUT_CLOSURE if name != "Muon"])
def test_a_scalar_is_a_parameter(backend, name):
    p = gpugrad.tensor(2.0, dtype=gpugrad.float64, requires_grad=True)
    optimizer = made(name, [p])
    for _ in range(3):
        optimizer.step(closure_of(optimizer, [p], lambda x: x * x))
    assert p.shape == () and p.item() < 2.0
    resumed = made(name, [p.detach().clone().requires_grad_()])
    resumed.load_state_dict(optimizer.state_dict())
    assert str(resumed.state_dict()) == str(optimizer.state_dict())


@pytest.mark.parametrize("name", WITHOUT_CLOSURE)
def test_an_element_between_two_parameters_is_nobodys(name):
    """What lies between parameters in the flat arrays is stepped too, and may not reach the norm of the gradients."""
    p, q = (gpugrad.ones((1, 1), requires_grad=True) for _ in range(2))
    eps = {"eps": 0.0} if "eps" in TABLE[name][0]([p.detach().clone().requires_grad_()]).defaults else {}
    optimizer = made(name, [p, q], **eps)
    for value, wanted in ((np.nan, np.nan), (3.0, np.sqrt(18)), (3.0, np.sqrt(18))):
        for x in (p, q):
            x.grad = gpugrad.full((1, 1), value)
        assert optimizer.clip_and_step(1.0).item() == pytest.approx(wanted, nan_ok=True)


@pytest.mark.parametrize("name", WITHOUT_CLOSURE)
def test_a_step_never_waits_for_the_host(fake_cuda, name):
    with gpugrad.use_backend("cuda"):
        parameters = leaves("float32")
        optimizer = made(name, parameters)
        with_gradients(parameters, 0)
        optimizer.clip_and_step(1.0)
        before = counts.meetings
        optimizer.step()
        optimizer.clip_and_step(1.0)
        assert counts.meetings == before


@pytest.mark.parametrize("name", ROWS)
def test_float32_stays_float32(name):
    with gpugrad.use_backend("strict:no_float64"):
        parameters = leaves("float32")
        optimizer = made(name, parameters)
        for _ in range(3):
            optimizer.clip_and_step(1.0, closure_of(optimizer, parameters, bowl))
        assert {p.dtype for p in parameters} == {gpugrad.float32}
        for values in optimizer.state.values():
            kept = [v for v in values.values() if hasattr(v, "shape") and v.shape]
            assert {v.dtype for v in kept} <= {gpugrad.float32}


@pytest.mark.parametrize("name", WITHOUT_CLOSURE)
def test_half_precision_is_no_hindrance(name):
    parameters = leaves("float16")
    optimizer = made(name, parameters, **({"eps": 1e-3} if "eps" in TABLE[name][0](leaves()).defaults else {}))
    for i in range(3):
        with_gradients(parameters, i)
        optimizer.step()
    assert all(p.dtype == gpugrad.float16 and np.isfinite(p.tolist()).all() for p in parameters)


@pytest.mark.parametrize("name", ROWS)
def test_a_graph_that_still_needs_them_gets_the_old_values(backend, name):
    (w, *_) = leaves()
    optimizer = made(name, [w])
    loss = (w * w * w).sum()
    (first,) = gpugrad.autograd.grad(loss, [w], retain_graph=True)
    for _ in range(3):
        optimizer.step(closure_of(optimizer, [w], bowl))
    (again,) = gpugrad.autograd.grad(loss, [w])
    assert again.tolist() == first.tolist()


@pytest.mark.parametrize("name", ROWS)
def test_a_parameter_that_cannot_move_is_stepped_where_it_is(backend, name):
    base = gpugrad.full((3, 4), 2.0, dtype=gpugrad.float64)
    p = base[:2, 1:3].detach().requires_grad_()
    q = gpugrad.full((2, 2), 2.0, dtype=gpugrad.float64, requires_grad=True)
    a, b = made(name, [p]), made(name, [q])
    for _ in range(2):
        a.step(closure_of(a, [p], bowl))
        b.step(closure_of(b, [q], bowl))
    assert base[:2, 1:3].tolist() == q.tolist()
    assert base[2].tolist() == [2.0] * 4


@pytest.mark.parametrize("name", [name for name in ROWS if name not in ("Muon", "LBFGS", "LBFGS, fixed steps")])
def test_maximize_is_the_step_with_the_sign_turned(backend, name):
    ours, theirs = leaves(), leaves()
    up, down = made(name, ours, maximize=True), made(name, theirs)
    for i in range(3):
        with_gradients(ours, i)
        for p, q in zip(ours, theirs, strict=True):
            q.grad = -p.grad
        for each in (up, down):
            each.step()
            each.clip_and_step(0.5)
    assert [p.tolist() for p in ours] == [p.tolist() for p in theirs]


@pytest.mark.parametrize("name", WITHOUT_CLOSURE)
def test_the_gradient_is_left_to_the_user(backend, name):
    parameters = leaves()
    optimizer = made(name, parameters)
    with_gradients(parameters, 0)
    mine = [p.grad for p in parameters]
    before = [g.tolist() for g in mine]
    optimizer.clip_and_step(0.1)
    assert all(p.grad is g for p, g in zip(parameters, mine, strict=True))
    assert [g.tolist() for g in mine] == before


@pytest.mark.parametrize("name", WITHOUT_CLOSURE)
def test_a_rate_that_was_infinite_once_does_not_stay(name):
    """Nor does what it made of the elements between parameters."""
    p, q = (gpugrad.ones((1, 1), requires_grad=True) for _ in range(2))
    optimizer = made(name, [p, q])
    for lr in (np.inf, 0.1):
        optimizer.param_groups[0]["lr"] = lr
        for x in (p, q):
            x.grad = gpugrad.full((1, 1), 3.0)
        optimizer.step()
        norm = optimizer.clip_and_step(1.0).item()
    assert norm == pytest.approx(np.sqrt(18))


@pytest.mark.parametrize("name", WITHOUT_CLOSURE)
def test_a_rebound_parameter_keeps_all_that_belongs_to_it(backend, name):
    ours, theirs = leaves(), leaves()
    moved, fixed = made(name, ours), made(name, theirs)
    for i in range(4):
        with_gradients(ours, i)
        with_gradients(theirs, i)
        moved.step()
        fixed.step()
        if i == 1:
            ours[1].data = ours[1].detach().clone()
    assert [p.tolist() for p in ours] == [p.tolist() for p in theirs]


def test_parameters_that_have_gone_by_other_momenta_stay_apart(backend):
    (p, q, _), (alone, _, _) = leaves(), leaves()
    both, one = optim.NAdam([p, q], lr=0.1), optim.NAdam([alone], lr=0.1)
    for i, (beta, stays) in enumerate([(0.9, q), (0.5, p), (0.9, None)]):
        with_gradients([p, q], i)
        with_gradients([alone], i)
        if stays is not None:
            stays.grad = None
        alone.grad = None if stays is p else alone.grad
        for optimizer in (both, one):
            optimizer.param_groups[0]["betas"] = (beta, 0.999)
            optimizer.step()
    assert p.tolist() == alone.tolist()
    assert both.state[p]["mu_product"].item() != both.state[q]["mu_product"].item()
