"""Lists and dicts of modules and parameters: found by the module that holds them, saved under PyTorch's names."""

import pytest

import gpugrad
from gpugrad import nn
from gpugrad.errors import OptionError


class Net(nn.Module):
    def __init__(self):
        self.layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
        self.heads = nn.ModuleDict({"a": nn.Linear(2, 1), "b": nn.Linear(2, 1)})
        self.scales = nn.ParameterList([gpugrad.ones(2), gpugrad.ones(1)])
        self.shifts = nn.ParameterDict({"x": gpugrad.zeros(2)})

    def forward(self, x):
        for layer in self.layers:
            x = layer(x) * self.scales[0] + self.shifts["x"]
        return [head(x) * self.scales[1] for head in self.heads.values()]


def names(module):
    return [name for name, _ in module.named_parameters()]


def test_all_parameters_are_found_saved_and_trained(backend):
    net = Net()
    expected = [f"layers.{i}.{p}" for i in range(3) for p in ("weight", "bias")]
    expected += ["heads.a.weight", "heads.a.bias", "heads.b.weight", "heads.b.bias", "scales.0", "scales.1", "shifts.x"]
    assert names(net) == list(net.state_dict()) == expected
    sum(z.sum() for z in net(gpugrad.ones((4, 2)))).backward()
    assert all(p.grad is not None for p in net.parameters())
    net.load_state_dict({name: value * 0 for name, value in net.state_dict().items()})
    assert net(gpugrad.ones((1, 2)))[0].item() == 0


LISTS = {"Sequential": lambda parts: nn.Sequential(*parts), "ModuleList": nn.ModuleList}


@pytest.mark.parametrize("kind", LISTS)
def test_a_list_of_modules_is_changed_like_a_list(kind):
    parts = [nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2), nn.Tanh()]
    module, model = LISTS[kind](parts), list(parts)

    def same():
        assert list(module) == model
        assert [name for name, _ in module.named_children()] == [str(i) for i in range(len(model))]

    same()
    extra = nn.Sigmoid()
    assert module.append(extra) is module
    model.append(extra)
    same()
    module.insert(1, other := nn.GELU())
    model.insert(1, other)
    same()
    assert module.pop(2) is model.pop(2)
    same()
    del module[-1], model[-1]
    same()
    del module[1:3], model[1:3]
    same()
    module.extend([nn.Identity()])
    model.extend([module[-1]])
    same()
    assert list(module[::-1]) == model[::-1]
    assert list(module + [extra]) == [*model, extra]  # noqa: RUF005 - the operator is what is tried
    assert model[0] in module and nn.Identity() not in module
    with pytest.raises(IndexError, match="index 7 is out of range"):
        module[7]


def test_a_list_of_modules_is_not_called():
    with pytest.raises(NotImplementedError, match="forward"):
        nn.ModuleList([nn.ReLU()])(gpugrad.ones(2))


@pytest.mark.parametrize("make", [lambda v: nn.ModuleList([v]), lambda v: nn.ModuleDict({"a": v})])
def test_what_is_no_module_is_refused(make):
    with pytest.raises(TypeError, match="not Tensor"):
        make(gpugrad.ones(2))


def test_a_dict_of_modules_is_changed_like_a_dict():
    heads = nn.ModuleDict([("b", nn.ReLU()), ("a", nn.Tanh())])
    assert list(heads) == ["b", "a"] == list(heads.keys())
    heads.update({"c": nn.GELU(), "a": nn.Sigmoid()})
    assert [type(m).__name__ for m in heads.values()] == ["ReLU", "Sigmoid", "GELU"]
    assert "c" in heads and len(heads) == 3
    assert type(heads.pop("b")) is nn.ReLU
    assert dict(heads.items()) == {"a": heads["a"], "c": heads["c"]}
    for change in (heads.__getitem__, heads.__delitem__, heads.pop):
        with pytest.raises(KeyError):
            change("training")
    heads.clear()
    assert list(heads) == []


@pytest.mark.parametrize("name", ["forward", "train", "", "a.b", 3, "keys"])
def test_a_name_that_cannot_be_an_attribute_is_refused(name):
    for made, part in ((nn.ModuleDict(), nn.ReLU()), (nn.ParameterDict(), gpugrad.ones(1))):
        with pytest.raises(OptionError, match="cannot be named"):
            made[name] = part


def test_lists_and_dicts_of_parameters_are_changed_like_theirs():
    weights = nn.ParameterList([gpugrad.ones(1)])
    weights.append(gpugrad.zeros(2)).extend([nn.Parameter(gpugrad.ones(3), requires_grad=False)])
    weights[-1] = gpugrad.full((3,), 2.0)
    assert [type(w) for w in weights] == [nn.Parameter] * 3
    assert weights[2].requires_grad and weights[2].tolist() == [2, 2, 2]
    assert [w.shape for w in weights[1:]] == [(2,), (3,)]
    named = nn.ParameterDict({"a": gpugrad.ones(1)})
    named["b"] = gpugrad.zeros(1)
    assert "b" in named and list(named.keys()) == ["a", "b"]
    assert named.pop("a").item() == 1 and list(named) == ["b"]
    with pytest.raises(TypeError, match="takes parameters and tensors, not float"):
        weights.append(1.0)


def test_copies_and_pictures_of_lists():
    import copy

    net = copy.deepcopy(Net())
    assert names(net) == names(Net())
    assert "(layers): ModuleList(\n    (0): Linear(in_features=2" in repr(net)
