"""What a module holds is found, moved, saved and loaded, and nothing is lost on the way."""

import copy
import pickle

import numpy as np
import pytest

import gpugrad
from gpugrad import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 3)
        self.scale = nn.Parameter(gpugrad.ones(3))
        self.register_buffer("mean", gpugrad.zeros(3))
        self.register_buffer("cache", gpugrad.zeros(1), persistent=False)
        self.register_buffer("absent", None)
        self.second = nn.Sequential(nn.Linear(3, 1), nn.Dropout(0.5))

    def forward(self, x):
        return self.second((self.first(x) - self.mean) * self.scale)


NAMES = ["scale", "first.weight", "first.bias", "second.0.weight", "second.0.bias"]


def names(pairs):
    return [name for name, _ in pairs]


def test_everything_is_found_by_name(backend):
    net = Net()
    assert names(net.named_parameters()) == NAMES
    assert names(net.named_parameters("net")) == [f"net.{name}" for name in NAMES]
    assert names(net.named_parameters(recurse=False)) == ["scale"]
    assert names(net.named_buffers()) == ["mean", "cache"]
    assert names(net.named_children()) == ["first", "second"]
    assert names(net.named_modules()) == ["", "first", "second", "second.0", "second.1"]
    assert list(net.state_dict()) == ["scale", "mean", "first.weight", "first.bias", "second.0.weight", "second.0.bias"]
    assert [id(p) for p in net.parameters()] == [id(p) for _, p in net.named_parameters()]
    assert [id(b) for b in net.buffers()] == [id(net.mean), id(net.cache)]


def test_a_shared_parameter_is_trained_once_and_saved_under_both_names():
    a, b = nn.Linear(2, 2), nn.Linear(2, 2)
    b.weight = a.weight
    net = nn.Sequential(a, b, a)
    assert names(net.named_parameters()) == ["0.weight", "0.bias", "1.bias"]
    assert len(list(net.parameters())) == 3
    assert len(list(net.named_parameters(remove_duplicate=False))) == 6
    assert list(net.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias", "2.weight", "2.bias"]
    assert names(net.named_children()) == ["0", "1"]


def test_a_parameter_is_not_lost_by_assigning_a_tensor():
    layer = nn.Linear(2, 2)
    with pytest.raises(TypeError, match="cannot assign Tensor as parameter 'weight'"):
        layer.weight = gpugrad.ones((2, 2))
    layer.bias = None
    assert names(layer.named_parameters()) == ["weight"]
    layer.weight = nn.Parameter(gpugrad.ones((2, 2)))
    assert layer(gpugrad.ones((1, 2))).tolist() == [[2.0, 2.0]]
    del layer.weight
    assert list(layer.parameters()) == []


def test_registering_checks_what_it_is_given():
    net = nn.Module()
    net.register_parameter("p", nn.Parameter(gpugrad.ones(1)))
    net.add_module("m", nn.Identity())
    assert (names(net.named_parameters()), names(net.named_children())) == (["p"], ["m"])
    for call in (net.register_parameter, net.add_module, net.register_buffer):
        with pytest.raises(TypeError, match="'x' must be a .* not float"):
            call("x", 1.0)


def test_train_and_eval_reach_every_module():
    net = Net()
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    assert all(module.training for module in net.train().modules())


def test_apply_visits_the_innermost_first():
    seen = []
    Net().apply(lambda module: seen.append(type(module).__name__))
    assert seen == ["Linear", "Linear", "Dropout", "Sequential", "Net"]


def test_freezing_stops_gradients(backend):
    net = Net().eval()
    net.first.requires_grad_(False)
    net(gpugrad.ones((1, 2))).sum().backward()
    assert net.first.weight.grad is None
    assert net.scale.grad is not None


def test_zero_grad_forgets_or_writes_zeros(backend):
    net = Net().eval()
    net(gpugrad.ones((1, 2))).sum().backward()
    mine = net.scale.grad
    net.zero_grad(set_to_none=False)
    assert net.scale.grad is mine and mine.tolist() == [0.0] * 3
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


def test_moving_keeps_the_parameters_and_their_gradients(backend):
    net = Net().eval()
    x = gpugrad.ones((1, 2))
    net(x).sum().backward()
    kept = list(net.parameters())
    wanted = net(x).item()
    assert net.to(gpugrad.float64) is net
    assert all(a is b for a, b in zip(kept, net.parameters(), strict=True))
    assert (
        {p.dtype for p in kept} == {p.grad.dtype for p in kept} == {b.dtype for b in net.buffers()} == {gpugrad.float64}
    )
    assert net(x.to(gpugrad.float64)).item() == pytest.approx(wanted, rel=1e-6)
    net.zero_grad()
    net(x.to(gpugrad.float64)).sum().backward()
    assert net.scale.grad.dtype == gpugrad.float64


def test_moving_between_devices():
    net = Net().eval()
    wanted = net(gpugrad.ones((1, 2))).item()
    with gpugrad.use_backend("strict"):
        net.to("strict")
        assert {str(p.device) for p in net.parameters()} == {"strict:CPU_DEVICE"}
        result = net(gpugrad.ones((1, 2)))
        result.sum().backward()
        assert result.item() == pytest.approx(wanted, rel=1e-6)
        assert str(net.scale.grad.device) == "strict:CPU_DEVICE"
    net.cpu()
    assert {str(t.device) for t in [*net.parameters(), *net.buffers(), net.scale.grad]} == {"cpu"}


def test_integers_are_moved_but_keep_their_dtype(backend):
    net = nn.Module()
    net.register_buffer("count", gpugrad.arange(3))
    net.p = nn.Parameter(gpugrad.ones(1))
    net.to(gpugrad.float64)
    assert net.count.dtype == gpugrad.int64
    with pytest.raises(gpugrad.errors.GradientError, match="int64"):
        net.to(gpugrad.int64)
    assert net.p.dtype == gpugrad.float64


def test_a_state_goes_into_another_module(backend):
    a, b = Net().eval(), Net().eval()
    with gpugrad.no_grad():
        a.mean.copy_(gpugrad.tensor([1.0, 2.0, 3.0]))
    result = b.load_state_dict(a.state_dict())
    assert repr(result) == "<All keys matched successfully>"
    x = gpugrad.ones((4, 2))
    assert b(x).tolist() == a(x).tolist()
    with gpugrad.no_grad():
        a.scale.zero_()
    assert b.scale.tolist() == [1.0] * 3, "values are copied"


def test_a_state_shares_memory_and_is_outside_the_graph(backend):
    net = nn.Linear(2, 1)
    state = net.state_dict(prefix="net.")
    assert not state["net.weight"].requires_grad
    state["net.weight"].zero_()
    assert net.weight.tolist() == [[0.0, 0.0]]
    assert net.state_dict(keep_vars=True)["weight"] is net.weight


def test_arrays_of_another_dtype_are_taken_over(backend):
    net = nn.Linear(2, 1)
    net.load_state_dict({"weight": np.asarray([[1.5, 2.5]]), "bias": [3.0]})
    assert (net.weight.tolist(), net.weight.dtype) == ([[1.5, 2.5]], gpugrad.float32)


def test_all_that_does_not_fit_is_named_at_once_and_nothing_changes(backend):
    net = Net()
    before = copy.deepcopy(net.state_dict())
    state = copy.deepcopy(before)
    del state["scale"], state["first.bias"]
    state["mean"] = gpugrad.ones(4)
    state["first.weight"] = gpugrad.ones((3, 2), dtype=gpugrad.complex64)
    state["second.0.weight"] = gpugrad.ones((1, 3))
    state["other"] = gpugrad.ones(1)
    state["more"] = gpugrad.ones(1)
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(state)
    lines = [line.strip() for line in str(caught.value).splitlines()]
    assert lines == [
        "the state does not fit Net:",
        "missing in the state: scale, first.bias",
        "unexpected in the state: other, more",
        "size mismatch for mean: (4,) in the state, (3,) in the module",
        "dtype mismatch for first.weight: complex64 in the state, float32 in the module",
    ]
    assert isinstance(caught.value, nn.StateError)
    with pytest.raises(nn.StateError, match="mismatch"):
        net.load_state_dict(state, strict=False)
    assert {k: v.tolist() for k, v in net.state_dict().items()} == {k: v.tolist() for k, v in before.items()}


def test_missing_and_unexpected_names_can_be_passed_over(backend):
    net = nn.Linear(2, 1)
    result = net.load_state_dict({"bias": gpugrad.ones(1), "other": gpugrad.ones(1)}, strict=False)
    assert (result.missing_keys, result.unexpected_keys) == (["weight"], ["other"])
    assert net.bias.tolist() == [1.0]


def test_a_graph_gets_the_values_from_before_loading(backend):
    net = nn.Linear(2, 1, bias=False)
    values = net.weight.tolist()
    x = gpugrad.ones((1, 2), requires_grad=True)
    loss = net(x).sum()
    net.load_state_dict({"weight": gpugrad.zeros((1, 2))})
    loss.backward()
    assert [x.grad.tolist()[0]] == values


def test_copies_and_pickles_are_modules_of_their_own(backend):
    net = Net().eval()
    x = gpugrad.ones((1, 2))
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert type(twin.scale) is nn.Parameter
        assert twin(x).tolist() == net(x).tolist()
        with gpugrad.no_grad():
            twin.scale.zero_()
        assert net.scale.tolist() == [1.0] * 3


def test_hooks_see_and_may_replace_what_a_module_returns(backend):
    layer, seen = nn.Identity(), []
    handle = layer.register_forward_hook(lambda module, args, result: seen.append((module, args[0], result)))
    x = gpugrad.ones(2)
    layer(x)
    assert seen == [(layer, x, x)]
    handle.remove()
    layer.register_forward_hook(lambda module, args, result: result * 2)
    assert layer(x).tolist() == [2.0, 2.0]
    assert len(seen) == 1


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match="forward"):
        nn.Module()(1)


def test_a_module_prints_as_in_pytorch():
    class Named(nn.Module):
        def __init__(self):
            self.inner = nn.Sequential(nn.Linear(2, 3, bias=False), nn.GELU())

        def extra_repr(self):
            return "extra=1"

    assert repr(Named()).splitlines() == [
        "Named(",
        "  extra=1",
        "  (inner): Sequential(",
        "    (0): Linear(in_features=2, out_features=3, bias=False)",
        "    (1): GELU(approximate='none')",
        "  )",
        ")",
    ]
