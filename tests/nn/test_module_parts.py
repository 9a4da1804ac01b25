"""What a module consists of: found by name and path, set by rules that lose nothing, moved as a whole or not at all."""

import copy
import dataclasses

import pytest

import gpugrad
from gpugrad import nn
from gpugrad.errors import GradientError, OptionError


def nested():
    return nn.Sequential({"body": nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)), "head": nn.Linear(3, 1)})


# By name


def test_parts_are_found_by_their_dotted_names():
    model = nested()
    assert model.get_submodule("") is model
    assert model.get_submodule("body.1") is model[0][1]
    assert model.get_parameter("body.0.weight") is model[0][0].weight
    assert model.get_buffer("body.1.running_mean") is model[0][1].running_mean


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda m: m.get_submodule("body.7"), r"'body.7': Sequential.body has no module '7'; it has 0, 1"),
        (lambda m: m.get_submodule("head.weight"), r"Sequential.head has no module 'weight'; it has none"),
        (lambda m: m.get_submodule("training"), "has no module 'training'"),
        (lambda m: m.get_parameter("head.w"), "'head.w': Linear has no parameter 'w'; it has weight, bias"),
        (lambda m: m.get_parameter("body.1.running_mean"), "BatchNorm1d has no parameter 'running_mean'"),
        (lambda m: m.get_buffer("head.bias"), "Linear has no buffer 'bias'; it has none"),
        (lambda m: m.get_buffer(""), "has no buffer ''"),
        (lambda m: m.set_submodule("body.0.x.y", nn.Identity()), "has no module 'x'"),
        (lambda m: m.set_submodule("tail", nn.Identity(), strict=True), "has no module 'tail'"),
        (lambda m: m.set_submodule("head.weight", nn.Identity()), "has no module 'weight'"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said_with_what_is(call, match):
    with pytest.raises(AttributeError, match=match):
        call(nested())


def test_a_module_is_exchanged_by_its_path():
    model = nested()
    model.set_submodule("body.0", nn.Identity())
    model.set_submodule("tail", nn.Tanh())
    assert [type(m).__name__ for m in model.modules()][2:] == ["Identity", "BatchNorm1d", "Linear", "Tanh"]
    with pytest.raises(ValueError, match="'' names no place"):
        model.set_submodule("", nn.Tanh())
    with pytest.raises(TypeError, match="takes a Module, not int"):
        model.set_submodule("head", 3)


def test_walks_take_a_memo_and_a_prefix():
    model = nested()
    memo = {model.body}
    assert [name for name, _ in model.named_modules(memo, "m")] == ["m", "m.head"]
    assert memo == {model, model.body, model.head}
    assert [n for n, _ in model.named_buffers("m", recurse=False)] == []
    assert len(list(model.named_buffers("m"))) == 3


def test_modules_that_compare_by_value_are_still_told_apart():
    @dataclasses.dataclass
    class Scaled(nn.Module):
        factor: float

        def forward(self, x):
            return x * self.factor

    model = nn.Sequential(Scaled(2.0), Scaled(2.0))
    assert len(list(model.modules())) == 3
    assert model(gpugrad.ones(1)).tolist() == [4.0]
    assert len(model.eval().state_dict()) == 0


# Setting and deleting


@pytest.mark.parametrize(
    ("name", "value", "error", "match"),
    [
        ("weight", 1.0, TypeError, "cannot assign float as parameter 'weight'"),
        ("weight", nn.Identity(), TypeError, "cannot assign Identity as parameter"),
        ("inner", gpugrad.ones(1), TypeError, "cannot assign Tensor as module 'inner': its parameters would be lost"),
        ("mean", [0.0], TypeError, "cannot assign list as buffer 'mean'"),
        ("a.b", nn.Identity(), OptionError, "cannot be named 'a.b': a name has no dots"),
        ("", nn.Parameter(gpugrad.ones(1)), OptionError, "cannot be named ''"),
    ],
)
def test_no_assignment_loses_a_part(name, value, error, match):
    module = nn.Module()
    module.weight, module.inner = nn.Parameter(gpugrad.ones(1)), nn.Linear(1, 1)
    module.register_buffer("mean", gpugrad.zeros(1))
    before = dict(vars(module))
    with pytest.raises(error, match=match):
        setattr(module, name, value)
    assert vars(module) == before


@pytest.mark.parametrize("name", ["forward", "training", "to", "a.b", "", 3, "hidden"])
@pytest.mark.parametrize("register", ["register_buffer", "register_parameter", "add_module", "register_module"])
def test_no_part_takes_the_place_of_what_every_module_has(register, name):
    module = nn.Module()
    module.hidden = 64
    with pytest.raises(OptionError, match="already|cannot be named"):
        getattr(module, register)(name, None)
    assert module.hidden == 64 and module.training is True


@pytest.mark.parametrize(
    ("register", "value"),
    [
        ("register_buffer", gpugrad.zeros(1)),
        ("register_parameter", nn.Parameter(gpugrad.zeros(1))),
        ("add_module", nn.Identity()),
    ],
)
def test_a_part_is_registered_over_its_like_alone(register, value):
    module = nn.Module()
    module.register_parameter("parameter", nn.Parameter(gpugrad.ones(1)))
    module.add_module("module", nn.Identity())
    module.register_buffer("buffer", gpugrad.ones(1))
    before, alike = dict(vars(module)), {"add_module": "module"}.get(register, register.partition("_")[2])
    for name in {"parameter", "module", "buffer"} - {alike}:
        with pytest.raises(OptionError, match=f"has an attribute '{name}' already"):
            getattr(module, register)(name, value)
        assert vars(module) == before
    getattr(module, register)(alike, value)
    assert getattr(module, alike) is value


def test_a_deleted_buffer_is_forgotten(backend):
    module = nn.Module()
    module.register_buffer("mean", gpugrad.zeros(1))
    del module.mean
    module.mean = gpugrad.ones(1)
    assert list(module.buffers()) == [] and module.state_dict() == {}
    with pytest.raises(AttributeError, match="'Module' object has no attribute 'var'"):
        del module.var
    with pytest.raises(AttributeError, match="has no attribute 'var'"):
        module.var  # noqa: B018


def test_a_buffer_may_become_a_parameter(backend):
    module = nn.Module()
    module.register_buffer("scale", gpugrad.ones(2))
    module.scale = nn.Parameter(gpugrad.ones(2))
    assert [n for n, _ in module.named_parameters()] == ["scale"] and list(module.buffers()) == []
    assert list(module.state_dict()) == ["scale"]


def test_a_shallow_copy_has_buffers_of_its_own_names():
    module = nn.Module()
    module.register_buffer("a", gpugrad.zeros(1))
    twin = copy.copy(module)
    twin.register_buffer("b", gpugrad.zeros(1))
    module.b = gpugrad.zeros(1)
    assert [n for n, _ in module.named_buffers()] == ["a"]
    assert [n for n, _ in twin.named_buffers()] == ["a", "b"]


def test_a_property_that_fails_says_why():
    class Net(nn.Module):
        @property
        def width(self):
            return self.layer.out_features

    with pytest.raises(AttributeError, match="has no attribute 'layer'"):
        Net().width  # noqa: B018


def test_a_class_may_keep_a_part_in_evaluation():
    class Frozen(nn.BatchNorm1d):
        def train(self, mode=True):
            return super().train(False)

    model = nn.Sequential(nn.Sequential(Frozen(2)), nn.Dropout()).train()
    assert [m.training for m in model.modules()] == [True, True, False, True]
    with pytest.raises(OptionError, match="train takes True or False, not 'yes'"):
        model.train("yes")


# Moving


@pytest.mark.parametrize(
    ("move", "expected"),
    [
        (lambda m: m.double(), ["float64", "float64", "int64", "complex64"]),
        (lambda m: m.double().float(), ["float32", "float32", "int64", "complex64"]),
        (lambda m: m.to(dtype=gpugrad.float64), ["float64", "float64", "int64", "float64"]),
        (lambda m: m.type(gpugrad.float64), ["float64", "float64", "float64", "float64"]),
        (lambda m: m.to(gpugrad.ones(1, dtype=gpugrad.float64)), ["float64", "float64", "int64", "float64"]),
    ],
    ids=["double", "float", "to", "type", "to a tensor"],
)
@pytest.mark.filterwarnings("ignore:.*[Cc]omplex")
def test_dtypes(backend, move, expected):
    module = nn.Module()
    module.p = nn.Parameter(gpugrad.ones(1))
    module.register_buffer("mean", gpugrad.zeros(1))
    module.register_buffer("count", gpugrad.arange(2))
    module.register_buffer("phase", gpugrad.ones(1, dtype=gpugrad.complex64 if "complex64" in expected else None))
    kept = module.p
    assert move(module) is module and module.p is kept
    assert [t.dtype.name for t in (module.p, module.mean, module.count, module.phase)] == expected


def test_half_precision():
    layer = nn.Linear(2, 1).half()
    assert {p.dtype.name for p in layer.parameters()} == {"float16"}
    assert layer(gpugrad.ones(2, dtype=gpugrad.float16)).dtype.name == "float16"


def test_a_move_to_integers_is_refused_without_parameters_too(backend):
    layer = nn.BatchNorm1d(2, affine=False)
    for wanted in (gpugrad.int64, gpugrad.bool):
        for move in (layer.to, layer.type, lambda d: layer.to(dtype=d)):
            with pytest.raises(GradientError, match=f"dtypes, not {wanted}"):
                move(wanted)
    assert layer.running_mean.dtype == gpugrad.float32


def test_a_shared_buffer_stays_shared(backend):
    a, b = nn.Module(), nn.Module()
    a.register_buffer("mean", gpugrad.zeros(1))
    b.register_buffer("mean", a.mean)
    model = nn.Sequential(a, b).double()
    assert model[0].mean is model[1].mean and model[0].mean.dtype == gpugrad.float64


def test_a_move_that_fails_moves_nothing(backend):
    model = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
    before = [p._array for p in model.parameters()]
    with pytest.raises(gpugrad.errors.GpugradError):
        model.to("nowhere:3")
    assert all(a is p._array for a, p in zip(before, model.parameters(), strict=True))
