"""States: what is saved and loaded, by hooks and extra states too, and that a load that fails leaves nothing behind."""

import copy

import numpy as np
import pytest

import gpugrad
from gpugrad import nn


def values(module):
    return {name: t.tolist() for name, t in module.state_dict().items()}


def test_a_state_goes_into_a_dict_that_is_there():
    into = {"mine": 1}
    assert nn.Linear(1, 1).state_dict(destination=into, prefix="a.") is into
    assert list(into) == ["mine", "a.weight", "a.bias"]


def test_an_overridden_state_of_a_part_is_asked_for():
    class Half(nn.Linear):
        def state_dict(self, **options):
            state = super().state_dict(**options)
            state.pop(options.get("prefix", "") + "bias")
            return state

    assert list(nn.Sequential(Half(1, 1), nn.Linear(1, 1)).state_dict()) == ["0.weight", "1.weight", "1.bias"]


def test_hooks_of_saving_run_for_each_part_with_its_prefix():
    model, seen = nn.Sequential(nn.Linear(1, 1)), []
    model[0].register_state_dict_pre_hook(lambda m, prefix, keep_vars: seen.append((prefix, keep_vars)))
    model[0].register_state_dict_post_hook(
        lambda m, state, prefix, meta: state.update({prefix + "w": state.pop(prefix + "weight")})
    )
    assert sorted(model.state_dict(keep_vars=True)) == ["0.bias", "0.w"]
    assert seen == [("0.", True)]
    model.register_state_dict_post_hook(lambda m, state, *_: dict(state))
    with pytest.raises(TypeError, match="changes the state in place"):
        model.state_dict()


def test_hooks_of_loading_may_rename_and_complain(backend):
    layer = nn.Linear(1, 1, bias=False)

    def rename(module, state, prefix, metadata, strict, missing, unexpected, errors):
        if "old" in state:
            state[prefix + "weight"] = state.pop("old")
        errors.extend(f"too old: {name}" for name in state if name.startswith("ancient"))

    given = {"old": [[2.0]]}
    handle = layer.register_load_state_dict_pre_hook(rename)
    layer.load_state_dict(given)
    assert layer.weight.tolist() == [[2.0]] and list(given) == ["old"]
    with pytest.raises(nn.StateError, match=r"(?s)unexpected.*ancient.w.*too old: ancient.w"):
        layer.load_state_dict({"old": [[3.0]], "ancient.w": [[1.0]]})
    handle.remove()
    with pytest.raises(nn.StateError, match="missing in the state: weight"):
        layer.load_state_dict(given)
    assert layer.weight.tolist() == [[2.0]]


def test_hooks_after_loading_run_from_the_inside_and_may_forgive(backend):
    model, order = nn.Sequential(nn.Linear(1, 1), nn.Tanh()), []
    for name, part in model.named_modules():
        part.register_load_state_dict_post_hook(lambda m, keys, name=name: order.append((name, m.training)))
    model.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
    result = model.load_state_dict({"0.weight": [[5.0]]})
    assert [name for name, _ in order] == ["0", "1", ""]
    assert result.missing_keys == [] and model[0].weight.tolist() == [[5.0]]


@pytest.mark.parametrize("assign", [False, True])
@pytest.mark.parametrize("fault", ["raises", "does not forgive", "answers"])
def test_all_is_as_before_when_a_hook_after_loading_fails(backend, fault, assign):
    model = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1))
    before, memory = copy.deepcopy(values(model)), [p._array for p in model.parameters()]
    model(gpugrad.tensor([[1.0], [2.0]])).sum().backward()
    before = values(model)
    gradient = model[0].weight.grad

    def hook(module, keys):
        if fault == "raises":
            raise KeyError("in the hook")
        return True if fault == "answers" else None

    model.register_load_state_dict_post_hook(hook)
    state = {name: np.full(np.shape(value), 7.0, "f4") for name, value in before.items() if name != "0.bias"}
    state["1.num_batches_tracked"] = np.asarray(7)
    with pytest.raises((KeyError, nn.StateError, TypeError)):
        model.load_state_dict(state, assign=assign)
    assert values(model) == before
    assert model[0].weight.grad is gradient
    assert [p._array is a for p, a in zip(model.parameters(), memory, strict=True)] == [True] * 4


class Counting(nn.Module):
    def __init__(self, limit=9):
        self.count, self.limit = 0, limit

    def get_extra_state(self):
        return {"count": self.count}

    def set_extra_state(self, state):
        if state["count"] > self.limit:
            raise OverflowError("too many")
        self.count = state["count"]


def test_extra_states_are_saved_and_loaded(backend):
    model = nn.Sequential(Counting(), nn.Linear(1, 1))
    model[0].count = 3
    state = model.state_dict()
    assert list(state) == ["0._extra_state", "1.weight", "1.bias"]
    twin = nn.Sequential(Counting(), nn.Linear(1, 1))
    twin.load_state_dict(state)
    assert twin[0].count == 3
    with pytest.raises(nn.StateError, match=r"missing in the state: 0\._extra_state"):
        twin.load_state_dict({"1.weight": [[1.0]], "1.bias": [1.0]})
    with pytest.raises(nn.StateError, match="unexpected in the state: _extra_state"):
        nn.Linear(1, 1).load_state_dict({**nn.Linear(1, 1).state_dict(), "_extra_state": 1})


def test_extra_states_are_taken_back_when_one_fails(backend):
    model = nn.Sequential(Counting(), Counting(limit=1), nn.Linear(1, 1, bias=False))
    before = values(model[2])
    with pytest.raises(OverflowError):
        model.load_state_dict({"0._extra_state": {"count": 5}, "1._extra_state": {"count": 5}, "2.weight": [[123.0]]})
    assert (model[0].count, model[1].count, values(model[2])) == (0, 0, before)


def test_assign_takes_over_memory_dtype_and_device(backend):
    model = nn.Sequential(nn.Linear(2, 1, bias=False), nn.BatchNorm1d(1, affine=False))
    kept = model[0].weight
    optimizer = gpugrad.optim.SGD(model.parameters(), lr=1.0)
    weight = gpugrad.asarray([[1.0, 2.0]], dtype=gpugrad.float64)
    state = {**model.state_dict(), "0.weight": weight, "1.running_mean": gpugrad.ones(1, dtype=gpugrad.float64)}
    model.load_state_dict(state, assign=True)
    assert model[0].weight is kept and kept.dtype == gpugrad.float64 and kept.requires_grad
    assert model[1].running_mean.dtype == gpugrad.float64
    with gpugrad.no_grad():
        weight[0, 0] = 9.0
    assert kept.tolist() == [[9.0, 2.0]], "one memory"
    (kept * gpugrad.ones((1, 2), dtype=gpugrad.float64)).sum().backward()
    optimizer.step()
    assert kept.tolist() == [[8.0, 1.0]], "the optimizer knows the parameter still"


@pytest.mark.parametrize("value", [gpugrad.ones((1, 2), dtype=gpugrad.int64), gpugrad.ones((1, 3))], ids=str)
def test_assign_refuses_what_cannot_be_trained(value):
    layer = nn.Linear(2, 1, bias=False)
    with pytest.raises(nn.StateError, match="mismatch for weight"):
        layer.load_state_dict({"weight": value}, assign=True)


def test_assigned_read_only_arrays_can_still_be_trained():
    array = np.ones((1, 1), "f4")
    array.flags.writeable = False
    layer = nn.Linear(1, 1, bias=False)
    layer.load_state_dict({"weight": array}, assign=True)
    layer(gpugrad.ones(1)).sum().backward()
    gpugrad.optim.SGD(layer.parameters(), lr=1.0).step()
    assert layer.weight.tolist() == [[0.0]] and array[0, 0] == 1


@pytest.mark.parametrize(
    "junk",
    ["text", None, object(), [[1.0], [2.0, 3.0]], {"a": 1}, b"bytes", np.asarray(["x"])],
    ids=lambda x: type(x).__name__,
)
def test_what_is_no_tensor_is_named_among_the_faults(junk):
    layer = nn.Linear(2, 1)
    before = values(layer)
    with pytest.raises(nn.StateError, match=r"(?s)unexpected.*more.*(no tensor|size mismatch) for weight"):
        layer.load_state_dict({"weight": junk, "bias": [1.0], "more": 1})
    assert values(layer) == before


@pytest.mark.parametrize("state", ["model.safetensors", [("weight", 1)], None, 3])
def test_a_path_or_a_list_is_no_state(state):
    with pytest.raises(TypeError, match=r"takes a mapping of names to values, not .*load_safetensors\(path\)"):
        nn.Linear(1, 1).load_state_dict(state)


def test_tied_weights_are_loaded_once_and_stay_tied(backend):
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    model[1].weight = model[0].weight
    state = {name: gpugrad.eye(2) for name in ("0.weight", "1.weight")}
    for assign in (False, True):
        model.load_state_dict(state, assign=assign)
        assert model[1].weight is model[0].weight and len(list(model.parameters())) == 1
